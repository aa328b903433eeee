"""Plots of reliability, of one track over time, and of long-term precision and recall."""

from __future__ import annotations

import numpy as np
import pytest
from canvas import overflow

from dlatrack.errors import InputError
from dlatrack.evaluation.long_term import LongTermTrack, Reliability, evaluate_long_term
from dlatrack.studies.lost_or_not_runs import WatchedRun
from dlatrack.viz.lost_or_not import precision_recall_plot, reliability_plot, timeline_plot

BINS = Reliability(np.array([0.1, 0.9]), np.array([0.2, 0.8]), np.array([5, 5]))


def run(frames: int = 30) -> WatchedRun:
    truth = np.tile([10.0, 10, 20, 20], (frames, 1))
    truth[10:20] = np.nan
    state = np.zeros(frames, int)
    state[12:15], state[15:22] = 1, 2
    boxes = np.tile([12.0, 10, 20, 20], (frames, 1))
    return WatchedRun(boxes, np.full((frames, 5), 0.5), np.linspace(0, 1, frames), state, truth)


def test_reliability_has_a_panel_for_the_score_and_one_for_the_probability():
    fig = reliability_plot({"A": BINS, "B": BINS}, {"A": BINS, "B": BINS})
    left, right = fig.axes
    assert left.get_title() == "score alone, error at most 0.100"
    assert right.get_title() == "calibrated probability, error at most 0.100"
    assert [line.get_label() for line in right.get_lines()] == ["stated = true", "A", "B"]
    assert right.get_lines()[1].get_ydata().tolist() == [0.2, 0.8]
    assert not overflow(fig)
    for bad in ({}, dict.fromkeys("ABCDEFG", BINS)):
        with pytest.raises(InputError, match="one to 6 trackers"):
            reliability_plot(bad, bad)
    with pytest.raises(InputError, match="in both"):
        reliability_plot({"A": BINS}, {"B": BINS})


def test_a_timeline_shows_absence_and_states():
    fig = timeline_plot({"without recovery": run(), "with recovery": run()})
    assert [ax.get_title() for ax in fig.axes] == ["without recovery", "with recovery"]
    names = [text.get_text() for text in fig.legends[0].get_texts()]
    assert names == [
        "target absent",
        "IoU with the true box",
        "score",
        "probability",
        "state: tracking",
        "state: uncertain",
        "state: lost",
    ]
    assert fig.axes[0].get_lines()[1].get_ydata() == pytest.approx(run().probability[1:])
    assert not overflow(fig)
    with pytest.raises(InputError, match="no run to draw"):
        timeline_plot({})


def test_precision_and_recall_are_marked_where_f_is_largest():
    track = LongTermTrack(run().boxes_xywh, run().probability, run().truth_xywh)
    result = evaluate_long_term({"": track})
    fig = precision_recall_plot({"score": result, "probability": result}, "DLA-NanoTrack V3")
    ax = fig.axes[0]
    assert ax.get_title() == "DLA-NanoTrack V3"
    marks = [line for line in ax.get_lines() if line.get_marker() in "soD" and len(line.get_xdata()) == 1]
    assert [(mark.get_xdata()[0], mark.get_ydata()[0]) for mark in marks] == [result.best[1::-1]] * 2
    assert f"score: F = {result.best[2]:.3f}" in [text.get_text() for text in fig.legends[0].get_texts()]
    assert not overflow(fig)
    with pytest.raises(InputError, match="one to 3 results"):
        precision_recall_plot({})
