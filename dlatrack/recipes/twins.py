"""Twins, a tracker with its fixed rule and the same tracker with dynamic label assignment, and their names."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

from dlatrack.errors import InputError
from dlatrack.grid import CODE_RECTANGLE
from dlatrack.recipes.config import DLA_NAME, RULE_MARK, Recipe, Schedule
from dlatrack.recipes.trackers import RECIPES, recipe

_DLA, _FIXED = "DLA-", ", fixed rule"

#: Names of label assigners as papers write them.
_RULES = {
    "dla": "DLA",
    "dla_anchors": "DLA",
    "dla_points": "DLA",
    "circle": "circle",
    "iou": "IoU thresholds",
    "ellipse": "ellipses",
    "inside": "whole box",
    "atss": "ATSS",
    "paa": "PAA",
    "ota": "OTA",
    "simota": "SimOTA",
    "tal": "TAL",
    "autoassign": "AutoAssign",
}


@dataclass(frozen=True)
class Twins:
    """A tracker with its fixed rule and with dynamic label assignment; iterating gives the two in this order."""

    fixed: Recipe  #: recipe with the fixed rule
    dla: Recipe  #: the same recipe with dynamic label assignment

    @classmethod
    def of(cls, name: str) -> Twins:
        """Look up the twins by the recipe name of either, e.g. "siamcar" or "dla_siamcar".

        Raises:
            InputError: naming the recipes that have a DLA twin.
        """
        fixed = name.removeprefix(DLA_NAME)
        if DLA_NAME + fixed not in RECIPES:
            known = ", ".join(twins.fixed.name for twins in all_twins())
            raise InputError(f"{name} has no DLA twin; choose from {known}")
        return cls(recipe(fixed), recipe(DLA_NAME + fixed))

    def __iter__(self) -> Iterator[Recipe]:
        return iter((self.fixed, self.dla))

    @property
    def title(self) -> str:
        """The tracker's name as papers write it, e.g. "SiamRPN++ small"."""
        return self.fixed.title

    @property
    def labels(self) -> tuple[str, str]:
        """Names of the fixed twin and of the DLA tracker in figures and tables."""
        return label(self.fixed), label(self.dla)

    def with_schedule(self, schedule: Schedule) -> Twins:
        """The same twins with another training schedule."""
        return Twins(replace(self.fixed, schedule=schedule), replace(self.dla, schedule=schedule))


def all_twins() -> tuple[Twins, ...]:
    """All twins, in the order of `RECIPES`."""
    return tuple(Twins.of(name) for name in RECIPES if DLA_NAME + name in RECIPES)


def side_by_side(names: Iterable[str]) -> list[str]:
    """Sort recipe names so that a DLA recipe comes directly after its fixed twin."""
    return sorted(names, key=lambda name: (name.removeprefix(DLA_NAME), name.startswith(DLA_NAME)))


def label(chosen: Recipe) -> str:
    """Name of a tracker in figures and tables, e.g. "SiamCAR, fixed rule", "DLA-SiamCAR" or "SiamCAR, SimOTA"."""
    if RULE_MARK in chosen.name:
        return f"{chosen.title}, {rule_name(chosen)}"
    return dla_label(chosen.title) if chosen.name.startswith(DLA_NAME) else fixed_label(chosen.title)


def rule_name(chosen: Recipe) -> str:
    """Name of the label assigner of a recipe as papers write it, with the options in its name, e.g. "SimOTA".

    Of the rectangle it tells the side over that of the target, which differs in papers and code: "rectangle 0.4".
    """
    _, marked, rule = chosen.name.partition(RULE_MARK)
    name, *options = rule.split(",") if marked else [chosen.assign.name]
    if name == "rectangle":
        ratio = chosen.assign.options.get("center_ratio", CODE_RECTANGLE)
        return ", ".join([f"rectangle {ratio:g}", *(o for o in options if not o.startswith("center_ratio="))])
    return ", ".join([_RULES.get(name, name), *options])


def fixed_label(title: str) -> str:
    """Label of the tracker of a title with its fixed rule."""
    return title + _FIXED


def dla_label(title: str) -> str:
    """Label of the tracker of a title with dynamic label assignment: the name that the paper gives it."""
    return _DLA + title


def is_dla(name: str) -> bool:
    """Whether a label, or the paper's name of a tracker, is that of a tracker with dynamic label assignment."""
    return name.startswith(_DLA)


def title_of(name: str) -> str:
    """Title of the tracker that a label, or the paper's name of a tracker, belongs to; the same for both twins."""
    return name.removeprefix(_DLA).removesuffix(_FIXED)


def label_pairs(labels: Iterable[object]) -> list[tuple[str, str]]:
    """Labels of the fixed twin and of the DLA tracker, for each DLA tracker whose fixed twin is among `labels`."""
    known = [str(name) for name in labels]
    pairs = [(fixed_label(title_of(name)), name) for name in known if is_dla(name)]
    return [pair for pair in pairs if pair[0] in known]
