"""Compare a batched rule with its plain referee, target by target and in other batches."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from predictions import random_predictions
from targets import any_targets, training_targets
from torch import Tensor

from dlatrack.assign import Assignment, LabelAssigner, Prediction, build_assigner
from dlatrack.assign.reference import REFERENCES, ReferenceRule
from dlatrack.grid import ScoreGrid

GRID = ScoreGrid()


def random_targets(count: int, seed: int) -> Tensor:
    """Half of them as in training, half of any size and place, (count, 4)."""
    return torch.cat([training_targets(count // 2, seed), any_targets(count - count // 2, seed + 1)])


def made(name: str, options: dict[str, Any]) -> tuple[LabelAssigner, ReferenceRule]:
    """A rule on the usual grid and its referee."""
    return build_assigner(name, GRID, **options), REFERENCES[name](**options)


def differing(name: str, count: int, seed: int, **options: Any) -> list[int]:
    """Numbers of the random targets for which rule and referee label differently; qualities have to agree as well."""
    rule, referee = made(name, options)
    targets, keys = random_targets(count, seed), torch.arange(count) * 97_771
    anchors, wrong = GRID.anchors(rule.anchor_shapes), []
    for start in range(0, count, 250):
        some, key = targets[start : start + 250], keys[start : start + 250]
        answers = random_predictions(some, seed + start, anchors)
        found = rule.assign(some, generator=key, prediction=answers)
        probability, predicted = (each.double().numpy() for each in (answers.probability, answers.boxes_xyxy))
        for row, (box, number) in enumerate(zip(some.numpy(), key.tolist(), strict=True)):
            plain = referee.assign(box, number, probability[row], predicted[row])
            if (found.labels[row].numpy() != plain.labels).any():
                wrong.append(start + row)
            elif plain.quality is not None and found.quality is not None:
                assert np.abs(found.quality[row].numpy() - plain.quality).max() < 1e-12
    return wrong


def permuted(
    rule: LabelAssigner, targets: Tensor, answers: Prediction, seed: int = 0
) -> tuple[Assignment, Assignment, Tensor]:
    """The assignment of a batch, that of the batch in another order, and the order."""
    order = torch.randperm(len(targets), generator=torch.Generator().manual_seed(seed))
    keys = torch.arange(len(targets))
    moved = Prediction(answers.probability[order], answers.boxes_xyxy[order])
    return (
        rule.assign(targets, generator=keys, prediction=answers),
        rule.assign(targets[order], generator=keys[order], prediction=moved),
        order,
    )


def assert_batches_agree(name: str, count: int, seed: int = 50, **options: Any) -> None:
    """Assert that neither the order of a batch nor its size changes any result of a rule."""
    rule, _ = made(name, options)
    targets = random_targets(count, seed)
    answers = random_predictions(targets, seed, GRID.anchors(rule.anchor_shapes))
    straight, other, order = permuted(rule, targets, answers)
    for field in ("labels", "threshold", "eligible", "empty", "tied", "quality", "mean", "std", "candidates"):
        value = getattr(straight, field)
        if value is not None:
            assert torch.equal(value[order].nan_to_num(-1), getattr(other, field).nan_to_num(-1)), field
    for row in range(0, count, max(count // 20, 1)):
        one = Prediction(answers.probability[row : row + 1], answers.boxes_xyxy[row : row + 1])
        alone = rule.assign(targets[row : row + 1], generator=torch.tensor([row]), prediction=one)
        assert torch.equal(alone.labels[0], straight.labels[row])
