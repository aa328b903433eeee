"""Long-term evaluation: tracking precision, recall and F, and how far a stated confidence can be believed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from scipy.stats import rankdata

from dlatrack.errors import InputError
from dlatrack.evaluation.overlap import overlaps

#: A box is on the target if its IoU with the true box is greater than this.
ON_TARGET = 0.5


@dataclass(frozen=True, eq=False)
class LongTermTrack:
    """What a tracker answered in one sequence of T frames, and the truth.

    Args:
        boxes_xywh: (T, 4) answered boxes; the first row is the box that the tracker was started on.
        confidence: (T,) how sure it is that the target is there, larger for surer; any scale.
        truth_xywh: (T, 4) true boxes in the same coordinates; NaN rows, or rows without a positive width and height,
            where the target is absent.

    Raises:
        InputError: if the parts do not fit together, a box or confidence is not finite, or no frame after the first
            shows the target.
    """

    boxes_xywh: np.ndarray
    confidence: np.ndarray
    truth_xywh: np.ndarray

    def __post_init__(self) -> None:
        count = len(self.confidence)
        if self.confidence.ndim != 1 or self.boxes_xywh.shape != (count, 4) or count < 2:
            raise InputError(
                "long-term evaluation needs one box and one confidence for each of 2 or more frames, got boxes of "
                f"shape {self.boxes_xywh.shape} and confidences of shape {self.confidence.shape}"
            )
        if self.truth_xywh.shape != (count, 4):
            raise InputError(f"there are {count} answers but true boxes of shape {self.truth_xywh.shape}")
        for name, values in (("box", self.boxes_xywh), ("confidence", self.confidence[:, None])):
            if not np.isfinite(values).all():
                row = int(np.flatnonzero(~np.isfinite(values).all(1))[0])
                raise InputError(f"the {name} of frame {row} must be finite, got {values[row].tolist()}")
        if not self.visible.any():
            raise InputError("the target is absent from all frames after the first; there is no recall")

    @property
    def overlaps(self) -> np.ndarray:
        """(T - 1,) IoU of each frame after the first, 0 where the target is absent."""
        return np.maximum(overlaps(self.truth_xywh[1:], self.boxes_xywh[1:]), 0)

    @property
    def visible(self) -> np.ndarray:
        """(T - 1,) bool, whether the target has a true box in each frame after the first."""
        return np.asarray((self.truth_xywh[1:, 2:] > 0).all(1))


@dataclass(frozen=True, eq=False)
class LongTermResult:
    """Tracking precision and recall over K confidence thresholds, means over sequences."""

    thresholds: np.ndarray  #: (K,) falling: infinity, and then every confidence that occurs
    precision: np.ndarray  #: (K,)
    recall: np.ndarray  #: (K,)

    @property
    def f(self) -> np.ndarray:
        """(K,) harmonic mean of precision and recall; 0 where both are 0."""
        total = self.precision + self.recall
        return 2 * self.precision * self.recall / np.where(total > 0, total, 1)

    @property
    def best(self) -> tuple[float, float, float, float]:
        """Precision, recall, F and threshold where F is largest; of several such thresholds, the highest."""
        place = int(np.argmax(self.f))
        found = (self.precision, self.recall, self.f, self.thresholds)
        precision, recall, f, threshold = (float(values[place]) for values in found)
        return precision, recall, f, threshold

    def thinned(self, most: int = 200) -> LongTermResult:
        """The same curves at about `most` thresholds, evenly spread, with those of both ends and of the largest F."""
        spread = np.linspace(0, len(self.thresholds) - 1, most).round().astype(int)
        kept = np.union1d(spread, np.argmax(self.f))
        return LongTermResult(self.thresholds[kept], self.precision[kept], self.recall[kept])


def evaluate_long_term(tracks: Mapping[str, LongTermTrack]) -> LongTermResult:
    """Tracking precision, recall and F of the VOT long-term challenge.

    At a threshold a tracker predicts its box in the frames whose confidence reaches it, and no box in the others.
    Precision is the mean IoU over the frames with a prediction, which is 0 where the target is absent; recall is the
    mean IoU over the frames that show the target, which is 0 without a prediction. Both are means over sequences, and
    F comes from these means. A sequence without any prediction has a precision of 1 and a recall of 0.

    Args:
        tracks: answers by sequence. The first frame, whose box is given, counts nowhere.

    Raises:
        InputError: if there is no sequence.

    Source: Lukezic et al., "Now you see me: evaluating performance in long-term visual tracking", Sec. 3; Kristan et
    al., VOT2018, long-term challenge. The public VOT toolkit samples 100 thresholds; here every confidence is one.
    """
    if not tracks:
        raise InputError("long-term evaluation needs at least one sequence")
    found = np.unique(np.concatenate([track.confidence[1:] for track in tracks.values()]))
    thresholds = np.concatenate([[np.inf], found[::-1]])
    curves = np.mean([_curves(track, thresholds) for track in tracks.values()], axis=0)
    return LongTermResult(thresholds, *curves)


def _curves(track: LongTermTrack, thresholds: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Precision and recall of one sequence, each (K,)."""
    order = np.argsort(-track.confidence[1:], kind="stable")
    predicted = np.searchsorted(-track.confidence[1:][order], -thresholds, side="right")
    overlap = np.concatenate([[0.0], np.cumsum(track.overlaps[order])])[predicted]
    precision = np.where(predicted > 0, overlap / np.maximum(predicted, 1), 1.0)
    return precision, overlap / track.visible.sum()


def on_target(tracks: Mapping[str, LongTermTrack]) -> tuple[np.ndarray, np.ndarray]:
    """Confidences of all frames after the first, and whether their boxes are on the target; (N,) and (N,) bool."""
    confidence = np.concatenate([track.confidence[1:] for track in tracks.values()])
    return confidence, np.concatenate([track.overlaps > ON_TARGET for track in tracks.values()])


def area_under_roc(score: np.ndarray, positive: np.ndarray) -> float:
    """Probability that a positive has a higher score than a negative, half of it for equal scores.

    Args:
        score: (N,) finite.
        positive: (N,) bool.

    Returns:
        0..1; NaN where one of the two kinds is missing.

    Raises:
        InputError: if the shapes differ, or a score is not finite.
    """
    _check_pairs(score, positive)
    positives, negatives = int(positive.sum()), int((~positive).sum())
    if not positives or not negatives:
        return float("nan")
    above = rankdata(score)[positive].sum() - positives * (positives + 1) / 2
    return float(above / (positives * negatives))


@dataclass(frozen=True, eq=False)
class Reliability:
    """Stated and true probabilities in B bins of equal numbers of frames."""

    stated: np.ndarray  #: (B,) mean stated probability
    true: np.ndarray  #: (B,) share of true outcomes
    count: np.ndarray  #: (B,) frames

    @property
    def error(self) -> float:
        """Expected calibration error: mean distance of stated and true probability, weighted by frames."""
        return float((self.count * np.abs(self.stated - self.true)).sum() / self.count.sum())


def reliability_bins(probability: np.ndarray, outcome: np.ndarray, bins: int = 10) -> Reliability:
    """Stated probabilities beside the shares of outcomes that came true, in bins of equal mass.

    Args:
        probability: (N,) stated probabilities, 0..1.
        outcome: (N,) bool, what happened.
        bins: number of bins, at least 1; with fewer frames there are as many as frames. The sizes of bins differ by
            one at most.

    Raises:
        InputError: if the shapes differ, there is no frame, or a probability is outside 0..1.

    Source: Naeini et al. 2015, expected calibration error; equal-mass bins as in Nixon et al. 2019.
    """
    _check_pairs(probability, outcome)
    if bins < 1:
        raise InputError(f"bins must be 1 or more, got {bins}")
    if not len(probability) or probability.min() < 0 or probability.max() > 1:
        raise InputError("reliability needs one or more probabilities in 0..1")
    order = np.argsort(probability, kind="stable")
    parts = np.array_split(order, min(bins, len(order)))
    return Reliability(
        np.array([probability[part].mean() for part in parts]),
        np.array([outcome[part].mean() for part in parts]),
        np.array([len(part) for part in parts]),
    )


def _check_pairs(values: np.ndarray, flags: np.ndarray) -> None:
    if values.ndim != 1 or values.shape != flags.shape or flags.dtype != bool:
        raise InputError(
            f"one number and one flag (bool) per frame are needed, got shapes {values.shape} and {flags.shape}"
        )
    if not np.isfinite(values).all():
        raise InputError(f"frame {int(np.flatnonzero(~np.isfinite(values))[0])} has no finite number")
