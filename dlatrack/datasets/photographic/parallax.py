"""Parallax of a photograph with known disparity: near points move more than far ones as the camera moves aside."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

#: Standard deviation of the smoothing of disparities, px: steps of depth become slopes, which stretch what a real
#: camera would uncover, and no holes appear.
_SOFT = 6.0

#: Steps of the search for the point that parallax moves to a given place; it halves the error, or better, each time.
_STEPS = 4


@dataclass(frozen=True, eq=False)
class Parallax:
    """Sideways motion of the points of a photograph: x moves by step * disparity(x)."""

    #: (H, W) float32 px relative to the target's mean, smooth, and a plane around the target
    disparity: np.ndarray
    plane: np.ndarray  #: (3,) a, b, c: the disparity a x + b y + c px around the target
    step: np.ndarray  #: (T,) px per px of disparity

    @property
    def homographies(self) -> np.ndarray:
        """(T, 3, 3) motion of the target's points, photograph px to photograph px."""
        matrix = np.tile(np.eye(3), (len(self.step), 1, 1))
        matrix[:, 0] += self.step[:, None] * self.plane
        return matrix

    def sources(self, index: int, places: np.ndarray) -> np.ndarray:
        """The points that lie at `places` (h, w, 2) float32 px after the motion of frame `index`; same form."""
        step = np.float32(self.step[index])
        points = places.copy()
        for _ in range(_STEPS):
            shift = cv2.remap(
                self.disparity,
                points - np.float32(0.5),
                None,
                cv2.INTER_LINEAR,
                borderMode=cv2.BORDER_REPLICATE,
            )
            points[..., 0] = places[..., 0] - step * shift
        return points


def parallax_around(disparity: np.ndarray, outline: np.ndarray, step: np.ndarray) -> Parallax:
    """Parallax that moves the points inside an outline, and those near it, as one plane.

    Args:
        disparity: (H, W) px, without holes.
        outline: (P, 2) outline of the target, px.
        step: (T,) px per px of disparity; smaller values where neighbours would change places.
    """
    mask = np.zeros(disparity.shape, np.uint8)
    cv2.fillPoly(mask, [np.rint(outline - 0.5).astype(np.int32)], 1)
    rows, columns = np.nonzero(mask)
    values = disparity[rows, columns].astype(float)
    kept = np.abs(values - np.median(values)) <= 2 * np.median(np.abs(values - np.median(values))) + 1
    known = np.stack([columns[kept] + 0.5, rows[kept] + 0.5, np.ones(kept.sum())], 1)
    plane = np.linalg.lstsq(known, values[kept], rcond=None)[0]
    plane[2] -= (known @ plane).mean()
    reach = int(3 * _SOFT) + 2
    near = cv2.dilate(mask, cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * reach + 1, 2 * reach + 1))) > 0
    relative = disparity - values[kept].mean()
    y, x = np.indices(mask.shape) + 0.5
    relative = np.where(near, plane[0] * x + plane[1] * y + plane[2], relative).astype(np.float32)
    smooth = cv2.GaussianBlur(
        relative, (2 * reach + 1, 2 * reach + 1), _SOFT, borderType=cv2.BORDER_REPLICATE
    )
    steepest = float(np.abs(np.diff(smooth, axis=1)).max())
    return Parallax(smooth, plane, step * min(1, 0.5 / max(steepest * np.abs(step).max(), 1e-9)))
