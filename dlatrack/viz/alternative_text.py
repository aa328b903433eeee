"""What a figure shows, in words, for readers who do not see it."""

from __future__ import annotations

from collections.abc import Iterator

from matplotlib.axes import Axes
from matplotlib.figure import Figure, FigureBase

#: Signs that only TeX needs.
_NO_FORMULA = str.maketrans("", "", "$\\{}")


def figure_title(fig: Figure, name: str) -> str:
    """Title of a figure; without one, that of its only titled axes; without that, its name."""
    own = [text for part in _parts(fig) if (text := _line(part.get_suptitle()))]
    titles = [text for ax in fig.axes if (text := _axes_title(ax))]
    return own[0] if own else titles[0] if len(titles) == 1 else name


def figure_description(fig: Figure) -> str:
    """A sentence on each of the axes: its title, what is shown against what, and the names in its legend.

    Names of legends that belong to the whole figure follow in a last sentence.
    """
    sentences = [text for ax in fig.axes if (text := _described(ax))]
    names = [
        _line(text.get_text()) for part in _parts(fig) for legend in part.legends for text in legend.texts
    ]
    if names:
        sentences.append(f"Legend: {', '.join(names)}.")
    return " ".join(sentences)


def _described(ax: Axes) -> str:
    title, x, y = _axes_title(ax), _line(ax.get_xlabel()), _line(ax.get_ylabel())
    shown = f"{y} against {x}" if x and y else x or y
    legend = ax.get_legend()
    names = [_line(text.get_text()) for text in legend.texts] if legend is not None else []
    facts = [part for part in (title, shown, ", ".join(names)) if part]
    return f"{': '.join(facts)}." if facts else ""


def _axes_title(ax: Axes) -> str:
    return " ".join(text for side in ("left", "center", "right") if (text := _line(ax.get_title(loc=side))))


def _parts(fig: FigureBase) -> Iterator[FigureBase]:
    """A figure and its subfigures."""
    yield fig
    for part in fig.subfigs:
        yield from _parts(part)


def _line(text: str) -> str:
    """A text in one line, formulas by the names of their letters."""
    return " ".join(text.translate(_NO_FORMULA).split())
