"""Answers of a network made up for tests: two cases that anyone can rebuild, and random ones."""

from __future__ import annotations

import math
from typing import NamedTuple

import torch
from torch import Tensor

from dlatrack import boxes
from dlatrack.assign import Prediction
from dlatrack.grid import ScoreGrid


class Case(NamedTuple):
    """One target on a small grid, with predictions that are worse further away from it."""

    grid: ScoreGrid
    anchor_shapes: tuple[tuple[float, float], ...]
    target_xyxy: Tensor  #: (1, 4)
    prediction: Prediction


def case(name: str) -> Case:
    """Case "T", a 5 x 5 grid that can be checked by hand, or "G", the 25 x 25 grid. Nothing in them is random.

    Boxes and logits are rounded to single precision, in which the public implementations were run.
    """
    grid, side, target = {
        "T": (ScoreGrid(5, 8, 16), 24, (18.0, 20.0, 46.0, 44.0)),
        "G": (ScoreGrid(25, 8, 31), 64, (101.3, 92.6, 158.9, 171.4)),
    }[name]
    exact = torch.tensor([target], dtype=torch.float64)
    (x, y), (width, height) = boxes.centre(exact)[0], exact[0, 2:] - exact[0, :2]
    scale = math.sqrt(width * height)
    points, number = grid.points, torch.arange(grid.size**2, dtype=torch.float64)
    distance = torch.hypot(points[:, 0] - x, points[:, 1] - y) / scale
    logit = 4 * torch.exp(-2 * distance**2) - 2.5 + 0.25 * ((11 * number) % 7 - 3)
    away = torch.sign(points - torch.stack([x, y]))
    wobble = 0.04 * torch.stack([(7 * number) % 5 - 2, (3 * number) % 5 - 2], 1)
    centre = torch.stack([x, y]) + scale * (wobble + 0.2 * distance[:, None] * away)
    size = (1 + 0.06 * ((2 * number) % 5 - 2))[:, None] * torch.stack([width, height])
    predicted = boxes.cxcywh_to_xyxy(torch.cat([centre, size], 1)).float()
    probability = logit.float().double().sigmoid()
    return Case(grid, ((side, side),), exact.float(), Prediction(probability[None], predicted[None]))


def random_predictions(target_xyxy: Tensor, seed: int, anchors_xyxy: Tensor) -> Prediction:
    """Random answers of networks from good to bad, one network per target.

    A box lies between its anchor and the target, nearer to the target where the network is good and the anchor
    overlaps the target, and is jittered. In one target of eight, boxes are rounded to 4 px and probabilities to
    eighths, which makes equal costs; in another one, some probabilities are exactly 0 or 1.

    Args:
        target_xyxy: (B, 4), search-region px.
        seed: seed of all draws.
        anchors_xyxy: (A, 4), search-region px.
    """
    generator = torch.Generator().manual_seed(seed)

    def draw(*shape: int) -> Tensor:
        return torch.rand(*shape, generator=generator, dtype=torch.float64)

    targets, samples = len(target_xyxy), len(anchors_xyxy)
    target, anchors = boxes.xyxy_to_cxcywh(target_xyxy.double())[:, None], boxes.xyxy_to_cxcywh(anchors_xyxy)
    reach = (target[..., 2:].prod(-1).sqrt() + 16) * (0.3 + draw(targets, 1))
    near = torch.exp(-(((anchors[:, :2] - target[..., :2]).norm(dim=-1) / reach) ** 2))  # (B, A)
    share = (draw(targets, 1) * near + 0.4 * draw(targets, samples)).clamp(max=1)[..., None]
    centre = share * target[..., :2] + (1 - share) * anchors[:, :2]
    size = torch.exp(share * target[..., 2:].log() + (1 - share) * anchors[:, 2:].log())
    jitter = 0.4 * draw(targets, 1, 1) * (2 * draw(targets, samples, 4) - 1)
    centre, size = centre + jitter[..., :2] * size, size * torch.exp(jitter[..., 2:])
    logit = 12 * draw(targets, 1) * (near - 0.5) + 4 * (draw(targets, samples) - 0.5)
    probability = logit.sigmoid()

    coarse, certain = draw(targets) < 0.125, draw(targets) < 0.125
    predicted = boxes.cxcywh_to_xyxy(torch.cat([centre, size], -1))
    low, extent = predicted[coarse, :, :2], (predicted[..., 2:] - predicted[..., :2])[coarse]
    low, extent = (low / 4).round() * 4, ((extent / 4).round() * 4).clamp(min=4)
    predicted[coarse] = torch.cat([low, low + extent], -1)
    probability[coarse] = (probability[coarse] * 8).round() / 8
    probability[certain] = (probability[certain] * 1.2 - 0.1).clamp(0, 1)
    return Prediction(probability.float(), predicted.float())
