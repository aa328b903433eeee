"""A family of trackers is known in several tables; whatever line a head still lacks is named."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import pytest
import torch

from dlatrack import paths
from dlatrack.losses import LOSSES
from dlatrack.models.backbones import BACKBONES
from dlatrack.models.heads import HEADS
from dlatrack.models.official import _RENAMES
from dlatrack.models.onnx.description import _DECODE
from dlatrack.paper import architecture
from dlatrack.recipes import RECIPES, Recipe, recipe
from dlatrack.recipes.config import _TITLES, DLA_NAME, SMALL_SIZES
from dlatrack.tracking.online import FAMILIES

COMMANDS_PAGE = (paths.root() / "docs" / "commands.md").read_text()


def lines_lacking(head: str) -> list[str]:
    """The lines that a head of `HEADS` lacks in other tables, each with the place and the purpose of the table."""
    by_name: dict[str, Mapping] = {
        "LOSSES of dlatrack/losses/__init__.py, the loss it trains with": LOSSES,
        "FAMILIES of dlatrack/tracking/online.py, its crops and its step": FAMILIES,
        "_DECODE of dlatrack/models/onnx/description.py, how its maps are read": _DECODE,
    }
    lacking = [f"head {head!r} is not in {table}" for table, lines in by_name.items() if head not in lines]
    recipes = [entry for entry in RECIPES.values() if entry.net.head == head]
    if not recipes:
        return [*lacking, f"head {head!r} is in no recipe of dlatrack/recipes/trackers.py"]
    with torch.device("meta"):
        kind = type(HEADS[head](recipes[0].net))
    if kind not in _RENAMES:
        lacking.append(f"{kind.__name__} is not in _RENAMES of dlatrack/models/official.py, its public names")
    if not {entry.name for entry in recipes} & set(architecture.NETWORKS):
        lacking.append(
            f"no recipe with head {head!r} is in NETWORKS of dlatrack/paper/architecture.py, the table of sizes"
        )
    return lacking + [line for entry in recipes for line in _lines_lacking_of_recipe(entry)]


def _lines_lacking_of_recipe(entry: Recipe) -> list[str]:
    base = entry.name.removeprefix(DLA_NAME)
    lacking = []
    if base.removesuffix(next(filter(base.endswith, SMALL_SIZES), "")) not in _TITLES:
        lacking.append(f"recipe {entry.name} has no title in _TITLES of dlatrack/recipes/config.py")
    if entry.net.backbone not in BACKBONES:
        lacking.append(f"{entry.net.backbone} is not in BACKBONES of dlatrack/models/backbones/__init__.py")
    if "`" + base + "`" not in COMMANDS_PAGE:
        lacking.append(f"recipe {base} is not among the recipes that docs/commands.md lists")
    return lacking


@pytest.mark.parametrize("head", HEADS)
def test_a_family_is_in_every_table(head: str) -> None:
    assert lines_lacking(head) == []


def test_a_new_head_is_told_all_that_it_lacks(monkeypatch: pytest.MonkeyPatch) -> None:
    class PlantedHead(torch.nn.Module):
        """A head that only `HEADS` knows."""

    monkeypatch.setitem(HEADS, "planted", lambda net: PlantedHead())
    assert lines_lacking("planted") == [
        "head 'planted' is not in LOSSES of dlatrack/losses/__init__.py, the loss it trains with",
        "head 'planted' is not in FAMILIES of dlatrack/tracking/online.py, its crops and its step",
        "head 'planted' is not in _DECODE of dlatrack/models/onnx/description.py, how its maps are read",
        "head 'planted' is in no recipe of dlatrack/recipes/trackers.py",
    ]
    fixed = recipe("nanotrack_v3")
    grown = replace(fixed, name="planted_v1", net=replace(fixed.net, head="planted", backbone="oak"))
    monkeypatch.setitem(RECIPES, "planted_v1", grown)
    assert lines_lacking("planted")[3:] == [
        "PlantedHead is not in _RENAMES of dlatrack/models/official.py, its public names",
        "no recipe with head 'planted' is in NETWORKS of dlatrack/paper/architecture.py, the table of sizes",
        "recipe planted_v1 has no title in _TITLES of dlatrack/recipes/config.py",
        "oak is not in BACKBONES of dlatrack/models/backbones/__init__.py",
        "recipe planted_v1 is not among the recipes that docs/commands.md lists",
    ]


@pytest.mark.parametrize(
    "table", [LOSSES, FAMILIES, _DECODE, _RENAMES], ids=["loss", "step", "onnx", "names"]
)
def test_a_line_that_goes_is_missed(monkeypatch: pytest.MonkeyPatch, table: dict) -> None:
    with torch.device("meta"):
        kind = type(HEADS["nano"](recipe("nanotrack_v3").net))
    monkeypatch.delitem(table, "nano" if "nano" in table else kind)
    assert len(lines_lacking("nano")) == 1
