/** The setting of the laboratory as a Python call. */

import { brief } from "./dom.js";
import { readShapes } from "./options.js";

/** A value as Python writes it. */
export function asPython(value) {
  if (value === true) return "True";
  if (value === false) return "False";
  if (value === null || value === undefined) return "None";
  if (Array.isArray(value)) return `(${value.map(asPython).join(", ")}${value.length === 1 ? "," : ""})`;
  if (typeof value === "object") {
    return `{${Object.entries(value).map(([name, each]) => `${JSON.stringify(name)}: ${asPython(each)}`).join(", ")}}`;
  }
  return typeof value === "string" ? JSON.stringify(value) : String(value);
}

/** The name and the options of a rule, as `explore` takes them. */
function ruleInPython({ description, chosen }) {
  const given = description.options
    .filter(({ name }) => name in chosen)
    .map(({ name, kind, default: usual }) => [name, kind === "shapes" ? readShapes(name, chosen[name]) : chosen[name], usual]);
  const changed = Object.fromEntries(given.filter(([, value, usual]) => String(value) !== String(usual)));
  return `(${JSON.stringify(description.rule)}, ${asPython({ ...description.fixed, ...changed })})`;
}

/**
 * A call that draws what is seen as a figure.
 *
 * @param {object} session the laboratory's session
 * @returns {string} two statements of Python
 */
export function pythonCall(session) {
  const { data, setting } = session;
  const given = [
    data.source === "" ? null : (data.source ?? "video  # your sequence"),
    `frame=${session.frameName}`,
    `rules=(\n        ${[0, 1].map((side) => ruleInPython(session.side(side))).join(",\n        ")},\n    )`,
  ];
  const grids = [0, 1].map((side) => session.side(side).grid);
  const usual = ({ size, stride, offset }) => size === 25 && stride === 8 && offset === 31;
  const needsGrid = !grids.every(usual);
  if (needsGrid) {
    given.push(`grids=(${grids.map(({ size, stride, offset }) => `ScoreGrid(${size}, ${stride}, ${offset})`).join(", ")})`);
  }
  const drawn = data.drawn?.[setting.frame];
  if (drawn) given.push(`box_xywh=(${drawn.map((value) => brief(value)).join(", ")})`);
  if (setting.target) given.push(`target_xyxy=(${setting.target.map((value) => brief(value)).join(", ")})`);
  if (setting.seed) given.push(`seed=${setting.seed}`);
  if (data.shift) given.push(`shift=${data.shift}`);
  if (!setting.positivePair) given.push("positive_pair=False");
  if (session.predicts) {
    given.push(`tracker=${JSON.stringify(setting.tracker)}`);
    if (data.snapshots?.some(([name]) => name === setting.tracker)) given.push(`run=${JSON.stringify(data.run)}`);
  }
  const lines = given.filter((text) => text !== null).map((text) => `    ${text.replace(/(  #.*)?$/, ",$1")}`);
  const needed = needsGrid ? "from dlatrack import ScoreGrid\n" : "";
  return `${needed}from dlatrack.viz.laboratory import picture\n\npicture(\n${lines.join("\n")}\n)`;
}
