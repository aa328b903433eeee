"""Frames that come at their own pace: which ones wait, which ones are dropped."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import numpy as np
import pytest
from streams import wait_until

from dlatrack.errors import InputError
from dlatrack.tracking import feed as feeds
from dlatrack.tracking.feed import Feed


class Script:
    """A source of numbered images that goes on when it is told."""

    def __init__(self, count: int, error: Exception | None = None) -> None:
        self._count, self._error = count, error
        self.gates = [threading.Event() for _ in range(count)]
        self.taken = 0
        self.closed = threading.Event()

    def __iter__(self) -> Iterator[np.ndarray]:
        for number in range(self._count):
            while not self.gates[number].wait(0.02):
                if self.closed.is_set():
                    return
            self.taken = number + 1
            yield np.full((1, 1, 3), number % 256, np.uint8)
        if self._error:
            raise self._error

    def close(self) -> None:
        self.closed.set()

    def let(self, *numbers: int) -> None:
        for number in numbers:
            self.gates[number].set()


def numbers(feed: Feed) -> list[int]:
    return [arrival.number for arrival in feed.arrivals()]


def test_nothing_is_dropped_and_the_source_waits() -> None:
    source = Script(10)
    source.let(*range(10))
    with Feed(source, 3) as feed:
        wait_until(lambda: source.taken == 4, "three waiting and one in hand")
        assert numbers(feed) == list(range(10))
    assert feed.dropped == 0


def test_the_newest_is_next() -> None:
    source = Script(8)
    with Feed(source, None) as feed:
        source.let(*range(5))
        wait_until(lambda: source.taken == 5 and feed.dropped == 4, "five frames")
        arrivals = feed.arrivals()
        assert next(arrivals).number == 4
        source.let(5, 6, 7)
        rest = [arrival.number for arrival in arrivals]
        assert rest[-1] == 7
        assert feed.dropped == 8 - 1 - len(rest)


def counted(source: Script, feed: Feed, count: int) -> None:
    """Let a source give its next frames, and wait until each waits or is dropped."""
    known = source.taken
    given = len(feed._waiting) + feed.dropped
    source.let(*range(known, known + count))
    wait_until(lambda: len(feed._waiting) + feed.dropped == given + count, f"{count} frames")


def test_frames_that_come_while_targets_are_drawn_are_followed() -> None:
    source = Script(20)
    with Feed(source, None, from_first=True) as feed:
        counted(source, feed, 10)
        arrivals = feed.arrivals()
        assert [next(arrivals).number for _ in range(5)] == [0, 1, 2, 3, 4]
        counted(source, feed, 3)
        assert not feed.caught_up
        assert [next(arrivals).number for _ in range(8)] == list(range(5, 13))
        assert (feed.caught_up, feed.dropped, feed.spacing) == (True, 0, 1)
        counted(source, feed, 7)
        assert [arrival.number for arrival in arrivals] == [19]
        assert feed.dropped == 6


def test_kept_frames_are_evenly_spaced_and_few(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(feeds, "_KEPT_BYTES", 10 * 3)
    source = Script(60)
    with Feed(source, None, from_first=True) as feed:
        for most in [*range(1, 11), *[None] * 50]:
            counted(source, feed, 1)
            assert len(feed._waiting) == most or (most is None and 5 <= len(feed._waiting) <= 10)
        assert [arrival.number for arrival in feed.arrivals()] == list(range(0, 60, 8))
    assert (feed.dropped, feed.spacing) == (60 - 8, 8)


def test_a_tracker_that_is_a_little_faster_than_the_source_drops_no_frame() -> None:
    """Seven frames come while eight are tracked."""
    source = Script(400)
    with Feed(source, None, from_first=True) as feed:
        counted(source, feed, 15)
        arrivals, seen = feed.arrivals(), []
        while not feed.caught_up:
            seen.append(next(arrivals).number)
            if len(seen) % 8:
                counted(source, feed, 1)
        assert seen == list(range(len(seen)))
        assert (feed.dropped, feed.spacing) == (0, 1)
        assert len(seen) <= 8 * (15 + 8)
        source.let(*range(400))


def test_memory_bounds_what_waits_while_it_is_tracked_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(feeds, "_KEPT_BYTES", 30 * 3)
    source = Script(100)
    with Feed(source, None, from_first=True) as feed:
        counted(source, feed, 29)
        arrivals = feed.arrivals()
        for _ in range(10):
            next(arrivals)
            counted(source, feed, 3)
            assert len(feed._waiting) <= 30
        assert feed.spacing == 2
        source.let(*range(100))


def test_a_slow_tracker_reaches_the_newest_frame() -> None:
    """Three frames come for each that is tracked."""
    source = Script(1200)
    with Feed(source, None, from_first=True) as feed:
        counted(source, feed, 30)
        arrivals, seen = feed.arrivals(), []
        while not feed.caught_up:
            seen.append(next(arrivals).number)
            counted(source, feed, 3)
        assert seen == sorted(set(seen))
        assert max(np.diff(seen)) <= 2 * feed.spacing
        assert len(seen) <= 8 * (30 + 8)
        counted(source, feed, 1)
        assert next(arrivals).number == source.taken - 1
        source.let(*range(1200))


def test_frames_keep_their_numbers_and_times() -> None:
    source = Script(2)
    source.let(0, 1)
    with Feed(source, 8) as feed:
        first, second = feed.arrivals()
    assert (first.image_rgb[0, 0, 0], second.image_rgb[0, 0, 0]) == (0, 1)
    assert first.time <= second.time


def test_an_error_comes_after_the_frames_before_it() -> None:
    source = Script(3, InputError("another size"))
    source.let(0, 1, 2)
    seen = []
    with Feed(source, 8) as feed, pytest.raises(InputError, match="another size"):
        for arrival in feed.arrivals():
            seen.append(arrival.number)
    assert seen == [0, 1, 2]


def test_waiting_ends_when_the_user_wants_it_and_leaves_no_thread() -> None:
    before = set(threading.enumerate())
    source = Script(2)
    source.let(0)
    with Feed(source, 8) as feed:
        arrivals = feed.arrivals(stopped=lambda: True)
        assert [arrival.number for arrival in arrivals] in ([], [0])
    wait_until(lambda: set(threading.enumerate()) <= before, "the end of the thread")


def test_a_source_that_waits_for_room_is_released() -> None:
    before = set(threading.enumerate())
    source = Script(10)
    source.let(*range(10))
    with Feed(source, 2):
        wait_until(lambda: source.taken == 3, "a full queue")
    wait_until(lambda: set(threading.enumerate()) <= before, "the end of the thread")
