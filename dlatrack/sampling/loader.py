"""Batches of pairs prepared by worker processes, in the same order and with the same bits as without any.

Batch n comes from worker n mod W, which writes it into one of two blocks of memory that it shares with this process.
The blocks are used again and again: a new one for every batch, as in PyTorch's loader, costs a page fault for every
4 KiB, and these take as much time as half of the work on a pair.
"""

from __future__ import annotations

import os
import signal
import traceback
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess
from multiprocessing.util import Finalize
from typing import TYPE_CHECKING, Any

import cv2
import torch

from dlatrack.errors import InputError
from dlatrack.memory import memory_error, reuse_freed_memory
from dlatrack.processes import death, leave_with_parent, start

if TYPE_CHECKING:
    from dlatrack.sampling.pairs import PairBatch, PairSource

#: Batches that each worker prepares ahead.
_AHEAD = 2

#: First message of a worker. Later ones are None for each batch that is ready, or the exception that ends it.
_BEGUN = True


@dataclass(frozen=True, eq=False)
class EpochBatches:
    """The batches of an epoch by number, or the share that one of several training processes has of each.

    `source` draws the pairs; the other fields are arguments of `PairSource.batches`.
    """

    source: PairSource
    epoch: int
    pairs: int
    batch: int
    rank: int = 0
    world: int = 1

    def __len__(self) -> int:
        return -(-self.pairs // self.batch)  # noqa: PLE0303  (both are positive)

    def share(self, number: int) -> range:
        """Numbers of the pairs of a batch that are this process's share."""
        start, size = number * self.batch, min(self.batch, self.pairs - number * self.batch)
        return range(start + size * self.rank // self.world, start + size * (self.rank + 1) // self.world)

    def prepare(self, number: int, out: PairBatch | None = None) -> PairBatch:
        """Draw this process's share of a batch, into `out` if it is given."""
        share = self.share(number)
        return self.source.batch(self.epoch, share.start, len(share), out=out)

    def front(self, block: PairBatch, number: int) -> PairBatch:
        """The pairs of a block that hold this process's share of a batch; nothing is copied."""
        return type(block)(*(column[: len(self.share(number))] for column in block))


@dataclass(eq=False)
class _Worker:
    """A worker process, the connection to it, the blocks it writes to, what ends it, and whether it has begun."""

    process: BaseProcess
    connection: Connection
    blocks: list[PairBatch]
    stop: Callable[[], object]
    begun: bool = False

    def receive(self) -> None:
        """Wait for the next batch.

        Raises:
            InputError: as raised in the worker, or if it has died.
            RuntimeError: with the traceback of any other error in the worker.
        """
        answer = self._answer()
        if answer is _BEGUN:
            self.begun = True
            answer = self._answer()
        if answer is not None:
            raise answer

    def _answer(self) -> Any:
        wait([self.connection, self.process.sentinel])
        try:
            if self.connection.poll():
                return self.connection.recv()
        except (EOFError, OSError):
            pass
        return death(self.process, "prepares pairs", "use fewer workers", begun=self.begun)


def load_batches(epoch: EpochBatches, *, first: int = 0, workers: int = 0) -> Iterator[PairBatch]:
    """Yield the batches of an epoch in order, from number `first` on, as `PairSource.batches` describes."""
    if not 0 <= epoch.rank < epoch.world:
        raise ValueError(f"rank must be in 0..{epoch.world - 1}, got {epoch.rank}")
    if epoch.batch < 1 or epoch.pairs < 1 or first < 0 or workers < 0:
        raise ValueError(
            f"batch and pairs must be 1 or more, first and workers 0 or more; got batch {epoch.batch}, "
            f"pairs {epoch.pairs}, first {first}, workers {workers}"
        )
    todo = range(min(first, len(epoch)), len(epoch))
    workers = min(workers, len(todo))
    if workers == 0:
        yield from map(epoch.prepare, todo)
        return
    _check_shared_memory(epoch, workers)
    started: list[_Worker] = []
    try:
        for place in range(workers):
            started.append(_start(epoch, todo[place::workers]))
        for place, number in enumerate(todo):
            worker = started[place % workers]
            worker.receive()
            block = worker.blocks[place // workers % _AHEAD]
            yield epoch.front(block, number)
            with suppress(OSError):  # the death of a worker is noticed when its next batch is due
                worker.connection.send(True)  # the block is free
    finally:
        for worker in started:
            worker.stop()
        for worker in started:
            worker.process.join()
            worker.connection.close()


def _start(epoch: EpochBatches, numbers: range) -> _Worker:
    context = torch.multiprocessing.get_context()
    ours, theirs = context.Pipe()
    blocks = [epoch.source.empty_batch(epoch.batch, shared=True) for _ in range(_AHEAD)]
    process = context.Process(
        target=_work, args=(epoch, numbers, theirs, blocks), daemon=True, name="dlatrack pairs"
    )
    start(process, "the training data")
    theirs.close()
    # At the latest when Python ends, before it waits for its processes.
    stop = Finalize(None, process.kill, exitpriority=1)
    return _Worker(process, ours, blocks, stop)


def _work(epoch: EpochBatches, numbers: range, connection: Connection, blocks: list[PairBatch]) -> None:
    """Prepare batches in a worker process until all are done or the parent process has ended."""
    # Terminals and schedulers send these to all processes of a run; the parent saves its state, then ends this one.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    leave_with_parent()
    cv2.setNumThreads(0)  # not 1: OpenCV would wait for threads that a fork leaves behind
    torch.set_num_threads(1)
    reuse_freed_memory()
    try:
        connection.send(_BEGUN)
        for place, number in enumerate(numbers):
            if place >= _AHEAD:
                connection.recv()  # a block is free
            epoch.prepare(number, epoch.front(blocks[place % _AHEAD], number))
            connection.send(None)
        while True:
            connection.recv()
    except (EOFError, BrokenPipeError):
        return
    except InputError as error:
        connection.send(error)
    except Exception as error:  # the parent process raises it again
        short = memory_error(error, "preparing pairs", "use fewer workers")
        connection.send(short or RuntimeError(traceback.format_exc()))


def _check_shared_memory(epoch: EpochBatches, workers: int) -> None:
    """Compare the memory of all blocks with the shared memory, which containers often limit to 64 MB.

    Raises:
        InputError: if there is too little.
    """
    net = epoch.source.net
    pair = 12 * (net.template_size**2 + net.search_size**2)  # three float32 channels
    needed = workers * _AHEAD * epoch.batch * pair
    try:
        system = os.statvfs("/dev/shm")
    except (OSError, AttributeError):
        return  # systems that keep shared memory elsewhere
    free = system.f_bavail * system.f_frsize
    if free < needed:
        raise InputError(
            f"{workers} workers with batches of {epoch.batch} need {needed / 2**20:.0f} MiB of shared memory, and "
            f"/dev/shm has {free / 2**20:.0f} MiB; enlarge it (docker run --shm-size) or use fewer workers"
        )
