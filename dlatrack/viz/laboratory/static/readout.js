/** What is written below the pictures: a message, and what each rule does with the sample under the pointer. */

import { make } from "./dom.js";
import { pointAt } from "./marks.js";

const FAR = ["frame", "reset", "sides", "tracker"]; // what changes so much that earlier messages mean nothing

/** One line: what is wrong, or what can be done. */
export class Message {
  constructor() {
    this.element = make("p", { class: "dl-message", role: "status" });
    this.wrong = { text: "", field: null };
  }

  /**
   * Take what is wrong with a field, until something is given well. What Python has refused stays until it answers, or
   * another rule, network or frame is chosen; and what it answers says nothing about fields.
   */
  take(text, field) {
    const late = (name) => Boolean(name) && (name === "picture" || name.startsWith("answer"));
    const apart = field !== this.wrong.field && (late(field) || (late(this.wrong.field) && !FAR.includes(field)));
    if (text || !apart) this.wrong = { text, field };
  }

  /** Write it; else a fault that lasts, else a hint. */
  write(fault, hint) {
    const wrong = this.wrong.text || fault;
    this.element.textContent = (wrong || hint).split("\n")[0];
    this.element.classList.toggle("dl-wrong", Boolean(wrong));
  }
}

/** Two lines, one for each rule: about the sample under the pointer, or what it found as a whole. */
export class Readout {
  constructor(letters) {
    this.letters = letters;
    this.lines = letters.map(() => make("p"));
    this.element = make(
      "div",
      { class: "dl-readout" },
      ...letters.flatMap((letter, number) => [
        make("b", { class: `dl-letter dl-letter-${letter}`, text: letter }),
        this.lines[number],
      ]),
    );
  }

  /** What is written, for screen readers. */
  get text() {
    return this.lines.map((line, number) => `${this.letters[number]}: ${line.textContent}`).join(" ");
  }

  /** Write about the sample nearest to a place, region px; null: about the rules. */
  write(session, place) {
    this.lines.forEach((line, number) => {
      const side = session.shown[number];
      const point = side && place ? pointAt(side.grid, place) : null;
      const [numbers, sentence] = !side ? ["", ""] : point === null ? summary(session, number) : aboutSample(session, number, point);
      line.replaceChildren(make("span", { class: "dl-numbers", text: numbers }), make("span", { text: sentence }));
      line.title = sentence;
    });
  }
}

function summary(session, number) {
  const { assignment } = session.shown[number];
  const counts = session.counts(number);
  const numbers = Object.entries(counts).map(([kind, count]) => `${count} ${kind}`);
  const { mean, std, threshold, rescued, empty } = assignment;
  let sentence = "";
  if (Number.isFinite(mean) && session.setting.positivePair) sentence = `T = mean + std = ${mean.toFixed(3)} + ${std.toFixed(3)} = ${threshold.toFixed(3)}.`;
  if (rescued) sentence += " No sample satisfies the rule; its best candidate is taken.";
  else if (empty && session.setting.positivePair) sentence += " No sample satisfies the rule.";
  return [numbers.join("   "), sentence];
}

function aboutSample(session, number, point) {
  const { fact, shape, why } = session.explain(number, point);
  const { assignment, description } = session.shown[number];
  const parts = [];
  if (shape) parts.push(`anchor ${shape[0]} × ${shape[1]}`);
  if (Number.isFinite(fact.iou)) parts.push(`IoU ${fact.iou.toFixed(3)}`);
  if (Number.isFinite(fact.distance)) {
    // Rectangles and ellipses measure in half sides of the target.
    const relative = assignment.distance && description.rule !== "circle";
    parts.push(relative ? `distance ${fact.distance.toFixed(2)}` : `distance ${fact.distance.toFixed(1)} px`);
  }
  if (Number.isFinite(fact.rank)) parts.push(`rank ${fact.rank}`);
  return [parts.join("   "), why];
}
