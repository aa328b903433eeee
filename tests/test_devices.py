"""Vector functions of the CPU are called for one number before several threads call them."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from torch.utils._python_dispatch import TorchDispatchMode

from dlatrack.assign import build_assigner
from dlatrack.devices import warm_up_vector_math
from dlatrack.grid import ScoreGrid
from dlatrack.models.siamese import build_model
from dlatrack.recipes import recipe


class Calls(TorchDispatchMode):
    """Keeps the size of the first argument of the first call of each function and dtype."""

    def __init__(self) -> None:
        super().__init__()
        self.first: dict[tuple[str, torch.dtype], tuple[str, int]] = {}

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        if args and isinstance(args[0], torch.Tensor):
            name = func.overloadpacket.__name__
            self.first.setdefault((name, args[0].dtype), (args[0].device.type, args[0].numel()))
        return func(*args, **(kwargs or {}))


@pytest.mark.parametrize(
    "first",
    [
        warm_up_vector_math,
        lambda: build_model(recipe("siamcar_small")),
        lambda: build_assigner("dla", ScoreGrid()),
    ],
    ids=["itself", "build_model", "build_assigner"],
)
def test_each_function_is_called_for_one_number_first(first: Callable[[], object]) -> None:
    with Calls() as calls, torch.device("meta"):
        first()
    for dtype in (torch.float32, torch.float64):
        for name in ("exp", "log", "sqrt", "sin", "cos", "tanh", "log1p"):
            assert calls.first[name, dtype] == ("cpu", 1), (name, dtype)
