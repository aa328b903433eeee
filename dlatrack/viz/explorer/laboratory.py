"""The laboratory of label assignment: one frame under two rules, with widgets for all that decides the labels."""

from __future__ import annotations

import re
from collections.abc import Mapping
from html import escape
from pathlib import Path
from typing import Any

import ipywidgets as w
import numpy as np

from dlatrack.datasets.box_text import split_numbers
from dlatrack.datasets.sequence import Sequence
from dlatrack.errors import InputError
from dlatrack.grid import ScoreGrid
from dlatrack.viz.explorer.controls import BAR_STEP, SOURCES, Controls, alert
from dlatrack.viz.explorer.form import RuleForm
from dlatrack.viz.laboratory.region import REGION_SIZE
from dlatrack.viz.explorer.rules import USUAL_GRID, Rule
from dlatrack.viz.explorer.state import WIDTH, LaboratoryState, Setting, open_sequence
from dlatrack.viz.laboratory.study import check_frame

_NOWHERE = -1  # value of the first entry in the list of notable frames, which is no frame

#: A rule by name, with some of its options.
NamedRule = tuple[str, Mapping[str, Any]]


def explore(
    choice: int | str | Path | Sequence | None = None,
    *,
    rules: tuple[NamedRule, NamedRule] = (("rectangle", {"center_ratio": 0.6}), ("dla_points", {})),
    frame: int = 0,
    seed: int = 0,
    grid: ScoreGrid = USUAL_GRID,
) -> Laboratory:
    """Open the laboratory: the value of a notebook cell, or a widget to place elsewhere.

    It shows the results of `explain_frame` and `positives_along` for the same sequence, frame, rules and seed.

    Args:
        choice: sequence to open, see `state.open_sequence`.
        rules: the two label assigners to compare, each a name that `build_assigner` knows, and options.
        frame: number of the first frame shown.
        seed: seed of the shift of the search region and the draw of negatives.
        grid: initial score grid of both rules, e.g. `recipe("nanotrack_v3").grid`.

    Returns:
        The laboratory, made of core ipywidgets.

    Raises:
        InputError: for a sequence, frame, rule or option that cannot be used. Later, inside the laboratory, such
            input shows its message there and leaves the last picture as it is.
    """
    first, second = (Rule.of(name, options, grid) for name, options in rules)
    sequence = open_sequence(choice)
    check_frame(sequence, frame)
    kind, text = _source_of(choice, sequence)
    return Laboratory(sequence, (first, second), Controls(kind, text, seed), frame)


class Laboratory(w.VBox):
    """The laboratory as one widget; use `explore`.

    Attributes:
        controls: every widget but the forms.
        forms: the two rules and their options.
        state: the open sequence.
    """

    def __init__(self, sequence: Sequence, rules: tuple[Rule, Rule], controls: Controls, frame: int) -> None:
        self._quiet = True  # while widgets follow one another, they do not act
        self._hand: tuple[float, ...] | None = None
        self.controls = controls
        self.forms = tuple(
            RuleForm(side, rule, self._refresh) for side, rule in zip("AB", rules, strict=True)
        )
        self._enter(sequence, frame)
        self._observe()
        super().__init__(controls.arranged(self.forms), layout=w.Layout(width=f"{WIDTH + 60}px"))

    @property
    def setting(self) -> Setting:
        """The settings in the widgets.

        Raises:
            InputError: for a value that a rule does not take.
        """
        first, second = (form.rule() for form in self.forms)
        controls = self.controls
        return Setting((first, second), controls.seed.value, controls.pair.value, controls.below.value)

    def _observe(self) -> None:
        controls = self.controls
        w.jslink((controls.play, "value"), (controls.frame, "value"))
        controls.back.on_click(lambda _: self._step(-1))
        controls.forward.on_click(lambda _: self._step(1))
        controls.open.on_click(lambda _: self._open())
        controls.reset.on_click(lambda _: self._take(None))
        for widget, act in (
            (controls.frame, lambda _: self._moved()),
            (controls.notable, self._go),
            (controls.source, self._source_chosen),
            (controls.path, lambda _: self._open()),
            (controls.seed, lambda _: self._refresh()),
            (controls.pair, lambda _: self._refresh()),
            (controls.below, lambda _: self._refresh()),
            (controls.box, self._typed),
            (controls.across, lambda number: self._dragged(0, number)),
            (controls.down, lambda number: self._dragged(1, number)),
        ):
            widget.observe(lambda change, act=act: None if self._quiet else act(change["new"]), names="value")

    def _enter(self, sequence: Sequence, frame: int) -> None:
        """Open another sequence; the current one stays open if the first picture cannot be drawn."""
        state = LaboratoryState(sequence)
        state.show(frame, None, self.setting)
        self.state, self._hand = state, None
        self._quiet = True
        for widget in (self.controls.play, self.controls.frame):
            widget.max = len(sequence) - 1
            widget.value = frame
        self._refresh()

    def _step(self, by: int) -> None:
        self.controls.frame.value = min(max(self.controls.frame.value + by, 0), self.controls.frame.max)

    def _moved(self) -> None:
        """Show another frame with its annotation; in a sequence without annotation the box given by hand stays."""
        if self.state.sequence.visible.any():
            self._hand = None
        self._refresh()

    def _go(self, frame: int) -> None:
        if frame != _NOWHERE:
            self.controls.frame.value = frame

    def _source_chosen(self, kind: str) -> None:
        self.controls.path.placeholder = SOURCES[kind]
        self.controls.path.value = ""

    def _open(self) -> None:
        if not self.controls.path.value.strip():
            return
        try:
            self._enter(_open_as(self.controls.source.value, self.controls.path.value.strip()), 0)
        except ValueError as error:
            self._say(str(error))

    def _typed(self, text: str) -> None:
        try:
            numbers = split_numbers(text.strip(" ,;"))
        except ValueError:
            self._say(f"a box is four numbers x, y, w, h in px of the frame, got {text!r}")
            return
        self._take(numbers)

    def _dragged(self, axis: int, ends: tuple[float, float]) -> None:
        """Move two sides of the target by as much as the ends of a bar moved; the vertical bar counts upwards."""
        view = self._shown.view
        if view is None:
            return
        moved = np.subtract(ends, self._bars[axis])
        target = view.target_xyxy.copy()
        target[axis::2] += moved if axis == 0 else -moved[::-1]
        self._take(view.region.to_frame(target))

    def _take(self, box_xywh: Any) -> None:
        """Use a box as the target; None: the annotation."""
        before = self._hand
        try:
            self._hand = None if box_xywh is None else self.state.check_box(box_xywh)
        except InputError as error:
            self._say(str(error))
            return
        if not self._refresh():
            self._hand = before

    def _refresh(self) -> bool:
        """Update all pictures and texts; bad input leaves the last picture and shows a message."""
        controls, index = self.controls, self.controls.frame.value
        try:
            setting = self.setting
            shown = self.state.show(index, self._hand, setting)
            timeline = self.state.timeline(setting.rules, setting.seed, index)
        except ValueError as error:
            self._say(str(error))
            return False
        self._shown = shown
        controls.picture.value, controls.timeline.value = shown.picture, timeline
        controls.facts.value = "<br>".join(
            f"<b>{escape(title)}</b>: {escape('; '.join(lines))}" for title, lines in shown.facts
        )
        controls.where.value = escape(
            f"{self.state.sequence.name}, frame {index} of 0..{len(self.state.sequence) - 1}"
        )
        absent = f"frame {index} has no annotated target; type its box x, y, w, h, or move on"
        self._say("" if shown.view else absent)
        self._follow(setting)
        return True

    def _follow(self, setting: Setting) -> None:
        """Update the box and the list of notable frames."""
        controls, view, self._quiet = self.controls, self._shown.view, True
        try:
            annotated = bool(self.state.sequence.visible[controls.frame.value])
            for slider in (controls.across, controls.down):
                slider.disabled = view is None or not annotated
            if view is not None:
                controls.box.value = ", ".join(f"{value:.2f}" for value in view.box_xywh)
                # Whole steps of a bar: a browser would round anything else, and report that as a move.
                steps = np.clip(view.target_xyxy / BAR_STEP, 0, REGION_SIZE / BAR_STEP).round() * BAR_STEP
                x1, y1, x2, y2 = steps.tolist()
                self._bars = ((x1, x2), (REGION_SIZE - y2, REGION_SIZE - y1))
                controls.across.value, controls.down.value = self._bars
            options = [("a notable frame", _NOWHERE), *self.state.notable(setting.rules, setting.seed)]
            if list(controls.notable.options) != options:
                controls.notable.options = options
            controls.notable.value = _NOWHERE
        finally:
            self._quiet = False

    def _say(self, text: str) -> None:
        """Show the first line of a message above the pictures; an empty one removes it."""
        self.controls.message.value = alert(text.partition("\n")[0])


def _source_of(choice: int | str | Path | Sequence | None, sequence: Sequence) -> tuple[str, str]:
    """Initial kind and text of the controls."""
    if isinstance(choice, Sequence) or choice is None or choice == "":
        digits = re.fullmatch(rf"{sequence.imagery}-0*(\d+)", sequence.name)
        again = (
            digits and getattr(sequence.frames, "split", "test") == "test"
        )  # a seed opens the held-out video
        return (sequence.imagery, digits[1]) if digits and again else ("photographic", "")
    seeded = re.fullmatch(r"(?:(photographic|synthetic)-)?0*(\d+)", str(choice))
    if seeded and not isinstance(choice, Path):
        return seeded[1] or "photographic", seeded[2]
    return ("folder" if Path(str(choice)).expanduser().is_dir() else "video"), str(choice)


def _open_as(kind: str, text: str) -> Sequence:
    """Open the sequence of a kind and a text; a number is a seed only for the kinds that are rendered."""
    seeded = kind in ("photographic", "synthetic")
    if seeded and not re.fullmatch(r"\d+", text):
        raise InputError(f"a {kind} sequence is named by its {SOURCES[kind]}, got {text!r}")
    return open_sequence(f"{kind}-{text}" if seeded else Path(text))
