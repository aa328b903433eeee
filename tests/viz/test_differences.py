"""Differences of two trackers on every sequence."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from canvas import overflow, png
from matplotlib.colors import to_hex
from matplotlib.figure import Figure

from dlatrack.errors import InputError
from dlatrack.evaluation.statistics.compare import paired_bootstrap, sentence
from dlatrack.pixels.colours import DLA, FIXED
from dlatrack.viz.differences import difference_plot

FIVE = {"Biker": 0.3, "Board": -0.2, "Car1": 0.1, "Coke": 0.0, "Deer": 0.05}


def plot(differences: dict[str, float], **changes: Any) -> Figure:
    values = np.array(list(differences.values()))
    names = {"name_a": "DLA-SiamCAR", "name_b": "SiamCAR", "benchmark": "OTB100"}
    if "summary" not in changes:
        changes["summary"] = paired_bootstrap(values, np.zeros(len(values)), resamples=999)
    return difference_plot(differences, **(names | changes))


def many(count: int) -> dict[str, float]:
    values = np.random.default_rng(count).normal(0.02, 0.1, count)
    return {f"sequence-{number}": float(value) for number, value in enumerate(values)}


def test_bars_are_sorted_and_coloured_by_the_better_tracker():
    (ax,) = plot(FIVE).axes
    better, worse = ax.containers
    assert [bar.get_height() for bar in better] == [0.3, 0.1, 0.05]
    assert [bar.get_height() for bar in worse] == [-0.2]
    assert [bar.get_x() + bar.get_width() / 2 for bar in better] == pytest.approx([0, 1, 2])
    assert worse[0].get_x() + worse[0].get_width() / 2 == pytest.approx(4)
    colours = [to_hex(container[0].get_facecolor()) for container in (better, worse)]
    assert colours == [to_hex(DLA), to_hex(FIXED)]
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("sequences, sorted by difference", "difference in AUC")


def test_mean_and_interval_are_those_of_the_summary():
    values = np.array(list(FIVE.values()))
    summary = paired_bootstrap(values, np.zeros(5), resamples=999)
    fig = plot(FIVE, summary=summary)
    (ax,) = fig.axes
    labels = {text.get_text() for text in fig.legends[0].get_texts()}
    assert labels == {
        "95 % interval",
        "mean +0.050",
        "DLA-SiamCAR better: 3 of 5",
        "SiamCAR better: 1 of 5",
    }
    assert ax.get_lines()[0].get_ydata()[0] == pytest.approx(0.05)
    (band,) = (patch for patch in ax.patches if patch.get_label() == "95 % interval")
    assert (band.get_y(), band.get_y() + band.get_height()) == pytest.approx((summary.low, summary.high))
    assert ax.get_title().replace("\n", " ") == sentence(summary, "DLA-SiamCAR", "SiamCAR")
    assert fig.get_suptitle() == "OTB100: DLA-SiamCAR minus SiamCAR, AUC of every sequence"


def test_the_ends_carry_names_and_values():
    (ax,) = plot(FIVE).axes
    assert {text.get_text() for text in ax.texts} == {
        "Biker +0.300",
        "Car1 +0.100",
        "Deer +0.050",
        "Board -0.200",
    }
    (ax,) = plot(many(100)).axes
    assert len(ax.texts) == 6


@pytest.mark.parametrize("count", [2, 10, 100, 280])
def test_texts_are_whole_and_apart(count: int):
    fig = plot(many(count), name_b="SiamCAR, fixed rule")
    assert overflow(fig) == 0
    (ax,) = fig.axes
    boxes = [text.get_window_extent() for text in ax.texts]
    pairs = [(a, b) for place, a in enumerate(boxes) for b in boxes[:place]]
    assert not any(a.overlaps(b) for a, b in pairs)
    assert all(ax.bbox.y0 <= box.y0 and box.y1 <= ax.bbox.y1 for box in boxes)


def test_one_sided_and_equal_trackers_are_drawn():
    assert overflow(plot({"a": 0.1, "b": 0.2})) == 0
    (ax,) = plot({"a": 0.0, "b": 0.0}).axes
    assert len(ax.texts) == 0


def test_the_same_data_give_the_same_bytes():
    assert png(plot(FIVE)) == png(plot(FIVE))


SUMMARY = paired_bootstrap(np.array([0.1, 0.3]), np.zeros(2), resamples=99)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (
            lambda: plot({"Car1": np.nan, "b": 0.1}, summary=SUMMARY),
            "on sequence Car1 must be finite, got nan",
        ),
        (lambda: plot(FIVE, summary=SUMMARY), "there are 5 differences, but the summary is of 2"),
        (
            lambda: plot({"a": 0.1, "b": 0.3}, summary=replace(SUMMARY, value=-0.2)),
            "the differences have the mean 0.200000, but the summary -0.200000",
        ),
    ],
)
def test_bad_input_is_named(call: Callable[[], Any], message: str):
    with pytest.raises(InputError, match=message):
        call()
