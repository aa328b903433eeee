"""What every head is asked and what it answers."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import NamedTuple

import torch
from torch import Tensor, nn

#: Foreground probability that the bias of a fresh classifier stands for (focal loss, Lin et al. 2017, Sec. 3.3).
PRIOR = 0.01


class HeadOutput(NamedTuple):
    """What a network says about every cell of the score map.

    Attributes:
        cls: (B, 2 m, H, W) logits, all background channels first and then all foreground channels; m = 1 in
            point heads. Heads that end in a sigmoid (SiamFC, SiamFC++) have one logit, (B, 1, H, W).
        reg: (B, 4 m, H, W) anchor deltas, or (B, 4, H, W) distances left, top, right, bottom from the cell's
            point to the sides of the box in search-region px, positive; None in SiamFC, which predicts no box.
        centerness: (B, 1, H, W) logits, or None where a head has none.
    """

    cls: Tensor
    reg: Tensor | None
    centerness: Tensor | None


class Head(nn.Module, ABC):
    """Compares a search region with a target."""

    @abstractmethod
    def kernels(self, template: list[Tensor]) -> list[Tensor]:
        """What is computed once per target, from the template maps (B, C, h, w) of every level."""

    @abstractmethod
    def forward(self, kernels: list[Tensor], search: list[Tensor]) -> HeadOutput:
        """Scores and boxes of one target and one search region per batch item.

        Args:
            kernels: of `kernels`.
            search: (B, C, H, W) per level.
        """

    @abstractmethod
    def reset_parameters(self, generator: torch.Generator) -> None:
        """Draw fresh weights."""
