"""The got10k package as a referee: it scores the same files with its own code in the same test."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dlatrack.evaluation.ope import evaluate
from dlatrack.evaluation.results.archives import opened
from dlatrack.evaluation.results.trackers import find_trackers
from dlatrack.evaluation.truth_source import read_truth

otb = pytest.importorskip("got10k.experiments.otb", reason="the got10k package and six are not installed")
uav123 = pytest.importorskip("got10k.experiments.uav123")


def experiment(kind):
    """An experiment without its data set: it only has to count."""
    made = kind.__new__(kind)
    made.nbins_iou, made.nbins_ce = 21, 51
    return made


def referee(kind, results, truth):
    """Mean success and precision curve by the package, whose `report` puts the truth into the first row."""
    judge = experiment(kind)
    curves = []
    for name, boxes in truth.items():
        rows = results[name].copy()
        rows[0] = boxes[0]
        curves.append(judge._calc_curves(*judge._calc_metrics(rows, boxes.copy())))
    success, precision = zip(*curves, strict=True)
    return np.mean(success, 0), np.mean(precision, 0)


def compare(kind, benchmark, results, truth):
    ours = evaluate(results, truth, protocol="got10k", benchmark=benchmark)
    success, precision = referee(kind, results, truth)
    assert ours.mean_success == pytest.approx(success, abs=1e-12)
    assert ours.mean_precision == pytest.approx(precision, abs=1e-12)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("benchmark", "kind"), [("OTB100", otb.ExperimentOTB), ("UAV123", uav123.ExperimentUAV123)]
)
def test_published_trackers(shared_data: Path, benchmark, kind):
    folder = shared_data / "benchmarks"
    truth = read_truth(benchmark, folder / "gt" / f"{benchmark.lower()}_gt.json.gz")
    with opened(folder / "results" / f"{benchmark}_results.tar.xz") as unpacked:
        for tracker in find_trackers(unpacked, truth.sequences):
            compare(kind, benchmark, tracker.read(truth.sequences), truth.boxes)


SIDES = st.integers(0, 6).map(float)


@settings(max_examples=150, deadline=None)
@given(st.lists(st.tuples(*[SIDES] * 8), min_size=1, max_size=8), st.booleans())
def test_small_boxes_on_the_grid_of_thresholds(rows, gaps):
    """Small whole numbers put many overlaps and errors on a threshold exactly."""
    values = np.array(rows)
    truth, predicted = values[:, :4].copy(), values[:, 4:]
    truth[0, 2:] += 1
    compare(otb.ExperimentOTB, "OTB100", {"a": predicted}, {"a": truth})
    if gaps and len(truth) > 1:
        truth[1:][::2] = np.nan
    compare(uav123.ExperimentUAV123, "UAV123", {"a": predicted}, {"a": truth})
