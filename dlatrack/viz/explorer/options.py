"""The options of label assigners, read from their classes, so that new rules and options are found by themselves."""

from __future__ import annotations

import inspect
import re
from collections.abc import Mapping
from dataclasses import MISSING, dataclass, fields, replace
from functools import lru_cache, partial
from typing import Any, Literal, NamedTuple, cast, get_args, get_origin, get_type_hints

from dlatrack.assign import ASSIGNERS, LabelAssigner, build_assigner
from dlatrack.errors import InputError
from dlatrack.grid import ScoreGrid
from dlatrack.recipes import RECIPES

#: The grid of a rule for which none is chosen, that of a 25 x 25 score map with stride 8.
USUAL_GRID = ScoreGrid()


class Option(NamedTuple):
    """One option of a label assigner."""

    name: str  #: name of the option, as `build_assigner` takes it
    default: Any  #: default value
    choices: tuple[str, ...]  #: allowed texts of an option that is one of some texts
    text: str  #: description of the option in the docstring of the class

    def read(self, value: Any) -> Any:
        """A value as the assigner takes it; anchor shapes may be written "104x32, 64x64".

        Raises:
            InputError: if the text is no list of shapes.
        """
        if not isinstance(self.default, tuple) or not isinstance(value, str):
            return value
        shapes = [re.fullmatch(r"\s*([\d.]+)\s*[x×]\s*([\d.]+)\s*", part) for part in value.split(",")]
        try:
            return tuple((float(cast(re.Match[str], s)[1]), float(cast(re.Match[str], s)[2])) for s in shapes)
        except (TypeError, ValueError):
            raise InputError(
                f"{self.name} is a list of w x h in px such as 104x32, 64x64, got {value!r}"
            ) from None

    def written(self, value: Any) -> Any:
        """A value as a form shows it; the inverse of `read`."""
        if isinstance(self.default, tuple):
            return ", ".join(f"{width:g}x{height:g}" for width, height in value)
        return value


@dataclass(frozen=True)
class Rule:
    """A label assigner by name, with the options that differ from its defaults; usable as a key.

    Raises:
        InputError: for a name or option that is not known, or a value that is not allowed.
    """

    name: str  #: a key of `ASSIGNERS`
    chosen: tuple[tuple[str, Any], ...] = ()  #: options and values, sorted by option
    grid: ScoreGrid = USUAL_GRID  #: points of the score map

    def __post_init__(self) -> None:
        self.build()

    @classmethod
    def of(cls, name: str, values: Mapping[str, Any] | None = None, grid: ScoreGrid = USUAL_GRID) -> Rule:
        """A rule from all its options or some of them, on a grid."""
        defaults = {option.name: option.default for option in options_of(name)}
        given = [item for item in (values or {}).items() if item[1] != defaults.get(item[0], MISSING)]
        return cls(name, tuple(sorted(given)), grid)

    @property
    def title(self) -> str:
        """Name, and the options and the grid that differ from the defaults, e.g. "dla_points, candidates 7"."""
        grid = [] if self.grid == USUAL_GRID else [describe_grid(self.grid)]
        return ", ".join([self.name, *(f"{option} {value}" for option, value in self.chosen), *grid])

    def build(self) -> LabelAssigner:
        """The assigner on its grid."""
        return _built(self.name, self.chosen, self.grid)


def describe_grid(grid: ScoreGrid) -> str:
    """Size and stride of a score grid, e.g. "15 x 15 points, stride 16"; with the offset if only that is unusual."""
    shifted = grid == replace(USUAL_GRID, offset=grid.offset) != USUAL_GRID
    offset = f", offset {grid.offset:g}" if shifted else ""
    return f"{grid.size} x {grid.size} points, stride {grid.stride:g}{offset}"


def recipe_grids(region_size: int) -> dict[str, ScoreGrid]:
    """The score grids of all recipes with one size of the search region, by a text that names the first tracker."""
    titles: dict[ScoreGrid, str] = {}
    for recipe in RECIPES.values():
        if recipe.net.search_size == region_size:
            titles.setdefault(recipe.grid, recipe.title)
    return {f"{describe_grid(grid)} ({title})": grid for grid, title in titles.items()}


@lru_cache(maxsize=64)
def _built(name: str, chosen: tuple[tuple[str, Any], ...], grid: ScoreGrid) -> LabelAssigner:
    try:
        return build_assigner(name, grid, **dict(chosen))
    except ValueError as error:
        raise InputError(f"{error}") from error


@lru_cache(maxsize=64)
def options_of(name: str) -> tuple[Option, ...]:
    """Every option of a label assigner, in the order of its class.

    Raises:
        InputError: if there is no such assigner.
    """
    if name not in ASSIGNERS:
        raise InputError(f"there is no label assigner {name!r}; choose from {', '.join(ASSIGNERS)}")
    made_by = ASSIGNERS[name]
    fixed = made_by.keywords if isinstance(made_by, partial) else {}
    assigner: Any = made_by.func if isinstance(made_by, partial) else made_by
    hints, texts = get_type_hints(assigner), argument_texts(assigner)
    return tuple(
        Option(field.name, field.default, _choices(hints[field.name]), texts.get(field.name, ""))
        for field in fields(assigner)
        if field.default is not MISSING and field.name not in fixed
    )


def summary_of(name: str) -> str:
    """The first line of the docstring of an assigner's class."""
    made_by = ASSIGNERS[name]
    return (inspect.getdoc(made_by.func if isinstance(made_by, partial) else made_by) or "").split("\n")[0]


def argument_texts(documented: Any) -> dict[str, str]:
    """Descriptions of arguments in a Google-style docstring, by name, each on one line."""
    section = re.search(r"^Args:\n((?:    .*\n?|\n)+)", inspect.getdoc(documented) or "", re.MULTILINE)
    entries = re.findall(
        r"^    (\w+): ((?:.+\n?)(?:^     +.+\n?)*)", section[1] if section else "", re.MULTILINE
    )
    return {name: " ".join(text.split()) for name, text in entries}


def _choices(hint: Any) -> tuple[str, ...]:
    return get_args(hint) if get_origin(hint) is Literal else ()
