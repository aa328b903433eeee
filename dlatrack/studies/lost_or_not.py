"""Does a tracker know that its target is lost, and does it find it again?"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from dlatrack.datasets.sequence import Sequence as Video
from dlatrack.errors import InputError
from dlatrack.evaluation.long_term import (
    LongTermResult,
    Reliability,
    area_under_roc,
    evaluate_long_term,
    reliability_bins,
)
from dlatrack.evaluation.ope import evaluate
from dlatrack.files import file_digest
from dlatrack.imagery import imagery_of_all
from dlatrack.models.weights import find_weights, shipped
from dlatrack.recipes import recipe
from dlatrack.recipes.twins import label
from dlatrack.studies.lost_or_not_fit import calibration_of
from dlatrack.studies.lost_or_not_runs import Runs, WatchedRun, watched_runs
from dlatrack.studies.lost_or_not_videos import (
    Videos,
    clips_sha256,
    held_out_videos,
    returning,
    without_absence,
)
from dlatrack.tracking.confidence import RecoveryConfig
from dlatrack.tracking.confidence.calibration import SUFFIX

#: Ways to rank the boxes of a tracker, in `recovery_table` and `long_term_results`.
RANKED_BY = ("score", "probability", "probability, recovery")


@dataclass(frozen=True, eq=False)
class LostStudy:
    """Trackers in held-out videos, without and with recovery."""

    videos: Videos  #: held-out videos by kind
    plain: Runs  #: runs without recovery, in all of them
    recovered: Runs  #: runs with recovery of some or all trackers, in the videos of `compared`

    @property
    def compared(self) -> list[Video]:
        """Videos that are run with recovery too: the target returns, or is never absent."""
        return compared(self.videos)


def compared(videos: Videos) -> list[Video]:
    """Videos whose target returns, and those whose target is never absent."""
    return [*returning(videos), *without_absence(videos)]


def study_lost(
    preset: str,
    *,
    trackers: Sequence[str] = (),
    recovered: Sequence[str] = (),
    footage: str | Path = "",
    seed: int = 0,
    recovery: RecoveryConfig | None = None,
) -> LostStudy:
    """Run trackers with a calibration beside their weights over held-out videos.

    Args:
        preset: "smoke", "demo" or "paper": how many videos, and with "paper" all shipped trackers.
        trackers: names of shipped trackers or weight files; (): those of the preset.
        recovered: those of them that are run with recovery too; (): all.
        footage: folder of real clips, as in `held_out_videos`.
        seed: seed of the videos.
        recovery: how lost targets are searched; None: the defaults.

    Raises:
        InputError: for an unknown preset or tracker, one without a calibration, or footage that cannot be read.
    """
    videos = held_out_videos(preset, footage=footage, seed=seed)
    chosen = tuple(trackers) or (shipped() if preset == "paper" else ("dla_nanotrack_v3",))
    calibrations = {tracker: calibration_of(tracker) for tracker in chosen}
    plain = watched_runs(chosen, _all(videos))
    plain = {
        tracker: {name: run.under(calibrations[tracker]) for name, run in runs.items()}
        for tracker, runs in plain.items()
    }
    again = tuple(recovered) or chosen
    if unknown := sorted(set(again) - set(chosen)):
        raise InputError(
            f"recovered must be some of the trackers {', '.join(chosen)}, got {', '.join(unknown)}"
        )
    config = recovery or RecoveryConfig()
    return LostStudy(videos, plain, watched_runs(again, compared(videos), calibrations, recovery=config))


def origin(study: LostStudy) -> dict[str, Any]:
    """What the numbers of a study come from: hashes of weights, calibrations and real clips, as JSON values."""
    paths = {tracker: find_weights(tracker) for tracker in study.plain}
    found: dict[str, Any] = {
        "weights_sha256": {tracker: file_digest(path) for tracker, path in paths.items()},
        "calibrations_sha256": {
            tracker: file_digest(path.with_suffix(SUFFIX)) for tracker, path in paths.items()
        },
    }
    clips = clips_sha256(study.videos)
    return found | ({"clips_sha256": clips} if clips else {})


def confidence_table(study: LostStudy) -> pd.DataFrame:
    """How well the probability of each tracker is calibrated and tells lost targets, by kind of video.

    Without recovery. `imagery` says what the images of a row are: real, photographic, synthetic, or mixed. The area
    under the ROC is that of "the box is not on the target", by the probability and by the
    score alone; it is missing where all frames are of one kind.
    """
    rows = []
    for tracker, runs in study.plain.items():
        kinds = {"all": _all(study.videos), **study.videos}
        for kind, videos in kinds.items():
            stated, score, hits = stated_and_true(runs[video.name] for video in videos)
            rows.append(
                {
                    "tracker": title(tracker),
                    "videos": kind,
                    "imagery": imagery_of_all(video.imagery for video in videos),
                    "frames": len(hits),
                    "on target": hits.mean(),
                    "mean probability": stated.mean(),
                    "calibration error": reliability_bins(stated, hits).error,
                    "ROC area, probability": area_under_roc(stated, hits),
                    "ROC area, score": area_under_roc(score, hits),
                }
            )
    return pd.DataFrame(rows)


def recovery_table(study: LostStudy) -> pd.DataFrame:
    """Long-term precision, recall and F where targets return, and AUC where they are never absent.

    Up to three rows for each tracker: its boxes ranked by the score alone, by the probability, and by the probability
    with recovery.
    """
    whole = without_absence(study.videos)
    rows = []
    for tracker in study.plain:
        for how, result in long_term_results(study, tracker).items():
            precision, recall, f, threshold = result.best
            chosen = (study.recovered if how == RANKED_BY[2] else study.plain)[tracker]
            boxes = {video.name: chosen[video.name].boxes_xywh for video in whole}
            auc = evaluate(boxes, {video.name: video.boxes_xywh for video in whole}).auc
            row = {"tracker": title(tracker), "confidence": how, "P": precision, "R": recall, "F": f}
            rows.append(row | {"threshold": threshold, "AUC without absence": auc})
    return pd.DataFrame(rows)


def long_term_results(study: LostStudy, tracker: str) -> dict[str, LongTermResult]:
    """Long-term precision and recall of a tracker where targets return, by what its boxes are ranked by."""
    found = {}
    for how in RANKED_BY if tracker in study.recovered else RANKED_BY[:2]:
        chosen = (study.recovered if how == RANKED_BY[2] else study.plain)[tracker]
        runs = {video.name: chosen[video.name] for video in returning(study.videos)}
        ranks = {
            name: run.signals[:, 0] if how == RANKED_BY[0] else run.probability for name, run in runs.items()
        }
        found[how] = evaluate_long_term({name: run.track(ranks[name]) for name, run in runs.items()})
    return found


def telling_video(study: LostStudy, tracker: str) -> Video:
    """The long video in which recovery changes the mean overlap of a tracker most, for better or worse."""
    plain, recovered = study.plain[tracker], study.recovered[tracker]

    def change(video: Video) -> float:
        both = (runs[video.name].track().overlaps.mean() for runs in (plain, recovered))
        return abs(float(np.subtract(*both)))

    return max(study.videos["long photographic"] + study.videos["long synthetic"], key=change)


def both_ways(study: LostStudy, tracker: str, video: Video) -> dict[str, WatchedRun]:
    """The runs of a tracker in a video by title, without recovery and with it."""
    name = title(tracker)
    return {
        f"{name}, {video.name}, without recovery": study.plain[tracker][video.name],
        "with recovery": study.recovered[tracker][video.name],
    }


def pictured_runs(runs: Mapping[str, WatchedRun]) -> dict[str, Any]:
    """What `viz.lost_or_not.timeline_plot` shows of runs, with three digits, as JSON values."""
    return {
        name: {
            "score": run.signals[1:, 0].round(3).tolist(),
            "probability": run.probability[1:].round(3).tolist(),
            "IoU": np.where(run.track().visible, run.track().overlaps, np.nan).round(3).tolist(),
            "state": run.state[1:].tolist(),
        }
        for name, run in runs.items()
    }


def frames_table(study: LostStudy) -> pd.DataFrame:
    """Share of frames in each state, where the box is on the target, where it is elsewhere, and without a target."""
    rows = []
    for tracker, runs in study.plain.items():
        found = [runs[video.name] for video in _all(study.videos)]
        state = np.concatenate([run.state[1:] for run in found])
        hits = np.concatenate([run.hits for run in found])
        visible = np.concatenate([run.track().visible for run in found])
        parts = {"box on target": hits, "box elsewhere": ~hits & visible, "target absent": ~visible}
        rows += [
            {"tracker": title(tracker), "frames": part, "number": int(chosen.sum())}
            | {
                name: (state[chosen] == number).mean()
                for number, name in enumerate(("tracking", "uncertain", "lost"))
            }
            for part, chosen in parts.items()
        ]
    return pd.DataFrame(rows)


def reliabilities(study: LostStudy) -> tuple[dict[str, Reliability], dict[str, Reliability]]:
    """Probability, and score alone, beside what came true in all held-out videos, in ten bins, by tracker's title."""
    by_probability, by_score = {}, {}
    for tracker, runs in study.plain.items():
        stated, score, hits = stated_and_true(runs.values())
        by_probability[title(tracker)] = reliability_bins(stated, hits)
        by_score[title(tracker)] = reliability_bins(score, hits)
    return by_probability, by_score


def model_table(trackers: Iterable[str]) -> pd.DataFrame:
    """How models compared when the calibrations of trackers were fitted, in videos that each was not fitted on.

    Raises:
        InputError: if a tracker has no calibration.
    """
    rows = []
    for tracker in trackers:
        card = calibration_of(tracker).card["cross_validated"]
        rows += [{"tracker": title(tracker), "model": model, **values} for model, values in card.items()]
    return pd.DataFrame(rows)


def stated_and_true(runs: Iterable[WatchedRun]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Probability, score and hits of all frames after the first, each (N,)."""
    chosen = list(runs)
    return (
        np.concatenate([run.probability[1:] for run in chosen]),
        np.concatenate([run.signals[1:, 0] for run in chosen]),
        np.concatenate([run.hits for run in chosen]),
    )


def title(tracker: str) -> str:
    """What a shipped tracker is called in tables and figures; a weight file keeps its name."""
    return label(recipe(tracker)) if tracker in shipped() else Path(tracker).stem


def _all(videos: Videos) -> list[Video]:
    return [video for kind in videos.values() for video in kind]
