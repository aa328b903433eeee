"""One-pass runs: initialise on the first frame, track to the last, keep the boxes."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import torch

from dlatrack import __version__
from dlatrack.datasets.sequence import Sequence
from dlatrack.errors import InputError
from dlatrack.evaluation.results import read_boxes, write_boxes
from dlatrack.files import write_text

#: What a `run.json` must agree in before results are added to its folder.
_IDENTITY = ("tracker", "weights_sha256", "settings", "protocol")


class Tracker(Protocol):
    """Anything that follows one target. Images are (H, W, 3) uint8 RGB, boxes (4,) xywh, 0-based px."""

    def init(self, image: np.ndarray, box_xywh: np.ndarray) -> None:
        """Start on the target in the first frame."""
        ...

    def update(self, image: np.ndarray) -> tuple[np.ndarray, float]:
        """Box and score of the target in the next frame."""
        ...


@dataclass(frozen=True, eq=False)
class RunResult:
    """What a tracker answered on a sequence of T frames.

    Args:
        boxes_xywh: (T, 4) float64, 0-based px; row 0 is the true box the tracker was given.
        scores: (T,) float64; row 0 is 1.
        seconds: (T,) float64, time in `init` (row 0) and `update`, without reading the image.
    """

    boxes_xywh: np.ndarray
    scores: np.ndarray
    seconds: np.ndarray


def run_one_pass(
    tracker: Tracker,
    sequence: Sequence,
    *,
    on_frame: Callable[[int, np.ndarray, np.ndarray, float], None] | None = None,
) -> RunResult:
    """Track a sequence from its first frame to its last, without help on the way.

    Args:
        tracker: initialised here.
        sequence: its first frame must show the target.
        on_frame: called after every frame with its index, image, box_xywh and score.

    Raises:
        InputError: naming the sequence, if the target has no box in the first frame, or the tracker refuses it.

    Source: OTB, "one-pass evaluation" (Wu et al. 2013).
    """
    first = sequence.boxes_xywh[0]
    if not sequence.visible[0] or np.isnan(first).any():
        raise InputError(
            f"sequence {sequence.name} does not show its target in the first frame; nothing to track"
        )
    count = len(sequence)
    result = RunResult(np.empty((count, 4)), np.ones(count), np.empty(count))
    for index in range(count):
        image = sequence.frames[index]
        started = time.perf_counter()
        try:
            if index == 0:
                tracker.init(image, first)
                box, score = first, 1.0
            else:
                box, score = tracker.update(image)
        except InputError as error:
            raise InputError(f"sequence {sequence.name}, frame {index}: {error}") from error
        result.seconds[index] = time.perf_counter() - started
        result.boxes_xywh[index], result.scores[index] = box, score
        if on_frame is not None:
            on_frame(index, image, result.boxes_xywh[index], score)
    return result


def run_sequences(
    make_tracker: Callable[[], Tracker],
    sequences: Collection[Sequence],
    results_dir: str | Path,
    *,
    tracker: str,
    weights_sha256: str | None = None,
    settings: Mapping[str, Any] | None = None,
    progress: Callable[[str, int, int], None] | None = None,
) -> list[Path]:
    """Run a tracker over sequences and write its results, one file per sequence.

    `<name>.txt` holds a row x,y,w,h per frame in the form of `evaluation.results.write_boxes`. `run.json` says what
    made them. A sequence whose file is there with the right number of rows is skipped, so that a stopped run goes on
    where it ended.

    Args:
        make_tracker: makes the tracker; called once, and only if there is something to run.
        sequences: with different names.
        results_dir: made when absent.
        tracker: name for `run.json`, e.g. the recipe's.
        weights_sha256: hash of the weights, if the tracker has any.
        settings: further JSON values that decide the results, e.g. the online hyper-parameters.
        progress: called after each sequence with its name, the number done and the number of all.

    Returns:
        The files, in the order of `sequences`.

    Raises:
        InputError: if `results_dir` holds the results of something else, names repeat or cannot be file names, or a
            sequence cannot be tracked.
    """
    folder = Path(results_dir)
    _check_names([sequence.name for sequence in sequences])
    _claim(folder, tracker, weights_sha256, dict(settings or {}))
    made: Tracker | None = None
    paths = []
    for done, sequence in enumerate(sequences, 1):
        path = folder / f"{sequence.name}.txt"
        if not _complete(path, len(sequence)):
            made = made if made is not None else make_tracker()
            write_boxes(path, run_one_pass(made, sequence).boxes_xywh)
        paths.append(path)
        if progress is not None:
            progress(sequence.name, done, len(sequences))
    return paths


def _check_names(names: list[str]) -> None:
    for name in names:
        if not name or Path(name).name != name or "\\" in name or "\0" in name:
            raise InputError(f"sequence name {name!r} cannot be a file name; it must have no folder part")
    repeated = sorted({name for name in names if names.count(name) > 1})
    if repeated:
        raise InputError(
            f"sequence names must differ, but {repeated[0]} comes {names.count(repeated[0])} times"
        )


def _claim(folder: Path, tracker: str, weights_sha256: str | None, settings: dict[str, Any]) -> None:
    """Write run.json, or check that the one in place describes the same run."""
    path = folder / "run.json"
    record = {
        "tracker": tracker,
        "weights_sha256": weights_sha256,
        "settings": settings,
        "protocol": "one-pass",
        "versions": {"dlatrack": __version__, "torch": str(torch.__version__), "numpy": np.__version__},
    }
    text = json.dumps(record, indent=2, sort_keys=True) + "\n"
    if not path.exists():
        write_text(path, text)
        return
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise InputError(f"cannot read {path}: {error}; remove it or choose another folder") from error
    wanted = json.loads(text)
    for key in _IDENTITY:
        there = found.get(key) if isinstance(found, dict) else found
        if there != wanted[key]:
            raise InputError(
                f"{path} belongs to another run: {key} is {there!r} there and {wanted[key]!r} here; "
                f"choose another folder"
            )


def _complete(path: Path, rows: int) -> bool:
    if not path.exists():
        return False
    try:
        read_boxes(path, rows)
    except InputError:
        return False
    return True
