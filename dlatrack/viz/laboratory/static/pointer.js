/** A box that is moved by hand, and a picture that is enlarged and moved: mouse, pen and fingers alike. */

import { moveView, wholeView, zoomAround } from "./canvas.js";
import { make, within } from "./dom.js";

const SIDES = ["nw", "n", "ne", "e", "se", "s", "sw", "w"];
const LEAST_SIDE = 4; // of a box, px
const LEAST_DRAWN = 5; // screen px; less is a click
const TWO_FINGERS = "dl-two-fingers"; // event on a stage: what one finger began is given up
const SMALL = 26; // screen px; a smaller box is taken around it, and its handles stand further out
const WHEEL = 0.0016; // enlargement by one px of a wheel, as a logarithm

/** A box with its sides moved by (dx, dy), at least `LEAST_SIDE` long; `sides` is "", all, or a corner or side. */
export function moveSides(box, sides, dx, dy) {
  if (!sides) return [box[0] + dx, box[1] + dy, box[2] + dx, box[3] + dy];
  const [x1, y1, x2, y2] = box;
  return [
    sides.includes("w") ? Math.min(x1 + dx, x2 - LEAST_SIDE) : x1,
    sides.includes("n") ? Math.min(y1 + dy, y2 - LEAST_SIDE) : y1,
    sides.includes("e") ? Math.max(x2 + dx, x1 + LEAST_SIDE) : x2,
    sides.includes("s") ? Math.max(y2 + dy, y1 + LEAST_SIDE) : y2,
  ];
}

/** A box that still shows in the picture, moved back if it does not, with hundredths of a px. */
export function keptInside(box, extent) {
  const least = LEAST_SIDE;
  const dx = Math.max(least - box[2], 0) + Math.min(extent.width - 1 - least - box[0], 0);
  const dy = Math.max(least - box[3], 0) + Math.min(extent.height - 1 - least - box[1], 0);
  return [box[0] + dx, box[1] + dy, box[2] + dx, box[3] + dy].map((value) => Math.round(value * 100) / 100);
}

/** Keys that move a box: arrows by 1 px, with shift 8, with alt its lower right corner. Null: another key. */
export function movedByKey(box, event) {
  const way = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] }[event.key];
  if (!way || event.ctrlKey || event.metaKey || (event.altKey && event.shiftKey)) return null;
  const step = event.shiftKey ? 8 : 1;
  return moveSides(box, event.altKey ? "se" : "", way[0] * step, way[1] * step);
}

/** A box on a stage with handles at its sides and corners. */
export class HandledBox {
  /**
   * @param {Stage} stage the picture
   * @param {string} label its name for screen readers
   * @param {function} changed called with the new box, xyxy in picture px, while it moves
   */
  constructor(stage, label, changed) {
    this.stage = stage;
    this.changed = changed;
    this.box = null;
    this.element = make(
      "div",
      { class: "dl-box", tabindex: 0, role: "slider", "aria-label": label, "aria-valuemin": 0, "aria-valuemax": stage.extent.width, hidden: true },
      ...SIDES.map((side) => make("span", { class: `dl-handle dl-${side}`, "data-sides": side })),
    );
    this.element.addEventListener("pointerdown", (event) => this.#take(event));
    this.element.addEventListener("keydown", (event) => this.#key(event));
    this.letGo = () => {};
    stage.element.addEventListener(TWO_FINGERS, () => this.letGo());
    stage.element.append(this.element);
  }

  /** Show the box (4,) at its place; null hides it. */
  show(box) {
    this.box = box;
    this.element.hidden = !box;
    if (!box || !this.stage.element.clientWidth) return; // there are no sizes while the page is hidden
    const [left, top] = this.stage.toScreen(box[0], box[1]);
    const [right, bottom] = this.stage.toScreen(box[2], box[3]);
    const style = this.element.style;
    style.transform = `translate(${left}px, ${top}px)`;
    style.width = `${right - left}px`;
    style.height = `${bottom - top}px`;
    const side = Math.min(right - left, bottom - top);
    style.setProperty("--dl-inner", `${side < SMALL ? (side - SMALL) / 2 : within(side / 4, 2, 9)}px`);
    this.element.setAttribute("aria-valuenow", Math.round((box[0] + box[2]) / 2));
    this.element.setAttribute("aria-valuetext", `x1, y1, x2, y2: ${box.map((value) => Math.round(value)).join(", ")}`);
  }

  #take(event) {
    if (event.button !== 0 || !event.isPrimary) return;
    event.preventDefault();
    event.stopPropagation();
    const { element, stage } = this;
    const sides = event.target.dataset.sides ?? "";
    const [start, box] = [stage.toPicture(event), this.box];
    const move = (moved) => {
      if (moved.pointerId !== event.pointerId) return;
      const now = stage.toPicture(moved);
      this.#offer(moveSides(box, sides, now[0] - start[0], now[1] - start[1]));
    };
    const end = (ended) => {
      if (ended && ended.pointerId !== event.pointerId) return;
      if (ended?.type === "pointerup") move(ended);
      this.letGo = () => {};
      element.removeEventListener("pointermove", move);
      for (const name of ["pointerup", "pointercancel"]) element.removeEventListener(name, end);
      element.classList.remove("dl-held");
    };
    this.letGo = () => {
      end();
      this.changed(box);
    };
    element.setPointerCapture(event.pointerId);
    element.focus({ preventScroll: true });
    element.classList.add("dl-held");
    element.addEventListener("pointermove", move);
    for (const name of ["pointerup", "pointercancel"]) element.addEventListener(name, end);
  }

  #key(event) {
    const moved = this.box && movedByKey(this.box, event);
    if (!moved) return;
    event.preventDefault();
    event.stopPropagation();
    this.#offer(moved);
  }

  #offer(box) {
    this.box = keptInside(box, this.stage.extent); // a second key may come before this one is shown
    this.changed(this.box);
  }
}

/**
 * Let a box be drawn where there is none.
 *
 * @param {Stage} stage the picture
 * @param {function} allowed whether one may be drawn now
 * @param {function} drawing called with the box, xyxy in picture px, while it grows, and with true once it is finished;
 *   with null if it is given up, or was not larger than a click
 */
export function letDraw(stage, allowed, drawing) {
  const { element, extent } = stage;
  element.addEventListener("pointerdown", (event) => {
    if (event.button !== 0 || !event.isPrimary || !allowed()) return;
    event.stopImmediatePropagation();
    event.preventDefault();
    stage.drawing = true;
    const start = stage.toPicture(event);
    const boxTo = (moved) => {
      const ends = stage.toPicture(moved).map((value, axis) => within(value, 0, axis ? extent.height - 1 : extent.width - 1));
      const [x, y] = [0, 1].map((axis) => [start[axis], ends[axis]].sort((a, b) => a - b));
      return [x[0], y[0], x[1], y[1]];
    };
    const large = (box) => Math.min(box[2] - box[0], box[3] - box[1]) * stage.scale >= LEAST_DRAWN;
    const move = (moved) => {
      if (large(boxTo(moved))) drawing(boxTo(moved), false);
    };
    const end = (ended) => {
      stage.drawing = false;
      element.removeEventListener("pointermove", move);
      for (const name of ["pointerup", "pointercancel", TWO_FINGERS]) element.removeEventListener(name, end);
      if (ended.type === "pointerup" && large(boxTo(ended))) drawing(boxTo(ended), true);
      else drawing(null, false);
    };
    element.setPointerCapture(event.pointerId);
    element.addEventListener("pointermove", move);
    for (const name of ["pointerup", "pointercancel", TWO_FINGERS]) element.addEventListener(name, end);
  });
}

/**
 * Let a stage be enlarged with the wheel or two fingers, and moved while it is enlarged. The wheel scrolls the page, which
 * a picture on its way must not stop, until the picture is clicked or Ctrl is held.
 *
 * @param {Stage} stage the picture
 * @param {function} changed called after its view has changed
 * @param {function} pointed called with the picture px under the pointer; null when it leaves
 */
export function letZoom(stage, changed, pointed = () => {}) {
  const { element, view, extent } = stage;
  const fingers = new Map(); // those that touch the stage, on its box or beside it
  let held = false; // the box moves, not the picture
  const settle = () => {
    element.classList.toggle("dl-zoomed", view.zoom > 1);
    changed();
  };
  element.addEventListener(
    "wheel",
    (event) => {
      const taken = element.getRootNode().activeElement?.closest(".dl-stage");
      if (!taken && !event.ctrlKey && !event.metaKey) return;
      const before = view.zoom;
      const lines = event.deltaMode === 1 ? 24 : 1;
      zoomAround(view, extent, stage.toPicture(event).map((value) => value + stage.half), Math.exp(-event.deltaY * lines * WHEEL));
      if (view.zoom === before) return; // the page may scroll
      event.preventDefault();
      settle();
    },
    { passive: false },
  );
  element.addEventListener("dblclick", () => {
    Object.assign(view, wholeView());
    settle();
  });
  // Listens before the box does, which keeps its events to itself.
  element.addEventListener(
    "pointerdown",
    (event) => {
      if (event.button !== 0) return;
      element.focus({ preventScroll: true });
      if (event.pointerType === "touch") pointed(stage.toPicture(event));
      fingers.set(event.pointerId, event);
      if (fingers.size === 1) held = Boolean(event.target.closest(".dl-box"));
      if (fingers.size === 2) element.dispatchEvent(new CustomEvent(TWO_FINGERS));
      if (fingers.size > 1 || (view.zoom > 1 && !held)) element.setPointerCapture(event.pointerId);
    },
    true,
  );
  const steady = (event) => event.touches.length > 1 && event.cancelable && event.preventDefault(); // no scrolling
  for (const name of ["touchstart", "touchmove"]) element.addEventListener(name, steady, { passive: false });
  element.addEventListener("pointermove", (event) => {
    pointed(stage.toPicture(event), event);
    const before = fingers.get(event.pointerId);
    if (!before) return;
    if (fingers.size === 1 && view.zoom > 1 && !held && !stage.drawing) {
      const scale = stage.scale;
      moveView(view, extent, view.x - (event.clientX - before.clientX) / scale, view.y - (event.clientY - before.clientY) / scale);
      settle();
    } else if (fingers.size === 2) {
      const other = [...fingers.values()].find((finger) => finger.pointerId !== event.pointerId);
      const spread = (finger) => Math.hypot(finger.clientX - other.clientX, finger.clientY - other.clientY);
      const middle = { clientX: (event.clientX + other.clientX) / 2, clientY: (event.clientY + other.clientY) / 2 };
      const at = stage.toPicture(middle).map((value) => value + stage.half);
      zoomAround(view, extent, at, spread(event) / Math.max(spread(before), 1));
      settle();
    }
    fingers.set(event.pointerId, event);
  });
  for (const name of ["pointerup", "pointercancel"]) {
    element.addEventListener(name, (event) => {
      fingers.delete(event.pointerId);
      held &&= fingers.size > 0;
    });
  }
  element.addEventListener("pointerleave", (event) => event.pointerType !== "touch" && pointed(null));
}
