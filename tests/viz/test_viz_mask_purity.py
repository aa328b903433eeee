"""Plots of purity and agreement, and the picture of positives before and after training."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from canvas import overflow, png
from matplotlib.colors import to_hex

from dlatrack.datasets.photographic import photographic_sequence
from dlatrack.errors import InputError
from dlatrack.pixels.colours import BLUE, ORANGE
from dlatrack.studies.masked_regions import masked_regions
from dlatrack.studies.trained_positives import answers
from dlatrack.viz.mask_purity import agreement_plot, purity_plot
from dlatrack.viz.trained_positives import trained_positives_picture

RULES = [("points", "circle", False), ("points", "TAL", True), ("anchors", "DLA", False)]


@pytest.fixture
def table():
    rows = [(*rule, 0.8, 0.7, 0.9, 0.85 if rule[1] == "TAL" else 0.8, 3.0) for rule in RULES]
    columns = [
        "head",
        "rule",
        "looks at predictions",
        "purity",
        "low",
        "high",
        "weighted purity",
        "positives",
    ]
    return pd.DataFrame(rows, columns=columns)


def test_purity_has_a_panel_per_kind_of_video_and_one_of_numbers(table):
    fig = purity_plot({"photographic": table, "synthetic": table}, predictions="a tracker")
    first, second, count = fig.axes
    assert [ax.get_title() for ax in fig.axes] == ["photographic video", "synthetic video", "how many"]
    names = [label.get_text() for label in first.get_yticklabels()]
    assert names == ["circle, points", "TAL, points", "DLA, anchors"]
    drawn = {
        (to_hex(line.get_color()), to_hex(line.get_markerfacecolor())): line
        for line in second.get_lines()
        if len(line.get_xdata()) and line.get_marker() in "os"
    }
    assert set(drawn) == {
        (ORANGE.lower(), ORANGE.lower()),
        (ORANGE.lower(), "#ffffff"),
        (BLUE.lower(), BLUE.lower()),
    }
    assert drawn[ORANGE.lower(), "#ffffff"].get_xydata().tolist() == [[80, 1]]
    (cross,) = [line for line in second.get_lines() if line.get_marker() == "x"]
    assert cross.get_xydata().tolist() == [[85, 1]]
    ends = np.concatenate([part.get_segments() for part in second.collections])
    assert ends[:, :, 0].tolist() == [[70, 90]] * 3
    assert count.get_xscale() == "log"
    assert "at predictions of a tracker" in {text.get_text() for text in fig.legends[0].get_texts()}
    assert overflow(fig) == 0


def test_tables_of_other_rules_are_named(table):
    with pytest.raises(InputError, match="the rules on b videos are not those on a videos"):
        purity_plot({"a": table, "b": table[:2]}, predictions="")
    with pytest.raises(InputError, match="no purity to draw"):
        purity_plot({}, predictions="")
    with pytest.raises(InputError, match="no agreement to draw"):
        agreement_plot({}, predictions={})


def test_agreement_is_written_in_every_cell():
    names = ["circle", "DLA"]
    shares = pd.DataFrame([[1, 0.2], [np.nan, 1]], index=names, columns=names)
    both, of = {"points": shares, "anchors": shares}, {"points": "a", "anchors": "b"}
    fig = agreement_plot(both, predictions=of)
    points = fig.axes[0]
    assert [ax.get_title() for ax in fig.axes[:2]] == [
        "points, predictions of a",
        "anchors, predictions of b",
    ]
    assert [text.get_text() for text in points.texts] == ["100", "20", "", "100"]
    assert points.get_ylabel() == "of the positives of"
    assert overflow(fig) == 0
    drawn = [png(agreement_plot(both, predictions=of)) for _ in "ab"]
    assert drawn[0] == drawn[1]


def test_a_picture_shows_both_states_of_a_network():
    regions = masked_regions([photographic_sequence(3, 6)], 2)
    found = answers(regions, ["siamcar_small"])[0]
    fig = trained_positives_picture(regions, found, ["SimOTA", "OTA"], index=1)
    titles = [ax.get_title() for ax in fig.axes]
    assert titles == ["SimOTA, untrained", "SimOTA, trained", "OTA, untrained", "OTA, trained"]
    count = found.positive("OTA", "trained", regions)[1].sum()
    assert fig.axes[3].get_xlabel().startswith(f"{count} positive, IoU 0.")
    assert overflow(fig) == 0
    with pytest.raises(InputError, match=r"rules must be some of SimOTA, .*, got circle"):
        trained_positives_picture(regions, found, ["circle"])
    with pytest.raises(InputError, match=r"index must be in 0\.\.1 \(regions\), got 2"):
        trained_positives_picture(regions, found, ["OTA"], index=2)
