"""Import of torchvision, also beside a CPU-only torch; every module of dlatrack imports it from here.

The Linux wheel of torchvision on PyPI is linked against CUDA. Beside a CPU-only torch its compiled operators
do not load, and `import torchvision` stops with "operator torchvision::nms does not exist", because it
attaches shape functions to two of them. Declaring those two operators first is enough for all that is pure
Python: networks, transforms, box arithmetic. Calling `torchvision.ops.nms` itself still fails, and says so.
"""

from __future__ import annotations

import sys
from importlib.util import find_spec
from pathlib import Path

import torch
from torch import library

_SCHEMAS = (
    "nms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor",
    "qnms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor",
)


def _compiled_operators_load() -> bool:
    """Try the compiled library on its own; a failed `import torchvision` would leave half-loaded modules."""
    spec = find_spec("torchvision")
    if spec is None or spec.origin is None:
        return True  # nothing to prepare; the import below reports that torchvision is absent
    for compiled in Path(spec.origin).parent.glob("_C*.so"):
        try:
            torch.ops.load_library(compiled)
        except OSError:
            continue
        return True
    return False


def _declare_operators() -> library.Library | None:
    """Declare the two operators where they are missing; the caller keeps the result, or they vanish again."""
    if sys.platform != "linux" or "torchvision" in sys.modules or _compiled_operators_load():
        return None
    declared = library.Library("torchvision", "FRAGMENT")
    for schema in _SCHEMAS:
        declared.define(schema)
    return declared


_LIBRARY = _declare_operators()

import torchvision  # noqa: E402  (the operators must be declared first)

__all__ = ["torchvision"]
