"""Batches of pairs prepared by worker processes, in the same order and with the same bits as without any.

Batch n comes from worker n mod W, which writes it into one of two blocks of memory that it shares with this process.
The blocks are used again and again: a fresh one for every batch, as in PyTorch's loader, costs a page fault for every
4 KiB, and those cost as much as half of the work on a pair.
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
from dlatrack.memory import reuse_freed_memory
from dlatrack.processes import death, parent_watch, start

if TYPE_CHECKING:
    from dlatrack.sampling.pairs import PairBatch, PairSource

#: Batches that each worker prepares ahead.
_AHEAD = 2

#: Seconds after which a worker without work looks whether this process is still there.
_PATIENCE = 5.0

#: First message of a worker; None says that a batch is ready, an exception that something is wrong.
_BEGUN = True


@dataclass(frozen=True, eq=False)
class _Epoch:
    """The batches of an epoch by number."""

    source: PairSource
    epoch: int
    pairs: int
    batch: int
    rank: int = 0
    world: int = 1

    def __len__(self) -> int:
        return -(-self.pairs // self.batch)  # noqa: PLE0303  (both are positive)

    def part(self, number: int) -> range:
        """Pairs of a batch that are this process's share."""
        start, size = number * self.batch, min(self.batch, self.pairs - number * self.batch)
        return range(start + size * self.rank // self.world, start + size * (self.rank + 1) // self.world)

    def size(self, number: int) -> int:
        """Pairs of this process's share of a batch."""
        return len(self.part(number))

    def prepare(self, number: int, out: PairBatch | None = None) -> PairBatch:
        """Draw this process's share of a batch."""
        part = self.part(number)
        return self.source.batch(self.epoch, part.start, len(part), out=out)


@dataclass(eq=False)
class _Worker:
    """A process, the connection to it, the blocks it writes to, what ends it, and whether it has begun."""

    process: BaseProcess
    connection: Connection
    blocks: list[PairBatch]
    stop: Callable[[], object]
    begun: bool = False

    def receive(self) -> None:
        """Wait for the next batch.

        Raises:
            InputError: the worker's, or if it has died.
            RuntimeError: with the traceback of an error in the worker that is not the user's.
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


def load_batches(
    source: PairSource,
    epoch: int,
    pairs: int,
    batch: int,
    *,
    first: int = 0,
    workers: int = 0,
    rank: int = 0,
    world: int = 1,
) -> Iterator[PairBatch]:
    """Yield the batches of an epoch in order.

    With workers a batch is only lent: its memory is used again when the next one is asked for. Training is done with
    it by then; whoever keeps batches clones them.

    Args:
        source: of the pairs.
        epoch: from 0.
        pairs: of the whole epoch; the last batch may be smaller.
        batch: pairs per batch.
        first: number of the first batch to yield, where a stopped run goes on.
        workers: processes that prepare batches, each of them two ahead; 0: this process, when asked.
        rank: of several training processes that share every batch, the number of this one.
        world: how many there are.

    Raises:
        InputError: if a crop cannot be decoded, shared memory is too small or a worker dies.
        ValueError: if `batch` or `pairs` is not positive, `first` or `workers` negative, or `rank` not below `world`.
    """
    if not 0 <= rank < world:
        raise ValueError(f"rank must be in 0..{world - 1}, got {rank}")
    if batch < 1 or pairs < 1 or first < 0 or workers < 0:
        raise ValueError(
            f"batch and pairs must be 1 or more, first and workers 0 or more; got batch {batch}, pairs {pairs}, "
            f"first {first}, workers {workers}"
        )
    whole = _Epoch(source, epoch, pairs, batch, rank, world)
    todo = range(min(first, len(whole)), len(whole))
    workers = min(workers, len(todo))
    if workers == 0:
        yield from map(whole.prepare, todo)
        return
    _check_shared_memory(source, batch, workers)
    started: list[_Worker] = []
    try:
        for place in range(workers):
            started.append(_start(whole, todo[place::workers]))
        for place, number in enumerate(todo):
            worker = started[place % workers]
            worker.receive()
            block = worker.blocks[place // workers % _AHEAD]
            yield _front(block, whole.size(number))
            with suppress(OSError):  # a worker that has died is noticed when its next batch is due
                worker.connection.send(True)  # the block is free
    finally:
        for worker in started:
            worker.stop()
        for worker in started:
            worker.process.join()
            worker.connection.close()


def _start(whole: _Epoch, numbers: range) -> _Worker:
    context = torch.multiprocessing.get_context()
    ours, theirs = context.Pipe()
    blocks = [whole.source.empty_batch(whole.batch, shared=True) for _ in range(_AHEAD)]
    process = context.Process(
        target=_work, args=(whole, numbers, theirs, blocks), daemon=True, name="dlatrack pairs"
    )
    start(process, "the training data")
    theirs.close()
    # At the latest when Python ends, before it waits for its processes.
    stop = Finalize(None, process.kill, exitpriority=1)
    return _Worker(process, ours, blocks, stop)


def _work(whole: _Epoch, numbers: range, connection: Connection, blocks: list[PairBatch]) -> None:
    """Prepare batches until there is no other, or nobody to take them; None says that one is ready."""
    parent_is_there = parent_watch()
    # Terminals and schedulers send these to all processes of a run; the first one saves and then ends this one.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    cv2.setNumThreads(0)  # not 1: OpenCV would wait for threads that a fork leaves behind
    torch.set_num_threads(1)
    reuse_freed_memory()
    try:
        connection.send(_BEGUN)
        for place, number in enumerate(numbers):
            if place >= _AHEAD and not _told(connection, parent_is_there):
                return
            whole.prepare(number, _front(blocks[place % _AHEAD], whole.size(number)))
            connection.send(None)
        while _told(connection, parent_is_there):
            pass
    except (EOFError, BrokenPipeError):
        return
    except InputError as error:
        connection.send(error)
    except Exception:  # whatever it is, the other process raises it
        connection.send(RuntimeError(traceback.format_exc()))


def _front(block: PairBatch, pairs: int) -> PairBatch:
    """The first pairs of a block; nothing is copied."""
    return type(block)(*(column[:pairs] for column in block))


def _told(connection: Connection, parent_is_there: Callable[[], bool]) -> bool:
    """Wait until a block is free; False once the other process has gone."""
    while not connection.poll(_PATIENCE):
        if not parent_is_there():
            return False
    return bool(connection.recv())


def _check_shared_memory(source: PairSource, batch: int, workers: int) -> None:
    """Containers often limit shared memory to 64 MB.

    Raises:
        InputError: if there is less than the blocks need.
    """
    net = source.net
    pair = 12 * (net.template_size**2 + net.search_size**2)  # three float32 channels
    needed = workers * _AHEAD * batch * pair
    try:
        system = os.statvfs("/dev/shm")
    except (OSError, AttributeError):
        return  # systems that keep shared memory elsewhere
    free = system.f_bavail * system.f_frsize
    if free < needed:
        raise InputError(
            f"{workers} workers with batches of {batch} need {needed / 2**20:.0f} MiB of shared memory, and /dev/shm "
            f"has {free / 2**20:.0f} MiB; enlarge it (docker run --shm-size) or use fewer workers"
        )
