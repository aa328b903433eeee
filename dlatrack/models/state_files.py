"""Read tensors from files that may come from anywhere, and fill modules with them strictly."""

from __future__ import annotations

import pickle
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors import SafetensorError, safe_open
from torch import Tensor, nn

from dlatrack.errors import InputError

# Learning rates of the public trainers are NumPy numbers, so their training checkpoints hold a few. Both
# spellings occur: NumPy 2 moved the module. The constructor of a scalar and its types run no code from the
# file.
_SCALAR = np.float64(0).__reduce__()[0]
_NUMPY_NUMBERS: list[Any] = [
    (_SCALAR, "numpy.core.multiarray.scalar"),
    (_SCALAR, "numpy._core.multiarray.scalar"),
    np.dtype,
    type(np.dtype(np.float64)),
    type(np.dtype(np.float32)),
    type(np.dtype(np.int64)),
]

_LISTED = 4  # keys named in a message before it only counts


def read_safetensors(path: str | Path) -> tuple[dict[str, Tensor], dict[str, str]]:
    """Read a safetensors file.

    Returns:
        The tensors by name, on the CPU, and the metadata of the file (empty when it has none).

    Raises:
        InputError: when the file is missing, truncated or of another kind, naming it.
    """
    try:
        with safe_open(path, framework="pt", device="cpu") as file:
            names = list(file.keys())
            return {name: file.get_tensor(name) for name in names}, file.metadata() or {}
    except OSError as error:
        raise InputError(f"cannot read {path}: {_one_line(error)}") from error
    except SafetensorError as error:
        reason = _one_line(error)
        raise InputError(f"{path} is not a complete safetensors file: {reason}") from error


def read_torch(path: str | Path) -> Any:
    """Read a file written by `torch.save`, without running any code it may hold.

    Raises:
        InputError: when the file is missing, truncated, of another kind, or holds more than tensors, numbers
            and containers of them.
    """
    try:
        with torch.serialization.safe_globals(_NUMPY_NUMBERS):
            return torch.load(path, map_location="cpu", weights_only=True)
    except OSError as error:
        raise InputError(f"cannot read {path}: {error.strerror or _one_line(error)}") from error
    except pickle.UnpicklingError as error:
        raise InputError(
            f"{path} is not a checkpoint of plain tensors: damaged, or with Python objects, which stay unread"
        ) from error
    except Exception as error:  # a damaged zip or pickle stream raises nearly anything
        raise InputError(f"{path} is not a complete PyTorch checkpoint: {_one_line(error)}") from error


def read_state(path: str | Path) -> dict[str, Tensor]:
    """Read a state dict from a .safetensors file or a checkpoint of `torch.save`.

    Containers of training runs are opened ("state_dict", "model_state_dict"), and the "module." that
    data-parallel training puts before every name is taken off.

    Raises:
        InputError: when the file cannot be used, naming it.
    """
    if Path(path).suffix == ".safetensors":
        return read_safetensors(path)[0]
    return plain_state(read_torch(path), str(path))


def plain_state(content: Any, source: str) -> dict[str, Tensor]:
    """The state dict in the content of a checkpoint; `source` names it in messages.

    Raises:
        InputError: when there is none.
    """
    for container in ("state_dict", "model_state_dict"):
        if isinstance(content, Mapping) and isinstance(content.get(container), Mapping):
            content = content[container]
            break
    if not isinstance(content, Mapping) or not content:
        raise InputError(f"{source} holds a {type(content).__name__} of no tensors, not a state dict")
    wrong = [str(name) for name, value in content.items() if not isinstance(value, Tensor)]
    if wrong:
        raise InputError(f"{source} is not a state dict: no tensor under {_listed(wrong)}")
    return {str(name).removeprefix("module."): value for name, value in content.items()}


def load_strict(
    module: nn.Module, state: Mapping[str, Tensor], source: str, *, ignored: Collection[str] = ()
) -> None:
    """Fill every parameter and buffer of `module` from `state`, or change nothing.

    Absent `num_batches_tracked` counters are allowed, old files lack them; they count nothing in these
    networks.

    Args:
        module: the module to fill.
        state: tensors by the names of `module.state_dict()`, any floating-point dtype.
        source: the file or checkpoint, named in messages.
        ignored: prefixes of names that may be in `state` without a place in `module`.

    Raises:
        InputError: for missing or unknown names, wrong shapes and values that are not finite.
    """
    own = module.state_dict()
    missing = [name for name in own if name not in state and not name.endswith(".num_batches_tracked")]
    if missing:
        raise InputError(f"{source} lacks {_listed(missing)}")
    unknown = [name for name in state if name not in own and not name.startswith(tuple(ignored))]
    if unknown:
        raise InputError(f"{source} has tensors this network does not: {_listed(unknown)}")
    shapes = [
        f"{name} {tuple(state[name].shape)} instead of {tuple(value.shape)}"
        for name, value in own.items()
        if name in state and state[name].shape != value.shape
    ]
    if shapes:
        raise InputError(f"{source} has other shapes: {_listed(shapes)}")
    broken = [name for name in own if name in state and not bool(torch.isfinite(state[name]).all())]
    if broken:
        raise InputError(f"{source} has values that are not finite in {_listed(broken)}")
    module.load_state_dict({name: state.get(name, value) for name, value in own.items()})


def _listed(names: list[str]) -> str:
    shown = ", ".join(names[:_LISTED])
    return shown if len(names) <= _LISTED else f"{shown} and {len(names) - _LISTED} more"


def _one_line(error: Exception) -> str:
    text = " ".join(str(error).split())
    return text or type(error).__name__
