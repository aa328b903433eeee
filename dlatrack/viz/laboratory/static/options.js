// Options of label assigners, checked as the Python classes check them and with the same words.

/**
 * The rules of the laboratory, each {id, title, rule, shapes, negativePairs, options}, as `rule_descriptions`
 * in Python gives them. The list is empty until `describeRules` has been called.
 */
export const RULES = [];

/** Take over what `rule_descriptions` in Python says about the rules. */
export function describeRules(descriptions) {
  RULES.splice(0, RULES.length, ...descriptions);
}

/** The description of a rule by its id. */
export function ruleOf(id) {
  const rule = RULES.find((each) => each.id === id);
  if (!rule) {
    const names = RULES.map((each) => each.id).join(", ");
    throw new Error(`there is no rule ${written(id)}; choose from ${names}`);
  }
  return rule;
}

/** A message of a rule for readers of the page: titles, as the fields have them, in place of names in Python. */
export function inTitles(message, { rule, title, options }) {
  const titles = new Map(options.map((option) => [option.name, option.title.replace(/,.*/, "")])); // without its unit
  return message
    .replace(`label assigner ${rule}: `, `${title}: `)
    .replace("; train with negative_pairs = 0", "")
    .replace(`the ${rule} rule`, title)
    .replace(/[a-z]\w*/g, (word) => titles.get(word) ?? word)
    .replace(/\bnan\b/g, "nothing")
    .replaceAll("<=", "≤");
}

/** A value as Python writes it. */
export function written(value) {
  if (typeof value === "string") return `'${value}'`;
  if (value === true || value === false) return value ? "True" : "False";
  if (value === undefined || value === null) return "None";
  const isTiny = value !== 0 && Math.abs(value) < 1e-4;
  const text = isTiny ? value.toExponential().replace(/e-(\d)$/, "e-0$1") : String(value);
  return text.replace("NaN", "nan").replace("Infinity", "inf");
}

/** Anchor shapes [[w, h], ...] from such a list or from a text such as "104x32, 64x64". */
export function readShapes(name, value) {
  if (Array.isArray(value)) return value;
  const shape = /^\s*([\d.]+)\s*[x×]\s*([\d.]+)\s*$/;
  const parts = String(value).split(",").map((part) => part.match(shape));
  const shapes = parts.map((part) => (part ? [Number(part[1]), Number(part[2])] : [NaN, NaN]));
  if (!shapes.flat().every(Number.isFinite)) {
    throw new Error(`${name} is a list of w x h in px such as 104x32, 64x64, got ${written(value)}`);
  }
  return shapes;
}

/** All options of a rule, those not given with their defaults, checked for a grid. */
export function completeOptions(rule, given, grid) {
  const known = rule.options.map((option) => option.name);
  const odd = Object.keys(given).find((name) => !known.includes(name));
  if (odd !== undefined) {
    const names = known.join(", ") || "none";
    throw new Error(`there is no option ${written(odd)}; its options are ${names}`);
  }
  const options = {};
  for (const option of rule.options) {
    options[option.name] = readOption(option, given[option.name] ?? option.default);
  }
  const shapes = options.anchor_shapes ?? rule.shapes;
  OPTION_CHECKS[rule.rule]?.(options, grid.size * grid.size, shapes.length);
  return { ...options, anchor_shapes: shapes };
}

function readOption({ name, kind, choices }, value) {
  if (kind === "shapes") return readShapes(name, value);
  if (kind === "choice" && !choices.includes(value)) {
    throw new Error(`${name} must be one of ${choices.join(", ")}, got ${written(value)}`);
  }
  if (kind === "int" && !Number.isInteger(value)) {
    throw new Error(`${name} must be a whole number, got ${written(value)}`);
  }
  if (kind === "float" && !Number.isFinite(value)) {
    throw new Error(`${name} must be a number, got ${written(value)}`);
  }
  return value;
}

function checkCaps({ max_positives: positives, max_samples: samples }) {
  if (!(positives > 0 && positives <= samples)) {
    const got = `${written(positives)} and ${written(samples)}`;
    throw new Error(`needs 0 < max_positives <= max_samples, got ${got}`);
  }
}

function checkCandidates(candidates, most, what) {
  if (!(candidates >= 1 && candidates <= most)) {
    throw new Error(`candidates must be in 1..${most} (${what}), got ${written(candidates)}`);
  }
}

function checkDla(options, points) {
  checkCandidates(options.candidates, points, "grid points");
  if (options.negatives_per_positive < 0 || options.tolerance < 0) {
    const got = `${written(options.negatives_per_positive)} and ${written(options.tolerance)}`;
    throw new Error(`negatives_per_positive and tolerance must not be negative, got ${got}`);
  }
  const { max_positives: positives, max_negatives: negatives } = options;
  if (positives < 0 || negatives < 0) {
    const got = `${written(positives)} and ${written(negatives)}`;
    throw new Error(`max_positives and max_negatives must not be negative (0: no cap), got ${got}`);
  }
}

/** Checks by the name of the rule in Python: functions of options, number of points, anchors per point. */
const OPTION_CHECKS = {
  circle({ inner, outer }) {
    if (!(inner > 0 && inner <= outer)) {
      throw new Error(`needs 0 < inner <= outer, got ${written(inner)} and ${written(outer)}`);
    }
  },
  iou(options) {
    const { negative_below: low, positive_above: high } = options;
    if (!(low >= 0 && low <= high && high <= 1)) {
      const got = `${written(low)} and ${written(high)}`;
      throw new Error(`needs 0 <= negative_below <= positive_above <= 1, got ${got}`);
    }
    checkCaps(options);
  },
  rectangle({ center_ratio: ratio }) {
    if (!(ratio > 0 && ratio <= 1)) {
      throw new Error(`center_ratio must be in (0, 1], got ${written(ratio)}`);
    }
  },
  ellipse(options) {
    if (!(options.inner > 0 && options.inner <= 1)) {
      throw new Error(`inner must be in (0, 1], got ${written(options.inner)}`);
    }
    checkCaps(options);
  },
  inside() {},
  dla_points: checkDla,
  dla_anchors: checkDla,
  atss({ candidates, counted, tolerance }, points, shapes) {
    if (counted === "by_point") checkCandidates(candidates, points, "grid points");
    else checkCandidates(candidates, points * shapes, "samples");
    if (!(tolerance >= 0)) throw new Error(`tolerance must not be negative, got ${written(tolerance)}`);
  },
};
