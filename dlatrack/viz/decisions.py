"""Changes of the labels by the choices that the paper leaves open."""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from dlatrack.errors import InputError
from dlatrack.pixels.colours import BLACK, BLUE, ORANGE
from dlatrack.viz.style import DOUBLE_WIDTH, figure_style, new_figure

_MARKERS = ("o", "s", "D")
_ROW = 7.5  # mm


def choice_plot(table: pd.DataFrame) -> Figure:
    """Draw, for every choice, the share of targets with other labels than our default's, and its positives.

    The shape of a marker is the head, filled markers are of the first material, hollow ones of the second. A cross
    in the left panel is the share of targets with other positives.

    Args:
        table: table of `decisions.compare_choices`, with our default as the first row of each material and head.

    Raises:
        InputError: if the table has no row but those of the default, or more than two materials.
    """
    materials = list(dict.fromkeys(table["targets"]))
    heads = list(dict.fromkeys(table["head"]))
    others = table[table["question"] != ""]
    if others.empty or len(materials) > 2:
        raise InputError(
            f"a table of choices for one or two materials is needed, got {len(others)} rows of {len(materials)}"
        )
    rows = list(dict.fromkeys(zip(others["question"], others["choice"], others["ours"], strict=True)))
    with figure_style():
        fig = new_figure(DOUBLE_WIDTH, 32 + _ROW * len(rows))
        share, count = fig.subplots(1, 2, sharey=True)
        for number, head in enumerate(heads):
            color = (ORANGE, BLUE)[number % 2]
            for turn, material in enumerate(materials):
                part = table[(table["head"] == head) & (table["targets"] == material)]
                chosen = part[part["question"] != ""]
                keys = zip(chosen["question"], chosen["choice"], chosen["ours"], strict=True)
                places = np.array([rows.index(key) for key in keys]) + 0.2 * (2 * number + turn - 1.5)
                look = {"color": color, "marker": _MARKERS[number], "linestyle": "none"}
                look |= {"markerfacecolor": color if turn == 0 else "white", "label": f"{head}, {material}"}
                share.plot(100 * chosen["other labels"], places, **look)
                cross = {"color": color, "marker": "x", "markersize": 3.5, "linestyle": "none"}
                share.plot(100 * chosen["other positives"], places, **cross)
                ours = float(part.loc[part["question"] == "", "positives"].iloc[0])
                count.plot(chosen["positives"] - ours, places, **look)
        share.plot([], [], **cross | {"color": BLACK, "label": "positives differ"})
        share.set(xlim=(-3, 103), xlabel="targets with other labels (%)", ylim=(len(rows) - 0.4, -0.6))
        share.set_yticks(
            range(len(rows)), [f"{what}: {choice}\n(ours: {ours})" for what, choice, ours in rows]
        )
        count.axvline(0, color=BLACK, linewidth=0.6)
        count.set_xlabel("positives per target, less our default's")
        fig.legend(*share.get_legend_handles_labels(), loc="outside lower center", ncols=2)
    return fig
