"""Every rule answers on a GPU what it answers on the CPU."""

from __future__ import annotations

from dataclasses import fields

import pytest
import torch
from predictions import random_predictions
from targets import any_targets, training_targets

from dlatrack.assign import ASSIGNERS, Prediction, build_assigner
from dlatrack.grid import RPN_ANCHORS, ScoreGrid

GRID = ScoreGrid()


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
@pytest.mark.parametrize("name", [*ASSIGNERS])
@pytest.mark.parametrize("shapes", [((64, 64),), RPN_ANCHORS], ids=["points", "anchors"])
def test_the_device_does_not_matter(name, shapes):
    rule = build_assigner(name, GRID)
    if rule.anchor_shapes != shapes and "anchor_shapes" not in {field.name for field in fields(rule)}:
        pytest.skip(f"{name} has its own boxes")
    if name == "autoassign" and len(shapes) > 1:
        pytest.skip("defined for points")
    if name not in ("dla_points", "dla_anchors"):
        rule = build_assigner(
            name, GRID, **({"anchor_shapes": shapes} if hasattr(rule, "anchor_shapes") else {})
        )
    target = torch.cat([training_targets(300, seed=5), any_targets(300, seed=6)])
    prediction = random_predictions(target, 7, GRID.anchors(rule.anchor_shapes))
    keys = torch.arange(len(target))
    here = rule.assign(target, generator=keys, prediction=prediction)
    answers = Prediction(prediction.probability.cuda(), prediction.boxes_xyxy.cuda())
    there = rule.assign(target.cuda(), generator=keys.cuda(), prediction=answers)
    differing = (here.labels != there.labels.cpu()).any(1)
    # Logarithms of a GPU may differ in the last bit, which decides a near-tie.
    assert int(differing.sum()) <= 1
    assert there.labels.is_cuda
    same = ~differing
    assert torch.equal(here.empty, there.empty.cpu())
    assert torch.allclose(here.threshold[same], there.threshold.cpu()[same], atol=1e-9, equal_nan=True)
