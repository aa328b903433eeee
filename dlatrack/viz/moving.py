"""A moving picture: the positives of a rule in the search region of a tracker, beside the box that it tracks."""

from __future__ import annotations

import base64
import io
from collections.abc import Sequence as Pictures
from dataclasses import dataclass
from functools import cached_property

import cv2
import numpy as np
from PIL import Image

from dlatrack.assign import LabelAssigner
from dlatrack.datasets.sequence import Sequence
from dlatrack.errors import InputError
from dlatrack.evaluation.overlap import overlaps
from dlatrack.imagery import MARKS
from dlatrack.pixels.annotate import target_colour
from dlatrack.pixels.colours import DARK, GREY, POSITIVE_COLOUR
from dlatrack.pixels.marks import draw_samples, mark_target, outline
from dlatrack.pixels.text import rgb, write_line
from dlatrack.viz.laboratory.region import REGION_SIZE, centred_region, cut_region
from dlatrack.viz.laboratory.study import RuleView, apply_rule
from dlatrack.viz.layers import dimmed

_ZOOM = 1.5  # picture px per region px: grid points of the usual stride lie on whole pixels
_PANEL = round(REGION_SIZE * _ZOOM)  # side of the search region, picture px
_GAP, _HEAD, _FOOT = 10, 24, 20

_QUALITY = 60  # of the WebP, 0 to 100


@dataclass(frozen=True, eq=False)
class MovingPicture:
    """Pictures that follow one another; a notebook shows them moving."""

    pictures: Pictures[np.ndarray]  #: (H, W, 3) uint8 RGB each, of one size
    fps: float  #: pictures per second

    @cached_property
    def webp(self) -> bytes:
        """An endless animated WebP; the same pictures give the same bytes."""
        first, *rest = [Image.fromarray(picture) for picture in self.pictures]
        written = io.BytesIO()
        settings = {"duration": round(1000 / self.fps), "loop": 0, "quality": _QUALITY, "method": 6}
        first.save(written, format="WEBP", save_all=True, append_images=rest, **settings)
        return written.getvalue()

    def _repr_html_(self) -> str:
        """The pictures as a part of the page."""
        width = self.pictures[0].shape[1]
        content = base64.b64encode(self.webp).decode()
        return f'<img width="{width}" alt="moving picture" src="data:image/webp;base64,{content}">'


def positives_and_track(
    sequence: Sequence,
    rule: LabelAssigner,
    boxes_xywh: np.ndarray,
    tracker: str,
    *,
    every: int = 2,
    fps: float = 8.0,
) -> MovingPicture:
    """What a rule would call positive where a tracker looks, and what the tracker answers.

    The search region is cut around the box of the frame before, as the tracker cuts it; a rule labels it by the true
    box, which only training knows.

    Args:
        sequence: a video of T frames with its truth.
        rule: label assigner.
        boxes_xywh: (T, 4) tracked boxes, 0-based px.
        tracker: name of the tracker.
        every: distance of the frames that are drawn: 1, 1 + `every`, 1 + 2 `every`, ...; of a video of one frame, 0.
        fps: pictures per second.

    Raises:
        InputError: for another number of boxes than frames, or a box without an area.
        ValueError: if `every` is less than 1, or `fps` not more than 0.
    """
    if every < 1 or not fps > 0:
        raise ValueError(f"every must be 1 or more and fps more than 0, got every {every} and fps {fps}")
    if len(boxes_xywh) != len(sequence):
        raise InputError(
            f"{sequence.name} has {len(sequence)} frames and {len(boxes_xywh)} tracked boxes; one for each is needed"
        )
    if not (boxes_xywh[:, 2:] > 0).all():
        frame = int(np.flatnonzero(~(boxes_xywh[:, 2:] > 0).all(1))[0])
        raise InputError(f"the box that was tracked in frame {frame} of {sequence.name} has no area")
    found = overlaps(sequence.boxes_xywh, boxes_xywh)
    pictures = []
    for frame in range(1, len(sequence), every) if len(sequence) > 1 else (0,):
        image = sequence.frames[frame]
        left = _labelled(image, sequence, frame, boxes_xywh[max(frame - 1, 0)], rule)
        right = _tracked(
            image, boxes_xywh[frame], tracker, found[frame] if sequence.visible[frame] else np.nan
        )
        between = np.full((left.shape[0], _GAP, 3), 255, np.uint8)
        page = np.concatenate([left, between, right], 1)
        foot = np.full((_FOOT, page.shape[1], 3), 255, np.uint8)
        write_line(
            foot, MARKS[sequence.imagery], page.shape[1] - 4, 14, size=11, colour=rgb(GREY), align="right"
        )
        pictures.append(np.concatenate([page, foot]))
    return MovingPicture(pictures, fps)


def _labelled(
    image: np.ndarray, sequence: Sequence, frame: int, around_xywh: np.ndarray, rule: LabelAssigner
) -> np.ndarray:
    """The search region around a box with the samples of a rule, and their number above it."""
    region = centred_region(around_xywh)
    pixels = cut_region(image, region)
    if not sequence.visible[frame]:
        return _titled(_scaled(pixels, _PANEL / pixels.shape[1]), "the target is not in sight")
    target = region.from_frame(sequence.boxes_xywh[frame])
    view = apply_rule(rule, target)
    return _titled(_draw_samples_on(pixels, target, view), _count(view))


def _count(view: RuleView) -> str:
    count = view.counts["positive"]
    samples = f"{count} positive" + (
        f" of {len(view.candidates)} candidates" if view.candidates is not None else ""
    )
    return samples + (f", T = {view.threshold:.2f}" if view.mean_std else "")


def _tracked(image: np.ndarray, box_xywh: np.ndarray, tracker: str, iou: float) -> np.ndarray:
    """The frame, as high as a search region, with the tracked box."""
    scale = _PANEL / image.shape[0]
    picture = _scaled(image, scale)
    corners = np.concatenate([box_xywh[:2], box_xywh[:2] + box_xywh[2:]]) * scale
    outline(picture, corners, rgb(DARK), 5)
    outline(picture, corners, rgb(target_colour(1)), 3)
    return _titled(picture, f"{tracker}: " + ("no target" if np.isnan(iou) else f"IoU {iou:.2f}"))


def _titled(picture: np.ndarray, title: str) -> np.ndarray:
    head = np.full((_HEAD, picture.shape[1], 3), 255, np.uint8)
    write_line(head, title, picture.shape[1] / 2, 16, size=13, align="centre", bold=True)
    return np.concatenate([head, picture])


def _draw_samples_on(region_rgb: np.ndarray, target_xyxy: np.ndarray, rule: RuleView) -> np.ndarray:
    """A search region (255, 255, 3) under one rule, enlarged, with its samples and the target (4,) in region px."""
    shift = 0.5 * _ZOOM - 0.5
    matrix = np.array([[_ZOOM, 0, shift], [0, _ZOOM, shift]])
    panel = cv2.warpAffine(dimmed(region_rgb), matrix, (_PANEL, _PANEL), borderMode=cv2.BORDER_REPLICATE)
    grid, shapes = rule.assigner.grid, rule.assigner.anchor_shapes
    labels = rule.labels.reshape(grid.size**2, len(shapes))
    if len(shapes) > 1:
        for box in grid.anchors(shapes).numpy()[rule.labels == 1]:
            outline(panel, _to_picture(box), rgb(POSITIVE_COLOUR))
    mark_target(panel, _to_picture(target_xyxy))
    nearest = None if rule.candidates is None else np.unique(rule.candidates // len(shapes))
    draw_samples(panel, _to_picture(grid.points.numpy()), labels, nearest, grid.stride * _ZOOM)
    return panel


def _to_picture(region_px: np.ndarray) -> np.ndarray:
    """Coordinates in a search region as coordinates in its enlarged picture; both count pixel centres."""
    return (region_px + 0.5) * _ZOOM - 0.5


def _scaled(image_rgb: np.ndarray, scale: float) -> np.ndarray:
    """An image with both sides multiplied by `scale` and rounded to whole px."""
    size = [round(side * scale) for side in image_rgb.shape[1::-1]]
    return cv2.resize(image_rgb, size, interpolation=cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR)
