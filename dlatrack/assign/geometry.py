"""Distances of grid points from a target, in the unit of the rule that compares them."""

from __future__ import annotations

import torch
from torch import Tensor

from dlatrack import boxes


def centre_offset(points: Tensor, target_xyxy: Tensor) -> Tensor:
    """Vectors from the target centres to the points in px, (N, 2) x (B, 4) -> (B, N, 2)."""
    return points - boxes.centre(target_xyxy)[:, None]


def half_size(target_xyxy: Tensor) -> Tensor:
    """Half width and half height in px, (B, 4) -> (B, 1, 2)."""
    return (target_xyxy[:, 2:] - target_xyxy[:, :2])[:, None] / 2


def box_distance(points: Tensor, target_xyxy: Tensor) -> Tensor:
    """Larger of `|dx| / (w / 2)` and `|dy| / (h / 2)`, (B, N): 0 at the target centre, 1 on its border."""
    return (centre_offset(points, target_xyxy).abs() / half_size(target_xyxy)).amax(-1)


def ellipse_distance(points: Tensor, target_xyxy: Tensor) -> Tensor:
    """Radius in units of the ellipse that touches the target's sides, (B, N)."""
    return torch.linalg.vector_norm(centre_offset(points, target_xyxy) / half_size(target_xyxy), dim=-1)
