"""Supervised runs of VOT: a tracker that fails is restarted five frames later."""

from __future__ import annotations

import time
from dataclasses import dataclass

import numpy as np

from dlatrack.datasets.sequence import Sequence
from dlatrack.datasets.vot2019 import box_corners
from dlatrack.errors import InputError
from dlatrack.evaluation.vot.fragments import RESTART_AFTER
from dlatrack.evaluation.vot.regions import region_overlaps
from dlatrack.evaluation.vot.results import FAILED, INITIALISED, REGION, SKIPPED, VOTRun
from dlatrack.tracking.run import Tracker


@dataclass(frozen=True, eq=False)
class ResetResult:
    """Regions and times of a tracker on a sequence of T frames."""

    #: a code for every frame, and the tracker's boxes; coordinates as in the truth of the sequence
    run: VOTRun
    #: (T,) float64, seconds in `init` and `update`, without reading the image; NaN for skipped frames
    seconds: np.ndarray
    read_seconds: np.ndarray  #: (T,) float64, seconds to read and decode the image; NaN for skipped frames


def run_with_resets(tracker: Tracker, sequence: Sequence) -> ResetResult:
    """Track a sequence and restart the tracker after every failure.

    The tracker starts on `start_box` of the first frame. A frame in which its box does not overlap the true region
    within the image is a failure; the next start is `RESTART_AFTER` frames later, and the frames between are not
    read. After a failure in the last frames there is no restart.

    Args:
        tracker: any tracker; this function initialises it at every start.
        sequence: a sequence with a polygon, or else a box, in every frame.

    Raises:
        InputError: naming sequence and frame, if a frame has no true region, or the tracker rejects a frame or
            answers with numbers that are not finite.

    Source: VOT challenge, supervised experiment; pysot, tools/test.py.
    """
    truth = true_regions(sequence)
    count = len(sequence)
    codes, regions = np.full(count, SKIPPED, np.int8), np.full((count, 8), np.nan)
    seconds, read_seconds = np.full(count, np.nan), np.full(count, np.nan)
    start = 0
    for index in range(count):
        if index < start:
            continue
        asked = time.perf_counter()
        image = None  # the last frame is freed before the next is decoded
        image = sequence.frames[index]
        started = time.perf_counter()
        try:
            if index == start:
                tracker.init(image, start_box(truth[index]))
            else:
                regions[index, :4] = tracker.update(image)[0]
        except InputError as error:
            raise error.at(f"sequence {sequence.name}, frame {index}") from error
        seconds[index] = time.perf_counter() - started
        read_seconds[index] = started - asked
        if index == start:
            codes[index] = INITIALISED
        elif _overlap(sequence.name, index, regions[index, :4], truth[index], image) > 0:
            codes[index] = REGION
        else:
            codes[index], regions[index] = FAILED, np.nan
            start = index + RESTART_AFTER
    return ResetResult(VOTRun(codes, regions), seconds, read_seconds)


def start_box(corners_xy: np.ndarray) -> np.ndarray:
    """The upright box on which a tracker starts, with the centre and about the area of a polygon.

    Args:
        corners_xy: (8,) x1, y1, ..., x4, y4, corners in order around the polygon, px.

    Returns:
        (4,) xywh. Its centre is the mean of the corners. Its sides are those of the box around the polygon, both
        scaled so that the areas agree, plus one: corners lie on pixels, and a box covers them.

    Source: pysot, `get_axis_aligned_bbox`, as tools/test.py calls it.
    """
    points = corners_xy.reshape(4, 2)
    extent = points.max(0) - points.min(0)
    first, second = np.linalg.norm(points[1] - points[0]), np.linalg.norm(points[2] - points[1])
    size = np.sqrt(first * second / extent.prod()) * extent + 1
    return np.concatenate([points.mean(0) - (size - 1) / 2, size])


def true_regions(sequence: Sequence) -> np.ndarray:
    """The true regions of a reset run, as corners.

    They are the polygons of the sequence, unless it has none or all of them are corners of its boxes, as in
    conduction1 of VOT2019. Then they are the centres of the corner pixels of each box, so that `start_box` gives the
    box itself. This is pysot's rule for running; its evaluation takes the outer corners of the box.

    Args:
        sequence: a sequence with a polygon, or else a box, in every frame.

    Returns:
        (T, 8) float64, px.

    Raises:
        InputError: naming sequence and frame, if a region is not finite or has no area.
    """
    polygons, boxes_xywh = sequence.polygons, sequence.boxes_xywh
    if polygons is None or np.array_equal(polygons, box_corners(boxes_xywh)):
        polygons = box_corners(boxes_xywh - np.array([0, 0, 1, 1]))
    extent = np.ptp(polygons, axis=1)  # NaN stays
    usable = np.isfinite(polygons).all((1, 2)) & (extent > 0).all(1)
    if not usable.all():
        frame = int(np.argmin(usable))
        values = ",".join(f"{value:g}" for value in polygons[frame].ravel())
        raise InputError(
            f"sequence {sequence.name}, frame {frame}: the true region {values} must be finite and have an area; "
            f"a run with resets needs one in every frame"
        )
    return polygons.reshape(-1, 8)


def _overlap(name: str, frame: int, box_xywh: np.ndarray, truth: np.ndarray, image: np.ndarray) -> float:
    if not np.isfinite(box_xywh).all():
        values = ",".join(f"{value:g}" for value in box_xywh)
        raise InputError(f"sequence {name}, frame {frame}: the tracker answered {values}; it must be finite")
    size = (image.shape[1], image.shape[0])
    return float(region_overlaps(box_xywh[None], truth[None], bounds=size, protocol="pysot")[0])
