"""Presets of the notebooks."""

from __future__ import annotations

from dataclasses import replace

import pytest

from dlatrack.errors import InputError
from dlatrack.recipes import Twins
from dlatrack.studies.presets import PRESETS, frames_to_label, plan


def test_both_recipes_of_a_plan_have_its_schedule():
    fixed, dynamic = plan("demo").twins
    assert (fixed.name, dynamic.name) == ("siamcar_nano", "dla_siamcar_nano")
    assert fixed.schedule == dynamic.schedule == PRESETS["demo"].schedule


def test_the_paper_preset_keeps_the_published_schedule():
    assert plan("paper").twins == Twins.of("siamcar")


def test_another_tracker_has_the_same_sequences_and_a_shorter_demo():
    anchors = plan("demo", tracker="siamrpnpp")
    assert [entry.name for entry in anchors.twins] == ["siamrpnpp_nano", "dla_siamrpnpp_nano"]
    assert (anchors.schedule, anchors.train, anchors.test) == (
        replace(plan("demo").schedule, epochs=3, pairs_per_epoch=768),
        plan("demo").train,
        plan("demo").test,
    )
    assert plan("paper", tracker="siamfcpp").twins == Twins.of("siamfcpp")


@pytest.mark.parametrize(
    ("tracker", "epochs", "start"), [("siamfcpp", 5, "shipped"), ("cosiamrpn", 3, "imagenet")]
)
def test_a_demo_starts_from_the_trunk_of_its_recipe(tracker, epochs, start):
    chosen = plan("demo", tracker=tracker)
    assert chosen.tracker == f"{tracker}_nano"
    assert (chosen.schedule.epochs, chosen.schedule.backbone_start) == (epochs, start)


@pytest.mark.parametrize(
    ("preset", "tracker", "known"),
    [
        ("demo", "siamban", "siamcar, siamrpnpp, siamfcpp, cosiamrpn"),
        ("paper", "siamfc", "siamrpnpp, siamcar, cosiamrpn, siamfcpp, nanotrack_v3"),
    ],
)
def test_a_tracker_without_dla_is_named(preset, tracker, known):
    with pytest.raises(
        InputError, match=f"^tracker must be one of {known} in the preset {preset}, got '{tracker}'$"
    ):
        plan(preset, tracker=tracker)


def test_a_schedule_can_be_shortened():
    short = plan("demo", epochs=1, pairs_per_epoch=32).schedule
    assert (short.epochs, short.pairs_per_epoch, short.warmup_epochs) == (1, 32, 0)


def test_frames_are_spread_over_the_sequence():
    assert frames_to_label("smoke", 60) == [0, 10, 20, 30, 40, 50]
    assert frames_to_label("demo", 120) == list(range(0, 120, 2))
    assert frames_to_label("paper", 3) == [0, 1, 2]


@pytest.mark.parametrize("call", [plan, lambda name: frames_to_label(name, 5)])
def test_an_unknown_preset_names_those_that_exist(call):
    with pytest.raises(InputError, match="preset must be one of smoke, demo, paper, got 'big'"):
        call("big")


def test_a_negative_number_is_named():
    with pytest.raises(InputError, match=r"epochs must be 0 .* or more, got -1"):
        plan("demo", epochs=-1)
