"""How much the scores of the shipped trackers owe to the exact first box: runs from boxes up to half a pixel off."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from dlatrack.errors import InputError
from dlatrack.evaluation.ope import OPEResult, evaluate
from dlatrack.evaluation.results.trackers import find_trackers
from dlatrack.imagery import Imagery, least_real
from dlatrack.models.weights import shipped
from dlatrack.paper.published import auc_gains
from dlatrack.paths import with_home
from dlatrack.provenance import save_table
from dlatrack.recipes import Recipe
from dlatrack.recipes.twins import side_by_side
from dlatrack.studies.presets import sizes
from dlatrack.studies.qualitative_sources import ClipSource, PhotographicSource
from dlatrack.studies.runs import STATIC, read_weight_files, run_cached, weights_sha256
from dlatrack.studies.shipped import RUNS, read_shipped_table
from dlatrack.tracking.job import SequenceSource
from dlatrack.tracking.perturbation import Perturbation

#: Seed of the first photographic video; no training uses it.
_SEED, _SEED_STRIDE = 8_000_000, 1000


@dataclass(frozen=True, eq=False)
class FirstBoxStudy:
    """AUC of the shipped trackers in runs from perturbed first boxes."""

    auc: pd.DataFrame  #: mean AUC over the targets, by run (rows, from 1) and tracker
    source: str  #: description of the videos
    imagery: Imagery  #: kind of the images
    origin: Mapping[str, Any]  #: JSON values for records: where the scores come from

    @property
    def table(self) -> pd.DataFrame:
        """Mean, standard deviation (n - 1), least and largest AUC over the runs, by tracker."""
        return spread_table(self.auc)

    @property
    def gains(self) -> dict[str, float]:
        """The paper's gains in AUC, which the spread is compared with, as in `published.auc_gains`."""
        return auc_gains()

    @property
    def verdict(self) -> str:
        """Sentences on the spread of the scores over runs, and on how many of the paper's gains are no larger."""
        spread = self.auc.std(ddof=1)
        widest = str(spread.idxmax())
        span = float(self.auc[widest].max() - self.auc[widest].min())
        smaller = sum(gain <= span for gain in self.gains.values())
        return (
            f"A first box that is up to half a pixel off moves the mean AUC over {self.source} by {spread.min():.3f} "
            f"to {spread.max():.3f} (standard deviation over {len(self.auc)} runs), and that of {widest} by "
            f"{span:.3f} from the least to the largest. Of the {len(self.gains)} gains that the paper prints "
            f"{smaller} are no larger; one pass shows none of this."
        )


def study_first_box(preset: str, *, clips: str = "", runs: int = 0, seed: int = 0) -> FirstBoxStudy:
    """Mean AUC of the shipped trackers in several runs, with every first box shifted by up to half a pixel.

    With `clips` the trackers are run over those. Else the record that `dlatrack weights compare --runs N` left beside
    the figures, or in the clone, is read. Without one, they are run over photographic videos. Result files are kept
    in the cache folder, so that an interrupted study resumes.

    Args:
        preset: "smoke", "demo" or "paper": how many runs, and how many photographic videos.
        clips: folder of sequences in the OTB layout; those with masks, which the trackers were trained on, are left
            out.
        runs: number of runs, at least 2; 0: the preset's. A record keeps the number that it has.
        seed: seed of the shifts and of the photographic videos.

    Raises:
        InputError: for an unknown preset, another number of runs, clips that cannot be used, or a record that is
            damaged or of other weights.
    """
    usual, videos, frames = sizes(preset).first_box
    if runs < 0 or runs == 1:
        raise InputError(f"runs must be 0 (the preset's number) or at least 2, got {runs}")
    recorded = None if clips else read_shipped_table(RUNS, "run")
    if recorded is not None:
        auc, origin = recorded
        return FirstBoxStudy(auc, f"{origin['targets']} targets of real clips", "real", origin)
    source: SequenceSource = PhotographicSource(_SEED + _SEED_STRIDE * seed, videos, frames)
    if clips:
        source = ClipSource(with_home(clips).absolute())
    perturbation = Perturbation.parse(f"half-pixel:{runs or usual}", seed)
    files = read_weight_files(side_by_side(shipped()))
    imagery = least_real(sequence.imagery for sequence in source.open())
    scores = score_runs(files, source, perturbation)
    auc = run_table(scores)
    targets = len(next(iter(scores.values())).names)
    described = f"{targets} targets of real clips" if clips else f"{targets} {imagery} videos"
    parameters = {
        "clips": Path(clips).name,
        "targets": targets,
        "perturbation": perturbation.as_json(),
        "weights_sha256": weights_sha256(files),
    }
    return FirstBoxStudy(auc, described, imagery, parameters)


def score_runs(
    files: Mapping[Path, Recipe],
    source: SequenceSource,
    perturbation: Perturbation,
    *,
    device: str = "cpu",
    workers: int = 1,
) -> dict[str, OPEResult]:
    """Scores of trackers in runs from perturbed first boxes, by label; results are kept in the cache folder.

    Args:
        files: recipes by weight file, of `runs.read_weight_files`.
        source: the sequences.
        perturbation: perturbation of the first boxes.
        device: a torch device.
        workers: processes, each of which uses one core.

    Raises:
        InputError: as `run_cached`.
    """
    folders = run_cached(
        files,
        source,
        "first_box/",
        {"first_box": source.name},
        perturbation=perturbation,
        device=device,
        workers=workers,
    )
    offset = np.array([source.first_pixel, source.first_pixel, 0, 0])  # what result files add to px from 0
    truth = {sequence.name: sequence.boxes_xywh + offset for sequence in source.open()}
    scores = {}
    for tracker, folder in folders.items():
        if tracker != STATIC:
            (found,) = find_trackers(folder, truth)
            scores[tracker] = evaluate(found.read(truth), truth)
    return scores


def run_table(scores: Mapping[str, OPEResult]) -> pd.DataFrame:
    """Mean AUC over the targets, by run (rows, from 1) and tracker."""
    columns = {tracker: result.run_auc.mean(1) for tracker, result in scores.items()}
    runs = len(next(iter(columns.values())))
    return pd.DataFrame(columns, pd.RangeIndex(1, runs + 1, name="run"))


def spread_table(auc: pd.DataFrame) -> pd.DataFrame:
    """Mean, standard deviation (n - 1), least and largest AUC over the runs, by tracker; from `run_table`."""
    columns = {"mean": "mean", "std": "standard deviation", "min": "least", "max": "largest"}
    return auc.agg([*columns]).T.rename(columns=columns).rename_axis("tracker")


def save_first_box(study: FirstBoxStudy, folder: Path) -> None:
    """Save the AUC of every run as `small_trackers_runs`, with its record.

    Args:
        study: study, of `study_first_box`.
        folder: output folder; it is created.

    Raises:
        InputError: if a file cannot be written.
    """
    save_table(
        study.auc,
        RUNS,
        made_by="dlatrack weights compare",
        parameters=study.origin,
        imagery=study.imagery,
        folder=folder,
    )
