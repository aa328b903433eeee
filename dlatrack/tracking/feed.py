"""Frames of a live source, read in a thread of its own while others are tracked."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from typing import NamedTuple, Protocol, Self

import numpy as np

_POLL = 0.1  # seconds between looks at whether the user wants to stop

#: Bytes of the frames that are kept while targets are drawn in the first one: 194 frames of 1280 x 720 px.
_KEPT_BYTES = 512 << 20
_SLACK = 8  # frames that may come while the first one is tracked, which takes longer

#: Frames that may be tracked for each that waits when tracking begins, until the newest one must be reached.
_FOR_EACH = 8


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
        from_first: whether tracking follows the source from its first frame on, with `depth` None, since targets are
            drawn in that frame, which takes seconds. The frames that come meanwhile are kept, up to 512 MB. They are
            given in order until the newest one is reached; from then on the newest is always next. One frame less may
            wait after every eight that are taken, so that the newest is reached after at most eight frames for each
            that waited at first: a tracker that does 8 frames while 7 come needs to drop none. Where more wait than
            may, or memory is full, every second one is dropped, and so are those that come later: they stay evenly
            spaced.

    Attributes:
        dropped: number of frames that were dropped.
        spacing: largest distance of two frames that were kept until the newest was reached; 1: all were kept.
        caught_up: whether the newest frame is next.

    Example:
        with Feed(source, depth=None) as feed:
            for arrival in feed.arrivals():
                track(arrival.image_rgb)
    """

    def __init__(self, source: FrameSource, depth: int | None, *, from_first: bool = False) -> None:
        self._source, self._depth = source, depth
        self.caught_up, self.spacing = depth is not None or not from_first, 1
        self._taken = self._room = 0  # frames given, and how many could wait when the first one was
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
                self._note_taken()
                self._changed.notify_all()
            yield arrival
        if self._error is not None:
            raise self._error

    def _note_taken(self) -> None:
        """Count a frame that is given, and notice when the newest one is reached."""
        if not self._taken:
            self._room = len(self._waiting) + _SLACK
        self._taken += 1
        self.caught_up = self.caught_up or not self._waiting or self._taken >= _FOR_EACH * self._room

    def _admits(self, arrival: Arrival) -> bool:
        """Whether a frame that comes is to wait; others are dropped for it."""
        kept: list[Arrival] = []
        if not self.caught_up:
            room = _KEPT_BYTES // arrival.image_rgb.nbytes
            if self._taken:
                room = min(room, self._room - self._taken // _FOR_EACH)
            if not arrival.number % self.spacing and len(self._waiting) >= max(room, 2):
                self.spacing *= 2
            kept = [waiting for waiting in self._waiting if not waiting.number % self.spacing]
        admitted = self.caught_up or not arrival.number % self.spacing
        self.dropped += len(self._waiting) - len(kept) + (not admitted)
        self._waiting = deque(kept)
        return admitted

    def _read(self) -> None:
        try:
            for number, image in enumerate(self._source):
                arrival = Arrival(number, time.monotonic(), image)
                with self._changed:
                    if self._depth is None and not self._admits(arrival):
                        continue
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
