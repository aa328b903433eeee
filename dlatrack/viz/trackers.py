"""Styles of a dozen trackers in the plots of evaluation, and of the paper's numbers beside them."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any

from dlatrack.errors import InputError
from dlatrack.pixels.colours import GREY
from dlatrack.viz.style import line_styles

_MARKERS = ("o", "s", "^", "D", "v", "P", "X", "<", ">", "h", "p", "*")
_HATCHES = ("", "////", "....", "\\\\\\\\")

#: The short dashes of a score that the paper prints; measured curves are never grey.
PAPER_DASHES = (0, (2.0, 1.2))


def curve_styles(labels: Iterable[str]) -> dict[str, dict[str, Any]]:
    """Keyword arguments of `Axes.plot` for each tracker: `line_styles`, with markers where its looks repeat.

    Raises:
        InputError: for so many trackers that looks would repeat all the same.
    """
    styles = line_styles(labels)
    seen: Counter[str] = Counter()
    for number, (label, look) in enumerate(styles.items()):
        turn = seen[key := f"{look['color']} {look['linestyle']}"]
        seen[key] += 1
        if turn > 2:
            raise InputError(
                f"{len(styles)} trackers are too many for one plot: {label} would look like another"
            )
        if turn:
            fill = "white" if turn == 1 else look["color"]
            look |= {"marker": _MARKERS[number % len(_MARKERS)], "markevery": 0.1, "markerfacecolor": fill}
    return styles


def marker_styles(labels: Iterable[str]) -> dict[str, dict[str, Any]]:
    """Keyword arguments of `Axes.plot` for one point per tracker: the colour of its curve, and a shape of its own."""
    styles = curve_styles(labels)
    return {
        label: {
            "color": look["color"],
            "marker": _MARKERS[number % len(_MARKERS)],
            "markerfacecolor": look["color"] if number < len(_MARKERS) else "white",
            "linestyle": "none",
            "markersize": 6.0,
        }
        for number, (label, look) in enumerate(styles.items())
    }


def bar_styles(labels: Iterable[str]) -> dict[str, dict[str, Any]]:
    """Keyword arguments of `Axes.bar` for each tracker: the colour of its curve, hatched where colours repeat.

    Raises:
        InputError: for so many trackers that looks would repeat all the same.
    """
    seen: Counter[str] = Counter()
    styles = {}
    for label, look in curve_styles(labels).items():
        turn = seen[look["color"]]
        seen[look["color"]] += 1
        if turn == len(_HATCHES):
            raise InputError(
                f"too many trackers for one plot: {label} would look like another; leave some out"
            )
        styles[label] = {
            "facecolor": look["color"],
            "edgecolor": "white",  # of the hatches
            "linewidth": 0.0,
            "hatch": _HATCHES[turn],
        }
    return styles


def paper_styles(labels: Iterable[str]) -> dict[str, dict[str, Any]]:
    """Keyword arguments of `Axes.plot` for scores that the paper prints: short grey dashes, hollow markers."""
    return {
        label: {
            "color": GREY,
            "linestyle": PAPER_DASHES,
            "linewidth": 1.0,
            "marker": _MARKERS[number % len(_MARKERS)],
            "markersize": 3.6,
            "markerfacecolor": "white",
            "markeredgecolor": GREY,
        }
        for number, label in enumerate(labels)
    }


def by_score(scores: Mapping[str, float]) -> list[str]:
    """Trackers from best to worst; equal ones in the order given."""
    return sorted(scores, key=lambda name: -scores[name])


def check_scores(scores: Mapping[str, float], what: str) -> None:
    """Raise an `InputError` that names the tracker if a score is not a number in 0..1."""
    for label, score in scores.items():
        if not math.isfinite(score) or not 0 <= score <= 1:
            raise InputError(f"{what} of {label} must lie in 0..1, got {score}")
