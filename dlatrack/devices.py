"""Checks of devices, and the warm-up of vector functions before a computation."""

from __future__ import annotations

import torch

from dlatrack.errors import InputError

#: Names of the functions of one argument that torch delegates to oneMKL.
_FUNCTIONS = (
    *("acos", "asin", "atan", "cos", "erf", "erfc", "exp", "expm1"),
    *("log", "log10", "log1p", "log2", "sin", "sqrt", "tan", "tanh"),
)


def warm_up_vector_math() -> None:
    """Call every vector function of the CPU once with a single number.

    oneMKL chooses the code of a function in its first call. When that call runs in several threads, one of them may
    compute its share with a code of half the digits: with two threads on two busy cores, 12 of 32 processes had
    relative errors up to 1.5e-4 in the first distances of a point head, and none of 32 after this call. Training from
    such a step ends elsewhere, so that the same seed no longer gives the same bits.

    It takes some milliseconds, and 0.1 ms when called again. `build_model` and `build_assigner` call it; a process
    that computes without either has to call it itself.

    Source: https://github.com/pytorch/pytorch/issues/188792.
    """
    for dtype in (torch.float32, torch.float64):
        number = torch.ones(1, dtype=dtype, device="cpu")
        for function in _FUNCTIONS:
            getattr(torch, function)(number)


def check_device(device: str | torch.device) -> None:
    """Raise if this machine lacks a device.

    Args:
        device: device by its name or as torch has it, e.g. "cpu" or "cuda:1".

    Raises:
        InputError: naming the device and those of the machine.
    """
    known = ["cpu", *(f"cuda:{i}" for i in range(torch.cuda.device_count()))]
    known += ["mps"] if torch.backends.mps.is_available() else []
    if str(device) not in (*known, "cuda" if "cuda:0" in known else "cpu"):
        raise InputError(f"there is no device {str(device)!r} here; choose from {', '.join(known)}")
