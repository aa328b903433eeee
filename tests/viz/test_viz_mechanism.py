"""Plots of what decides the labels of DLA."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from canvas import overflow, png
from matplotlib.colors import to_hex
from matplotlib.patches import StepPatch

from dlatrack.errors import InputError
from dlatrack.pixels.colours import BLUE, GREY, ORANGE
from dlatrack.viz.mechanism import fixed_threshold_plot, growth_plot, threshold_plot

MIXES = ("as in LaSOT", "wide mix")


@pytest.fixture
def counts():
    rows = [
        (mix, head, k, (0.8 if head == "anchors" else 0.1) * k + 0.5 * place, 0.02, 1, 9, 0.2)
        for place, mix in enumerate(MIXES)
        for head in ("points", "anchors")
        for k in (5, 9, 23)
    ]
    columns = ["mix", "head", "K", "positives", "error", "low", "high", "share of candidates"]
    return pd.DataFrame(rows, columns=columns)


def test_points_and_anchors_stand_beside_what_the_paper_says(counts):
    fig = growth_plot(counts, paper=3)
    (ax,) = fig.axes
    lines = {tuple(np.round(np.array(line.get_ydata(), float), 1)): line for line in ax.get_lines()}
    assert to_hex(lines[4.0, 7.2, 18.4].get_color()) == BLUE.lower()
    assert to_hex(lines[0.5, 0.9, 2.3].get_color()) == ORANGE.lower()
    (paper,) = [line for line in ax.get_lines() if line.get_label() == "about 3, K = 9 (paper)"]
    assert to_hex(paper.get_color()) == GREY
    assert paper.is_dashed()
    names = {text.get_text() for text in fig.legends[0].get_texts()}
    assert names >= {"points, as in LaSOT", "anchors, wide mix"}
    assert overflow(fig) == 0
    more = pd.concat([counts, counts.assign(mix="a"), counts.assign(mix="b")])
    with pytest.raises(
        InputError, match="one or two mixes of shapes can be drawn, got as in LaSOT, wide mix, a, b"
    ):
        growth_plot(more, paper=3)


def test_thresholds_are_drawn_as_shares():
    rng = np.random.default_rng(0)
    found = {(mix, head): rng.uniform(0.4, 0.8, 200) for mix in MIXES for head in ("points", "anchors")}
    fig = threshold_plot(found)
    (ax,) = fig.axes
    steps = [patch for patch in ax.patches if isinstance(patch, StepPatch) and not patch.get_fill()]
    assert len(steps) == 4
    for step in steps:
        assert step.get_data().values.sum() == pytest.approx(100)
    assert "IoU" in ax.get_xlabel()
    assert overflow(fig) == 0
    assert png(threshold_plot(found)) == png(threshold_plot(found))


def test_fixed_thresholds_and_dla():
    rows = [
        (head, "fixed", t, 50 * (1 - t) ** 2, 0.1, 0, 9, t / 2, 0.5, 0.5)
        for head in ("points", "anchors")
        for t in (0.3, 0.5, 0.8)
    ]
    rows += [(head, "DLA", 0.6, 7.0, 0.1, 1, 9, 0.25, 1, 1) for head in ("points", "anchors")]
    columns = ["head", "rule", "threshold", "positives", "error", "low", "high", "empty", "of DLA", "by DLA"]
    fig = fixed_threshold_plot(pd.DataFrame(rows, columns=columns))
    count, empty = fig.axes
    assert count.get_yscale() == "log"
    assert count.get_lines()[0].get_ydata() == pytest.approx([24.5, 12.5, 2])
    assert empty.get_lines()[0].get_ydata() == pytest.approx([15, 25, 40])
    marks = [line for line in empty.get_lines() if line.get_marker() == "D"]
    assert [(line.get_xdata()[0], line.get_ydata()[0]) for line in marks] == [(0.6, 25.0)] * 2
    assert overflow(fig) == 0
