"""Trackers in pictures, as in Fig. 6: twins and a box that never moves on some sequences, chosen by a rule."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from dlatrack.datasets.sequence import Sequence
from dlatrack.devices import check_device
from dlatrack.errors import InputError
from dlatrack.evaluation.ope import OPEResult
from dlatrack.evaluation.overlap import NOT_COMPARED, overlaps
from dlatrack.evaluation.results import read_result_boxes
from dlatrack.evaluation.statistics.compare import paired_bootstrap, sentence
from dlatrack.imagery import Imagery, least_real
from dlatrack.recipes import Recipe
from dlatrack.recipes.twins import all_twins
from dlatrack.studies import twins
from dlatrack.studies.presets import sizes
from dlatrack.studies.qualitative_sources import find_sequences
from dlatrack.studies.runs import read_weight_files, run_cached, split_names, weights_sha256
from dlatrack.tracking.job import SequenceSource

#: The twins of Fig. 6's lower panels, as they come with the package; the fixed one first.
TWIN_WEIGHTS = "siamcar_small; dla_siamcar_small"


@dataclass(frozen=True, eq=False)
class Row:
    """One sequence of the figure."""

    sequence: Sequence  #: the sequence with its annotation
    gain: float  #: AUC of the DLA tracker minus that of its fixed twin
    rank: int  #: 1 for the largest gain of all sequences that were run
    frames: list[int]  #: numbers of the frames to show
    boxes_xywh: Mapping[str, np.ndarray]  #: (T, 4) by tracker, 0-based px
    iou: Mapping[str, np.ndarray]  #: (T,) by tracker; NaN where the target is absent


@dataclass(frozen=True, eq=False)
class QualitativeStudy:
    """What Fig. 6 shows, and of how many sequences it is a choice."""

    title: str  #: name of the data, e.g. "24 photographic sequences"
    imagery: Imagery  #: kind of the images
    trackers: tuple[str, ...]  #: labels; the fixed twin, the DLA tracker, and so on, and the static box
    scores: Mapping[str, OPEResult]  #: scores on all sequences, by tracker
    rows: tuple[Row, ...]  #: the chosen sequences, from the largest gain to the largest loss
    rule: str  #: description of how sequences and frames were chosen
    origin: Mapping[str, Any]  #: JSON values for records: what was run

    def as_dict(self) -> dict[str, Any]:
        """Every number in the figure."""
        return {
            "rule": self.rule,
            "rows": [
                {
                    "sequence": row.sequence.name,
                    "gain": row.gain,
                    "rank": row.rank,
                    "frames": row.frames,
                    "truth_xywh": row.sequence.boxes_xywh[row.frames],
                    "boxes_xywh": {name: boxes[row.frames] for name, boxes in row.boxes_xywh.items()},
                    "iou": dict(row.iou),
                }
                for row in self.rows
            ],
        }

    @property
    def verdict(self) -> str:
        """What all sequences together say of the twins; pictures of some of them say less."""
        fixed, dynamic = self.trackers[:2]
        difference = paired_bootstrap(self.scores[dynamic].sequence_auc, self.scores[fixed].sequence_auc)
        return sentence(difference, dynamic, fixed)


def study_qualitative(
    preset: str,
    *,
    data: str = "",
    weights: str = "",
    rows: int = 3,
    columns: int = 4,
    choose: str = "spread",
    seed: int = 0,
    device: str = "cpu",
    workers: int = 1,
) -> QualitativeStudy:
    """Run twins and the static box over sequences, and choose some of them and some frames of each.

    Sequences are ranked by the gain in AUC of the DLA tracker over its twin, and taken at evenly spread ranks: the
    largest gain, the largest loss, and what lies between. Result files are kept in the cache folder, see
    `run_cached`.

    Args:
        preset: "smoke", "demo" or "paper": how many sequences are run.
        data: "": photographic sequences, and in the preset "paper" as "auto"; "auto": OTB100 below `DLATRACK_DATA`,
            else the clips of the shared data, else photographic ones; or the name of a data set below
            `DLATRACK_DATA`, e.g. "otb100"; or a folder of sequences in the OTB layout.
        weights: files or names of shipped trackers, separated by semicolons: a fixed tracker, its DLA twin, and
            further ones; "": `TWIN_WEIGHTS`.
        rows: sequences to show, at least 2: one from either end.
        columns: frames to show of each.
        choose: "spread": evenly spread frames of those after the first that show the target; "differ": these are
            cut into as many parts, and of each part the frame is taken in which the IoU of the twins differs most.
        seed: seed of photographic sequences.
        device: a torch device.
        workers: processes, each of which uses one core.

    Raises:
        InputError: for a value that is not allowed, data or weights that cannot be read, twins that are none, or
            fewer than two sequences.
    """
    _check(preset, rows, columns, choose, seed)
    check_device(device)
    files = _twins_first(weights)
    source, where, title = find_sequences(preset, data, seed)
    sequences = source.open()
    if len(sequences) < 2:
        raise InputError(f"{title}: two sequences or more are needed, got {len(sequences)}")
    boxes = _run(files, source, where, sequences, device, workers)
    scores = twins.score_all(boxes, sequences)
    origin = {"weights_sha256": weights_sha256(files), "sequences": len(sequences), "choose": choose, **where}
    chosen = _choose_rows(sequences, boxes, scores, rows, columns, choose)
    return QualitativeStudy(
        title=f"{len(sequences)} {title}",
        imagery=least_real(sequence.imagery for sequence in sequences),
        trackers=tuple(boxes),
        scores=scores,
        rows=chosen,
        rule=_rule(len(sequences), title, chosen, choose),
        origin=origin,
    )


def frame_iou(sequence: Sequence, boxes_xywh: np.ndarray) -> np.ndarray:
    """(T,) IoU of predicted (T, 4) and true boxes; NaN where the target is absent or has no box."""
    found = overlaps(sequence.boxes_xywh, boxes_xywh)
    return np.where(sequence.visible & (found != NOT_COMPARED), found, np.nan)


def choose_frames(difference: np.ndarray, count: int, choose: str) -> list[int]:
    """Choose frames of a sequence.

    Args:
        difference: (T,) IoU of one tracker minus that of the other; NaN where the target is absent.
        count: frames wanted, at least 1; fewer come where fewer show the target.
        choose: "spread" or "differ", see `study_qualitative`.

    Returns:
        Ascending numbers. Frame 0 is not among them unless no other shows the target: its box was given.
    """
    shown = np.flatnonzero(~np.isnan(difference[1:])) + 1
    if not len(shown):
        return [0]
    parts = np.array_split(shown, min(count, len(shown)))
    if choose == "differ":
        return [int(part[np.abs(difference[part]).argmax()]) for part in parts]
    return [int(part[len(part) // 2]) for part in parts]


def _check(preset: str, rows: int, columns: int, choose: str, seed: int) -> None:
    sizes(preset)
    for name, value, least in (("rows", rows, 2), ("columns", columns, 1), ("seed", seed, 0)):
        if value < least:
            raise InputError(f"{name} must be {least} or more, got {value}")
    if choose not in ("spread", "differ"):
        raise InputError(f"frames are chosen by spread or differ, got {choose!r}")


def _twins_first(weights: str) -> dict[Path, Recipe]:
    """Recipes by weight file; the first two are twins, the fixed one first."""
    found = read_weight_files(split_names(weights or TWIN_WEIGHTS))
    names = [recipe.name for recipe in found.values()]
    if names[:2] not in [[recipe.name for recipe in pair] for pair in all_twins()]:
        raise InputError(
            f"weights must name a fixed tracker, then its DLA twin, then others, e.g. {TWIN_WEIGHTS!r}; "
            f"got {', '.join(names)}"
        )
    return found


def _run(
    files: Mapping[Path, Recipe],
    source: SequenceSource,
    where: Mapping[str, Any],
    sequences: list[Sequence],
    device: str,
    workers: int,
) -> dict[str, dict[str, np.ndarray]]:
    """(T, 4) boxes by label of a tracker and name of a sequence."""
    lengths = {sequence.name: len(sequence) for sequence in sequences}
    decides = {"sequences": lengths, **where}
    return {
        tracker: {
            name: read_result_boxes(folder / f"{name}.txt", length, first_pixel=source.first_pixel)
            for name, length in lengths.items()
        }
        for tracker, folder in run_cached(
            files, source, "qualitative/", decides, device=device, workers=workers
        ).items()
    }


def _choose_rows(
    sequences: list[Sequence],
    boxes: Mapping[str, Mapping[str, np.ndarray]],
    scores: Mapping[str, OPEResult],
    rows: int,
    columns: int,
    choose: str,
) -> tuple[Row, ...]:
    """The rows of the figure, from the largest gain to the largest loss."""
    fixed, dla, *_ = boxes
    gains = scores[dla].sequence_auc - scores[fixed].sequence_auc
    order = np.argsort(-gains, kind="stable")
    places = sorted({round(place) for place in np.linspace(0, len(order) - 1, min(rows, len(order)))})
    chosen = []
    for place in places:
        sequence = sequences[order[place]]
        own = {tracker: found[sequence.name] for tracker, found in boxes.items()}
        iou = {tracker: frame_iou(sequence, found) for tracker, found in own.items()}
        frames = choose_frames(iou[dla] - iou[fixed], columns, choose)
        chosen.append(Row(sequence, float(gains[order[place]]), place + 1, frames, own, iou))
    return tuple(chosen)


def _rule(count: int, title: str, rows: tuple[Row, ...], choose: str) -> str:
    """How rows and frames were chosen among `count` sequences."""
    places = ", ".join(str(row.rank) for row in rows)
    frames = {
        "spread": "evenly spread over those after the first that show the target",
        "differ": "those in which the IoU of the twins differs most, one from each of as many equal parts",
    }[choose]
    return (
        f"{count} {title}, ranked by the gain in AUC of the DLA tracker over its fixed twin; shown are ranks "
        f"{places} of {count}, from the largest gain to the largest loss. Frames: {frames}."
    )
