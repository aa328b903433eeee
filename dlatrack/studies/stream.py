"""A camera, an address or a pipe: targets are tracked while it runs, and results are written as they come."""

from __future__ import annotations

import math
import time
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import numpy as np

from dlatrack.datasets.video.live import LiveSource
from dlatrack.datasets.video.writer import Recording, check_destination, check_growing, nearest_rate, record
from dlatrack.devices import check_device
from dlatrack.errors import counted
from dlatrack.files import check_writable
from dlatrack.pixels.annotate import annotate_targets
from dlatrack.pixels.window import Drag
from dlatrack.progress import Progress
from dlatrack.studies.video import (
    VIDEO_WEIGHTS,
    FirstBoxes,
    a_core_left,
    make_tracker,
    names_of_outputs,
    trackers_for,
    written_size,
)
from dlatrack.tracking.feed import Feed
from dlatrack.tracking.run import Tracker
from dlatrack.tracking.table import GrowingTable, growing_table, table_rows
from dlatrack.tracking.targets import Targets, TrackedFrame
from dlatrack.tracking.video import background_writer, check_outputs, owned_outputs

_QUEUE = 8  # frames that reading may be ahead, and writing behind: 22 MB at 1280 x 720

#: Frames over which lag is summed up, five minutes at 30 frames per second: a stream may run for days.
_LAGS = 9000

_BREAK = 2.0  # seconds between two frames that are a break of the source, and say nothing about its rate


@dataclass(frozen=True)
class TrackedStream:
    """What `track_stream` has done."""

    name: str  #: name of the source
    path: Path | None  #: the annotated video
    table: Path | None  #: the boxes and scores, as `VideoTrack.as_csv` describes them
    first: int  #: number of the first tracked frame; those before it came while the trackers were loaded
    frames: int  #: number of tracked frames
    dropped: int  #: number of frames that were left out after the first to keep up
    breaks: int  #: number of breaks after which the source came back
    note: str  #: why the source ended, if it did not say so itself; else ""
    #: median and 95th percentile of the time from a frame to its result, ms, over the last frames that came while
    #: the newest one was tracked; empty: there were none
    lag_ms: tuple[float, ...]
    size: str  #: size and rate of the video as text; "" without one
    seconds: float  #: seconds of tracking, drawing and handing over, without waiting for frames
    source_fps: float  #: frames per second at which the source gave them, breaks left out; NaN: of one frame
    spacing: (
        int  #: largest distance of the frames that were kept until the newest one was reached, see `Feed`
    )
    stopped: bool  #: whether it was stopped before the source ended

    @property
    def summary(self) -> str:
        """One line on the frames and how well they were kept up with."""
        files = [str(file) for file in (self.path, self.table) if file is not None]
        parts = [counted(self.frames, "frame") + (f" of {self.size}" if self.size else "")]
        if self.first:
            parts[0] += f" from frame {self.first} on"
        if self.dropped:
            parts.append(f"{self.dropped:,} dropped to keep up")
        if self.breaks:
            parts.append(f"{counted(self.breaks, 'break')} after which it came back")
        if self.spacing > 1:
            parts.append(f"one in {self.spacing} of those that came until the newest was reached")
        came = "" if math.isnan(self.source_fps) else f" (they came at {self.source_fps:.0f})"
        parts.append(f"tracked at {self.frames / max(self.seconds, 1e-9):.0f} frames per second{came}")
        if self.lag_ms:
            parts.append(f"each {self.lag_ms[0]:.0f} ms after it came (95 %: {self.lag_ms[1]:.0f} ms)")
        ended = "stopped after " if self.stopped else ""
        kept = f"; written: {', '.join(files)}" if files else ""
        note = f"; {self.note}; what was tracked is kept" if self.note else ""
        return f"{self.name}: {ended}{', '.join(parts)}{kept}{note}"


def track_stream(
    source: LiveSource,
    boxes: FirstBoxes,
    out: str | Path | None,
    *,
    table: str | Path | None = None,
    drop: bool = False,
    feed: Feed | None = None,
    weights: str | Path = VIDEO_WEIGHTS,
    device: str = "cpu",
    on_frame: Callable[[np.ndarray], bool] | None = None,
    drawn: Callable[[], Iterable[Drag]] | None = None,
    stopped: Callable[[], object] = lambda: False,
    recover: bool = False,
    runtime: str = "torch",
) -> TrackedStream:
    """Track targets through a live source in one pass; see `studies.video.track_file` for files.

    Table and video are written in place, frame by frame, and replace earlier ones: a killed process loses no written
    row, and its video can be played.

    Args:
        source: open source, which this function closes.
        boxes: targets in the first frame, as in `track_file`.
        out: video file to write, ending in .mp4, .mkv or .mov; None: none. Its time is that of the source: frames
            that are dropped make the one before them last longer.
        table: .csv file for boxes and scores; None: named as `out`. Dropped frames are gaps in its numbers.
        drop: whether to drop frames while tracking is slower than the source, so that the newest one is always next.
            Then boxes that are given are those of the frame that comes once the trackers are ready. Where `boxes` is
            a function, targets are followed from the first frame through those that came meanwhile, see `Feed`.
        feed: feed of `source` that is read already; None: one is made, as `drop` says.
        weights: weight file, or the name of a tracker that comes with the package.
        device: a torch device.
        on_frame: function called with each annotated frame, as in `track_file`.
        drawn: function that gives the boxes drawn since the last frame, as there.
        stopped: function that says whether to stop, asked while no frame comes.
        recover: whether lost targets are searched for, as in `OnlineTracker`.
        runtime: runtime of the network, as there.

    Raises:
        InputError: before tracking for a bad box, missing weights or device, or an output that cannot be written or
            has another run. Later if the source changes its size, a tracker fails or the disk is full; all is kept.
    """
    with ExitStack() as stack:
        stack.callback(source.close)
        results = _Results(*names_of_outputs(out, table), source)
        results.check(weights, device)
        stack.enter_context(owned_outputs(results.out, results.table))
        reading = feed or Feed(source, None if drop else _QUEUE, from_first=callable(boxes))
        if feed is None and drop:  # from now on, so that the source does not wait for a box or for weights
            stack.enter_context(reading)
        make = partial(make_tracker, weights, device, recover=recover, runtime=runtime)
        trackers, targets = trackers_for(make, boxes, source.first(), later=drawn is not None)
        if drop:
            _warm_up(trackers, targets, source.first())
        results.open(stack)
        if feed is None and not drop:
            stack.enter_context(reading)
        tracked = _follow(reading, Targets(trackers, targets), results, on_frame, drawn, stopped)
    return replace(tracked, size=results.size)  # known once the thread that writes is done


def _warm_up(trackers: Sequence[Tracker], targets: Sequence[np.ndarray], image_rgb: np.ndarray) -> None:
    """Let trackers take a step: the first one takes longer, and targets would move on meanwhile."""
    for tracker, box in zip(trackers, targets, strict=False):
        tracker.init(image_rgb, box)
        tracker.update(image_rgb)


class _Results:
    """The table and the video of a stream, written in place."""

    def __init__(self, out: Path | None, table: Path | None, source: LiveSource) -> None:
        self.out, self.table, self.source = out, table, source
        self._rows: GrowingTable | None = None
        self._recording: Recording | None = None
        self._write: Callable[[tuple[np.ndarray, int]], None] | None = None

    def check(self, weights: str | Path, device: str) -> None:
        """Check whatever could fail after a user has chosen targets."""
        check_device(device)
        if self.out is not None:
            check_growing(self.out)
            check_destination(self.out)
            height, width = self.source.first().shape[:2]
            nearest_rate(self.out, (width, height), self.source.fps)
        check_outputs(self.out, self.table, None, Path(weights))
        if self.table is not None:
            check_writable(self.table)

    def open(self, stack: ExitStack) -> None:
        """Open the files until the stack ends."""
        if self.table is not None:
            self._rows = stack.enter_context(growing_table(self.table))
        if self.out is not None:
            self._recording = stack.enter_context(record(self.out, self.source.fps, growing=True))
            self._write = stack.enter_context(background_writer(self._add_image, _QUEUE))

    def add(self, number: int, step: TrackedFrame) -> None:
        """Write the rows of a frame, draw its boxes, and write it in a thread of its own."""
        if self._rows is not None:
            self._rows.add_text(table_rows(number, step.boxes_xywh, step.scores, step.certainties))
        annotate_targets(step.image_rgb, step.boxes_xywh, step.scores, number, step.states)
        if self._write is not None:
            self._write((step.image_rgb, number))

    @property
    def size(self) -> str:
        """Size and rate of the video for the summary; "" without one."""
        if self._recording is None:
            return ""
        height, width = self.source.first().shape[:2]
        return written_size(self._recording.size, (width, height), self._recording.fps, self.source.fps)

    def _add_image(self, numbered: tuple[np.ndarray, int]) -> None:
        assert self._recording is not None
        self._recording.add(*numbered)


def _follow(
    feed: Feed,
    targets: Targets,
    results: _Results,
    on_frame: Callable[[np.ndarray], bool] | None,
    drawn: Callable[[], Iterable[Drag]] | None,
    stopped: Callable[[], object],
) -> TrackedStream:
    """Track through all frames of a feed."""
    lags: deque[float] = deque(maxlen=_LAGS)
    first, frames, seconds, source = 0, 0, 0.0, results.source
    rate = _SourceRate()
    with a_core_left(), Progress(None, f"tracking {source.name}", unit="frames") as progress:
        ended_early = False
        for number, came, image in feed.arrivals(stopped):
            begun = time.perf_counter()
            rate.add(number, came)
            for box in drawn() if drawn is not None else ():
                targets.place(box.box_xywh, add=box.add)
            step = targets.step(image, number)
            results.add(number, step)
            frames += 1
            if frames == 1:
                first = number
            elif feed.caught_up:  # the first ones wait for their targets and trackers
                lags.append(1000 * (time.monotonic() - came))
            progress.step(1, **step.lowest_score)
            ended_early = (on_frame is not None and not on_frame(image)) or bool(stopped())
            seconds += time.perf_counter() - begun
            if ended_early:
                break
    return TrackedStream(
        name=source.name,
        path=results.out,
        table=results.table,
        first=first,
        frames=frames,
        dropped=feed.dropped - first,
        breaks=source.breaks,
        note=source.note,
        lag_ms=(float(np.median(lags)), float(np.percentile(lags, 95))) if lags else (),
        size="",
        seconds=seconds,
        source_fps=rate.fps,
        spacing=feed.spacing,
        stopped=ended_early or bool(stopped()),
    )


class _SourceRate:
    """The rate at which a source gives its frames."""

    def __init__(self) -> None:
        self._last: tuple[int, float] | None = None
        self._frames, self._seconds = 0, 0.0

    def add(self, number: int, came: float) -> None:
        """Count a frame by its number and time, s; what comes after a break does not count."""
        if self._last is not None and came - self._last[1] < _BREAK:
            self._frames += number - self._last[0]
            self._seconds += came - self._last[1]
        self._last = (number, came)

    @property
    def fps(self) -> float:
        """Frames per second; NaN before the second frame."""
        return self._frames / self._seconds if self._seconds else math.nan
