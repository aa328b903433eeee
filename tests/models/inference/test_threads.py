"""Trackers that are made in one thread while others are at work in theirs."""

from __future__ import annotations

import threading
from collections.abc import Callable

import numpy as np
import pytest

from dlatrack import OnlineTracker

_WEIGHTS = "dla_nanotrack_v3"


def _images(count: int) -> list[np.ndarray]:
    rng = np.random.default_rng(0)
    return [rng.integers(0, 255, (160, 200, 3), dtype=np.uint8) for _ in range(count)]


def _boxes(tracker: OnlineTracker, images: list[np.ndarray]) -> np.ndarray:
    tracker.init(images[0], np.array([60.0, 50.0, 40.0, 30.0]))
    return np.stack([tracker.update(image)[0] for image in images[1:]])


@pytest.fixture(scope="module")
def alone() -> np.ndarray:
    """Boxes of a tracker that nothing disturbs."""
    return _boxes(OnlineTracker.from_weights(_WEIGHTS), _images(6))


def _in_threads(*jobs: Callable[[], object]) -> list[BaseException]:
    """Do each job in a thread of its own; what they raise."""
    errors: list[BaseException] = []

    def guarded(work: Callable[[], object]) -> None:
        try:
            work()
        except BaseException as error:
            errors.append(error)

    threads = [threading.Thread(target=guarded, args=(job,)) for job in jobs]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return errors


def test_a_tracker_at_work_is_not_disturbed_by_one_that_is_made(alone: np.ndarray) -> None:
    tracker, images, made = OnlineTracker.from_weights(_WEIGHTS), _images(6), threading.Event()
    rounds: list[np.ndarray] = []

    def track() -> None:
        while not made.is_set() or not rounds:
            rounds.append(_boxes(tracker, images))

    def make() -> None:
        try:
            for _ in range(3):
                OnlineTracker.from_weights(_WEIGHTS)
        finally:
            made.set()

    assert _in_threads(track, make) == []
    assert all((boxes == alone).all() for boxes in rounds)


def test_trackers_made_at_the_same_time_answer_as_one_alone(alone: np.ndarray) -> None:
    found: list[np.ndarray] = []

    def make_and_track() -> None:
        found.append(_boxes(OnlineTracker.from_weights(_WEIGHTS), _images(6)))

    assert _in_threads(*[make_and_track] * 4) == []
    assert len(found) == 4
    assert all((boxes == alone).all() for boxes in found)
    again = _boxes(OnlineTracker.from_weights(_WEIGHTS), _images(6))
    assert (again == alone).all(), "nothing stays replaced"
