"""Time of a step in every runtime, each in a process of its own, and how far its boxes are from torch's."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd
import torch

from dlatrack.bench.measure import BenchReport, Timing, machine, processor_flags, timing
from dlatrack.bench.runtime_process import RuntimeProcess, Setup
from dlatrack.datasets.folder import read_folders
from dlatrack.datasets.photographic import photographic_sequences
from dlatrack.datasets.sequence import Sequence
from dlatrack.errors import InputError
from dlatrack.evaluation.ope import evaluate
from dlatrack.models.onnx.export import export_onnx
from dlatrack.models.runtimes import RUNTIMES
from dlatrack.models.siamese import build_model
from dlatrack.models.weights import save_weights, shipped
from dlatrack.paths import scratch_folder
from dlatrack.progress import Progress
from dlatrack.provenance import save_table, versions
from dlatrack.recipes import RECIPES, recipe
from dlatrack.recipes.twins import label

#: Shipped trackers, and recipes that get random weights.
_TRACKERS = "dla_nanotrack_v3, dla_siamcar_small, dla_siamrpnpp_small, siamcar, siamrpnpp"

#: Frames of each clip whose boxes are compared, and steps of each process in a turn.
_FRAMES, _STEPS = 100, 4

#: Clips when none are given: their number, the seed of the first, and width and height, px.
_CLIPS, _SEED, _SIZE = 6, 6_200_000, (480, 360)


class Way(NamedTuple):
    """A way to compute a step."""

    runtime: str  #: a key of `RUNTIMES`
    fast: bool = False  #: as in `OnlineTracker`
    beside: str = ""  #: another runtime in the same process that computes a step before each timed one


#: Ways by name; those in int8 are for trained weights alone.
WAYS: dict[str, Way] = {
    "torch": Way("torch"),
    "torch, fast": Way("torch", fast=True),
    "torch beside openvino": Way("torch", beside="openvino"),
    "onnx": Way("onnx"),
    "openvino": Way("openvino"),
    "openvino, bfloat16": Way("openvino", fast=True),
    "onnx-int8": Way("onnx-int8"),
    "openvino-int8": Way("openvino-int8"),
}


def bench_runtimes(repeats: int, *, tracker: str = _TRACKERS, clips: str = "", out: str = "") -> BenchReport:
    """Time a network step in every runtime that is installed, in turn, A B A B ...

    Every way to compute has a process of its own with as many threads as torch has here; while one computes, the
    others wait. A turn is four steps. Shipped trackers are then run over the first 100 frames of each clip, which
    gives frames per second without reading, the AUC, and the largest difference of a box from that of torch.

    Args:
        repeats: number of timed turns.
        tracker: comma-separated names of shipped trackers, or of recipes, which get random weights.
        clips: folder of sequences in the OTB layout; "": photographic clips.
        out: folder for the table `runtimes` and its record; "": none.

    Raises:
        InputError: for an unknown tracker, clips that cannot be read, or a table that cannot be written.
    """
    names = [name.strip() for name in tracker.split(",") if name.strip()]
    for name in names:
        if name not in shipped() and name not in RECIPES:
            raise InputError(
                f"bench runtimes: there is no tracker {name!r}; choose from {', '.join(sorted(RECIPES))}"
            )
    videos = _videos(clips)
    timings: list[Timing] = []
    figures: dict[str, float] = {}
    parts = sum(repeats + 1 + len(videos) * (name in shipped()) for name in names)
    with Progress(parts, "runtimes", unit="turns and clips") as progress:
        for name in names:
            with _processes(name) as processes:
                for way, taken in _turns(processes, repeats, progress).items():
                    timings.append(timing(f"{name}: {way}", taken))
                medians = {
                    way: row.median for way, row in zip(processes, timings[-len(processes) :], strict=True)
                }
                figures |= {
                    f"{name}: {way}, times as fast as torch": medians["torch"] / medians[way]
                    for way in processes
                    if way != "torch"
                }
                if name in shipped():
                    tracked = _tracked(processes, videos, progress)
                    figures |= {f"{name}: {what}": value for what, value in tracked.items()}
    report = BenchReport(timings, figures, _machine())
    if out:
        save_table(
            runtimes_table(report),
            "runtimes",
            made_by="dlatrack bench runtimes",
            parameters={
                "clips": Path(clips).name or "photographic",
                "frames": _FRAMES,
                "machine": report.machine | {"threads": str(torch.get_num_threads())},
                "repeats": repeats,
            },
            imagery="real" if clips else "photographic",
            folder=Path(out),
        )
    return report


def _machine() -> dict[str, str]:
    """The machine as in other benchmarks, its instruction sets, versions of the runtimes, and how torch waits."""
    packages = [package for package in ("onnxruntime", "openvino") if find_spec(package)]
    return {
        **machine(),
        "flags": processor_flags(),
        **{name: f"{name} {number}" for name, number in versions(packages).items() if name in packages},
        "waiting": f"OMP_WAIT_POLICY {os.environ.get('OMP_WAIT_POLICY', 'unset')}",
    }


def runtimes_table(report: BenchReport) -> pd.DataFrame:
    """The report of `bench_runtimes` as a table with four decimals: a row for each tracker and way to compute it."""
    rows = []
    for row in report.timings:
        tracker, _, way = row.name.partition(": ")
        rows.append(
            {
                "tracker": label(recipe(tracker)),
                "runtime": way,
                "ms per step": row.median,
                "5 %": row.low,
                "95 %": row.high,
                "times as fast as torch": report.figures.get(f"{row.name}, times as fast as torch", 1.0),
                "frames per second": report.figures.get(f"{row.name}, frames per second"),
                "AUC": report.figures.get(f"{row.name}, AUC"),
                "largest difference, px": report.figures.get(f"{row.name}, largest difference of boxes, px"),
            }
        )
    return pd.DataFrame(rows).round(4)


@contextmanager
def _processes(name: str) -> Iterator[dict[str, RuntimeProcess]]:
    """A process for every way to compute a step of a tracker, ready to start."""
    with ExitStack() as stack:
        trained = name in shipped()
        weights, graphs = name, name
        if not trained:
            folder = stack.enter_context(scratch_folder(name="bench"))
            weights, graphs = str(folder / "weights.safetensors"), str(folder / "graphs")
            chosen = recipe(name)
            net = build_model(chosen, torch.Generator().manual_seed(0)).eval()
            save_weights(weights, net, chosen, {})
            export_onnx(net, chosen, graphs)
        yield {
            name: stack.enter_context(
                RuntimeProcess(
                    Setup(
                        weights if way.runtime == "torch" else graphs,
                        way.runtime,
                        way.fast,
                        (graphs, way.beside) if way.beside else None,
                        torch.get_num_threads(),
                    )
                )
            )
            for name, way in WAYS.items()
            if _runs(way, trained)
        }


def _runs(way: Way, trained: bool) -> bool:
    needed = [*RUNTIMES[way.runtime], *RUNTIMES.get(way.beside, ())]
    return all(find_spec(package) for package in needed) and (trained or "int8" not in way.runtime)


def _turns(processes: dict[str, RuntimeProcess], repeats: int, progress: Progress) -> dict[str, np.ndarray]:
    """Milliseconds of a step, (turns,), by way; the median of each turn, after one for warming up."""
    taken: dict[str, list[float]] = {way: [] for way in processes}
    for turn in range(-1, repeats):
        for way, process in processes.items():
            milliseconds = float(np.median(process.steps(_STEPS)))
            if turn >= 0:
                taken[way].append(milliseconds)
        progress.step()
    return {way: np.array(values) for way, values in taken.items()}


def _tracked(
    processes: dict[str, RuntimeProcess], videos: list[Sequence], progress: Progress
) -> dict[str, float]:
    """By way: frames per second of `update`, the median over clips; AUC; and the largest difference of boxes, px."""
    figures: dict[str, float] = {}
    found: dict[str, list[tuple[np.ndarray, float]]] = {way: [] for way in processes}
    for video in videos:
        frames = np.stack([video.frames[index] for index in range(min(len(video), _FRAMES + 1))])
        for way, process in processes.items():
            found[way].append(process.track(frames, video.boxes_xywh[0]))
        progress.step(1, clip=video.name)
    truth = {video.name: video.boxes_xywh[: _FRAMES + 1] for video in videos}
    for way, results in found.items():
        boxes_of = {
            video.name: np.concatenate([video.boxes_xywh[:1], boxes])
            for video, (boxes, _) in zip(videos, results, strict=True)
        }
        figures[f"{way}, AUC"] = evaluate(boxes_of, truth).auc
        figures[f"{way}, frames per second"] = 1 / float(np.median([seconds for _, seconds in results]))
        if way != "torch":
            figures[f"{way}, largest difference of boxes, px"] = max(
                float(np.abs(boxes - usual).max())
                for (boxes, _), (usual, _) in zip(results, found["torch"], strict=True)
            )
    return figures


def _videos(clips: str) -> list[Sequence]:
    if clips:
        return [video for video in read_folders(Path(clips)) if len(video) > 1]
    return photographic_sequences(_CLIPS, _SEED, _FRAMES + 1, _SIZE, split="test")
