"""Figures of a declared study."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from dlatrack.errors import InputError
from dlatrack.evaluation.statistics.hierarchical import HierarchicalDifference, VarianceParts
from dlatrack.viz.declared import course_plot, forest_plot, rank_plot, variance_plot


def _difference(value: float) -> HierarchicalDifference:
    means = value + np.linspace(-0.01, 0.01, 1001)
    return HierarchicalDifference(value, means, VarianceParts(0.25, 0.25, 0.25, 0.25))


def test_a_forest_has_two_intervals_and_the_value_of_every_row() -> None:
    fig = forest_plot({"a": _difference(0.02), "mean": _difference(-0.01)}, margin=0.01, summaries=["mean"])
    (ax,) = fig.axes
    lines = {tuple(np.round(line.get_xdata(), 4)) for line in ax.lines if len(line.get_xdata()) == 2}
    assert {(0.0105, 0.0295), (0.011, 0.029), (-0.0195, -0.0005)} <= lines
    assert [text.get_text() for text in ax.texts] == ["+0.020", "-0.010"]
    assert [line.get_marker() for line in ax.lines if line.get_marker() in "oD"] == ["o", "D"]


def test_ranks_show_every_rule() -> None:
    table = pd.DataFrame(
        {"AUC": [0.5, 0.4], "rank low": [1, 1], "rank high": [2, 2], "best": [0.7, 0.3]},
        index=["DLA", "ATSS"],
    )
    score, rank = rank_plot(table).axes
    assert [label.get_text() for label in score.get_yticklabels()] == ["DLA", "ATSS"]
    assert list(rank.lines[0].get_xdata()) == [1, 2]


def test_courses_are_told_apart_by_their_marks() -> None:
    frame = pd.DataFrame({0: [0.4, 0.5], 1: [0.5, 0.6]}, index=[1, 2])
    fig = course_plot({str(rule): frame for rule in range(8)}, pairs_per_epoch=4000)
    (ax,) = fig.axes
    looks = {(line.get_color(), str(line.get_linestyle()), line.get_marker()) for line in ax.lines}
    assert len(looks) == 8
    assert list(ax.lines[0].get_xdata()) == [4000, 8000]
    np.testing.assert_allclose(ax.lines[0].get_ydata(), [0.45, 0.55])


def test_parts_of_the_variance_fill_the_bar() -> None:
    table = pd.DataFrame([[0.1, 0.2, 0.3, 0.4]], index=["a"], columns=["b", "c", "d", "e"])
    (ax,) = variance_plot(table).axes
    assert sum(bar.get_width() for bar in ax.patches) == pytest.approx(100)


def test_nothing_to_draw_is_refused() -> None:
    for draw in (
        lambda: forest_plot({}, margin=0.01),
        lambda: rank_plot(pd.DataFrame()),
        lambda: course_plot({}, pairs_per_epoch=1),
        lambda: variance_plot(pd.DataFrame()),
    ):
        with pytest.raises(InputError):
            draw()
