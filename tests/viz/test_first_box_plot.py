"""The spread over runs from perturbed first boxes beside the paper's gains: what is drawn, and from what."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from dlatrack.errors import InputError
from dlatrack.pixels.colours import DLA, FIXED
from dlatrack.viz.first_box import first_box_plot, runs_plot

AUC = pd.DataFrame({"T, fixed rule": [0.5, 0.52, 0.51], "DLA-T": [0.6, 0.6, 0.63]})
GAINS = {"DLA-SiamCAR, OTB100": 0.025, "DLA-SiamFC++, OTB100": 0.002}


def test_each_run_and_each_gain_is_drawn_on_one_scale() -> None:
    figure = first_box_plot(AUC, GAINS, source="3 toys")
    ours, paper = figure.axes
    runs = [line for line in ours.lines if len(line.get_xdata()) == 3]
    assert [line.get_color() for line in runs] == [FIXED, DLA]
    assert runs[0].get_xdata() == pytest.approx([-0.01, 0.01, 0])
    assert runs[1].get_xdata() == pytest.approx([-0.01, -0.01, 0.02])
    ends = [line.get_xdata()[0] for line in paper.lines if line.get_marker() == "D"]
    assert ends == [0.025, 0.002]
    assert ours.get_xlim() == paper.get_xlim()
    labels = [label.get_text() for label in (*ours.get_yticklabels(), *paper.get_yticklabels())]
    assert labels == [
        "T, fixed rule: 0.510, std 0.010",
        "DLA-T: 0.610, std 0.017",
        "DLA-SiamCAR, OTB100: 0.025 (paper)",
        "DLA-SiamFC++, OTB100: 0.002 (paper)",
    ]
    assert "3 toys" in ours.get_title()
    assert "paper" in paper.get_title()
    (legend,) = figure.legends
    assert "paper" in [text.get_text() for text in legend.get_texts()]


def test_what_cannot_be_drawn_is_refused() -> None:
    with pytest.raises(InputError, match="got 1 runs, 2 trackers and 2 gains"):
        first_box_plot(AUC[:1], GAINS, source="")
    with pytest.raises(InputError, match="got 3 runs, 2 trackers and 0 gains"):
        first_box_plot(AUC, {}, source="")
    with pytest.raises(InputError, match="every AUC must be finite"):
        first_box_plot(AUC.replace(0.63, np.nan), GAINS, source="")


def test_runs_are_drawn_as_they_are_and_joined_over_trackers() -> None:
    figure = runs_plot(AUC, source="3 toys")
    (ax,) = figure.axes
    joined, runs = ax.lines[:3], ax.lines[3:]
    assert [list(line.get_xdata()) for line in joined] == [[0.5, 0.6], [0.52, 0.6], [0.51, 0.63]]
    markers = [line for line in runs if line.get_marker() in "os"]
    assert [line.get_color() for line in markers] == [FIXED, DLA]
    assert list(markers[1].get_xdata()) == [0.6, 0.6, 0.63]
    labels = [label.get_text() for label in ax.get_yticklabels()]
    assert labels == ["T, fixed rule: 0.510, std 0.010", "DLA-T: 0.610, std 0.017"]
    assert ax.get_title() == "3 toys: 3 runs, first boxes up to 0.5 px off"
    with pytest.raises(InputError, match="got 1 runs and 2 trackers"):
        runs_plot(AUC[:1], source="")
