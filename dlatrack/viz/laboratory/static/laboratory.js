/**
 * The laboratory: one search region under two rules, and where they differ.
 *
 * The host says where data come from: `data` (see `contents.py`), `region(frame)` gives a picture, `keep(setting)` is
 * told what is set. Where Python runs behind it there are also `assign` and `along` for rules that only Python knows, and
 * `box(frame, xywh)` for frames without a target.
 */

import { FramePicture, Stage, wholeView, zoomAround } from "./canvas.js";
import { RuleControls } from "./controls.js";
import { afterPause, make, onTheme, onceAFrame, within } from "./dom.js";
import { legend } from "./legend.js";
import { differences, drawAnchors, drawDifferences, drawPointed, drawPredicted, drawSamples, nextPlace, pointAt } from "./marks.js";
import { HandledBox, letDraw, letZoom } from "./pointer.js";
import { Message, Readout } from "./readout.js";
import { Session } from "./session.js";
import { SettingControls } from "./setting.js";
import { Strip } from "./strip.js";

const EXTENT = { width: 255, height: 255 };
const HINT = "Drag the box, its sides or its corners; click, then scroll, or pinch to zoom; point at a sample to see why.";
const DRAW = "No target is annotated in this frame; draw a box around it on picture A, or type x, y, w, h in px of the frame.";
const ABSENT = "No target is annotated in this frame; move on along the strip.";
const LETTERS = ["A", "B"];

/** The laboratory in an element. */
export class Laboratory {
  constructor(root, host) {
    this.root = root;
    this.host = host;
    this.session = new Session(host, (error, side) => this.#answered(error, `answer ${side}`), onceAFrame(() => this.#count()));
    this.view = wholeView();
    this.pictures = new FramePicture(host.region, host.data.frames, () => this.#answered());
    Object.assign(this, { pointed: null, playing: 0, painted: 0 });
    this.draw = onceAFrame(() => this.#draw());
    this.keep = afterPause(() => host.keep?.(this.session.setting), 150);
    this.speak = afterPause((text) => (this.live.textContent = text), 400);
    this.#build();
    this.#relabel({});
    this.#fill();
    this.pictures.load(this.session.setting.frame);
  }

  /** Ask again for what a host that is there again did not answer. */
  retry() {
    if (!this.pictures.fault) return;
    this.#relabel({}, "picture");
    this.pictures.load(this.session.setting.frame);
    this.#count();
  }

  /** End it, and empty the element. */
  end() {
    this.#play(false);
    this.watcher.disconnect();
    this.endThemes();
    this.root.replaceChildren();
  }

  #build() {
    const { data } = this.session;
    this.stages = ["search region under rule A", "search region under rule B", "where the rules differ"].map((label) => new Stage(this.view, EXTENT, label));
    this.boxes = this.stages.map(
      (stage, number) =>
        new HandledBox(stage, `target box on ${number < 2 ? `picture ${LETTERS[number]}` : "the difference"}`, (target) => {
          this.#play(false); // a key moves the box of the frame that is seen
          this.#relabel({ target });
        }),
    );
    const unknown = () => Boolean(this.host.box) && !this.session.target;
    letDraw(this.stages[0], unknown, (box, done) => this.#drawn(box, done));
    this.stages.forEach((stage, number) => {
      letZoom(stage, this.draw, (place) => this.#point(place));
      stage.element.addEventListener("pointerdown", () => this.boxes[number].element.focus({ preventScroll: true }));
      const halt = (event) => (unknown() || event.target.closest(".dl-box")) && this.#play(false);
      stage.element.addEventListener("pointerdown", halt, true);
    });
    this.controls = LETTERS.map(
      (letter, number) =>
        new RuleControls(letter, data, (side, field) => {
          const sides = [...this.session.setting.sides];
          sides[number] = side;
          this.#relabel({ sides }, field && letter + field);
          this.#fill();
        }),
    );
    const refused = (field, text) => this.#say(text, field);
    this.setting = new SettingControls(this.session, {
      changed: (part) => this.#relabel(part),
      reset: () => this.#reset(),
      given: (xywh) => this.#give(xywh ? { xywh } : {}),
      refused,
    });
    this.counts = [0, 1, 2].map(() => make("span", { class: "dl-count" }));
    this.titles = [0, 1].map(() => make("span", { class: "dl-title" }));
    this.strip = new Strip(data.frames, (frame) => this.session.nameOf(frame), (frame) => this.#go(frame));
    this.strip.colours = data.colours;
    this.playButton = make("button", { type: "button", class: "dl-play", onclick: () => this.#play(!this.playing) });
    this.readout = new Readout(LETTERS);
    this.message = new Message();
    this.live = make("p", { class: "dl-unseen", "aria-live": "polite" });
    this.where = make("span", { class: "dl-where" });
    this.root.classList.add("dl-lab");
    for (const [name, value] of Object.entries(data.colours)) this.root.style.setProperty(`--dl-${name}`, value);
    this.root.replaceChildren(this.#arranged(data));
    this.root.addEventListener("keydown", (event) => this.#key(event));
    this.watcher = new ResizeObserver(this.draw);
    for (const stage of this.stages) this.watcher.observe(stage.element);
    this.endThemes = onTheme(this.draw);
    this.#play(false);
  }

  #arranged(data) {
    const figure = (number, letter, title) =>
      make(
        "figure",
        { class: `dl-figure dl-figure-${number}` },
        make("figcaption", {}, letter ? make("b", { class: `dl-letter dl-letter-${letter}`, text: letter }) : null, title, this.counts[number]),
        this.stages[number].element,
        number < 2 ? this.controls[number].element : this.setting.element,
      );
    return make(
      "div",
      { class: "dl-room" },
      make(
        "header",
        { class: "dl-head" },
        make("span", { class: "dl-name", text: data.sequence, title: data.sequence }),
        this.where,
        make("span", { class: "dl-imagery", text: data.imagery }),
        this.setting.copy,
      ),
      legend(Boolean(data.trackers)),
      make(
        "div",
        { class: "dl-figures" },
        figure(0, "A", this.titles[0]),
        figure(1, "B", this.titles[1]),
        figure(2, "", make("span", { class: "dl-title", text: "Difference" })),
      ),
      make("div", { class: "dl-words" }, this.message.element, this.readout.element),
      make("div", { class: "dl-timeline" }, this.playButton, this.strip.element),
      make("p", { class: "dl-below", text: "Positives per frame of A (dashed) and B, as positive pairs. ▲ no sample satisfied the rule, so that its best candidate was taken; × no positive at all. Keys: arrows move the box (shift: by 8 px, alt: its corner); with alt and shift they point at samples." }),
      this.live,
    );
  }

  /** Change the setting, and show what follows; bad input leaves everything as it is. `field` is where it was given. */
  #relabel(part, field = Object.keys(part)[0]) {
    try {
      this.session.change(part);
    } catch (error) {
      this.#say(error.message, field);
      this.draw();
      return false;
    }
    this.#say("", field);
    if ("tracker" in part) this.#count();
    this.draw();
    this.keep();
    return true;
  }

  #say(text, field) {
    this.message.take(text, field);
    this.message.write(this.pictures.fault, this.session.target ? HINT : this.host.box ? DRAW : ABSENT);
  }

  /** Show what Python or the host has answered late. */
  #answered(error = null, field = "picture") {
    this.#say(error?.message ?? "", field);
    this.draw();
  }

  #fill() {
    for (const number of [0, 1]) this.controls[number].show(this.session.setting.sides[number]);
    this.#count();
    this.draw();
  }

  #count() {
    this.strip.fill([0, 1].map((number) => this.session.along(number)), this.session.annotated);
  }

  #go(frame) {
    const kept = this.session.annotated.length ? null : this.session.setting.target;
    if (this.#relabel({ frame, target: kept })) this.pictures.load(this.session.setting.frame);
  }

  /** Show a box that is being drawn on a whole frame, and take it once it is finished. */
  #drawn(box, done) {
    this.boxes[0].show(box);
    if (done) this.#give({ target: box });
  }

  /** Take a box of the present frame that is given by hand, or take it away. */
  async #give(given) {
    const { frame } = this.session.setting;
    try {
      await this.session.give(frame, given);
      this.host.forget?.(frame);
      this.#relabel({ target: null }, "frame");
      this.#fill();
      this.pictures.load(this.session.setting.frame);
    } catch (error) {
      this.boxes[0].show(null);
      this.#say(error.message, "target");
    }
  }

  #reset() {
    for (const box of this.boxes) box.letGo();
    Object.assign(this.view, wholeView());
    this.#relabel({ target: null }, "reset");
    if (this.pictures.fault) this.pictures.load(this.session.setting.frame);
  }

  #point(place, byKey = false) {
    Object.assign(this, { pointed: place, byKey });
    this.draw();
  }

  #play(on) {
    clearInterval(this.playing);
    this.playing = on ? setInterval(() => this.#next(), 125) : 0;
    this.playButton.textContent = on ? "❚❚" : "▶";
    this.playButton.setAttribute("aria-label", on ? "pause" : "play");
  }

  /** Go to the next frame, once the present one is seen with its labels. */
  #next() {
    const { setting, data, pending } = this.session;
    const seen = this.pictures.loaded === setting.frame && !pending;
    if (seen || this.pictures.fault) this.#go((setting.frame + 1) % data.frames);
  }

  /**
   * Keys that hold everywhere but in fields: space plays, comma and full stop step, +, - and 0 zoom, arrows with
   * alt and shift point at samples.
   */
  #key(event) {
    if (event.ctrlKey || event.metaKey) return;
    event.stopPropagation(); // a notebook around it has keys of its own
    if (event.target.closest("input, select, button, .dl-panel")) return;
    const { frame } = this.session.setting;
    const last = this.session.data.frames - 1;
    const [x1, y1, x2, y2] = this.session.target ?? [0, 0, 254, 254];
    const zoom = (factor) => {
      zoomAround(this.view, EXTENT, [(x1 + x2) / 2, (y1 + y2) / 2], factor);
      this.draw();
    };
    const way = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] }[event.key];
    const act = way ? event.altKey && event.shiftKey && (() => this.#point(nextPlace(this.session, this.pointed, way), true)) : {
      " ": () => this.#play(!this.playing),
      ",": () => this.#go(within(frame - 1, 0, last)),
      ".": () => this.#go(within(frame + 1, 0, last)),
      "+": () => zoom(1.4),
      "-": () => zoom(1 / 1.4),
      0: () => zoom(0),
      Escape: () => this.#reset(),
    }[event.key];
    if (!act) return;
    event.preventDefault();
    act();
  }

  #draw() {
    const { session, stages } = this;
    const { colours } = session.data;
    const { target, shown } = session;
    const both = shown.every(Boolean) ? shown : null;
    const { loaded, dimmed } = this.pictures;
    const missing = loaded === null;
    stages.forEach((stage, number) => {
      stage.element.classList.toggle("dl-missing", missing);
      if (missing) {
        stage.draw(null, () => {});
        this.boxes[number].show(null);
        return;
      }
      if (loaded !== session.setting.frame) return; // the last picture keeps its labels
      stage.draw(dimmed[number < 2 ? 0 : 1], (context, scale) => {
        const side = shown[number];
        if (side && target) {
          if (side.shapes.length > 1) drawAnchors(context, side.assignment, side.grid, side.shapes, colours);
          drawSamples(context, side.found, side.grid, colours);
        }
        if (number === 2 && both) drawDifferences(context, differences(both), colours);
        const grid = (shown[Math.min(number, 1)] ?? session.side(Math.min(number, 1))).grid;
        if (side?.assignment.best && target) drawPredicted(context, side.assignment.best, scale);
        if (this.pointed && target) drawPointed(context, grid, pointAt(grid, this.pointed), scale);
      });
      stage.element.classList.toggle("dl-zoomed", this.view.zoom > 1);
      stage.element.classList.toggle("dl-drawing", number === 0 && !target && Boolean(this.host.box));
      this.boxes[number].show(target);
    });
    this.#write(both);
    this.painted += 1;
    this.root.dataset.painted = this.painted;
    this.root.dataset.shown = loaded === session.setting.frame ? session.frameName : "";
  }

  #write(both) {
    const { session } = this;
    const { frame } = session.setting;
    const last = session.nameOf(session.data.frames - 1);
    this.where.textContent = `frame ${session.frameName} of ${session.nameOf(0)}..${last}`;
    const words = [0, 1].map((number) => {
      this.titles[number].textContent = session.side(number).description.title;
      const text = session.shown[number] ? `${session.counts(number).positive} positive` : "";
      this.counts[number].textContent = text;
      return `${LETTERS[number]}: ${text || (session.target ? "no labels" : "no target")}`;
    });
    if (both) {
      const different = differences(both);
      this.counts[2].textContent = `${different.first.length} A · ${different.both.length} both · ${different.second.length} B`;
      this.counts[2].title = "points: A alone, both, B alone";
    } else this.counts[2].textContent = "";
    this.readout.write(session, this.pictures.loaded === frame ? this.pointed : null);
    this.setting.show(this.view.zoom > 1);
    this.strip.point(frame, `frame ${session.frameName}; ${words.join("; ")}`);
    this.speak(this.byKey && this.pointed ? this.readout.text : `frame ${session.frameName}; ${words.join("; ")}`);
  }
}
