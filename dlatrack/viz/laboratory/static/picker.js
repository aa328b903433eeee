/** Boxes of targets on a whole frame, drawn, moved or typed. */

import { Stage, wholeView } from "./canvas.js";
import { labelled } from "./controls.js";
import { brief, make, onceAFrame } from "./dom.js";
import { HandledBox, letDraw, letZoom } from "./pointer.js";

const PICKER_HINT = "Drag a box, its sides or its corners, or use the arrow keys; drag on the free picture to add a target.";

/**
 * Put the picker into an element.
 *
 * @param {object} host `image` (promise), `extent`, `colours` of the targets in turn, `boxes()` as xywh in frame px,
 *   `message()`, and `keep(boxes)`
 * @returns {object} `show` writes boxes and message again
 */
export function mountPicker(root, host) {
  const stage = new Stage(wholeView(), host.extent, "first frame with the boxes of the targets", 0);
  const handled = [];
  let [picture, chosen, wrong] = [null, 0, ""];
  const keep = (boxes) => {
    wrong = "";
    host.keep(boxes.map((box) => box.map((value) => Number(value.toFixed(2)))));
    show();
  };
  const corners = ([x, y, w, h]) => [x, y, x + w, y + h];
  const sizes = ([x1, y1, x2, y2]) => [x1, y1, x2 - x1, y2 - y1];
  const replaced = (number, box) => host.boxes().map((each, other) => (other === number ? sizes(box) : each));
  const text = make("input", { type: "text", "aria-label": "boxes x, y, w, h", title: "x, y, w, h in px of the frame, semicolons between targets; Enter takes them" });
  text.addEventListener("change", () => {
    const parts = text.value.split(";").filter((part) => part.trim());
    const boxes = parts.map((part) => part.split(/[\s,]+/).filter(Boolean).map(Number));
    const whole = boxes.length && boxes.every((box) => box.length === 4 && box.every(Number.isFinite));
    wrong = whole ? "" : `A box is x, y, w, h in px of the frame, with a semicolon before the next; got ${text.value.trim() || "nothing"}.`;
    if (whole) keep(boxes);
    else show();
  });
  text.addEventListener("blur", () => show()); // the boxes in force, in place of what was refused
  const remove = make("button", { type: "button", text: "Remove" , onclick: () => keep(host.boxes().filter((_, number) => number !== chosen)) });
  const message = make("p", { class: "dl-message", role: "status" });
  const draw = onceAFrame(() => {
    stage.draw(picture, () => {});
    show();
  });

  function show() {
    const boxes = host.boxes();
    while (handled.length < boxes.length) {
      const number = handled.length;
      const box = new HandledBox(stage, `target ${number + 1}`, (moved) => keep(replaced(number, moved)));
      box.element.style.setProperty("--dl-own", host.colours[number % host.colours.length]);
      box.element.dataset.number = number + 1;
      box.element.addEventListener("focus", () => {
        chosen = number;
        show();
      });
      handled.push(box);
    }
    handled.forEach((box, number) => box.show(boxes[number] ? corners(boxes[number]) : null));
    chosen = Math.min(chosen, boxes.length - 1);
    remove.textContent = `Remove target ${chosen + 1}`;
    remove.disabled = boxes.length < 2;
    if (text.getRootNode().activeElement !== text) {
      text.value = boxes.map((box) => box.map((value) => brief(value)).join(", ")).join("; ");
    }
    message.textContent = wrong || host.message() || PICKER_HINT;
    message.classList.toggle("dl-wrong", Boolean(wrong || host.message()));
  }

  let added = null;
  letDraw(stage, () => stage.view.zoom === 1, (box, done) => {
    if (!box) {
      if (added) keep(added);
      added = null;
      return;
    }
    added ??= [...host.boxes()];
    chosen = added.length;
    keep([...added, sizes(box)]);
    if (done) added = null;
  });
  letZoom(stage, draw);
  root.addEventListener("keydown", (event) => event.stopPropagation()); // a notebook around it has keys of its own
  root.classList.add("dl-picker");
  root.replaceChildren(stage.element, make("div", { class: "dl-row" }, labelled("Boxes", text), remove), message);
  new ResizeObserver(draw).observe(stage.element);
  host.image.then((image) => {
    picture = image;
    draw();
  });
  show();
  return { show };
}
