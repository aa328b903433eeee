"""Which recipe is the twin of which, and what twins are called."""

from __future__ import annotations

import pytest

from dlatrack.errors import InputError
from dlatrack.recipes import RECIPES, Twins, recipe
from dlatrack.recipes.twins import all_twins, is_dla, label, label_pairs, side_by_side, title_of


@pytest.mark.parametrize("name", ["siamrpnpp_small", "dla_siamrpnpp_small"])
def test_twins_are_found_by_either_name(name: str):
    twins = Twins.of(name)
    assert [one.name for one in twins] == ["siamrpnpp_small", "dla_siamrpnpp_small"]
    assert twins.title == "SiamRPN++ small"
    assert twins.labels == ("SiamRPN++ small, fixed rule", "DLA-SiamRPN++ small")


def test_a_recipe_without_a_twin_is_named():
    with pytest.raises(InputError, match="siamfc has no DLA twin; choose from siamrpnpp, siamcar"):
        Twins.of("siamfc")


def test_labels_tell_twins():
    for chosen in RECIPES.values():
        assert is_dla(label(chosen)) == (chosen in [twins.dla for twins in all_twins()])
        assert title_of(label(chosen)) == chosen.title


def test_both_twins_get_the_schedule():
    schedule = recipe("siamrpnpp").schedule
    assert {one.schedule for one in Twins.of("siamcar").with_schedule(schedule)} == {schedule}


def test_twins_stand_side_by_side():
    assert side_by_side(["dla_b", "dla_a", "b", "a"]) == ["a", "dla_a", "b", "dla_b"]
    labels = ["static box", "DLA-T", "T, fixed rule", "DLA-U"]
    assert label_pairs(labels) == [("T, fixed rule", "DLA-T")]
