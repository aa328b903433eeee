"""Expected average overlap (EAO): runs cut into fragments, and mean overlap by length of the sequence."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import NamedTuple

import numpy as np

from dlatrack.evaluation.truth import TAGS, BenchmarkTruth
from dlatrack.evaluation.vot.overlaps import RunOverlaps
from dlatrack.evaluation.vot.results import FAILED, INITIALISED

#: Frames from a failure to the restart, by the reset protocol.
RESTART_AFTER = 5

#: Beside VOT's own tags: every frame, and the frames that have none of the tags.
ALL, EMPTY = "all", "empty"


class Fragment(NamedTuple):
    """A piece of a run that starts at a (re)initialisation."""

    start: int  #: first frame in the run
    stop: int  #: the frame after the last; one more in a case of `pysot_fragments`
    overlaps: np.ndarray  #: overlaps of the frames; the first value is never used
    #: whether the piece ended in a failure, so that its overlap is 0 from there on; otherwise nothing is known beyond
    #: its end
    failed: bool


def pysot_curves(runs: Mapping[str, Sequence[RunOverlaps]], truth: BenchmarkTruth) -> dict[str, np.ndarray]:
    """Expected overlap as pysot computes it: for all frames and, if the truth has tags, for each tag.

    Args:
        runs: repetitions by sequence.
        truth: truth of the same sequences.

    Returns:
        (L,) curves, as long as the longest sequence, by tag, with `ALL` first and `EMPTY` last.
    """
    tagged = any(sequence.tags for sequence in truth.sequences.values())
    fragments, weights = [], []
    for name, repetitions in runs.items():
        frames = len(truth.sequences[name].regions)
        flags = [truth.sequences[name].tags.get(tag, np.zeros(frames, bool)) for tag in TAGS]
        for run in repetitions:
            pieces = pysot_fragments(run.codes, run.expected)
            sets = [tag_weights(pieces, np.ones(frames, bool))]
            if tagged:
                sets += [tag_weights(pieces, flag) for flag in flags]
                sets.append(empty_weights(pieces, ~np.any(flags, axis=0)))
            fragments += pieces
            weights.append(np.stack(sets, 1) / len(repetitions))
    longest = max(len(sequence.regions) for sequence in truth.sequences.values())
    curves = expected_overlap(fragments, np.concatenate(weights), longest)
    curves[:, 0] = 1
    return dict(zip((ALL, *TAGS, EMPTY) if tagged else (ALL,), curves, strict=True))


def toolkit_curves(runs: Mapping[str, Sequence[RunOverlaps]]) -> dict[str, np.ndarray]:
    """Expected overlap as the VOT toolkit in Python computes it.

    Returns:
        (L,), as long as the longest fragment, under the name `ALL`.
    """
    fragments = [
        piece
        for repetitions in runs.values()
        for run in repetitions
        for piece in toolkit_fragments(run.codes, run.expected)
    ]
    longest = max(len(piece.overlaps) for piece in fragments)
    curve = expected_overlap(fragments, np.ones((len(fragments), 1)), longest)[0]
    curve[0] = 0
    return {ALL: curve}


def pysot_fragments(codes: np.ndarray, overlaps: np.ndarray) -> list[Fragment]:
    """Cut a run as pysot does, at every failure + 5, whatever the run's own codes say of restarts.

    A piece that failed includes the failure, the pause and the next start, all as overlap 0. A failure after which
    no frame is left to restart in, not even the one behind the end, starts no further piece, and the piece it ended
    counts as one that did not fail. If the restart falls just behind the end, the last piece is empty, and the one
    before it has a `stop` behind the run, so that `tag_weights` divide by a frame too many. Undefined overlaps (NaN)
    become 0, but stay undefined in a run without failures.

    Args:
        codes: (T,) as in `VOTRun`.
        overlaps: (T,), NaN in frames without a region.

    Source: STVIR/pysot, toolkit/evaluation/eao_benchmark.py.
    """
    failures = np.flatnonzero(codes == FAILED)
    if len(failures) == 0:
        return [Fragment(0, len(codes), overlaps, False)]
    defined = np.nan_to_num(overlaps)
    restarts = failures + RESTART_AFTER
    starts = [0, *restarts[restarts <= len(codes)].tolist()]
    pieces = [
        Fragment(start, following + 1, defined[start : following + 1], True)
        for start, following in pairwise(starts)
    ]
    return [*pieces, Fragment(starts[-1], len(codes), defined[starts[-1] :], False)]


def toolkit_fragments(codes: np.ndarray, overlaps: np.ndarray) -> list[Fragment]:
    """Cut a run as the VOT toolkit in Python does, from each initialisation to the frame before the next failure.

    Args and source as in `pysot_fragments`, from votchallenge/toolkit, vot/analysis/supervised.py.
    """
    defined = np.nan_to_num(overlaps)
    failures = np.flatnonzero(codes == FAILED)
    pieces = []
    for start in np.flatnonzero(codes == INITIALISED).tolist():
        later = failures[failures > start]
        stop = int(later[0]) if len(later) else len(codes)
        pieces.append(Fragment(start, stop, defined[start:stop], len(later) > 0))
    return pieces


def expected_overlap(fragments: Sequence[Fragment], weights: np.ndarray, length: int) -> np.ndarray:
    """Mean overlap to expect over the first frames of a sequence, by their number.

    Entry i is the weighted mean, over the fragments that reach frame i, of each one's mean overlap in its frames
    1..i; the frame of initialisation does not count.

    Args:
        fragments: F pieces.
        weights: (F, K), K sets of weights; those of a set need not sum to 1.
        length: L, number of entries.

    Returns:
        (K, L); NaN at 0, and where the weights of all fragments that reach so far are 0.

    Source: Kristan et al., The Visual Object Tracking VOT2015 challenge results, Sec. 3 (EAO).
    """
    frames = np.arange(1, length)
    total = np.zeros((weights.shape[1], length))
    weight = np.zeros_like(total)
    for fragment, each in zip(fragments, weights, strict=True):
        values = fragment.overlaps[1:length]
        if fragment.failed:
            values = np.concatenate([values, np.zeros(length - 1 - len(values))])
        reached = np.flatnonzero(~np.isnan(values))
        means = np.cumsum(values) / frames[: len(values)]
        total[:, reached + 1] += each[:, None] * means[reached]
        weight[:, reached + 1] += each[:, None]
    return np.divide(total, weight, out=np.full_like(total, np.nan), where=weight > 0)


def tag_weights(fragments: Sequence[Fragment], flags: np.ndarray) -> np.ndarray:
    """(F,) share of each fragment's frames that have a tag, given as (T,) bool; 0 for an empty fragment."""
    return np.array([flags[f.start : f.stop].sum() / max(f.stop - f.start, 1) for f in fragments])


def empty_weights(fragments: Sequence[Fragment], untagged: np.ndarray) -> np.ndarray:
    """(F,) weights for frames without any tag, given as (T,) bool, the way pysot weighs them.

    Like `tag_weights`, except that pysot counts the untagged frames of the whole sequence, not of the fragment, and
    divides them by the length of the fragment. So short fragments weigh more, and weights can exceed 1.

    Source: STVIR/pysot, toolkit/datasets/vot.py (`select_tag`); an oversight, kept for comparable numbers.
    """
    return np.array([untagged.sum() / max(f.stop - f.start, 1) for f in fragments])
