/** The controls of what both rules share: box, seed, kind of pair, network; and the setting as Python. */

import { labelled, menu, opensPanel, stepper } from "./controls.js";
import { brief, make } from "./dom.js";
import { pythonCall } from "./python.js";

const LARGEST_SEED = 2 ** 31 - 1;

export class SettingControls {
  /**
   * @param {Session} session the laboratory's session
   * @param {function} changed called with the part of the setting that changes
   * @param {function} reset called to take the annotated box again
   * @param {function} given called with a box xywh in px of a frame that has none, or with null to take it away
   * @param {function} refused called with the name of a field and what is wrong with its value
   */
  constructor(session, { changed, reset, given, refused }) {
    this.session = session;
    this.box = make("input", {
      type: "text",
      "aria-label": "box x1, y1, x2, y2, px of the search region",
      title: "x1, y1, x2, y2 in px of the search region; Enter takes it. In a frame without a target: x, y, w, h in px of the frame.",
      onchange: () => this.#typed(changed, given),
      onblur: () => this.#write(),
    });
    this.back = make("button", { type: "button", text: "↺", "aria-label": "reset", title: "the annotated box, and the whole region", onclick: reset });
    this.remove = make("button", { type: "button", text: "✕", "aria-label": "remove the box that was drawn", title: "remove the box that was drawn, to draw another", hidden: true, onclick: () => given(null) });
    const named = { "aria-label": "seed of the draw of negatives", title: "seed of the draw of negatives" };
    const range = { title: "seed", kind: "int", min: 0, max: LARGEST_SEED };
    this.seed = stepper(range, () => session.setting.seed, (seed) => {
      const fits = Number.isInteger(seed) && seed >= 0 && seed <= LARGEST_SEED;
      if (fits) changed({ seed });
      else refused("seed", `The seed is a whole number in 0..${LARGEST_SEED}, got ${Number.isNaN(seed) ? "nothing" : seed}.`);
    }, named);
    this.pair = make("input", { type: "checkbox", onchange: () => changed({ positivePair: !this.pair.checked }) });
    this.trackers = session.data.trackers?.length
      ? menu([...session.data.snapshots, ...session.data.trackers], session.setting.tracker, (tracker) => changed({ tracker }), { "aria-label": "network" })
      : null;
    this.epochs = session.data.snapshots?.length ? this.#slider(session, changed) : null;
    this.element = make(
      "div",
      { class: "dl-controls dl-shared" },
      make("span", { class: "dl-row" }, labelled("Box", this.box), this.remove, this.back),
      make(
        "span",
        { class: "dl-row" },
        labelled("Seed", this.seed),
        make("label", { class: "dl-check", title: "the search region shows another object than the template" }, this.pair, "Negative pair"),
      ),
      this.trackers && labelled("Network", this.trackers),
      this.epochs && labelled("Epoch", this.epochs),
    );
    this.copy = make("span", { class: "dl-copy" });
    const button = make("button", { type: "button", text: "Copy as Python" });
    this.copy.append(button, opensPanel(button, () => this.#python()));
  }

  /** A slider over the snapshots of a training. */
  #slider({ data, setting }, changed) {
    const names = data.snapshots.map(([name]) => name);
    const slider = make("input", {
      type: "range",
      min: 0,
      max: names.length - 1,
      "aria-label": "epoch of the training",
      oninput: () => changed({ tracker: names[slider.valueAsNumber] }),
    });
    slider.value = Math.max(names.indexOf(setting.tracker), 0);
    return slider;
  }

  /** Show the setting where it is not being typed. */
  show(zoomed) {
    const { setting } = this.session;
    if (this.box.getRootNode().activeElement !== this.box) this.#write();
    this.pair.checked = !setting.positivePair;
    this.back.disabled = !setting.target && !zoomed;
    this.remove.hidden = !this.session.data.drawn?.[setting.frame];
    if (this.epochs) {
      const place = this.session.data.snapshots.findIndex(([name]) => name === setting.tracker);
      if (place >= 0) this.epochs.value = place;
      this.epochs.setAttribute("aria-valuetext", place < 0 ? "another network" : setting.tracker);
    }
    if (this.trackers) {
      this.trackers.value = setting.tracker;
      for (const field of [this.trackers, this.epochs]) field?.parentElement.classList.toggle("dl-idle", !this.session.predicts);
    }
  }

  /** Write the box in force. */
  #write() {
    const { target } = this.session;
    this.box.value = target ? target.map((value) => brief(value, 1)).join(", ") : "";
  }

  #typed(changed, given) {
    const numbers = this.box.value.split(/[\s,;()[\]]+/).filter(Boolean).map(Number);
    const { session } = this;
    if (session.host.box && !session.data.targets[session.setting.frame]) given(numbers);
    else changed({ target: numbers });
  }

  #python() {
    if (!this.session.target) return [make("p", { text: "This frame shows no target, so that there is no picture to draw." })];
    const text = pythonCall(this.session);
    const said = make("span", { role: "status" });
    const code = make("pre", { tabindex: 0 }, make("code", { text }));
    const write = async () => {
      try {
        await navigator.clipboard.writeText(text);
        said.textContent = "Copied.";
      } catch {
        getSelection().selectAllChildren(code);
        said.textContent = "Selected; copy it with the keys of your system.";
      }
    };
    write();
    return [make("p", { text: "This call draws the same picture as a figure:" }), code, make("button", { type: "button", text: "Copy", onclick: write }), said];
  }
}
