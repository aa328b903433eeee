"""Deterministic and random predictions of a network, for the rules that look at them."""

from __future__ import annotations

import math
from dataclasses import fields
from typing import NamedTuple

import numpy as np
import torch
from targets import any_targets, training_targets
from torch import Tensor

from dlatrack import boxes
from dlatrack.assign import LabelAssigner, Prediction
from dlatrack.assign.reference import ReferenceRule
from dlatrack.grid import ScoreGrid

GRID = ScoreGrid()


class Case(NamedTuple):
    """One target with the answers of a network for it; in single precision where public code was run on it."""

    grid: ScoreGrid
    anchor_shapes: tuple[tuple[float, float], ...]
    target_xyxy: Tensor  #: (1, 4)
    logits: Tensor  #: (1, N), of the target
    prediction: Prediction


class Given(NamedTuple):
    """What a referee takes for one target."""

    target: np.ndarray  #: (4,)
    probability: np.ndarray  #: (A,)
    boxes: np.ndarray  #: (A, 4)


def make_case(
    grid: ScoreGrid, target: tuple[float, float, float, float], anchor_shapes: tuple[tuple[float, float], ...]
) -> Case:
    """Answers without random numbers: better and more confident towards the centre of the target."""
    box = torch.tensor(target, dtype=torch.float64)
    points, centre, size = grid.points, boxes.centre(box), box[2:] - box[:2]
    number = torch.arange(len(points), dtype=torch.float64)
    scale = math.sqrt(float(size.prod()))
    squared = (points - centre).square().sum(1)
    logits = 4 * torch.exp(-squared / (2 * (scale / 2) ** 2)) - 2.5 + 0.25 * ((11 * number) % 7 - 3)
    wobble = torch.stack([(7 * number) % 5 - 2, (3 * number) % 5 - 2], 1)
    away = (squared.sqrt() / scale)[:, None] * 0.20 * scale * torch.sign(points - centre)
    stretch = 1 + 0.06 * ((2 * number) % 5 - 2)
    predicted = boxes.cxcywh_to_xyxy(
        torch.cat([centre + scale * 0.04 * wobble + away, size * stretch[:, None]], 1)
    )
    logits, predicted, box = (each.float()[None] for each in (logits, predicted, box))
    return Case(grid, anchor_shapes, box, logits, Prediction(logits.double().sigmoid(), predicted.double()))


#: A target on a small grid, and one on the usual grid.
CASE_T = make_case(ScoreGrid(size=5, stride=8, offset=16), (18.0, 20.0, 46.0, 44.0), ((24, 24),))
CASE_G = make_case(GRID, (101.3, 92.6, 158.9, 171.4), ((64, 64),))


def random_predictions(target_xyxy: Tensor, per_point: int, seed: int) -> Prediction:
    """Answers from an untrained to a trained network, one degree per target, on the usual grid with m anchors.

    Boxes are the target, moved and scaled by an error that grows with the degree and, as a rule, away from the
    target, and are exactly the target here and there; probabilities lie anywhere from 0 to 1, both included, fall
    away from the target, and some are equal.
    """
    generator = torch.Generator().manual_seed(seed)

    def draw(*shape: int) -> Tensor:
        return torch.rand(shape, generator=generator, dtype=torch.float64)

    target = boxes.xyxy_to_cxcywh(target_xyxy.double())[:, None]
    points = GRID.points.repeat_interleave(per_point, 0)
    batch, samples = len(target_xyxy), len(points)
    away = ((points - target[..., :2]) / target[..., 2:].clamp(min=GRID.stride)).abs().amax(-1, keepdim=True)
    degree, spread = draw(batch, 1, 1), away.clamp(max=2) ** (draw(batch, 1, 1) > 0.2)
    error = degree * spread * (2 * draw(batch, samples, 4) - 1) * (draw(batch, samples, 1) > 0.03)
    middle = target[..., :2] + error[..., :2] * target[..., 2:]
    predicted = boxes.cxcywh_to_xyxy(torch.cat([middle, target[..., 2:] * error[..., 2:].exp()], -1))
    probability = (0.9 - 0.4 * degree * spread + 0.6 * (draw(batch, samples, 1) - 0.5))[..., 0].clamp(0, 1)
    coarse = draw(batch, 1) < 0.2
    return Prediction(torch.where(coarse, (8 * probability).round() / 8, probability), predicted)


def some_targets(count: int, seed: int) -> Tensor:
    """Targets as in training, and as many of any size and place, (count, 4) xyxy float64."""
    half = count // 2
    return torch.cat([training_targets(count - half, seed), any_targets(half, seed + 1)])


def picked(prediction: Prediction, rows: Tensor) -> Prediction:
    """The answers for some of the targets, in the order of `rows`."""
    return Prediction(prediction.probability[rows], prediction.boxes_xyxy[rows])


def disagreements(rule: LabelAssigner, referee: ReferenceRule, count: int, seed: int) -> list[Given]:
    """Random targets whose labels by a batched rule are not those of its referee.

    The rule labels batches of 500, each once more in a random order and some targets alone, all to the same bits.
    Qualities and weights are compared for the others.
    """
    different = []
    for number, target in enumerate(some_targets(count, seed).split(500)):
        prediction = random_predictions(target, len(rule.anchor_shapes), seed + number)
        straight = rule.assign(target, prediction=prediction)
        order = torch.randperm(len(target), generator=torch.Generator().manual_seed(number))
        for rows in (order, order[:1]):
            other = rule.assign(target[rows], prediction=picked(prediction, rows))
            for field in fields(straight):
                one, two = getattr(straight, field.name), getattr(other, field.name)
                assert one is two is None or torch.equal(one[rows].nan_to_num(-9), two.nan_to_num(-9)), (
                    field.name
                )
        for row, labels in enumerate(straight.labels.numpy()):
            given = Given(*(each[row].numpy() for each in (target, *vars(prediction).values())))
            expected = referee.assign(given.target, 0, given.probability, given.boxes)
            if (labels != expected.labels).any():
                different.append(given)
            elif expected.quality is not None:
                np.testing.assert_allclose(straight.quality[row].numpy(), expected.quality, atol=1e-12)
                np.testing.assert_allclose(straight.weight[row].numpy(), expected.weight, atol=1e-12)
    return different
