"""The heads of SiamRPN, SiamRPN++ and SiamBAN."""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast

import torch
from torch import Tensor, nn

from dlatrack.models.correlation import depthwise_correlation
from dlatrack.models.heads.base import Head, HeadOutput, distances
from dlatrack.models.init import kaiming


class RpnHead(Head):
    """SiamRPN++: on every level a correlation for classes and one for box deltas, then a weighted sum over levels.

    The weights are a softmax of learned numbers that start equal; checkpoints of the unweighted variant are the same
    network with equal weights. With a single level (SiamRPN on AlexNet) there are no weights.

    Args:
        levels: backbone stages, whose numbers are the names of the parts.
        channels: width of features.
        anchors: anchors per cell, m.

    Source: SiamRPN++ (Li et al. 2019) Sec. 3.2-3.3, SiamRPN (Li et al. 2018) Sec. 3.1; layer sizes as in pysot.
    """

    def __init__(self, levels: Sequence[int] = (2, 3, 4), channels: int = 256, anchors: int = 5) -> None:
        super().__init__()
        self.levels = nn.ModuleDict({str(level): _RpnLevel(channels, anchors) for level in levels})
        self.cls_weight = nn.Parameter(torch.ones(len(levels))) if len(levels) > 1 else None
        self.loc_weight = nn.Parameter(torch.ones(len(levels))) if len(levels) > 1 else None

    def kernels(self, template: list[Tensor]) -> list[Tensor]:
        """Correlation kernels of classes and of boxes per level, computed once per target.

        Args:
            template: (B, channels, 7, 7) per level; 6 x 6 in SiamRPN.

        Returns:
            (B, channels, 5, 5) twice per level; 4 x 4 in SiamRPN.
        """
        pairs = zip(self._levels, template, strict=True)
        return [branch.conv_kernel(maps) for level, maps in pairs for branch in (level.cls, level.loc)]

    def forward(self, kernels: list[Tensor], search: list[Tensor]) -> HeadOutput:
        """Scores and box deltas of one template and one search region per batch item.

        Args:
            kernels: result of `kernels`.
            search: (B, channels, 31, 31) per level; 22 x 22 (training) and 26 x 26 (tracking) in SiamRPN.

        Returns:
            Maps of 25 x 25 cells, in SiamRPN 17 x 17 and 21 x 21: `cls` (B, 2 m, ...) and `reg` (B, 4 m, ...), dx of
            all anchors first.
        """
        cls, loc = self._responses(kernels, search)
        return HeadOutput(_fused(cls, self.cls_weight), _fused(loc, self.loc_weight), None)

    def _responses(self, kernels: list[Tensor], search: list[Tensor]) -> tuple[Tensor, Tensor]:
        """Responses of all L levels, (B, 2 m, H, W, L) and (B, 4 m, H, W, L)."""
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
        for weight in (self.cls_weight, self.loc_weight):
            if weight is not None:
                nn.init.ones_(weight)


class BanHead(RpnHead):
    """SiamBAN: the branches of SiamRPN++ with one box per cell, given by the distances to its four sides.

    Each level's response is multiplied by a learned factor and passes through exp() before the weighted sum.

    Args:
        levels: backbone stages, whose numbers are the names of the parts.
        channels: width of features.

    Source: SiamBAN (Chen et al. 2020) Sec. 3.2; layer sizes as in its public code.
    """

    def __init__(self, levels: Sequence[int] = (2, 3, 4), channels: int = 256) -> None:
        super().__init__(levels, channels, anchors=1)
        self.loc_scale = nn.Parameter(torch.ones(len(levels)))

    def forward(self, kernels: list[Tensor], search: list[Tensor]) -> HeadOutput:
        """As `RpnHead.forward`, with `reg` (B, 4, ...) the distances left, top, right, bottom in search px."""
        cls, loc = self._responses(kernels, search)
        sides = distances(loc * self.loc_scale)
        return HeadOutput(_fused(cls, self.cls_weight), _fused(sides, self.loc_weight), None)

    def reset_parameters(self, generator: torch.Generator) -> None:
        """As `RpnHead.reset_parameters`; factors of 1."""
        super().reset_parameters(generator)
        nn.init.ones_(self.loc_scale)


def _fused(responses: Tensor, weight: Tensor | None) -> Tensor:
    """Weighted sum over the L levels in the last dimension."""
    return responses[..., 0] if weight is None else responses @ weight.softmax(0)


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
