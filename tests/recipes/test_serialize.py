"""Recipes survive JSON, and bad ones are named."""

from __future__ import annotations

import json
from typing import Any

import pytest

from dlatrack.errors import InputError
from dlatrack.recipes import RECIPES, LossConfig
from dlatrack.recipes.serialize import recipe_from_dict


@pytest.mark.parametrize("name", sorted(RECIPES))
def test_round_trip(name: str) -> None:
    through_json = json.loads(json.dumps(RECIPES[name].as_dict()))
    assert recipe_from_dict(through_json, "x.json") == RECIPES[name]


@pytest.mark.parametrize(
    ("path", "value", "message"),
    [
        ("net.levels", 3, r"recipe\.net\.levels must be a list, got 3"),
        ("net.levels", [2, "3"], r"recipe\.net\.levels\[1\] must be <class 'int'>, got '3'"),
        ("net.channels", True, r"recipe\.net\.channels must be <class 'int'>, got True"),
        ("net.input_format", "gray", r"recipe\.net\.input_format must be one of \('bgr_255', "),
        ("net.wings", 2, r"recipe\.net must have exactly the fields .*; wrong: wings"),
        ("online", [], r"recipe\.online must be an object, got \[\]"),
        ("schedule.epochs", 0, "schedule epochs must be at least 1, got 0"),
        ("loss", None, r"recipe\.loss must be an object, got None"),
    ],
)
def test_bad_fields_are_named(path: str, value: Any, message: str) -> None:
    data = json.loads(json.dumps(RECIPES["siamcar"].as_dict()))
    *parents, last = path.split(".")
    owner = data
    for parent in parents:
        owner = owner[parent]
    owner[last] = value
    with pytest.raises(InputError, match=f"^x.json has no valid recipe: {message}"):
        recipe_from_dict(data, "x.json")


def test_a_file_from_before_a_field_has_the_value_of_that_time() -> None:
    data = json.loads(json.dumps(RECIPES["nanotrack_v3"].as_dict()))
    del data["schedule"]["frozen_batch_norm"]
    assert recipe_from_dict(data, "x.json") == RECIPES["nanotrack_v3"]
    data["schedule"]["frozen_batch_norms"] = True
    with pytest.raises(
        InputError, match=r"recipe\.schedule must have exactly the fields .*; wrong: frozen_batch_norms$"
    ):
        recipe_from_dict(data, "x.json")
    data["schedule"] = {**RECIPES["nanotrack_v3"].as_dict()["schedule"], "frozen_batch_norm": 1}
    with pytest.raises(
        InputError, match=r"recipe\.schedule\.frozen_batch_norm must be <class 'bool'>, got 1"
    ):
        recipe_from_dict(data, "x.json")
    del data["schedule"]["epochs"]
    with pytest.raises(InputError, match=r"wrong: epochs$"):
        recipe_from_dict(data, "x.json")


def test_the_form_of_the_loss_is_written_only_where_it_is_not_the_usual_one() -> None:
    """Hashes and files of recipes from before it was a setting stay what they are."""
    plain = RECIPES["dla_siamcar"]
    assert set(plain.as_dict()["loss"]) == {"classification", "regression", "centerness"}
    literal = plain.with_assigner("dla_points", classification="eq3")
    data = json.loads(json.dumps(literal.as_dict()))
    assert data["loss"]["classification_form"] == "eq3"
    assert recipe_from_dict(data, "x.json") == literal
    data["loss"]["classification_form"] = "eq4"
    with pytest.raises(
        InputError, match=r"recipe\.loss\.classification_form must be one of \('balanced', 'eq3'\)"
    ):
        recipe_from_dict(data, "x.json")
    with pytest.raises(InputError, match="classification_form must be one of balanced, eq3, got 'eq4'"):
        LossConfig(classification_form="eq4")  # type: ignore[arg-type]
