"""The settings that are tried, and when a trial is hopeless."""

from __future__ import annotations

import logging
import warnings
from dataclasses import astuple

import numpy as np
import optuna
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from dlatrack.errors import InputError
from dlatrack.recipes import OnlineConfig
from dlatrack.recipes.trackers import RECIPES
from dlatrack.tuning.record import Trial
from dlatrack.tuning.search import FIELDS, Search, is_hopeless, search_box

START = OnlineConfig(penalty_k=0.2, window_influence=0.45, rate=0.35)


def parabola(setting: OnlineConfig) -> float:
    """0.8 at a penalty of 0.1, a window of 0.35 and a rate of 0.5."""
    away = np.clip(astuple(setting), 0, None) ** (0.5, 1, 1) - (0.1**0.5, 0.35, 0.5)
    return float(0.8 - (away**2).sum())


def finished(settings: dict[int, OnlineConfig]) -> list[Trial]:
    """Trials with the scores of the parabola."""
    return [
        Trial(number, setting, np.full(2, parabola(setting)), parabola(setting), False, 0.1)
        for number, setting in settings.items()
    ]


def inside(setting: OnlineConfig, head: str) -> bool:
    return all(low <= getattr(setting, name) <= high for name, (low, high) in search_box(head).items())


def test_rounds_by_hand() -> None:
    """Ten trials at first, then four at a time."""

    def sizes(trials: int) -> list[int]:
        return [len(numbers) for numbers in Search("car", START, trials, 0).rounds()]

    assert sizes(40) == [10, 4, 4, 4, 4, 4, 4, 4, 2]
    assert sizes(14) == [10, 4]
    assert sizes(11) == [10, 1]
    assert sizes(10) == [10]
    assert sizes(1) == [1]


@given(st.integers(1, 200))
def test_every_trial_is_planned_once(trials: int) -> None:
    rounds = Search("car", START, trials, 0).rounds()
    assert [number for numbers in rounds for number in numbers] == list(range(trials))


@pytest.mark.parametrize("head", ["car", "fc"])
@pytest.mark.parametrize("start", [START, OnlineConfig(2.0, 1.0, 0.0)])
def test_trial_0_is_the_trackers_own_setting_and_the_others_lie_in_the_box(
    head: str, start: OnlineConfig
) -> None:
    """Also where the own setting lies outside."""
    search = Search(head, start, 14, 0)
    first = search.settings(range(10), [])
    assert first[0] == start
    then = search.settings(range(10, 14), finished(first))
    assert list(first | then) == list(range(14))
    assert all(inside(setting, head) for number, setting in (first | then).items() if number)
    assert len({astuple(setting) for setting in first.values()}) == 10


def test_a_seed_decides_the_settings() -> None:
    one, same, other = (Search("car", START, 10, seed).settings(range(10), []) for seed in (3, 3, 2**70))
    assert one == same
    assert one != other
    before = finished(one)
    again = [Search("car", START, 14, 3).settings(range(10, 14), before) for _ in range(2)]
    assert again[0] == again[1]
    assert again[0] != Search("car", START, 14, 4).settings(range(10, 14), before)
    assert not {*map(astuple, again[0].values())} & {*map(astuple, one.values())}


def test_the_search_closes_in_on_the_best() -> None:
    """After 22 trials a step from the optimum of a parabola is below 1/20 of the box on every axis."""
    search, trials = Search("car", START, 22, 1), list[Trial]()
    for numbers in search.rounds():
        trials += finished(search.settings(numbers, trials))
    best = max(trials, key=lambda trial: trial.auc)
    assert best.auc > 0.8 - 0.03**2
    assert best.number >= 10


def test_nothing_but_settings_comes_of_it(
    capsys: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    """No line of log, no warning, and no change of the random numbers and the verbosity that others use."""
    optuna.logging.enable_propagation()
    before = np.random.get_state()[1].tolist(), torch.get_rng_state().tolist()  # noqa: NPY002
    with caplog.at_level(logging.DEBUG), warnings.catch_warnings():
        warnings.simplefilter("error")
        search = Search("car", START, 14, 0)
        search.settings(range(10, 14), finished(search.settings(range(10), [])))
        is_hopeless(np.linspace(0.1, 0.2, 20), np.linspace(0.5, 0.8, 20))
    optuna.logging.disable_propagation()
    assert before == (np.random.get_state()[1].tolist(), torch.get_rng_state().tolist())  # noqa: NPY002
    assert not caplog.records
    assert "".join(capsys.readouterr()) == ""
    assert optuna.logging.get_verbosity() == optuna.logging.INFO


def test_published_settings_lie_in_the_box_of_their_head() -> None:
    for recipe in RECIPES.values():
        assert all(inside(setting, recipe.net.head) for setting in recipe.online.values())
    assert {*search_box("fc")} == {*search_box("car")} == {*FIELDS}


@pytest.mark.parametrize(
    ("trials", "seed", "message"),
    [(0, 0, "trials must be 1 or more, got 0"), (5, -1, "seed must be 0 or more, got -1")],
)
def test_numbers_that_make_no_sense_are_refused(trials: int, seed: int, message: str) -> None:
    with pytest.raises(InputError, match=message):
        Search("car", START, trials, seed)


def test_hopeless_by_hand() -> None:
    """With 14 sequences a trial is as bad or worse by chance with p = N(w) / 2^14; w is the sum of the ranks it won.

    N(w) counts the sets of the ranks 1 to 14 with a sum of at most w: 1 for 0, 136 for 15 and 166 for 16, which makes
    p 0.0001, 0.0083 and 0.0101.
    """
    best, behind = np.full(14, 0.6), np.arange(1, 15) / 1000
    assert is_hopeless(best - behind, best)
    assert not is_hopeless((best - behind)[:13], best[:13])  # too few to tell

    def ahead(*ranks: int) -> np.ndarray:
        """Ahead on the sequences whose differences have these ranks."""
        return best - np.where(np.isin(np.arange(1, 15), ranks), -1, 1) * behind

    sums = [sum(rank for rank in range(1, 15) if number >> (rank - 1) & 1) for number in range(2**14)]
    assert [sum(total <= limit for total in sums) for limit in (0, 15, 16)] == [1, 136, 166]
    assert is_hopeless(ahead(5, 10), best)
    assert not is_hopeless(ahead(6, 10), best)
    assert not is_hopeless(best, best)
    lost = np.where(np.arange(14) == 0, 0.5, 0.0)  # one lost sequence
    assert not is_hopeless(best - lost, best)


@given(st.lists(st.floats(0, 1), min_size=14, max_size=30))
def test_a_trial_that_is_not_behind_is_never_hopeless(aucs: list[float]) -> None:
    part = np.array(aucs)
    assert not is_hopeless(part, part - np.linspace(0, 0.5, len(part)))
    few_won = part - np.where(
        np.arange(len(part)) == 0, 20, -0.5
    )  # worse on all sequences but one, better on average
    assert not is_hopeless(part, few_won)
