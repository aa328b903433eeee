"""Heads turn template and search features into scores and boxes."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import NamedTuple, cast

import torch
from torch import Tensor, nn

from dlatrack.models.correlation import depthwise_correlation
from dlatrack.models.init import kaiming, normal
from dlatrack.recipes import NetConfig

#: Channels that share one group of a group norm: 32 groups at the published width of 256, 8 groups at 64.
CHANNELS_PER_GROUP = 8

#: Foreground probability that the bias of a fresh classifier stands for (focal loss, Lin et al. 2017, Sec.
#: 3.3).
PRIOR = 0.01


class HeadOutput(NamedTuple):
    """What a network says about every cell of the score map.

    Attributes:
        cls: (B, 2 m, H, W) logits, all background channels first and then all foreground channels; m = 1 in
            point heads.
        reg: (B, 4 m, H, W) anchor deltas, or (B, 4, H, W) distances left, top, right, bottom from the cell's
            point to the sides of the box in search-region px, positive.
        centerness: (B, 1, H, W) logits, or None where a head has none.
    """

    cls: Tensor
    reg: Tensor
    centerness: Tensor | None


class CarHead(nn.Module):
    """SiamCAR: correlation per level, fused by a 1x1 convolution, then a tower for classes and one for boxes.

    Args:
        levels: number of feature levels.
        channels: width of features and towers, a multiple of 8. Group norm always has 8 channels per group,
            which is the published 32 groups at 256 channels; fewer channels keep the statistics as stable by
            having fewer groups.
        tower_depth: 3x3 convolutions in each tower.
        first_side: px, about what a fresh head answers for l, t, r and b; the published head starts at 1.

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
        """What is computed once per target: here the template maps themselves."""
        return template

    def forward(self, template: list[Tensor], search: list[Tensor]) -> HeadOutput:
        """Scores and boxes of one template and one search region per batch item.

        Args:
            template: (B, channels, h, w) per level.
            search: (B, channels, H, W) per level.

        Returns:
            Maps of H - h + 1 by W - w + 1 cells; `reg` is exp of the last layer, so always positive.
        """
        responses = [depthwise_correlation(s, t) for t, s in zip(template, search, strict=True)]
        fused = self.down(torch.cat(responses, 1))
        classes, boxes = self.cls_tower(fused), self.bbox_tower(fused)
        return HeadOutput(self.cls_logits(classes), self.bbox_pred(boxes).exp(), self.centerness(classes))

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


class RpnHead(nn.Module):
    """SiamRPN++: on every level a correlation for classes and one for box deltas, then a weighted sum over levels.

    The weights are a softmax of learned numbers that start equal; checkpoints of the unweighted variant are the same
    network with equal weights.

    Args:
        levels: backbone stages, which name the parts.
        channels: width of features.
        anchors: m, anchors per cell.

    Source: SiamRPN++ (Li et al. 2019) Sec. 3.2-3.3; layer sizes as in pysot.
    """

    def __init__(self, levels: Sequence[int] = (2, 3, 4), channels: int = 256, anchors: int = 5) -> None:
        super().__init__()
        self.levels = nn.ModuleDict({str(level): _RpnLevel(channels, anchors) for level in levels})
        self.cls_weight = nn.Parameter(torch.ones(len(levels)))
        self.loc_weight = nn.Parameter(torch.ones(len(levels)))

    def kernels(self, template: list[Tensor]) -> list[Tensor]:
        """Correlation kernels of classes and of boxes per level, computed once per target.

        Args:
            template: (B, channels, 7, 7) per level.

        Returns:
            (B, channels, 5, 5) twice per level.
        """
        pairs = zip(self._levels, template, strict=True)
        return [branch.conv_kernel(maps) for level, maps in pairs for branch in (level.cls, level.loc)]

    def forward(self, kernels: list[Tensor], search: list[Tensor]) -> HeadOutput:
        """Scores and box deltas of one template and one search region per batch item.

        Args:
            kernels: of `kernels`.
            search: (B, channels, 31, 31) per level.

        Returns:
            Maps of 25 x 25 cells: `cls` (B, 2 m, ...) and `reg` (B, 4 m, ...), dx of all anchors first.
        """
        cls, loc = self._responses(kernels, search)
        return HeadOutput(cls @ self.cls_weight.softmax(0), loc @ self.loc_weight.softmax(0), None)

    def _responses(self, kernels: list[Tensor], search: list[Tensor]) -> tuple[Tensor, Tensor]:
        """Answers of all L levels, (B, 2 m, H, W, L) and (B, 4 m, H, W, L)."""
        triples = list(zip(self._levels, kernels[::2], kernels[1::2], search, strict=True))
        cls = torch.stack([level.cls(kernel, maps) for level, kernel, _, maps in triples], -1)
        loc = torch.stack([level.loc(kernel, maps) for level, _, kernel, maps in triples], -1)
        return cls, loc

    @property
    def _levels(self) -> list[_RpnLevel]:
        return cast("list[_RpnLevel]", list(self.levels.values()))

    def reset_parameters(self, generator: torch.Generator) -> None:
        """Kaiming weights and zero biases (SiamDLA Sec. 4.1); equal level weights."""
        kaiming(self, generator)
        nn.init.ones_(self.cls_weight)
        nn.init.ones_(self.loc_weight)


class BanHead(RpnHead):
    """SiamBAN: the branches of SiamRPN++ with one box per cell, given by the distances to its four sides.

    Each level's answer passes through exp() with a learned factor before the weighted sum.

    Args:
        levels: backbone stages, which name the parts.
        channels: width of features.

    Source: SiamBAN (Chen et al. 2020) Sec. 3.2; layer sizes as in its public code.
    """

    def __init__(self, levels: Sequence[int] = (2, 3, 4), channels: int = 256) -> None:
        super().__init__(levels, channels, anchors=1)
        self.loc_scale = nn.Parameter(torch.ones(len(levels)))

    def forward(self, kernels: list[Tensor], search: list[Tensor]) -> HeadOutput:
        """As `RpnHead.forward`, with `reg` (B, 4, ...) the distances left, top, right, bottom in search px."""
        cls, loc = self._responses(kernels, search)
        sides = (loc * self.loc_scale).exp()
        return HeadOutput(cls @ self.cls_weight.softmax(0), sides @ self.loc_weight.softmax(0), None)

    def reset_parameters(self, generator: torch.Generator) -> None:
        """As `RpnHead.reset_parameters`; factors of 1."""
        super().reset_parameters(generator)
        nn.init.ones_(self.loc_scale)


class _RpnLevel(nn.Module):
    def __init__(self, channels: int, anchors: int) -> None:
        super().__init__()
        self.cls = _RpnBranch(channels, 2 * anchors)
        self.loc = _RpnBranch(channels, 4 * anchors)


class _RpnBranch(nn.Module):
    """Depthwise correlation of adapted features, then two 1x1 convolutions."""

    def __init__(self, channels: int, outputs: int) -> None:
        super().__init__()
        self.conv_kernel = _adapted(channels, 3)
        self.conv_search = _adapted(channels, 3)
        self.head = nn.Sequential(*_adapted(channels, 1), nn.Conv2d(channels, outputs, 1))

    def forward(self, kernel: Tensor, search: Tensor) -> Tensor:
        maps: Tensor = self.head(depthwise_correlation(self.conv_search(search), kernel))
        return maps


def _adapted(channels: int, size: int) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(channels, channels, size, bias=False), nn.BatchNorm2d(channels), nn.ReLU(inplace=True)
    )


Head = CarHead | RpnHead

#: Heads that a recipe may name.
HEADS: dict[str, Callable[[NetConfig], Head]] = {
    "car": lambda net: CarHead(len(net.levels), net.channels, net.tower_depth, net.first_side),
    "rpn": lambda net: RpnHead(net.levels, net.channels),
    "ban": lambda net: BanHead(net.levels, net.channels),
}
