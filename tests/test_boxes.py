"""Box formats and overlap."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from dlatrack import boxes

corner = st.floats(-500, 500, allow_nan=False)
side = st.floats(0.1, 500, allow_nan=False)
box_xywh = st.tuples(corner, corner, side, side)


def test_formats_of_one_box():
    xywh = np.array([10.0, 20.0, 30.0, 40.0])
    xyxy = boxes.xywh_to_xyxy(xywh)
    assert xyxy.tolist() == [10, 20, 40, 60]
    assert boxes.xyxy_to_cxcywh(xyxy).tolist() == [25, 40, 30, 40]
    assert boxes.centre(xyxy).tolist() == [25, 40]
    assert boxes.area(xyxy) == 1200


def test_iou_by_hand():
    a = torch.tensor([0.0, 0.0, 2.0, 2.0])
    b = torch.tensor([[1.0, 1.0, 3.0, 3.0], [2.0, 0.0, 4.0, 2.0], [0.0, 0.0, 2.0, 2.0], [5.0, 5.0, 5.0, 5.0]])
    assert boxes.iou(a, b).tolist() == pytest.approx([1 / 7, 0, 1, 0])
    empty = torch.zeros(4)
    assert boxes.iou(empty, empty).item() == 0


def test_giou_by_hand():
    a = torch.tensor([0.0, 0.0, 2.0, 2.0])
    b = torch.tensor([[1.0, 1.0, 3.0, 3.0], [2.0, 0.0, 4.0, 2.0], [0.0, 0.0, 2.0, 2.0], [4.0, 4.0, 6.0, 6.0]])
    # overlapping: 1 of 7 shared, 2 of 9 around them belong to neither; side by side: 0; far apart: 8 of 36 covered
    assert boxes.giou(a, b).tolist() == pytest.approx([1 / 7 - 2 / 9, 0, 1, -28 / 36])
    empty = torch.zeros(4)
    assert boxes.giou(empty, empty).item() == 0


def test_giou_falls_with_the_distance_where_iou_is_blind():
    boxes_xyxy = torch.tensor([[x, 0.0, x + 2, 2.0] for x in (2.0, 3.0, 10.0, 1000.0)], requires_grad=True)
    similarity = boxes.giou(boxes_xyxy, torch.tensor([0.0, 0.0, 2.0, 2.0]))
    assert (similarity.diff() < 0).all()
    assert similarity[-1] > -1
    similarity.sum().backward()
    assert (boxes_xyxy.grad[:, 0] < 0).all(), "nearer is better"


def test_distances_to_the_sides():
    assert boxes.ltrb(np.array([3.0, 5.0]), np.array([1.0, 1.0, 10.0, 20.0])).tolist() == [2, 4, 7, 15]


def test_context_side_of_a_square_is_twice_its_side():
    assert boxes.context_side(32.0, 32.0) == 64


@given(box_xywh, box_xywh)
def test_iou_is_symmetric_and_between_zero_and_one(first, second):
    a, b = (boxes.xywh_to_xyxy(np.array(box)) for box in (first, second))
    assert boxes.iou(a, b) == boxes.iou(b, a)
    assert 0 <= boxes.iou(a, b) <= 1
    assert boxes.iou(a, a) == pytest.approx(1)


@given(box_xywh, box_xywh)
def test_giou_is_symmetric_and_at_most_the_iou(first, second):
    a, b = (boxes.xywh_to_xyxy(np.array(box)) for box in (first, second))
    assert boxes.giou(a, b) == boxes.giou(b, a)
    assert -1 <= boxes.giou(a, b) <= boxes.iou(a, b) + 1e-12
    assert boxes.giou(a, a) == pytest.approx(1)


@given(box_xywh)
def test_formats_round_trip(box):
    xywh = np.array(box)
    xyxy = boxes.xywh_to_xyxy(xywh)
    assert boxes.xyxy_to_xywh(xyxy) == pytest.approx(xywh, abs=1e-9)
    assert boxes.cxcywh_to_xyxy(boxes.xyxy_to_cxcywh(xyxy)) == pytest.approx(xyxy, abs=1e-9)


@given(box_xywh, box_xywh)
def test_arrays_and_tensors_agree(first, second):
    arrays = [boxes.xywh_to_xyxy(np.array(box)) for box in (first, second)]
    tensors = [boxes.xywh_to_xyxy(torch.tensor(box, dtype=torch.float64)) for box in (first, second)]
    assert boxes.iou(*arrays) == boxes.iou(*tensors).item()
    assert boxes.giou(*arrays) == boxes.giou(*tensors).item()
