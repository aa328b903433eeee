"""Estimates of the memory that training and tracking need, from the shapes of the network alone."""

from __future__ import annotations

import weakref
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from functools import partial
from typing import Any

import torch
from torch import nn
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

from dlatrack.errors import counted
from dlatrack.memory import memory_errors
from dlatrack.models.siamese import shapes_alone
from dlatrack.recipes import Recipe

#: Memory of a process that has loaded the libraries and what else a training and a tracker need of any size, bytes.
_TRAINER, _TRACKER = 6.0e8, 4.0e8

#: Memory of a run over that of its weights: gradients, momentum, and copies of both while a checkpoint is written.
_TRAINED_COPIES = 8

#: Memory of a tracker over that of its weights: the file, the network, and what is fused and packed for inference.
_TRACKED_COPIES = 6

#: Memory of a training step over that of its tensors: workspaces of convolutions, and gaps between blocks.
_OVERHEAD = 1.3

#: Advice where the memory of a tracker is short.
SMALLER_TRACKER = "smaller frames and a smaller tracker need less; the smallest is dla_nanotrack_v3"

#: Pairs of which the maps are counted.
_COUNTED = 4


def training_errors(recipe: Recipe, pairs: int) -> AbstractContextManager[None]:
    """Context that says what a training needs if memory is short; arguments as of `training_bytes`.

    Raises:
        NotEnoughMemoryError: with the need and what lowers it.
    """
    return memory_errors(
        f"training {recipe.name}, {counted(pairs, 'pair')} at once (what is saved is kept)",
        "a larger accumulate and a smaller batch, both for a new run alone, and fewer workers need less",
        partial(training_bytes, recipe, pairs),
    )


def training_bytes(recipe: Recipe, pairs: int) -> float:
    """About how many bytes the process of a training needs, see `training_need`.

    Args:
        recipe: recipe of the training.
        pairs: number of pairs that are computed at once, a batch or a part of it.
    """
    fixed, each = training_need(recipe)
    return fixed + each * pairs


def training_need(recipe: Recipe) -> tuple[float, float]:
    """About how much memory the process of a training on a CPU needs, without its training data.

    The need is largest in the last epochs, in which most backbones train and all their maps are kept for the
    gradients. The measured peaks of seven recipes were within a quarter of the estimate; a test holds two of them.

    Args:
        recipe: recipe of the training.

    Returns:
        The bytes of a training whatever its batch, and those of each pair that is computed at once.
    """
    net = shapes_alone(recipe).train_mode(recipe.schedule.backbone_trains(recipe.schedule.epochs - 1))
    with _LiveBytes() as live:
        output = net(*_images(_COUNTED, recipe.net.template_size, recipe.net.search_size))
        total = torch.stack([maps.sum() for maps in output if maps is not None]).sum()
        del output
        if total.requires_grad:
            total.backward()
    return _TRAINER + _TRAINED_COPIES * _weights(net), _OVERHEAD * live.peak / _COUNTED


def tracking_errors(recipe: Recipe) -> AbstractContextManager[None]:
    """Context that says what a tracker needs if memory is short; the argument as of `tracking_bytes`.

    Raises:
        NotEnoughMemoryError: with the need and what lowers it.
    """
    return memory_errors(f"tracking with {recipe.name}", SMALLER_TRACKER, partial(tracking_bytes, recipe))


def tracking_bytes(recipe: Recipe) -> float:
    """About how many bytes a process that tracks one target on a CPU needs, without its frames.

    Args:
        recipe: recipe of the tracker.
    """
    net = shapes_alone(recipe).eval()
    with torch.no_grad(), _LiveBytes() as live:
        net(*_images(1, recipe.net.template_size, recipe.net.online_search_size))
    return _TRACKER + _TRACKED_COPIES * _weights(net) + _OVERHEAD * live.peak


def _images(pairs: int, template: int, search: int) -> tuple[torch.Tensor, torch.Tensor]:
    return tuple(torch.empty(pairs, 3, side, side, device="meta") for side in (template, search))  # type: ignore[return-value]


def _weights(net: nn.Module) -> int:
    """Size of the weights, bytes."""
    return sum(values.nbytes for values in net.parameters())


class _LiveBytes(TorchDispatchMode):
    """Counts the bytes of the tensors that operations make inside the block, until they are freed.

    Attributes:
        peak: largest number of bytes at one time.
    """

    def __init__(self) -> None:
        super().__init__()
        self.peak = self._now = 0
        self._known: set[int] = set()

    def __torch_dispatch__(
        self,
        func: Callable[..., Any],
        types: Sequence[type],
        args: Sequence[Any] = (),
        kwargs: Mapping[str, Any] | None = None,
    ) -> Any:
        answer = func(*args, **(kwargs or {}))
        for tensor in tree_leaves(answer):
            if not isinstance(tensor, torch.Tensor):
                continue
            storage = tensor.untyped_storage()
            key = storage._cdata  # views share it
            if key not in self._known:
                self._known.add(key)
                self._now += storage.nbytes()
                self.peak = max(self.peak, self._now)
                weakref.finalize(storage, self._freed, key, storage.nbytes())
        return answer

    def _freed(self, key: int, size: int) -> None:
        self._known.discard(key)
        self._now -= size
