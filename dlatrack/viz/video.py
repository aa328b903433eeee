"""Figures and a page of a tracked video: some of its frames, its scores over time, and a player."""

from __future__ import annotations

import math
from collections.abc import Sequence as Indices
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from matplotlib.figure import Figure

from dlatrack.datasets.video.reader import VideoFrames
from dlatrack.errors import InputError
from dlatrack.imagery import Imagery
from dlatrack.pixels.annotate import target_colour
from dlatrack.pixels.colours import GREY
from dlatrack.tracking.video import VideoTrack
from dlatrack.viz.filmstrip import draw_image
from dlatrack.viz.player import write_player
from dlatrack.viz.style import DOUBLE_WIDTH, figure_style, new_figure

_DASHES: tuple[Any, ...] = (
    "-",
    (0, (4, 1)),
    (0, (1, 1)),
    (0, (4, 1, 1, 1)),
    (0, (6, 1, 1, 1, 1, 1)),
    (0, (2, 2)),
)

_WIDEST = 640  # px of a picture in the player
_MOST = 60  # pictures in the player


def spread(count: int, most: int) -> list[int]:
    """At most `most` of the numbers 0..count-1, evenly spread, the first and the last among them."""
    return sorted({round(index) for index in np.linspace(0, count - 1, min(count, most))})


def video_strip(video: str | Path, track: VideoTrack, *, frames: Indices[int] | None = None) -> Figure:
    """Draw frames of an annotated video as they are in the file.

    Args:
        video: annotated video of `track_file`.
        track: boxes and scores of its targets.
        frames: numbers of the frames; None: eight, evenly spread.

    Returns:
        A figure of double column width, four frames in a row.

    Raises:
        InputError: if the video cannot be read or has no such frame.
    """
    images = VideoFrames(video)
    chosen = spread(len(track.scores), 8) if frames is None else list(frames)
    wrong = [frame for frame in chosen if not 0 <= frame < min(len(images), len(track.scores))]
    if wrong or not chosen:
        raise InputError(f"{video} has frames 0..{len(track.scores) - 1}, not {wrong or 'none at all'}")
    pictures = [images[frame] for frame in chosen]
    rows = math.ceil(len(chosen) / 4)
    height, width = pictures[0].shape[:2]
    with figure_style():
        fig = new_figure(DOUBLE_WIDTH, rows * (min(DOUBLE_WIDTH / 4 * height / width, 90) + 6))
        for number, (frame, picture) in enumerate(zip(chosen, pictures, strict=True)):
            ax = fig.add_subplot(rows, 4, number + 1)
            draw_image(ax, picture)
            ax.set_title(f"frame {frame}", fontsize=7, pad=2)
    return fig


def score_plot(track: VideoTrack, *, iou: np.ndarray | None = None) -> Figure:
    """Draw the score of each target over frames, in the colour that it has in the video.

    Args:
        track: boxes and scores of T frames.
        iou: (T,) overlap of the first target with the truth, NaN where the target is absent; None: not known.
    """
    with figure_style():
        fig = new_figure(height_mm=55)
        ax = fig.add_subplot()
        for target in range(1, track.scores.shape[1] + 1):
            ax.plot(
                track.scores[:, target - 1],
                color=target_colour(target),
                linestyle=_DASHES[(target - 1) % len(_DASHES)],
                label=f"target {target}, score",
            )
        if iou is not None:
            ax.plot(iou, color=GREY, linewidth=1.8, alpha=0.6, label="target 1, IoU with the truth")
        ax.set(
            xlabel="frame", ylabel="score (0 to 1)", xlim=(0, max(len(track.scores) - 1, 1)), ylim=(0, 1.02)
        )
        ax.legend(loc="lower left", ncols=3)
    return fig


def video_player(
    path: str | Path, video: str | Path, track: VideoTrack, *, fps: float = 30.0, imagery: Imagery = "real"
) -> Path:
    """Write a page that plays an annotated video as pictures, at most 60 of them and 640 px wide.

    It works where a browser cannot play the video, and shows the numbers of each frame.

    Args:
        path: path of the page, ending in .html.
        video: annotated video of `track_file`.
        track: boxes and scores of its targets.
        fps: frames per second of the video, at which the page plays it.
        imagery: where the frames come from; the page says so unless they are real.

    Returns:
        The path of the page.

    Raises:
        InputError: for another suffix, or if the video cannot be read or the page cannot be written.
    """
    path = Path(path)
    if path.suffix.lower() != ".html":
        raise InputError(f"the page must be a file ending in .html, got {path}")
    images = VideoFrames(video)
    frames = spread(len(track.scores), _MOST)
    seconds = len(track.scores) / fps
    return write_player(
        path,
        f"Tracked: {images.path.name}",
        frames,
        [_small(images[frame]) for frame in frames],
        [_facts(track, frame) for frame in frames],
        legend="Each target has its number, and its score from 0 to 1, at its box.",
        imagery=imagery,
        interval=max(round(1000 * seconds / len(frames)), 40),
    )


def _small(image_rgb: np.ndarray) -> np.ndarray:
    height, width = image_rgb.shape[:2]
    if width <= _WIDEST:
        return image_rgb
    return cv2.resize(
        image_rgb, (_WIDEST, max(round(height * _WIDEST / width), 1)), interpolation=cv2.INTER_AREA
    )


def _facts(track: VideoTrack, frame: int) -> list[str]:
    return [
        f"target {target}: score {score:.2f}, x {x:.0f}, y {y:.0f}, width {w:.0f}, height {h:.0f} px"
        for target, ((x, y, w, h), score) in enumerate(
            zip(track.boxes_xywh[frame], track.scores[frame], strict=True), 1
        )
    ]
