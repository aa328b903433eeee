"""The runtimes take turns in processes of their own; their boxes are compared, and the table is kept."""

from __future__ import annotations

import json
from typing import ClassVar

import numpy as np
import pandas as pd
import pytest

from dlatrack.bench import runtimes
from dlatrack.bench.measure import processor_flags
from dlatrack.bench.runtime_process import RuntimeProcess, Setup
from dlatrack.bench.runtimes import WAYS, bench_runtimes, runtimes_table
from dlatrack.datasets.folder import write_folder
from dlatrack.datasets.synthetic import synthetic_sequence
from dlatrack.errors import InputError
from dlatrack.models.runtimes import RUNTIMES
from dlatrack.tracking.online import OnlineTracker
from dlatrack.tracking.run import run_one_pass


class Canned:
    """A process that answers what its runtime stands for."""

    started: ClassVar[list[Setup]] = []
    turns: ClassVar[list[str]] = []

    def __init__(self, setup: Setup) -> None:
        self.setup = setup
        self.started.append(setup)

    def __enter__(self) -> Canned:
        return self

    def __exit__(self, *_: object) -> None:
        self.turns.append("end")

    def steps(self, count: int) -> np.ndarray:
        self.turns.append(self.setup.runtime)
        return np.full(count, 8.0 if self.setup.runtime == "torch" else 4.0)

    def track(self, frames: np.ndarray, box_xywh: np.ndarray) -> tuple[np.ndarray, float]:
        boxes = np.tile(box_xywh, (len(frames) - 1, 1))
        boxes[-1, 2] += 0.25 * self.setup.runtime.startswith("onnx")
        return boxes, 0.01


def test_runtimes_take_turns_and_are_compared(monkeypatch, tmp_path):
    monkeypatch.setattr(runtimes, "RuntimeProcess", Canned)
    monkeypatch.setattr(runtimes, "find_spec", lambda package: package.startswith("onnx"))
    monkeypatch.setattr(Canned, "started", [])
    monkeypatch.setattr(Canned, "turns", [])
    write_folder(synthetic_sequence(5, 4, challenges=()), tmp_path / "clips")
    report = bench_runtimes(
        2, tracker="siamcar_small", clips=str(tmp_path / "clips"), out=str(tmp_path / "out")
    )
    ways = ["torch", "torch, fast", "onnx", "onnx-int8"]
    assert [row.name for row in report.timings] == [f"siamcar_small: {way}" for way in ways]
    assert Canned.turns == ["torch", "torch", "onnx", "onnx-int8"] * 3 + ["end"] * 4
    assert [row.repeats for row in report.timings] == [2] * 4
    assert report.figures["siamcar_small: onnx, times as fast as torch"] == 2
    assert report.figures["siamcar_small: onnx, largest difference of boxes, px"] == 0.25
    assert report.figures["siamcar_small: torch, fast, frames per second"] == 100
    assert 0 < report.figures["siamcar_small: onnx, AUC"] < 1
    assert {"flags", "onnxruntime", "processor", "waiting"} <= set(report.machine)
    table = pd.read_csv(tmp_path / "out" / "runtimes.csv")
    pd.testing.assert_frame_equal(table, runtimes_table(report), check_dtype=False)
    assert set(table["tracker"]) == {"SiamCAR small, fixed rule"}
    assert table["AUC"].equals(table["AUC"].round(4))
    assert table["times as fast as torch"].tolist() == [1, 1, 2, 2]
    record = json.loads((tmp_path / "out" / "runtimes.json").read_text())
    assert record["parameters"]["machine"]["processor"] == report.machine["processor"]
    assert record["made_by"] == "dlatrack bench runtimes"


@pytest.mark.slow
def test_a_process_steps_and_tracks_as_this_one():
    clip = synthetic_sequence(5, 4, challenges=())
    frames = np.stack([clip.frames[index] for index in range(4)])
    with RuntimeProcess(Setup("nanotrack_v3", "torch", False, ("nanotrack_v3", "torch"), 1)) as process:
        assert process.steps(2).shape == (2,)
        boxes, seconds = process.track(frames, clip.boxes_xywh[0])
    usual = run_one_pass(OnlineTracker.from_weights("nanotrack_v3"), clip)
    assert np.abs(boxes - usual.boxes_xywh[1:]).max() < 0.01
    assert seconds > 0


def test_every_runtime_has_its_row_and_strange_trackers_are_named():
    assert {kind.runtime for kind in WAYS.values()} == set(RUNTIMES)
    with pytest.raises(
        InputError, match="bench runtimes: there is no tracker 'struck'; choose from cosiamrpn,"
    ):
        bench_runtimes(3, tracker="siamcar_small, struck")
    assert set(processor_flags().split()) <= {
        *("avx2", "fma", "avx512f", "avx_vnni", "avx512_vnni", "avx512_bf16", "amx_int8", "amx_bf16")
    }
