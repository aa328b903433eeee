"""Necks."""

from __future__ import annotations

import pytest
import torch

from dlatrack.models.necks import AdjustNeck, crop_centre


def test_crop_keeps_cells_4_to_10_of_15() -> None:
    maps = torch.arange(225.0).reshape(1, 1, 15, 15)
    cropped = crop_centre(maps, 7)
    assert cropped.shape == (1, 1, 7, 7)
    assert cropped[0, 0, 0, 0] == 4 * 15 + 4
    assert cropped[0, 0, 3, 3] == maps[0, 0, 7, 7]


def test_crop_refuses_small_maps() -> None:
    with pytest.raises(ValueError, match="at least 7 x 7 cells, got 6 x 9"):
        crop_centre(torch.zeros(1, 1, 6, 9), 7)


@pytest.mark.parametrize(("cells", "kept"), [(15, 7), (8, 4)])
def test_a_template_keeps_its_central_half(cells: int, kept: int) -> None:
    neck = AdjustNeck({3: 4}, channels=8).eval()
    maps = torch.randn(1, 4, cells, cells, generator=torch.Generator().manual_seed(0))
    (template,) = neck.template([maps])
    torch.testing.assert_close(template, crop_centre(neck([maps])[0], kept))


def test_neck_widths_and_norm() -> None:
    neck = AdjustNeck({3: 4, 4: 6}, channels=8)
    neck.reset_parameters(torch.Generator().manual_seed(0))
    assert sum(p.numel() for p in neck.parameters()) == (4 + 6) * 8 + 2 * 2 * 8
    maps = [torch.randn(2, width, 5, 5, generator=torch.Generator().manual_seed(width)) for width in (4, 6)]
    levels = neck(maps)
    assert [level.shape for level in levels] == [(2, 8, 5, 5)] * 2
    for level in levels:  # batch statistics, no activation after them
        torch.testing.assert_close(level.mean((0, 2, 3)), torch.zeros(8), atol=1e-5, rtol=0)
        assert (level < 0).any()


def test_neck_refuses_a_wrong_number_of_levels() -> None:
    with pytest.raises(ValueError, match="zip"):
        AdjustNeck({3: 4, 4: 6}, channels=8)([torch.zeros(1, 4, 5, 5)])
