"""The settings that are tried: spread evenly over a box first, then over smaller boxes around the best."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import astuple, dataclass, fields

import numpy as np
from scipy.stats import qmc

from dlatrack.errors import InputError
from dlatrack.recipes import OnlineConfig

#: Hyper-parameters, in the order of the axes.
FIELDS = tuple(field.name for field in fields(OnlineConfig))

#: Half the side of the box around the best, in units of the whole box, in the first round; it halves in each further.
_FIRST_REACH = 0.2

#: Rounds around the best, each around the best of all trials before it.
_ROUNDS = 3

#: Decimals of a setting: finer ones change no score that can be told from noise.
_DECIMALS = 4


@dataclass(frozen=True)
class Axis:
    """The values of one hyper-parameter.

    Args:
        low: smallest value.
        high: largest value.
        power: the value at u of 0..1 is low + (high - low) u^power. With 2, half of an even sample lies in the lowest
            quarter.
    """

    low: float
    high: float
    power: float = 1.0

    def value(self, place: float) -> float:
        """The value at a place in 0..1."""
        return self.low + (self.high - self.low) * place**self.power

    def place(self, value: float) -> float:
        """The place in 0..1 of a value; one outside the axis is taken to its end."""
        share = (value - self.low) / (self.high - self.low)
        return float(np.clip(share, 0, 1) ** (1 / self.power))


# The settings that authors of Siamese trackers published have penalties of 0.001 to 0.24, half of them below 0.07,
# windows of 0.1 to 0.5 and rates of 0.25 to 0.7. The box is wider on each side, for trackers that are not theirs.
_BOX = {"penalty_k": Axis(0.0, 0.4, power=2), "window_influence": Axis(0.0, 0.7), "rate": Axis(0.1, 0.9)}

# SiamFC's penalty is a factor on the score of other scales: 1 is none.
_BOXES = {"fc": _BOX | {"penalty_k": Axis(0.9, 1.0)}}


def search_box(head: str) -> Mapping[str, Axis]:
    """The box of a head, an axis by hyper-parameter. `penalty_k` of the head "fc" has a meaning of its own."""
    return _BOXES.get(head, _BOX)


@dataclass(frozen=True)
class Search:
    """Which settings are tried, in which order.

    Trial 0 is `start`. Then come points of a scrambled Halton sequence, mapped to the box of the head. The last third
    of the trials are further points of the same sequence, in three rounds, mapped to boxes around the best of all
    trials before the round; their sides are 2/5, 1/5 and 1/10 of the whole. Why Halton: any run of consecutive points
    covers a box evenly, so that the number of trials need be no power of two (as Sobol's), and every hyper-parameter
    takes another value in each trial (unlike on a grid).

    Args:
        head: of the tracker, as in `recipes.NetConfig`.
        start: the tracker's own setting; it may lie outside the box.
        trials: how many there are, trial 0 included.
        seed: of the scrambling; same seed, same points.

    Raises:
        InputError: for fewer than one trial or a negative seed.
    """

    head: str
    start: OnlineConfig
    trials: int
    seed: int

    def __post_init__(self) -> None:
        if self.trials < 1:
            raise InputError(f"trials must be 1 or more, got {self.trials}")
        if self.seed < 0:
            raise InputError(f"seed must be 0 or more, got {self.seed}")

    def rounds(self) -> list[range]:
        """Numbers of the trials that are planned together: those spread over the box, then those of each round."""
        refined = self.trials // 3
        spread = self.trials - refined
        parts = np.array_split(np.arange(spread, self.trials), min(_ROUNDS, refined)) if refined else []
        return [range(spread), *(range(int(part[0]), int(part[-1]) + 1) for part in parts)]

    def settings(self, number: int, best: OnlineConfig) -> dict[int, OnlineConfig]:
        """Settings of a round.

        Args:
            number: of the round, an index of `rounds`.
            best: best setting of all trials before the round; round 0 does not look at it.

        Returns:
            Setting by number of the trial.
        """
        box = search_box(self.head)
        points = qmc.Halton(len(FIELDS), seed=np.random.default_rng(self.seed)).random(self.trials)
        low, side = np.zeros(len(FIELDS)), 1.0
        if number > 0:
            side = 2 * _FIRST_REACH / 2 ** (number - 1)
            centre = np.array(
                [box[name].place(value) for name, value in zip(FIELDS, astuple(best), strict=True)]
            )
            low = np.clip(centre - side / 2, 0, 1 - side)
        chosen = {}
        for trial in self.rounds()[number]:
            places = low + side * points[trial]
            values = (
                round(box[name].value(place), _DECIMALS)
                for name, place in zip(FIELDS, places.tolist(), strict=True)
            )
            chosen[trial] = OnlineConfig(*values)
        return chosen | ({0: self.start} if number == 0 else {})
