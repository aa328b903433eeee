"""Necks."""

from __future__ import annotations

import pytest
import torch

from dlatrack.models.necks import AdjustNeck, crop_centre, template_cells


def test_crop_keeps_cells_4_to_10_of_15() -> None:
    maps = torch.arange(225.0).reshape(1, 1, 15, 15)
    cropped = crop_centre(maps, template_cells(8))
    assert cropped.shape == (1, 1, 7, 7)
    assert cropped[0, 0, 0, 0] == 4 * 15 + 4
    assert cropped[0, 0, 3, 3] == maps[0, 0, 7, 7]


def test_crop_refuses_small_maps() -> None:
    with pytest.raises(ValueError, match="at least 7 x 7 cells, got 6 x 9"):
        crop_centre(torch.zeros(1, 1, 6, 9), 7)


def test_a_template_keeps_its_px_at_another_stride() -> None:
    """56 px are 7 cells at stride 8; at stride 16, 3.5 cells, and whole ones are kept: 4 of 8."""
    assert [template_cells(stride) for stride in (8, 16)] == [7, 4]
    neck = AdjustNeck({3: 4}, channels=8, stride=16)
    assert neck.template([torch.zeros(1, 4, 8, 8)])[0].shape == (1, 8, 4, 4)


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
