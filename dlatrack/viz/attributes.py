"""Scores of many trackers on the attributes of a benchmark."""

from __future__ import annotations

import math
from collections.abc import Mapping

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from dlatrack.errors import InputError
from dlatrack.viz.style import figure_style, new_figure
from dlatrack.viz.trackers import bar_styles, by_score, check_scores

_BARS_PER_ROW = 60  # more would be too thin
_GROUP = 0.84  # width of a group of bars, in distances between groups
_SCORE = 0.046  # width of a score in figures, in widths of the axes
_LEGEND = 130.0  # letters that fit into a row of the legend
_PATCH = 11.0  # letters whose width the patch and gaps of an entry take


def attribute_bars(
    scores: Mapping[str, Mapping[str, float]],
    counts: Mapping[str, int],
    *,
    metric: str = "success (AUC)",
    benchmark: str,
    protocol: str,
) -> Figure:
    """Draw a group of bars per attribute, a bar per tracker, with the best score of each attribute in figures.

    Bars stand in the order of `scores`, so that twins given one after the other stand side by side.

    Args:
        scores: score in 0..1 by tracker and attribute; every tracker has the same attributes.
        counts: number of sequences of each attribute, for the axis; groups stand in its order.
        metric: name of the score.
        benchmark: name of the benchmark, for the title.
        protocol: protocol of the scores, for the title.

    Returns:
        A figure of double column width, of two rows for more bars than fit in one.

    Raises:
        InputError: if there is nothing to draw, a tracker has other attributes, a score lies outside 0..1 or an
            attribute has no sequence.

    Source: SiamDLA Fig. 5.
    """
    _check(scores, counts)
    attributes = list(counts)
    rows = 1 if len(attributes) * len(scores) <= _BARS_PER_ROW else 2
    per_row = math.ceil(len(attributes) / rows)
    top = max(score for of_tracker in scores.values() for score in of_tracker.values())
    columns = min(len(scores), 5, max(1, int(_LEGEND / (_PATCH + max(map(len, scores))))))
    with figure_style():
        fig = new_figure(height_mm=12 + 52 * rows + 4 * math.ceil(len(scores) / columns))
        axes = fig.subplots(rows, 1, squeeze=False, sharey=True)[:, 0]
        for row, ax in enumerate(axes):
            part = attributes[row * per_row : (row + 1) * per_row]
            _draw_groups(ax, scores, {attribute: counts[attribute] for attribute in part}, per_row)
            ax.set(xlim=(-0.5, per_row - 0.5), ylim=(0, min(1.15 * top, 1.1) or 1), ylabel=metric)
        axes[-1].set_xlabel("attribute (number of sequences)")
        fig.suptitle(f"{benchmark}: {metric} by attribute ({protocol} protocol)", fontsize=8)
        handles, labels = axes[0].get_legend_handles_labels()
        fig.legend(handles, labels, loc="outside lower center", ncols=columns)
    return fig


def _draw_groups(
    ax: Axes, scores: Mapping[str, Mapping[str, float]], counts: Mapping[str, int], per_row: int
) -> None:
    width = _GROUP / len(scores)
    places = {label: (number + 0.5) * width - _GROUP / 2 for number, label in enumerate(scores)}
    for label, look in bar_styles(scores).items():
        heights = [scores[label][attribute] for attribute in counts]
        ax.bar([group + places[label] for group in range(len(counts))], heights, width, label=label, **look)
    for group, attribute in enumerate(counts):
        best = by_score({label: of_tracker[attribute] for label, of_tracker in scores.items()})[0]
        score = scores[best][attribute]
        farthest = max(0.5 - _SCORE * per_row / 2, 0)  # from the middle, so that it stays with its group
        place = min(max(places[best], -farthest), farthest)
        ax.text(group + place, score, f"{score:.3f}", ha="center", va="bottom")
    ax.set_xticks(range(len(counts)), [f"{attribute}\n({count})" for attribute, count in counts.items()])
    ax.tick_params(axis="x", length=0)
    ax.grid(False, axis="x")


def _check(scores: Mapping[str, Mapping[str, float]], counts: Mapping[str, int]) -> None:
    if not scores or not counts:
        raise InputError("a plot of attributes needs a tracker and an attribute")
    for label, of_tracker in scores.items():
        if set(of_tracker) != set(counts):
            differing = ", ".join(sorted(set(of_tracker) ^ set(counts)))
            raise InputError(
                f"scores of {label} and the counts of sequences differ in the attributes {differing}"
            )
        check_scores({f"{label} on {name}": score for name, score in of_tracker.items()}, "the score")
    for attribute, count in counts.items():
        if count < 1:
            raise InputError(f"attribute {attribute} must have a sequence, got {count}")
