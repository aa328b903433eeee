"""Heads of SiamFC and SiamFC++."""

from __future__ import annotations

import math

import pytest
import torch

from dlatrack.models.correlation import cross_correlation, depthwise_correlation
from dlatrack.models.heads import FcHead, FcppHead


def test_cross_correlation_by_hand() -> None:
    search = torch.arange(9.0).reshape(1, 1, 3, 3).repeat(1, 2, 1, 1)
    template = torch.tensor([[1.0, 0.0], [0.0, 1.0]]).repeat(1, 2, 1, 1)
    expected = torch.tensor([[0 + 4, 1 + 5], [3 + 7, 4 + 8]]) * 2.0  # over two channels
    assert torch.equal(cross_correlation(search, template)[0, 0], expected)


def test_cross_correlation_of_a_batch_is_the_sum_of_the_depthwise_one() -> None:
    search, template = torch.rand(3, 5, 9, 8), torch.rand(3, 5, 4, 3)
    expected = depthwise_correlation(search, template).sum(1, keepdim=True)
    torch.testing.assert_close(cross_correlation(search, template), expected)
    shared = cross_correlation(search, template[:1])
    torch.testing.assert_close(shared[0], expected[0])
    assert shared.shape == (3, 1, 6, 6)
    with pytest.raises(ValueError, match=r"template \(2, 5, 4, 3\) must match search \(3, 5, 9, 8\)"):
        cross_correlation(search, template[:2])


def test_siamfc_scores_are_scaled_sums() -> None:
    head = FcHead()
    output = head(head.kernels([torch.ones(2, 256, 6, 6)]), [torch.ones(2, 256, 22, 22)])
    assert output.cls.shape == (2, 1, 17, 17)
    assert output.cls[0, 0, 3, 4].item() == pytest.approx(9.216)
    assert output.reg is None
    assert output.centerness is None


@pytest.fixture
def fcpp() -> FcppHead:
    head = FcppHead(16, 2, 8)
    head.reset_parameters(torch.Generator().manual_seed(0))
    return head.eval()


@pytest.mark.parametrize(("cells", "score"), [(25, 17), (27, 19)])
def test_siamfcpp_shapes(fcpp: FcppHead, cells: int, score: int) -> None:
    kernels = fcpp.kernels([torch.rand(2, 16, 5, 5)])
    assert [tuple(kernel.shape) for kernel in kernels] == [(2, 16, 3, 3)] * 2
    output = fcpp(kernels, [torch.rand(2, 16, cells, cells)])
    assert output.cls.shape == (2, 1, score, score)
    assert output.reg.shape == (2, 4, score, score)
    assert output.centerness.shape == (2, 1, score, score)
    assert (output.reg > 0).all()


def test_siamfcpp_boxes_are_in_strides(fcpp: FcppHead) -> None:
    """A box layer that answers 0 stands for 8 px; its learned factor and offset act before exp()."""
    torch.nn.init.zeros_(fcpp.box_offsets[1].weight)
    torch.nn.init.constant_(fcpp.box_offsets[1].bias, 0.5)
    torch.nn.init.constant_(fcpp.box_scale, 2.0)
    torch.nn.init.constant_(fcpp.box_bias, -1.0 + math.log(3))
    output = fcpp(fcpp.kernels([torch.rand(1, 16, 5, 5)]), [torch.rand(1, 16, 25, 25)])
    torch.testing.assert_close(output.reg, torch.full_like(output.reg, 24.0))


def test_siamfcpp_adjusts_without_rectifier(fcpp: FcppHead) -> None:
    assert (fcpp.kernels([torch.rand(1, 16, 5, 5)])[0] < 0).any()


def test_siamfcpp_sizes() -> None:
    head = FcppHead()

    def size(*names: str) -> int:
        return sum(p.numel() for name in names for p in head.get_submodule(name).parameters())

    assert size("cls_kernel", "box_kernel", "cls_search", "box_search") == 2_362_368
    assert size("cls_tower", "box_tower") == 2_360_320
    assert size("cls_score", "centerness", "box_offsets") + 2 == 1_556


def test_initial_weights(fcpp: FcppHead) -> None:
    assert fcpp.cls_kernel[0].weight.std().item() == pytest.approx(0.01, rel=0.1)
    assert fcpp.box_tower[0].weight.std().item() == pytest.approx(0.0001, rel=0.1)
    assert fcpp.cls_score[0].bias.item() == pytest.approx(-math.log(99))
    assert fcpp.box_tower[2].bias.abs().max() <= 1 / 12
    with pytest.raises(ValueError, match="tower_depth must be at least 1, got 0"):
        FcppHead(16, 0)
