"""How good and how fast the trackers that come with the package are, beside those of OpenCV."""

from __future__ import annotations

import hashlib
import io
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from dlatrack import paths
from dlatrack.adapters import opencv
from dlatrack.bench.measure import machine
from dlatrack.datasets.composed.cutouts import masked_clips
from dlatrack.datasets.folder import read_folder, read_folders
from dlatrack.datasets.sequence import Sequence
from dlatrack.datasets.synthetic import synthetic_sequences
from dlatrack.errors import InputError
from dlatrack.evaluation.ope import OPEResult, evaluate
from dlatrack.evaluation.statistics.compare import sentence
from dlatrack.evaluation.statistics.twins import compare_twins
from dlatrack.files import file_digest, read_bytes
from dlatrack.models.weights import find_weights, shipped
from dlatrack.progress import Progress
from dlatrack.provenance import save_table
from dlatrack.recipes.twins import label, label_pairs, side_by_side
from dlatrack.structured.json_files import json_object, parse_json
from dlatrack.studies.runs import STATIC
from dlatrack.tracking.online import OnlineTracker
from dlatrack.tracking.run import Tracker, run_one_pass
from dlatrack.tracking.static import StaticTracker

#: Tables of `dlatrack weights compare`: scores, AUC by target, and AUC by run from perturbed first boxes.
SCORES, TARGETS, RUNS = "small_trackers", "small_trackers_targets", "small_trackers_runs"

#: The synthetic benchmark: videos, the seed of the first, and frames. No training uses these seeds.
_VIDEOS, _SEED, _FRAMES = 40, 5_000_000, 60


@dataclass(frozen=True, eq=False)
class ShippedStudy:
    """Scores and speed of the shipped trackers, of those of OpenCV and of the static box."""

    #: AUC by tracker on real clips, precision at 20 px on their targets, AUC on synthetic video, and frames per
    #: second on the clips, in `update` alone, without reading images
    table: pd.DataFrame
    sequences: pd.DataFrame  #: AUC of each target of the clips, by tracker
    #: sentences on each pair of twins on the clips, by `compare_twins`; none for one target
    verdicts: tuple[str, ...]
    parameters: dict[str, Any]  #: JSON values for records: what was run and on which machine
    #: frames of the real clips without a true box; as in pysot they fail in success and are precise
    absent: int
    left_out: int  #: targets of clips with masks, which the trackers may have been trained on


def study_shipped(clips: str | Path, *, fast: bool = False) -> ShippedStudy:
    """Run the shipped trackers, the static box and, where this OpenCV has them, CSRT and KCF.

    Args:
        clips: folder of sequences in the OTB layout. Those with masks beside their images are left out: on such clips
            the shipped trackers were trained.
        fast: allow slightly different answers where they are quicker.

    Raises:
        InputError: if no clip is left, or a file cannot be read.
    """
    real, left_out = _by_masks(Path(clips))
    synthetic = synthetic_sequences(_VIDEOS, _SEED, _FRAMES)
    trackers = _trackers(fast)
    on_clips: dict[str, OPEResult] = {}
    rows = []
    frames = len(trackers) * sum(map(len, real + synthetic))
    with Progress(frames, "tracking", unit="frames") as progress:
        for name, tracker in trackers.items():
            on_clips[name], speed = _run(tracker, real, progress, name)
            on_synthetic, _ = _run(tracker, synthetic, progress, name)
            if name == STATIC:
                speed = float("nan")  # it computes nothing
            rows.append((on_clips[name].auc, on_clips[name].precision_score, on_synthetic.auc, speed))
    columns = [
        f"AUC, {len(real)} targets of real clips",
        "precision at 20 px",
        f"AUC, {len(synthetic)} synthetic videos",
        "frames per second",
    ]
    table = pd.DataFrame(rows, pd.Index(trackers, name="tracker"), columns)
    by_target = pd.DataFrame(
        {name: result.sequence_auc for name, result in on_clips.items()},
        pd.Index(next(iter(on_clips.values())).names, name="target"),
    )
    verdicts = _verdicts(by_target)
    parameters = {
        "clips": Path(clips).name,
        "fast": fast,
        "machine": machine(),
        "verdicts": list(verdicts),
        "weights_sha256": {name: file_digest(find_weights(name)) for name in shipped()},
    }
    absent = sum(int(np.isnan(clip.boxes_xywh).any(1).sum()) for clip in real)
    return ShippedStudy(table, by_target, verdicts, parameters, absent, len(left_out))


def clips_without_masks(folder: Path) -> list[Sequence]:
    """All targets of the clips below `folder` that have no masks beside their images.

    Raises:
        InputError: if there is none.
    """
    return _by_masks(folder)[0]


def _by_masks(folder: Path) -> tuple[list[Sequence], list[Sequence]]:
    """Targets of the clips without masks beside their images, at least one, and those of the other clips."""
    targets = read_folders(folder)
    used = {target.name for clip in masked_clips(folder) for target in read_folder(clip)}
    unused = [target for target in targets if target.name not in used]
    if not unused:
        raise InputError(f"{folder} has only clips with masks, which the shipped trackers were trained on")
    return unused, [target for target in targets if target.name in used]


def _trackers(fast: bool) -> dict[str, Tracker]:
    made: dict[str, Tracker] = {STATIC: StaticTracker()}
    if opencv.available():
        made |= {"OpenCV KCF": opencv.OpenCVTracker("KCF"), "OpenCV CSRT": opencv.OpenCVTracker("CSRT")}
    for name in side_by_side(shipped()):
        tracker = OnlineTracker.from_weights(name, fast=fast)
        made[label(tracker.recipe)] = tracker
    return made


def _run(
    tracker: Tracker, sequences: list[Sequence], progress: Progress, name: str
) -> tuple[OPEResult, float]:
    """Scores, and frames per second."""
    boxes: dict[str, np.ndarray] = {}
    seconds = 0.0
    for sequence in sequences:
        result = run_one_pass(tracker, sequence)
        boxes[sequence.name] = result.boxes_xywh
        seconds += float(result.seconds[1:].sum())
        progress.step(len(sequence), tracker=name)
    truth = {sequence.name: sequence.boxes_xywh for sequence in sequences}
    return evaluate(boxes, truth), sum(len(sequence) - 1 for sequence in sequences) / seconds


def _verdicts(by_target: pd.DataFrame) -> tuple[str, ...]:
    """A sentence on each pair of twins; none for a single target."""
    found = compare_twins(by_target, label_pairs(by_target)) if len(by_target) > 1 else []
    return tuple(sentence(twins.summary, twins.dynamic, twins.fixed) for twins in found)


def save_shipped(study: ShippedStudy, folder: Path) -> None:
    """Save the tables of a study as `small_trackers` and `small_trackers_targets`, with their records.

    Args:
        study: study, of `study_shipped`.
        folder: output folder; it is created.

    Raises:
        InputError: if a file cannot be written.
    """
    for name, frame in ((SCORES, study.table), (TARGETS, study.sequences)):
        save_table(
            frame,
            name,
            made_by="dlatrack weights compare",
            parameters=study.parameters,
            imagery="real",
            folder=folder,
        )


def read_shipped_table(name: str, index: str) -> tuple[pd.DataFrame, dict[str, Any]] | None:
    """A table that `dlatrack weights compare` left beside the figures, or else in the clone.

    Args:
        name: `TARGETS` or `RUNS`.
        index: column that names the rows.

    Returns:
        The table, and JSON values for records that tell where it comes from; None if there is no such table.

    Raises:
        InputError: for a record that is damaged, or of other weights than those that come with the package.
    """
    for folder in (paths.figures_dir(), paths.published_figures_dir()):
        if (folder / f"{name}.json").exists():
            return _read_record(folder / f"{name}.json", folder / f"{name}.csv", index)
    return None


def _read_record(path: Path, table: Path, index: str) -> tuple[pd.DataFrame, dict[str, Any]]:
    """The table of a record, as in `read_shipped_table`."""
    again = "run `dlatrack weights compare --clips CLIPS --out FOLDER` again, or set clips"
    data, content = read_bytes(table), read_bytes(path)
    try:
        record = json_object(parse_json(content, str(path)), str(path))
        described, of_weights = record["data_sha256"], record["parameters"]["weights_sha256"]
        frame = pd.read_csv(io.BytesIO(data), index_col=index)
    except (ValueError, KeyError, TypeError) as error:
        raise InputError(f"{path} is no record of the small trackers: {error}; {again}") from error
    if hashlib.sha256(data).hexdigest() != described:
        raise InputError(f"{table} is not the table that {path.name} describes; {again}")
    if of_weights != {name: file_digest(find_weights(name)) for name in shipped()}:
        raise InputError(f"{path} is of other weights than those of this package; {again}")
    named = {
        key: record["parameters"][key] for key in ("targets", "perturbation") if key in record["parameters"]
    }
    return frame, {"record": table.name, "data_sha256": described, **named}
