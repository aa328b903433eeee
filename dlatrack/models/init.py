"""Initial weights, drawn from a generator the caller holds."""

from __future__ import annotations

from typing import Literal

import torch
from torch import nn


def kaiming(
    module: nn.Module, generator: torch.Generator, mode: Literal["fan_in", "fan_out"] = "fan_out"
) -> None:
    """Initialise all convolutions and norms inside `module`, in the order of their names.

    Convolutions draw N(0, sqrt(2 / fan)) with zero biases; norms become the identity with fresh statistics.

    Args:
        module: changed in place.
        generator: source of all random numbers.
        mode: whether the signal ("fan_in") or the gradient ("fan_out") keeps its variance.

    Source: He et al. 2015, "Delving Deep into Rectifiers".
    """
    for part in module.modules():
        if isinstance(part, nn.Conv2d):
            nn.init.kaiming_normal_(part.weight, mode=mode, nonlinearity="relu", generator=generator)
            if part.bias is not None:
                nn.init.zeros_(part.bias)
        elif isinstance(part, nn.BatchNorm2d | nn.GroupNorm):
            part.reset_parameters()


def normal(module: nn.Module, generator: torch.Generator, std: float) -> None:
    """Like `kaiming`, but every convolution draws N(0, std)."""
    for part in module.modules():
        if isinstance(part, nn.Conv2d):
            nn.init.normal_(part.weight, std=std, generator=generator)
            if part.bias is not None:
                nn.init.zeros_(part.bias)
        elif isinstance(part, nn.BatchNorm2d | nn.GroupNorm):
            part.reset_parameters()
