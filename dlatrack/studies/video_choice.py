"""The video that notebook 12 tracks: a reader's own, or a photographic one with its true boxes."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import numpy as np

from dlatrack import paths
from dlatrack.datasets.photographic import photographic_sequence
from dlatrack.datasets.sequence import Sequence as Clip
from dlatrack.datasets.stream import FrameStream
from dlatrack.datasets.video.writer import record
from dlatrack.errors import InputError
from dlatrack.files import write_text
from dlatrack.imagery import MARKS, Imagery
from dlatrack.paths import with_home
from dlatrack.studies.presets import sizes
from dlatrack.tracking.video import check_first_boxes, parse_boxes

#: Seed of the example video, used by no training; in it the target is covered for a while, which the scores show.
_EXAMPLE_SEED = 6_000_019


class VideoChoice(NamedTuple):
    """The video that notebook 12 tracks."""

    path: Path  #: path of the video
    boxes_xywh: list[np.ndarray]  #: (4,) for each target, in its first frame
    #: (T, 4) true boxes of the project's example, NaN where its target is absent; None for another video
    truth_xywh: np.ndarray | None
    imagery: Imagery  #: where the images come from
    folder: Path  #: folder for results
    note: str  #: description for people


def choose_video(preset: str, video: str = "", boxes: str = "", *, seed: int = 0) -> VideoChoice:
    """The video of a reader, or a photographic one that is rendered to a file.

    Args:
        preset: "smoke", "demo" or "paper": how long the photographic video is.
        video: video file or folder of images; "": the photographic one, with its true boxes beside it in a CSV file.
        boxes: targets as text; "": the true box of a photographic video, and else a box in the middle to begin with.
        seed: seed of the photographic video.

    Raises:
        InputError: for an unknown preset, a negative seed, a video that cannot be read or a box that does not fit.
    """
    sizes(preset)
    if seed < 0:
        raise InputError(f"seed must be 0 or more, got {seed}")
    folder = paths.runs_dir() / "12_track_your_video"
    folder.mkdir(parents=True, exist_ok=True)
    truth: np.ndarray | None = None
    imagery: Imagery = "real"
    if video:
        path = with_home(video)
        note = f"{path.name}, yours"
    else:
        path, example = _write_example(preset, folder, seed)
        truth, imagery = example.boxes_xywh, example.imagery
        note = f"{path.name} ({MARKS[imagery]}), with exact boxes in {path.with_suffix('.csv').name}"
    stream = FrameStream(path)
    image = stream.first()
    chosen = parse_boxes(boxes)
    if not chosen and truth is not None:
        chosen = [truth[0]]
    elif not chosen:
        height, width = image.shape[:2]
        chosen = [np.array([0.375 * width, 0.375 * height, 0.25 * width, 0.25 * height]).round()]
        note += "; nobody has said what to track yet: the box is the middle"
    check_first_boxes(image, chosen)
    return VideoChoice(path, chosen, truth, imagery, folder, f"{note}; {stream.expected} frames")


def _write_example(preset: str, folder: Path, seed: int) -> tuple[Path, Clip]:
    """Write the example video of a preset and its boxes; gives its path and the sequence."""
    length, width, height = sizes(preset).video
    sequence = photographic_sequence(_EXAMPLE_SEED + seed, length, (width, height), split="test")
    path = folder / f"{sequence.name}.mp4"
    with record(path, sequence.fps) as recording:
        for index in range(length):
            recording.add(sequence.frames[index])
    rows = [
        f"{frame},{','.join(f'{value:.3f}' for value in sequence.boxes_xywh[frame])}"
        for frame in np.flatnonzero(sequence.visible)
    ]
    write_text(path.with_suffix(".csv"), "\n".join(["frame,x,y,w,h", *rows]) + "\n")
    return path, sequence
