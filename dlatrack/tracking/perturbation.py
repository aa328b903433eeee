"""Perturbed first boxes: several runs of a tracker on a sequence, each started from a slightly different box.

One pass from the exact first box hides how much a score owes to that box. Two perturbations make it visible:

- `half-pixel:N`: N runs; in each, x, y, w and h of the first box are shifted by up to half a pixel, which no
  annotator can avoid. A shift depends on the seed, the number of the run and the name of the sequence alone.
- `sre`: the twelve runs of the spatial robustness evaluation of OTB, see `spatial_boxes`.

The tracker is scored against the true boxes as ever.
"""

from __future__ import annotations

import zlib
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from dlatrack.errors import InputError

#: Largest number of runs; result files are numbered with three digits.
MOST_RUNS = 999

#: Largest shift of x, y, w and h under `half-pixel`, px.
HALF_PIXEL = 0.5

#: The perturbations of `sre` in their order: shift to the right and down in sides of the target, and scale.
SPATIAL: tuple[tuple[float, float, float], ...] = (
    *((-0.1, 0, 1), (0.1, 0, 1), (0, -0.1, 1), (0, 0.1, 1)),  # left, right, up, down
    *(
        (-0.1, -0.1, 1),
        (0.1, -0.1, 1),
        (-0.1, 0.1, 1),
        (0.1, 0.1, 1),
    ),  # top left, top right, bottom left, ...
    *((0, 0, 0.8), (0, 0, 0.9), (0, 0, 1.1), (0, 0, 1.2)),
)


@dataclass(frozen=True)
class Perturbation:
    """A way to perturb first boxes."""

    kind: Literal["half-pixel", "sre"]  #: see the module
    runs: int  #: number of runs of each sequence, 1 to `MOST_RUNS`; 12 under "sre"
    seed: int = 0  #: seed of the shifts of "half-pixel"; "sre" has none

    @classmethod
    def parse(cls, text: str, seed: int = 0) -> Perturbation:
        """The perturbation that a text names: "half-pixel:N" or "sre".

        Args:
            text: name of the perturbation.
            seed: seed of the shifts of "half-pixel", 0 or more.

        Raises:
            InputError: for another text, a negative seed, or a seed other than 0 with "sre".
        """
        kind, _, runs = text.partition(":")
        if seed < 0:
            raise InputError(f"the seed of a perturbation must be 0 or more, got {seed}")
        if text == "sre":
            if seed:
                raise InputError(
                    f"the perturbation sre draws nothing; a seed is for half-pixel:N, got {seed}"
                )
            return cls("sre", len(SPATIAL))
        if kind == "half-pixel" and runs in map(str, range(1, MOST_RUNS + 1)):
            return cls("half-pixel", int(runs), seed)
        raise InputError(
            f"a perturbation is half-pixel:N with N from 1 to {MOST_RUNS} runs, no leading zeros, or sre; "
            f"got {text!r}"
        )

    def as_json(self) -> dict[str, Any]:
        """JSON values that identify the perturbation, for the record of a run."""
        seed = {} if self.kind == "sre" else {"seed": self.seed}
        return {"kind": self.kind, "runs": self.runs, **seed}

    def first_boxes(
        self, sequence: str, box_xywh: np.ndarray, image_size: tuple[int, int]
    ) -> tuple[np.ndarray, np.ndarray]:
        """First boxes of all runs of a sequence, clipped to its first image as by `clip_boxes`.

        Args:
            sequence: name of the sequence.
            box_xywh: (4,) true box in the first frame, 0-based px.
            image_size: width and height of the first image, px.

        Returns:
            (N, 4) float64 xywh in the order of the runs, and (N,) bool, the runs whose box was clipped.
        """
        if self.kind == "sre":
            boxes = spatial_boxes(box_xywh)
        else:
            boxes = half_pixel_boxes(box_xywh, sequence, self.runs, self.seed)
        return clip_boxes(boxes, box_xywh, image_size)


def half_pixel_boxes(box_xywh: np.ndarray, sequence: str, runs: int, seed: int = 0) -> np.ndarray:
    """Shift x, y, w and h of a box, each uniformly within half a pixel.

    The shifts of a run depend on seed, run and sequence alone: other sequences, their order and the number of runs
    change nothing.

    Args:
        box_xywh: (4,) box in px. A side keeps at least half a pixel, or all of its length if it has less.
        sequence: name of the sequence.
        runs: number of runs, counted from 1.
        seed: seed of the shifts, 0 or more.

    Returns:
        (runs, 4) float64 xywh.
    """
    key = zlib.crc32(sequence.encode())
    shifts = [
        np.random.default_rng((seed, run, key)).uniform(-HALF_PIXEL, HALF_PIXEL, 4)
        for run in range(1, runs + 1)
    ]
    boxes: np.ndarray = np.asarray(box_xywh, float) + np.stack(shifts)
    boxes[:, 2:] = np.maximum(boxes[:, 2:], np.minimum(box_xywh[2:], HALF_PIXEL))
    return boxes


def spatial_boxes(box_xywh: np.ndarray) -> np.ndarray:
    """The twelve spatial perturbations of a box in OTB.

    In their order: shifts by 10 % of the target's width to the left and to the right, of its height up and down; both
    together to the top left, top right, bottom left and bottom right; scales of 0.8, 0.9, 1.1 and 1.2 about the
    centre.

    Args:
        box_xywh: (4,) box in px.

    Returns:
        (12, 4) float64 xywh.

    Source: OTB, "spatial robustness evaluation" (Wu et al. 2013). Its MATLAB code rounds to whole pixels, and on the
    diagonals moves one corner and keeps the opposite one, so that the box grows; here the whole box moves.
    """
    corner, size = np.asarray(box_xywh, float)[:2], np.asarray(box_xywh, float)[2:]
    table = np.array(SPATIAL)
    shift, scale = table[:, :2], table[:, 2:]
    return np.concatenate([corner + (shift + (1 - scale) / 2) * size, scale * size], 1)


def clip_boxes(
    boxes_xywh: np.ndarray, true_xywh: np.ndarray, image_size: tuple[int, int]
) -> tuple[np.ndarray, np.ndarray]:
    """Clip perturbed boxes to the image.

    Where the true box itself reaches beyond the image, a perturbed one may reach as far, and no farther.

    Args:
        boxes_xywh: (N, 4), 0-based px.
        true_xywh: (4,) true box.
        image_size: width and height of the image, px.

    Returns:
        (N, 4) clipped boxes, the true box in place of one that has no area left; and (N,) bool, boxes that changed.
    """
    true_low, true_high = true_xywh[:2], true_xywh[:2] + true_xywh[2:]
    low, high = boxes_xywh[:, :2], boxes_xywh[:, :2] + boxes_xywh[:, 2:]
    least, most = np.minimum(true_low, 0), np.maximum(true_high, image_size)
    clipped = (low < least).any(1) | (high > most).any(1)
    inside_low, inside_high = np.maximum(low, least), np.minimum(high, most)
    inside = np.concatenate([inside_low, inside_high - inside_low], 1)
    inside[(inside[:, 2:] <= 0).any(1)] = true_xywh
    return np.where(clipped[:, None], inside, boxes_xywh), clipped
