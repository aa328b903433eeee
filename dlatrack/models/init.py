"""Initial weights of convolutions and norms, drawn from a given generator."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

import torch
from torch import nn


def kaiming(
    module: nn.Module, generator: torch.Generator, mode: Literal["fan_in", "fan_out"] = "fan_out"
) -> None:
    """Initialise all convolutions and norms inside `module`, in the order of their names.

    Convolutions draw N(0, sqrt(2 / fan)) with zero biases; norms become the identity with fresh statistics.

    Args:
        module: module to change in place.
        generator: source of all random numbers.
        mode: whether the signal ("fan_in") or the gradient ("fan_out") keeps its variance.

    Source: He et al. 2015, "Delving Deep into Rectifiers".
    """
    _initialise(
        module,
        lambda weight: nn.init.kaiming_normal_(weight, mode=mode, nonlinearity="relu", generator=generator),
    )


def normal(module: nn.Module, generator: torch.Generator, std: float) -> None:
    """Like `kaiming`, but every convolution draws N(0, std)."""
    _initialise(module, lambda weight: nn.init.normal_(weight, std=std, generator=generator))


def _initialise(module: nn.Module, draw: Callable[[torch.Tensor], torch.Tensor]) -> None:
    for part in module.modules():
        if isinstance(part, nn.Conv2d):
            draw(part.weight)
            if part.bias is not None:
                nn.init.zeros_(part.bias)
        elif isinstance(part, nn.BatchNorm2d | nn.GroupNorm):
            part.reset_parameters()
