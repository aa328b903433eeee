from __future__ import annotations

import matplotlib as mpl
import numpy as np
import pytest
from matplotlib.colors import to_rgb

from dlatrack.pixels import colours
from dlatrack.viz import style

MEANINGS = [colours.TARGET, colours.POSITIVE_COLOUR, colours.NEGATIVE_COLOUR, colours.CANDIDATE]


def test_the_style_ends_with_its_block():
    before = dict(mpl.rcParams)

    def fail() -> None:
        with style.figure_style():
            assert mpl.rcParams["font.size"] == 7
            raise RuntimeError("half a figure")

    with pytest.raises(RuntimeError, match="half a figure"):
        fail()
    assert dict(mpl.rcParams) == before


def test_the_style_does_not_depend_on_the_settings_around_it():
    with mpl.rc_context({"lines.linewidth": 9, "axes.titlepad": 40}), style.figure_style():
        inner = dict(mpl.rcParams)
    with style.figure_style():
        assert dict(mpl.rcParams) == inner


def test_no_text_is_smaller_than_seven_points():
    with style.figure_style():
        sizes = [value for key, value in mpl.rcParams.items() if key.endswith("size") and "font" in key]
        sizes += [
            mpl.rcParams[f"{part}size"] for part in ("axes.title", "axes.label", "xtick.label", "ytick.label")
        ]
        assert len(sizes) > 5
        assert all(size is None or size >= 7 for size in sizes)  # None: as its neighbours


def test_figures_have_the_width_of_a_column():
    with style.figure_style():
        fig = style.new_figure(style.COLUMN_WIDTH, 50)
    np.testing.assert_allclose(fig.get_size_inches() * 25.4, [89, 50])


def test_colours_with_a_meaning_differ():
    colours = np.array([to_rgb(name) for name in MEANINGS])
    distances = np.linalg.norm(colours[:, None] - colours, axis=-1)[np.triu_indices(len(MEANINGS), 1)]
    assert distances.min() > 0.3


def test_lines_differ_in_more_than_colour():
    styles = style.line_styles(["DLA-SiamCAR", "SiamCAR", "dla_siamrpnpp", "SiamRPN++", "SiamFC", "SiamBAN"])
    assert styles["DLA-SiamCAR"]["color"] == styles["dla_siamrpnpp"]["color"] == colours.DLA
    assert styles["SiamCAR"]["color"] == colours.FIXED
    looks = [(str(look["linestyle"]), look["linewidth"]) for look in styles.values()]
    assert len(set(looks)) == len(looks)


def test_paper_values_say_so():
    assert style.paper_style()["label"] == "paper"
    assert style.paper_style("SiamCAR")["label"] == "SiamCAR (paper)"
    assert style.paper_style()["linestyle"] != "-"


def test_the_synthetic_mark_is_written_once_inside_the_figure():
    with style.figure_style():
        fig = style.new_figure(89, 40)
        ax = fig.add_subplot(xlabel="step")
        style.imagery_mark(fig, "synthetic")
        style.imagery_mark(fig, "synthetic")
        fig.draw_without_rendering()
    (mark,) = fig.texts
    assert mark.get_text() == "synthetic data"
    assert mark.get_fontsize() >= 7
    box = mark.get_window_extent()
    assert box.x0 >= 0
    assert box.x1 <= fig.bbox.x1
    assert box.y0 >= 0
    assert not box.overlaps(ax.get_tightbbox())


def test_a_figure_shows_itself_in_a_notebook():
    with style.figure_style():
        figure = style.new_figure(89, 40)
    picture = figure._repr_png_()
    assert picture.startswith(b"\x89PNG")
    width = int.from_bytes(picture[16:20], "big")
    assert width == pytest.approx(89 / 25.4 * 130, abs=1)


def test_the_mark_does_not_touch_a_legend_below_the_axes():
    with style.figure_style():
        fig = style.new_figure(183, 60)
        ax = fig.add_subplot(xlabel="step")
        lines = [ax.plot([0, 1], label=f"a tracker with a long name {number}")[0] for number in range(4)]
        legend = fig.legend(handles=lines, loc="outside lower center", ncols=4)
        style.imagery_mark(fig, "photographic")
        fig.draw_without_rendering()
    (mark,) = fig.texts
    assert mark.get_text() == "photographs, simulated camera"
    assert not mark.get_window_extent().overlaps(legend.get_window_extent())
    assert not legend.get_window_extent().overlaps(ax.get_tightbbox())
