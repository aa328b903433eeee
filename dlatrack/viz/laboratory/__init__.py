"""The laboratory: the labels of two rules on one search region, by hand, in a notebook or in a saved page.

`explore` opens it in a notebook, `write_page` saves it as a page that needs no kernel, and `picture` draws what it
shows as a figure. `explain_frame` and `positives_along` return its content as plain data, `laboratory_sheet` draws
some frames. The JavaScript in `static` draws widget and page alike and runs the geometric rules.
"""

from __future__ import annotations

from dlatrack.viz.laboratory.figure import picture
from dlatrack.viz.laboratory.page import write_page
from dlatrack.viz.laboratory.sheet import laboratory_sheet
from dlatrack.viz.laboratory.study import FrameView, Positives, RuleView, explain_frame, positives_along
from dlatrack.viz.laboratory.widget import Laboratory, explore

__all__ = [
    "FrameView",
    "Laboratory",
    "Positives",
    "RuleView",
    "explain_frame",
    "explore",
    "laboratory_sheet",
    "picture",
    "positives_along",
    "write_page",
]
