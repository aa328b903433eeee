"""Losses."""

from __future__ import annotations

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from dlatrack.grid import ScoreGrid
from dlatrack.losses import siamcar_loss
from dlatrack.losses.terms import balanced_cross_entropy, centerness_targets, ltrb_iou_loss
from dlatrack.models.heads import HeadOutput
from dlatrack.recipes import LossConfig

POINTS = ScoreGrid(size=2, stride=10, offset=10).points  # (10, 10), (20, 10), (10, 20), (20, 20)
WEIGHTS = LossConfig()


def output_2x2(seed: int = 0, batch: int = 1, dtype: torch.dtype = torch.float64) -> HeadOutput:
    generator = torch.Generator().manual_seed(seed)
    cls, reg, centerness = (
        torch.randn(batch, channels, 2, 2, generator=generator, dtype=dtype) for channels in (2, 4, 1)
    )
    leaves = (cls.requires_grad_(), (reg + 2).exp().detach().requires_grad_(), centerness.requires_grad_())
    return HeadOutput(*leaves)


def labels_of(*values: int) -> Tensor:
    return torch.tensor([values], dtype=torch.int8)


def test_centerness_by_hand() -> None:
    sides = torch.tensor([[4.0, 9, 4, 9], [1, 2, 4, 2], [1, 1, 4, 9], [-1, 5, 3, 5], [0, 0, 0, 0]])
    expected = torch.tensor([1, 0.5, math.sqrt(1 / 36), 0, 0])
    torch.testing.assert_close(centerness_targets(sides), expected)


def test_iou_loss_by_hand() -> None:
    predicted, target = torch.tensor([2.0, 2, 2, 2]), torch.tensor([1.0, 1, 3, 3])
    # 4 x 4 boxes that share 3 x 3: intersection 9, union 23
    assert ltrb_iou_loss(predicted, target).item() == pytest.approx(-math.log(10 / 24))
    assert ltrb_iou_loss(target, target).item() == 0


def test_siamcar_loss_by_hand() -> None:
    """Cells 0 and 3 positive, 1 negative, 2 ignored; the target spans (4, 5) to (24, 25)."""
    cls = torch.tensor([[[0.0, 1.0, 9.0, 0.0], [0.0, 0.0, -9.0, 2.0]]]).reshape(1, 2, 2, 2)
    reg = torch.tensor([[6.0, 1, 1, 8], [5, 1, 1, 15], [14, 1, 1, 4], [15, 1, 1, 5]]).reshape(1, 4, 2, 2)
    centerness = torch.tensor([0.0, 7.0, 7.0, 1.0]).reshape(1, 1, 2, 2)
    target = torch.tensor([[4.0, 5, 24, 25]])
    terms = siamcar_loss(
        HeadOutput(cls, reg, centerness), labels_of(1, 0, -1, 1), target, POINTS, LossConfig(1.0, 3.0, 0.5)
    )

    positive = (math.log(2) + math.log(1 + math.exp(-2))) / 2
    negative = math.log(1 + math.exp(-1))
    classification = 0.5 * positive + 0.5 * negative
    # cell 0: l, t, r, b = 6, 5, 14, 15 as predicted; cell 3: 16, 15, 4, 5 against 8, 15, 4, 5
    centre_0, centre_3 = math.sqrt(6 / 14 * 5 / 15), math.sqrt(4 / 16 * 5 / 15)
    regression = centre_3 * -math.log(241 / 401) / (centre_0 + centre_3)
    entropy_0 = math.log(2)
    entropy_3 = math.log(1 + math.e) - centre_3
    centre = (entropy_0 + entropy_3) / 2
    assert terms.classification.item() == pytest.approx(classification, rel=1e-6)
    assert terms.regression.item() == pytest.approx(regression, rel=1e-6)
    assert terms.centerness.item() == pytest.approx(centre, rel=1e-6)
    assert terms.total.item() == pytest.approx(classification + 3 * regression + 0.5 * centre, rel=1e-6)


def test_exactly_one_positive_counts() -> None:
    logits = torch.zeros(2, 2, 4)
    labels = torch.zeros(2, 4, dtype=torch.int8)
    labels[1, 2] = 1
    assert balanced_cross_entropy(logits, labels).item() == pytest.approx(math.log(2))
    output = output_2x2()
    terms = siamcar_loss(output, labels_of(0, 0, 0, 1), torch.tensor([[4.0, 5, 24, 25]]), POINTS, WEIGHTS)
    terms.total.backward()
    assert terms.regression > 0
    assert terms.centerness > 0
    for leaf in output[1:]:
        assert leaf is not None
        assert leaf.grad is not None
        assert leaf.grad[..., 1, 1].abs().sum() > 0


@pytest.mark.parametrize("values", [(-1, -1, -1, -1), (0, 0, 0, 0), (1, 1, 1, 1), (0, -1, 0, -1)])
def test_empty_sides_add_nothing_and_give_finite_gradients(values: tuple[int, ...]) -> None:
    output = output_2x2()
    terms = siamcar_loss(output, labels_of(*values), torch.tensor([[4.0, 5, 24, 25]]), POINTS, WEIGHTS)
    terms.total.backward()
    assert all(torch.isfinite(term) for term in vars(terms).values())
    for leaf in output:
        assert leaf is not None
        assert torch.isfinite(leaf.grad).all()
    if 1 not in values:
        assert terms.regression == 0
        assert terms.centerness == 0
        assert not output.reg.grad.any()
    if set(values) == {-1}:
        assert terms.total == 0


@pytest.mark.parametrize("target", [(12.0, 12, 14, 14), (10.0, 10, 10, 10), (12.0, 12, 10, 10)])
def test_rescued_point_outside_its_target_is_finite(target: tuple[float, ...]) -> None:
    output = output_2x2()
    terms = siamcar_loss(output, labels_of(1, 0, 0, 0), torch.tensor([target]), POINTS, WEIGHTS)
    terms.total.backward()
    assert terms.regression == 0
    assert terms.classification > 0
    assert terms.centerness > 0
    assert all(torch.isfinite(leaf.grad).all() for leaf in output if leaf is not None)


def test_regression_and_centerness_see_positives_alone() -> None:
    output = output_2x2()
    siamcar_loss(
        output, labels_of(0, 1, -1, 0), torch.tensor([[4.0, 5, 24, 25]]), POINTS, WEIGHTS
    ).total.backward()
    assert output.centerness is not None
    for gradient in (output.reg.grad, output.centerness.grad):
        cells = gradient.abs().sum((0, 1)).flatten()
        assert cells[1] > 0
        assert not cells[[0, 2, 3]].any()
    assert not output.cls.grad[..., 1, 0].any()  # ignored


def test_gradients_match_differences() -> None:
    output = output_2x2(seed=4, batch=2)
    labels = torch.tensor([[1, 0, -1, 1], [0, 0, 1, 0]], dtype=torch.int8)
    target = torch.tensor([[4.0, 5, 24, 25], [2, 11, 17, 26]], dtype=torch.float64)

    def total(*leaves: Tensor) -> Tensor:
        return siamcar_loss(HeadOutput(*leaves), labels, target, POINTS, WEIGHTS).total

    assert torch.autograd.gradcheck(total, tuple(output))


@settings(max_examples=20, deadline=None)
@given(seed=st.integers(0, 999), labels=st.lists(st.sampled_from([1, 0, -1]), min_size=12, max_size=12))
def test_equals_a_plain_loop(seed: int, labels: list[int]) -> None:
    """The published definition, sample by sample."""
    output = output_2x2(seed, batch=3)
    grid = torch.tensor(labels, dtype=torch.int8).reshape(3, 4)
    target = torch.tensor([[4.0, 5, 24, 25], [2, 11, 17, 26], [0, 0, 40, 30]], dtype=torch.float64)
    terms = siamcar_loss(output, grid, target, POINTS, WEIGHTS)
    cls, reg, cen = (maps.detach().flatten(2) for maps in output if maps is not None)
    entropy: dict[int, list[Tensor]] = {0: [], 1: []}
    weighted, weight, binary = [], [], []
    for item, cell in ((item, cell) for item in range(3) for cell in range(4)):
        label = int(grid[item, cell])
        if label >= 0:
            entropy[label].append(-cls[item, :, cell].log_softmax(0)[label])
        if label == 1:
            (x, y), (x1, y1, x2, y2) = POINTS[cell].tolist(), target[item].tolist()
            sides = torch.tensor([x - x1, y - y1, x2 - x, y2 - y], dtype=torch.float64)
            central = centerness_targets(sides.clamp(min=0))
            weighted.append(central * ltrb_iou_loss(reg[item, :, cell], sides.clamp(min=0)))
            weight.append(central)
            odds = cen[item, 0, cell].sigmoid()
            binary.append(-central * odds.log() - (1 - central) * (1 - odds).log())
    mean = [float(torch.stack(side).mean()) if side else 0.0 for side in entropy.values()]
    assert terms.classification.item() == pytest.approx(0.5 * sum(mean))
    whole = float(sum(weight))
    assert terms.regression.item() == pytest.approx(float(sum(weighted)) / whole if whole else 0)
    assert terms.centerness.item() == pytest.approx(float(sum(binary)) / len(binary) if binary else 0)


def test_half_precision_maps_are_summed_in_single() -> None:
    output = HeadOutput(*(leaf.detach().bfloat16() for leaf in output_2x2() if leaf is not None))
    terms = siamcar_loss(output, labels_of(1, 0, 0, 1), torch.tensor([[4.0, 5, 24, 25]]), POINTS, WEIGHTS)
    assert terms.total.dtype == torch.float32


def test_shapes_are_checked() -> None:
    output, target = output_2x2(), torch.tensor([[4.0, 5, 24, 25]])
    with pytest.raises(ValueError, match=r"labels must be \(1, 4\) for this output, got \(1, 3\)"):
        siamcar_loss(output, labels_of(1, 0, 0), target, POINTS, WEIGHTS)
    with pytest.raises(ValueError, match=r"points must be \(4, 2\) for this output, got \(9, 2\)"):
        siamcar_loss(output, labels_of(1, 0, 0, 1), target, ScoreGrid(3).points, WEIGHTS)
    with pytest.raises(ValueError, match="needs a head with centre-ness"):
        siamcar_loss(output._replace(centerness=None), labels_of(1, 0, 0, 1), target, POINTS, WEIGHTS)
