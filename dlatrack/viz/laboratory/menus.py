"""The rules and grids that the laboratory offers, and the setting with which it opens, as data for its JavaScript."""

from __future__ import annotations

from collections.abc import Mapping
from collections.abc import Sequence as Indices
from dataclasses import replace
from typing import Any

from dlatrack.assign import ASSIGNERS, build_assigner, looks_at_predictions, options_of, summary_of
from dlatrack.errors import InputError
from dlatrack.grid import ScoreGrid
from dlatrack.recipes import RECIPES
from dlatrack.viz.laboratory.region import REGION_SIZE
from dlatrack.viz.laboratory.rules import option_descriptions, rule_descriptions, rule_title

#: The grid of a rule for which none is chosen, that of a 25 x 25 score map with stride 8.
USUAL_GRID = ScoreGrid()

#: A rule by name, with some of its options.
NamedRule = tuple[str, Mapping[str, Any]]

#: What is compared where nothing is chosen.
USUAL_RULES: tuple[NamedRule, NamedRule] = (("rectangle", {"center_ratio": 0.6}), ("dla_points", {}))


def described_rules(*, kernel: bool) -> list[dict[str, Any]]:
    """Every rule for the menus, those that run in the browser first.

    Args:
        kernel: whether Python is there to answer for the others.
    """
    found = [_with_text(each) for each in rule_descriptions()]
    if not kernel:
        return found
    known = {each["rule"] for each in found}
    for name in ASSIGNERS:
        if name in known or name == "dla":  # "dla" is the one of points, unless its anchors are given
            continue
        try:
            shapes = build_assigner(name, USUAL_GRID).anchor_shapes
        except InputError:
            continue  # one of the reader's own that has no defaults
        found.append(
            {
                "id": name,
                "title": rule_title(name, shapes),
                "rule": name,
                "text": summary_of(name),
                "kernel": True,
                "predicts": looks_at_predictions(name),
                "shapes": [list(shape) for shape in shapes],
                "fixed": {},
                "options": _with_chief(option_descriptions(name, shapes, USUAL_GRID)),
            }
        )
    return found


def _with_chief(options: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The options, of which the first number stands below the picture."""
    chief = next((each for each in options if each["kind"] in ("int", "float")), None)
    return [{**each, "more": each is not chief} for each in options]


def _with_text(description: dict[str, Any]) -> dict[str, Any]:
    """A description with the summary of its class, and the options that a call in Python has to set."""
    own = {option.name: option.default for option in options_of(description["rule"])}
    shapes = description["shapes"]
    differ = "anchor_shapes" in own and [list(shape) for shape in own["anchor_shapes"]] != shapes
    fixed = {"anchor_shapes": shapes} if differ else {}
    return {**description, "text": summary_of(description["rule"]), "fixed": fixed}


def described_grids(chosen: Indices[ScoreGrid]) -> list[dict[str, Any]]:
    """The score grids of all trackers with the laboratory's search region, and those that are chosen."""
    titles: dict[ScoreGrid, str] = {}
    for recipe in RECIPES.values():
        if recipe.net.search_size == REGION_SIZE:
            titles.setdefault(recipe.grid, recipe.title)
    for grid in chosen:
        titles.setdefault(grid, "")
    return [
        {"title": _grid_title(grid, title), "size": grid.size, "stride": grid.stride, "offset": grid.offset}
        for grid, title in titles.items()
    ]


def _grid_title(grid: ScoreGrid, tracker: str) -> str:
    shifted = grid == replace(USUAL_GRID, offset=grid.offset) != USUAL_GRID
    offset = f", offset {grid.offset:g}" if shifted else ""
    return f"{grid.size} × {grid.size}, stride {grid.stride:g}{offset}" + (f" ({tracker})" if tracker else "")


def first_setting(
    rules: tuple[NamedRule, NamedRule],
    grids: tuple[ScoreGrid, ScoreGrid],
    described: Mapping[str, Any],
    *,
    frame: int = 0,
    seed: int = 0,
    target_xyxy: Indices[float] | None = None,
    positive_pair: bool = True,
) -> dict[str, Any]:
    """The setting with which the laboratory opens.

    Args:
        rules: name and options of both rules.
        grids: their score grids.
        described: "rules" and "grids" of the menus.
        frame: position of the frame among those that are shown.
        seed: key of the draw of negatives.
        target_xyxy: (4,) region px, in place of the annotation.
        positive_pair: whether the search region shows the object of the template.

    Raises:
        InputError: for a rule or an option that is not known, or a value that is not allowed.
    """
    sides = []
    for (name, options), grid in zip(rules, grids, strict=True):
        build_assigner(name, grid, **options)
        place = next(
            number
            for number, each in enumerate(described["grids"])
            if (each["size"], each["stride"], each["offset"]) == (grid.size, grid.stride, grid.offset)
        )
        identity, own = _identified(name, dict(options), described["rules"])
        sides.append({"id": identity, "options": own, "grid": place})
    return {
        "frame": frame,
        "sides": sides,
        "seed": int(seed),
        "positivePair": positive_pair,
        "target": None if target_xyxy is None else [float(value) for value in target_xyxy],
    }


def _identified(
    name: str, options: dict[str, Any], rules: Indices[Mapping[str, Any]]
) -> tuple[str, dict[str, Any]]:
    """The entry of the menu that is a rule, and the options in which the rule differs from that entry."""
    shapes = options.get("anchor_shapes")
    if name == "dla":
        name = "dla_points" if shapes is None or len(shapes) == 1 else "dla_anchors"
    fitting = [each for each in rules if each["rule"] == name]
    if not fitting:
        raise InputError(
            f"label assigner {name} needs Python behind the laboratory; "
            f"a page has {', '.join(dict.fromkeys(each['rule'] for each in rules))}"
        )
    wanted = None if shapes is None else [list(shape) for shape in shapes]
    entry = next((each for each in fitting if each["shapes"] == wanted), fitting[0])
    if wanted == entry["shapes"]:
        options.pop("anchor_shapes")
    return entry["id"], options
