"""Benchmarks run and report; what they say about speed is not tested."""

from __future__ import annotations

import math

import pytest

from dlatrack.bench import BENCHES, BenchReport, measure, print_bench
from dlatrack.bench.measure import resident_mib
from dlatrack.bench.track import bench_track
from dlatrack.bench.train import bench_train
from dlatrack.datasets.folder import write_folder
from dlatrack.datasets.synthetic import synthetic_sequence
from dlatrack.errors import InputError
from dlatrack.models.siamese import build_model
from dlatrack.models.weights import save_weights
from dlatrack.recipes import recipe


def test_operations_take_turns_after_a_warm_up():
    calls = []
    timings = measure({name: lambda turn, name=name: calls.append((name, turn)) for name in "ab"}, 2)
    assert calls == [("a", 0), ("b", 0)] * 4 + [("a", 1), ("b", 1)]
    assert [row.repeats for row in timings] == [2, 2]


def test_tracking_is_timed_and_its_boxes_are_compared():
    report = bench_track(3, tracker="siamcar_small")
    assert [row.name for row in report.timings] == [
        *("step, plain network", "step", "step, fast", "step without the network"),
        "template, once per target",
    ]
    assert report.figures["largest difference of boxes, px"] < 0.1
    assert report.machine["tracker"] == "siamcar_small"
    assert all(math.isfinite(value) for value in report.figures.values())


def test_a_weight_file_and_clips_can_be_timed(tmp_path):
    chosen = recipe("dla_siamcar_small")
    save_weights(tmp_path / "w.safetensors", build_model(chosen), chosen, {})
    write_folder(synthetic_sequence(5, 4, challenges=()), tmp_path / "clips")
    paths = {"weights": str(tmp_path / "w.safetensors"), "clips": str(tmp_path / "clips")}
    report = bench_track(3, **paths)
    assert report.machine["tracker"] == "dla_siamcar_small"
    assert report.machine["video"] == "synthetic-0005"
    with pytest.raises(
        InputError, match="no sequence of 5 frames; the longest, synthetic-0005, allows 3 repeats"
    ):
        bench_track(4, **paths)


def test_training_is_timed_stage_by_stage():
    report = bench_train(3, batch="2")
    assert len(report.timings) == 2 * 2 * 5
    assert report.timings[0].name == "frozen, fixed: data"
    assert report.timings[-1].name == "unfrozen, DLA: backward and step"
    assert set(report.figures) == {
        f"{what}, {state}{unit}"
        for what, unit in (("DLA step over fixed step", ""), ("assignment's share of the DLA step", ", %"))
        for state in ("frozen", "unfrozen")
    }
    assert all(value > 0 for value in report.figures.values())
    with pytest.raises(InputError, match="siamban has no DLA twin to compare with; choose from cosiamrpn"):
        bench_train(3, tracker="siamban")
    with pytest.raises(InputError, match="batch must be a positive number, got 'many'"):
        bench_train(3, batch="many")


def test_options_of_another_benchmark_are_refused():
    assert set(BENCHES) == {"assign", "evaluate", "pairs", "track", "train"}
    with pytest.raises(InputError, match="bench assign takes no tracker; its options: none"):
        print_bench("assign", repeats=3, threads=1, as_json=True, tracker="siamcar")
    with pytest.raises(InputError, match="bench pairs takes no clips; its options: pack"):
        print_bench("pairs", repeats=3, threads=1, clips="x")


def test_slow_benchmarks_repeat_less_unless_asked(monkeypatch, capsys):
    monkeypatch.setattr("torch.set_num_threads", lambda _: None)
    monkeypatch.setattr("cv2.setNumThreads", lambda _: None)
    asked = []
    monkeypatch.setitem(BENCHES, "track", lambda repeats: asked.append(repeats) or BenchReport([], {}, {}))
    print_bench("track", as_json=True)
    print_bench("track", repeats=7, as_json=True)
    assert asked == [15, 7]
    assert capsys.readouterr().out.count("timings") == 2


def test_memory_of_the_process_is_plausible():
    assert math.isnan(resident_mib()) or 10 < resident_mib() < 1e6
