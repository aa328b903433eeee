// Why a sample is positive, negative or ignored: its numbers, and one sentence.

import { depthOf, iouOf, rankOf, samplesOf } from "./boxes.js";
import { completeOptions, ruleOf } from "./options.js";
import { IGNORE, INSIDE_MARGIN, NEGATIVE, POSITIVE, decide, isGeometric } from "./rules.js";

const LABEL_WORDS = new Map([[POSITIVE, "positive"], [NEGATIVE, "negative"], [IGNORE, "ignored"]]);

/**
 * Numbers of one sample.
 *
 * @param assignment what `assign` answered for the same arguments.
 * @param sample number of the sample.
 * @returns x and y of its point, px; shape [w, h] of its anchor, px; iou, null for rules that measure none;
 *   distance from the target's centre, in the unit of a rule that compares distances, otherwise in px; rank,
 *   its place by distance among the samples, or the points, of which a rule takes the first K, null for other
 *   rules; threshold of the rule; label, a word.
 */
export function facts(id, options, grid, target, assignment, sample) {
  const samples = samplesOf(grid, assignment.shapes);
  const point = Math.floor(sample / samples.perPoint);
  const x = samples.axis[point % grid.size];
  const y = samples.axis[Math.floor(point / grid.size)];
  const { candidates, iou, distance } = assignment;
  const position = candidates ? candidates.indexOf(sample) : sample;
  const measured = iou && position >= 0 ? iou[position] : null;
  const away = Math.hypot(x - (target[0] + target[2]) / 2, y - (target[1] + target[3]) / 2);
  return {
    x,
    y,
    shape: assignment.shapes[sample % samples.perPoint],
    iou: measured ?? (iou && isGeometric(id) ? iouOf(samples, sample, target) : null),
    distance: distance ? distance[sample] : away,
    rank: candidates && isGeometric(id) ? placeOf(id, options, grid, target, samples, sample) : null,
    threshold: assignment.threshold,
    label: LABEL_WORDS.get(assignment.labels[sample]),
  };
}

/** One sentence with its numbers: why a sample has its label; arguments as for `facts`. */
export function reason(id, options, grid, target, assignment, sample) {
  const label = LABEL_WORDS.get(assignment.labels[sample]);
  if (!isGeometric(id)) return `${askedReason(id, options, assignment, sample, label === "positive")}: ${label}.`;
  const decided = decide(id, options, grid, target, assignment.positivePair);
  const numbers = facts(id, options, grid, target, assignment, sample);
  const given = { ...numbers, decided, assignment, sample, target, options: decided.options };
  given.noun = assignment.shapes.length === 1 ? "point" : "anchor";
  const rule = ruleOf(id).rule;
  const seen = (assignment.positivePair ? POSITIVE_PAIR_REASONS : NEGATIVE_PAIR_REASONS)[rule](given);
  return `${seen}${drawOf(given)}: ${label}.`;
}

/** The reason of a rule that Python answers: what the network says at the sample, and the rule's own number. */
function askedReason(id, options, assignment, sample, isPositive) {
  const { probability, predicted, quality, weight } = assignment;
  const soft = Object.entries({ quality, weight }).filter(([, values]) => values);
  const given = soft.map(([name, values]) => ` with ${name} ${values[sample].toFixed(2)}`).join(" and");
  if (!probability) return `The rule itself decides${given}`;
  const [answer, overlap] = [probability[sample], predicted[sample]];
  const seen = `The network answers ${answer.toFixed(2)} here, with a box of IoU ${overlap.toFixed(2)}`;
  if (!assignment.positivePair) return `${seen}; the target is another object, which has no positives`;
  const why = PREDICTION_REASONS[id]?.({ options, assignment, sample, answer, overlap, isPositive });
  return `${seen}${why ? `; ${why}` : given && `; it counts${given}`}`;
}

/** Reasons of the rules with predictions, by their name in Python. */
const PREDICTION_REASONS = {
  simota: simotaReason,
  ota: ({ isPositive }) => `the cheapest transport plan gives it ${isPositive ? "to the target" : "to the background"}`,
  paa: paaReason,
  tal: talReason,
  autoassign: ({ assignment, sample, isPositive }) =>
    isPositive
      ? `inside the target it weighs ${assignment.weight[sample].toFixed(2)} by its distance from the centre`
      : "the point is outside the target",
};

/** Cost of SimOTA, which takes the samples of least cost. */
function simotaReason({ options, assignment, sample, isPositive }) {
  const { labels, probability, predicted, threshold } = assignment;
  const yolox = options.variant === "yolox";
  const costOf = (each) =>
    -Math.max(Math.log(yolox ? Math.sqrt(probability[each]) : probability[each]), -100) -
    options.iou_weight * Math.log(predicted[each] + (yolox ? 1e-8 : 1e-7));
  const cost = costOf(sample);
  const taken = [...labels.keys()].filter((each) => labels[each] === POSITIVE);
  if (isPositive) {
    const rank = 1 + taken.filter((each) => costOf(each) < cost).length;
    return `its cost ${cost.toFixed(2)} is number ${rank} of the ${taken.length} cheapest`;
  }
  if (taken.length === 0) return `its cost is ${cost.toFixed(2)}, but no point is near the target's centre`;
  const { value, bound } = apart(cost, threshold);
  if (cost > threshold) return `its cost ${value} is above the dearest positive of ${bound}`;
  return `its cost is ${cost.toFixed(2)}, but the point is too far from the target's centre`;
}

function paaReason({ options, assignment, sample, isPositive }) {
  const place = assignment.candidates.indexOf(sample);
  if (place < 0) return `it is not among the ${options.candidates} candidates of least loss`;
  const side = isPositive ? "on the side of the positives" : "not on the side of the positives";
  return `it is number ${place + 1} by loss, and the mixture puts it ${side}`;
}

function talReason({ options, assignment, sample, answer, overlap, isPositive }) {
  const t = answer ** options.alpha * overlap ** options.beta;
  const digits = t > 0 && t < 0.01 ? t.toExponential(1) : t.toFixed(2);
  const place = t > 0 ? assignment.candidates.indexOf(sample) : -1;
  if (place < 0) return `t = ${digits} is not among the ${options.top} largest`;
  const inside = isPositive ? "" : ", but its centre is not inside the target";
  return `t = ${digits} is number ${place + 1} of the ${options.top} largest${inside}`;
}

/** Place of a sample by distance, or of its point where a rule counts points. */
function placeOf(id, options, grid, target, samples, sample) {
  const rule = ruleOf(id);
  const point = Math.floor(sample / samples.perPoint);
  const rank = rankOf(samples, target, point);
  if (completeOptions(rule, options, grid).counted !== "singly") return rank;
  return (rank - 1) * samples.perPoint + (sample % samples.perPoint) + 1;
}

/** What the draw did with a sample, "" where all that the rule allows were taken. */
function drawOf({ decided, assignment, sample }) {
  const { labels } = assignment;
  const numberOf = (label) => labels.reduce((sum, each) => sum + Number(each === label), 0);
  if (decided.chosen.length > decided.most && decided.chosen.includes(sample)) {
    const drawn = labels[sample] === POSITIVE ? "was drawn" : "was not drawn";
    return `; ${numberOf(POSITIVE)} of the ${decided.chosen.length} positives are kept, and it ${drawn}`;
  }
  if (labels[sample] === POSITIVE || !decided.background(sample)) return "";
  const pool = labels.reduce((sum, each, n) => sum + Number(each !== POSITIVE && decided.background(n)), 0);
  const negatives = numberOf(NEGATIVE);
  if (negatives === pool) return "";
  if (negatives === 0) return "; no negative is drawn for this target";
  const was = labels[sample] === NEGATIVE ? "was drawn" : "was not drawn";
  return `; it ${was} as one of ${negatives} negatives from ${pool} samples`;
}

/** A value and a bound as texts, with as many decimals as tell them apart. */
function apart(value, bound, least = 2) {
  for (let digits = least; digits <= 6; digits += 1) {
    const texts = [value.toFixed(digits), bound.toFixed(digits)];
    if (texts[0] !== texts[1]) return { value: texts[0], bound: texts[1], digits };
  }
  return { value: value.toFixed(least), bound: bound.toFixed(least), digits: least };
}

function circleReason({ distance, options: { inner, outer } }) {
  const name = inner === outer ? "R" : "R1";
  const far = (bound) => `The point is ${apart(distance, bound, 1).value} px from the target's centre`;
  if (distance <= inner) return `${far(inner)}, within ${name} = ${inner} px`;
  if (distance <= outer) return `${far(outer)}, between R1 = ${inner} px and R2 = ${outer} px`;
  return `${far(outer)}, beyond ${inner === outer ? "R" : "R2"} = ${outer} px`;
}

function rectangleReason({ distance, options: { center_ratio: ratio } }) {
  const far = `The point is ${apart(distance, ratio).value} half sides from the target's centre`;
  return `${far}, ${distance < ratio ? "inside" : "outside"} the central ${ratio}`;
}

function wholeBoxReason({ distance }) {
  const where = distance < 1 ? "inside the target" : "outside the target";
  return `The point is ${apart(distance, 1).value} half sides from the target's centre, ${where}`;
}

function ellipseReason({ distance, options: { inner } }) {
  const far = (bound) => `The point is ${apart(distance, bound).value} radii from the target's centre`;
  if (distance < inner) return `${far(inner)}, inside the inner ellipse of ${inner}`;
  if (distance > 1) return `${far(1)}, outside the outer ellipse`;
  const nearer = distance < (inner + 1) / 2 ? inner : 1;
  return `${far(nearer)}, between the inner ellipse of ${inner} and the outer one`;
}

function iouReason({ iou, options: { positive_above: high, negative_below: low } }) {
  if (iou > high) return `IoU ${apart(iou, high).value} is above ${high}`;
  if (iou < low) return `IoU ${apart(iou, low).value} is below ${low}`;
  return `IoU ${apart(iou, iou < (low + high) / 2 ? low : high).value} is between ${low} and ${high}`;
}

/** Whether an overlap reaches T = mean + standard deviation. */
function thresholdReason({ iou, assignment: { mean, std, threshold }, options: { tolerance } }) {
  const { value, bound, digits } = apart(iou, threshold);
  const sum = `T = ${mean.toFixed(digits)} + ${std.toFixed(digits)} = ${bound}`;
  if (iou < threshold - tolerance) return `IoU ${value} misses ${sum}`;
  const less = iou < threshold && value !== bound ? ` less the tolerance ${tolerance}` : "";
  return `IoU ${value} reaches ${sum}${less}`;
}

/** The reason of a rule with candidates: place among them, overlap, and whether the centre is inside. */
function candidateReason(given) {
  const { options, assignment, sample, decided, target, noun, rank, iou } = given;
  const isPositive = assignment.labels[sample] === POSITIVE;
  const isInside = depthOf(decided.samples, sample, target) > INSIDE_MARGIN;
  if (isPositive && assignment.rescued) {
    return isInside || options.positive_centre === "anywhere"
      ? `No ${noun} satisfies the rule, and this is the best candidate with IoU ${iou.toFixed(2)}`
      : "No candidate has its centre inside the target, and this one is the nearest";
  }
  if (options.positive_scope !== "all" && !assignment.candidates.includes(sample)) {
    const what = options.counted === "singly" ? `The ${noun}` : noun === "point" ? "The point" : "Its point";
    const far = `${what} is number ${rank} by distance from the target's centre`;
    return `${far}, and only the first K = ${options.candidates} are candidates${leftOut(given, isInside)}`;
  }
  const reaches = iou >= assignment.threshold - options.tolerance;
  const where = isInside ? " and its centre is inside" : ", but its centre is not inside";
  const centre = reaches && options.positive_centre !== "anywhere" ? `${where} the target` : "";
  return `${thresholdReason(given)}${centre}${leftOut(given, isInside)}`;
}

/** Why the negatives of dynamic label assignment are not drawn from a sample, "" where they may be. */
function leftOut({ options, sample, decided, iou }, isInside) {
  if (decided.chosen.includes(sample) || decided.background(sample)) return "";
  if (options.negative_pool === "low_iou") {
    return `; a negative needs IoU below 0.3, and it has ${apart(iou, 0.3).value}`;
  }
  return isInside ? "; inside the target it cannot be a negative either" : "";
}

const POSITIVE_PAIR_REASONS = {
  circle: circleReason,
  iou: iouReason,
  rectangle: rectangleReason,
  ellipse: ellipseReason,
  inside: wholeBoxReason,
  dla_points: candidateReason,
  dla_anchors: candidateReason,
  atss: candidateReason,
};

/** The search region shows another object, around which a rule finds its negatives. */
function distractorReason(area) {
  return ({ decided, sample, noun, options }) => {
    const where = decided.background(sample) ? "inside" : "outside";
    return `The target is another object, and this ${noun} is ${where} ${area(options)}`;
  };
}

const windowArea = () => "the 7 x 7 cells around it";
const dlaArea = ({ negative_pairs: name }) => (name === "inside" ? "its box" : windowArea());

const NEGATIVE_PAIR_REASONS = {
  iou: distractorReason(windowArea),
  ellipse: distractorReason(() => "its inner ellipse"),
  inside: distractorReason(() => "its box"),
  dla_points: distractorReason(dlaArea),
  dla_anchors: distractorReason(dlaArea),
  atss: () => "The target is another object, which has no positives",
};
