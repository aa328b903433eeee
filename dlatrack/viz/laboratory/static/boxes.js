// Boxes and the samples of a score map, in px of the search region; the arithmetic of dlatrack/boxes.py.

const MOST_KEPT_GRIDS = 16;
const keptSamples = new Map();

/** Coordinate of each column or row of the score map. */
export function axisOf(grid) {
  return Float64Array.from({ length: grid.size }, (_, index) => grid.offset + grid.stride * index);
}

/**
 * Every sample of a score map: sample n * m + a is anchor a of point n, points row by row.
 *
 * The corners, the centre and the area of each anchor are computed as in Python, so that they round alike.
 * The answer is kept and shared; nobody may change it.
 */
export function samplesOf(grid, shapes) {
  const key = `${grid.size} ${grid.stride} ${grid.offset} ${shapes.join(" ")}`;
  const found = keptSamples.get(key);
  if (found) return found;
  const axis = axisOf(grid);
  const perPoint = shapes.length;
  const count = grid.size * grid.size * perPoint;
  const columns = ["x1", "y1", "x2", "y2", "cx", "cy", "area"];
  const samples = Object.fromEntries(columns.map((name) => [name, new Float64Array(count)]));
  for (let sample = 0; sample < count; sample += 1) {
    const point = Math.floor(sample / perPoint);
    const x = axis[point % grid.size];
    const y = axis[Math.floor(point / grid.size)];
    const [width, height] = shapes[sample % perPoint];
    samples.x1[sample] = x - width / 2;
    samples.y1[sample] = y - height / 2;
    samples.x2[sample] = x + width / 2;
    samples.y2[sample] = y + height / 2;
    samples.cx[sample] = (samples.x1[sample] + samples.x2[sample]) / 2;
    samples.cy[sample] = (samples.y1[sample] + samples.y2[sample]) / 2;
    const across = Math.max(samples.x2[sample] - samples.x1[sample], 0);
    samples.area[sample] = across * Math.max(samples.y2[sample] - samples.y1[sample], 0);
  }
  if (keptSamples.size >= MOST_KEPT_GRIDS) keptSamples.clear();
  keptSamples.set(key, { ...samples, axis, count, perPoint, size: grid.size, points: grid.size * grid.size });
  return keptSamples.get(key);
}

/** Overlap of one sample with a target [x1, y1, x2, y2]: intersection over union. */
export function iouOf(samples, sample, [x1, y1, x2, y2]) {
  const width = Math.min(samples.x2[sample], x2) - Math.max(samples.x1[sample], x1);
  const height = Math.min(samples.y2[sample], y2) - Math.max(samples.y1[sample], y1);
  const intersection = Math.max(width, 0) * Math.max(height, 0);
  const union = samples.area[sample] + Math.max(x2 - x1, 0) * Math.max(y2 - y1, 0) - intersection;
  return intersection / (union > 0 ? union : 1);
}

/** Distance in px of a sample's centre to the nearest side of a target, negative outside it. */
export function depthOf(samples, sample, [x1, y1, x2, y2]) {
  const x = samples.cx[sample];
  const y = samples.cy[sample];
  return Math.min(x - x1, y - y1, x2 - x, y2 - y);
}

/** Numbers of the `count` points nearest to the target's centre, nearest first; ties by point number. */
export function nearestPoints(samples, [x1, y1, x2, y2], count) {
  const near = [(x1 + x2) / 2, (y1 + y2) / 2].map((middle) => {
    const squared = samples.axis.map((at) => (at - middle) * (at - middle));
    const order = Array.from(squared.keys()).sort((a, b) => squared[a] - squared[b]);
    return { squared, lines: order.slice(0, count).sort((a, b) => a - b) };
  });
  const distance = [];
  const points = [];
  for (const row of near[1].lines) {
    for (const column of near[0].lines) {
      distance.push(near[1].squared[row] + near[0].squared[column]);
      points.push(row * samples.size + column);
    }
  }
  const order = points.map((_, index) => index).sort((a, b) => distance[a] - distance[b]);
  return order.slice(0, count).map((index) => points[index]);
}

/** Place of a point by its distance from the target's centre, 1 for the nearest; ties by point number. */
export function rankOf(samples, [x1, y1, x2, y2], point) {
  const squaredOf = (other) => {
    const y = samples.axis[Math.floor(other / samples.size)] - (y1 + y2) / 2;
    const x = samples.axis[other % samples.size] - (x1 + x2) / 2;
    return y * y + x * x;
  };
  const own = squaredOf(point);
  let rank = 1;
  for (let other = 0; other < samples.points; other += 1) {
    const squared = squaredOf(other);
    if (squared < own || (squared === own && other < point)) rank += 1;
  }
  return rank;
}

/** Whether a sample's point lies in the 7 x 7 cells around a distractor from which a negative pair draws. */
export function windowOf(samples, grid, [x1, y1, x2, y2], cropCentre) {
  const cellOf = (middle) => Math.floor(grid.size / 2) + Math.ceil((middle - cropCentre) / grid.stride + 0.5);
  const column = cellOf((x1 + x2) / 2);
  const row = cellOf((y1 + y2) / 2);
  const near = (index, cell) => index >= cell - 3 && index < cell + 4;
  return (sample) => {
    const point = Math.floor(sample / samples.perPoint);
    return near(point % grid.size, column) && near(Math.floor(point / grid.size), row);
  };
}
