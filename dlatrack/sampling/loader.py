"""Batches of pairs prepared by worker processes, in the same order and with the same bits as without any."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import cv2
import torch
from torch.utils.data import DataLoader, Dataset

from dlatrack.errors import InputError
from dlatrack.memory import reuse_freed_memory

if TYPE_CHECKING:
    from dlatrack.sampling.pairs import PairBatch, PairSource

#: Batches that each worker prepares ahead.
_AHEAD = 2


def load_batches(
    source: PairSource, epoch: int, pairs: int, batch: int, *, first: int = 0, workers: int = 0
) -> Iterator[PairBatch]:
    """Yield the batches of an epoch in order.

    Args:
        source: of the pairs.
        epoch: from 0.
        pairs: of the whole epoch; the last batch may be smaller.
        batch: pairs per batch.
        first: number of the first batch to yield, where a stopped run goes on.
        workers: processes that prepare batches, each of them two ahead; 0: this process, when asked.

    Raises:
        InputError: if a crop cannot be decoded, shared memory is too small or a worker dies.
        ValueError: if `batch` or `pairs` is not positive, or `first` or `workers` negative.
    """
    if batch < 1 or pairs < 1 or first < 0 or workers < 0:
        raise ValueError(
            f"batch and pairs must be 1 or more, first and workers 0 or more; got batch {batch}, pairs {pairs}, "
            f"first {first}, workers {workers}"
        )
    dataset = _Batches(source, epoch, pairs, batch)
    todo = range(min(first, len(dataset)), len(dataset))
    if workers == 0:
        for number in todo:
            yield dataset.batch(number)
        return
    _check_shared_memory(source, batch, workers)
    loader = DataLoader(
        dataset,
        batch_size=None,
        sampler=todo,
        num_workers=workers,
        prefetch_factor=_AHEAD,
        collate_fn=_as_is,
        worker_init_fn=_start_worker,
        generator=torch.Generator().manual_seed(0),  # or the loader would draw from the global one
    )
    try:
        for item in loader:
            if isinstance(item, InputError):
                raise item
            yield item
    except RuntimeError as error:
        if "DataLoader worker" not in str(error):
            raise
        raise InputError(
            f"a process that prepares pairs has died, perhaps for want of memory; use fewer than {workers} workers "
            f"({error})"
        ) from error


class _Batches(Dataset):
    """The batches of an epoch by number; an `InputError` is handed over as a value, so that its text stays whole."""

    def __init__(self, source: PairSource, epoch: int, pairs: int, batch: int) -> None:
        self._source, self._epoch, self._pairs, self._batch = source, epoch, pairs, batch
        self._count = -(-pairs // batch)

    def __len__(self) -> int:
        return self._count

    def batch(self, number: int) -> PairBatch:
        first = number * self._batch
        return self._source.batch(self._epoch, first, min(self._batch, self._pairs - first))

    def __getitem__(self, number: int) -> PairBatch | InputError:
        try:
            return self.batch(number)
        except InputError as error:
            return error


def _as_is(item: Any) -> Any:
    return item


def _start_worker(_: int) -> None:
    """One core for each worker; 0 and not 1, because OpenCV would wait for threads that a fork leaves behind."""
    cv2.setNumThreads(0)
    reuse_freed_memory()


def _check_shared_memory(source: PairSource, batch: int, workers: int) -> None:
    """Batches travel through shared memory, which containers often limit to 64 MB.

    Raises:
        InputError: if there is less than the batches need that are prepared ahead.
    """
    net = source.net
    one = 12 * batch * (net.template_size**2 + net.search_size**2)  # three float32 channels
    needed = (workers * _AHEAD + 1) * one
    try:
        free = os.statvfs("/dev/shm").f_bavail * os.statvfs("/dev/shm").f_frsize
    except (OSError, AttributeError):
        return  # systems that keep shared memory elsewhere
    if free < needed:
        raise InputError(
            f"{workers} workers with batches of {batch} need {needed / 2**20:.0f} MiB of shared memory, and /dev/shm "
            f"has {free / 2**20:.0f} MiB; enlarge it (docker run --shm-size) or use fewer workers"
        )
