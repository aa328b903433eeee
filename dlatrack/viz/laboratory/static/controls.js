/** The controls that belong to a rule: its menu, its chief option, and a panel with all others. */

import { make, within } from "./dom.js";

const LEAST_PANEL = 210; // px of height

/** The default of every option of a rule, with the values that were chosen. */
export function allOptions(description, chosen) {
  return { ...Object.fromEntries(description.options.map((option) => [option.name, option.default])), ...chosen };
}

/** A field for one option; `changed` gets its value. */
export function optionField(option, value, changed) {
  const common = { "aria-label": option.title, title: option.text };
  if (option.kind === "bool") {
    const input = make("input", { type: "checkbox", ...common, onchange: () => changed(input.checked) });
    input.checked = value;
    return input;
  }
  if (option.kind === "choice") return menu(option.choices.map((choice) => [choice, choice]), value, changed, common);
  if (option.kind === "int" || option.kind === "float") return stepper(option, value, changed, common);
  const input = make("input", { type: "text", ...common, onchange: () => changed(input.value) });
  input.value = value;
  return input;
}

/** A drop-down list of [value, title] pairs. */
export function menu(entries, value, changed, given) {
  const select = make("select", given, ...entries.map(([each, title]) => make("option", { value: each, text: title })));
  select.value = value;
  select.addEventListener("change", () => changed(select.value));
  return select;
}

/** A number with a button on each side, large enough for a finger. */
export function stepper({ title, kind = "float", step = 1, min, max }, value, changed, given = {}) {
  const input = make("input", {
    type: "number",
    inputmode: kind === "int" ? "numeric" : "decimal",
    step: kind === "int" ? step : "any",
    min,
    max,
    ...given,
    oninput: () => input.value.trim() !== "" && changed(input.valueAsNumber),
  });
  const by = (way) => {
    const low = min ?? -Infinity;
    const next = Math.min(Math.max((input.valueAsNumber || 0) + way * step, low), max ?? Infinity);
    input.value = Number(next.toPrecision(9));
    changed(input.valueAsNumber);
  };
  input.addEventListener("keydown", (event) => {
    if (kind === "int" || (event.key !== "ArrowUp" && event.key !== "ArrowDown")) return;
    event.preventDefault();
    by(event.key === "ArrowUp" ? 1 : -1);
  });
  input.value = value;
  const button = (way, sign, word) =>
    make("button", { type: "button", text: sign, tabindex: -1, "aria-label": `${word}: ${title}`, onclick: () => by(way) });
  return make("span", { class: "dl-stepper" }, button(-1, "−", "less"), input, button(1, "+", "more"));
}

/** A label before a field. */
export function labelled(title, field) {
  return make("label", { class: "dl-field" }, make("span", { text: title }), field);
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
    if (event.newState === "open") placePanel(panel, button);
  });
  return panel;
}

/** Below the button, so that the pictures stay in sight, unless there is too little room; then above it. */
function placePanel(panel, button) {
  const at = button.getBoundingClientRect();
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
   * @param {function} changed called with the new {id, options, grid}
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
    return optionField(option, allOptions(this.description, this.side.options)[option.name], (value) =>
      this.changed({ ...this.side, options: { ...this.side.options, [option.name]: value } }),
    );
  }

  #options() {
    const [chief] = this.#chiefs();
    const [near, rest] = [false, true].map((more) =>
      this.description.options.filter((option) => option !== chief && Boolean(option.more) === more),
    );
    const entry = (option) =>
      make("div", { class: "dl-option" }, labelled(option.title, this.#field(option)), make("p", { text: option.text }));
    const grids = menu(
      this.data.grids.map(({ title }, number) => [number, title]),
      this.side.grid,
      (grid) => this.changed({ ...this.side, grid: Number(grid) }),
      { "aria-label": `grid of rule ${this.letter}` },
    );
    return [
      make("h3", { text: this.description.title }),
      this.description.text ? make("p", { text: this.description.text }) : "",
      make(
        "div",
        { class: "dl-options" },
        ...near.map(entry),
        make("div", { class: "dl-option" }, labelled("score grid", grids), make("p", { text: "points of the score map." })),
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
