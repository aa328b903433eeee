"""The head of SiamFC++."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from dlatrack.models.correlation import depthwise_correlation
from dlatrack.models.heads.base import PRIOR, Head, HeadOutput, distances
from dlatrack.models.init import normal


class FcppHead(Head):
    """SiamFC++: one correlation for classes and quality, one for boxes, then unpadded towers without batch norm.

    Args:
        channels: width of features.
        tower_depth: 3x3 convolutions in each tower; each takes one cell off every side of the map.
        stride: search px per cell, the unit of the box layer.

    Source: SiamFC++ (Xu et al. 2020) Sec. 3.1-3.3; layer sizes as in video_analyst. Kept as there: the output layers
    end in a batch norm, so that the prior in the class bias has no effect on an untrained network.
    """

    def __init__(self, channels: int = 256, tower_depth: int = 2, stride: float = 8) -> None:
        super().__init__()
        if tower_depth < 1:
            raise ValueError(f"tower_depth must be at least 1, got {tower_depth}")
        self._stride = stride
        self.cls_kernel = _adapted(channels)
        self.box_kernel = _adapted(channels)
        self.cls_search = _adapted(channels)
        self.box_search = _adapted(channels)
        self.cls_tower = _tower(channels, tower_depth)
        self.box_tower = _tower(channels, tower_depth)
        self.cls_score = _output(channels, 1)
        self.centerness = _output(channels, 1)
        self.box_offsets = _output(channels, 4)
        self.box_scale = nn.Parameter(torch.ones(()))
        self.box_bias = nn.Parameter(torch.zeros(()))

    def kernels(self, template: list[Tensor]) -> list[Tensor]:
        """Correlation kernels of classes and of boxes.

        Args:
            template: one map (B, channels, h, h), h = 5; 4 at stride 16.

        Returns:
            Twice (B, channels, h - 2, h - 2).
        """
        (maps,) = template
        return [self.cls_kernel(maps), self.box_kernel(maps)]

    def forward(self, kernels: list[Tensor], search: list[Tensor]) -> HeadOutput:
        """Scores, boxes and centre-ness of one target and one search region per batch item.

        Args:
            kernels: result of `kernels`.
            search: (B, channels, S, S), S = 25 in training and 27 in tracking; 16 at stride 16.

        Returns:
            Maps of S - h + 1 - 2 `tower_depth` cells, 17 and 19 as published: `cls` (B, 1, ...), `reg` (B, 4, ...)
            left, top, right, bottom in search px, `centerness` (B, 1, ...).
        """
        (maps,) = search
        classes = self.cls_tower(depthwise_correlation(self.cls_search(maps), kernels[0]))
        boxes = self.box_tower(depthwise_correlation(self.box_search(maps), kernels[1]))
        sides = distances(self.box_scale * self.box_offsets(boxes) + self.box_bias) * self._stride
        return HeadOutput(self.cls_score(classes), sides, self.centerness(classes))

    def reset_parameters(self, generator: torch.Generator) -> None:
        """As published: N(0, 0.01) before the correlation, N(0, 0.0001) and small biases behind it."""
        for part in (self.cls_kernel, self.box_kernel, self.cls_search, self.box_search):
            normal(part, generator, std=0.01)
        for part in (self.cls_tower, self.box_tower, self.cls_score, self.centerness, self.box_offsets):
            normal(part, generator, std=0.0001)
            for layer in part.modules():
                if isinstance(layer, nn.Conv2d) and layer.bias is not None:
                    bound = 1 / math.sqrt(layer.weight[0].numel())
                    nn.init.uniform_(layer.bias, -bound, bound, generator=generator)
        nn.init.constant_(self.cls_score[0].bias, -math.log((1 - PRIOR) / PRIOR))  # type: ignore[arg-type]
        nn.init.ones_(self.box_scale)
        nn.init.zeros_(self.box_bias)


def _adapted(channels: int) -> nn.Sequential:
    return nn.Sequential(nn.Conv2d(channels, channels, 3), nn.BatchNorm2d(channels))


def _tower(channels: int, depth: int) -> nn.Sequential:
    layers: list[nn.Module] = []
    for _ in range(depth):
        layers += [nn.Conv2d(channels, channels, 3), nn.ReLU(inplace=True)]
    return nn.Sequential(*layers)


def _output(channels: int, outputs: int) -> nn.Sequential:
    return nn.Sequential(nn.Conv2d(channels, outputs, 1), nn.BatchNorm2d(outputs))
