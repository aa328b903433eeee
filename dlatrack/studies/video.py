"""A video of yours: targets are tracked through it, and it is written again with their boxes."""

from __future__ import annotations

import copy
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import cv2
import numpy as np
import torch

from dlatrack.datasets.stream import FrameStream
from dlatrack.datasets.video.writer import check_destination, nearest_rate, record
from dlatrack.devices import check_device
from dlatrack.evaluation.overlap import NOT_COMPARED, overlaps
from dlatrack.files import check_writable, write_text
from dlatrack.pixels.annotate import annotate_targets
from dlatrack.pixels.window import Drag
from dlatrack.progress import Progress
from dlatrack.tracking.online import OnlineTracker
from dlatrack.tracking.targets import Targets, TrackedFrame
from dlatrack.tracking.video import (
    VideoTrack,
    background_writer,
    check_first_boxes,
    check_outputs,
    owned_outputs,
    parse_boxes,
    prefetch,
)

#: The tracker that is taken unless another is asked for: the paper's method, as it comes with the package.
VIDEO_WEIGHTS = "dla_nanotrack_v3"

#: Largest differences between the rates of the video and of its source that are not reported: in frames per second,
#: since files hold three digits, and relative to the rate.
_RATE_TOLERANCE = (0.0005, 0.001)

_QUEUE = 8  # frames that reading may be ahead, and writing behind: 22 MB at 1280 x 720

_NO_IMAGE = np.empty((0, 0, 3), np.uint8)

#: Boxes of the targets in the first frame; see `track_file`. None: no target yet.
FirstBoxes = str | Sequence[np.ndarray] | Callable[[np.ndarray], Sequence[np.ndarray]] | None


@dataclass(frozen=True, eq=False)
class TrackedVideo:
    """What `track_file` has written."""

    path: Path | None  #: the annotated video; None: none was asked for
    table: Path | None  #: the boxes and scores, as `VideoTrack.as_csv` describes them
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
        files = [str(file) for file in (self.path, self.table) if file is not None]
        if self.stopped:
            kept = f"; they are kept: {', '.join(files)}" if files else ""
            return f"stopped after {frames} of {self.expected} frames{kept}"
        count = f"{frames} frames"
        if frames < self.expected:
            count += f" (the file declares {self.expected} and may be cut off or damaged)"
        if self.path is not None:
            count += f" of {written_size(self.size, self.source_size, self.fps, self.source_fps)}"
        whom = "1 target" if targets == 1 else f"{targets} targets"
        where = f"{files[0]}: " if files else ""
        beside = f"; boxes and scores: {files[1]}" if len(files) > 1 else ""
        return f"{where}{count}, {whom}, tracked at {frames / self.seconds:.0f} frames per second{beside}"

    def iou(self, truth_xywh: np.ndarray, target: int = 1) -> np.ndarray:
        """(T,) overlap of a target with its true boxes (T or more, 4); NaN where these are."""
        count = len(self.track.boxes_xywh)
        found = overlaps(truth_xywh[:count], self.track.boxes_xywh[:, target - 1])
        return np.where(found == NOT_COMPARED, np.nan, found)


def written_size(size: tuple[int, int], source_size: tuple[int, int], fps: float, source_fps: float) -> str:
    """Size of a video as a summary gives it, and what differs from its source, e.g. the rate."""
    text = f"{size[0]} x {size[1]} px"
    if size != source_size:
        text += f" (the source has {source_size[0]} x {source_size[1]}; videos have even sides)"
    absolute, relative = _RATE_TOLERANCE
    if abs(fps - source_fps) > min(absolute + 1e-9, relative * source_fps):
        text += f" at {fps:g} frames per second (the source has {source_fps:g})"
    return text


def track_file(
    video: str | Path,
    boxes: FirstBoxes,
    out: str | Path | None,
    *,
    table: str | Path | None = None,
    weights: str | Path = VIDEO_WEIGHTS,
    device: str = "cpu",
    on_frame: Callable[[np.ndarray], bool] | None = None,
    drawn: Callable[[], Iterable[Drag]] | None = None,
    recover: bool = False,
    runtime: str = "torch",
) -> TrackedVideo:
    """Track targets through a video, in one pass, and write it again with their boxes.

    Besides `out`, with the size and frame rate of the source or the nearest that such a file can hold, a table is
    written; both appear whole at the end. Neither takes the place of a file that is read, whatever name leads to it,
    nor of a table that this function has not written.

    Args:
        video: video file or folder of images, as `FrameStream` takes it.
        boxes: (4,) xywh of each target in the first frame, 0-based px; the same as text, e.g. "120,80,60,45", with
            semicolons between targets; or a function of the first frame that answers with boxes.
        out: video file to write, whose folder must exist; None: none.
        table: file to write boxes and scores to, ending in .csv; None: named as `out`.
        weights: weight file, or the name of a tracker that comes with the package.
        device: a torch device.
        on_frame: function called with each annotated frame, (H, W, 3) uint8 RGB; the video ends with the frame for
            which it answers False.
        drawn: function that gives the boxes that were drawn since the last frame, which set targets anew. With it,
            `boxes` may be empty or None.
        recover: whether lost targets are searched for, as in `OnlineTracker`.
        runtime: runtime of the network, as in `OnlineTracker.from_weights`.

    Raises:
        InputError: for a source that cannot be read, a box that cannot be tracked, weights or a device that are
            missing, or an output that cannot be written or that another run writes. Then nothing is left behind.
    """
    out, table = names_of_outputs(out, table)
    stream = _open_checked(video, out, table, weights, device)
    first = stream.first()
    size = (first.shape[1], first.shape[0])
    fps = stream.fps if out is None else nearest_rate(out, size, stream.fps)
    make = partial(make_tracker, weights, device, recover=recover, runtime=runtime)
    with owned_outputs(out, table):
        trackers, targets = trackers_for(make, boxes, first, later=drawn is not None)
        started = time.perf_counter()
        with (
            a_core_left(),
            Progress(stream.expected, f"tracking {stream.name}", unit="frames") as progress,
            nullcontext() if out is None else record(out, fps) as recording,
            background_writer(recording.add if recording else _nowhere, _QUEUE) as write,
        ):
            steps = _steps(prefetch(stream, _QUEUE), Targets(trackers, targets), drawn)
            track, stopped = _annotate(steps, write, progress, on_frame)
        if table is not None:
            write_text(table, track.as_csv())
    held: tuple[float, tuple[int, int]] = (recording.fps, recording.size) if recording else (fps, size)
    seconds = time.perf_counter() - started
    return TrackedVideo(out, table, track, *held, stream.fps, size, stream.expected, seconds, stopped)


def _nowhere(_image_rgb: np.ndarray) -> None:
    """Take a frame where no video is written."""


def names_of_outputs(out: str | Path | None, table: str | Path | None) -> tuple[Path | None, Path | None]:
    """Paths of a video and its table; the table of a video lies beside it unless it has another name."""
    video = None if out is None else Path(out)
    if table is not None:
        return video, Path(table)
    return video, None if video is None else video.with_suffix(".csv")


def first_boxes(boxes: FirstBoxes, image_rgb: np.ndarray, *, later: bool = False) -> list[np.ndarray]:
    """The targets in the first frame, (4,) float64 each; errors as in `track_file`.

    Args:
        boxes: boxes, as in `track_file`.
        image_rgb: (H, W, 3) uint8, the first frame.
        later: whether targets may be drawn later, so that there need be none.
    """
    if isinstance(boxes, str):
        targets = parse_boxes(boxes)
    else:
        given = boxes(image_rgb) if callable(boxes) else () if boxes is None else boxes
        targets = [np.asarray(box, np.float64) for box in given]
    if targets or not later:
        check_first_boxes(image_rgb, targets)
    return targets


def _open_checked(
    video: str | Path, out: Path | None, table: Path | None, weights: str | Path, device: str
) -> FrameStream:
    """Open the source of a video, after checking whatever could fail at the end of a long run."""
    check_device(device)
    stream = FrameStream(video)
    if out is not None:
        check_destination(out)
    check_outputs(out, table, stream, Path(weights))
    if table is not None:
        check_writable(table)
    return stream


def _steps(
    frames: Iterable[np.ndarray], targets: Targets, drawn: Callable[[], Iterable[Drag]] | None
) -> Iterator[TrackedFrame]:
    """Follow targets through frames; boxes that were drawn meanwhile set them anew."""
    for frame, image in enumerate(frames):
        for box in drawn() if drawn is not None else ():
            targets.place(box.box_xywh, add=box.add)
        yield targets.step(image, frame)


def _annotate(
    steps: Iterable[TrackedFrame],
    write: Callable[[np.ndarray], None],
    progress: Progress,
    on_frame: Callable[[np.ndarray], bool] | None,
) -> tuple[VideoTrack, bool]:
    """Draw the boxes of every frame and write it; gives all boxes, and whether `on_frame` ended the video early."""
    found, stopped = [], False
    for frame, step in enumerate(steps):
        annotate_targets(step.image_rgb, step.boxes_xywh, step.scores, frame, step.states)
        write(step.image_rgb)
        found.append(step._replace(image_rgb=_NO_IMAGE))
        progress.step(1, **step.lowest_score)
        if on_frame is not None and not on_frame(step.image_rgb):
            stopped = frame + 1 < progress.total
            break
    if not stopped:
        progress.total = progress.done  # containers miscount their frames
    return VideoTrack.of(found), stopped


@contextmanager
def a_core_left() -> Iterator[None]:
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


def make_tracker(
    weights: str | Path, device: str, *, recover: bool = False, runtime: str = "torch"
) -> OnlineTracker:
    """A tracker with the threads that it is left; arguments and errors as in `track_file`."""
    with a_core_left():  # other runtimes keep the number of threads that they are made with
        return OnlineTracker.from_weights(weights, device=device, recover=recover, runtime=runtime)


def trackers_for(
    make: Callable[[], OnlineTracker], boxes: FirstBoxes, image_rgb: np.ndarray, *, later: bool = False
) -> tuple[list[OnlineTracker], list[np.ndarray]]:
    """A tracker for each target, which share the network, and the targets in the first frame, (4,) each.

    Boxes that are given are checked before the tracker is made, which may take seconds; a user who draws them does so
    once nothing else can fail.

    Args:
        make: function that makes a tracker.
        boxes: boxes, as in `track_file`.
        image_rgb: (H, W, 3) uint8, the first frame.
        later: whether targets may be drawn later; then there is one tracker at least.
    """
    given = None if callable(boxes) else first_boxes(boxes, image_rgb, later=later)
    tracker = make()
    targets = first_boxes(boxes, image_rgb, later=later) if given is None else given
    return [tracker, *(copy.copy(tracker) for _ in targets[1:])], targets
