"""The state of the laboratory: the open sequence, with caches of its frames, views, pictures and timelines."""

from __future__ import annotations

import re
from functools import lru_cache
from pathlib import Path
from typing import Any, Literal, NamedTuple

import numpy as np

from dlatrack.assign import LabelAssigner
from dlatrack.datasets.folder import read_folder
from dlatrack.datasets.photographic import photographic_sequence
from dlatrack.datasets.sequence import Sequence
from dlatrack.datasets.synthetic import synthetic_sequence
from dlatrack.datasets.video.reader import VideoFrames, read_video
from dlatrack.errors import InputError
from dlatrack.studies.label_assignment import study_sequence
from dlatrack.viz.explorer.picture import (
    GAP,
    PANEL,
    draw_frame,
    draw_whole,
    encode_picture,
    encode_png,
    facts,
)
from dlatrack.viz.explorer.plots import add_cursor, draw_timeline
from dlatrack.viz.laboratory.region import check_box
from dlatrack.viz.explorer.rules import Rule
from dlatrack.viz.laboratory.study import (
    FrameView,
    Positives,
    check_frame,
    explain_frame,
    notable_frames,
    positives_along,
)

#: Plots below the search regions, or the whole frame.
Below = Literal["overlaps", "targets", "both", "frame"]

WIDTH = 2 * PANEL + GAP  #: of all pictures, px
TIMELINE_HEIGHT, TIMELINE_MARGIN = 84, 26

_RENDERED_FRAMES = 60
_KEPT_FRAMES, _KEPT_VIEWS, _KEPT_PICTURES, _KEPT_TIMELINES = 24, 64, 256, 16


class Setting(NamedTuple):
    """Everything but the frame and its box that decides a picture."""

    rules: tuple[Rule, Rule]
    seed: int = 0
    positive_pair: bool = True
    below: Below = "overlaps"


class Shown(NamedTuple):
    """A JPEG picture and the facts in it, a list of lines for each rule; the view is None without a target."""

    picture: bytes
    facts: tuple[tuple[str, list[str]], ...]
    view: FrameView | None


def open_sequence(choice: int | str | Path | Sequence | None = None) -> Sequence:
    """Open a sequence of any kind.

    Args:
        choice: a sequence, returned as it is; None or "": the example of notebook 01; a number or its digits: the
            photographic video of that seed; "synthetic-7": the synthetic video of seed 7; a folder in the OTB
            layout: its first target; a video file: with the boxes of the CSV file of the same name beside it or,
            without one, with no box.

    Raises:
        InputError: as the readers, or if there is neither such a folder nor such a file.
    """
    if isinstance(choice, Sequence):
        return choice
    if choice is None or choice == "":
        return study_sequence()
    seeded = re.fullmatch(r"(?:(photographic|synthetic)-)?(-?\d+)", str(choice))
    if seeded and not isinstance(choice, Path):
        return _rendered(seeded[1] or "photographic", int(seeded[2]))
    path = Path(str(choice)).expanduser()
    if path.is_dir():
        return read_folder(path)[0]
    if not path.is_file():
        raise InputError(f"{path} is neither a folder nor a file; give a seed, a folder or a video")
    table = path.with_suffix(".csv")
    if table.is_file():
        return read_video(path, table)
    frames = VideoFrames(path)
    count = len(frames)
    return Sequence(path.stem, frames, np.full((count, 4), np.nan), np.zeros(count, bool), fps=frames.fps)


def _rendered(kind: str, seed: int) -> Sequence:
    if not 0 <= seed < 2**32:
        raise InputError(f"the seed of a {kind} sequence must be in 0..{2**32 - 1}, got {seed}")
    if kind == "synthetic":
        return synthetic_sequence(seed, _RENDERED_FRAMES)
    return photographic_sequence(seed, _RENDERED_FRAMES, split="test")


def titled(rules: tuple[Rule, Rule]) -> dict[str, LabelAssigner]:
    """Two rules by titles that differ even if the rules are the same."""
    return {f"{side}: {rule.title}": rule.build() for side, rule in zip("AB", rules, strict=True)}


class LaboratoryState:
    """One open sequence with bounded caches of its frames, views, pictures and timelines.

    Args:
        sequence: the open sequence.
    """

    def __init__(self, sequence: Sequence) -> None:
        self.sequence = sequence
        self._frame = lru_cache(_KEPT_FRAMES)(lambda index: self.sequence.frames[index])
        self._view = lru_cache(_KEPT_VIEWS)(self._explain)
        self.show = lru_cache(_KEPT_PICTURES)(self._show)
        self._base = lru_cache(_KEPT_TIMELINES)(self._timeline)
        self.counts = lru_cache(_KEPT_TIMELINES)(self._counts)
        self.notable = lru_cache(_KEPT_TIMELINES)(self._notable)

    @property
    def size(self) -> tuple[int, int]:
        """Width and height of a frame, px."""
        height, width = self._frame(0).shape[:2]
        return width, height

    def check_box(self, box_xywh: Any) -> tuple[float, ...]:
        """A box given by hand as four numbers that can be a key.

        Raises:
            InputError: as `region.check_box`.
        """
        return tuple(check_box(box_xywh, self.size).tolist())

    def _explain(
        self,
        index: int,
        box: tuple[float, ...] | None,
        rules: tuple[Rule, Rule],
        seed: int,
        positive_pair: bool,
    ) -> FrameView | None:
        if box is None and not self.sequence.visible[index]:
            return None
        return explain_frame(
            self.sequence,
            index,
            titled(rules),
            box_xywh=None if box is None else np.array(box),
            seed=seed,
            positive_pair=positive_pair,
            image_rgb=self._frame(index),
        )

    def _show(self, index: int, box: tuple[float, ...] | None, setting: Setting) -> Shown:
        """The picture of a frame; frames that show no target and have no box by hand are shown whole.

        Raises:
            InputError: as `explain_frame`.
            ValueError: as `explain_frame`.
        """
        check_frame(self.sequence, index)
        view = self._view(index, box, setting.rules, setting.seed, setting.positive_pair)
        if view is None:
            return Shown(encode_picture(draw_whole(self._frame(index), None, WIDTH, PANEL)), (), None)
        if setting.below == "frame":
            picture = np.concatenate([draw_frame(view, ()), draw_whole(self._frame(index), view, WIDTH, 280)])
        elif setting.below == "both":
            picture = draw_frame(view)
        else:
            picture = draw_frame(view, (setting.below,))
        return Shown(
            encode_picture(picture), tuple((title, facts(rule)) for title, rule in view.rules.items()), view
        )

    def _counts(self, rules: tuple[Rule, Rule], seed: int) -> Positives | None:
        """Positives along the sequence; None where no frame shows the target."""
        if not self.sequence.visible.any():
            return None
        return positives_along(self.sequence, titled(rules), seed=seed)

    def _notable(self, rules: tuple[Rule, Rule], seed: int) -> list[tuple[str, int]]:
        return notable_frames(self.counts(rules, seed), len(self.sequence))

    def _timeline(self, rules: tuple[Rule, Rule], seed: int) -> np.ndarray:
        counts = self.counts(rules, seed)
        return draw_timeline(counts, len(self.sequence), WIDTH, TIMELINE_HEIGHT, margin=TIMELINE_MARGIN)

    def timeline(self, rules: tuple[Rule, Rule], seed: int, index: int) -> bytes:
        """Positives per frame with a line at one frame, PNG of WIDTH x 84 px."""
        counts, length = self.counts(rules, seed), len(self.sequence)
        return encode_png(add_cursor(self._base(rules, seed), counts, index, length, TIMELINE_MARGIN))
