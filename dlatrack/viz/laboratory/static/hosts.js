/** Where the laboratory gets its data from: a saved page, or a widget with Python behind it. */

import { make } from "./dom.js";
import { Laboratory } from "./laboratory.js";
import { mountPicker } from "./picker.js";

const KEPT_PICTURES = 64;
const PATIENCE = 20000; // ms that the kernel has to answer
const NO_ANSWER = "Python does not answer; run the cell again once its kernel is there.";

/** Open the laboratory in a page that holds all its data. */
export function openPage(root, data) {
  const pictures = new Map();
  const region = async (frame) => {
    if (!pictures.has(frame)) pictures.set(frame, await decoded(`data:image/webp;base64,${data.pictures[frame]}`));
    return pictures.get(frame);
  };
  return new Laboratory(root, { data, region });
}

/** A picture from its address, ready to be drawn. */
async function decoded(address) {
  const image = make("img", { alt: "" });
  image.src = address;
  await image.decode();
  return image;
}

/** Questions to the kernel behind a widget, each with one answer. */
class Kernel {
  /**
   * @param {object} model of the widget
   * @param {function} awake called when a kernel that was busy with other cells answers after all
   */
  constructor(model, awake) {
    Object.assign(this, { model, awake });
    this.open = new Map();
    this.listen = (message, buffers) => this.#take(message, buffers);
    model.on("msg:custom", this.listen);
  }

  end() {
    this.model.off("msg:custom", this.listen);
  }

  ask(question) {
    const id = crypto.randomUUID?.() ?? String(Math.random());
    return new Promise((resolve, reject) => {
      const refuse = () => reject(new Error(NO_ANSWER));
      const late = () => {
        this.open.get(id).late = true;
        refuse();
      };
      this.open.set(id, { resolve, reject, late: false, timer: setTimeout(late, PATIENCE) });
      try {
        this.model.send({ ...question, id });
      } catch {
        clearTimeout(this.open.get(id).timer);
        this.open.delete(id);
        refuse(); // the kernel was restarted, and nothing there knows this widget
      }
    });
  }

  #take(message, buffers) {
    const asked = this.open.get(message.id);
    if (!asked) return;
    clearTimeout(asked.timer);
    this.open.delete(message.id);
    if (asked.late) this.awake();
    else if (message.error) asked.reject(new Error(message.error));
    else asked.resolve({ ...message, buffers });
  }
}

const TYPES = { int8: Int8Array, int32: Int32Array, float64: Float64Array };

/** Arrays of an answer from their bytes. */
function unpacked(answer) {
  const found = { ...answer };
  answer.arrays.forEach(([name, type], number) => {
    const view = answer.buffers[number];
    found[name] = new TYPES[type](view.buffer.slice(view.byteOffset, view.byteOffset + view.byteLength));
  });
  return found;
}

/** Open the laboratory in a widget. */
export function openWidget({ model, el }) {
  const kernel = new Kernel(model, () => shown?.laboratory.retry());
  const pictures = new Map();
  const region = async (frame) => {
    if (!pictures.has(frame)) {
      const asked = kernel.ask({ kind: "region", frame }).then(async ({ buffers }) => {
        const address = URL.createObjectURL(new Blob([buffers[0]], { type: "image/webp" }));
        return decoded(address).finally(() => URL.revokeObjectURL(address));
      });
      asked.catch(() => pictures.delete(frame));
      pictures.set(frame, asked);
      if (pictures.size > KEPT_PICTURES) pictures.delete(pictures.keys().next().value);
    }
    return pictures.get(frame);
  };
  const root = make("div");
  el.append(root);
  const assign = (question) => kernel.ask({ kind: "assign", ...question }).then(unpacked);
  const along = (question) => kernel.ask({ kind: "along", ...question });
  const box = (frame, given) => kernel.ask({ kind: "box", frame, ...given });
  const forget = (frame) => pictures.delete(frame);
  let shown = null; // what this view shows: its data, the setting as text, and the laboratory
  const show = () => {
    shown?.laboratory.end();
    const [contents, setting] = [model.get("contents"), model.get("setting")];
    const data = { ...contents, targets: [...contents.targets], setting };
    const view = (shown = { data, text: settingText(setting) });
    const keep = (changed) => {
      const text = settingText(changed);
      if (view !== shown || text === view.text) return;
      view.text = text;
      model.set("setting", changed);
      model.save_changes();
    };
    view.laboratory = new Laboratory(root, { data, region, keep, assign, along, box, forget });
  };
  const follow = () => {
    if (settingText(model.get("setting")) !== shown.text) show();
  };
  const followBoxes = () => {
    const changed = model.get("contents").targets.map((target, frame) => String(target) !== String(shown.data.targets[frame]));
    if (!changed.includes(true)) return;
    changed.forEach((other, frame) => other && forget(frame));
    show();
  };
  const events = [["change:setting", follow], ["change:contents", followBoxes]];
  for (const [event, act] of events) model.on(event, act);
  show();
  return () => {
    for (const [event, act] of events) model.off(event, act);
    shown.laboratory.end();
    shown = null;
    kernel.end();
  };
}

/** A setting as text, by which a view tells a change of another view from the echo of its own. */
function settingText(setting) {
  return JSON.stringify(Object.entries(setting).sort(([one], [other]) => (one < other ? -1 : 1)));
}

/** Open the picker of boxes in a widget. */
export function openPicker({ model, el }) {
  const root = make("div");
  el.append(root);
  const bytes = model.get("picture");
  const address = URL.createObjectURL(new Blob([bytes], { type: "image/webp" }));
  const image = decoded(address).finally(() => URL.revokeObjectURL(address));
  const [width, height] = model.get("size");
  const host = { image, extent: { width, height }, colours: model.get("colours"), boxes: () => model.get("boxes") };
  let fault = "";
  host.message = () => fault || model.get("message");
  host.keep = (boxes) => {
    try {
      model.send({ kind: "boxes" }); // tells a kernel that was restarted and knows nothing of this widget
      fault = "";
    } catch {
      fault = NO_ANSWER;
      return;
    }
    model.set("boxes", boxes);
    model.save_changes();
  };
  const picker = mountPicker(root, host);
  const events = ["change:boxes", "change:message"];
  for (const event of events) model.on(event, picker.show);
  return () => events.forEach((event) => model.off(event, picker.show));
}
