"""Benchmarks run and report; what they say about speed is not tested."""

from __future__ import annotations

import json
import math
from unittest.mock import Mock

import pytest
import torch

from dlatrack.bench.cpu import bench_cpu
from dlatrack.bench.measure import BenchReport, measure, measure_twins, resident_mib
from dlatrack.bench.run import BENCHES
from dlatrack.bench.step import STAGES, TwinStep
from dlatrack.bench.track import bench_track
from dlatrack.bench.train import bench_train
from dlatrack.cli.bench import bench
from dlatrack.datasets.folder import write_folder
from dlatrack.datasets.synthetic import synthetic_sequence, synthetic_sequences
from dlatrack.errors import InputError
from dlatrack.models.siamese import build_model
from dlatrack.models.weights import save_weights
from dlatrack.recipes import recipe
from dlatrack.sampling.store import CropStore


def test_operations_take_turns_after_a_warm_up():
    calls = []
    timings = measure({name: lambda turn, name=name: calls.append((name, turn)) for name in "ab"}, 2)
    assert calls == [("a", 0), ("b", 0)] * 4 + [("a", 1), ("b", 1)]
    assert [row.repeats for row in timings] == [2, 2]


def test_tracking_is_timed_and_its_boxes_are_compared():
    report = bench_track(3, tracker="siamcar_small")
    assert [row.name for row in report.timings] == [
        *("step, plain network", "step", "step, fast", "step without the network"),
        *("template, once per target", "confidence of a frame"),
    ]
    assert report.figures["largest difference of boxes, px"] < 0.1
    assert report.machine["tracker"] == "siamcar_small"
    assert all(math.isfinite(value) for value in report.figures.values())


def test_other_trackers_are_timed_in_the_same_turns():
    still = Mock()
    report = bench_track(
        3, tracker="nanotrack_v3", beside="siamcar_small, siamfc", opencv={"OpenCV KCF": still}
    )
    assert [row.name for row in report.timings[6:]] == [
        *("nanotrack_v3: network step", "siamcar_small: network step", "siamfc: network step"),
        *(f"{name}: update" for name in ("OpenCV KCF", "siamcar_small", "siamfc")),
    ]
    assert still.init.call_count == 1
    assert still.update.call_count == 6, "three for warming up"
    assert report.figures["largest difference of boxes, px"] < 0.1


def test_trackers_that_cannot_be_timed_are_named():
    with pytest.raises(InputError, match="beside: there is no recipe 'struck'; choose from cosiamrpn, "):
        bench_track(3, tracker="siamcar_small", beside="siamcar_small,struck")
    with pytest.raises(InputError, match=r"opencv_nano must be two ONNX files, .* got 'a.onnx'"):
        bench("track", repeats=3, threads=1, opencv_nano="a.onnx")


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


def test_twins_take_turns_in_both_orders(monkeypatch):
    now, calls, turns = [0.0], [], []

    def stage(name, seconds):
        def call(turn):
            calls.append((name, turn))
            now[0] += seconds * (1 + turn)
            yield "s"

        return call

    monkeypatch.setattr("time.perf_counter", lambda: now[0])
    first, second = measure_twins(
        stage("a", 0.002), stage("b", 0.003), 2, on_turn=lambda: turns.append(len(calls))
    )
    order = [(name, turn) for turn in (0, 0, 1) for name in "abba"]
    assert calls == order, "one turn to warm up, and the order of a turn mirrored"
    assert turns == [4, 8, 12]
    assert first["s"] == pytest.approx([2, 4]), "ms, the mean of both calls"
    assert second["s"] == pytest.approx([3, 6])


def test_a_drift_and_the_order_do_not_reach_the_ratio(monkeypatch):
    now, calls = [0.0], [0]

    def step(_):
        calls[0] += 1
        now[0] += 1 + 0.01 * calls[0]  # every step is slower than the last
        yield "s"

    monkeypatch.setattr("time.perf_counter", lambda: now[0])
    first, second = measure_twins(step, step, 5)
    assert second["s"] / first["s"] == pytest.approx(1)


def test_training_is_timed_stage_by_stage():
    report = bench_train(2, batch="2")
    assert len(report.timings) == 2 * 2 * 6
    assert report.timings[0].name == "frozen, fixed: data"
    assert report.timings[-1].name == "unfrozen, DLA: step without data"
    assert {row.repeats for row in report.timings} == {2}
    for state in ("frozen", "unfrozen"):
        low, ratio, high, share = (
            report.figures[f"{state}: {what}"]
            for what in (
                "lower end of its 95 % interval",
                "DLA step over fixed step",
                "upper end of its 95 % interval",
                "assignment's share of the DLA step, %",
            )
        )
        assert 0 < low <= ratio <= high
        assert 0 < share < 100
    assert len(report.figures) == 8
    assert report.machine["batches"] == "2 pairs of siamcar_small"


def test_what_cannot_be_timed_is_named():
    with pytest.raises(InputError, match=r"siamban has no DLA twin .* choose from cosiamrpn, .*, or all"):
        bench_train(3, tracker="siamban")
    with pytest.raises(InputError, match=r"a positive number below 10\^6, got 'many'"):
        bench_train(3, batch="many")
    with pytest.raises(InputError, match="there is no device 'abacus' here"):
        bench_train(3, device="abacus")


def test_all_recipes_with_a_twin_are_timed_one_after_the_other(monkeypatch):
    made = []

    class Step:
        def __init__(self, fixed, dla, _crops, pairs, trains, _device):
            made.append((fixed.name, dla.name, pairs, trains))

        def run(self, _name, _turn):
            return iter(STAGES)

    ticks = iter(range(10**6))
    monkeypatch.setattr("dlatrack.bench.train.TwinStep", Step)
    monkeypatch.setattr("time.perf_counter", lambda: next(ticks))
    report = bench_train(2, tracker="all")
    assert [row for row in made if not row[3]] == [
        ("siamcar_small", "dla_siamcar_small", 32, False),
        ("siamrpnpp_small", "dla_siamrpnpp_small", 32, False),
        ("siamcar_nano", "dla_siamcar_nano", 32, False),
        ("siamcar_mini", "dla_siamcar_mini", 32, False),
        ("siamrpnpp_nano", "dla_siamrpnpp_nano", 32, False),
        ("siamfcpp_nano", "dla_siamfcpp_nano", 32, False),
        ("cosiamrpn_nano", "dla_cosiamrpn_nano", 32, False),
        ("siamrpnpp", "dla_siamrpnpp", 2, False),
        ("siamcar", "dla_siamcar", 2, False),
        ("cosiamrpn", "dla_cosiamrpn", 2, False),
        ("siamfcpp", "dla_siamfcpp", 2, False),
        ("nanotrack_v3", "dla_nanotrack_v3", 2, False),
    ]
    assert len(report.timings) == 12 * 2 * 2, "whole steps alone"
    assert report.timings[0].name == "siamcar_small, frozen, fixed: step without data"
    assert report.figures["siamfcpp, unfrozen: DLA step over fixed step"] == 1
    assert report.figures["siamfcpp, unfrozen: assignment's share of the DLA step, %"] == 25


def test_both_sides_of_a_step_differ_in_labels_alone():
    names = ("siamcar_small", "dla_siamcar_small")
    crops = CropStore.build(synthetic_sequences(2, seed=0, length=4, challenges=()))
    twin = TwinStep(*map(recipe, names), crops, 2, False, torch.device("cpu"))
    labels, targets = {}, {}
    for name in names:
        rule = twin.assigners[name]
        twin.assigners[name] = Mock(wraps=rule)
        assert tuple(twin.run(name, 0)) == STAGES
        targets[name], *others = twin.assigners[name].assign.call_args.args
        labels[name] = rule.assign(targets[name], *others).labels
    assert torch.equal(*targets.values())
    assert (labels[names[0]] == 1).sum() > (labels[names[1]] == 1).sum() >= 2


def test_parts_for_cpus_are_compared_with_plain_ones():
    report = bench_cpu(1)
    assert [row.name.rpartition(", ")[2] for row in report.timings] == ["plain", "faster"] * len(
        report.figures
    )
    assert all(ratio > 0 for ratio in report.figures.values())


def test_options_of_another_benchmark_are_refused():
    assert set(BENCHES) == {"assign", "cpu", "evaluate", "pairs", "runtimes", "track", "train"}
    with pytest.raises(InputError, match="bench assign takes no tracker; its options: none"):
        bench("assign", repeats=3, threads=1, json=True, tracker="siamcar")
    with pytest.raises(InputError, match="bench pairs takes no clips; its options: pack"):
        bench("pairs", repeats=3, threads=1, clips="x")


def test_slow_benchmarks_repeat_less_unless_asked(monkeypatch, capsys):
    monkeypatch.setattr("torch.set_num_threads", lambda _: None)
    monkeypatch.setattr("cv2.setNumThreads", lambda _: None)
    asked = []
    monkeypatch.setitem(BENCHES, "track", lambda repeats: asked.append(repeats) or BenchReport([], {}, {}))
    bench("track", json=True)
    bench("track", repeats=7, json=True)
    assert asked == [15, 7]
    assert capsys.readouterr().out.count("timings") == 2


def test_all_benchmarks_make_one_document(monkeypatch, capsys):
    monkeypatch.setattr("torch.set_num_threads", lambda _: None)
    monkeypatch.setattr("cv2.setNumThreads", lambda _: None)
    for name in BENCHES:

        def run(repeats, *, name=name, weights="", tracker="", beside=""):
            return BenchReport([], {"repeats": repeats}, {"name": name, "weights": weights})

        monkeypatch.setitem(BENCHES, name, run)
    bench("all", repeats=4, threads=1, json=True)
    reports = json.loads(capsys.readouterr().out)
    assert {report["machine"]["name"] for report in reports.values()} == set(BENCHES) - {"cpu", "runtimes"}
    assert "track siamrpnpp" in reports
    assert reports["track siamcar_small"]["machine"] == {
        "name": "track",
        "weights": "siamcar_small",
        "threads": "1 thread",
    }
    assert all(report["figures"] == {"repeats": 4} for report in reports.values())
    bench("all", repeats=4, threads=1)
    assert capsys.readouterr().out.count("bench track") == 4
    with pytest.raises(InputError, match="bench all takes no weights; it measures every benchmark as it is"):
        bench("all", weights="x")


def test_memory_of_the_process_is_plausible():
    assert math.isnan(resident_mib()) or 10 < resident_mib() < 1e6
