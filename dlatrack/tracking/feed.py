"""Frames of a live source, read in a thread of its own while others are tracked."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from typing import NamedTuple, Protocol, Self

import numpy as np

_POLL = 0.1  # seconds between looks at whether the user wants to stop


class FrameSource(Protocol):
    """A source that is iterated once, and that can be asked to end."""

    def __iter__(self) -> Iterator[np.ndarray]:
        """The frames as they come, (H, W, 3) uint8 RGB."""
        ...

    def close(self) -> None:
        """Ask the iteration to end."""
        ...


class Arrival(NamedTuple):
    """A frame of a source."""

    number: int  #: number of the frame in the source, from 0; those that are missing were dropped
    time: float  #: `time.monotonic()` when it came
    image_rgb: np.ndarray  #: (H, W, 3) uint8


class Feed:
    """Frames of a source in their order, for a thread that may be slower or faster than the source.

    Args:
        source: frames.
        depth: largest number of waiting frames, for which the source waits; None: it never waits, and the newest
            frame takes the place of one that waits.
        keep_first: whether the first frame is never dropped, since targets were chosen in it.

    Attributes:
        dropped: number of frames that were dropped.

    Example:
        with Feed(source, depth=None) as feed:
            for arrival in feed.arrivals():
                track(arrival.image_rgb)
    """

    def __init__(self, source: FrameSource, depth: int | None, *, keep_first: bool = False) -> None:
        self._source, self._depth, self._keep_first = source, depth, keep_first
        self._waiting: deque[Arrival] = deque()
        self._changed = threading.Condition()
        self._closed = self._ended = False
        self._error: Exception | None = None
        self.dropped = 0
        # A daemon, because a source may be silent for seconds when the process wants to end.
        self._thread = threading.Thread(target=self._read, name="dlatrack reading", daemon=True)

    def __enter__(self) -> Self:
        """Start to read."""
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        """Ask the source to end, and give it a moment."""
        self._source.close()
        with self._changed:
            self._closed = True
            self._changed.notify_all()
        self._thread.join(0.5)

    def arrivals(self, stopped: Callable[[], object] = lambda: False) -> Iterator[Arrival]:
        """The frames, until the source ends or `stopped` says so, which is asked while nothing comes.

        Raises:
            Exception: the error of the source, after the frames before it.
        """
        while True:
            with self._changed:
                while not (self._waiting or self._ended):
                    if stopped():
                        return
                    self._changed.wait(_POLL)
                if not self._waiting:
                    break
                arrival = self._waiting.popleft()
                self._changed.notify_all()
            yield arrival
        if self._error is not None:
            raise self._error

    def _read(self) -> None:
        try:
            for number, image in enumerate(self._source):
                arrival = Arrival(number, time.monotonic(), image)
                with self._changed:
                    chosen_in = self._keep_first and self._waiting and not self._waiting[-1].number
                    if self._depth is None and self._waiting and not chosen_in:
                        self._waiting.pop()
                        self.dropped += 1
                    while self._depth is not None and len(self._waiting) >= self._depth and not self._closed:
                        self._changed.wait()
                    if self._closed:
                        return
                    self._waiting.append(arrival)
                    self._changed.notify_all()
        except Exception as error:  # raised in the thread that tracks
            self._error = error
        finally:
            with self._changed:
                self._ended = True
                self._changed.notify_all()
