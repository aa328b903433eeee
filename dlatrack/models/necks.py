"""Necks: they bring the maps of a backbone to one width and crop those of the template."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import torch
from torch import Tensor, nn

from dlatrack.models.init import kaiming


class NoNeck(nn.Module):
    """Returns the maps unchanged: SiamFC, SiamRPN and SiamFC++ have no neck."""

    def forward(self, maps: list[Tensor]) -> list[Tensor]:
        """The maps of the search region, unchanged."""
        return maps

    def template(self, maps: list[Tensor]) -> list[Tensor]:
        """The maps of the template, unchanged."""
        return maps

    def reset_parameters(self, generator: torch.Generator) -> None:
        """Do nothing: there are no weights."""


class AdjustNeck(nn.Module):
    """A 1x1 convolution without bias and a batch norm for each level.

    Args:
        in_channels: channels of the backbone maps, by level.
        channels: channels of the adjusted maps.

    Source: SiamRPN++ (Li et al. 2019) Sec. 3.3; SiamCAR, SiamBAN; the public pysot code.
    """

    def __init__(self, in_channels: Mapping[int, int], channels: int) -> None:
        super().__init__()
        self.levels = nn.ModuleDict(
            {
                str(level): nn.Sequential(nn.Conv2d(width, channels, 1, bias=False), nn.BatchNorm2d(channels))
                for level, width in in_channels.items()
            }
        )

    def forward(self, maps: list[Tensor]) -> list[Tensor]:
        """(B, in_channels[level], H, W) per level -> (B, channels, H, W) per level."""
        return [adjust(level) for adjust, level in zip(self.levels.values(), maps, strict=True)]

    def template(self, maps: list[Tensor]) -> list[Tensor]:
        """(B, in_channels[level], h, w) per level -> the central (B, channels, h // 2, w // 2) per level."""
        return [crop_centre(level, level.shape[-1] // 2) for level in self(maps)]

    def reset_parameters(self, generator: torch.Generator) -> None:
        """Draw Kaiming weights."""
        kaiming(self, generator)


def crop_centre(maps: Tensor, size: int) -> Tensor:
    """Keep the central cells of maps, (B, C, H, W) -> (B, C, size, size).

    Raises:
        ValueError: when a map is smaller than `size`.

    Source: SiamRPN++ Sec. 3.3 keeps 7 x 7 of the 15 x 15 template map: the target and little of its surroundings.
    """
    height, width = maps.shape[-2:]
    if min(height, width) < size:
        raise ValueError(f"template maps must have at least {size} x {size} cells, got {height} x {width}")
    top, left = (height - size) // 2, (width - size) // 2
    return maps[..., top : top + size, left : left + size]


#: Necks that a recipe may name, built from the channels of the backbone maps by level and those of the head.
NECKS: dict[str, Callable[[Mapping[int, int], int], AdjustNeck | NoNeck]] = {
    "adjust": AdjustNeck,
    "none": lambda in_channels, channels: NoNeck(),
}
