"""What the laboratory says about rules is what the rules are."""

from __future__ import annotations

import json

import pytest

from dlatrack.assign import ASSIGNERS, build_assigner, looks_at_predictions, options_of
from dlatrack.errors import InputError
from dlatrack.grid import ScoreGrid
from dlatrack.viz.laboratory.menus import described_rules
from dlatrack.viz.laboratory.rules import GEOMETRIC_RULES, option_descriptions, rule_descriptions

DESCRIBED = {each["id"]: each for each in rule_descriptions()}
BOUNDED = [
    pytest.param(
        rule["rule"],
        option,
        option[bound] + sign * option["step"],
        id=f"{rule['id']} {option['name']} {bound}",
    )
    for rule in DESCRIBED.values()
    for option in rule["options"]
    for bound, sign in (("min", -1), ("max", 1))
    if option[bound] is not None
]


def test_descriptions_are_plain_data():
    assert json.loads(json.dumps(list(DESCRIBED.values()))) == list(DESCRIBED.values())
    assert len(DESCRIBED) == len(GEOMETRIC_RULES)


def test_every_rule_without_predictions_is_described():
    named = {rule.rule for rule in GEOMETRIC_RULES}
    assert named | {"dla"} == {name for name in ASSIGNERS if not looks_at_predictions(name)}


@pytest.mark.parametrize("rule", DESCRIBED.values(), ids=DESCRIBED)
def test_every_option_is_described_once(rule):
    options = options_of(rule["rule"])
    assert [each["name"] for each in rule["options"]] == [option.name for option in options]
    for described, option in zip(rule["options"], options, strict=True):
        assert described["text"] == option.text != ""
        assert described["choices"] == list(option.choices)
        if described["kind"] == "shapes":
            assert described["default"] == rule["shapes"]
        else:
            assert described["default"] == option.default
        if described["kind"] in ("int", "float"):
            assert described["usual"][0] <= option.default <= described["usual"][1]


@pytest.mark.parametrize(("rule", "option", "value"), BOUNDED)
def test_a_value_beyond_its_bound_is_refused(rule, option, value):
    shapes = DESCRIBED["atss_anchors"]["shapes"] if option["max"] == 3125 else None
    given = {"anchor_shapes": tuple(map(tuple, shapes))} if shapes else {}
    with pytest.raises(InputError, match=option["name"]):
        build_assigner(rule, ScoreGrid(), **{**given, option["name"]: value})


def test_k_is_bounded_by_the_grid():
    bounds = {
        each["id"]: option["max"]
        for each in rule_descriptions(ScoreGrid(size=15))
        for option in each["options"]
        if option["name"] == "candidates"
    }
    assert bounds == {"dla_points": 225, "dla_anchors": 225, "atss_points": 225, "atss_anchors": 1125}


def test_options_of_any_rule_can_be_described():
    for name in ASSIGNERS:
        for option in option_descriptions(name, ((64, 64),), ScoreGrid()):
            assert option["kind"] in ("int", "float", "choice", "bool", "shapes"), option


def test_titles_are_no_names_of_python():
    for rule in described_rules(kernel=True):
        for option in rule["options"]:
            assert "_" not in option["title"], option
            assert option["name"] in ("rounds", "variant") or option["title"] != option["name"], option
            assert option["kind"] not in ("int", "float") or option["step"], option
