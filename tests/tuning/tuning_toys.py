"""A tracker whose AUC is a known function of its setting; apart from the tests, for processes that import it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np

from dlatrack.datasets.sequence import Sequence
from dlatrack.recipes import OnlineConfig

#: Setting at which `overlap` is largest.
OPTIMUM = OnlineConfig(penalty_k=0.1, window_influence=0.35, rate=0.5)

#: Width of the true boxes, px. The place of a box tells the toy which sequence it sees.
WIDTH = 100.0


def overlap(setting: OnlineConfig, sequence: int) -> float:
    """IoU with the truth: some 0.8 at the optimum, less on every side of it; sequences differ in how much."""
    away = (
        abs(np.sqrt(setting.penalty_k / 0.4) - np.sqrt(OPTIMUM.penalty_k / 0.4))
        + abs(setting.window_influence - OPTIMUM.window_influence)
        + abs(setting.rate - OPTIMUM.rate) / 2
    )
    harder, sensitivity = 0.1 * np.sin(sequence), 1 + 0.3 * np.sin(2 * sequence)
    return float(np.clip(0.8 + harder - 0.6 * sensitivity * away, 0.03, 0.97))


class Shrinker:
    """Answers the true box, made so narrow that its IoU with the truth is `overlap`, give or take 0.025."""

    def __init__(self, setting: OnlineConfig) -> None:
        self._setting = setting

    def init(self, image: np.ndarray, box_xywh: np.ndarray) -> None:
        self._box, self._frame = box_xywh, 0
        self._overlap = overlap(self._setting, round(box_xywh[0] / 10))

    def update(self, image: np.ndarray) -> tuple[np.ndarray, float]:
        self._frame += 1
        share = self._overlap + 0.005 * (self._frame % 10 - 4.5)  # smooths the steps of the success curve
        return self._box * [1, 1, share, 1], 1.0


def shrinkers() -> Callable[[OnlineConfig], Shrinker]:
    return Shrinker


@dataclass(frozen=True)
class Strip:
    """A source of sequences of images of one shade, whose targets stand still."""

    count: int = 18
    length: int = 11
    prefix: str = "clip"
    name: str = "folder"
    first_pixel: int = 1
    shade: int = 0

    def open(self) -> list[Sequence]:
        images = np.full((self.length, 2, 2, 3), self.shade, np.uint8)
        return [
            Sequence(
                f"{self.prefix}{number:02d}",
                images,
                np.tile([10.0 * number, 5, WIDTH, 40], (self.length, 1)),
                np.ones(self.length, bool),
            )
            for number in range(self.count)
        ]


def out_of_step(
    prepare: Callable[[], Callable[[str], float]], tasks: list[str], workers: int
) -> Iterator[tuple[str, float]]:
    """Like `run_tasks`: tasks are taken before answers are looked at, and are answered in any order."""
    do, todo, under_way = prepare(), iter(tasks), []
    draw = np.random.default_rng(workers)
    while True:
        under_way += [task for _ in range(workers - len(under_way)) if (task := next(todo, "")) != ""]
        if not under_way:
            return
        task = under_way.pop(draw.integers(len(under_way)))
        yield task, do(task)
