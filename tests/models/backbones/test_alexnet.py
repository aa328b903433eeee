"""AlexNet trunks of SiamRPN and SiamFC: shapes, sizes, where a cell looks, official names."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from dlatrack.models.backbones import AlexNet, Backbone, GroupedAlexNet


def drawn(trunk: Backbone) -> Backbone:
    trunk.reset_parameters(torch.Generator().manual_seed(0))
    return trunk.eval()


@pytest.mark.parametrize("trunk", [AlexNet, GroupedAlexNet])
@pytest.mark.parametrize(("size", "cells"), [(127, 6), (255, 22), (287, 26)])
def test_shapes(trunk: type[Backbone], size: int, cells: int) -> None:
    (maps,) = drawn(trunk((5,)))(torch.zeros(2, 3, size, size))
    assert maps.shape == (2, 256, cells, cells)


def test_sizes() -> None:
    assert sum(p.numel() for p in AlexNet().parameters()) == 3_749_952
    # 11*11*3*96 + 5*5*48*256 + 3*3*256*384 + 3*3*192*384 + 3*3*192*256 weights, one bias per channel, four norms
    convolutions = 34_848 + 307_200 + 884_736 + 663_552 + 442_368 + (96 + 256 + 384 + 384 + 256)
    assert sum(p.numel() for p in GroupedAlexNet().parameters()) == convolutions + 2 * (96 + 256 + 384 + 384)


@pytest.mark.parametrize("trunk", [AlexNet, GroupedAlexNet])
def test_cell_i_looks_at_43_plus_8_i(trunk: type[Backbone]) -> None:
    images = torch.rand(1, 3, 127, 127, generator=torch.Generator().manual_seed(1)).requires_grad_()
    drawn(trunk((5,)))(images)[0][0, :, 2, 4].square().sum().backward()
    assert images.grad is not None
    seen = images.grad[0].abs().sum(0)
    rows, columns = (seen.sum(axis).nonzero().flatten() for axis in (1, 0))
    assert (rows[0] + rows[-1]).item() / 2 == pytest.approx(43 + 8 * 2, abs=2)
    assert (columns[0] + columns[-1]).item() / 2 == pytest.approx(43 + 8 * 4, abs=2)
    assert len(rows) <= 87


def test_the_last_layer_can_be_negative() -> None:
    for trunk in (drawn(AlexNet()), drawn(GroupedAlexNet())):
        assert (trunk(torch.rand(1, 3, 127, 127))[0] < 0).any()


def test_order_of_pooling_and_rectifier() -> None:
    kinds = [type(layer) for layer in AlexNet().features[:4]]
    assert kinds == [nn.Conv2d, nn.BatchNorm2d, nn.MaxPool2d, nn.ReLU]
    grouped = GroupedAlexNet()
    assert [type(layer) for layer in grouped.conv1] == [nn.Conv2d, nn.BatchNorm2d, nn.ReLU, nn.MaxPool2d]
    assert [grouped.get_submodule(f"conv{i}.0").groups for i in range(1, 6)] == [1, 2, 1, 2, 2]
    assert grouped.conv1[1].eps == 1e-6


def test_other_levels_are_refused() -> None:
    with pytest.raises(ValueError, match=r"AlexNet levels must be an ascending choice of 5, got \(4,\)"):
        AlexNet((4,))
