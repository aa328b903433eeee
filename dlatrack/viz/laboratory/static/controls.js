/** The controls that belong to a rule: its menu, its chief option, and a panel with all others. */

import { capital, make, within } from "./dom.js";

const LEAST_PANEL = 210; // px of height
const WIDEST_PANEL = 640; // px

/** Choices of options that are not plain words by themselves, by the name of the option. */
const WORDS = {
  positive_scope: { all: "all samples" },
  positive_centre: { inside: "inside" },
  std: { unbiased: "unbiased (n − 1)", biased: "biased (n)" },
  on_empty: { best: "the best candidate", strict: "none" },
  negative_pool: { rest: "all other samples", outside_target: "outside the target", low_iou: "IoU below 0.3" },
  negatives: { fixed: "samples less the most positives", fill: "samples less the positives kept" },
  negative_pairs: { window: "16 near the other object", inside: "all in its box" },
  counted: { singly: "single anchors", by_point: "points with all their anchors" },
};

/** The default of every option of a rule, with the values that were chosen. */
export function allOptions(description, chosen) {
  return { ...Object.fromEntries(description.options.map((option) => [option.name, option.default])), ...chosen };
}

/**
 * A field for one option.
 *
 * @param {object} option its description
 * @param {function} inForce gives the value that holds, which the field shows again after bad input
 * @param {function} changed called with its new value
 */
export function optionField(option, inForce, changed) {
  const value = inForce();
  const common = { "aria-label": option.title, title: option.text };
  if (option.kind === "bool") {
    const input = make("input", {
      type: "checkbox",
      ...common,
      onchange: () => {
        changed(input.checked);
        input.checked = inForce();
      },
    });
    input.checked = value;
    return input;
  }
  if (option.kind === "choice") {
    const select = menu(option.choices.map((choice) => [choice, inWords(option, choice)]), value, changed, common);
    select.addEventListener("change", () => (select.value = inForce()));
    return select;
  }
  if (option.kind === "int" || option.kind === "float") return stepper(option, inForce, changed, common);
  const input = make("input", {
    type: "text",
    ...common,
    onchange: () => changed(input.value),
    onblur: () => (input.value = shapesText(inForce())),
  });
  input.value = shapesText(value);
  return input;
}

/** A drop-down list of [value, title] pairs. */
export function menu(entries, value, changed, given) {
  const select = make("select", given, ...entries.map(([each, title]) => make("option", { value: each, text: title })));
  select.value = value;
  select.addEventListener("change", () => changed(select.value));
  return select;
}

/** A choice as readers know it. */
function inWords({ name, words }, choice) {
  return words?.[choice] ?? WORDS[name]?.[choice] ?? String(choice).replaceAll("_", " ");
}

/** The text of an option with its choices, and other options, in the words of the page. */
function textInWords(option, { options }) {
  const titles = new Map(options.map(({ name, title }) => [name, title.replace(/,.*/, "")]));
  const text = option.choices.reduce((all, choice) => all.replaceAll(`"${choice}"`, `"${inWords(option, choice)}"`), option.text);
  return capital(text.replace(/\b([a-z]+_\w+|inner|outer)\b/g, (name) => titles.get(name) ?? name.replaceAll("_", " ")));
}

/** Anchor shapes as they are typed; what is a text already stays. */
function shapesText(value) {
  return Array.isArray(value) ? value.map((shape) => shape.join("x")).join(", ") : value;
}

/**
 * A number with a button on each side, large enough for a finger. `changed` gets NaN for an emptied field; when the
 * field is left, it shows again what is in force.
 */
export function stepper({ title, kind = "float", step = 1, min, max }, inForce, changed, given = {}) {
  const input = make("input", {
    type: "number",
    inputmode: kind === "int" ? "numeric" : "decimal",
    step: kind === "int" ? step : "any",
    min,
    max,
    ...given,
    oninput: () => {
      if (input.value || inForce() !== null) changed(input.valueAsNumber);
      input.setAttribute("aria-invalid", String(input.valueAsNumber !== inForce()));
    },
    onblur: () => {
      input.value = inForce();
      input.setAttribute("aria-invalid", "false");
    },
  });
  const by = (way) => {
    const low = min ?? -Infinity;
    const next = Math.min(Math.max((input.valueAsNumber || 0) + way * step, low), max ?? Infinity);
    input.value = Number(next.toPrecision(9));
    changed(input.valueAsNumber);
    input.value = inForce();
  };
  input.addEventListener("keydown", (event) => {
    if (kind === "int" || (event.key !== "ArrowUp" && event.key !== "ArrowDown")) return;
    event.preventDefault();
    by(event.key === "ArrowUp" ? 1 : -1);
  });
  input.value = inForce();
  const button = (way, sign, word) =>
    make("button", { type: "button", text: sign, tabindex: -1, "aria-label": `${word}: ${title}`, onclick: () => by(way) });
  return make("span", { class: "dl-stepper" }, button(-1, "−", "less"), input, button(1, "+", "more"));
}

/** A label before a field. */
export function labelled(title, field) {
  const text = capital(title);
  return make("label", { class: "dl-field" }, make("span", { text, title: text }), field);
}

/** A panel that opens above everything else, beside its button, so that nothing moves. */
export function opensPanel(button, fill) {
  const panel = make("div", { class: "dl-panel", popover: "auto", role: "dialog", "aria-label": button.textContent });
  button.setAttribute("aria-expanded", "false");
  button.addEventListener("click", () => panel.togglePopover());
  panel.addEventListener("beforetoggle", (event) => {
    if (event.newState === "open") panel.replaceChildren(...fill());
  });
  panel.addEventListener("toggle", (event) => {
    button.setAttribute("aria-expanded", String(event.newState === "open"));
    if (event.newState === "open") keepPlaced(panel, button);
  });
  return panel;
}

/** Place a panel that opens, and again whenever the window changes or scrolls, until it closes. */
function keepPlaced(panel, button) {
  const changes = [["resize", window], ["scroll", document]];
  const place = (event) => {
    if (panel.contains(event?.target ?? null)) return; // it scrolls itself
    if (panel.isConnected && panel.matches(":popover-open")) return placePanel(panel, button);
    for (const [name, source] of changes) source.removeEventListener(name, place, true);
  };
  for (const [name, source] of changes) source.addEventListener(name, place, true);
  place();
}

/**
 * Options of a rule open upwards, beside the picture of their rule where there is room, so that its labels, the message
 * and the readout stay in sight. Other panels open below their button, or above it where there is more room.
 */
function placePanel(panel, button) {
  const at = button.getBoundingClientRect();
  panel.style.width = "";
  const figure = button.closest(".dl-figure");
  if (figure) {
    const beside = figure.nextElementSibling?.getBoundingClientRect();
    const wide = beside && beside.top < at.top && beside.left >= at.right;
    if (wide) panel.style.width = `${Math.min(WIDEST_PANEL, window.innerWidth - beside.left - 8)}px`;
    const floor = wide ? at.bottom : at.top - 6;
    panel.style.maxHeight = `${Math.max(floor - 8, LEAST_PANEL)}px`;
    const left = wide ? beside.left : within(at.right - panel.offsetWidth, 8, window.innerWidth - panel.offsetWidth - 8);
    Object.assign(panel.style, { left: `${Math.max(left, 8)}px`, top: `${Math.max(floor - panel.offsetHeight, 8)}px` });
    return;
  }
  const rooms = [at.top - 14, window.innerHeight - at.bottom - 14];
  const below = rooms[1] >= Math.min(panel.scrollHeight + 2, LEAST_PANEL) || rooms[1] > rooms[0];
  panel.style.maxHeight = `${rooms[Number(below)]}px`;
  const left = within(at.right - panel.offsetWidth, 8, window.innerWidth - panel.offsetWidth - 8);
  const top = below ? at.bottom + 6 : at.top - panel.offsetHeight - 6;
  Object.assign(panel.style, { left: `${Math.max(left, 8)}px`, top: `${top}px` });
}

/** The controls of one rule. */
export class RuleControls {
  /**
   * @param {string} letter A or B
   * @param {object} data rules and grids
   * @param {function} changed called with the new {id, options, grid}, and the name of the field
   */
  constructor(letter, data, changed) {
    Object.assign(this, { letter, data, changed });
    this.menu = menu(
      data.rules.map(({ id, title }) => [id, title]),
      null,
      (id) => changed({ ...this.side, id, options: {} }),
      { "aria-label": `rule ${letter}`, class: "dl-rule" },
    );
    this.chief = make("span", { class: "dl-chief" });
    this.button = make("button", { type: "button", text: "Options", "aria-label": `options of rule ${letter}` });
    this.panel = opensPanel(this.button, () => this.#options());
    this.element = make("div", { class: "dl-controls" }, this.menu, this.chief, this.button, this.panel);
  }

  /** The description of the rule that is chosen. */
  get description() {
    return this.data.rules.find(({ id }) => id === this.side.id);
  }

  /** Show a setting that came from elsewhere. */
  show(side) {
    const other = this.side?.id !== side.id;
    this.side = side;
    this.menu.value = side.id;
    if (!other) return;
    const [chief] = this.#chiefs();
    this.chief.replaceChildren(...(chief ? [labelled(chief.title, this.#field(chief))] : []));
  }

  #chiefs() {
    return this.description.options.filter((option) => !option.more && option.kind !== "choice");
  }

  #field(option) {
    const inForce = () => allOptions(this.description, this.side.options)[option.name];
    return optionField(option, inForce, (value) =>
      this.changed({ ...this.side, options: { ...this.side.options, [option.name]: value } }, option.name),
    );
  }

  #options() {
    const [chief] = this.#chiefs();
    const [near, rest] = [false, true].map((more) =>
      this.description.options.filter((option) => option !== chief && Boolean(option.more) === more),
    );
    const entry = (option) =>
      make("div", { class: "dl-option" }, labelled(option.title, this.#field(option)), make("p", { text: textInWords(option, this.description) }));
    const grids = menu(
      this.data.grids.map(({ title }, number) => [number, title]),
      this.side.grid,
      (grid) => this.changed({ ...this.side, grid: Number(grid) }),
      { "aria-label": `grid of rule ${this.letter}` },
    );
    grids.addEventListener("change", () => (grids.value = this.side.grid)); // what is in force
    return [
      make("h3", { text: this.description.title }),
      this.description.text ? make("p", { text: this.description.text }) : "",
      make(
        "div",
        { class: "dl-options" },
        ...near.map(entry),
        make("div", { class: "dl-option" }, labelled("score grid", grids), make("p", { text: "Points of the score map." })),
        ...rest.map(entry),
      ),
      make("button", {
        type: "button",
        class: "dl-quiet",
        text: "Back to the defaults",
        onclick: () => {
          this.panel.hidePopover();
          const { id, grid } = this.side;
          this.side = { ...this.side, id: null };
          this.changed({ id, grid, options: {} });
        },
      }),
    ];
  }
}
