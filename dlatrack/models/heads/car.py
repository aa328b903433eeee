"""The head of SiamCAR."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from dlatrack.models.correlation import depthwise_correlation
from dlatrack.models.heads.base import PRIOR, Head, HeadOutput, distances
from dlatrack.models.init import kaiming, normal

#: Channels that share one group of a group norm: 32 groups at the published width of 256, 8 groups at 64.
CHANNELS_PER_GROUP = 8


class CarHead(Head):
    """SiamCAR: correlation per level, fused by a 1x1 convolution, then a tower for classes and one for boxes.

    Args:
        levels: number of feature levels.
        channels: width of features and towers, a multiple of 8. Group norm always has 8 channels per group,
            which is the published 32 groups at 256 channels; fewer channels keep the statistics as stable by
            having fewer groups.
        tower_depth: 3x3 convolutions in each tower.
        first_side: px, about what an untrained head predicts for l, t, r and b; the published head starts at 1.

    Raises:
        ValueError: for a width that is not a multiple of 8, no level or tower, or a side that is not positive.

    Source: SiamCAR (Guo et al. 2020) Sec. 3.1-3.2; layer sizes as in the public SiamCAR code.
    """

    def __init__(
        self, levels: int = 3, channels: int = 256, tower_depth: int = 4, first_side: float = 1.0
    ) -> None:
        super().__init__()
        if channels < 1 or channels % CHANNELS_PER_GROUP:
            raise ValueError(f"channels must be a positive multiple of {CHANNELS_PER_GROUP}, got {channels}")
        if levels < 1 or tower_depth < 1:
            raise ValueError(f"levels and tower_depth must be at least 1, got {levels} and {tower_depth}")
        if first_side <= 0:
            raise ValueError(f"first_side must be positive, got {first_side}")
        self._first_side = first_side
        self.down = nn.Conv2d(levels * channels, channels, 1)
        self.cls_tower = _tower(channels, tower_depth)
        self.bbox_tower = _tower(channels, tower_depth)
        self.cls_logits = nn.Conv2d(channels, 2, 3, padding=1)
        self.bbox_pred = nn.Conv2d(channels, 4, 3, padding=1)
        self.centerness = nn.Conv2d(channels, 1, 3, padding=1)

    def kernels(self, template: list[Tensor]) -> list[Tensor]:
        """The template maps themselves."""
        return template

    def forward(self, template: list[Tensor], search: list[Tensor]) -> HeadOutput:
        """Scores and boxes of one template and one search region per batch item.

        Args:
            template: (B, channels, h, w) per level.
            search: (B, channels, H, W) per level.

        Returns:
            Maps of H - h + 1 by W - w + 1 cells; `reg` is exp of the last layer, so always positive, and stays below
            e^11 px: cells far from any positive learn no box and may predict more.
        """
        responses = [depthwise_correlation(s, t) for t, s in zip(template, search, strict=True)]
        fused = self.down(torch.cat(responses, 1))
        classes, boxes = self.cls_tower(fused), self.bbox_tower(fused)
        sides = distances(self.bbox_pred(boxes))
        return HeadOutput(self.cls_logits(classes), sides, self.centerness(classes))

    def reset_parameters(self, generator: torch.Generator) -> None:
        """Kaiming for `down`; N(0, 0.01) elsewhere keeps exp() tame; the class bias is the prior.

        The published bias stands on both classes and so cancels in their softmax; it is kept as it is.
        """
        kaiming(self.down, generator)
        for part in (self.cls_tower, self.bbox_tower, self.cls_logits, self.bbox_pred, self.centerness):
            normal(part, generator, std=0.01)
        nn.init.constant_(self.bbox_pred.bias, math.log(self._first_side))  # type: ignore[arg-type]
        nn.init.constant_(self.cls_logits.bias, -math.log((1 - PRIOR) / PRIOR))  # type: ignore[arg-type]


def _tower(channels: int, depth: int) -> nn.Sequential:
    layers: list[nn.Module] = []
    for _ in range(depth):
        layers += [
            nn.Conv2d(channels, channels, 3, padding=1),
            nn.GroupNorm(channels // CHANNELS_PER_GROUP, channels),
            nn.ReLU(inplace=True),
        ]
    return nn.Sequential(*layers)
