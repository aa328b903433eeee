"""What decides the labels of DLA, without a network: positives over K, the threshold T, and fixed thresholds."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
import torch
from torch import Tensor

from dlatrack.assign import Assignment, build_assigner
from dlatrack.grid import POINT_ANCHOR, RPN_ANCHORS, ScoreGrid
from dlatrack.studies.decisions import RULES
from dlatrack.studies.hyperparameter_k import CANDIDATES, MIXES, simulated_targets
from dlatrack.studies.presets import sizes

#: Mixes of shapes of the simulated targets, keys of `MIXES`; figures with room for one show the first.
SHAPES_OF_TARGETS = ("as in LaSOT", "wide mix")

#: Fixed IoU thresholds.
THRESHOLDS = (0.3, 0.35, 0.4, 0.45, 0.5, 0.55, 0.6, 0.63, 0.65, 0.7, 0.75, 0.8)

#: Quantiles of T.
QUANTILES = (0.05, 0.25, 0.5, 0.75, 0.95)

#: Edges of the bins of T.
BINS = np.round(np.linspace(0.2, 0.9, 36), 2)

#: Anchor shapes of a point, by head.
ANCHOR_SHAPES = {"points": POINT_ANCHOR, "anchors": RPN_ANCHORS}

_AT_ONCE = 500  # targets


def mechanism_targets(preset: str, *, seed: int = 0) -> dict[str, Tensor]:
    """The simulated targets of a preset, (B, 4) xyxy float64 in search-region px, by mix of shapes.

    Raises:
        InputError: for an unknown preset.
    """
    count = sizes(preset).k_targets
    chosen = {name: MIXES[name] for name in SHAPES_OF_TARGETS}
    return {name: simulated_targets(count, seed, mean=mean, std=std) for name, (mean, std) in chosen.items()}


def positives_by_head(
    materials: Mapping[str, Tensor], candidates: Sequence[int] = CANDIDATES
) -> pd.DataFrame:
    """Positives of DLA over K, for points and for anchors.

    Args:
        materials: (B, 4) xyxy targets in search-region px, by mix of shapes.
        candidates: every K.

    Returns:
        A row per mix, head and K: `positives` (mean per target), `error` (its standard error), `low` and `high` (5
        and 95 % of the targets), and `share of candidates`, positives over candidates: K of a head with points, 5 K
        of one with anchors.

    Source: the question of SiamDLA Fig. 9a, asked of anchors too.
    """
    rows = []
    for mix, targets in materials.items():
        for head, shapes in ANCHOR_SHAPES.items():
            for count in candidates:
                parts = [found.positive.sum(1) for found in _labels(head, targets, candidates=count)]
                mean, *others = _spread(parts)
                rows.append((mix, head, count, mean, *others, mean / (count * len(shapes))))
    columns = ["mix", "head", "K", "positives", "error", "low", "high", "share of candidates"]
    return pd.DataFrame(rows, columns=columns)


def growth(counts: pd.DataFrame) -> pd.DataFrame:
    """Positives that one more K adds, the slope of a straight line through all K, by mix (rows) and head."""
    slopes = counts.groupby(["mix", "head"], sort=False)[["K", "positives"]].apply(
        lambda part: float(np.polyfit(part["K"], part["positives"], 1)[0])
    )
    return slopes.unstack("head")


def dynamic_thresholds(
    materials: Mapping[str, Tensor], *, candidates: int = 9
) -> dict[tuple[str, str], np.ndarray]:
    """The threshold T of DLA for every target, (B,) by mix and head."""
    return {
        (mix, head): torch.cat(
            [found.threshold for found in _labels(head, targets, candidates=candidates)]
        ).numpy()
        for mix, targets in materials.items()
        for head in RULES
    }


def threshold_table(thresholds: Mapping[tuple[str, str], np.ndarray]) -> pd.DataFrame:
    """Mean, standard deviation and quantiles of T, a row per mix and head."""
    rows = [
        (*key, values.mean(), values.std(ddof=1), *np.quantile(values, QUANTILES))
        for key, values in thresholds.items()
    ]
    columns = ["mix", "head", "mean", "standard deviation", *(f"{100 * share:g} %" for share in QUANTILES)]
    return pd.DataFrame(rows, columns=columns)


def threshold_shares(values: np.ndarray) -> np.ndarray:
    """Percent of targets with T in each of `BINS`; the first and the last take what lies beyond them."""
    counted, _ = np.histogram(np.clip(values, BINS[0], BINS[-1]), BINS)
    shares: np.ndarray = 100 * counted / len(values)
    return shares


def fixed_thresholds(targets: Tensor, thresholds: Sequence[float] = THRESHOLDS) -> pd.DataFrame:
    """Positives by a fixed IoU threshold, without a cap, beside those of DLA.

    Args:
        targets: (B, 4) xyxy, search-region px.
        thresholds: every IoU above which, strictly, a sample is positive.

    Returns:
        A row per head and threshold, and one of DLA with the median of T: `head`, `rule`, `threshold`; `positives`,
        `error`, `low`, `high` as in `positives_by_head`; `empty`, the share of targets that no sample satisfies,
        before any rescue; `of DLA`, the share of DLA's positives that the threshold finds; and `by DLA`, the share
        of the threshold's positives that are DLA's.
    """
    rows: list[tuple[Any, ...]] = []
    for head, shapes in ANCHOR_SHAPES.items():
        rule = build_assigner("iou", ScoreGrid(), anchor_shapes=shapes)
        ours = list(_labels(head, targets))
        overlaps = [rule.assign(part, generator=torch.Generator()).iou for part in targets.split(_AT_ONCE)]
        for threshold in thresholds:
            above = [overlap > threshold for overlap in overlaps if overlap is not None]
            both = sum(int((one & found.positive).sum()) for one, found in zip(above, ours, strict=True))
            all_ours = sum(int(found.positive.sum()) for found in ours)
            counts = [one.sum(1) for one in above]
            total = int(torch.cat(counts).sum())
            empty = _mean([count == 0 for count in counts])
            shared = (both / all_ours, both / total if total else np.nan)
            rows.append((head, "fixed", threshold, *_spread(counts), empty, *shared))
        median = float(torch.cat([found.threshold for found in ours]).median())
        counted = _spread([found.positive.sum(1) for found in ours])
        rows.append((head, "DLA", median, *counted, _mean([found.empty for found in ours]), 1.0, 1.0))
    columns = ["head", "rule", "threshold", "positives", "error", "low", "high", "empty", "of DLA", "by DLA"]
    return pd.DataFrame(rows, columns=columns)


def equal_threshold(table: pd.DataFrame) -> dict[str, float]:
    """The fixed threshold with as many positives as DLA has, between those of `fixed_thresholds`, by head."""
    found = {}
    for head, part in table.groupby("head", sort=False):
        fixed = part[part["rule"] == "fixed"].sort_values("positives")
        wanted = float(part.loc[part["rule"] == "DLA", "positives"].iloc[0])
        logs = np.log(np.maximum(fixed["positives"], 1e-9))
        found[str(head)] = float(np.interp(np.log(wanted), logs, fixed["threshold"]))
    return found


def _labels(head: str, targets: Tensor, **options: Any) -> Iterator[Assignment]:
    """Labels of DLA in parts, without negatives, whose draw would take most of the time."""
    rule = build_assigner(RULES[head], ScoreGrid(), negatives_per_positive=0, **options)
    for part in targets.split(_AT_ONCE):
        yield rule.assign(part, generator=torch.Generator())


def _spread(parts: list[Tensor]) -> tuple[float, float, float, float]:
    """Mean, standard error, 5 and 95 % of counts."""
    counts = torch.cat(parts).numpy()
    low, high = np.quantile(counts, (0.05, 0.95))
    return float(counts.mean()), float(counts.std(ddof=1)) / len(counts) ** 0.5, float(low), float(high)


def _mean(parts: list[Tensor]) -> float:
    return float(torch.cat(parts).double().mean())
