"""EAO ranking and A-R plot."""

from __future__ import annotations

import math
from collections.abc import Callable
from itertools import pairwise
from typing import Any

import pytest
from canvas import overflow, png
from matplotlib.colors import to_hex

from dlatrack.errors import InputError
from dlatrack.pixels.colours import DLA, GREY
from dlatrack.viz.vot import ar_plot, eao_ranking

EAO = {"SiamTPN": 0.2088, "DLA-SiamRPN++": 0.3277, "NanoTrack": 0.247}
POINTS = {"LightTrack": (0.523699, 0.316027), "DLA-SiamRPN++": (0.6, 0.44), "SiamTPN": (0.642214, 0.817657)}


def test_the_best_tracker_is_right_most():
    fig = eao_ranking(EAO)
    (ax,) = fig.axes
    ticks = [tick.get_text() for tick in ax.get_xticklabels()]
    assert ticks == ["SiamTPN (3)", "NanoTrack (2)", "DLA-SiamRPN++ (1)"]
    assert [text.get_text() for text in ax.texts] == ["0.209", "0.247", "0.328"]
    points = [line for line in ax.get_lines() if line.get_linestyle() == "None"]
    assert [(line.get_xdata()[0], line.get_ydata()[0]) for line in points] == [
        (0, 0.2088),
        (1, 0.247),
        (2, 0.3277),
    ]
    assert to_hex(points[2].get_color()) == to_hex(DLA)
    assert fig.get_suptitle() == "VOT2019: expected average overlap (pysot protocol)"
    assert ax.get_ylabel() == "expected average overlap (EAO)"


def test_the_papers_values_are_ranked_apart():
    paper, measured = eao_ranking(EAO, paper={"SiamBAN": 0.327, "SiamRPN++": 0.287}).axes
    assert [tick.get_text() for tick in paper.get_xticklabels()] == [
        "paper: SiamRPN++ (2)",
        "paper: SiamBAN (1)",
    ]
    assert {tick.get_fontstyle() for tick in paper.get_xticklabels()} == {"italic"}
    assert all(to_hex(line.get_color()) == GREY and line.is_dashed() for line in paper.get_lines())
    assert (paper.get_title(), measured.get_title()) == ("paper", "measured")
    assert len(measured.get_xticklabels()) == 3
    assert not any(to_hex(line.get_color()) == GREY for line in measured.get_lines())
    assert measured.get_ylim() == paper.get_ylim()


def test_reliability_by_hand():
    """0.316027 failures per 100 frames: exp(-0.01 * 30 * 0.316027) = 0.9095."""
    (ax,) = ar_plot(POINTS).axes
    drawn = {line.get_label().split(" [")[0]: line for line in ax.get_lines()}
    assert drawn["LightTrack"].get_xdata()[0] == pytest.approx(0.9095, abs=5e-5)
    assert drawn["LightTrack"].get_ydata()[0] == 0.523699
    (ax,) = ar_plot(POINTS, sensitivity=100).axes
    assert ax.get_lines()[0].get_xdata()[0] == pytest.approx(math.exp(-0.817657))
    assert ax.get_xlabel() == "reliability: probability of 100 frames without a failure"


def test_the_legend_is_sorted_by_accuracy():
    (ax,) = ar_plot(POINTS).axes
    assert [text.get_text() for text in ax.get_legend().get_texts()] == [
        "SiamTPN [A 0.642, R 0.818]",
        "DLA-SiamRPN++ [A 0.600, R 0.440]",
        "LightTrack [A 0.524, R 0.316]",
    ]
    assert len({line.get_marker() for line in ax.get_lines()}) == 3
    for line in ax.get_lines():
        assert ax.get_xlim()[0] < line.get_xdata()[0] < ax.get_xlim()[1] <= 1
        assert ax.get_ylim()[0] < line.get_ydata()[0] < ax.get_ylim()[1] <= 1


@pytest.mark.parametrize("count", [1, 10, 14])
def test_no_text_is_cut_off(count: int):
    names = [f"tracker with a long name {number}" for number in range(count)]
    eao = {name: 0.2 + 0.01 * place for place, name in enumerate(names)}
    ranking = eao_ranking(eao, paper=eao)
    assert overflow(ranking) == 0
    for ax in ranking.axes:
        boxes = [text.get_window_extent() for text in ax.texts]
        assert all(a.x1 < b.x0 for a, b in pairwise(boxes))
    assert overflow(eao_ranking(eao)) == 0
    assert overflow(ar_plot({name: (0.5, 0.1 * place) for place, name in enumerate(names)})) == 0


def test_perfect_and_hopeless_trackers_are_drawn():
    (ax,) = ar_plot({"perfect": (1, 0), "hopeless": (0, 1000)}).axes
    assert (ax.get_xlim(), ax.get_ylim()) == ((0, 1), (0, 1))
    assert eao_ranking({"hopeless": 0}).axes[0].get_ylim()[1] > 0


def test_the_same_data_give_the_same_bytes():
    assert png(eao_ranking(EAO)) == png(eao_ranking(EAO))
    assert png(ar_plot(POINTS)) == png(ar_plot(POINTS))


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: eao_ranking({}), "needs a measured tracker"),
        (lambda: eao_ranking({"ECO": 32.7}), "EAO of ECO must lie in 0..1, got 32.7"),
        (lambda: eao_ranking(EAO, paper={"ECO": -1}), "the paper's EAO of ECO must lie in 0..1, got -1"),
        (lambda: ar_plot({}), "an A-R plot needs a tracker"),
        (lambda: ar_plot({"ECO": (1.2, 0.3)}), "accuracy of ECO must lie in 0..1, got 1.2"),
        (
            lambda: ar_plot({"ECO": (0.5, -0.3)}),
            "robustness of ECO must be failures per 100 frames, >= 0, got -0.3",
        ),
        (lambda: ar_plot(POINTS, sensitivity=0), "sensitivity must be a positive number of frames, got 0"),
    ],
)
def test_bad_input_is_named(call: Callable[[], Any], message: str):
    with pytest.raises(InputError, match=message):
        call()
