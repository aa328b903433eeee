"""Time of label assignment."""

from __future__ import annotations

import numpy as np
import torch

from dlatrack import boxes
from dlatrack.assign import build_assigner
from dlatrack.assign.reference import ReferenceDLA
from dlatrack.bench.measure import BenchReport, machine, measure
from dlatrack.grid import RPN_ANCHORS, ScoreGrid


def bench_assign(repeats: int, targets: int = 256) -> BenchReport:
    """Time dynamic label assignment on the 25 x 25 x 5 anchors, and the plain per-target reference.

    Args:
        repeats: number of timed repetitions.
        targets: number of targets in a batch.
    """
    rng = np.random.default_rng(0)
    size = 64 * np.exp(rng.uniform(-0.5, 0.5, (targets, 2)))
    centre = rng.uniform(63, 191, (targets, 2))
    target = boxes.cxcywh_to_xyxy(np.concatenate([centre, size], 1))
    tensor, keys = torch.from_numpy(target), torch.arange(targets)
    grid = ScoreGrid()
    anchors, points = build_assigner("dla_anchors", grid), build_assigner("dla_points", grid)
    fixed = build_assigner("iou", grid)
    referee = ReferenceDLA(anchor_shapes=RPN_ANCHORS)
    few = range(min(targets, 16))  # the reference is slow
    timings = measure(
        {
            f"DLA, {targets} targets, 3125 anchors": lambda _: anchors.assign(tensor, generator=keys),
            f"DLA, {targets} targets, 625 points": lambda _: points.assign(tensor, generator=keys),
            f"IoU thresholds, {targets} targets, 3125 anchors": lambda _: fixed.assign(
                tensor, generator=keys
            ),
            f"plain reference of DLA, {len(few)} targets": lambda _: [
                referee.assign(target[i], i) for i in few
            ],
        },
        repeats,
    )
    per_target, reference = timings[0].median / targets, timings[3].median / len(few)
    figures = {
        "DLA, ms per target": per_target,
        "plain reference, ms per target": reference,
        "times as fast as the plain reference": reference / per_target,
    }
    return BenchReport(timings, figures, machine())
