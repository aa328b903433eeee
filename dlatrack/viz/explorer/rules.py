"""A label assigner that is chosen in the laboratory: its name, its options and its grid."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import MISSING, dataclass, replace
from functools import lru_cache
from typing import Any

from dlatrack.assign import ASSIGNERS, LabelAssigner, build_assigner, looks_at_predictions, options_of
from dlatrack.errors import InputError
from dlatrack.grid import ScoreGrid
from dlatrack.recipes import RECIPES

#: The grid of a rule for which none is chosen, that of a 25 x 25 score map with stride 8.
USUAL_GRID = ScoreGrid()


@dataclass(frozen=True)
class Rule:
    """A label assigner by name, with the options that differ from its defaults; usable as a key.

    Raises:
        InputError: for a name or option that is not known, a value that is not allowed, or a rule that looks at
            predictions, of which the laboratory has none.
    """

    name: str  #: a key of `ASSIGNERS`
    chosen: tuple[tuple[str, Any], ...] = ()  #: options and values, sorted by option
    grid: ScoreGrid = USUAL_GRID  #: points of the score map

    def __post_init__(self) -> None:
        self.build()
        if looks_at_predictions(self.name):
            raise InputError(
                f"label assigner {self.name} looks at the predictions of a network; "
                f"choose from {', '.join(shown_rules())}"
            )

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


def shown_rules() -> list[str]:
    """Names of the rules that need no predictions, in the order of `ASSIGNERS`."""
    return [name for name in ASSIGNERS if not looks_at_predictions(name)]


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
