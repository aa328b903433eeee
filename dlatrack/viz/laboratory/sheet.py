"""A figure of some frames of a sequence under several rules."""

from __future__ import annotations

from collections.abc import Mapping
from collections.abc import Sequence as Indices
from typing import Any

from matplotlib.figure import Figure

from dlatrack.assign import LabelAssigner
from dlatrack.datasets.sequence import Sequence
from dlatrack.errors import InputError
from dlatrack.viz import layers
from dlatrack.viz.assignment import draw_assignment
from dlatrack.viz.laboratory.study import FrameView, explain_frame
from dlatrack.viz.style import figure_style


def laboratory_sheet(
    sequence: Sequence, frames: Indices[int], rules: Mapping[str, LabelAssigner], *, seed: int = 0
) -> tuple[Figure, dict[str, Any]]:
    """Draw frames from left to right and rules from top to bottom.

    Args:
        sequence: a video.
        frames: numbers of frames that show the target.
        rules: rules by title.
        seed: seed of the shift of the search regions and the draw of negatives.

    Returns:
        A figure of double column width, and the numbers in it for `save.save_figure`.

    Raises:
        InputError: without frames or rules, or as `explain_frame`.
    """
    if not frames or not rules:
        raise InputError(f"a contact sheet of {sequence.name} needs at least one frame and one rule")
    views = [explain_frame(sequence, frame, rules, seed=seed) for frame in frames]
    with figure_style():
        fig, axes = layers.panels(len(frames) * len(rules), len(frames))
        free = iter(axes)
        for title, rule in rules.items():
            for view in views:
                draw_assignment(
                    next(free),
                    view.region_rgb,
                    rule.grid,
                    view.rules[title].assignment,
                    view.target_xyxy[None],
                    anchor_shapes=rule.anchor_shapes,
                    title=f"{layers.wrapped(title, len(frames))}\nframe {view.frame}",
                )
        answers = [view.rules[title] for view in views for title in rules]
        layers.legend(
            fig,
            candidates=any(answer.candidates is not None for answer in answers),
            boxes=any(len(rule.anchor_shapes) > 1 for rule in rules.values()),
        )
    return fig, {title: [_numbers(view, title) for view in views] for title in rules}


def _numbers(view: FrameView, title: str) -> dict[str, Any]:
    rule = view.rules[title]
    mean, std = rule.mean_std or (float("nan"), float("nan"))
    return {
        "frame": view.frame,
        "target_xyxy": view.target_xyxy,
        **rule.counts,
        "rescued": rule.rescued,
        "mean": mean,
        "std": std,
        "threshold": rule.threshold,
    }
