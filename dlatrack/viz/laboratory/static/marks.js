/** The marks of samples on a search region, with the colours and shapes that Python's pictures have. */

import { within } from "./dom.js";

/** Points of a grid whose samples are positive, negative, or neither, and those that are candidates. */
export function byPoint(assignment, grid, anchors) {
  const points = grid.size * grid.size;
  const found = { positive: [], negative: [], ignored: [], candidate: [] };
  for (let point = 0; point < points; point++) {
    let best = -1;
    for (let anchor = 0; anchor < anchors; anchor++) {
      const label = assignment.labels[point * anchors + anchor];
      if (label === 1 || (label === 0 && best < 0)) best = label;
    }
    found[best === 1 ? "positive" : best === 0 ? "negative" : "ignored"].push(point);
  }
  if (assignment.candidates) {
    found.candidate = [...new Set(Array.from(assignment.candidates, (sample) => Math.floor(sample / anchors)))];
  }
  return found;
}

/** Place of a point of a grid, region px. */
export function centreOf(grid, point) {
  return [
    grid.offset + grid.stride * (point % grid.size),
    grid.offset + grid.stride * Math.floor(point / grid.size),
  ];
}

/** The point of a grid nearest to a place, or null if the place is more than a stride outside the grid. */
export function pointAt(grid, [x, y]) {
  const index = [x, y].map((value) => Math.round((value - grid.offset) / grid.stride));
  if (index.some((value) => value < 0 || value >= grid.size)) return null;
  return index[1] * grid.size + index[0];
}

/** The sample after a place, one step in a direction; without a place that nearest to the middle of the target. */
export function nextPlace({ target, shown }, from, [right, down]) {
  if (!shown[0]) return null;
  const { grid } = shown[0];
  const far = grid.offset + grid.stride * (grid.size - 1);
  const start = from ?? [(target[0] + target[2]) / 2, (target[1] + target[3]) / 2];
  const [x, y] = centreOf(grid, pointAt(grid, start.map((value) => within(value, grid.offset, far))));
  const step = from ? grid.stride : 0;
  return [x + right * step, y + down * step].map((value) => within(value, grid.offset, far));
}

const SHAPES = {
  disc: (path, x, y, r) => {
    path.moveTo(x + r, y);
    path.arc(x, y, r, 0, 2 * Math.PI);
  },
  diamond: (path, x, y, r) => polygon(path, [[x, y - r], [x + r, y], [x, y + r], [x - r, y]]),
  square: (path, x, y, r) => path.rect(x - 0.86 * r, y - 0.86 * r, 1.72 * r, 1.72 * r),
  triangle: (path, x, y, r) =>
    polygon(path, [[x, y - 1.1 * r], [x + 1.05 * r, y + 0.75 * r], [x - 1.05 * r, y + 0.75 * r]]),
};

function polygon(path, corners) {
  corners.forEach(([x, y], number) => (number ? path.lineTo(x, y) : path.moveTo(x, y)));
  path.closePath();
}

/**
 * Draw one shape at many places.
 *
 * @param {CanvasRenderingContext2D} context unit: region px
 * @param {string} shape a key of `SHAPES`
 * @param {number[][]} places (n, 2), region px
 * @param {number} radius region px
 * @param {object} look fill, edge and width of the edge, px
 */
export function drawShapes(context, shape, places, radius, { fill, edge, width = 0 }) {
  const path = new Path2D();
  for (const [x, y] of places) SHAPES[shape](path, x, y, radius);
  if (fill) {
    context.fillStyle = fill;
    context.fill(path);
  }
  if (edge) {
    context.strokeStyle = edge;
    context.lineWidth = width;
    context.stroke(path);
  }
}

/**
 * Draw the samples of one rule, the least important first.
 *
 * @param {CanvasRenderingContext2D} context unit: region px
 * @param {object} found result of `byPoint`
 * @param {object} grid size, stride and offset
 * @param {object} colours by meaning
 */
export function drawSamples(context, found, grid, colours) {
  const cell = grid.stride;
  const places = (kind) => found[kind].map((point) => centreOf(grid, point));
  drawShapes(context, "disc", places("ignored"), 0.08 * cell, { fill: colours.ignored });
  // Hundreds of negatives are a texture, a few are single samples.
  const many = found.negative.length > 80;
  drawShapes(context, "diamond", places("negative"), (many ? 0.2 : 0.32) * cell, {
    fill: colours.negative,
    edge: colours.dark,
    width: many ? 0.25 : 0.5,
  });
  drawShapes(context, "disc", places("candidate"), 0.47 * cell, { edge: colours.dark, width: 1.7 });
  drawShapes(context, "disc", places("candidate"), 0.47 * cell, { edge: colours.candidate, width: 1.1 });
  drawShapes(context, "disc", places("positive"), 0.34 * cell, { fill: colours.positive, edge: "#fff", width: 0.6 });
}

/** Thin outlines of positive anchors. */
export function drawAnchors(context, assignment, grid, shapes, colours) {
  context.strokeStyle = colours.positive;
  context.lineWidth = 0.7;
  context.globalAlpha = 0.85;
  assignment.labels.forEach((label, sample) => {
    if (label !== 1) return;
    const [x, y] = centreOf(grid, Math.floor(sample / shapes.length));
    const [w, h] = shapes[sample % shapes.length];
    context.strokeRect(x - w / 2, y - h / 2, w, h);
  });
  context.globalAlpha = 1;
}

/**
 * Places where one of two rules has a positive and the other has none, and where both have.
 *
 * @param {object[]} sides two of {found, grid}
 * @returns {object} `first`, `second` and `both`, each (n, 2) region px with the stride as third value
 */
export function differences(sides) {
  const [first, second] = sides.map(({ found, grid }) => {
    const places = new Map();
    for (const point of found.positive) places.set(centreOf(grid, point).join(), [...centreOf(grid, point), grid.stride]);
    return places;
  });
  const pick = (places, keep) => [...places].filter(([key]) => keep(key)).map(([, place]) => place);
  return {
    first: pick(first, (key) => !second.has(key)),
    second: pick(second, (key) => !first.has(key)),
    both: pick(first, (key) => second.has(key)),
  };
}

/** Draw where two rules differ. */
export function drawDifferences(context, different, colours) {
  const draw = (kind, shape, fill) => {
    for (const stride of new Set(different[kind].map((place) => place[2]))) {
      const places = different[kind].filter((place) => place[2] === stride);
      drawShapes(context, shape, places, 0.36 * stride, { fill, edge: "#fff", width: 0.6 });
    }
  };
  draw("both", "disc", colours.positive);
  draw("first", "square", colours.first);
  draw("second", "triangle", colours.second);
}

/** The box of which a network is surest. */
export function drawPredicted(context, [x1, y1, x2, y2], scale) {
  context.lineWidth = 1.6 / scale;
  for (const [colour, dashes] of [["#000", []], ["#fff", [5 / scale, 4 / scale]]]) {
    context.strokeStyle = colour;
    context.setLineDash(dashes);
    context.strokeRect(x1, y1, x2 - x1, y2 - y1);
  }
  context.setLineDash([]);
}

/** Mark the sample under the pointer. */
export function drawPointed(context, grid, point, scale) {
  if (point === null) return;
  const [x, y] = centreOf(grid, point);
  for (const [edge, width] of [["#000", 3.4], ["#fff", 1.6]]) {
    drawShapes(context, "disc", [[x, y]], 0.62 * grid.stride, { edge, width: width / scale });
  }
}
