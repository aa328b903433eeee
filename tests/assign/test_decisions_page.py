"""Every option that docs/decisions.md names exists, and every row says whether it has one."""

from __future__ import annotations

import re
from dataclasses import fields

import pytest

from dlatrack import paths
from dlatrack.assign import ASSIGNERS, assigner_of, options_in_text, options_of, with_rule
from dlatrack.assign.registry import RECIPE_OPTIONS
from dlatrack.recipes import RECIPES, NetConfig, Recipe, Schedule, recipe

TEXT = (paths.root() / "docs" / "decisions.md").read_text(encoding="utf-8")
SECTIONS = {
    title: [
        [cell.strip() for cell in line.strip("|").split("|")]
        for line in part.splitlines()
        if line.startswith("| ") and line.count("|") == 4 and not line.startswith("| question")
    ]
    for title, part in re.findall(r"^## (.*)\n((?:(?!## ).*\n)*)", TEXT, re.MULTILINE)
}
ROWS = [*SECTIONS["Label assignment"], *SECTIONS["Loss, training, tracking"]]
NAMES = {option.name for name in ASSIGNERS for option in options_of(name)} | {
    option.name for option in RECIPE_OPTIONS
}
FIELDS = {field.name for kind in (NetConfig, Schedule, Recipe) for field in fields(kind)}


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row[0][:40])
def test_every_row_has_an_option_or_none(row):
    option = row[2]
    assert option
    if option == "none":
        return
    name, shown = "", re.findall(r"`([^`]*)`", option)
    assert shown
    for each in shown:
        if each.startswith(("--", "losses.")) or each in RECIPES or each == "Schedule":
            continue
        if not each.startswith('"'):  # otherwise another value of the option before
            name = each.partition("=")[0]
        if "=" not in each and not each.startswith('"'):
            assert name in NAMES | FIELDS, each
            continue
        text = f"{name}={each.split('=')[-1]}".replace('"', "")
        taken = [rule for rule in ASSIGNERS if name in {option.name for option in options_of(rule)}]
        for rule in taken:
            assert name in options_in_text(rule, text)
        assert taken or name in {option.name for option in RECIPE_OPTIONS}, each


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("dla_siamcar", "dla_points:point_offset=31"),
        ("dla_siamcar", "dla_points:classification=eq3"),
        ("dla_siamrpnpp", "dla_anchors:max_positives=16,max_negatives=48"),
        ("siamrpnpp", "iou:negatives=fill"),
        ("siamcar", "rectangle:center_ratio=0.6"),
        ("siamfc", "circle:inner=12,outer=20"),
        ("dla_siamfcpp", "dla_points:negative_pairs=window"),
        ("dla_siamcar", "dla_points:positive_scope=all,std=biased,tolerance=0,positive_centre=anywhere"),
    ],
)
def test_they_make_another_recipe(name, text):
    chosen = with_rule(recipe(name), text)
    assert chosen != recipe(name)
    assert assigner_of(chosen) != assigner_of(recipe(name)) or chosen.loss != recipe(name).loss


def test_some_rows_have_none():
    """The page says that it is not all of them."""
    assert 'where that column says "none" the choice is fixed' in " ".join(TEXT.split())
    assert len(ROWS) > 35
    assert 15 < sum(row[2] == "none" for row in ROWS) < len(ROWS) - 15
