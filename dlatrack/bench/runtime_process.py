"""A process of its own that computes a tracker's steps in one runtime."""

from __future__ import annotations

import multiprocessing
import time
from collections.abc import Callable
from multiprocessing.connection import Connection
from types import TracebackType
from typing import NamedTuple

import cv2
import numpy as np
import torch

from dlatrack.bench.beside import network_step
from dlatrack.memory import reuse_freed_memory
from dlatrack.models.runtimes import load_for
from dlatrack.tracking.online import OnlineTracker


class Setup(NamedTuple):
    """What a process computes; picklable."""

    place: str  #: weight file, shipped tracker, or folder of an exported tracker
    runtime: str  #: a key of `models.runtimes.RUNTIMES`
    fast: bool  #: as in `OnlineTracker`
    beside: tuple[str, str] | None  #: place and runtime of another step, computed before each timed one
    threads: int  #: CPU threads of the runtime and of OpenCV


class RuntimeProcess:
    """The parent's side: starts the process, asks it for steps, and ends it.

    Args:
        setup: what the process computes.
    """

    def __init__(self, setup: Setup) -> None:
        # Spawned and not forked: runtimes do not survive a fork once their threads have started.
        context = multiprocessing.get_context("spawn")
        self._connection, theirs = context.Pipe()
        self._process = context.Process(target=_serve, args=(setup, theirs), daemon=True)
        self._process.start()
        theirs.close()

    def __enter__(self) -> RuntimeProcess:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._connection.close()
        self._process.join(10)
        self._process.kill()

    def steps(self, count: int) -> np.ndarray:
        """Compute network steps on noise, one after the other.

        Args:
            count: number of steps.

        Returns:
            (count,) ms each took.
        """
        self._connection.send(count)
        milliseconds: np.ndarray = self._connection.recv()
        return milliseconds

    def track(self, frames: np.ndarray, box_xywh: np.ndarray) -> tuple[np.ndarray, float]:
        """Track through a clip.

        Args:
            frames: (N, H, W, 3) uint8 RGB.
            box_xywh: (4,), the target in the first frame.

        Returns:
            (N - 1, 4) boxes of the later frames, and the median time of `update`, s.
        """
        self._connection.send((frames, box_xywh))
        answer: tuple[np.ndarray, float] = self._connection.recv()
        return answer


def _serve(setup: Setup, connection: Connection) -> None:
    """Answer requests until the parent closes the connection."""
    reuse_freed_memory()
    torch.set_num_threads(setup.threads)
    cv2.setNumThreads(setup.threads)
    net, chosen = load_for(setup.place, setup.runtime, fast=setup.fast)
    step = network_step(net, chosen, fast=setup.fast)
    before = network_step(*load_for(*setup.beside)) if setup.beside else _nothing
    tracker = OnlineTracker(net, chosen, fast=setup.fast)
    while True:
        try:
            request = connection.recv()
        except EOFError:
            return
        if isinstance(request, int):
            connection.send(np.array([_timed(step, before) for _ in range(request)]))
        else:
            connection.send(_track(tracker, *request))


def _nothing(_: int) -> None:
    pass


def _timed(step: Callable[[int], object], before: Callable[[int], object]) -> float:
    before(0)
    started = time.perf_counter()
    step(0)
    return 1000 * (time.perf_counter() - started)


def _track(tracker: OnlineTracker, frames: np.ndarray, box_xywh: np.ndarray) -> tuple[np.ndarray, float]:
    tracker.init(frames[0], box_xywh)
    boxes, seconds = [], []
    for frame in frames[1:]:
        started = time.perf_counter()
        boxes.append(tracker.update(frame)[0])
        seconds.append(time.perf_counter() - started)
    return np.array(boxes), float(np.median(seconds))
