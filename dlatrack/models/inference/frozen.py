"""A trunk that does not train, at the speed of inference."""

from __future__ import annotations

import copy
from typing import cast

import torch
from torch import Tensor, nn

from dlatrack.models.backbones import Backbone
from dlatrack.models.inference.cpu_convolution import has_native_bfloat16, onednn_available
from dlatrack.models.inference.fusion import fused


class FrozenTrunk:
    """Answers as a frozen backbone on a CPU, but for the rounding, in a third of the time or less.

    Batch norm, sums and activations are joined with the convolutions, whose weights are packed for images of one
    size: there is a copy of the weights for each size. It is no module, so that the weights of a network are listed
    once.

    Args:
        backbone: left as it is; its weights must not change meanwhile.
        dtype: float32 or bfloat16.
    """

    def __init__(self, backbone: Backbone, dtype: torch.dtype) -> None:
        self._backbone, self._dtype = backbone, dtype
        self._by_size: dict[int, nn.Module] = {}

    @classmethod
    def of(cls, backbone: Backbone, dtype: torch.dtype) -> FrozenTrunk | None:
        """One for this backbone, or None where it would gain nothing: off the CPU, or in a dtype it lacks."""
        on_cpu = next(backbone.parameters()).device.type == "cpu"
        quick = (
            onednn_available()
            if dtype == torch.float32
            else dtype == torch.bfloat16 and has_native_bfloat16()
        )
        return cls(backbone, dtype) if on_cpu and quick else None

    def __deepcopy__(self, memo: dict[int, object]) -> FrozenTrunk:
        """Packed weights cannot be copied; the copy packs its own."""
        return FrozenTrunk(copy.deepcopy(self._backbone, memo), self._dtype)

    @torch.compiler.disable
    @torch.no_grad()
    def __call__(self, images: Tensor) -> list[Tensor]:
        """See `Backbone.forward`. Maps in the trunk's dtype; for images that are not finite, the backbone's own."""
        if not images.isfinite().all():  # oneDNN's activations would turn NaN into a number
            return cast("list[Tensor]", self._backbone(images))
        size = images.shape[-1]
        if size not in self._by_size:
            own = copy.deepcopy(self._backbone).eval().requires_grad_(False)
            self._by_size[size] = fused(own, True, self._dtype)
        images = images.to(self._dtype, memory_format=torch.channels_last)
        return cast("list[Tensor]", self._by_size[size](images))
