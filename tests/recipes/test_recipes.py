"""Recipes: a DLA tracker is its fixed twin with another assigner and nothing else."""

from __future__ import annotations

import json
from dataclasses import fields, replace

import pytest

from dlatrack.assign import build_assigner
from dlatrack.errors import InputError
from dlatrack.models.siamese import build_model
from dlatrack.recipes import RECIPES, OnlineConfig, recipe

TWINS = [name for name in RECIPES if f"dla_{name}" in RECIPES]


@pytest.mark.parametrize("name", TWINS)
def test_twins_differ_in_the_assigner_alone(name):
    fixed, dynamic = recipe(name), recipe(f"dla_{name}")
    different = {f.name for f in fields(fixed) if getattr(fixed, f.name) != getattr(dynamic, f.name)}
    assert different == {"name", "assign"}
    assert fixed.grid == dynamic.grid


@pytest.mark.parametrize("name", TWINS)
def test_twins_start_from_the_same_weights(name):
    fixed, dynamic = (build_model(recipe(n)).state_dict() for n in (name, f"dla_{name}"))
    assert fixed.keys() == dynamic.keys()
    assert all((fixed[key] == dynamic[key]).all() for key in fixed)


@pytest.mark.parametrize("name", list(RECIPES))
def test_every_recipe_has_an_assigner_that_fits_its_network(name):
    entry = recipe(name)
    assigner = build_assigner(entry.assign.name, entry.grid, **entry.assign.options)
    assert assigner.grid.size == entry.net.score_size
    assert json.loads(json.dumps(entry.as_dict()))["name"] == name


def test_the_paper_schedule():
    schedule = recipe("dla_siamcar").schedule
    assert (schedule.epochs, schedule.pairs_per_epoch, schedule.batch) == (20, 600_000, 256)
    assert schedule.unfreeze_epoch == 10
    assert recipe("dla_siamcar").sampling.negative_pairs == 0


def test_an_unknown_recipe_names_those_that_exist():
    with pytest.raises(InputError, match=r"there is no recipe 'siamcat'; choose from cosiamrpn, "):
        recipe("siamcat")


def test_a_resized_schedule_keeps_what_is_not_given_and_cuts_its_warm_up():
    schedule = recipe("siamcar").schedule
    assert schedule.resized() == schedule
    longer = schedule.resized(epochs=30, pairs_per_epoch=10, batch=5)
    assert (longer.epochs, longer.pairs_per_epoch, longer.batch) == (30, 10, 5)
    assert longer.warmup_epochs == schedule.warmup_epochs
    assert schedule.resized(epochs=3).warmup_epochs == 2
    assert schedule.resized(epochs=1).warmup_epochs == 0
    with pytest.raises(InputError, match="schedule batch must be at least 1, got -4"):
        schedule.resized(batch=-4)


def test_a_benchmark_without_a_setting_of_its_own_takes_that_of_otb100():
    chosen = recipe("siamcar")
    assert chosen.tuned_for("UAV123") == "UAV123"
    assert chosen.tuned_for("folder") == "OTB100"
    assert all("OTB100" in recipe(name).online for name in RECIPES)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ((float("nan"), 0.4, 0.3), "penalty_k must be 0 or more, got nan"),
        ((-0.1, 0.4, 0.3), "penalty_k must be 0 or more, got -0.1"),
        ((0.1, 50, 0.3), "window_influence must be in 0..1, got 50"),
        ((0.1, 0.4, -5), "rate must be in 0..1, got -5"),
    ],
)
def test_online_settings_have_ranges(values: tuple[float, float, float], message: str) -> None:
    with pytest.raises(InputError, match=message):
        OnlineConfig(*values)


def test_a_backbone_that_never_trains_does_not_with_more_epochs() -> None:
    """Frozen for all of 8 epochs means frozen for all of 20; one that joins in epoch 3 still joins there."""
    frozen = replace(recipe("siamcar_nano").schedule, epochs=8, unfreeze_epoch=8)
    assert [frozen.resized(epochs=epochs).backbone_trains(epochs - 1) for epochs in (2, 8, 20)] == [False] * 3
    joining = replace(frozen, unfreeze_epoch=3)
    assert joining.resized(epochs=20).unfreeze_epoch == 3
    assert frozen.resized(pairs_per_epoch=10).unfreeze_epoch == 8


@pytest.mark.parametrize(
    ("name", "start", "cells"),
    [
        ("siamcar_nano", "shipped", 13),
        ("siamrpnpp_nano", "shipped", 13),
        ("siamfcpp_nano", "shipped", 9),
        ("cosiamrpn_nano", "imagenet", 13),
    ],
)
def test_nano_recipes_keep_the_trunk_that_they_start_with(name: str, start: str, cells: int) -> None:
    schedule = recipe(name).schedule
    assert schedule.backbone_start == start
    assert not schedule.backbone_trains(schedule.epochs - 1)
    assert (recipe(name).net.score_size, recipe(name).net.stride, recipe(name).grid.size) == (
        cells,
        16,
        cells,
    )
