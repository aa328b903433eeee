/** Positives per frame along a sequence, under two rules; a click or a drag goes to a frame. */

import { make, onceAFrame, within } from "./dom.js";

const PAD = { left: 30, right: 10, top: 8, bottom: 16 }; // px around the curves

export class Strip {
  /**
   * @param {number} length number of frames
   * @param {function} nameOf number of a frame in its video
   * @param {function} gone called with a frame to go there
   */
  constructor(length, nameOf, gone) {
    Object.assign(this, { length, nameOf, gone, frame: 0, series: [null, null], shown: [], colours: {} });
    this.canvas = make("canvas", { "aria-hidden": "true" });
    this.element = make(
      "div",
      {
        class: "dl-strip",
        tabindex: 0,
        role: "slider",
        "aria-label": "frame; arrow keys step",
        "aria-valuemin": nameOf(0),
        "aria-valuemax": nameOf(length - 1),
        onkeydown: (event) => this.#key(event),
        onpointerdown: (event) => this.#take(event),
      },
      this.canvas,
    );
    this.draw = onceAFrame(() => this.#draw());
    new ResizeObserver(this.draw).observe(this.element);
  }

  /** Show counts of both rules: {counts, empty, rescued} for the frames in `shown`, or for the first of them. */
  fill(series, shown) {
    Object.assign(this, { series, shown });
    this.draw();
  }

  /** Put the cursor at a frame; the text is what screen readers say of it. */
  point(frame, text) {
    this.frame = frame;
    this.element.setAttribute("aria-valuenow", this.nameOf(frame));
    this.element.setAttribute("aria-valuetext", text);
    this.draw();
  }

  #key(event) {
    const step = { ArrowLeft: -1, ArrowRight: 1, ArrowUp: 1, ArrowDown: -1, PageUp: 10, PageDown: -10 }[event.key];
    const to = { Home: 0, End: this.length - 1 }[event.key] ?? (step && this.frame + step);
    if (to === undefined || event.ctrlKey || event.metaKey || event.altKey) return;
    event.preventDefault();
    event.stopPropagation();
    this.gone(within(to, 0, this.length - 1));
  }

  #take(event) {
    if (event.button !== 0) return;
    const element = this.element;
    const go = (at) => {
      const place = element.getBoundingClientRect();
      const share = (at.clientX - place.left - PAD.left) / (place.width - PAD.left - PAD.right);
      this.gone(within(Math.round(share * (this.length - 1)), 0, this.length - 1));
    };
    const end = () => {
      element.removeEventListener("pointermove", go);
      for (const name of ["pointerup", "pointercancel"]) element.removeEventListener(name, end);
    };
    element.setPointerCapture(event.pointerId);
    element.addEventListener("pointermove", go);
    for (const name of ["pointerup", "pointercancel"]) element.addEventListener(name, end);
    go(event);
  }

  #draw() {
    const { canvas, element, length, shown, series } = this;
    const density = window.devicePixelRatio || 1;
    const [width, height] = [element.clientWidth, element.clientHeight];
    if (!width) return;
    Object.assign(canvas, { width: Math.round(width * density), height: Math.round(height * density) });
    const context = canvas.getContext("2d");
    context.scale(density, density);
    const style = getComputedStyle(element);
    const ink = style.getPropertyValue("--dl-ink-2");
    const line = style.getPropertyValue("--dl-line");
    const [floor, high] = [height - PAD.bottom, height - PAD.bottom - PAD.top];
    const most = Math.max(1, ...series.flatMap((one) => (one ? [maximum(one.counts)] : [])));
    const x = (frame) => PAD.left + (frame / Math.max(length - 1, 1)) * (width - PAD.left - PAD.right);
    const y = (count) => floor - (count / most) * high;
    context.font = `11px ${style.fontFamily}`;
    context.textAlign = "right";
    context.textBaseline = "middle";
    context.fillStyle = ink;
    context.fillText(most, PAD.left - 6, y(most) + 1);
    context.fillText("0", PAD.left - 6, floor);
    context.fillStyle = line;
    context.fillRect(PAD.left, floor, width - PAD.left - PAD.right, 1);
    series.forEach((one, side) => {
      const colour = legible(context, this.colours[side ? "second" : "first"], style.getPropertyValue("--dl-paper"));
      if (one) this.#curve(context, one, shown, side, colour, x, y, floor);
    });
    context.fillStyle = style.getPropertyValue("--dl-ink");
    context.fillRect(x(this.frame) - 1, 0, 2, floor);
    context.beginPath();
    context.arc(x(this.frame), floor + 0.5, 4.5, 0, 2 * Math.PI);
    context.fill();
  }

  #curve(context, { counts, empty, rescued }, shown, side, colour, x, y, floor) {
    const [dots, alone] = [[], []]; // frames without neighbours have no line
    context.beginPath();
    shown.slice(0, counts.length).forEach((frame, number) => {
      const next = number && shown[number - 1] === frame - 1;
      context[next ? "lineTo" : "moveTo"](x(frame), y(counts[number]));
      if (!next && !(shown[number + 1] === frame + 1 && number + 1 < counts.length)) alone.push([x(frame), y(counts[number])]);
      if (empty[number]) dots.push([x(frame), Boolean(rescued[number])]);
    });
    context.strokeStyle = colour;
    context.lineWidth = 2.2;
    context.lineJoin = "round";
    context.fillStyle = colour;
    context.setLineDash(side ? [] : [5, 3]);
    context.stroke();
    context.setLineDash([]);
    for (const [at, top] of alone) {
      context.beginPath();
      context.arc(at, top, 2.4, 0, 2 * Math.PI);
      context.fill();
    }
    for (const [at, saved] of dots) {
      const top = floor + (side ? 9 : 3);
      context.fillStyle = context.strokeStyle = colour;
      context.lineWidth = 1.4;
      context.beginPath();
      if (saved) {
        context.moveTo(at, top);
        context.lineTo(at + 3, top + 5);
        context.lineTo(at - 3, top + 5);
        context.fill();
      } else {
        context.moveTo(at - 2.5, top);
        context.lineTo(at + 2.5, top + 5);
        context.moveTo(at + 2.5, top);
        context.lineTo(at - 2.5, top + 5);
        context.stroke();
      }
    }
  }
}

/** A colour with the contrast of 3:1 to the paper that lines need: made darker on light paper, lighter on dark. */
function legible(context, colour, paper) {
  const bands = (value) => {
    context.fillStyle = value.trim();
    return [1, 3, 5].map((at) => parseInt(context.fillStyle.slice(at, at + 2), 16));
  };
  const linear = (band) => (band <= 10.3 ? band / 255 / 12.92 : ((band / 255 + 0.055) / 1.055) ** 2.4);
  const light = ([r, g, b]) => 0.2126 * linear(r) + 0.7152 * linear(g) + 0.0722 * linear(b);
  const ground = light(bands(paper));
  const goal = ground > 0.18 ? 0 : 255;
  let ink = bands(colour);
  for (let step = 0; step < 20; step++) {
    const [low, high] = [light(ink), ground].sort((a, b) => a - b);
    if ((high + 0.05) / (low + 0.05) >= 3.1) break;
    ink = ink.map((band) => Math.round(band + (goal - band) * 0.06));
  }
  return `rgb(${ink.join(" ")})`;
}

function maximum(values) {
  let most = 0;
  for (const value of values) most = Math.max(most, value);
  return most;
}
