"""State dicts read from files of any origin, and modules filled with them strictly."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from dlatrack.errors import InputError, listed
from dlatrack.models.checkpoint_files import read_safetensors, read_torch

#: Entries of a training run's checkpoint under which public code keeps the weights.
_CONTAINERS = ("state_dict", "model_state_dict", "net", "model")

_DEPTH = 4  # greatest depth of nested containers

_LISTED = 4  # names that a message quotes before it only counts


def read_state(path_or_state_dict: str | Path | Mapping[str, Tensor]) -> tuple[dict[str, Tensor], str]:
    """Read a state dict, as `plain_state`.

    Args:
        path_or_state_dict: a .safetensors file, a checkpoint of `torch.save`, or a state dict.

    Returns:
        The state dict, and the name of its source for messages.

    Raises:
        InputError: when it cannot be used, naming the file.
    """
    if isinstance(path_or_state_dict, Mapping):
        content, source = path_or_state_dict, "the state dict"
    elif Path(source := str(path_or_state_dict)).suffix.lower() == ".safetensors":
        content = read_safetensors(source)[0]
    else:
        content = read_torch(source)
    return plain_state(content, source), source


def plain_state(content: Any, source: str) -> dict[str, Tensor]:
    """Extract the state dict from the content of a checkpoint.

    Containers of training runs are opened ("state_dict", "model_state_dict", "net", "model"). Additions to names by
    data-parallel training and `torch.compile` are removed: "module." at the start, "_orig_mod." anywhere.

    Args:
        content: content of the file.
        source: name of the file in messages.

    Raises:
        InputError: when it holds no state dict or more than one, or two tensors would have the same name.
    """
    for _ in range(_DEPTH):
        inside = [name for name in _CONTAINERS if _holds_tensors(content, name)]
        if len(inside) > 1:
            raise InputError(
                f"{source} holds several networks: {_listed(inside)}; keep the one that is meant"
            )
        if not inside:
            break
        content = content[inside[0]]
    if not isinstance(content, Mapping) or not content:
        raise InputError(f"{source} holds a {type(content).__name__} of no tensors, not a state dict")
    wrong = [str(name) for name, value in content.items() if not isinstance(value, Tensor)]
    if wrong:
        raise InputError(f"{source} is not a state dict: no tensor under {_listed(wrong)}")
    other = [f"{name} {_kind(value)}" for name, value in content.items() if not _is_plain(value)]
    if other:
        raise InputError(f"{source} has other than dense tensors: {_listed(other)}")
    names = [str(name) for name in content]
    if len(set(names)) < len(names):
        raise InputError(f"{source} has names that are a number and a text that read the same")
    return renamed(dict(zip(names, content.values(), strict=True)), _without_wrappers, source)


def renamed(state: Mapping[str, Tensor], rename: Callable[[str], str], source: str) -> dict[str, Tensor]:
    """Rename the tensors of a state dict.

    Raises:
        InputError: naming both, when two tensors would have the same name and one of them would be lost.
    """
    origin: dict[str, str] = {}
    for name in state:
        other = origin.setdefault(rename(name), name)
        if other != name:
            raise InputError(
                f"{source} has {_listed(sorted((other, name)))}, which are the same weight {rename(name)}"
            )
    return {ours: state[name] for ours, name in origin.items()}


def _without_wrappers(name: str) -> str:
    parts = [part for part in name.split(".") if part != "_orig_mod"]
    while len(parts) > 1 and parts[0] == "module":
        parts = parts[1:]
    return ".".join(parts)


def _holds_tensors(content: Any, container: str, depth: int = _DEPTH) -> bool:
    """Whether a checkpoint has a container with tensors in it, or with another such container."""
    inside = content.get(container) if isinstance(content, Mapping) else None
    if not isinstance(inside, Mapping) or depth == 0:
        return False
    return any(isinstance(value, Tensor) for value in inside.values()) or any(
        _holds_tensors(inside, name, depth - 1) for name in _CONTAINERS
    )


def load_strict(
    module: nn.Module, state: Mapping[str, Tensor], source: str, *, ignored: Collection[str] = ()
) -> None:
    """Fill every parameter and buffer of `module` from `state`, or change nothing.

    The counters `num_batches_tracked` may be absent, as in old files: these networks do not use them.

    Args:
        module: module to fill.
        state: tensors of any floating-point dtype, by the names of `module.state_dict()`.
        source: name of the file in messages.
        ignored: prefixes of names that `state` may have beyond those of `module`.

    Raises:
        InputError: for missing or unknown names, wrong shapes, tensors of another kind and values that are not finite
            in the network's own numbers.
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
    other = [
        f"{name} {_kind(state[name])}" for name in own if name in state and not _fits(state[name], own[name])
    ]
    if other:
        raise InputError(f"{source} has other than dense floating-point weights: {_listed(other)}")
    given = {name: state[name].to(value.dtype) for name, value in own.items() if name in state}
    broken = [name for name, value in given.items() if not (_is_finite(state[name]) and _is_finite(value))]
    if broken:
        raise InputError(f"{source} has values that are not finite in {_listed(broken)}")
    module.load_state_dict(own | given)


def _is_plain(value: Tensor) -> bool:
    """Whether a tensor is dense, and not of 8-bit floats, which have no meaning without their scales."""
    dense = value.layout is torch.strided and not (value.is_quantized or value.is_nested or value.is_meta)
    return dense and not (value.is_floating_point() and value.dtype.itemsize < 2)


def _fits(value: Tensor, own: Tensor) -> bool:
    """Whether a tensor has a suitable dtype: floats, or for counters any real numbers."""
    if not _is_plain(value) or value.is_complex() or value.dtype is torch.bool:
        return False
    return value.is_floating_point() or not own.is_floating_point()


def _is_finite(value: Tensor) -> bool:
    return bool(torch.isfinite(value).all())


def _kind(value: Tensor) -> str:
    layout = "" if value.layout is torch.strided else f" {value.layout}".replace("torch.", "")
    return f"{value.dtype}".removeprefix("torch.") + layout + (" without values" if value.is_meta else "")


def _listed(names: list[str]) -> str:
    return listed([name if name.isprintable() else repr(name) for name in names], _LISTED)
