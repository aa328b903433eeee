"""The widgets of the laboratory and their layout; their actions are in `laboratory`."""

from __future__ import annotations

from html import escape
from typing import Any

import ipywidgets as w

from dlatrack.viz.explorer.form import RuleForm
from dlatrack.viz.explorer.picture import PANEL
from dlatrack.viz.laboratory.region import REGION_SIZE
from dlatrack.viz.explorer.state import TIMELINE_MARGIN, WIDTH

#: Kinds of sequence, with a description of the text that opens one.
SOURCES = {
    "photographic": "seed, a whole number",
    "synthetic": "seed, a whole number",
    "folder": "path of a folder with img/ and groundtruth_rect.txt",
    "video": "path of a video; its boxes in a .csv file of the same name",
}

BAR_STEP = 0.5  #: of the bars that move the box, region px

_BELOW = {"overlaps and T": "overlaps", "training targets": "targets", "both": "both", "whole frame": "frame"}
SIDE = 40  #: px left of the pictures, for the vertical bar

_HELP = """<div style="line-height: 1.4; max-width: 760px">
Both pictures show the search region of one frame, cut as training cuts it; only the rule differs.
<b>Green discs</b> are positive samples, <b>orange diamonds</b> negative, <b>pale dots</b> ignored; <b>blue rings</b>
are the candidates of dynamic label assignment, and the <b>yellow box</b> is the target. The plot below shows what the
rule compares with its threshold, positives hatched. For dynamic label assignment that is the IoU of the candidates
with the target, and T = mean (dotted) + standard deviation.<br>
<b>Move through the video</b> with the slider under the timeline: drag, click, or use the arrow keys.
<b>Move the box</b> with the bars below and left of the picture (drag the bar or its ends, or use the arrow keys), or
type it in px of the frame. The region stays where it is, so that you see which samples the target gains and loses.
<b>Change a rule</b> above the pictures, its options, or its <b>grid</b>, the points of the score map: NanoTrack V3
has 15 x 15 of them, 16 px apart, where most trackers have 25 x 25, 8 px apart. <i>draw</i> is the seed of the
region's shift and of the drawn negatives.
</div>"""


def box_bars(
    limits: tuple[float, float], shown: tuple[int, int], step: float, top: int
) -> tuple[w.FloatRangeSlider, w.FloatRangeSlider]:
    """Bars below and left of a picture that move the sides of a box.

    Args:
        limits: largest x and y.
        shown: width and height of the picture on the screen, px.
        step: step of the bars, in the unit of `limits`.
        top: space above the vertical bar, px.
    """
    across, down = (
        w.FloatRangeSlider(
            max=float(limit),
            step=step,
            readout=False,
            tooltip=f"{sides} side of the box; drag the bar to move it",
        )
        for limit, sides in zip(limits, ("left and right", "top and bottom"), strict=True)
    )
    across.layout = w.Layout(width=f"{shown[0] + 16}px", margin=f"0 0 0 {SIDE - 8}px")
    down.layout = w.Layout(width=f"{SIDE}px", height=f"{shown[1] + 16}px", margin=f"{top}px 0 0 0")
    down.orientation = "vertical"
    return across, down


def alert(text: str) -> str:
    """A message on bad input as HTML; nothing for an empty text."""
    style = "color: #a33c00; font-weight: 600"
    return f'<div role="alert" style="{style}">{escape(text)}</div>' if text else ""


class Controls:
    """All widgets but the forms of the rules.

    Args:
        kind: one of `SOURCES`.
        text: text of the field beside it.
        seed: seed of the draw.
    """

    def __init__(self, kind: str, text: str, seed: int) -> None:
        self._make_source(kind, text, seed)
        self._make_frames()
        self._make_box()
        self.picture = w.Image(format="jpeg", layout=w.Layout(width=f"{WIDTH}px", align_self="flex-start"))
        self.below = w.ToggleButtons(options=_BELOW, style={"button_width": "130px"})
        self.facts, self.message = w.HTML(), w.HTML()

    def _make_source(self, kind: str, text: str, seed: int) -> None:
        self.source = w.Dropdown(
            options=list(SOURCES), value=kind, tooltip="kind of sequence", layout=w.Layout(width="100px")
        )
        self.path = w.Text(
            value=text,
            placeholder=SOURCES[kind],
            tooltip="which sequence; Enter opens it",
            continuous_update=False,
            layout=w.Layout(width="330px"),
        )
        self.open = w.Button(description="Open", tooltip="open this sequence", layout=w.Layout(width="64px"))
        self.seed = w.BoundedIntText(
            value=seed,
            max=2**31 - 1,
            description="draw",
            tooltip="seed of the shift of the search region and of the draw of negatives",
            style={"description_width": "36px"},
            layout=w.Layout(width="130px"),
        )
        self.pair = w.Checkbox(
            value=True,
            description="positive pair",
            indent=False,
            tooltip="off: the search region shows another object than the template",
            layout=w.Layout(width="130px"),
        )

    def _make_frames(self) -> None:
        self.play = w.Play(interval=250, tooltip="play", layout=w.Layout(width="150px"))
        self.back, self.forward = (
            w.Button(icon=f"step-{way}", tooltip=f"{word} frame", layout=w.Layout(width="40px"))
            for way, word in (("backward", "previous"), ("forward", "next"))
        )
        self.notable = w.Dropdown(
            description="go to", style={"description_width": "40px"}, layout=w.Layout(width="330px")
        )
        self.where = w.HTML(layout=w.Layout(margin="0 0 0 12px"))
        self.timeline = w.Image(
            format="png",
            layout=w.Layout(width=f"{WIDTH}px", margin=f"0 0 0 {SIDE}px", align_self="flex-start"),
        )
        self.frame = w.IntSlider(
            readout=False,
            tooltip="frame; arrow keys step",
            layout=w.Layout(
                width=f"{WIDTH - 2 * TIMELINE_MARGIN + 16}px", margin=f"0 0 0 {SIDE + TIMELINE_MARGIN - 8}px"
            ),
        )

    def _make_box(self) -> None:
        self.across, self.down = box_bars((REGION_SIZE, REGION_SIZE), (PANEL, PANEL), BAR_STEP, 12)
        self.box = w.Text(
            description="box x, y, w, h",
            placeholder="px of the frame, e.g. 120, 80, 60, 45",
            tooltip="the target in px of the frame; Enter takes it",
            continuous_update=False,
            style={"description_width": "96px"},
            layout=w.Layout(width="360px"),
        )
        self.reset = w.Button(
            description="annotated box", tooltip="take the annotation again", layout=w.Layout(width="130px")
        )

    def arranged(self, forms: tuple[RuleForm, ...]) -> list[Any]:
        """Rows from top to bottom."""
        details = w.Accordion(
            children=[w.HTML(_HELP)],
            titles=("What am I looking at, and what can I do?",),
            selected_index=None,
        )
        return [
            w.HBox([self.source, self.path, self.open, self.seed, self.pair]),
            w.HBox([form.widget for form in forms]),
            self.message,
            w.HBox([self.play, self.back, self.forward, self.notable, self.where]),
            self.timeline,
            self.frame,
            w.HBox([self.down, self.picture]),
            self.across,
            w.HBox([self.box, self.reset]),
            self.below,
            self.facts,
            details,
        ]
