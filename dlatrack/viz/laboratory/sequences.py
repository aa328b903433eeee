"""The sequence that the laboratory opens, from a seed, a folder, a video or a sequence."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np

from dlatrack.datasets.folder import read_folder
from dlatrack.datasets.photographic import photographic_sequence
from dlatrack.datasets.sequence import Sequence
from dlatrack.datasets.synthetic import synthetic_sequence
from dlatrack.datasets.video.reader import VideoFrames, read_video
from dlatrack.errors import InputError
from dlatrack.paths import with_home
from dlatrack.studies.label_assignment import study_sequence

_RENDERED_FRAMES = 60

#: What opens a sequence: see `open_sequence`.
SequenceChoice = int | str | Path | Sequence | None


def open_sequence(choice: SequenceChoice = None) -> Sequence:
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
    path = with_home(str(choice))
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


def choice_in_python(choice: SequenceChoice, sequence: Sequence) -> str | None:
    """The text that opens a sequence again in Python; empty for the example; None where there is no such text."""
    if choice is None or choice == "":
        return ""
    if not isinstance(choice, Sequence):
        return repr(str(choice))
    if sequence.name == study_sequence().name:
        return ""
    seeded = re.fullmatch(rf"{sequence.imagery}-0*(\d+)", sequence.name)
    if seeded and getattr(sequence.frames, "split", "test") == "test" and len(sequence) == _RENDERED_FRAMES:
        return repr(f"{sequence.imagery}-{seeded[1]}")
    return None


def _rendered(kind: str, seed: int) -> Sequence:
    if not 0 <= seed < 2**32:
        raise InputError(f"the seed of a {kind} sequence must be in 0..{2**32 - 1}, got {seed}")
    if kind == "synthetic":
        return synthetic_sequence(seed, _RENDERED_FRAMES)
    return photographic_sequence(seed, _RENDERED_FRAMES, split="test")
