"""Frames that come at their own pace: which ones wait, which ones are dropped."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import numpy as np
import pytest
from streams import wait_until

from dlatrack.errors import InputError
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
            yield np.full((1, 1, 3), number, np.uint8)
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


@pytest.mark.parametrize(("keep_first", "first"), [(True, [0, 4]), (False, [4])])
def test_the_newest_is_next(keep_first: bool, first: list[int]) -> None:
    source = Script(8)
    with Feed(source, None, keep_first=keep_first) as feed:
        source.let(*range(5))
        wait_until(lambda: source.taken == 5 and feed.dropped == 5 - len(first), "five frames")
        arrivals = feed.arrivals()
        assert [next(arrivals).number for _ in first] == first
        source.let(5, 6, 7)
        rest = [arrival.number for arrival in arrivals]
        assert rest[-1] == 7
        assert feed.dropped == 8 - len(first) - len(rest)


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
