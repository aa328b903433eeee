"""The nano twins: sizes by hand, and the pixel that a cell of the score map answers for."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn

from dlatrack.models.siamese import build_model
from dlatrack.recipes import Twins, recipe

NANO = ("siamcar_nano", "siamcar_mini", "siamrpnpp_nano", "siamfcpp_nano", "cosiamrpn_nano")

#: The input px that cell 0 of a trunk looks at; the next ones are 16 px apart. Its own tests hold it.
FIRST = {"mobilenet_v3": 0, "efficientnet_lite0": 1}


class Cells(nn.Module):
    """A trunk of which every cell is one px of the image."""

    def __init__(self, widths: list[int], first: int) -> None:
        super().__init__()
        self.widths, self.first = widths, first

    def forward(self, images: Tensor) -> list[Tensor]:
        cells = images[:, :1, self.first :: 16, self.first :: 16]
        return [cells.expand(-1, width, -1, -1) for width in self.widths]


@pytest.mark.parametrize(("name", "cells"), [(name, 9 if "fcpp" in name else 13) for name in NANO])
@pytest.mark.parametrize("inner", [0, 1])
def test_a_cell_answers_for_the_point_of_the_grid(name: str, cells: int, inner: int) -> None:
    """The px that a cell sees in the search region, less those of the template, on average: a shift of the target.

    Equal positive weights let every px count, so that the mean of those with a gradient is the middle.
    """
    chosen = recipe(name)
    cell = inner + chosen.net.tower_depth + 1  # so far from the border that no padding is seen
    net = build_model(chosen)
    net.backbone = Cells(list(net.backbone.out_channels.values()), FIRST[chosen.net.backbone])
    for path, part in list(net.named_modules()):
        if isinstance(part, nn.GroupNorm):  # lets every cell see all
            net.set_submodule(path, nn.Identity())
        if isinstance(part, nn.Conv2d):
            nn.init.constant_(part.weight, 1 / part.weight[0].numel())
            if part.bias is not None:
                nn.init.zeros_(part.bias)
    z, x = (torch.ones(1, 3, side, side, requires_grad=True) for side in (127, chosen.net.search_size))
    cls = net(z, x).cls
    assert cls.shape[2:] == (cells, cells) == (chosen.net.score_size,) * 2
    of_z, of_x = torch.autograd.grad(cls[0, :, cell, cell].sum(), (z, x))
    places = [gradient[0, 0].nonzero().double().mean(0) for gradient in (of_z, of_x)]
    middle = (chosen.net.template_size - 1) / 2  # of the target in the template
    assert (places[1] - places[0] + middle).tolist() == [chosen.grid.offset + 16 * cell] * 2


@pytest.mark.parametrize("name", NANO)
def test_the_grid_lies_around_the_middle_of_the_search_region(name: str) -> None:
    """The online steps take that for granted, in training and in tracking."""
    net, offset = recipe(name).net, recipe(name).grid.offset
    assert 2 * offset + 16 * (net.score_size - 1) == net.search_size - 1
    assert net.online_search_size == net.search_size


@pytest.mark.parametrize(
    ("name", "title", "parameters"),
    [
        # Neck (40 + 48 + 96) * 96 + 6 * 96; head 289 * 96, 2 * 3 towers of 9 * 96^2 + 3 * 96, 7 * 9 * 96 + 7.
        ("siamcar_mini", "SiamCAR mini", [282_368, 18_240, 27_744 + 499_392 + 6_048 + 7]),
        # Neck 96 * 96 + 2 * 96; head 4 * (9 * 96^2 + 3 * 96), 4 * (9 * 96^2 + 96), 2 * 99 + 396, two numbers.
        ("siamfcpp_nano", "SiamFC++ nano", [282_368, 9_408, 332_928 + 332_160 + 594 + 2]),
        # Neck (80 + 112) * 64 + 4 * 64; each level of the head 4 * (9 * 64^2 + 128) and 2 * (64^2 + 128) + 65 * 30.
        ("cosiamrpn_nano", "CoSiamRPN nano", [700_768, 12_544, 2 * (147_968 + 8_448 + 1_950) + 4]),
    ],
)
def test_numbers_of_parameters(name: str, title: str, parameters: list[int]) -> None:
    twins = Twins.of(name)
    assert twins.labels == (f"{title}, fixed rule", f"DLA-{title}")
    net = build_model(twins.fixed)
    found = [sum(p.numel() for p in part.parameters()) for part in (net.backbone, net.neck, net.head)]
    assert found == parameters


def test_the_map_of_siamfcpp_reaches_as_far_as_the_published_one() -> None:
    """Its outermost points lie 64 px off the middle, in both."""
    for name in ("siamfcpp", "siamfcpp_nano"):
        grid = recipe(name).grid
        assert grid.stride * (grid.size - 1) / 2 == 64
