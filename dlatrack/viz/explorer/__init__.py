"""The laboratory of label assignment: move a frame, a box, a rule, and see which samples become positive, and why.

`explore` opens it in a notebook. `explain_frame` and `positives_along` return its content as plain data, `draw_frame`
as a picture, `explorer_sheet` as a figure and `html_player` as a page for readers without a kernel.
"""

from __future__ import annotations

from dlatrack.viz.explorer.laboratory import Laboratory, explore
from dlatrack.viz.explorer.picture import draw_frame
from dlatrack.viz.explorer.player import html_player
from dlatrack.viz.explorer.sheet import explorer_sheet
from dlatrack.viz.laboratory.study import FrameView, Positives, RuleView, explain_frame, positives_along

__all__ = [
    "FrameView",
    "Laboratory",
    "Positives",
    "RuleView",
    "draw_frame",
    "explain_frame",
    "explore",
    "explorer_sheet",
    "html_player",
    "positives_along",
]
