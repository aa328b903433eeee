"""Bars of many trackers by attribute."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from typing import Any

import pytest
from canvas import overflow, png
from matplotlib.figure import Figure

from dlatrack.errors import InputError
from dlatrack.viz.attributes import attribute_bars

OTB = ("IV", "SV", "IPR", "OPR", "BC", "DEF", "OCC", "FM", "MB", "LR", "OV")
LASOT = ("IV", "POC", "DEF", "MB", "CM", "ROT", "BC", "VC", "SV", "FOC", "FM", "OV", "LR", "ARC")


def bars(attributes: tuple[str, ...] = OTB, trackers: int = 3, **changes: Any) -> Figure:
    scores = {
        f"tracker {t}": {name: 0.4 + 0.02 * t + 0.01 * a for a, name in enumerate(attributes)}
        for t in range(trackers)
    }
    counts = {name: 10 + a for a, name in enumerate(attributes)}
    given = {"scores": scores, "counts": counts, "benchmark": "OTB100", "protocol": "pysot"}
    return attribute_bars(**(given | changes))


def test_every_score_is_a_bar():
    (ax,) = bars().axes
    assert len(ax.containers) == 3
    for tracker, container in enumerate(ax.containers):
        assert container.get_label() == f"tracker {tracker}"
        heights = [bar.get_height() for bar in container]
        assert heights == pytest.approx([0.4 + 0.02 * tracker + 0.01 * a for a in range(11)])
    lefts = sorted(bar.get_x() for container in ax.containers for bar in container)
    assert min(b - a for a, b in pairwise(lefts)) > 0.2, "no bar covers another"


def test_labels_name_attribute_and_number_of_sequences():
    fig = bars()
    (ax,) = fig.axes
    ticks = [tick.get_text() for tick in ax.get_xticklabels()]
    assert ticks == [f"{name}\n({10 + place})" for place, name in enumerate(OTB)]
    assert ax.get_xlabel() == "attribute (number of sequences)"
    assert ax.get_ylabel() == "success (AUC)"
    assert [text.get_text() for text in fig.legends[0].get_texts()] == [f"tracker {t}" for t in range(3)]
    assert fig.get_suptitle() == "OTB100: success (AUC) by attribute (pysot protocol)"


def test_the_best_score_of_each_attribute_is_written_out():
    (ax,) = bars(("IV", "OV"), scores={"a": {"IV": 0.5, "OV": 0.25}, "b": {"IV": 0.1, "OV": 0.75}}).axes
    assert [text.get_text() for text in ax.texts] == ["0.500", "0.750"]
    above = [bar.get_x() + bar.get_width() / 2 for bar in (ax.containers[0][0], ax.containers[1][1])]
    assert [text.get_position()[0] for text in ax.texts] == pytest.approx(above)


@pytest.mark.parametrize(("attributes", "trackers"), [(OTB, 10), (LASOT, 10), (LASOT, 1), (("IV",), 2)])
def test_no_text_is_cut_off(attributes: tuple[str, ...], trackers: int):
    fig = bars(attributes, trackers)
    assert overflow(fig) == 0
    shown = [tick.get_text().split("\n")[0] for ax in fig.axes for tick in ax.get_xticklabels()]
    assert shown == list(attributes)
    assert len(fig.axes) == (2 if trackers == 10 else 1)


def test_the_best_scores_do_not_overlap():
    fig = bars(LASOT, 10)
    fig.draw_without_rendering()
    for ax in fig.axes:
        boxes = [text.get_window_extent() for text in ax.texts]
        assert all(a.x1 < b.x0 for a, b in pairwise(boxes))


def test_neighbours_whose_best_bars_meet_do_not_overlap():
    """The last bar of a group is the best, and the first of the next."""
    names = ("e", "a", "b", "c", "d")
    scores = {
        name: {attribute: 0.6 + 0.05 * (turn == 4 * (place % 2)) for place, attribute in enumerate(OTB)}
        for turn, name in enumerate(names)
    }
    fig = bars(scores=scores)
    fig.draw_without_rendering()
    boxes = sorted((text.get_window_extent() for text in fig.axes[0].texts), key=lambda box: box.x0)
    assert all(left.x1 < right.x0 for left, right in pairwise(boxes))


def test_long_names_take_more_rows_of_the_legend():
    scores = {f"a tracker of a rather long name {t}": dict.fromkeys(OTB, 0.5) for t in range(5)}
    assert overflow(bars(scores=scores)) == 0


def test_the_same_data_give_the_same_bytes():
    assert png(bars()) == png(bars())


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: bars(scores={}), "needs a tracker and an attribute"),
        (
            lambda: bars(("IV", "OV"), scores={"ECO": {"IV": 0.5, "LR": 0.5}}),
            "scores of ECO and the counts of sequences differ in the attributes LR, OV",
        ),
        (
            lambda: bars(("IV",), scores={"ECO": {"IV": float("nan")}}),
            "the score of ECO on IV must lie in 0..1, got nan",
        ),
        (lambda: bars(("IV",), counts={"IV": 0}), "attribute IV must have a sequence, got 0"),
    ],
)
def test_bad_input_is_named(call: Callable[[], Any], message: str):
    with pytest.raises(InputError, match=message):
        call()
