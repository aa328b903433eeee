"""Time to read and score result files of random boxes, as many as the real benchmarks have."""

from __future__ import annotations

from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path

import numpy as np

from dlatrack.bench.measure import BenchReport, machine, measure
from dlatrack.datasets.manifests import manifest
from dlatrack.evaluation.ope import evaluate
from dlatrack.evaluation.results import read_result_rows
from dlatrack.evaluation.statistics.compare import compare_all
from dlatrack.evaluation.truth import BenchmarkTruth, SequenceTruth
from dlatrack.evaluation.vot.results import REGION, VOTRun
from dlatrack.evaluation.vot.scores import evaluate_vot
from dlatrack.paths import scratch_folder

Boxes = dict[str, np.ndarray]

_OURS, _THEIRS = "OTB100: score", "OTB100: score with the got10k package"


def bench_evaluate(repeats: int) -> BenchReport:
    """Time reading and scoring one tracker on random boxes with the lengths of OTB100, LaSOT and VOT2019.

    If the got10k package is installed, it scores the same OTB100 boxes with its own functions. Also timed: a
    bootstrap of 10,000 resamples over 280 sequences for the 45 pairs of 10 trackers.

    Args:
        repeats: number of timed repetitions; a tenth of it for the slow operations.
    """
    rng = np.random.default_rng(0)
    otb, lasot = _random_truth("otb100", rng), _random_truth("lasot_test", rng)
    with scratch_folder(name="bench") as folder:
        otb_results, lasot_results = _jittered(otb, rng), _jittered(lasot, rng)
        otb_files = _write(folder / "otb", otb_results)
        lasot_files = _write(folder / "lasot", lasot_results)
        operations: dict[str, Callable[[int], object]] = {
            "OTB100, 59,035 rows: read and score": lambda _: evaluate(_read(otb_files), otb),
            _OURS: lambda _: evaluate(otb_results, otb),
        }
        if find_spec("got10k") and find_spec("six"):
            operations[_THEIRS] = lambda _: _got10k_scores(otb_results, otb)
        timings = measure(operations, repeats)
        few = max(3, repeats // 10)
        timings += measure(
            {"LaSOT test, 685,360 rows: read and score": lambda _: evaluate(_read(lasot_files), lasot)}, few
        )
    vot = _random_vot(rng)
    scores = {f"tracker {n}": rng.uniform(0, 1, 280) for n in range(10)}
    timings += measure(
        {
            "VOT2019, 19,935 frames: accuracy, robustness, EAO": lambda _: evaluate_vot(*vot),
            "bootstrap, 10 trackers, 280 sequences": lambda turn: compare_all(scores, seed=turn),
        },
        few,
    )
    median = {row.name: row.median for row in timings}
    figures = {"got10k over ours": median[_THEIRS] / median[_OURS]} if _THEIRS in median else {}
    return BenchReport(timings, figures, machine())


def _random_truth(name: str, rng: np.random.Generator) -> Boxes:
    """Random walks of boxes, with the names and lengths of a benchmark's sequences."""
    truth = {}
    for entry in manifest(name).sequences:
        centres = 300 + rng.normal(0, 3, (entry.frames, 2)).cumsum(0) % 200
        truth[entry.name] = np.concatenate([centres, rng.uniform(20, 80, (entry.frames, 2))], 1).round()
    return truth


def _jittered(truth: Boxes, rng: np.random.Generator) -> Boxes:
    return {name: (boxes + rng.normal(0, 5, boxes.shape)).clip(1).round(4) for name, boxes in truth.items()}


def _write(folder: Path, boxes: Boxes) -> dict[str, Path]:
    folder.mkdir()
    files = {name: folder / f"{name}.txt" for name in boxes}
    for name, file in files.items():
        np.savetxt(file, boxes[name], fmt="%.4f", delimiter=",")
    return files


def _read(files: dict[str, Path]) -> Boxes:
    return {name: read_result_rows(file) for name, file in files.items()}


def _random_vot(rng: np.random.Generator) -> tuple[dict[str, list[VOTRun]], BenchmarkTruth]:
    """Rotated true boxes, and a run without failures."""
    sequences, runs = {}, {}
    for name, boxes in _random_truth("vot2019", rng).items():
        x, y, w, h = boxes.T
        turned = np.stack([x + 0.3 * w, y, x + w, y + 0.3 * h, x + 0.7 * w, y + h, x, y + 0.7 * h], 1)
        sequences[name] = SequenceTruth(name, turned, size=(640, 640))
        regions = np.full((len(boxes), 8), np.nan)
        regions[1:, :4] = boxes[1:]
        codes = np.full(len(boxes), REGION, np.int8)
        codes[0] = 1
        runs[name] = [VOTRun(codes, regions)]
    return runs, BenchmarkTruth("VOT2019", sequences)


def _got10k_scores(results: Boxes, truth: Boxes) -> tuple[float, float]:
    """AUC and precision with the functions of the got10k package, in the way of its OTB experiment."""
    from got10k.utils.metrics import center_error, rect_iou

    overlap_at, distance_at = np.linspace(0, 1, 21), np.arange(51)
    success, precision = [], []
    for name, boxes in truth.items():
        ious, errors = rect_iou(results[name], boxes), center_error(results[name], boxes)
        success.append((ious[:, None] > overlap_at).mean(0))
        precision.append((errors[:, None] <= distance_at).mean(0))
    return float(np.mean(success)), float(np.mean(precision, 0)[20])
