"""Runs of trackers whose confidence is recorded frame by frame, kept in the cache folder."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from dlatrack import __version__, paths
from dlatrack.datasets.sequence import Sequence as Video
from dlatrack.evaluation.long_term import ON_TARGET, LongTermTrack
from dlatrack.files import atomic_path, file_digest
from dlatrack.models.weights import find_weights, load_weights
from dlatrack.progress import Progress
from dlatrack.provenance import sha256_of
from dlatrack.tracking.confidence.calibration import INPUTS, Calibration
from dlatrack.tracking.confidence.hysteresis import Thresholds
from dlatrack.tracking.confidence.recovery import RecoveryConfig
from dlatrack.tracking.confidence.signals import FIRST, Signals
from dlatrack.tracking.confidence.watch import Watch
from dlatrack.tracking.online import OnlineTracker

#: States in the order of their numbers in `WatchedRun.state`.
TRACK_STATES = ("tracking", "uncertain", "lost")

#: Changes whenever runs have other results, so that kept ones are not used.
_VERSION = 1

#: The same for runs with recovery.
_RECOVERY_VERSION = 4

#: A calibration that says nothing; signals do not depend on it.
_BLANK = Calibration((0.0,) * len(INPUTS), 0.0)


@dataclass(frozen=True, eq=False)
class WatchedRun:
    """One tracker in one video of T frames."""

    boxes_xywh: np.ndarray  #: (T, 4) answered boxes
    signals: np.ndarray  #: (T, 5) float64, as `Signals`
    probability: np.ndarray  #: (T,) calibrated probability, 0..1
    state: np.ndarray  #: (T,) number of the state in `TRACK_STATES`
    truth_xywh: np.ndarray  #: (T, 4) true boxes, NaN where the target is absent

    def track(self, confidence: np.ndarray | None = None) -> LongTermTrack:
        """For long-term evaluation, with the probability or another confidence (T,)."""
        return LongTermTrack(
            self.boxes_xywh, self.probability if confidence is None else confidence, self.truth_xywh
        )

    @property
    def hits(self) -> np.ndarray:
        """(T - 1,) bool: frames after the first whose box has an IoU of more than 0.5."""
        hits: np.ndarray = self.track().overlaps > ON_TARGET
        return hits

    def under(self, calibration: Calibration, thresholds: Thresholds | None = None) -> WatchedRun:
        """The same boxes with the probabilities and states of a calibration; only for runs without recovery."""
        watch = Watch(calibration, thresholds or Thresholds())
        told = [watch.confidence]
        for row in self.signals[1:]:
            watch.observe(Signals(*row.tolist()))
            told.append(watch.confidence)
        return replace(
            self,
            probability=np.array([each.probability for each in told]),
            state=np.array([TRACK_STATES.index(each.state) for each in told]),
        )


#: Runs by tracker, and then by video.
Runs = dict[str, dict[str, WatchedRun]]


def watched_runs(
    trackers: Sequence[str],
    videos: Sequence[Video],
    calibrations: Mapping[str, Calibration] | None = None,
    *,
    thresholds: Thresholds | None = None,
    recovery: RecoveryConfig | None = None,
) -> Runs:
    """Run trackers over videos and record their signals; a run that is in the cache folder is read from there.

    Every frame is rendered once for all trackers.

    Args:
        trackers: names of shipped trackers, or weight files.
        videos: videos, with unique names.
        calibrations: calibration by tracker; None: probabilities of 0.5, to be replaced by `WatchedRun.under`.
        thresholds: when states change; None: the defaults.
        recovery: how lost targets are searched; None: they are not.

    Raises:
        InputError: if a weight file or an image cannot be read.
    """
    runs: Runs = {tracker: {} for tracker in trackers}
    with Progress(sum(map(len, videos)), "tracking", unit="frames") as progress:
        for video in videos:
            missing: dict[str, tuple[Path, OnlineTracker]] = {}
            for tracker in trackers:
                calibration = _BLANK if calibrations is None else calibrations[tracker]
                how = (calibration, thresholds or Thresholds(), recovery)
                known = _known(tracker, video, *how)
                if known is not None:
                    runs[tracker][video.name] = known
                else:
                    missing[tracker] = _file(tracker, video, *how), _tracker(tracker, *how)
            for tracker, recorded in _record(
                video, {name: each for name, (_, each) in missing.items()}
            ).items():
                with atomic_path(missing[tracker][0]) as temporary, temporary.open("wb") as stream:
                    np.savez_compressed(stream, allow_pickle=False, **recorded)
                runs[tracker][video.name] = _read(missing[tracker][0], video)
            progress.step(len(video), video=video.name)
    return runs


def _known(
    tracker: str,
    video: Video,
    calibration: Calibration,
    thresholds: Thresholds,
    recovery: RecoveryConfig | None,
) -> WatchedRun | None:
    """The run, if it is in the cache folder.

    One with recovery is the same as one without as long as the target is not lost, and so one whose target never is
    need not be there.
    """
    file = _file(tracker, video, calibration, thresholds, recovery)
    if file.is_file():
        return _read(file, video)
    plain = _file(tracker, video, _BLANK, thresholds, None)
    if recovery is None or not plain.is_file():
        return None
    run = _read(plain, video).under(calibration, thresholds)
    return None if (run.state == TRACK_STATES.index("lost")).any() else run


def _tracker(
    name: str, calibration: Calibration, thresholds: Thresholds, recovery: RecoveryConfig | None
) -> OnlineTracker:
    net, recipe = load_weights(name)
    return OnlineTracker(
        net,
        recipe,
        calibration=calibration,
        thresholds=thresholds,
        recover=recovery is not None,
        recovery=recovery,
    )


def _record(video: Video, trackers: Mapping[str, OnlineTracker]) -> dict[str, dict[str, np.ndarray]]:
    """Boxes, signals, probabilities and states of every tracker."""
    rows: dict[str, list[tuple[Any, ...]]] = {name: [] for name in trackers}
    for index in range(len(video) if trackers else 0):
        image = video.frames[index]
        for name, tracker in trackers.items():
            box = video.boxes_xywh[0]
            if index == 0:
                tracker.init(image, box)
            else:
                box, _ = tracker.update(image)
            told = tracker.confidence
            assert told is not None
            signals = FIRST if index == 0 else Signals(*told[:4], told.likeness)
            rows[name].append((box, signals, told.probability, TRACK_STATES.index(told.state)))
    names = ("boxes_xywh", "signals", "probability", "state")
    return {
        tracker: dict(zip(names, map(np.array, zip(*found, strict=True)), strict=True))
        for tracker, found in rows.items()
    }


def _read(file: Path, video: Video) -> WatchedRun:
    with np.load(file) as arrays:
        return WatchedRun(**{name: arrays[name] for name in arrays}, truth_xywh=video.boxes_xywh)


def _file(
    tracker: str,
    video: Video,
    calibration: Calibration,
    thresholds: Thresholds,
    recovery: RecoveryConfig | None,
) -> Path:
    """Where the run is kept: what is hashed decides its numbers."""
    how = None
    if recovery is not None:
        settings = [asdict(thresholds), asdict(recovery), _RECOVERY_VERSION]
        how = [calibration.weights, calibration.bias, calibration.keep, *settings]
    elif calibration is not _BLANK:
        how = [calibration.weights, calibration.bias, calibration.keep, asdict(thresholds)]
    key = sha256_of(
        {
            "version": [__version__, _VERSION],
            "weights": file_digest(find_weights(tracker)),
            "video": [video.name, len(video), hashlib.sha256(video.boxes_xywh.tobytes()).hexdigest()],
            "how": how,
        }
    )
    return paths.cache_dir() / "lost_or_not" / f"{key[:32]}.npz"
