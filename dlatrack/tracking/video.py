"""Tracking several targets through a video, with reading and writing in threads of their own."""

from __future__ import annotations

import os
import re
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import numpy as np

from dlatrack.datasets.box_text import LARGEST_PX, to_number
from dlatrack.datasets.stream import FrameStream
from dlatrack.errors import InputError, shortened
from dlatrack.files import owned_file, same_file
from dlatrack.tracking.run import Tracker
from dlatrack.tracking.steps.state import TargetState
from dlatrack.tracking.table import CSV_HEADER, UNKNOWN, Certainty, check_table, table_rows
from dlatrack.tracking.targets import Targets, TrackedFrame

Item = TypeVar("Item")

_END = object()


@dataclass(frozen=True, eq=False)
class VideoTrack:
    """Boxes and scores of N targets in T frames; NaN before a target is set that comes later."""

    boxes_xywh: np.ndarray  #: (T, N, 4) float64, 0-based px; row 0 holds the given boxes
    scores: np.ndarray  #: (T, N) float64, target probability 0..1; row 0 is 1
    #: T times N values; none where the tracker has no calibration
    certainties: Sequence[Sequence[Certainty]] = ()

    @classmethod
    def of(cls, steps: Sequence[TrackedFrame]) -> VideoTrack:
        """Boxes and scores of the frames of a video, in order; images are not used."""
        shape = len(steps), len(steps[-1].scores)
        boxes, scores = np.full((*shape, 4), np.nan), np.full(shape, np.nan)
        certainties = [[UNKNOWN] * shape[1] for _ in steps]
        for frame, step in enumerate(steps):
            count = len(step.scores)
            boxes[frame, :count], scores[frame, :count] = step.boxes_xywh, step.scores
            certainties[frame][:count] = step.certainties
        return cls(boxes, scores, certainties)

    def as_csv(self) -> str:
        """CSV text: a header, and a row frame,target,x,y,w,h,score,probability,state for each target in each frame.

        Frames and px count from 0 and targets from 1; x, y is the top left corner. Probability and state are empty
        where the tracker has no calibration.
        """
        unknown = [UNKNOWN] * self.scores.shape[1]
        certainties = self.certainties or [unknown] * len(self.scores)
        rows = zip(self.boxes_xywh, self.scores, certainties, strict=True)
        return f"{CSV_HEADER}\n" + "".join(table_rows(frame, *row) for frame, row in enumerate(rows))


def parse_boxes(text: str) -> list[np.ndarray]:
    """Read boxes from text: four numbers x, y, w, h for each target, targets separated by semicolons.

    Returns:
        (4,) float64 each; none for an empty text.

    Raises:
        InputError: naming the part that is not four numbers.
    """
    boxes = []
    for part in filter(str.strip, text.split(";")):
        try:
            numbers = [to_number(number) for number in re.split(r"[,\s]+", part.strip(" ,"))]
        except ValueError:
            numbers = []
        if len(numbers) != 4:
            raise InputError(
                f"a box is four numbers x,y,w,h in px of the first frame, got {shortened(part.strip())!r}"
            )
        boxes.append(np.array(numbers))
    return boxes


def check_first_boxes(image_rgb: np.ndarray, boxes_xywh: Sequence[np.ndarray]) -> None:
    """Reject boxes with which no tracker could start.

    Args:
        image_rgb: (H, W, 3) uint8, the first frame.
        boxes_xywh: (4,) each, 0-based px.

    Raises:
        InputError: if there is no box; naming the first that is not four finite numbers, has no area, lies outside
            the image, or has a number beyond the largest image.
    """
    if not len(boxes_xywh):
        raise InputError("a box x,y,w,h around the target in the first frame is needed")
    for target, box in enumerate(boxes_xywh, 1):
        try:
            TargetState.from_box(image_rgb, box)
        except InputError as error:
            raise InputError(f"target {target}: {error}") from error
        if np.abs(box).max() > LARGEST_PX:
            raise InputError(
                f"target {target}: the first box {np.asarray(box).tolist()} has a number beyond {LARGEST_PX} px, "
                f"which no image reaches"
            )


def check_outputs(out: Path | None, table: Path | None, source: FrameStream | None, weights: Path) -> None:
    """Reject outputs that would overwrite an input, the place of an input's true boxes, or a foreign table.

    Paths are compared by the file to which they resolve, through links, hard links and letters of another case. The
    true boxes of a video would be in a CSV file with its name, or with that of the file to which a link resolves. An
    existing table must be one of `VideoTrack.as_csv`. New files may lie among the images of a clip, since readers
    skip files that are not images.

    Args:
        out: annotated video to write; None: none.
        table: file of boxes and scores to write; None: none.
        source: video to track; None: one that is no file.
        weights: weight file of the tracker, or a name that is no file.

    Raises:
        InputError: naming both files.
    """
    if table is not None and table.suffix.lower() != ".csv":
        raise InputError(f"{table} is no name for the table of boxes and scores; it must end in .csv")
    files = [] if source is None else source.files
    for output in filter(None, (out, table)):
        if output.exists():
            for read in (*files, weights):
                if same_file(output, read):
                    raise InputError(f"{output} is {read}, which is read; the output needs another name")
    if table is None:
        return
    if source is not None and source.path.is_file():
        for video in (source.path, source.path.resolve()):
            truth = video.with_suffix(".csv")
            if same_file(table, truth):
                beside = out is not None and table == out.with_suffix(".csv")
                cause = (
                    f"{out} differs from the video in its suffix at most" if beside else f"{table} is taken"
                )
                raise InputError(
                    f"{cause}; the output needs another name, because {truth.name} is where the true boxes of "
                    f"{video.name} would be"
                )
    check_table(table)


@contextmanager
def owned_outputs(*outputs: Path | None) -> Iterator[None]:
    """Keep every other run from writing a video or a table while the block runs, whatever link leads to it.

    Args:
        outputs: files to write; None: none.

    Raises:
        InputError: as `files.owned_file`.
    """
    with ExitStack() as stack:
        for output in filter(None, outputs):
            stack.enter_context(owned_file(os.path.realpath(output), what=str(output)))
        yield


def follow(
    frames: Iterable[np.ndarray], trackers: Sequence[Tracker], boxes_xywh: Sequence[np.ndarray]
) -> Iterator[TrackedFrame]:
    """Track targets through frames in one pass, each with its own tracker.

    Args:
        frames: (H, W, 3) uint8 RGB.
        trackers: a tracker for each target; this function initialises them.
        boxes_xywh: (4,) each, the targets in the first frame, 0-based px.

    Yields:
        Each frame with the boxes of the targets.

    Raises:
        InputError: naming frame and target, if a tracker rejects a frame; as `check_first_boxes`.
    """
    targets = Targets(trackers, boxes_xywh)
    for frame, image in enumerate(frames):
        if frame == 0:
            check_first_boxes(image, boxes_xywh)
        yield targets.step(image, frame)


def prefetch(items: Iterable[Item], depth: int) -> Iterator[Item]:
    """Iterate over items in a thread of its own, up to `depth` items in advance.

    Threads are enough for work to overlap, since OpenCV and torch release the interpreter while they compute.
    """
    source = iter(items)
    reader = ThreadPoolExecutor(1, "dlatrack reading")
    waiting = deque(reader.submit(next, source, _END) for _ in range(depth))
    try:
        while (item := waiting.popleft().result()) is not _END:
            waiting.append(reader.submit(next, source, _END))
            yield item  # type: ignore[misc]
    finally:
        reader.shutdown(cancel_futures=True)


@contextmanager
def background_writer(do: Callable[[Item], None], depth: int) -> Iterator[Callable[[Item], None]]:
    """Call a function with items, in order, in a thread of its own.

    Args:
        do: function of an item.
        depth: largest number of waiting items.

    Yields:
        A function that queues an item, and blocks only while `depth` items wait. At the end of the block the queue is
        empty.

    Raises:
        Exception: the exception of `do`, when a later item is queued or at the end.
    """
    waiting: deque[Future[None]] = deque()
    with ThreadPoolExecutor(1, "dlatrack writing") as writer:

        def later(item: Item) -> None:
            if len(waiting) == depth:
                waiting.popleft().result()
            waiting.append(writer.submit(do, item))

        yield later
        for call in waiting:
            call.result()
