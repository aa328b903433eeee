"""Recipes with another label assigner: what changes, their names, and rules that do not fit."""

from __future__ import annotations

import json
from dataclasses import fields, make_dataclass

import numpy as np
import pytest

from dlatrack.assign import (
    ASSIGNERS,
    assigner_of,
    build_assigner,
    options_in_text,
    register_assigner,
    with_rule,
)
from dlatrack.errors import InputError
from dlatrack.grid import RPN_ANCHORS, ScoreGrid
from dlatrack.losses import loss_of
from dlatrack.models.siamese import build_model
from dlatrack.recipes import recipe
from dlatrack.recipes.serialize import recipe_from_dict
from dlatrack.recipes.twins import label

BEYOND = ("atss", "paa", "ota", "simota", "tal", "autoassign")
TRACKERS = (
    "siamcar",
    "siamcar_small",
    "siamban",
    "siamfcpp",
    "nanotrack_v3",
    "siamrpnpp",
    "siamrpnpp_small",
)


@pytest.mark.parametrize("rule", BEYOND)
@pytest.mark.parametrize("name", TRACKERS)
def test_only_the_assigner_differs(name, rule):
    fixed = recipe(name)
    other = fixed.with_assigner(rule)
    different = {f.name for f in fields(fixed) if getattr(fixed, f.name) != getattr(other, f.name)}
    assert different == {"name", "assign"}
    assert other.assign.point_offset == fixed.assign.point_offset
    assert recipe_from_dict(json.loads(json.dumps(other.as_dict())), "a file").net == fixed.net
    if rule == "autoassign" and fixed.net.head == "rpn":
        with pytest.raises(InputError, match="autoassign"):
            assigner_of(other)
        return
    found = assigner_of(other)
    assert found.grid == fixed.grid
    assert len(found.anchor_shapes) == (5 if fixed.net.head == "rpn" else 1)


def test_the_weights_are_those_of_the_twin():
    fixed = recipe("siamcar_small")
    first, second = (build_model(each).state_dict() for each in (fixed, fixed.with_assigner("simota")))
    assert first.keys() == second.keys()
    assert all((first[key] == second[key]).all() for key in first)


def test_names_and_titles():
    simota = recipe("dla_siamcar_small").with_assigner("simota", radius=1.5, soft=True)
    assert simota.name == "siamcar_small+simota,radius=1.5,soft=true"
    assert simota.title == "SiamCAR small"
    assert label(simota) == "SiamCAR small, SimOTA, radius=1.5, soft=true"
    assert label(recipe("nanotrack_v3").with_assigner("tal")) == "NanoTrack V3, TAL"
    again = simota.with_assigner("tal")
    assert again.name == "siamcar_small+tal"
    assert dict(again.assign.options) == {}


def test_the_k_of_dla_can_be_set_and_its_other_options_stay():
    wider = recipe("dla_siamfcpp").with_assigner("dla_points", candidates=13)
    assert dict(wider.assign.options) == {"negative_pairs": "inside", "candidates": 13}
    assert wider.name == "siamfcpp+dla_points,negative_pairs=inside,candidates=13"
    assert recipe("dla_siamcar").with_assigner("dla_points") is recipe("dla_siamcar")


def test_an_rpn_head_gets_its_anchors():
    other = recipe("siamrpnpp").with_assigner("atss", candidates=15)
    assert other.assign.options["anchor_shapes"] == RPN_ANCHORS
    assert other.name == "siamrpnpp+atss,candidates=15"
    own = recipe("siamrpnpp").with_assigner("atss", anchor_shapes=((64, 64),) * 2)
    assert own.name == "siamrpnpp+atss,anchor_shapes=64x64+64x64"


@pytest.mark.parametrize(
    ("name", "rule", "options", "message"),
    [
        ("siamrpnpp", "rectangle", {}, "rectangle labels 1 sample per point, but the head 'rpn' has 5"),
        ("siamcar", "dla_anchors", {}, "dla_anchors labels 5 samples per point, but the head 'car' has 1"),
        ("siamfc", "simota", {}, "simota looks at predicted boxes, but the head 'fc' predicts none"),
        (
            "siamcar",
            "simota",
            {"topk": 3},
            "simota: there is no option 'topk'; its options are anchor_shapes, ",
        ),
        ("siamcar", "simota", {"top": 2.5}, "label assigner simota: top must be a whole number, got 2.5"),
        ("siamcar", "simota", {"top": True}, "top must be a whole number, got True"),
        ("siamcar", "simota", {"radius": "a"}, "radius must be a finite number, got 'a'"),
        ("siamcar", "ota", {"iou_weight": float("inf")}, "iou_weight must be a finite number, got inf"),
        ("siamcar", "simota", {"soft": "yes"}, "soft must be True or False, got 'yes'"),
        ("siamcar", "atss", {"candidates": "9"}, "candidates must be a whole number, got '9'"),
        ("siamcar", "best", {}, "there is no label assigner 'best'; choose from dla, "),
        (
            "siamcar",
            "dla_points",
            {"candidates": 900},
            r"dla_points: candidates must be in 1\.\.625 \(grid points\), got 900",
        ),
    ],
)
def test_what_does_not_fit_is_named(name, rule, options, message):
    with pytest.raises(InputError, match=message):
        assigner_of(recipe(name).with_assigner(rule, **options))


def test_numbers_of_numpy_are_numbers():
    chosen = recipe("siamcar").with_assigner("simota", top=np.int64(5), radius=np.float32(1.5))
    assert json.loads(json.dumps(chosen.as_dict()))["assign"]["options"] == {"top": 5, "radius": 1.5}
    assert chosen.name == "siamcar+simota,top=5,radius=1.5"
    assert build_assigner("simota", chosen.grid, top=np.int64(5)).top == 5


@pytest.mark.parametrize(
    ("name", "text", "values"),
    [
        ("dla_points", "", {}),
        ("dla_points", "candidates=13, on_empty=strict", {"candidates": 13, "on_empty": "strict"}),
        ("circle", "inner=16,outer=20.5", {"inner": 16.0, "outer": 20.5}),
        ("dla", "anchor_shapes=104x32+64x64", {"anchor_shapes": ((104, 32), (64, 64))}),
        ("simota", "soft=true", {"soft": True}),
    ],
)
def test_options_from_a_command_line(name, text, values):
    assert options_in_text(name, text) == values


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        (
            "dla_points",
            "candidates=many",
            "label assigner dla_points: candidates must be a whole number, got 'many'",
        ),
        ("dla_points", "candidates=9.5", "candidates must be a whole number, got '9.5'"),
        ("circle", "inner=nan", "label assigner circle: inner must be a number, got 'nan'"),
        (
            "dla_points",
            "k=3",
            "label assigner dla_points: there is no option 'k'; its options are candidates, ",
        ),
        ("inside", "k=3", "label assigner inside: there is no option 'k'; its options are none"),
        (
            "dla_points",
            "candidates",
            "takes option=value, each once, separated by commas; got 'candidates'",
        ),
        ("dla_points", "candidates=3,candidates=4", "each once"),
        ("dla_points", "std=both", "std must be one of unbiased, biased, got 'both'"),
        ("simota", "soft=yes", "soft must be true or false, got 'yes'"),
        ("dla", "anchor_shapes=64", "is a list of w x h in px"),
        ("best", "", "there is no label assigner 'best'"),
    ],
)
def test_bad_texts_are_named(name, text, message):
    with pytest.raises(InputError, match=message):
        options_in_text(name, text)


@pytest.mark.parametrize(
    ("name", "text", "expected"),
    [
        ("dla_siamcar_nano", "dla_points:point_offset=32", "siamcar_nano+dla_points,point_offset=32"),
        ("dla_siamcar_nano", "dla_points:classification=eq3", "siamcar_nano+dla_points,classification=eq3"),
        (
            "dla_siamrpnpp_nano",
            "dla_anchors:max_positives=16,max_negatives=48",
            "siamrpnpp_nano+dla_anchors,max_positives=16,max_negatives=48",
        ),
        ("siamrpnpp_nano", "iou:negatives=fill", "siamrpnpp_nano+iou,negatives=fill"),
        ("dla_siamcar", "dla_points:point_offset=32,classification=balanced", "dla_siamcar"),
        ("siamban", "simota:top=5, point_offset=32.5", "siamban+simota,top=5,point_offset=32.5"),
    ],
)
def test_decisions_as_rules(name, text, expected):
    own = recipe(name)
    chosen = with_rule(own, text)
    assert chosen.name == expected
    assert (chosen is own) == (expected == name)
    assert recipe_from_dict(json.loads(json.dumps(chosen.as_dict())), "a file").loss == chosen.loss
    rule = assigner_of(chosen)
    assert rule.grid == chosen.grid
    loss_of(chosen)


def test_offset_and_form_stay_with_the_recipe_and_in_its_name():
    shifted = recipe("siamcar_small").with_assigner("dla_points", point_offset=32.0, classification="eq3")
    assert shifted.grid.offset == 32
    assert shifted == with_rule(recipe("siamcar_small"), "dla_points:classification=eq3,point_offset=32")
    assert json.dumps(shifted.as_dict()["assign"]) == json.dumps(
        {"name": "dla_points", "point_offset": 32, "options": {}}
    )
    assert label(shifted) == "SiamCAR small, DLA, point_offset=32, classification=eq3"
    again = shifted.with_assigner("circle")
    assert again.name == "siamcar_small+circle,point_offset=32,classification=eq3"
    assert (again.assign.point_offset, again.loss) == (32, shifted.loss)
    back = again.with_assigner("circle", point_offset=31, classification="balanced")
    assert back.name == "siamcar_small+circle,point_offset=31"
    assert back.loss == recipe("siamcar_small").loss


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("siamcar", "dla_points:point_offset=x", "dla_points: point_offset must be a number, got 'x'"),
        ("siamcar", "dla_points:point_offset=256", r"point_offset must be in 0\.\.255 .*, got 256"),
        ("siamcar", "dla_points:point_offset=-1", r"point_offset must be in 0\.\.255 .*, got -1"),
        (
            "siamcar",
            "dla_points:classification=eq4",
            "classification must be one of balanced, eq3, got 'eq4'",
        ),
        ("siamcar", "inside:k=3", "there is no option 'k'; its options are point_offset, classification"),
        ("siamfcpp", "dla_points:classification=eq3", "the loss of the head 'fcpp' is none"),
        (
            "siamcar",
            "autoassign:classification=eq3",
            "the loss of the label assigner autoassign with soft labels is none",
        ),
        ("siamcar", "tal:classification=eq3", "the loss of the label assigner tal with soft labels is none"),
        ("siamcar", "simota:soft=true,classification=eq3", "label assigner simota with soft labels is none"),
    ],
)
def test_what_a_recipe_cannot_take_is_named(name, text, message):
    with pytest.raises(InputError, match=message):
        loss_of(_checked(with_rule(recipe(name), text)))


def _checked(chosen):
    assigner_of(chosen)
    return chosen


@pytest.mark.parametrize("offset", [True, float("nan"), "31"])
def test_an_offset_that_is_no_number_is_named(offset):
    with pytest.raises(InputError, match="point_offset must be a finite number, got"):
        recipe("siamcar").with_assigner("dla_points", point_offset=offset)


@pytest.mark.parametrize("name", ["point_offset", "classification"])
def test_a_rule_of_the_readers_own_leaves_these_names_to_recipes(name):
    made = make_dataclass("Mine", [("grid", ScoreGrid), (name, float, 1.0)], frozen=True)
    with pytest.raises(ValueError, match=f"label assigner mine: {name} is an option of recipes"):
        register_assigner("mine", made)


@pytest.mark.parametrize("name", [*ASSIGNERS])
def test_a_rule_without_options_in_the_text_keeps_its_defaults(name):
    assert options_in_text(name, "") == {}
