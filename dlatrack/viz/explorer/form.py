"""The form of one rule: its name, its grid and its options, in core ipywidgets."""

from __future__ import annotations

from collections.abc import Callable
from html import escape
from typing import Any

import ipywidgets as w

from dlatrack.assign import Option, options_of, summary_of
from dlatrack.viz.explorer.picture import PANEL
from dlatrack.viz.laboratory.region import REGION_SIZE
from dlatrack.viz.explorer.rules import Rule, describe_grid, recipe_grids, shown_rules

_SHOWN = 2  # options below the grid; the others are in an accordion


class RuleForm:
    """Choose a label assigner and a score grid, and set the options.

    Args:
        side: "A" or "B".
        rule: initial rule.
        changed: function that is called after every change of a value.

    Attributes:
        widget: the form.
        name: drop-down list of the rules.
        grid: drop-down list of the grids of all trackers whose search region is the laboratory's, and of the initial
            rule.
        fields: one widget for each option of the rule, by name.
    """

    def __init__(self, side: str, rule: Rule, changed: Callable[[], object]) -> None:
        self._changed = changed
        common = {"style": {"description_width": "50px"}, "layout": w.Layout(width=f"{PANEL}px")}
        self.name = w.Dropdown(options=shown_rules(), value=rule.name, description=f"rule {side}", **common)
        grids = recipe_grids(REGION_SIZE)
        if rule.grid not in grids.values():
            grids[describe_grid(rule.grid)] = rule.grid
        self.grid = w.Dropdown(
            options=grids,
            value=rule.grid,
            description=f"grid {side}",
            tooltip="points of the score map, and the first tracker that has them",
            **common,
        )
        self.fields: dict[str, Any] = {}
        self._first = w.VBox()
        self._rest = w.Accordion(selected_index=None)
        self.widget = w.VBox(
            [self.name, self.grid, self._first, self._rest],
            layout=w.Layout(width=f"{PANEL + 24}px", margin="0 6px 0 0"),
        )
        self._fill(dict(rule.chosen))
        self.name.observe(self._rule_chosen, names="value")
        self.grid.observe(lambda _: self._changed(), names="value")

    def rule(self) -> Rule:
        """The rule in the form.

        Raises:
            InputError: for a value that the rule does not take.
        """
        options = {option.name: option for option in options_of(self.name.value)}
        values = {name: options[name].read(field.value) for name, field in self.fields.items()}
        return Rule.of(self.name.value, values, self.grid.value)

    def _rule_chosen(self, _: Any) -> None:
        self._fill({})
        self._changed()

    def _fill(self, chosen: dict[str, Any]) -> None:
        options = sorted(options_of(self.name.value), key=lambda option: isinstance(option.default, tuple))
        self.fields = {option.name: _field(option, chosen.get(option.name)) for option in options}
        for field in self.fields.values():
            field.observe(lambda _: self._changed(), names="value")
        self.name.tooltip = summary_of(self.name.value)
        every = list(self.fields.values())
        meanings = [f"<b>{escape(option.name)}</b>: {escape(option.text)}" for option in options]
        lines = "<br>".join([f"<i>{escape(summary_of(self.name.value))}</i>", *meanings])
        text = w.HTML(f'<div style="line-height: 1.35; max-width: {PANEL - 30}px">{lines}</div>')
        self._first.children = every[:_SHOWN]
        self._rest.children = [w.VBox([*every[_SHOWN:], text])]
        self._rest.titles = ("more options, and what they mean",)


def _field(option: Option, value: Any) -> Any:
    """A widget for one option, of the kind that its default has."""
    common: dict[str, Any] = {
        "value": option.written(option.default if value is None else value),
        "description": option.name,
        "tooltip": option.text,
        "style": {"description_width": "160px"},
        "layout": w.Layout(width=f"{PANEL - 30}px"),
    }
    if option.choices:
        return w.Dropdown(options=option.choices, **common)
    if isinstance(option.default, int):
        return w.IntText(**common)
    if isinstance(option.default, float):
        return w.FloatText(step=_step(option.default), **common)
    return w.Text(continuous_update=False, **common)


def _step(default: float) -> float:
    """Step of an arrow key: 0.05 for shares, one for px, the default itself for a tiny number."""
    if default > 1:
        return 1.0
    return 0.05 if default >= 0.05 else default
