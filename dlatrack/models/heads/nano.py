"""The head of NanoTrack V3."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from dlatrack.models.correlation import depthwise_correlation, pixelwise_correlation
from dlatrack.models.heads.base import Head, HeadOutput, distances
from dlatrack.models.init import kaiming
from dlatrack.models.necks import crop_centre

#: Cells per side of the centre of the template map that the depth-wise correlation slides.
_CENTRE = 4

#: Blocks of depthwise and pointwise convolution in each tower.
_TOWER_DEPTH = 6


class NanoHead(Head):
    """NanoTrack V3: for classes and for boxes a pixel-wise and a depth-wise correlation, joined, and a light tower.

    Args:
        channels: channels of the trunk's map, and width of the head.
        template_cells: cells per side of the template map; each of its cells is a channel of the pixel-wise response.

    Source: public NanoTrack code, head of V3; pixel-wise correlation after Alpha-Refine (Yan et al. 2021).
    """

    def __init__(self, channels: int = 96, template_cells: int = 8) -> None:
        super().__init__()
        self.cls = NanoBranch(channels, template_cells**2, 2)
        self.box = NanoBranch(channels, template_cells**2, 4)

    def kernels(self, template: list[Tensor]) -> list[Tensor]:
        """Kernels of both correlations, of classes and then of boxes, computed once per target.

        Args:
            template: one map (B, channels, 8, 8).

        Returns:
            (B, channels, 8, 8) and (B, channels, 4, 4), twice.
        """
        (maps,) = template
        centre = crop_centre(maps, _CENTRE)
        return [
            kernel
            for branch in (self.cls, self.box)
            for kernel in (branch.pixel_kernel(maps), branch.depth_kernel(centre))
        ]

    def forward(self, kernels: list[Tensor], search: list[Tensor]) -> HeadOutput:
        """Scores and boxes of one target and one search region per batch item.

        Args:
            kernels: result of `kernels`.
            search: one map (B, channels, 16, 16).

        Returns:
            Maps of 15 x 15 cells: `cls` (B, 2, ...) and `reg` (B, 4, ...) left, top, right, bottom in search px.
        """
        (maps,) = search
        sides = distances(self.box(*kernels[2:], maps))
        return HeadOutput(self.cls(*kernels[:2], maps), sides, None)

    def reset_parameters(self, generator: torch.Generator) -> None:
        """Draw Kaiming weights; biases are zero."""
        kaiming(self, generator)


class NanoBranch(nn.Module):
    def __init__(self, channels: int, cells: int, outputs: int) -> None:
        super().__init__()
        self.pixel_kernel = _adapted(channels)
        self.pixel_search = _adapted(channels)
        self.attention = _ChannelAttention(cells)
        self.pixel = nn.Sequential(
            nn.Conv2d(cells, cells, 2, groups=cells, bias=False),
            nn.BatchNorm2d(cells),
            nn.ReLU6(inplace=True),
            nn.Conv2d(cells, cells, 1),
            nn.BatchNorm2d(cells),
        )
        self.depth_kernel = _adapted(channels)
        self.depth_search = _adapted(channels)
        self.join = nn.Conv2d(cells + channels, channels, 1)
        self.tower = nn.Sequential(*(layer for _ in range(_TOWER_DEPTH) for layer in _separable(channels)))
        self.predict = nn.Conv2d(channels, outputs, 1)

    def forward(self, pixel_kernel: Tensor, depth_kernel: Tensor, search: Tensor) -> Tensor:
        """(B, channels, 16, 16) and the kernels of its target -> (B, outputs, 15, 15)."""
        by_cell = self.attention(pixelwise_correlation(self.pixel_search(search), pixel_kernel))
        padded = F.pad(self.depth_search(search), (1, 1, 1, 1))
        by_channel = depthwise_correlation(padded, depth_kernel)
        maps: Tensor = self.predict(self.tower(self.join(torch.cat([self.pixel(by_cell), by_channel], 1))))
        return maps


class _ChannelAttention(nn.Module):
    """Weight each channel by a function of the means of all channels."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.fc1 = nn.Conv2d(channels, channels, 1)
        self.fc2 = nn.Conv2d(channels, channels, 1)

    def forward(self, maps: Tensor) -> Tensor:
        """(B, C, H, W) -> the same shape."""
        return maps * self.fc2(self.fc1(maps.mean((2, 3), keepdim=True)).relu()).sigmoid()


def _adapted(channels: int) -> nn.Sequential:
    return nn.Sequential(nn.Conv2d(channels, channels, 1), nn.BatchNorm2d(channels))


def _separable(channels: int) -> tuple[nn.Module, ...]:
    return (
        nn.Conv2d(channels, channels, 3, padding=1, groups=channels, bias=False),
        nn.BatchNorm2d(channels),
        nn.ReLU6(inplace=True),
        nn.Conv2d(channels, channels, 1, bias=False),
        nn.BatchNorm2d(channels),
    )
