"""Ground truth of a scene: boxes, polygons, masks, absence, attributes."""

from __future__ import annotations

import cv2
import numpy as np

from dlatrack.boxes import xyxy_to_xywh
from dlatrack.datasets.sequence import Frames, Sequence
from dlatrack.datasets.synthetic.motion import Track
from dlatrack.datasets.synthetic.scene import Scene
from dlatrack.imagery import Imagery

#: The target counts as absent when less than this share of its area can be seen.
VISIBLE_SHARE = 0.1

#: Pieces of a pixel, in each direction, in which outlines are filled.
_FINE = 4


def target_visible(scene: Scene) -> np.ndarray:
    """(T,) bool: at least a tenth of the target's area is inside the image and not covered."""
    return scene.fractions[1] >= VISIBLE_SHARE


def boxes_xywh(scene: Scene) -> np.ndarray:
    """(T, 4) px: the tight box of the whole outline, covered parts included, clipped to the image; NaN if absent."""
    size = np.array(scene.size * 2, float)
    boxes = xyxy_to_xywh(np.clip(scene.target.track.bounds_xyxy, 0, size))
    return np.where(target_visible(scene)[:, None], boxes, np.nan)


def polygons(scene: Scene) -> np.ndarray:
    """(T, 4, 2) px: the tight rectangle in the target's own direction, not clipped; NaN if absent."""
    return np.where(target_visible(scene)[:, None, None], scene.target.track.polygons, np.nan)


def coverage(track: Track, index: int, low: np.ndarray, high: np.ndarray) -> np.ndarray:
    """How much of each pixel between `low` and `high`, each (2,) px, an object covers, (h, w) uint8."""
    width, height = (high - low).tolist()
    corners = np.rint(((track.outlines[index] - low) * _FINE - 0.5) * 16)
    fine = np.zeros((height * _FINE, width * _FINE), np.uint8)
    cv2.fillPoly(fine, [np.clip(corners, -(2**20), 2**20).astype(np.int32)], 255, cv2.LINE_8, 4)
    return cv2.resize(fine, (width, height), interpolation=cv2.INTER_AREA)


def visible_mask(scene: Scene, index: int) -> np.ndarray:
    """The target's pixels in frame `index`, (H, W) bool: those at least half inside its outline, and not covered."""
    low, high = np.zeros(2, int), np.array(scene.size)
    mask = coverage(scene.target.track, index, low, high) > 127
    for layer in scene.occluders:
        mask &= coverage(layer.track, index, low, high) <= 127
    return mask


def annotated(name: str, frames: Frames, scene: Scene, imagery: Imagery) -> Sequence:
    """The frames of a scene with its truth, as a sequence of a name."""
    return Sequence(
        name=name,
        frames=frames,
        boxes_xywh=boxes_xywh(scene),
        visible=target_visible(scene),
        attributes=attributes(scene),
        polygons=polygons(scene),
        imagery=imagery,
    )


def attributes(scene: Scene) -> tuple[str, ...]:
    """Which of the 11 challenges of OTB100 the video shows, in OTB's order; `synthetic_sequence` defines them."""
    seen = target_visible(scene)
    inside, shown = (share[seen] for share in scene.fractions)
    track = scene.target.track
    area = track.extents[seen].prod(1)
    light = scene.light.at(slice(None), track.centre)[seen]
    boxes = boxes_xywh(scene)
    middle = boxes[:, :2] + boxes[:, 2:] / 2
    steps = np.hypot(*np.diff(middle, axis=0).T)
    found = {
        "IV": _changes(light, 1.5),
        "SV": _changes(area, 2),
        "OCC": bool((shown < 0.9 * inside).any()),
        "DEF": bool(track.body.amplitude.max() >= 0.08 or _changes(np.exp(scene.stretch[seen]), 1.4)),
        "MB": bool((np.hypot(*scene.smear(scene.target)[seen].T) >= 4).any()),
        "FM": bool((steps > 20).any()),
        "IPR": bool(np.abs(scene.angle[seen]).max() > np.deg2rad(20)),
        "OPR": bool(np.abs(scene.yaw[seen]).max() > np.deg2rad(20)),
        "OV": bool((scene.fractions[0] < 0.95).any()),
        "BC": _cluttered(scene, seen),
        "LR": bool((area < 400).any()),
    }
    return tuple(name for name, present in found.items() if present)


def _changes(values: np.ndarray, factor: float) -> bool:
    """Whether a value leaves 1 / factor to factor times the first one."""
    ratio = values / values[0]
    return bool((ratio > factor).any() or (ratio < 1 / factor).any())


def _cluttered(scene: Scene, seen: np.ndarray) -> bool:
    """Whether the target looks like the background, or a distractor with its looks comes within two target sides."""
    track = scene.target.track
    side = 2 * np.sqrt(np.linalg.det(track.axes))
    twins = [layer.track.centre for layer in scene.distractors if layer.skin == "target"]
    near = [(np.hypot(*(centre - track.centre).T) < 2 * side)[seen].any() for centre in twins]
    return scene.target.skin == "background" or any(near)
