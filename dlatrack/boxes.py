"""Axis-aligned boxes in pixels: formats, overlap, containment.

Every function takes NumPy arrays or torch tensors of shape (..., 4) and returns the kind it was given. Names carry
the format: `xyxy` corners, `xywh` top-left corner and size, `cxcywh` centre and size. Coordinates are 0-based, x to
the right and y down, and the width is x2 - x1 (no "+ 1").
"""

from __future__ import annotations

from types import ModuleType
from typing import TypeVar

import numpy as np
import torch
from torch import Tensor

Array = TypeVar("Array", np.ndarray, Tensor)


def _library(array: np.ndarray | Tensor) -> ModuleType:
    return torch if isinstance(array, Tensor) else np


def xywh_to_xyxy(boxes_xywh: Array) -> Array:
    """Corner and size to two corners, (..., 4) -> (..., 4)."""
    return _library(boxes_xywh).concatenate(
        [boxes_xywh[..., :2], boxes_xywh[..., :2] + boxes_xywh[..., 2:]], -1
    )


def xyxy_to_xywh(boxes_xyxy: Array) -> Array:
    """Two corners to corner and size, (..., 4) -> (..., 4)."""
    return _library(boxes_xyxy).concatenate(
        [boxes_xyxy[..., :2], boxes_xyxy[..., 2:] - boxes_xyxy[..., :2]], -1
    )


def cxcywh_to_xyxy(boxes_cxcywh: Array) -> Array:
    """Centre and size to two corners, (..., 4) -> (..., 4)."""
    centre, half = boxes_cxcywh[..., :2], boxes_cxcywh[..., 2:] / 2
    return _library(boxes_cxcywh).concatenate([centre - half, centre + half], -1)


def xyxy_to_cxcywh(boxes_xyxy: Array) -> Array:
    """Two corners to centre and size, (..., 4) -> (..., 4)."""
    low, high = boxes_xyxy[..., :2], boxes_xyxy[..., 2:]
    return _library(boxes_xyxy).concatenate([(low + high) / 2, high - low], -1)


def centre(boxes_xyxy: Array) -> Array:
    """Box centres, (..., 4) -> (..., 2)."""
    return (boxes_xyxy[..., :2] + boxes_xyxy[..., 2:]) / 2


def area(boxes_xyxy: Array) -> Array:
    """Box areas in square pixels, (..., 4) -> (...); reversed boxes count as empty."""
    width, height = boxes_xyxy[..., 2] - boxes_xyxy[..., 0], boxes_xyxy[..., 3] - boxes_xyxy[..., 1]
    return width.clip(0) * height.clip(0)


def iou(a_xyxy: Array, b_xyxy: Array) -> Array:
    """Intersection over union of boxes, elementwise with broadcasting, (..., 4) x (..., 4) -> (...).

    Two empty boxes have IoU 0.
    """
    intersection, union = _intersection_and_union(a_xyxy, b_xyxy)
    return intersection / _or_one(union)


def giou(a_xyxy: Array, b_xyxy: Array) -> Array:
    """Generalised IoU of boxes, elementwise with broadcasting, (..., 4) x (..., 4) -> (...) in -1..1.

    It is the IoU minus the share of the smallest box around both that belongs to neither, and so tells boxes apart
    that do not meet. Two empty boxes at one point have 0.

    Source: Rezatofighi et al. 2019, Algorithm 1.
    """
    library = _library(a_xyxy)
    intersection, union = _intersection_and_union(a_xyxy, b_xyxy)
    width = library.maximum(a_xyxy[..., 2], b_xyxy[..., 2]) - library.minimum(a_xyxy[..., 0], b_xyxy[..., 0])
    height = library.maximum(a_xyxy[..., 3], b_xyxy[..., 3]) - library.minimum(a_xyxy[..., 1], b_xyxy[..., 1])
    around = width * height
    return intersection / _or_one(union) - (around - union) / _or_one(around)


def _intersection_and_union(a_xyxy: Array, b_xyxy: Array) -> tuple[Array, Array]:
    """Areas in square pixels, (..., 4) x (..., 4) -> (...) and (...); one column at a time, which is quicker."""
    library = _library(a_xyxy)
    width = library.minimum(a_xyxy[..., 2], b_xyxy[..., 2]) - library.maximum(a_xyxy[..., 0], b_xyxy[..., 0])
    height = library.minimum(a_xyxy[..., 3], b_xyxy[..., 3]) - library.maximum(a_xyxy[..., 1], b_xyxy[..., 1])
    intersection = width.clip(0) * height.clip(0)
    return intersection, area(a_xyxy) + area(b_xyxy) - intersection


def _or_one(divisor: Array) -> Array:
    """The divisor where it is positive, 1 elsewhere."""
    library = _library(divisor)
    return library.where(divisor > 0, divisor, library.ones_like(divisor))


def ltrb(points: Array, boxes_xyxy: Array) -> Array:
    """Distances from points to the left, top, right and bottom side of boxes, in px, positive inside.

    Args:
        points: (..., 2), x then y.
        boxes_xyxy: (..., 4), broadcast against `points`.

    Returns:
        (..., 4): the regression target of an anchor-free head (SiamCAR, SiamBAN, SiamFC++).
    """
    return _library(points).concatenate([points - boxes_xyxy[..., :2], boxes_xyxy[..., 2:] - points], -1)


def encode_deltas(anchors_xyxy: Array, boxes_xyxy: Array) -> Array:
    """Boxes as deltas from anchors: (x - xa) / wa, (y - ya) / ha, ln(w / wa), ln(h / ha), (..., 4).

    Source: Faster R-CNN (Ren et al. 2015) Eq. 2; SiamRPN Sec. 3.2.
    """
    library = _library(anchors_xyxy)
    anchors, boxes = xyxy_to_cxcywh(anchors_xyxy), xyxy_to_cxcywh(boxes_xyxy)
    shift = (boxes[..., :2] - anchors[..., :2]) / anchors[..., 2:]
    return library.concatenate([shift, library.log(boxes[..., 2:] / anchors[..., 2:])], -1)


def decode_deltas(anchors_xyxy: Array, deltas: Array) -> Array:
    """The inverse of `encode_deltas`: boxes as xyxy, (..., 4)."""
    library = _library(anchors_xyxy)
    anchors = xyxy_to_cxcywh(anchors_xyxy)
    centre_xy = deltas[..., :2] * anchors[..., 2:] + anchors[..., :2]
    size = library.exp(deltas[..., 2:]) * anchors[..., 2:]
    return cxcywh_to_xyxy(library.concatenate([centre_xy, size], -1))


def context_side(width: Array, height: Array) -> Array:
    """Side in px of the square around a target that becomes the 127-pixel template.

    sqrt((w + p)(h + p)) with p = (w + h) / 2: half of the mean side as context on each border (SiamFC, Sec. 3).
    """
    context = (width + height) / 2
    return ((width + context) * (height + context)) ** 0.5
