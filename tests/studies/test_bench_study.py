"""The file of all benchmarks: read, refused, drawn."""

from __future__ import annotations

import json

import pytest

from dlatrack import paths
from dlatrack.errors import InputError
from dlatrack.ledger.records import read_records
from dlatrack.studies.cost import BENCH, BENCH_COLUMNS, read_bench
from dlatrack.viz.benches import bench_dots


def timing(name: str, median: float) -> dict[str, object]:
    return {"name": name, "median": median, "low": 0.9 * median, "high": 1.2 * median, "repeats": 15}


def report(*timings: dict[str, object]) -> dict[str, object]:
    machine = {"processor": "abacus, 2 cores", "torch": "torch 2", "threads": "1 threads"}
    return {"timings": list(timings), "figures": {}, "machine": machine}


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.setenv("DLATRACK_FIGURES", str(tmp_path))
    return tmp_path


def test_timings_by_benchmark_without_the_stages_of_a_step(folder):
    assert read_bench() is None
    stages = [timing(f"frozen, DLA: {stage}", 5) for stage in ("data", "assignment", "backward and step")]
    reports = {
        "assign": report(timing("256 targets", 16.7)),
        "train": report(*stages, timing("frozen, DLA: step without data", 160)),
    }
    (folder / BENCH).write_text(json.dumps(reports))
    study = read_bench()
    assert tuple(study.table.columns) == BENCH_COLUMNS
    assert study.table["what"].tolist() == ["256 targets", "frozen, DLA: step without data"]
    assert study.table["95 %, ms"].tolist() == pytest.approx([20.04, 192])
    assert study.machine == {"processor": "abacus, 2 cores", "torch": "torch 2"}
    figure = bench_dots(study.table)
    ax = figure.axes[0]
    texts = [label.get_text() for label in ax.get_yticklabels()]
    assert texts == ["256 targets", "frozen, DLA: step without data", "bench assign", "bench train"]
    assert ax.lines[0].get_xdata().tolist() == [16.7, 160]
    assert ax.lines[0].get_ydata().tolist() == [1, 3]


def test_a_measurement_of_ones_own_stands_for_that_of_the_project(tmp_path, monkeypatch):
    monkeypatch.delenv("DLATRACK_FIGURES", raising=False)
    monkeypatch.delenv("DLATRACK_RUNS", raising=False)
    monkeypatch.setattr(paths, "root", lambda: tmp_path)
    for folder, median in (("figures", 10), ("runs/figures", 20)):
        (tmp_path / folder).mkdir(parents=True)
        (tmp_path / folder / BENCH).write_text(json.dumps({"assign": report(timing("a", median))}))
        study = read_bench()
        assert study is not None
        assert study.table["median, ms"].tolist() == [median]


@pytest.mark.parametrize("content", ["no JSON", "[]", "{}", '{"assign": {"timings": [{"name": "x"}]}}'])
def test_another_file_is_refused(folder, content):
    (folder / BENCH).write_text(content)
    with pytest.raises(InputError, match=r"bench\.json is not what dlatrack bench all --json prints"):
        read_bench()


def test_the_gallery_and_the_ledger_do_not_take_it_for_a_record(folder):
    (folder / BENCH).write_text("{}")
    assert read_records() == {}


def test_nothing_to_draw(folder):
    reports = {"assign": report()}
    (folder / BENCH).write_text(json.dumps(reports))
    with pytest.raises(InputError, match="there are no timings to draw"):
        bench_dots(read_bench().table)
