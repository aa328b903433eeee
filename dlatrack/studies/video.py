"""A video of yours: targets are tracked through it, and it is written again with their boxes."""

from __future__ import annotations

import copy
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import cv2
import numpy as np
import torch

from dlatrack import paths
from dlatrack.datasets.photographic import photographic_sequence
from dlatrack.datasets.sequence import Sequence as Clip
from dlatrack.datasets.stream import FrameStream
from dlatrack.datasets.video.writer import check_destination, nearest_rate, record
from dlatrack.devices import check_device
from dlatrack.errors import InputError
from dlatrack.evaluation.overlap import NOT_COMPARED, overlaps
from dlatrack.files import check_writable, write_text
from dlatrack.imagery import MARKS, Imagery
from dlatrack.pixels.annotate import annotate_targets
from dlatrack.progress import Progress
from dlatrack.studies.presets import sizes
from dlatrack.tracking.online import OnlineTracker
from dlatrack.tracking.video import (
    TrackedFrame,
    VideoTrack,
    background_writer,
    check_first_boxes,
    check_outputs,
    follow,
    parse_boxes,
    prefetch,
)

#: The tracker that is taken unless another is asked for: the paper's method, as it comes with the package.
VIDEO_WEIGHTS = "dla_nanotrack_v3"

#: Largest differences between the rates of the video and of its source that are not reported: in frames per second,
#: since files hold three digits, and relative to the rate.
_RATE_TOLERANCE = (0.0005, 0.001)

_QUEUE = 8  # frames that reading may be ahead, and writing behind: 22 MB at 1280 x 720

#: Seed of the example video, used by no training; in it the target is covered for a while, which the scores show.
_EXAMPLE_SEED = 6_000_019


@dataclass(frozen=True, eq=False)
class TrackedVideo:
    """What `track_file` has written."""

    path: Path  #: the annotated video
    table: Path  #: the boxes and scores, as `VideoTrack.as_csv` describes them
    track: VideoTrack  #: the same as numbers
    fps: float  #: frames per second of the video
    size: tuple[int, int]  #: its width and height, px; where a side of the source is odd, one less
    source_fps: float  #: frames per second of the source, which may be more than the file can hold
    source_size: tuple[int, int]  #: width and height of the source, px
    expected: int  #: frames that the source should have, as `FrameStream` says
    seconds: float  #: seconds of tracking, reading and writing included
    stopped: bool  #: whether it was stopped before the end of the source

    @property
    def summary(self) -> str:
        """One line on the video and the speed of tracking."""
        frames, targets = self.track.scores.shape
        if self.stopped:
            return (
                f"stopped after {frames} of {self.expected} frames; they are kept: {self.path}, {self.table}"
            )
        count = f"{frames} frames"
        if frames < self.expected:
            count += f" (the file declares {self.expected} and may be cut off or damaged)"
        size = f"{self.size[0]} x {self.size[1]} px"
        if self.size != self.source_size:
            size += f" (the source has {self.source_size[0]} x {self.source_size[1]}; videos have even sides)"
        absolute, relative = _RATE_TOLERANCE
        if abs(self.fps - self.source_fps) > min(absolute + 1e-9, relative * self.source_fps):
            size += f" at {self.fps:g} frames per second (the source has {self.source_fps:g})"
        whom = "1 target" if targets == 1 else f"{targets} targets"
        return (
            f"{self.path}: {count} of {size}, {whom}, tracked at {frames / self.seconds:.0f} frames per second; "
            f"boxes and scores: {self.table}"
        )

    def iou(self, truth_xywh: np.ndarray, target: int = 1) -> np.ndarray:
        """(T,) overlap of a target with its true boxes (T or more, 4); NaN where these are."""
        count = len(self.track.boxes_xywh)
        found = overlaps(truth_xywh[:count], self.track.boxes_xywh[:, target - 1])
        return np.where(found == NOT_COMPARED, np.nan, found)


def track_file(
    video: str | Path,
    boxes: str | Sequence[np.ndarray],
    out: str | Path,
    *,
    weights: str | Path = VIDEO_WEIGHTS,
    device: str = "cpu",
    on_frame: Callable[[np.ndarray], bool] | None = None,
) -> TrackedVideo:
    """Track targets through a video, in one pass, and write it again with their boxes.

    Besides `out`, with the size and frame rate of the source or the nearest that such a file can hold, a file of the
    same name ending in .csv is written; both appear whole at the end. Neither takes the place of a file that is read,
    whatever name leads to it, nor of a table that this function has not written.

    Args:
        video: video file or folder of images, as `FrameStream` takes it.
        boxes: (4,) xywh of each target in the first frame, 0-based px; or the same as text, e.g. "120,80,60,45", with
            semicolons between targets.
        out: video file to write; its folder must exist.
        weights: weight file, or the name of a tracker that comes with the package.
        device: a torch device.
        on_frame: called with each annotated frame, (H, W, 3) uint8 RGB; the video ends with the frame for which it
            answers False.

    Raises:
        InputError: for a source that cannot be read, a box that cannot be tracked, weights or a device that are
            missing, or an output that cannot be written. Then nothing is left behind.
    """
    out, table = Path(out), Path(out).with_suffix(".csv")
    stream = _open_checked(video, out, table, weights, device)
    targets = parse_boxes(boxes) if isinstance(boxes, str) else [np.asarray(box, np.float64) for box in boxes]
    first = stream.first()
    check_first_boxes(first, targets)
    size = (first.shape[1], first.shape[0])
    fps = nearest_rate(out, size, stream.fps)
    trackers = _trackers(weights, len(targets), device)
    started = time.perf_counter()
    with (
        _a_core_left(),
        Progress(stream.expected, f"tracking {stream.name}", unit="frames") as progress,
        record(out, fps) as recording,
        background_writer(recording.add, _QUEUE) as write,
    ):
        track, stopped = _annotate(
            follow(prefetch(stream, _QUEUE), trackers, targets), write, progress, on_frame
        )
    write_text(table, track.as_csv())
    return TrackedVideo(
        path=out,
        table=table,
        track=track,
        fps=recording.fps,
        size=recording.size,
        source_fps=stream.fps,
        source_size=size,
        expected=stream.expected,
        seconds=time.perf_counter() - started,
        stopped=stopped,
    )


def _open_checked(video: str | Path, out: Path, table: Path, weights: str | Path, device: str) -> FrameStream:
    """Open the source of a video, after checking whatever could fail at the end of a long run."""
    check_device(device)
    stream = FrameStream(video)
    check_destination(out)
    check_outputs(out, table, stream, Path(weights))
    check_writable(table)
    return stream


def _annotate(
    steps: Iterable[TrackedFrame],
    write: Callable[[np.ndarray], None],
    progress: Progress,
    on_frame: Callable[[np.ndarray], bool] | None,
) -> tuple[VideoTrack, bool]:
    """Draw the boxes of every frame and write it; gives all boxes, and whether `on_frame` ended the video early."""
    found, scores, stopped = [], [], False
    for frame, step in enumerate(steps):
        annotate_targets(step.image_rgb, step.boxes_xywh, step.scores, frame)
        write(step.image_rgb)
        found.append(step.boxes_xywh)
        scores.append(step.scores)
        progress.step(score=float(step.scores.min()))
        if on_frame is not None and not on_frame(step.image_rgb):
            stopped = progress.done < progress.total
            break
    if not stopped:
        progress.total = progress.done  # containers miscount their frames
    return VideoTrack(np.stack(found), np.stack(scores)), stopped


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
        path = Path(video).expanduser()
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


@contextmanager
def _a_core_left() -> Iterator[None]:
    """Keep torch and OpenCV from taking the core that reads and writes.

    Threads of torch wait for one another in a loop: with two of them on two cores, a 1280 x 720 video takes a fifth
    longer.
    """
    before = torch.get_num_threads(), cv2.getNumThreads()
    torch.set_num_threads(max(before[0] - 1, 1))
    cv2.setNumThreads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before[0])
        cv2.setNumThreads(before[1])


def _trackers(weights: str | Path, count: int, device: str) -> list[OnlineTracker]:
    """A tracker for each target; they share the network."""
    first = OnlineTracker.from_weights(weights, device=device)
    return [first, *(copy.copy(first) for _ in range(count - 1))]
