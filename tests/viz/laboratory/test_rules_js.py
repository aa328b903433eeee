"""The rules in JavaScript give the labels and thresholds of those in Python."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from rules_page import open_rules
from targets import any_targets, training_targets

from dlatrack.assign import build_assigner
from dlatrack.grid import ScoreGrid
from dlatrack.viz.laboratory.rules import GEOMETRIC_RULES

USUAL, COARSE = ScoreGrid(), ScoreGrid(size=17, stride=8.5, offset=59.3)

#: Options that are tried for each rule besides its defaults.
OPTIONS = {
    "circle": [{"inner": 10, "outer": 30}],
    "iou": [{"positive_above": 0.4, "negative_below": 0.1, "max_positives": 3, "max_samples": 20}],
    "rectangle": [{"center_ratio": 0.6}, {"center_ratio": 1}],
    "ellipse": [{"inner": 0.9, "max_positives": 5, "max_samples": 9}, {"inner": 1}],
    "inside": [],
    "dla_points": [
        {"candidates": 1},
        {"candidates": 40, "std": "biased", "negatives_per_positive": 2, "negative_pool": "outside_target"},
        {
            "positive_scope": "all",
            "negative_pool": "low_iou",
            "negative_pairs": "inside",
            "on_empty": "strict",
        },
        {"positive_centre": "anywhere", "negatives_per_positive": 0, "tolerance": 0.05},
    ],
    "dla_anchors": [
        {"candidates": 15, "on_empty": "strict", "negative_pairs": "inside"},
        {"positive_scope": "all", "negative_pool": "low_iou", "crop_centre": 120},
    ],
    "atss_points": [{"candidates": 1}, {"candidates": 25, "counted": "by_point", "tolerance": 0.01}],
    "atss_anchors": [
        {"candidates": 23},
        {"counted": "by_point"},
        {"anchor_shapes": ((70.5, 33), (20, 90))},
    ],
}
CASES = [
    (rule, options, grid)
    for rule in GEOMETRIC_RULES
    for options, grid in [({}, USUAL), ({}, COARSE), *((each, USUAL) for each in OPTIONS[rule.id])]
]


@pytest.fixture(scope="module")
def page():
    with open_rules() as opened:
        yield opened


def differences(page, rule, options, grid, count=1000, seed=0) -> list[str]:
    """What differs between Python and JavaScript for random targets, positive and negative pairs, and keys."""
    half = count // 2
    targets = torch.cat([any_targets(half, seed), training_targets(count - half, seed + 1)])
    generator = torch.Generator().manual_seed(seed)
    keys = torch.randint(-(2**63), 2**63 - 1, (count,), generator=generator)
    pairs = torch.rand(count, generator=generator) < (0.8 if rule.negative_pairs else 2)
    shapes = {"anchor_shapes": rule.shapes} if rule.rule == "atss" else {}
    assigner = build_assigner(rule.rule, grid, **{**shapes, **options})
    expected = assigner.assign(targets, pairs, generator=keys)
    found = page.labelled(
        id=rule.id,
        options=options,
        grid=vars(grid) if not isinstance(grid, ScoreGrid) else _plain(grid),
        targets=targets.tolist(),
        pairs=pairs.tolist(),
        keys=[[key & 0xFFFFFFFF, key >> 32] for key in keys.tolist()],
    )
    different = []
    for name, allowed in TOLERANCES.items():
        value = getattr(expected, name)
        if value is None:
            wrong = found[name].size > 0 and not np.isnan(found[name]).all()
        else:
            value = value.numpy().reshape(count, -1)
            wrong = found[name].shape != value.shape or (abs(found[name] - value) > allowed).any()
        if wrong:
            different.append(name)
    return different


def _plain(grid: ScoreGrid) -> dict[str, float]:
    return {"size": grid.size, "stride": grid.stride, "offset": grid.offset}


#: How far the fields of an assignment may lie apart.
TOLERANCES = dict.fromkeys(
    ("labels", "eligible", "empty", "tied", "rescued", "candidates"), 0.0
) | dict.fromkeys(("threshold", "mean", "std", "iou", "distance"), 1e-9)


@pytest.mark.parametrize(("rule", "options", "grid"), CASES)
def test_labels_and_thresholds_are_those_of_python(page, rule, options, grid):
    assert differences(page, rule, options, grid) == []
