"""The widgets of the laboratory and where they stand; what they do is in `laboratory`."""

from __future__ import annotations

from typing import Any

import ipywidgets as w

from dlatrack.viz.explorer.form import RuleForm
from dlatrack.viz.explorer.picture import PANEL
from dlatrack.viz.explorer.region import REGION_SIZE
from dlatrack.viz.explorer.state import TIMELINE_MARGIN, WIDTH

#: Kinds of sequence, and what the field beside them takes.
SOURCES = {
    "synthetic": "seed, a whole number",
    "folder": "path of a folder with img/ and groundtruth_rect.txt",
    "video": "path of a video; its boxes in a .csv file of the same name",
}

BAR_STEP = 0.5  #: of the bars that move the box, region px

_BELOW = {"overlaps and T": "overlaps", "training targets": "targets", "both": "both", "whole frame": "frame"}
_SIDE = 40  # px left of the pictures, for the vertical slider

_HELP = """<div style="line-height: 1.4; max-width: 760px">
Both pictures show the search region of one frame, cut as training cuts it; only the rule differs.
<b>Green discs</b> are positive samples, <b>orange diamonds</b> negative, <b>pale dots</b> ignored; <b>blue rings</b>
are the candidates of dynamic label assignment, and the <b>yellow box</b> is the target. The plot below shows what the
rule compares with its threshold, positives hatched. For dynamic label assignment that is the IoU of the candidates
with the target, and T = mean (dotted) + standard deviation.<br>
<b>Move through the video</b> with the slider under the timeline: drag, click, or use the arrow keys.
<b>Move the box</b> with the bars below and left of the picture (drag the bar or its ends, or use the arrow keys), or
type it in px of the frame. The region stays where it is, so that you see which samples the target gains and loses.
<b>Change a rule</b> above the pictures. <i>draw</i> is the seed of the region's shift and of the drawn negatives.
</div>"""


class Controls:
    """All widgets but the forms of the rules.

    Args:
        kind: one of `SOURCES`.
        text: of the field beside it.
        seed: of the draw.
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
            layout=w.Layout(width=f"{WIDTH}px", margin=f"0 0 0 {_SIDE}px", align_self="flex-start"),
        )
        self.frame = w.IntSlider(
            readout=False,
            tooltip="frame; arrow keys step",
            layout=w.Layout(
                width=f"{WIDTH - 2 * TIMELINE_MARGIN + 16}px", margin=f"0 0 0 {_SIDE + TIMELINE_MARGIN - 8}px"
            ),
        )

    def _make_box(self) -> None:
        edges: dict[str, Any] = {"min": 0.0, "max": float(REGION_SIZE), "step": BAR_STEP, "readout": False}
        self.across = w.FloatRangeSlider(
            **edges,
            tooltip="left and right side of the box; drag the bar to move it",
            layout=w.Layout(width=f"{PANEL + 16}px", margin=f"0 0 0 {_SIDE - 8}px"),
        )
        self.down = w.FloatRangeSlider(
            **edges,
            orientation="vertical",
            tooltip="top and bottom side of the box; drag the bar to move it",
            layout=w.Layout(width=f"{_SIDE}px", height=f"{PANEL + 16}px", margin="12px 0 0 0"),
        )
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
