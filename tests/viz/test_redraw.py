"""The table of a plot has its numbers with axes and units, and the plot can be drawn from it alone."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from matplotlib.figure import Figure
from PIL import Image

from dlatrack.cli.figures import figures
from dlatrack.errors import InputError
from dlatrack.viz.redraw import read_tidy, redraw
from dlatrack.viz.save import save_figure
from dlatrack.viz.style import FIGURE_DPI, figure_style, new_figure
from dlatrack.viz.tidy import shows_numbers, tidy


def plot() -> Figure:
    """Lines, a band, error bars, bars, a map, texts and legends."""
    with figure_style():
        fig = new_figure(183, 70)
        left, middle, right, last = fig.subplots(1, 4)
        left.plot([0, 0.5, 1], [1.0, 2.0, 3.0], label="DLA", marker="o")
        left.plot([0, 1], [3, 2], "--", label="fixed rule")
        left.fill_between([0, 0.5, 1], [0.5, 1.5, 2.5], [1.5, 2.5, 3.5], alpha=0.2)
        left.axhline(2, color="black", linewidth=0.6)
        left.set(xlabel="overlap threshold", ylabel="success rate", title="curves")
        left.legend()
        middle.errorbar([1, 2, 3], [2, 3, 1], yerr=[0.2, 0.3, 0.1], fmt="s", label="mean")
        middle.axvspan(1.5, 2.5, color="#eeeeee", zorder=0)
        middle.set_xticks([1, 2, 3], ["one", "two", "three"])
        middle.text(2, 3.2, "best", ha="center")
        middle.set(xlabel="rule", ylabel="AUC")
        right.barh([0, 1, 2], [3, 2, 1])
        right.hlines([0.5], 0, 3, color="red")
        right.set(xlabel="time, ms", xscale="linear")
        last.imshow(np.arange(6.0).reshape(2, 3), cmap="viridis", extent=(0, 3, 0, 2))
        last.set(xlabel="x, px", ylabel="y, px")
        fig.text(0.9, 0.01, "synthetic data", ha="right", fontstyle="italic")
    return fig


def settled(fig: Figure) -> Figure:
    fig.dpi = FIGURE_DPI
    fig.draw_without_rendering()
    return fig


def table_of(fig: Figure) -> pd.DataFrame:
    return pd.read_csv(io.StringIO(tidy(settled(fig))), comment="#")


def test_a_curve_by_hand(tmp_path: Path) -> None:
    with figure_style():
        fig = new_figure(89, 50)
        ax = fig.add_subplot()
        ax.plot([0, 0.5, 1], [0.9, 0.6, 0.1], label="DLA")
        ax.set(xlabel="overlap threshold", ylabel="success rate", title="OTB100")
    file = tmp_path / "f.csv"
    file.write_text(tidy(settled(fig)))
    made, table = read_tidy(file)
    (panel,) = made.panels
    assert (panel.x_label, panel.y_label, panel.title) == ("overlap threshold", "success rate", "OTB100")
    assert table[["kind", "series", "x", "y"]].to_numpy().tolist() == [
        ["line", "DLA", 0, 0.9],
        ["line", "DLA", 0.5, 0.6],
        ["line", "DLA", 1, 0.1],
    ]


def test_everything_that_is_drawn_is_in_the_table() -> None:
    table = table_of(plot())
    counts = table.groupby(["panel", "kind"]).size().to_dict()
    assert counts == {
        **{(0, "band"): 3, (0, "line"): 3 + 2 + 2},
        **{(1, "bar"): 1, (1, "points"): 3, (1, "segment"): 3, (1, "text"): 1},
        **{(2, "bar"): 3, (2, "segment"): 1},
        (3, "cell"): 6,
    }
    band = table[table["kind"] == "band"]
    assert band[["x", "y", "y2"]].to_numpy().tolist() == [[0, 0.5, 1.5], [0.5, 1.5, 2.5], [1, 2.5, 3.5]]
    bars = table[(table["panel"] == 2) & (table["kind"] == "bar")]
    assert bars[["x2", "y", "y2"]].to_numpy() == pytest.approx(
        np.array([[3, -0.4, 0.4], [2, 0.6, 1.4], [1, 1.6, 2.4]])
    )
    errors = table[(table["panel"] == 1) & (table["kind"] == "segment")]
    assert errors[["x", "y", "y2"]].to_numpy() == pytest.approx(
        np.array([[1, 1.8, 2.2], [2, 2.7, 3.3], [3, 0.9, 1.1]])
    )
    assert set(errors["series"]) == {"mean"}
    cells = table[table["kind"] == "cell"]
    assert cells[["x", "y", "value"]].to_numpy().tolist()[:2] == [[0.5, 1.5, 0], [1.5, 1.5, 1]], (
        "the top row first"
    )
    level = table[(table["panel"] == 0) & (table["y"] == 2) & (table["kind"] == "line")]
    assert len(level) == 4, "a point of DLA, an end of the other curve and both ends of the level line"


def test_a_plot_drawn_from_its_table_looks_alike(tmp_path: Path) -> None:
    save_figure(plot(), "fig", data={}, made_by="notebooks/x.py", parameters={}, folder=tmp_path)
    again = redraw(tmp_path / "fig.csv")
    save_figure(again, "again", data={}, made_by="notebooks/x.py", parameters={}, folder=tmp_path)
    first, second = (
        np.asarray(Image.open(tmp_path / f"{name}.png").convert("L"), float) for name in ("fig", "again")
    )
    assert first.shape == second.shape
    assert np.abs(first - second).mean() < 2.0, "of 255; a page without its curves differs by 10"
    assert np.abs(first - 255).mean() > 10


def test_a_second_table_says_the_same(tmp_path: Path) -> None:
    """What is drawn from a table has that table, but for details of style."""
    file = tmp_path / "f.csv"
    file.write_text(tidy(settled(plot())))
    first = pd.read_csv(file, comment="#")
    second = table_of(redraw(file))
    for kind in set(first["kind"]) - {"cell"}:
        mine, theirs = (
            each[each["kind"] == kind][["x", "y", "x2", "y2"]].to_numpy() for each in (first, second)
        )
        assert np.sort(theirs, axis=0) == pytest.approx(np.sort(mine, axis=0), nan_ok=True), kind


def test_photographs_and_diagrams_have_no_table(tmp_path: Path) -> None:
    with figure_style():
        fig = new_figure(50, 50)
        ax = fig.add_subplot()
        ax.set_axis_off()
        ax.text(0.5, 0.5, "backbone")
    assert not shows_numbers(fig)
    save_figure(fig, "fig", data={}, made_by="notebooks/x.py", parameters={}, folder=tmp_path)
    assert not (tmp_path / "fig.csv").exists()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("panel,artist\n", r"f\.csv is no table of a figure: its first line must be a comment with its axes"),
        ("# {}\n", r"f\.csv, first line"),
        ("# {1\n", r"f\.csv"),
    ],
)
def test_another_file_is_refused(text: str, message: str, tmp_path: Path) -> None:
    (tmp_path / "f.csv").write_text(text)
    with pytest.raises(InputError, match=message):
        redraw(tmp_path / "f.csv")


def test_another_kind_is_named_with_its_row(tmp_path: Path) -> None:
    file = tmp_path / "f.csv"
    file.write_text(tidy(settled(plot())).replace("0,0,band", "0,0,ribbon", 1))
    with pytest.raises(
        InputError, match=r"f\.csv, row 3: kind must be line, points, segment, band.*got 'ribbon'"
    ):
        redraw(file)


def test_the_command_draws_plots_by_the_beginning_of_their_names(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("DLATRACK_FIGURES", str(tmp_path / "figures"))
    monkeypatch.setenv("DLATRACK_RUNS", str(tmp_path / "runs"))
    save_figure(plot(), "fig08_success", data={}, made_by="notebooks/x.py", parameters={})
    (tmp_path / "figures/fig08_scores.csv").write_text("tracker,AUC\nDLA,0.5\n")
    figures(redraw=["fig08"])
    assert [path.name for path in sorted((tmp_path / "runs").rglob("*.*"))] == [
        "fig08_success.png",
        "fig08_success.svg",
    ]
    assert "fig08_success.csv: drawn as" in capsys.readouterr().out
    with pytest.raises(
        InputError, match=r"no plot has a name that begins with 'fig99'; there are fig08_success"
    ):
        figures(redraw=["fig99"])


def test_the_mark_of_synthetic_data_is_drawn_again(tmp_path: Path) -> None:
    options = {"made_by": "notebooks/x.py", "parameters": {}, "folder": tmp_path}
    save_figure(plot(), "fig", data={}, imagery="synthetic", **options)
    made, _ = read_tidy(tmp_path / "fig.csv")
    assert "synthetic data" in [text["text"] for text in made.texts]
    assert "synthetic data" in [text.get_text() for text in redraw(tmp_path / "fig.csv").texts]


def test_ticks_of_panels_that_share_an_axis(tmp_path: Path) -> None:
    with figure_style():
        fig = new_figure(89, 50)
        left, right = fig.subplots(1, 2, sharey=True)
        for ax in (left, right):
            ax.barh([0, 1, 2], [1, 2, 3])
            ax.set(xlabel="share")
        left.set_yticks([0, 1], ["DLA", "rectangle"])
    (tmp_path / "f.csv").write_text(tidy(settled(fig)))
    made, _ = read_tidy(tmp_path / "f.csv")
    assert [panel.y_ticks for panel in made.panels] == [((0, "DLA"), (1, "rectangle")), ((0, ""), (1, ""))]
    again = settled(redraw(tmp_path / "f.csv"))
    assert [text.get_text() for text in again.axes[1].get_yticklabels()] == ["", ""]
