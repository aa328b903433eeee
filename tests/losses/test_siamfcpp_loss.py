"""Loss of SiamFC++, against the formulas written out sample by sample."""

from __future__ import annotations

import math

import pytest
import torch

from dlatrack.assign import build_assigner
from dlatrack.grid import ScoreGrid
from dlatrack.losses import siamfcpp_loss
from dlatrack.losses.terms import focal_loss
from dlatrack.models.heads import HeadOutput
from dlatrack.recipes import LossConfig

GRID = ScoreGrid(17, 8, 80)
POINTS = GRID.points.float()
WEIGHTS = LossConfig(1.0, 3.0, 1.0)


def answer(pairs: int, seed: int = 0) -> HeadOutput:
    generator = torch.Generator().manual_seed(seed)
    cls, reg, centerness = (torch.randn(pairs, c, 17, 17, generator=generator) for c in (1, 4, 1))
    return HeadOutput(
        cls.requires_grad_(), (3.3 + 0.4 * reg).exp().requires_grad_(), centerness.requires_grad_()
    )


def referee(
    output: HeadOutput, labels: torch.Tensor, target: torch.Tensor, positive_pair: list[bool]
) -> list[float]:
    """Classification, regression and centre-ness in plain Python."""
    focal = regression = central = 0.0
    positives = centres = 0
    for pair in range(len(labels)):
        for n, (px, py) in enumerate(POINTS.tolist()):
            row, column = divmod(n, 17)
            label = int(labels[pair, n])
            p = 1 / (1 + math.exp(-output.cls[pair, 0, row, column].item()))
            if label == 1:
                focal -= 0.75 * (1 - p) ** 2 * math.log(p)
                positives += 1
            elif label == 0:
                focal -= 0.25 * p**2 * math.log(1 - p)
            x1, y1, x2, y2 = target[pair].tolist()
            left, top, right, bottom = px - x1, py - y1, x2 - px, y2 - py
            inside = min(left, top, right, bottom) > 0
            if label == 1:
                pl, pt, pr, pb = output.reg[pair, :, row, column].tolist()
                common = (min(left, pl) + min(right, pr) + 1) * (min(top, pt) + min(bottom, pb) + 1)
                mine, theirs = (pl + pr + 1) * (pt + pb + 1), (x2 - x1 + 1) * (y2 - y1 + 1)
                regression -= math.log(common / (mine + theirs - common))
            if inside and (label == 1 or (label == 0 and not positive_pair[pair])):
                shorter = min(left, right) * min(top, bottom)
                c = math.sqrt(shorter / (max(left, right) * max(top, bottom) + 1e-5))
                q = 1 / (1 + math.exp(-output.centerness[pair, 0, row, column].item()))
                entropy = -c * math.log(c) - ((1 - c) * math.log(1 - c) if c < 1 else 0)
                central += -c * math.log(q) - (1 - c) * math.log(1 - q) - entropy
                centres += 1
    return [focal / max(positives, 1), regression / max(positives, 1), central / max(centres, 1)]


@pytest.mark.parametrize(
    ("rule", "options"), [("inside", {}), ("dla_points", {"negative_pairs": "inside"})], ids=["fixed", "dla"]
)
@pytest.mark.parametrize("positive_pair", [[True, True], [True, False], [False, False]])
def test_agrees_with_the_formulas(rule: str, options: dict, positive_pair: list[bool]) -> None:
    target = torch.tensor([[100.3, 90.1, 170.2, 150.7], [120.0, 130.0, 184.0, 161.0]])
    assigner = build_assigner(rule, GRID, **options)
    labels = assigner.assign(target, torch.tensor(positive_pair), torch.Generator().manual_seed(1)).labels
    output = answer(2)
    terms = siamfcpp_loss(output, labels, target, POINTS, WEIGHTS)
    found = [terms.classification.item(), terms.regression.item(), terms.centerness.item()]
    assert found == pytest.approx(referee(output, labels, target, positive_pair), rel=1e-4, abs=1e-6)
    assert terms.total.item() == pytest.approx(found[0] + 3 * found[1] + found[2], rel=1e-5)
    terms.total.backward()
    assert all(torch.isfinite(part.grad).all() for part in (output.cls, output.centerness))


def test_a_perfect_answer_costs_nothing() -> None:
    target = torch.tensor([[100.0, 90.0, 170.0, 150.0]])
    labels = build_assigner("inside", GRID).assign(target).labels
    sides = torch.cat([POINTS - target[:, :2], target[:, 2:] - POINTS], 1).T.reshape(1, 4, 17, 17)
    first, second = sides[:, :2].clamp(min=0), sides[:, 2:].clamp(min=0)
    ratio = torch.minimum(first, second).prod(1) / (torch.maximum(first, second).prod(1) + 1e-5)
    central = torch.logit(ratio.sqrt().clamp(1e-7, 1 - 1e-7))
    sure = torch.where(labels == 1, 40.0, -40.0).reshape(1, 1, 17, 17)
    output = HeadOutput(sure, sides.clamp(min=1), central[:, None])
    terms = siamfcpp_loss(output, labels, target, POINTS, WEIGHTS)
    assert terms.total.item() == pytest.approx(0, abs=1e-5)


def test_huge_boxes_elsewhere_and_huge_logits_stay_finite() -> None:
    target = torch.tensor([[100.0, 90.0, 170.0, 150.0]])
    labels = build_assigner("inside", GRID).assign(target).labels
    cls, reg, centerness = (torch.full((1, c, 17, 17), v) for c, v in ((1, -500.0), (4, 1e15), (1, 0.0)))
    output = HeadOutput(cls.requires_grad_(), reg.requires_grad_(), centerness)
    terms = siamfcpp_loss(output, labels, target, POINTS, WEIGHTS)
    terms.total.backward()
    assert torch.isfinite(output.cls.grad).all()
    assert torch.isfinite(output.reg.grad).all()
    assert torch.isfinite(terms.total)


def test_no_labelled_sample_costs_nothing() -> None:
    labels = torch.full((1, 289), -1, dtype=torch.int8)
    terms = siamfcpp_loss(answer(1), labels, torch.tensor([[100.0, 90.0, 170.0, 150.0]]), POINTS, WEIGHTS)
    assert terms.total.item() == 0


def test_focal_loss_by_hand() -> None:
    logits = torch.tensor([[0.0, 0.0, 0.0]])
    labels = torch.tensor([[1, 0, -1]], dtype=torch.int8)
    assert focal_loss(logits, labels).item() == pytest.approx((0.75 + 0.25) * 0.25 * math.log(2))


def test_a_head_without_boxes_is_refused() -> None:
    output = HeadOutput(torch.zeros(1, 1, 17, 17), None, None)
    labels = torch.zeros(1, 289, dtype=torch.int8)
    with pytest.raises(ValueError, match="needs maps that the head does not have"):
        siamfcpp_loss(output, labels, torch.tensor([[100.0, 90.0, 170.0, 150.0]]), POINTS, WEIGHTS)
