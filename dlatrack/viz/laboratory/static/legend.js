/** What the marks mean; always in sight. */

import { make } from "./dom.js";

const MARKS = [
  ["target", "M2.5 4.5h13v9h-13z", "dl-mark-target"],
  ["positive", "M9 3.5a5.5 5.5 0 1 0 .01 0z", "dl-mark-positive"],
  ["negative", "M9 4.2l4.8 4.8-4.8 4.8L4.2 9z", "dl-mark-negative"],
  ["ignored", "M9 7.4a1.6 1.6 0 1 0 .01 0z", "dl-mark-ignored"],
  ["candidate", "M9 3a6 6 0 1 0 .01 0z", "dl-mark-candidate"],
  ["positive in A alone", "M4.2 4.2h9.6v9.6H4.2z", "dl-mark-first"],
  ["in B alone", "M9 3l6 11H3z", "dl-mark-second"],
  ["in both", "M9 3.5a5.5 5.5 0 1 0 .01 0z", "dl-mark-positive"],
];

const PREDICTED = ["box of the network", "M2.5 4.5h13v9h-13z", "dl-mark-predicted"];

/** The legend, as a list; with the mark of predictions where there are networks. */
export function legend(predictions) {
  const entry = ([text, path, look]) =>
    make(
      "li",
      { class: path === MARKS[5][1] ? "dl-apart" : null },
      make("svg", { viewBox: "0 0 18 18", "aria-hidden": "true" }, make("path", { d: path, class: look })),
      text,
    );
  return make("ul", { class: "dl-legend", "aria-label": "meaning of the marks" }, ...(predictions ? [...MARKS.slice(0, 5), PREDICTED, ...MARKS.slice(5)] : MARKS).map(entry));
}
