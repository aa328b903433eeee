"""What a drawn figure looks like to a test."""

from __future__ import annotations

import io

from matplotlib.figure import Figure
from matplotlib.legend import Legend
from matplotlib.transforms import Bbox

from dlatrack.viz.style import figure_style


def overflow(fig: Figure) -> float:
    """How many px of what is drawn, labels and legends included, the edge of the figure cuts off; plots expect 0."""
    fig.draw_without_rendering()
    parts = [legend.get_window_extent() for legend in fig.findobj(Legend)]
    drawn = Bbox.union([fig.get_tightbbox().transformed(fig.dpi_scale_trans), *parts]).get_points()
    edge = fig.bbox.get_points()
    return float(max((edge[0] - drawn[0]).max(), (drawn[1] - edge[1]).max(), 0))


def png(fig: Figure) -> bytes:
    stream = io.BytesIO()
    with figure_style():
        fig.savefig(stream, format="png", dpi=60, metadata={"Software": None})
    return stream.getvalue()
