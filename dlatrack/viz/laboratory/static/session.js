/** What the laboratory is set to, and the labels that follow from it. No elements of the page. */

import { allOptions } from "./controls.js";
import { keyOf } from "./draws.js";
import { byPoint } from "./marks.js";
import { describeRules, inTitles } from "./options.js";
import { facts, reason } from "./reasons.js";
import { assign, countPositives } from "./rules.js";

const KEPT_COUNTS = 32;
const ASKED_FRAMES = 6; // few, so that labels do not wait for them

export class Session {
  /**
   * @param {object} host where data come from; see `laboratory.js`
   * @param {function} answered called when the kernel has answered for a rule
   * @param {function} progressed called when it has counted positives of some more frames
   */
  constructor(host, answered, progressed) {
    Object.assign(this, { host, answered, progressed, data: host.data, shown: [null, null], waiting: [null, null] });
    this.counting = [null, null]; // what is counted along the sequence for each side
    this.setting = { tracker: null, ...host.data.setting };
    describeRules(this.data.rules.filter(({ kernel }) => !kernel));
    this.counted = new Map();
  }

  /** Number of the present frame in its video. */
  get frameName() {
    return this.nameOf(this.setting.frame);
  }

  nameOf(frame) {
    return this.data.numbers ? this.data.numbers[frame] : frame;
  }

  /** The target of the present frame, region px; null where none is annotated and none was drawn. */
  get target() {
    return this.setting.target ?? this.data.targets[this.setting.frame];
  }

  /** Whether one of the rules looks at the predictions of a network. */
  get predicts() {
    return [0, 1].some((side) => this.side(side).description.predicts);
  }

  /** The rule of a side (0 or 1) with all its options and its grid. */
  side(number) {
    const chosen = this.setting.sides[number];
    const description = this.data.rules.find(({ id }) => id === chosen.id);
    return {
      description,
      chosen: chosen.options,
      options: allOptions(description, chosen.options),
      grid: this.data.grids[chosen.grid],
    };
  }

  /** Whether labels are still to come from Python. */
  get pending() {
    return this.waiting.some(Boolean);
  }

  /** Change some of the setting and label again; on bad input the setting stays, and the error is thrown. */
  change(part) {
    if (part.target) this.#checked(part.target, part.frame ?? this.setting.frame);
    const before = [this.setting, this.shown];
    this.setting = { ...this.setting, ...part };
    try {
      this.label();
    } catch (error) {
      [this.setting, this.shown] = before;
      throw error;
    }
  }

  /** Check a box that was moved or typed: it needs an area and has to show in the search region, if there is one. */
  #checked(target, frame) {
    if (!this.data.targets[frame]) {
      const way = this.host.box ? "draw a box around it on picture A" : "choose a frame that shows one";
      throw new Error(`No target is annotated in this frame, so that it has no search region for a box; ${way}.`);
    }
    const fits = target.length === 4 && target.every(Number.isFinite) && target[0] < target[2] && target[1] < target[3];
    if (fits && target[0] < 255 && target[1] < 255 && target[2] > 0 && target[3] > 0) return;
    const given = target.map((value) => (Number.isFinite(value) ? value : "no number")).join(", ") || "nothing";
    throw new Error(`A box is x1, y1, x2, y2 in px of the search region with x1 < x2 and y1 < y2, and shows within its 0 to 254; got ${given}.`);
  }

  /** Label the samples by both rules. Rules that only Python knows are answered later. */
  label() {
    if (!this.target) {
      this.shown = [null, null];
      return;
    }
    this.shown = [0, 1].map((number) => {
      const side = this.side(number);
      if (side.description.kernel) return this.#ask(number, side);
      const { seed, positivePair } = this.setting;
      try {
        return this.#look(side, assign(side.description.id, side.options, side.grid, this.target, positivePair, keyOf(seed)));
      } catch (error) {
        throw this.#named(error, number, side);
      }
    });
  }

  /** An error of a rule, which names its side. */
  #named(error, number, { description }) {
    return new Error(`Rule ${"AB"[number]}: ${inTitles(error.message, description)}`);
  }

  #look(side, assignment) {
    const shapes = assignment.shapes ?? side.description.shapes;
    const grid = assignment.grid ?? side.grid; // rules with predictions have that of the network
    return { ...side, grid, shapes, target: this.target, assignment, found: byPoint(assignment, grid, shapes.length) };
  }

  /**
   * Ask the kernel, one question at a time for each side. Until it answers, the last labels of the same frame and network
   * stay, those of another are gone.
   */
  #ask(number, side) {
    const { frame, seed, positivePair, tracker } = this.setting;
    const name = this.nameOf(frame);
    const question = { rule: side.description.rule, options: side.options, grid: side.grid, frame: name, seed, tracker };
    Object.assign(question, { target: this.target, positive_pair: positivePair });
    if (this.waiting[number]) this.waiting[number].next = [side, question, frame];
    else this.#send(number, side, question, frame);
    const last = this.shown[number];
    return last?.frame === frame && last.tracker === tracker && last.description.id === side.description.id ? last : null;
  }

  #send(number, side, question, frame) {
    const turn = (this.waiting[number] = { next: null });
    const { tracker } = question;
    const done = (error, answer) => {
      this.waiting[number] = null;
      const { setting } = this;
      const current = setting.sides[number].id === side.description.id && setting.frame === frame && setting.tracker === tracker;
      if (turn.next) this.#send(number, ...turn.next);
      if (!error && current) {
        const assignment = { ...answer, positivePair: question.positive_pair };
        this.shown[number] = { ...this.#look(side, assignment), target: question.target, frame, tracker };
      } else if (current && this.shown[number]) {
        this.#takeBack(number, side.chosen);
      }
      if (current) this.answered(error && this.#named(error, number, side), number);
    };
    this.host.assign(question).then((answer) => done(null, answer), (error) => done(error));
  }

  /** Options that Python has refused give way to those whose labels are shown. */
  #takeBack(number, refused) {
    const last = this.shown[number].chosen;
    const sides = [...this.setting.sides];
    if (sides[number].options !== refused || JSON.stringify(last) === JSON.stringify(refused)) return;
    sides[number] = { ...sides[number], options: last };
    this.setting = { ...this.setting, sides };
    this.host.keep?.(this.setting);
  }

  /** Positives along the sequence, {counts, empty, rescued} for the frames in `annotated`, or for the first of them. */
  along(number) {
    const { description, options, grid } = this.side(number);
    const tracker = description.predicts ? this.setting.tracker : null;
    const key = JSON.stringify([description.id, options, grid, tracker]);
    this.counting[number] = key;
    if (!this.counted.has(key)) {
      if (this.counted.size >= KEPT_COUNTS) this.counted.clear();
      if (description.kernel) {
        this.counted.set(key, { counts: [], empty: [], rescued: [] });
        this.#countInPython(key, { rule: description.rule, options, grid, tracker, seed: 0 }, description);
        return this.counted.get(key);
      }
      const targets = this.annotated.map((frame) => this.data.targets[frame]);
      this.counted.set(key, countPositives(description.id, options, grid, targets));
    }
    return this.counted.get(key);
  }

  /** Ask the kernel for the counts of a few frames at a time, as long as a side shows them. */
  async #countInPython(key, question, description) {
    const [found, frames] = [this.counted.get(key), this.annotated];
    try {
      for (let first = 0; first < frames.length; first += ASKED_FRAMES) {
        if (!this.counting.includes(key)) break;
        const asked = frames.slice(first, first + ASKED_FRAMES).map((frame) => this.nameOf(frame));
        const answer = await this.host.along({ ...question, frames: asked });
        for (const name of ["counts", "empty", "rescued"]) found[name].push(...answer[name]);
        this.progressed();
      }
    } catch (error) {
      const number = this.counting.indexOf(key);
      if (number >= 0) this.answered(this.#named(error, number, { description }), number);
    }
    if (found.counts.length < frames.length) this.counted.delete(key); // it begins anew when it is shown again
  }

  /**
   * Take a box that was given by hand in a frame; a promise.
   *
   * @param {number} frame the frame
   * @param {object} given `target` xyxy in px of the picture of the whole frame, or `xywh` in px of the frame; none of both
   *   takes the box away that was given before
   */
  async give(frame, given) {
    const answer = await this.host.box(this.nameOf(frame), given);
    this.data.targets[frame] = answer.target;
    this.data.drawn = { ...this.data.drawn, [frame]: answer.box };
    this.counted.clear();
  }

  /** Frames whose target is known. */
  get annotated() {
    const { targets } = this.data;
    return [...targets.keys()].filter((frame) => targets[frame]);
  }

  /** How many samples a side labels positive, negative and not at all. */
  counts(number) {
    const counts = { positive: 0, negative: 0, ignored: 0 };
    for (const label of this.shown[number].assignment.labels) {
      counts[label === 1 ? "positive" : label === 0 ? "negative" : "ignored"] += 1;
    }
    return counts;
  }

  /** Numbers and a sentence about the sample of a point that says most: a positive one, or the best by overlap. */
  explain(number, point) {
    const { description, options, grid, target, assignment, shapes } = this.shown[number];
    const anchors = Array.from(shapes, (_, anchor) => point * shapes.length + anchor);
    const given = [description.id, options, grid, target, assignment];
    const all = anchors.map((sample) => [sample, facts(...given, sample)]);
    const rank = ([, fact]) => (fact.label === "positive" ? 2 : 0) + (Number.isFinite(fact.iou) ? fact.iou : 0);
    const [sample, fact] = all.reduce((best, each) => (rank(each) > rank(best) ? each : best));
    const shape = shapes.length > 1 ? shapes[sample % shapes.length] : null;
    return { fact, shape, why: reason(...given, sample) };
  }
}
