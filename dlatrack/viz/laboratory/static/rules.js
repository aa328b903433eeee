// Which samples are positive: the rules of dlatrack/assign/, in doubles and in the order of their operations.

import { depthOf, iouOf, nearestPoints, samplesOf, windowOf } from "./boxes.js";
import { draw, drawOrder } from "./draws.js";
import { RULES, completeOptions, ruleOf } from "./options.js";

export const POSITIVE = 1;
export const NEGATIVE = 0;
export const IGNORE = -1;

/** A centre closer than this to the side of the target is not inside it, px. */
export const INSIDE_MARGIN = 0.01;

/** Negatives drawn from the window of a negative pair. */
const NEGATIVES_OF_WINDOW = 16;

/**
 * Label every sample for one target.
 *
 * @param id a rule of `RULES`.
 * @param options {name: value} of the options that are not at their defaults, or all.
 * @param grid {size, stride, offset} of the score map.
 * @param target [x1, y1, x2, y2] in px of the search region.
 * @param positivePair false where the search region shows another object.
 * @param key [low, high], 32-bit halves of the key of the draw.
 * @returns labels (Int8Array, one per sample), shapes, eligible, threshold, empty, tied, rescued, candidates,
 *   iou, distance, mean and std, as in `Assignment` of dlatrack/assign/base.py, null where the rule has none;
 *   and positivePair.
 * @throws Error with the words of Python for a bad option or target, or a negative pair without labels.
 */
export function assign(id, options, grid, target, positivePair, key) {
  const decided = decide(id, options, grid, target, positivePair);
  const { samples, chosen, most, background, negatives, empty } = decided;
  let order = null;
  const drawn = (pool, count) => {
    if (count >= pool.length) return pool;
    order ??= drawOrder(key[0], key[1], samples.count);
    return draw(pool, count, order);
  };
  const positive = drawn(chosen, most);
  const labels = new Int8Array(samples.count).fill(IGNORE);
  for (const sample of positive) labels[sample] = POSITIVE;
  const pool = [];
  for (let sample = 0; sample < samples.count; sample += 1) {
    if (labels[sample] !== POSITIVE && background(sample)) pool.push(sample);
  }
  for (const sample of drawn(pool, negatives(positive.length))) labels[sample] = NEGATIVE;
  return {
    labels,
    shapes: decided.options.anchor_shapes,
    eligible: decided.eligible,
    threshold: decided.threshold,
    empty,
    tied: decided.tied ?? false,
    rescued: empty && positive.length > 0,
    candidates: decided.candidates ?? null,
    iou: decided.iou ?? null,
    distance: decided.distance ?? null,
    mean: decided.mean ?? null,
    std: decided.std ?? null,
    positivePair,
  };
}

/**
 * Numbers of positives along a sequence, all of positive pairs; nothing is drawn.
 *
 * @param targets [x1, y1, x2, y2] or null, of each frame.
 * @returns counts (Int32Array, -1 where there is no target), empty and rescued (Uint8Array, 1 for yes).
 */
export function countPositives(id, options, grid, targets) {
  const counts = new Int32Array(targets.length).fill(-1);
  const empty = new Uint8Array(targets.length);
  const rescued = new Uint8Array(targets.length);
  targets.forEach((target, index) => {
    if (!target) return;
    const decided = decide(id, options, grid, target, true);
    counts[index] = Math.min(decided.chosen.length, decided.most);
    empty[index] = Number(decided.empty);
    rescued[index] = Number(decided.empty && counts[index] > 0);
  });
  return { counts, empty, rescued };
}

/**
 * What a rule says before anything is drawn.
 *
 * @returns options (complete), samples, chosen (numbers of samples that may be positive), most (how many of
 *   them are kept), background (function: whether a sample may be negative), negatives (function of the
 *   number of positives: how many negatives are kept), eligible, empty, threshold, and what else the rule measures.
 */
export function decide(id, options, grid, target, positivePair) {
  const rule = ruleOf(id);
  const complete = completeOptions(rule, options, grid);
  const [x1, y1, x2, y2] = target;
  if (!(target.every(Number.isFinite) && x2 > x1 && y2 > y1)) {
    throw new Error(`target 0 is ${listed(target)}; a box needs finite corners with x2 > x1 and y2 > y1`);
  }
  if (!positivePair && !rule.negativePairs) {
    throw new Error(`the ${rule.rule} rule has no label for negative pairs; train with negative_pairs = 0`);
  }
  const samples = samplesOf(grid, complete.anchor_shapes);
  const decided = DECISIONS[rule.rule]({ options: complete, grid, samples, target, positivePair });
  const eligible = decided.eligible ?? decided.chosen.length;
  return {
    most: Infinity,
    background: () => true,
    negatives: () => Infinity,
    empty: eligible === 0 && positivePair,
    ...decided,
    eligible,
    chosen: positivePair ? decided.chosen : [],
    options: complete,
    samples,
  };
}

/** Whether a rule runs here; rules that look at what a network answers, and those of readers, run in Python. */
export function isGeometric(id) {
  return RULES.some((each) => each.id === id && each.rule in DECISIONS);
}

/** Numbers as Python writes a list of floats. */
function listed(numbers) {
  const each = numbers.map((number) => (Number.isInteger(number) ? number.toFixed(1) : String(number)));
  return `[${each.join(", ").replaceAll("NaN", "nan").replaceAll("Infinity", "inf")}]`;
}

/** Numbers of the samples, in order, for which a condition holds. */
function samplesWhere(samples, condition) {
  const found = [];
  for (let sample = 0; sample < samples.count; sample += 1) if (condition(sample)) found.push(sample);
  return found;
}

/** A function of the offset (dx, dy) from the target's centre and its half size, of every point. */
function distancesOf(samples, [x1, y1, x2, y2], measure) {
  const { axis, size, points } = samples;
  const distance = new Float64Array(points);
  const dx = axis.map((x) => x - (x1 + x2) / 2);
  const dy = axis.map((y) => y - (y1 + y2) / 2);
  for (let point = 0; point < points; point += 1) {
    distance[point] = measure(dx[point % size], dy[Math.floor(point / size)], (x2 - x1) / 2, (y2 - y1) / 2);
  }
  return distance;
}

const boxDistance = (dx, dy, halfWidth, halfHeight) =>
  Math.max(Math.abs(dx) / halfWidth, Math.abs(dy) / halfHeight);

const radius = (x, y) => Math.sqrt(x * x + y * y);

function decideCircle({ options, samples, target }) {
  const distance = distancesOf(samples, target, radius);
  return {
    chosen: samplesWhere(samples, (sample) => distance[sample] <= options.inner),
    background: (sample) => distance[sample] > options.outer,
    threshold: options.inner,
    distance,
  };
}

function decideRectangle({ options, samples, target }) {
  const distance = distancesOf(samples, target, boxDistance);
  const chosen = samplesWhere(samples, (sample) => distance[sample] < options.center_ratio);
  return { chosen, threshold: options.center_ratio, distance };
}

function decideInside({ samples, target, positivePair }) {
  const distance = distancesOf(samples, target, boxDistance);
  return {
    chosen: samplesWhere(samples, (sample) => distance[sample] < 1),
    background: (sample) => positivePair || distance[sample] < 1,
    threshold: 1,
    distance,
  };
}

function decideEllipse({ options, samples, target, positivePair }) {
  const distance = distancesOf(samples, target, (dx, dy, halfWidth, halfHeight) =>
    radius(dx / halfWidth, dy / halfHeight),
 );
  const { inner, max_positives: most, max_samples: all } = options;
  return {
    chosen: samplesWhere(samples, (sample) => distance[sample] < inner),
    most,
    background: (sample) => (positivePair ? distance[sample] > 1 : distance[sample] < inner),
    negatives: () => (positivePair ? all - most : most),
    threshold: inner,
    distance,
  };
}

function decideIou({ options, grid, samples, target, positivePair }) {
  const iou = Float64Array.from({ length: samples.count }, (_, sample) => iouOf(samples, sample, target));
  const { max_positives: most, max_samples: all } = options;
  const near = windowOf(samples, grid, target, options.crop_centre);
  return {
    chosen: samplesWhere(samples, (sample) => iou[sample] > options.positive_above),
    most,
    background: positivePair ? (sample) => iou[sample] < options.negative_below : near,
    negatives: (positives) => (positivePair ? all - (options.negatives === "fill" ? positives : most) : most),
    threshold: options.positive_above,
    iou,
  };
}

/** IoU of candidates with the target, and T = mean + standard deviation. */
function overlapsOf({ options, samples, target, positivePair }, candidates, correction) {
  const iou = Float64Array.from(candidates, (sample) => iouOf(samples, sample, target));
  const mean = iou.reduce((sum, value) => sum + value, 0) / iou.length;
  const squares = iou.reduce((sum, value) => sum + (value - mean) * (value - mean), 0);
  const std = iou.length > 1 ? Math.sqrt(squares / (iou.length - correction)) : 0;
  const tied = positivePair && Math.max(...iou) - Math.min(...iou) <= options.tolerance;
  return { candidates: Int32Array.from(candidates), iou, mean, std, threshold: mean + std, tied };
}

/** All anchors of points, in their order. */
const anchorsOf = (points, perPoint) =>
  points.flatMap((point) => Array.from({ length: perPoint }, (_, anchor) => point * perPoint + anchor));

function decideDla(given) {
  const { options, samples, target, positivePair } = given;
  const candidates = anchorsOf(nearestPoints(samples, target, options.candidates), samples.perPoint);
  const found = overlapsOf(given, candidates, options.std === "unbiased" ? 1 : 0);
  const bound = found.threshold - options.tolerance;
  const isInside = (sample) => depthOf(samples, sample, target) > INSIDE_MARGIN;
  const isAllowed = options.positive_centre === "inside" ? isInside : () => true;
  let chosen =
    options.positive_scope === "all"
      ? samplesWhere(samples, (sample) => iouOf(samples, sample, target) >= bound && isAllowed(sample))
      : candidates.filter((sample, index) => found.iou[index] >= bound && isAllowed(sample));
  const eligible = chosen.length;
  if (eligible === 0 && options.on_empty === "best") {
    // Candidates come nearest first, so that the first of those within the tolerance is the nearest one.
    const scores = candidates.map((sample, index) => (isAllowed(sample) ? found.iou[index] : -1));
    const best = Math.max(...scores) - options.tolerance;
    chosen = [candidates[scores.findIndex((score) => score >= best)]];
  }
  const most = options.max_positives || Infinity;
  const negatives = positivePair ? restOf(given, isInside, chosen) : distractorOf(given);
  return { ...found, chosen, eligible, most, ...negatives };
}

/** Step 6 of dynamic label assignment: negatives from the samples that the rule does not choose. */
function restOf({ options, samples, target }, isInside, chosen) {
  const pools = {
    rest: () => true,
    outside_target: (sample) => !isInside(sample),
    low_iou: (sample) => iouOf(samples, sample, target) < 0.3,
  };
  const allowed = pools[options.negative_pool];
  const positive = new Set(chosen);
  return {
    background: (sample) => !positive.has(sample) && allowed(sample),
    negatives: (positives) =>
      Math.min(positives * options.negatives_per_positive, options.max_negatives || Infinity),
  };
}

/** Negatives of a negative pair in dynamic label assignment, by the rule of the host tracker. */
function distractorOf({ options, grid, samples, target }) {
  if (options.negative_pairs === "inside") {
    return { background: (sample) => depthOf(samples, sample, target) > 0 };
  }
  return {
    background: windowOf(samples, grid, target, options.crop_centre),
    negatives: () => NEGATIVES_OF_WINDOW,
  };
}

function decideAtss(given) {
  const { options, samples, target, positivePair } = given;
  const singly = options.counted === "singly";
  const points = singly ? Math.ceil(options.candidates / samples.perPoint) : options.candidates;
  const near = anchorsOf(nearestPoints(samples, target, points), samples.perPoint);
  const candidates = singly ? near.slice(0, options.candidates) : near;
  const found = overlapsOf(given, candidates, 1);
  const chosen = candidates.filter(
    (sample, index) =>
      positivePair &&
      found.iou[index] >= found.threshold - options.tolerance &&
      depthOf(samples, sample, target) > INSIDE_MARGIN,
  );
  return { ...found, chosen };
}

/** Rules by their name in Python. */
const DECISIONS = {
  circle: decideCircle,
  iou: decideIou,
  rectangle: decideRectangle,
  ellipse: decideEllipse,
  inside: decideInside,
  dla_points: decideDla,
  dla_anchors: decideDla,
  atss: decideAtss,
};
