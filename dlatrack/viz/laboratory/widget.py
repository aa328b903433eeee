"""The laboratory in a notebook: one widget that works in JupyterLab, Notebook, VS Code, Colab and marimo."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import anywidget
import traitlets

from dlatrack.grid import ScoreGrid
from dlatrack.viz.laboratory.assets import style, widget_module
from dlatrack.viz.laboratory.contents import Contents
from dlatrack.viz.laboratory.menus import (
    USUAL_GRID,
    USUAL_RULES,
    NamedRule,
    described_grids,
    described_rules,
    first_setting,
)
from dlatrack.viz.laboratory.networks import Networks
from dlatrack.viz.laboratory.questions import Questions
from dlatrack.viz.laboratory.sequences import SequenceChoice, choice_in_python, open_sequence
from dlatrack.viz.laboratory.study import check_frame


def explore(
    choice: SequenceChoice = None,
    *,
    rules: tuple[NamedRule, NamedRule] = USUAL_RULES,
    frame: int = 0,
    seed: int = 0,
    grid: ScoreGrid = USUAL_GRID,
    run: str | Path | None = None,
) -> Laboratory:
    """Open the laboratory: the value of a notebook cell, or a widget to place elsewhere.

    Args:
        choice: sequence to open, see `sequences.open_sequence`.
        rules: the two label assigners to compare, each a name that `build_assigner` knows, and options.
        frame: number of the first frame shown.
        seed: seed of the shift of the search regions and the draw of negatives, 0..2^31 - 1.
        grid: initial score grid of both rules, e.g. `recipe("nanotrack_v3").grid`.
        run: folder of a training, whose snapshots the rules with predictions can look at.

    Returns:
        The laboratory.

    Raises:
        InputError: for a sequence, frame, rule, option, seed or run that cannot be used. Later, inside the
            laboratory, such input shows its message there and leaves the last picture as it is.
    """
    sequence = open_sequence(choice)
    check_frame(sequence, frame)
    boxes, visible = sequence.boxes_xywh.copy(), sequence.visible.copy()  # boxes drawn by hand are added
    own = replace(sequence, boxes_xywh=boxes, visible=visible)
    contents = Contents(own, choice_in_python(choice, sequence), seed)
    networks = Networks(contents, run)
    menus = {"rules": described_rules(kernel=True), "grids": described_grids([grid])}
    setting = first_setting(rules, (grid, grid), menus, frame=frame, seed=seed)
    data = contents.data() | menus | networks.data()
    first = [*networks.snapshots, *(name for name, _ in data["trackers"])][0]
    return Laboratory(Questions(contents, networks), contents=data, setting=setting | {"tracker": first})


class Laboratory(anywidget.AnyWidget):
    """The laboratory as one widget; use `explore`.

    Attributes:
        contents: what the laboratory shows: targets, those drawn by hand among them, rules, grids, networks.
        setting: what is set: frame, rules, options, seed, box; kept while the kernel lives, so that a second view or
            a reloaded page shows the same.
    """

    _esm = widget_module("openWidget")
    _css = style()
    contents = traitlets.Dict().tag(sync=True)
    setting = traitlets.Dict().tag(sync=True)

    def __init__(self, questions: Questions, **traits: Any) -> None:
        super().__init__(**traits)
        self._questions = questions
        self.on_msg(self._answer)

    def __repr__(self) -> str:
        """What stands in a notebook where no widget can be shown."""
        return f"Laboratory of {self.contents['sequence']}, {self.contents['frames']} frames"

    def _answer(self, _: Any, question: dict[str, Any], _buffers: Any) -> None:
        answer, buffers = self._questions.reply(question)
        self.send({**answer, "id": question.get("id")}, buffers)
        if "box" in answer:  # a reloaded page and a second view begin with these
            frame = int(question["frame"])
            targets = [*self.contents["targets"]]
            targets[frame] = answer["target"]
            drawn = {**self.contents.get("drawn", {}), str(frame): answer["box"]}
            self.contents = self.contents | {"targets": targets, "drawn": drawn}
