"""The head of SiamFC."""

from __future__ import annotations

import torch
from torch import Tensor

from dlatrack.models.correlation import cross_correlation
from dlatrack.models.heads.base import Head, HeadOutput

#: Factor from a sum over 9,216 products to a logit.
_SCALE = 0.001


class FcHead(Head):
    """SiamFC: one score per cell, the cross-correlation of template and search features. It has no weights.

    Source: SiamFC (Bertinetto et al. 2016) Sec. 2.2; scale of siamfc-pytorch.
    """

    def kernels(self, template: list[Tensor]) -> list[Tensor]:
        """The template map itself, (B, C, 6, 6)."""
        return template

    def forward(self, kernels: list[Tensor], search: list[Tensor]) -> HeadOutput:
        """Scores of one template and one search region (B, C, 22, 22) per batch item, or of one template for all.

        Returns:
            `cls` (B, 1, 17, 17), no boxes.
        """
        (template,), (maps,) = kernels, search
        return HeadOutput(_SCALE * cross_correlation(maps, template), None, None)

    def reset_parameters(self, generator: torch.Generator) -> None:
        """Do nothing: there are no weights."""
