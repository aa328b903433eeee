"""The settings that are tried, chosen by Optuna, and the test that stops a trial early."""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, fields
from itertools import pairwise
from typing import Any

import numpy as np
import optuna
from optuna.distributions import BaseDistribution, FloatDistribution
from optuna.trial import TrialState, create_trial

from dlatrack.errors import InputError
from dlatrack.recipes import OnlineConfig
from dlatrack.tuning.record import Trial

#: Hyper-parameters, in the order of the axes.
FIELDS = tuple(field.name for field in fields(OnlineConfig))

#: Trials that are planned together: in the first round, where trial 0 and settings drawn evenly from the box are
#: tried, and in each further one. A round is planned when all trials before it are done, so that processes can take
#: sequences of several trials, and their number changes no setting.
FIRST_ROUND, FURTHER_ROUND = 10, 4

#: A trial stops when the Wilcoxon signed-rank test says with this p-value that it is worse than the best. The test is
#: made after this sequence and after each further one. With fewer, equal differences make SciPy's test take seconds.
P_VALUE, FIRST_LOOK = 0.01, 14

#: The search runs on these powers of the values.
_POWERS = {"penalty_k": 0.5, "window_influence": 1.0, "rate": 1.0}

#: Decimals of a setting: finer ones change no score that can be told from noise.
_DECIMALS = 4

# The settings that authors of Siamese trackers published have penalties of 0.001 to 0.24, half of them below 0.07,
# windows of 0.1 to 0.5 and rates of 0.25 to 0.7. The box is wider on each side, for trackers that are not theirs.
_BOX = {"penalty_k": (0.0, 0.4), "window_influence": (0.0, 0.7), "rate": (0.1, 0.9)}

# SiamFC's penalty is a factor on the score of other scales: 1 is none.
_BOXES = {"fc": _BOX | {"penalty_k": (0.9, 1.0)}}


def search_box(head: str) -> Mapping[str, tuple[float, float]]:
    """Lowest and highest value of each hyper-parameter for a head; `penalty_k` of "fc" has a meaning of its own."""
    return _BOXES.get(head, _BOX)


@dataclass(frozen=True)
class Search:
    """The settings to try, in rounds; those of a round depend on the arguments and the trials before it alone.

    Optuna's `GPSampler` chooses them: a Gaussian process is fitted to the scores, and the settings with the largest
    expected improvement are tried. `penalty_k` is searched on the scale of its square root, where published values
    are spread evenly. Nothing of Optuna is kept between rounds, so that a resumed search is the same to the bit.

    Raises:
        InputError: for fewer than one trial or a negative seed.
    """

    head: str  #: name of the tracker's head, as in `recipes.NetConfig`
    start: OnlineConfig  #: the tracker's own setting, trial 0; it may lie outside the box
    trials: int  #: number of settings, trial 0 included
    seed: int  #: seed of the search

    def __post_init__(self) -> None:
        if self.trials < 1:
            raise InputError(f"trials must be 1 or more, got {self.trials}")
        if self.seed < 0:
            raise InputError(f"seed must be 0 or more, got {self.seed}")

    def rounds(self) -> list[range]:
        """Numbers of the trials that are planned together."""
        ends = [0, *range(FIRST_ROUND, self.trials, FURTHER_ROUND), self.trials]
        return [range(first, end) for first, end in pairwise(ends)]

    def as_dict(self) -> dict[str, Any]:
        """What decides the settings and the early stop, but for `start`, as JSON values."""
        return {
            "trials": self.trials,
            "seed": self.seed,
            "box": {name: list(ends) for name, ends in search_box(self.head).items()},
            "sampler": "optuna.samplers.GPSampler",
            "rounds": [len(numbers) for numbers in self.rounds()],
            "stopped": {"pruner": "optuna.pruners.WilcoxonPruner", "p": P_VALUE, "first_look": FIRST_LOOK},
        }

    def settings(self, numbers: range, before: Sequence[Trial]) -> dict[int, OnlineConfig]:
        """Settings of a round.

        Args:
            numbers: one of `rounds`.
            before: all trials before the round, in order.

        Returns:
            Setting by number of the trial.
        """
        seed = int(np.random.SeedSequence((self.seed, numbers[0])).generate_state(1)[0])
        with _quiet():
            sampler = optuna.samplers.GPSampler(
                seed=seed, n_startup_trials=FIRST_ROUND, warn_independent_sampling=False
            )
            study = self._study(before, sampler)
            chosen = {number: _setting(study.ask(self._space()).params) for number in numbers}
        return chosen | ({0: self.start} if numbers[0] == 0 else {})

    def _study(self, done: Sequence[Trial], sampler: optuna.samplers.BaseSampler) -> optuna.Study:
        """A study of trials that are done. A setting outside the box is taken to its edge."""
        study, space = optuna.create_study(direction="maximize", sampler=sampler), self._space()
        for trial in done:
            places = {
                name: float(np.clip(getattr(trial.setting, name), *ends)) ** _POWERS[name]
                for name, ends in search_box(self.head).items()
            }
            study.add_trial(create_trial(value=trial.auc, params=places, distributions=space))
        return study

    def _space(self) -> dict[str, BaseDistribution]:
        box = search_box(self.head)
        return {name: FloatDistribution(*(end ** _POWERS[name] for end in box[name])) for name in FIELDS}


def is_hopeless(part: np.ndarray, best: np.ndarray) -> bool:
    """Whether a trial is worse than the best beyond doubt: Optuna's `WilcoxonPruner`, a test paired by sequence.

    A trial whose mean is not behind is never hopeless, whatever the ranks say.

    Args:
        part: (P,) AUC of the sequences that the trial has run.
        best: (P,) AUC of the best trial, the same sequences.
    """
    with _quiet():
        pruner = optuna.pruners.WilcoxonPruner(p_threshold=P_VALUE, n_startup_steps=FIRST_LOOK)
        study = optuna.create_study(direction="maximize")
        best_values, values = (dict(enumerate(aucs.tolist())) for aucs in (best, part))
        study.add_trial(create_trial(value=float(best.mean()), intermediate_values=best_values))
        return pruner.prune(study, create_trial(state=TrialState.RUNNING, intermediate_values=values))


def _setting(places: Mapping[str, float]) -> OnlineConfig:
    return OnlineConfig(**{name: round(places[name] ** (1 / _POWERS[name]), _DECIMALS) for name in FIELDS})


@contextmanager
def _quiet() -> Iterator[None]:
    """Keep Optuna from logging, and from warning that `WilcoxonPruner` may change."""
    before = optuna.logging.get_verbosity()
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
            yield
    finally:
        optuna.logging.set_verbosity(before)
