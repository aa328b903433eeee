"""The base class of heads, and their output."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import NamedTuple

import torch
from torch import Tensor, nn

#: Foreground probability of an untrained classifier, set by its bias (focal loss, Lin et al. 2017, Sec. 3.3).
PRIOR = 0.01


#: Largest logarithm of a distance in px. Where exp() overflows, its gradient is NaN: above 11.09 in float16.
_LARGEST_LOGARITHM = 11.0


def distances(logarithms: Tensor) -> Tensor:
    """Distances in px from their logarithms, e^11 px at most.

    Cells without labels are free to answer anything. In float32, too, a frozen trunk and a high rate were seen to
    drive them to infinity, and a gradient of 0 times infinity stops the training.
    """
    return logarithms.clamp(max=_LARGEST_LOGARITHM).exp()


class HeadOutput(NamedTuple):
    """Scores and boxes of every cell of the score map."""

    #: (B, 2 m, H, W) logits, all background channels first and then all foreground channels; m = 1 in point heads.
    #: Heads that end in a sigmoid (SiamFC, SiamFC++) have one logit, (B, 1, H, W).
    cls: Tensor
    #: (B, 4 m, H, W) anchor deltas, or (B, 4, H, W) distances left, top, right, bottom from the cell's point to the
    #: sides of the box in search-region px, positive; None in SiamFC, which predicts no box
    reg: Tensor | None
    centerness: Tensor | None  #: (B, 1, H, W) logits, or None where a head has none


class Head(nn.Module, ABC):
    """Compares a search region with a target."""

    @abstractmethod
    def kernels(self, template: list[Tensor]) -> list[Tensor]:
        """Compute the features of the target, once per sequence, from template maps (B, C, h, w) of every level."""

    @abstractmethod
    def forward(self, kernels: list[Tensor], search: list[Tensor]) -> HeadOutput:
        """Scores and boxes of one target and one search region per batch item.

        Args:
            kernels: result of `kernels`.
            search: (B, C, H, W) per level.
        """

    @abstractmethod
    def reset_parameters(self, generator: torch.Generator) -> None:
        """Draw initial weights."""
