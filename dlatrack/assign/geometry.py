"""Where grid points and anchor centres lie to a target: their distances, the nearest ones, those inside it."""

from __future__ import annotations

import torch
from torch import Tensor

from dlatrack import boxes
from dlatrack.grid import ScoreGrid

#: A centre closer than this to the side of the target is not inside it, px (as in ATSS).
INSIDE_MARGIN = 0.01


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


def nearest_points(grid: ScoreGrid, target_xyxy: Tensor, count: int) -> Tensor:
    """The points nearest to the target centres, nearest first, (B, count) int64; ties by point number.

    The nearest points lie in as many nearest rows and columns; only those are sorted.
    """
    axis = grid.axis.to(target_xyxy.device)
    squared = (axis - boxes.centre(target_xyxy)[..., None]).square()  # (B, 2, size), x then y
    near = squared.sort(dim=2, stable=True).indices[..., :count].sort(dim=2).values
    squared = squared.gather(2, near)
    distance = (squared[:, 1, :, None] + squared[:, 0, None, :]).flatten(1)
    points = (near[:, 1, :, None] * grid.size + near[:, 0, None, :]).flatten(1)
    return points.gather(1, distance.sort(dim=1, stable=True).indices[:, :count])


def anchors_of(points: Tensor, per_point: int) -> Tensor:
    """Sample numbers of all anchors of points, (B, K) -> (B, K m), the anchors of a point together."""
    return (points[..., None] * per_point + torch.arange(per_point, device=points.device)).flatten(1)


def centre_inside(anchors_xyxy: Tensor, target_xyxy: Tensor, margin: float = INSIDE_MARGIN) -> Tensor:
    """Whether anchor centres lie inside the targets, (A, 4) or (B, C, 4) x (B, 4) -> (B, A or C) bool."""
    return boxes.ltrb(boxes.centre(anchors_xyxy), target_xyxy[:, None]).amin(-1) > margin


def points_inside(grid: ScoreGrid, target_xyxy: Tensor, margin: float = INSIDE_MARGIN) -> Tensor:
    """Whether grid points lie more than `margin` px inside the targets, (B, 4) -> (B, N) bool."""
    axis = grid.axis.to(target_xyxy.device)
    low, high = axis - target_xyxy[:, :2, None], target_xyxy[:, 2:, None] - axis  # (B, 2, size), x then y
    return _crossing(torch.minimum(low, high) > margin)


def points_around_centre(grid: ScoreGrid, target_xyxy: Tensor, radius: float) -> Tensor:
    """Whether grid points lie less than `radius` px from the target centre along x and along y, (B, N) bool."""
    axis = grid.axis.to(target_xyxy.device)
    return _crossing((axis - boxes.centre(target_xyxy)[..., None]).abs() < radius)


def _crossing(near: Tensor) -> Tensor:
    """Points whose column and row are marked, (B, 2, size) bool, x then y -> (B, N) bool."""
    return (near[:, 1, :, None] & near[:, 0, None, :]).flatten(1)


def stored_by_column(boxes_xyxy: Tensor) -> Tensor:
    """The same boxes in float64, (..., 4), each coordinate contiguous in memory.

    Arithmetic on the coordinates of many boxes is several times as fast on them.
    """
    return boxes_xyxy.movedim(-1, 0).contiguous().double().movedim(0, -1)
