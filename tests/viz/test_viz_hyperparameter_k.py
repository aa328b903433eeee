"""Plots over K: what is drawn where, and that nothing is cut off."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from canvas import overflow, png
from matplotlib.colors import to_hex

from dlatrack.errors import InputError
from dlatrack.evaluation.statistics.compare import paired_bootstrap
from dlatrack.pixels.colours import DLA, GREY
from dlatrack.studies.hyperparameter_k import CANDIDATES, MIXES, READINGS
from dlatrack.viz.hyperparameter_k import (
    candidate_scores_plot,
    positives_on_pairs_plot,
    positives_over_candidates_plot,
    positives_over_epochs_plot,
)


@pytest.fixture
def counts():
    rows = [
        (mix, reading, k, 1 + 0.1 * k + place, 0.01, 0.3)
        for mix in MIXES
        for place, reading in enumerate(READINGS)
        for k in CANDIDATES
    ]
    return pd.DataFrame(rows, columns=["mix", "reading", "K", "positives", "error", "empty"])


def test_readings_and_mixes_stand_beside_what_the_paper_says(counts):
    fig = positives_over_candidates_plot(counts, paper=(3, 4), mixes=("wide mix", "all square"))
    first, second, shapes, empty = fig.axes
    lines = {line.get_label(): line for line in first.get_lines()}
    assert set(READINGS) < set(lines)
    default = next(iter(READINGS))
    assert lines[default].get_ydata() == pytest.approx(1 + 0.1 * np.array(CANDIDATES))
    assert to_hex(lines[default].get_color()) == to_hex(DLA)
    paper = lines["3 to 4 (paper)"]
    assert to_hex(paper.get_color()) == to_hex(GREY)
    assert paper.is_dashed()
    assert second.get_title() == "readings, all square"
    assert {line.get_label() for line in empty.get_lines()} == set(MIXES)
    assert empty.get_lines()[0].get_ydata() == pytest.approx(30)
    assert len(shapes.get_lines()) == len(MIXES) + 2
    assert overflow(fig) == 0
    with pytest.raises(InputError, match="there are no counts of the mix 'narrow'; there are of wide mix"):
        positives_over_candidates_plot(counts, paper=(3, 4), mixes=("narrow", "wide mix"))


def test_the_same_counts_give_the_same_picture(counts):
    drawn = [
        positives_over_candidates_plot(counts, paper=(3, 4), mixes=("wide mix", "as in LaSOT")) for _ in "ab"
    ]
    assert png(drawn[0]) == png(drawn[1])


def test_epochs_have_a_line_per_k():
    epochs = pd.DataFrame({5: [3.0, 3.1], 23: [4.0, 3.9]}, index=pd.Index([1, 2], name="epoch"))
    fig = positives_over_epochs_plot(epochs, paper=(3, 4))
    (ax,) = fig.axes
    (legend,) = fig.legends
    assert "3 to 4 (paper)" in {text.get_text() for text in legend.get_texts()}
    assert [line.get_label() for line in ax.get_lines()] == ["K = 5", "K = 23"]
    assert ax.get_lines()[1].get_ydata().tolist() == [4.0, 3.9]
    assert overflow(fig) == 0


def test_pairs_have_a_panel_for_points_and_one_for_anchors():
    rows = [
        (samples, reading, k, 3.0 + k / 10, 0.1, 0.2)
        for samples in ("points", "anchors")
        for reading in ("rescued", "nobody rescued")
        for k in (5, 7)
    ]
    table = pd.DataFrame(rows, columns=["samples", "reading", "K", "positives", "error", "empty"])
    fig = positives_on_pairs_plot(table, paper=(3, 4))
    assert [ax.get_title() for ax in fig.axes] == ["points", "anchors"]
    assert fig.axes[0].get_lines()[0].get_ydata().tolist() == [3.5, 3.7]
    assert overflow(fig) == 0


def test_scores_and_differences_of_every_k():
    scores = {5: 0.3, 9: 0.32, 19: 0.31}
    found = paired_bootstrap(np.array([0.3, 0.2, 0.4]), np.array([0.32, 0.2, 0.44]), resamples=999)
    differences = {5: found, 19: replace(found, value=-0.01)}
    fig = candidate_scores_plot(
        scores, differences, reference=9, static=0.2, insensitive=(7, 19), note="reduced study: 3 epochs"
    )
    score, difference = fig.axes
    assert score.get_lines()[0].get_ydata().tolist() == [0.3, 0.32, 0.31]
    assert "insensitive from K = 7 to 19 (paper)" in {t.get_text() for t in fig.legends[0].get_texts()}
    assert difference.containers[0][0].get_ydata().tolist() == [found.value, -0.01]
    (bars,) = difference.containers[0][2]
    assert bars.get_segments()[0][:, 1] == pytest.approx([found.low, found.high])
    assert fig.get_suptitle() == "reduced study: 3 epochs"
    assert overflow(fig) == 0
