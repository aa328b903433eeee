"""Average overlap (AO) and success rates (SR) of GOT-10k, as its toolkit reports them of the validation set."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from functools import partial
from itertools import combinations

import numpy as np

from dlatrack.errors import InputError
from dlatrack.evaluation.alignment import check_box_rows
from dlatrack.evaluation.overlap import overlaps
from dlatrack.evaluation.protocols import rules
from dlatrack.evaluation.statistics.compare import TrackerPair
from dlatrack.evaluation.statistics.difference import Estimate
from dlatrack.evaluation.statistics.resampling import difference_of, draw_sequences
from dlatrack.evaluation.truth import BenchmarkTruth, SequenceTruth

_RULES = rules("got10k")


@dataclass(frozen=True, eq=False)
class AOResult:
    """Overlaps of S sequences; every counted frame has the same weight, whatever its sequence.

    Args:
        names: S sequence names.
        overlaps: (F,) IoU by sequence, of the counted frames of all its runs, one run after the other.
        runs: number of runs of each sequence.
        notes: sentences on oddities of the results.
        protocol: name of the protocol by which frames were counted.

    Source: Huang et al., IEEE TPAMI 43 (2021) 1562, Sec. 4.1, and got-10k/toolkit, got10k/experiments/got10k.py. The
    toolkit takes means over frames; the paper's mAO and mSR, of the test set, are means over classes.
    """

    names: tuple[str, ...]
    overlaps: tuple[np.ndarray, ...]
    runs: tuple[int, ...]
    notes: tuple[str, ...] = ()
    protocol: str = "got10k"

    @property
    def frames(self) -> np.ndarray:
        """(S,) number of counted frames of each sequence; 0 where the target is never visible after the first."""
        return np.array([len(values) for values in self.overlaps])

    @property
    def totals(self) -> np.ndarray:
        """(S,) sum of the overlaps of each sequence."""
        return np.array([values.sum() for values in self.overlaps])

    @property
    def sequence_ao(self) -> np.ndarray:
        """(S,) average overlap of each sequence; NaN without counted frames."""
        return np.divide(
            self.totals, self.frames, out=np.full(len(self.names), np.nan), where=self.frames > 0
        )

    @property
    def ao(self) -> float:
        """Average overlap of all frames."""
        return float(np.concatenate(self.overlaps).mean())

    def success_rate(self, threshold: float) -> float:
        """Share of frames whose IoU is strictly greater than a threshold."""
        return float((np.concatenate(self.overlaps) > threshold).mean())

    def subset(self, names: Collection[str]) -> AOResult:
        """The result on some of the sequences.

        Raises:
            InputError: naming a sequence that was not evaluated, or if they have no counted frame.
        """
        unknown = [name for name in names if name not in self.names]
        if unknown:
            raise InputError(f"no results for sequence {unknown[0]}")
        kept = [self.names.index(name) for name in names]
        part = replace(
            self,
            names=tuple(names),
            overlaps=tuple(self.overlaps[place] for place in kept),
            runs=tuple(self.runs[place] for place in kept),
            notes=(),
        )
        return part._with_frames()

    def _with_frames(self) -> AOResult:
        if not self.frames.sum():
            raise InputError(
                "no frame after the first shows the target (cover above 0); there is none to score"
            )
        return self


def evaluate_got10k(results: Mapping[str, np.ndarray | list[np.ndarray]], truth: BenchmarkTruth) -> AOResult:
    """Evaluate a tracker as the got10k toolkit does.

    The first frame is left out, and frames in which the target is not visible (`cover.label` is 0). Boxes are bounded
    by the image before they are compared: x and y are moved into it, and then width and height are cut, so that a box
    that begins left of the image keeps its width.

    Args:
        results: (T, 4) xywh boxes by sequence, 0-based px, or a list of those of each run.
        truth: truth of the sequences, with image sizes; `present` is False where cover is 0.

    Raises:
        InputError: naming the sequence, if it has no result, another number of rows, a counted box with NaN, or no
            image size.
    """
    overlaps_of, runs = [], []
    notes: list[str] = []
    for name, sequence in truth.sequences.items():
        if name not in results:
            raise InputError(f"sequence {name} has no result")
        rows = results[name]
        own = rows if isinstance(rows, list) else [rows]
        overlaps_of.append(np.concatenate([_overlaps(sequence, boxes, notes) for boxes in own]))
        runs.append(len(own))
    if not overlaps_of:
        raise InputError("there are no sequences to evaluate")
    if len(set(runs)) > 1:
        notes.append(
            f"sequences have {min(runs)} to {max(runs)} runs; every frame of every run counts the same"
        )
    return AOResult(tuple(truth.sequences), tuple(overlaps_of), tuple(runs), tuple(notes))._with_frames()


def _overlaps(sequence: SequenceTruth, predicted: np.ndarray, notes: list[str]) -> np.ndarray:
    """(F,) IoU of the counted frames of one run."""
    name, true_boxes = sequence.name, sequence.regions
    check_box_rows(name, true_boxes, predicted, sequence.present)
    if len(predicted) != len(true_boxes):
        raise InputError(
            f"sequence {name}: result has {len(predicted)} rows, the truth has {len(true_boxes)}; got10k refuses that"
        )
    if sequence.size is None:
        raise InputError(
            f"sequence {name}: the size of its images is not known, by which got10k bounds boxes; resolution in "
            "meta_info.ini, or width and height in JSON are needed"
        )
    counted = np.ones(len(true_boxes), bool) if sequence.present is None else sequence.present.copy()
    counted[0] = False
    for what, boxes in (("true box", true_boxes), ("result", predicted)):
        undefined = counted & np.isnan(boxes).any(1)
        if undefined.any():
            raise InputError(
                f"sequence {name} row {int(undefined.argmax()) + 1}: the {what} is NaN, where the target is visible"
            )
    broken = counted & (predicted[:, 2:] <= 0).any(1)
    if broken.any():
        first = int(broken.argmax()) + 1
        notes.append(
            f"sequence {name}: {broken.sum()} predicted boxes have no size, the first in row {first}"
        )
    truth, found = (_bounded(boxes[counted], sequence.size) for boxes in (true_boxes, predicted))
    return overlaps(truth, found, _RULES)


def _bounded(boxes_xywh: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """(F, 4) boxes within an image of some width and height."""
    corner = np.clip(boxes_xywh[:, :2], 0, size)
    return np.concatenate([corner, np.clip(boxes_xywh[:, 2:], 0, size - corner)], 1)


def ao_differences(
    results: Mapping[str, AOResult], *, resamples: int = 10_000, seed: int = 0
) -> dict[TrackerPair, Estimate]:
    """Compare every tracker with every other by AO, all on the same resamples of the sequences.

    AO is a mean over frames, so that a long sequence counts more; whole sequences are drawn, and swapped, as
    `resampling.difference_of` has it. Sequences without counted frames are left out.

    Args:
        results: results of the same sequences, by tracker.
        resamples: number of resamples.
        seed: seed of the resamples; the same seed gives the same answer.

    Returns:
        `(a, b)`: AO of a minus AO of b, for every pair in the order of `results`.

    Raises:
        InputError: for fewer than two sequences with counted frames.
    """
    counted = next(iter(results.values())).frames > 0
    totals = {name: result.totals[counted] for name, result in results.items()}
    frames = {name: result.frames[counted] for name, result in results.items()}
    drawn = draw_sequences(int(counted.sum()), resamples=resamples, seed=seed)
    means = {name: totals[name][drawn].sum(1) / frames[name][drawn].sum(1) for name in results}

    def swapped(a: str, b: str, kept: np.ndarray) -> float:
        first, second = (
            np.where(kept, totals[one], totals[other]).sum()
            / np.where(kept, frames[one], frames[other]).sum()
            for one, other in ((a, b), (b, a))
        )
        return float(first - second)

    return {
        (a, b): difference_of(
            results[a].ao - results[b].ao, means[a] - means[b], int(counted.sum()), partial(swapped, a, b)
        )
        for a, b in combinations(results, 2)
    }
