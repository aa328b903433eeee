"""Success and precision plots of many trackers."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from canvas import overflow, png
from matplotlib.colors import to_hex
from matplotlib.figure import Figure
from matplotlib.legend import Legend

from dlatrack.errors import InputError
from dlatrack.pixels.colours import DLA, GREY
from dlatrack.viz.benchmark import evaluation_plot
from dlatrack.viz.trackers import bar_styles, curve_styles, marker_styles

TEN = ("DLA-SiamRPN++", "DLA-SiamCAR", "SiamRPN++", "SiamRCNN", "SiamCAR")
TEN += ("RBO", "SiamFC++", "DaSiamRPN", "ATOM", "SAOT")
PAPER = {"SiamRPN++": 0.696, "CoSiamRPN": 0.684, "DLA-SiamFC++": 0.706}


def curves(count: int, names: tuple[str, ...] = TEN) -> dict[str, np.ndarray]:
    """Straight lines; the later the tracker, the better."""
    return {name: np.linspace(0.5 + 0.04 * place, 0, count) for place, name in enumerate(names)}


def success(**changes: Any) -> Figure:
    return evaluation_plot(
        "success",
        **({"curves": curves(21), "paper": PAPER, "protocol": "pysot", "benchmark": "OTB100"} | changes),
    )


def legends(fig: Figure) -> list[list[str]]:
    return [[text.get_text() for text in legend.get_texts()] for legend in fig.findobj(Legend)]


def test_the_measured_legend_is_sorted_by_score():
    fig = success()
    expected = [f"{name} [{0.25 + 0.02 * place:.3f}]" for place, name in reversed(list(enumerate(TEN)))]
    measured = next(entries for entries in legends(fig) if len(entries) == 10)
    assert measured == expected
    lines = fig.axes[0].get_lines()
    assert [line.get_label() for line in lines] == expected
    assert lines[0].get_ydata().tolist() == curves(21)["SAOT"].tolist()
    assert lines[0].get_xdata() == pytest.approx(np.arange(21) / 20)


def test_scores_may_be_given():
    fig = success(scores=dict.fromkeys(TEN, 0.1) | {"RBO": 0.87654}, paper=None)
    assert legends(fig)[0][0] == "RBO [0.877]"


def test_the_papers_scores_stand_apart():
    fig = success()
    paper = next(legend for legend in fig.findobj(Legend) if len(legend.get_texts()) == 3)
    assert [text.get_text() for text in paper.get_texts()] == [
        "paper: DLA-SiamFC++ 0.706",
        "paper: SiamRPN++ 0.696",
        "paper: CoSiamRPN 0.684",
    ]
    assert {text.get_fontstyle() for text in paper.get_texts()} == {"italic"}
    axes, strip = fig.axes
    assert [line.get_ydata()[0] for line in strip.get_lines()] == [0.706, 0.696, 0.684]
    for line in strip.get_lines():
        assert to_hex(line.get_color()) == GREY
        assert line.is_dashed()
        assert np.ptp(line.get_ydata()) == 0
    measured = axes.get_lines()
    assert len(measured) == 10, "no printed score is drawn among the curves"
    assert GREY not in {to_hex(line.get_color()) for line in measured}
    markers = [line.get_marker() for line in strip.get_lines()]
    assert len(set(markers)) == 3
    first, second = (legend.get_window_extent() for legend in fig.findobj(Legend))
    assert not first.overlaps(second)


def test_without_the_paper_there_is_one_panel():
    assert len(success(paper=None).axes) == 1
    assert len(legends(success(paper={}))) == 1


def test_titles_and_units():
    given: dict[str, Any] = {"protocol": "pysot", "benchmark": "UAV123"}
    for fig, title, axis in (
        (evaluation_plot("success", curves(21), **given), "success", "overlap threshold (IoU)"),
        (evaluation_plot("precision", curves(51), **given), "precision", "centre error threshold (px)"),
        (
            evaluation_plot("normalised precision", curves(51), **given),
            "normalised precision",
            "centre error threshold (target sizes)",
        ),
    ):
        (ax,) = fig.axes
        assert ax.get_title() == f"UAV123: {title} (pysot protocol)"
        assert (ax.get_xlabel(), ax.get_ylabel()) == (axis, "share of frames")


def test_precision_is_read_at_20_px_and_marked_there():
    curve = np.linspace(0, 1, 51)
    fig = evaluation_plot("precision", {"a": curve}, protocol="pysot", benchmark="OTB100")
    assert legends(fig) == [["a [0.400]"]]
    assert list(fig.axes[0].get_lines()[1].get_xdata()) == [20, 20]


def test_normalised_precision_is_what_the_protocol_reports():
    curve = np.linspace(0, 1, 51) ** 2
    drawn = {
        protocol: evaluation_plot("normalised precision", {"a": curve}, protocol=protocol, benchmark="LaSOT")
        for protocol in ("pysot", "got10k")
    }
    assert legends(drawn["pysot"]) == [["a [0.160]"]]
    assert legends(drawn["got10k"]) == [[f"a [{curve.mean():.3f}]"]]
    with pytest.raises(InputError, match="otb_matlab has no normalised precision"):
        evaluation_plot("normalised precision", {"a": curve}, protocol="otb_matlab", benchmark="OTB100")


@pytest.mark.parametrize("count", [1, 4, 10, 17])
def test_no_text_is_cut_off(count: int):
    names = TEN + tuple(f"another tracker with a long name {number}" for number in range(7))
    many = {name: curve * 0.5 for name, curve in curves(21, names).items()}
    paper = {name: 0.5 + 0.001 * place for place, name in enumerate(names[:count])}
    fig = success(curves={name: many[name] for name in names[:count]}, paper=paper)
    assert overflow(fig) == 0
    first, second = (legend.get_window_extent() for legend in fig.findobj(Legend))
    assert not first.overlaps(second)


@pytest.mark.parametrize(("measured", "printed"), [("long name " * 4, "x"), ("x", "long name " * 4)])
def test_both_legends_have_room(measured: str, printed: str):
    fig = success(curves={measured: np.linspace(1, 0, 21)}, paper={printed: 0.5})
    assert overflow(fig) == 0


def test_the_same_data_give_the_same_bytes():
    assert png(success()) == png(success())


def test_ten_trackers_look_different():
    styles = curve_styles(TEN)
    looks = {(s["color"], str(s["linestyle"]), s.get("marker")) for s in styles.values()}
    assert len(looks) == 10
    assert styles["DLA-SiamCAR"]["color"] == DLA
    plain = {(str(s["linestyle"]), s.get("marker"), s["linewidth"]) for s in styles.values()}
    assert len(plain) == 10, "they differ in grey as well"
    assert len({look["marker"] for look in marker_styles(TEN).values()}) == 10
    assert len({(look["facecolor"], look["hatch"]) for look in bar_styles(TEN).values()}) == 10


def test_more_trackers_than_looks():
    eighteen = [f"t{number}" for number in range(18)]
    looks = {str(look | {"markevery": 0}) for look in curve_styles(eighteen).values()}
    assert len(looks) == 18
    with pytest.raises(InputError, match="t18 would look like another"):
        curve_styles([*eighteen, "t18"])
    with pytest.raises(InputError, match="DLA-4 would look like another"):
        bar_styles([f"DLA-{number}" for number in range(5)])


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: success(curves={}), "a success plot needs a measured curve"),
        (lambda: success(curves=curves(51)), r"curve of DLA-SiamRPN\+\+ has shape \(51,\), not \(21,\)"),
        (
            lambda: success(curves={"ECO": np.full(21, 1.5)}),
            "success curve of ECO must hold shares in 0..1, got 1.5",
        ),
        (lambda: success(curves={"ECO": np.full(21, np.nan)}), "shares in 0..1, got nan"),
        (
            lambda: success(curves=curves(21, ("ECO",)), scores={"DiMP": 0.5}),
            r"curves are of \['ECO'\], but scores of \['DiMP'\]",
        ),
        (lambda: success(paper={"DiMP": 64.3}), "the paper's score of DiMP must lie in 0..1, got 64.3"),
        (lambda: success(protocol="best"), "best"),
    ],
)
def test_bad_input_is_named(call: Callable[[], Any], message: str):
    with pytest.raises(InputError, match=message):
        call()
