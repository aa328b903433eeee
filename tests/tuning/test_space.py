"""The settings that are tried."""

from __future__ import annotations

from dataclasses import astuple

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dlatrack.errors import InputError
from dlatrack.recipes import OnlineConfig
from dlatrack.recipes.trackers import RECIPES
from dlatrack.tuning.space import FIELDS, Axis, Search, search_box

START = OnlineConfig(penalty_k=0.2, window_influence=0.45, rate=0.35)
BEST = OnlineConfig(penalty_k=0.1, window_influence=0.35, rate=0.9)


def test_places_and_values_by_hand() -> None:
    """Half-way along a squared axis of 0 to 0.4 lies a quarter of 0.4."""
    penalty = Axis(0.0, 0.4, power=2)
    assert penalty.value(0.5) == pytest.approx(0.1)
    assert penalty.place(0.1) == pytest.approx(0.5)
    assert (penalty.place(-1), penalty.place(0.5)) == (0, 1)
    assert Axis(0.9, 1.0).value(0.25) == pytest.approx(0.925)


def test_the_last_third_goes_in_three_rounds() -> None:
    def sizes(trials: int) -> list[int]:
        return [len(numbers) for numbers in Search("car", START, trials, 0).rounds()]

    assert sizes(40) == [27, 5, 4, 4]
    assert sizes(6) == [4, 1, 1]
    assert sizes(3) == [2, 1]
    assert sizes(2) == [2]
    assert sizes(1) == [1]


@given(st.integers(1, 200))
def test_every_trial_is_planned_once(trials: int) -> None:
    rounds = Search("car", START, trials, 0).rounds()
    assert [number for numbers in rounds for number in numbers] == list(range(trials))


def test_trial_0_is_the_trackers_own_setting() -> None:
    outside = OnlineConfig(penalty_k=0.9, window_influence=0.45, rate=0.35)
    assert Search("car", outside, 10, 0).settings(0, outside)[0] == outside


def test_a_seed_decides_the_settings() -> None:
    one, same, other = (Search("car", START, 12, seed).settings(0, START) for seed in (3, 3, 4))
    assert one == same
    assert one != other
    assert len({astuple(setting) for setting in one.values()}) == len(one)


@pytest.mark.parametrize("head", ["car", "fc"])
def test_the_box_is_filled_evenly(head: str) -> None:
    """Of 26 points on each axis, 4 to 9 fall into each quarter; independent draws would leave that now and then."""
    box = search_box(head)
    for seed in range(20):
        settings = Search(head, START, 40, seed).settings(0, START)
        del settings[0]
        for name in FIELDS:
            places = [box[name].place(getattr(setting, name)) for setting in settings.values()]
            quarters = np.histogram(places, 4, (0, 1))[0]
            assert quarters.min() >= 4
            assert quarters.max() <= 9


def test_rounds_close_in_on_the_best() -> None:
    """The box around rate 0.9, the end of its axis, is moved inside; the others are centred."""
    search, box = Search("car", START, 300, 1), search_box("car")
    for number, side in ((1, 0.4), (2, 0.2), (3, 0.1)):
        places = np.array(
            [
                [box[name].place(value) for name, value in zip(FIELDS, astuple(setting), strict=True)]
                for setting in search.settings(number, BEST).values()
            ]
        )
        low, high = places.min(0), places.max(0)
        tolerance = 0.15 * side
        np.testing.assert_allclose(low, [0.5 - side / 2, 0.5 - side / 2, 1 - side], atol=tolerance)
        np.testing.assert_allclose(high, [0.5 + side / 2, 0.5 + side / 2, 1], atol=tolerance)
        assert (low >= np.array([0.5 - side / 2, 0.5 - side / 2, 1 - side]) - 1e-3).all()


@given(
    st.sampled_from(sorted({recipe.net.head for recipe in RECIPES.values()})),
    st.integers(1, 30),
    st.integers(0, 1000),
    st.floats(-1, 2),
)
def test_settings_stay_in_the_box(head: str, trials: int, seed: int, value: float) -> None:
    search, best = Search(head, START, trials, seed), OnlineConfig(value, value, value)
    for number in range(len(search.rounds())):
        for trial, setting in search.settings(number, best).items():
            for name, axis in search_box(head).items():
                assert trial == 0 or axis.low <= getattr(setting, name) <= axis.high


def test_published_settings_lie_in_the_box_of_their_head() -> None:
    for recipe in RECIPES.values():
        for setting in recipe.online.values():
            for name, axis in search_box(recipe.net.head).items():
                assert axis.low <= getattr(setting, name) <= axis.high


@pytest.mark.parametrize(
    ("trials", "seed", "message"),
    [(0, 0, "trials must be 1 or more, got 0"), (5, -1, "seed must be 0 or more, got -1")],
)
def test_numbers_that_make_no_sense_are_refused(trials: int, seed: int, message: str) -> None:
    with pytest.raises(InputError, match=message):
        Search("car", START, trials, seed)
