/** A picture on a canvas, sharp on every screen, that can be enlarged and moved. */

import { make, within } from "./dom.js";

const LARGEST_ZOOM = 8;
const PATIENT = 250; // ms that the picture of the last frame stays

/** The part of a picture that is seen: its enlargement, and the px of the picture in the upper left corner. */
export function wholeView() {
  return { zoom: 1, x: 0, y: 0 };
}

/**
 * Enlarge a view around a point of the picture, which stays where it is.
 *
 * @param {object} view changed in place
 * @param {object} extent width and height of the picture, px
 * @param {number[]} at the point, picture px
 * @param {number} factor how much larger
 */
export function zoomAround(view, extent, at, factor) {
  const zoom = within(view.zoom * factor, 1, LARGEST_ZOOM);
  const share = view.zoom / zoom;
  moveView(view, extent, at[0] - (at[0] - view.x) * share, at[1] - (at[1] - view.y) * share, zoom);
}

/** Move a view, which stays within the picture. */
export function moveView(view, extent, x, y, zoom = view.zoom) {
  view.zoom = zoom;
  view.x = within(x, 0, extent.width * (1 - 1 / zoom));
  view.y = within(y, 0, extent.height * (1 - 1 / zoom));
}

/**
 * A canvas for a picture of `extent` px.
 */
export class Stage {
  /**
   * @param {object} view seen part, which several stages may share
   * @param {object} extent width and height of the picture, px
   * @param {string} label what the picture shows, for screen readers
   * @param {number} half px from the corner of the first pixel to (0, 0): 0.5 where coordinates count pixel centres
   */
  constructor(view, extent, label, half = 0.5) {
    this.view = view;
    this.extent = extent;
    this.half = half;
    this.canvas = make("canvas", { role: "img", "aria-label": label });
    this.element = make("div", { class: "dl-stage", tabindex: -1 }, this.canvas);
    this.element.style.aspectRatio = `${extent.width} / ${extent.height}`;
  }

  /** Screen px per picture px. */
  get scale() {
    return (this.element.clientWidth / this.extent.width) * this.view.zoom;
  }

  /** A point of the picture as a point of the element, screen px. */
  toScreen(x, y) {
    const scale = this.scale;
    return [(x + this.half - this.view.x) * scale, (y + this.half - this.view.y) * scale];
  }

  /** Where an event happened, picture px. */
  toPicture(event) {
    const place = this.element.getBoundingClientRect();
    const scale = this.scale;
    const left = place.left + this.element.clientLeft;
    const top = place.top + this.element.clientTop;
    return [
      (event.clientX - left) / scale + this.view.x - this.half,
      (event.clientY - top) / scale + this.view.y - this.half,
    ];
  }

  /**
   * Draw the picture and what lies on it.
   *
   * @param {CanvasImageSource|null} image the picture
   * @param {function} paint draws on a context whose unit is a picture px; also gets the screen px per picture px
   */
  draw(image, paint) {
    const { canvas, view, extent } = this;
    const density = window.devicePixelRatio || 1;
    const width = Math.round(this.element.clientWidth * density);
    const height = Math.round((this.element.clientWidth * density * extent.height) / extent.width);
    if (!width) return;
    if (canvas.width !== width || canvas.height !== height) Object.assign(canvas, { width, height });
    const context = canvas.getContext("2d");
    const scale = (width / extent.width) * view.zoom;
    context.setTransform(scale, 0, 0, scale, -view.x * scale, -view.y * scale);
    context.clearRect(0, 0, extent.width, extent.height);
    context.imageSmoothingQuality = "high";
    if (image) context.drawImage(image, 0, 0, extent.width, extent.height);
    context.translate(this.half, this.half);
    paint(context, scale / density);
  }
}

/**
 * A copy of a picture with less colour and less light, so that marks stand out.
 *
 * @param {HTMLImageElement} image the picture
 * @param {number} colour share of the colour that stays
 * @param {number} light share of the light that stays
 */
export function dimmedCopy(image, colour, light) {
  const [width, height] = [image.naturalWidth, image.naturalHeight];
  const canvas = make("canvas", { width, height });
  const context = canvas.getContext("2d", { willReadFrequently: true });
  context.drawImage(image, 0, 0);
  const pixels = context.getImageData(0, 0, width, height);
  const values = pixels.data;
  for (let i = 0; i < values.length; i += 4) {
    const grey = ((values[i] + values[i + 1] + values[i + 2]) / 3) * (1 - colour);
    for (let band = i; band < i + 3; band++) values[band] = light * (colour * values[band] + grey);
  }
  context.putImageData(pixels, 0, 0);
  return canvas;
}

/** The picture of the present frame, dimmed for marks; it may come late or not at all. */
export class FramePicture {
  /**
   * @param {function} region gives a promise of the picture of a frame
   * @param {number} frames number of frames
   * @param {function} changed called when there is another picture, or none
   */
  constructor(region, frames, changed) {
    Object.assign(this, { region, frames, changed });
    this.asked = null; // the present frame
    this.#take(null, [null, null], "");
  }

  /** `loaded` is the frame of the pictures in `dimmed`, null where there is none; `fault` says why there is none. */
  #take(loaded, dimmed, fault) {
    Object.assign(this, { loaded, dimmed, fault });
  }

  /** Get the picture of a frame. The last one stays for a moment. */
  async load(frame) {
    this.asked = frame;
    this.fault = "";
    if (this.loaded === frame) this.loaded = -1; // it is another picture once a box was drawn on a whole frame
    const present = () => frame === this.asked;
    const none = (fault) => {
      if (!present()) return;
      this.#take(null, [null, null], fault);
      this.changed();
    };
    const late = setTimeout(() => none(""), PATIENT);
    try {
      const picture = await this.region(frame);
      if (!present()) return;
      const copy = (colour, light) => dimmedCopy(picture, colour, light);
      this.#take(frame, [copy(0.55, 0.8), copy(0, 0.55)], ""); // for the rules, and for their difference
      this.changed();
      if (frame + 1 < this.frames) Promise.resolve(this.region(frame + 1)).catch(() => {}); // it is the likely next one
    } catch (error) {
      none(error.message);
    } finally {
      clearTimeout(late);
    }
  }
}
