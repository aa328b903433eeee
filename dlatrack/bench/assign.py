"""Time and memory of label assignment."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from torch import Tensor

from dlatrack import boxes
from dlatrack.assign import ASSIGNERS, LabelAssigner, Prediction, build_assigner, looks_at_predictions
from dlatrack.assign.reference import REFERENCES, ReferenceRule
from dlatrack.bench.measure import BenchReport, machine, measure, peak_mib, resident_mib
from dlatrack.errors import InputError
from dlatrack.grid import POINT_ANCHOR, RPN_ANCHORS, ScoreGrid

#: Anchor shapes by what a score map has at its points.
_SAMPLES = {"points": POINT_ANCHOR, "anchors": RPN_ANCHORS}

_REFERENCED = 4  # targets of a plain rule, which is slow


def bench_assign(repeats: int, targets: int = 256) -> BenchReport:
    """Time every rule on the 25 x 25 points and on their 5 anchors, beside its plain per-target reference.

    Predictions are made up: boxes from good to bad, the better the nearer to the target.

    Args:
        repeats: number of timed repetitions.
        targets: number of targets in a batch.
    """
    target = _targets(targets)
    tensor, keys = torch.from_numpy(target), torch.arange(targets)
    operations: dict[str, Callable[[int], object]] = {}
    pairs = []
    grid, few = ScoreGrid(), range(min(targets, _REFERENCED))
    predictions = {name: _prediction(tensor, grid.anchors(shapes)) for name, shapes in _SAMPLES.items()}
    before = resident_mib()
    for samples, shapes in _SAMPLES.items():
        prediction = predictions[samples]
        for name in _rules(samples):
            title = f"{name}, {prediction.probability.shape[1]} {samples}"
            batched = f"{title}: {targets} targets"
            plain = f"{title}: plain reference, {len(few)} targets"
            rule, referee = _built(name, grid, shapes), _referee(name, shapes)
            operations[batched] = _batch(
                rule, tensor, keys, prediction if looks_at_predictions(name) else None
            )
            operations[plain] = _one_by_one(referee, target, prediction, few)
            pairs.append((title, batched, plain))
    timings = measure(operations, repeats)
    taken = {timing.name: timing.median for timing in timings}
    figures = {
        f"{title}: times as fast as its plain reference": (taken[plain] / len(few))
        / (taken[batched] / targets)
        for title, batched, plain in pairs
    }
    figures["largest memory beyond predictions and program, MiB"] = peak_mib() - before
    return BenchReport(timings, figures, machine())


def _rules(samples: str) -> list[str]:
    """Rules that are defined for points, or for anchors; "dla" stands for itself with either."""
    named = [name for name in ASSIGNERS if name in REFERENCES and not name.startswith("dla_")]
    return [name for name in named if _fits(name, _SAMPLES[samples])]


def _fits(name: str, shapes: tuple[tuple[float, float], ...]) -> bool:
    try:
        return len(_built(name, ScoreGrid(), shapes).anchor_shapes) == len(shapes)
    except InputError:
        return False


def _built(name: str, grid: ScoreGrid, shapes: tuple[tuple[float, float], ...]) -> LabelAssigner:
    rule = build_assigner(name, grid)
    return rule if rule.anchor_shapes == shapes else build_assigner(name, grid, anchor_shapes=shapes)


def _referee(name: str, shapes: tuple[tuple[float, float], ...]) -> ReferenceRule:
    given: Any = {"anchor_shapes": shapes}
    return REFERENCES[name](**given)


def _batch(
    rule: LabelAssigner, target: Tensor, keys: Tensor, prediction: Prediction | None
) -> Callable[[int], object]:
    return lambda _: rule.assign(target, generator=keys, prediction=prediction)


def _one_by_one(
    referee: ReferenceRule, target: np.ndarray, prediction: Prediction, few: range
) -> Callable[[int], object]:
    first = len(few)
    answers = prediction.probability[:first].double().numpy(), prediction.boxes_xyxy[:first].double().numpy()
    return lambda _: [referee.assign(target[i], i, answers[0][i], answers[1][i]) for i in few]


def _targets(count: int) -> np.ndarray:
    """(count, 4) xyxy, search-region px, as large and as far from the middle as in training."""
    rng = np.random.default_rng(0)
    size = 64 * np.exp(rng.uniform(-0.5, 0.5, (count, 2)))
    centre = rng.uniform(63, 191, (count, 2))
    return boxes.cxcywh_to_xyxy(np.concatenate([centre, size], 1))


def _prediction(target: Tensor, anchors: Tensor) -> Prediction:
    """Answers for (B, 4) targets at (A, 4) anchors: boxes between anchor and target, probabilities with their IoU.

    Made target by target, so that what is freed does not hide the memory of the rules.
    """
    generator = torch.Generator().manual_seed(0)
    probability = torch.empty(len(target), len(anchors))
    predicted = torch.empty(len(target), len(anchors), 4)
    for row, box in enumerate(target):
        near = boxes.iou(anchors, box)
        share = (near + 0.3 * torch.rand(len(anchors), generator=generator, dtype=torch.float64)).clamp(max=1)
        probability[row] = share * 0.98 + 0.01
        predicted[row] = share[:, None] * box + (1 - share[:, None]) * anchors
    return Prediction(probability, predicted)
