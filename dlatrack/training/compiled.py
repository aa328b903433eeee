"""The network's forward pass, compiled for this machine."""

from __future__ import annotations

from typing import cast

import torch
from torch import nn

from dlatrack.errors import InputError
from dlatrack.models.siamese import SiameseNet


def compiled(net: SiameseNet) -> nn.Module:
    """A network as it is called in training, compiled when it is first called with images of a size.

    Parameters are shared with `net`, whose names do not change. Call it anew when other parameters begin to train:
    what was compiled before in this process is forgotten, so that a run and its resumption compile the same.

    Args:
        net: in training mode.
    """
    torch.compiler.reset()  # after eight variants of a function PyTorch would quietly compile no more
    # With shapes that may vary, the code for a size would depend on the sizes that came before.
    return cast("nn.Module", torch.compile(net, dynamic=False))


def check_compiler(device: str) -> None:
    """Find out before long work whether anything can be compiled, by compiling one line.

    Raises:
        InputError: if not: without a C++ compiler, and on a GPU without Triton or of a kind that Triton lacks.
    """
    try:
        torch.compile(_line, dynamic=False)(torch.ones(8, device=device))
    except RuntimeError as error:
        reason = next((line for line in str(error).splitlines() if not line.endswith("raised:")), "")
        raise InputError(
            f"the network cannot be compiled for {device} ({reason}); install a C++ compiler, for GPUs triton too, "
            f"or leave out --compile"
        ) from error


def _line(x: torch.Tensor) -> torch.Tensor:
    return 2 * x + 1
