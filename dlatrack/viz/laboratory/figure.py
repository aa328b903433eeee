"""What the laboratory shows as a figure: one search region under two rules, and where they differ."""

from __future__ import annotations

from collections.abc import Sequence as Indices
from dataclasses import replace

import numpy as np
import torch
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from dlatrack.assign import Assignment, LabelAssigner, build_assigner
from dlatrack.boxes import xyxy_to_xywh
from dlatrack.datasets.sequence import Sequence
from dlatrack.errors import InputError
from dlatrack.grid import ScoreGrid
from dlatrack.imagery import MARKS
from dlatrack.viz import layers
from dlatrack.viz.assignment import draw_assignment
from dlatrack.viz.laboratory.contents import COLOURS, Contents, check_lab_seed
from dlatrack.viz.laboratory.menus import USUAL_GRID, USUAL_RULES, NamedRule
from dlatrack.viz.laboratory.networks import Networks
from dlatrack.viz.laboratory.region import check_box, cut_region, place_region
from dlatrack.viz.laboratory.rules import rule_title
from dlatrack.viz.laboratory.sequences import SequenceChoice, open_sequence
from dlatrack.viz.laboratory.study import check_frame
from dlatrack.viz.style import figure_style

_SQUARE = np.array([[-0.86, -0.86], [0.86, -0.86], [0.86, 0.86], [-0.86, 0.86]])
_TRIANGLE = np.array([[0, -1.1], [1.05, 0.75], [-1.05, 0.75]])


def picture(
    choice: SequenceChoice = None,
    *,
    frame: int = 0,
    rules: tuple[NamedRule, NamedRule] = USUAL_RULES,
    grids: tuple[ScoreGrid, ScoreGrid] = (USUAL_GRID, USUAL_GRID),
    target_xyxy: Indices[float] | None = None,
    box_xywh: Indices[float] | None = None,
    seed: int = 0,
    shift: int = 0,
    positive_pair: bool = True,
    tracker: str | None = None,
    run: str | None = None,
) -> Figure:
    """Draw what the laboratory shows, as a figure of double column width; "Copy as Python" writes this call.

    Args:
        choice: sequence, see `sequences.open_sequence`.
        frame: number of the frame.
        rules: name and options of both rules.
        grids: their score grids; a rule that looks at predictions has that of the network.
        target_xyxy: (4,) target in px of the search region; None: the annotation.
        box_xywh: (4,) frame px, the box around which the region is cut; None: the annotation.
        seed: key of the draw of negatives.
        shift: seed of the shift and the stretch of the search region.
        positive_pair: False: labels of a pair whose search region shows another object.
        tracker: name of the network that a rule with predictions looks at.
        run: folder of a training, if the network is one of its snapshots.

    Raises:
        InputError: for a sequence, frame, rule, option, seed or network that cannot be used, or a frame without a
            target.
        ValueError: from a rule that has no labels for negative pairs.
    """
    sequence = open_sequence(choice)
    check_frame(sequence, frame)
    check_lab_seed(seed)
    check_lab_seed(shift)
    if box_xywh is not None:
        sequence = _boxed(sequence, frame, box_xywh)
    if not sequence.visible[frame]:
        raise InputError(f"frame {frame} of {sequence.name} has no annotated target; give its box_xywh")
    place = place_region(sequence.boxes_xywh[frame], frame, seed=shift)
    region = cut_region(sequence.frames[frame], place)
    target = torch.tensor(np.array([place.target_xyxy if target_xyxy is None else target_xyxy], np.float64))
    networks = Networks(Contents(sequence, shift=shift), run)
    found = [
        _labelled(name, dict(options), grid, target, seed, positive_pair, networks, tracker, frame)
        for (name, options), grid in zip(rules, grids, strict=True)
    ]
    with figure_style():
        fig, axes = layers.panels(3, 3)
        for ax, letter, (name, _), (rule, assignment) in zip(axes, "AB", rules, found, strict=False):
            title, shapes = f"{letter}: {_title(name, rule)}", rule.anchor_shapes
            draw_assignment(ax, region, rule.grid, assignment, target, anchor_shapes=shapes, title=title)
        _draw_difference(axes[2], region, found, target)
        axes[2].set_xlabel("\n".join(filter(None, (axes[2].get_xlabel(), MARKS[sequence.imagery]))))
        _legend(fig, found)
    return fig


def _title(name: str, rule: LabelAssigner) -> str:
    """Name of a rule, with the side of a rectangle over that of the target."""
    ratio = getattr(rule, "center_ratio", None)
    return rule_title(name, rule.anchor_shapes) + ("" if ratio is None else f" {ratio:g}")


def _boxed(sequence: Sequence, frame: int, box_xywh: Indices[float]) -> Sequence:
    """The sequence with another box in one frame."""
    height, width = sequence.frames[frame].shape[:2]
    boxes, visible = sequence.boxes_xywh.copy(), sequence.visible.copy()
    boxes[frame], visible[frame] = check_box(np.array(box_xywh, np.float64), (width, height)), True
    return replace(sequence, boxes_xywh=boxes, visible=visible)


def _labelled(
    name: str,
    options: dict[str, object],
    grid: ScoreGrid,
    target: torch.Tensor,
    seed: int,
    positive_pair: bool,
    networks: Networks,
    tracker: str | None,
    frame: int,
) -> tuple[LabelAssigner, Assignment]:
    """A rule and its labels for one target (1, 4)."""
    rule, prediction = build_assigner(name, grid, **options), None
    if getattr(rule, "needs_prediction", False):
        if tracker is None:
            raise InputError(f"label assigner {name} looks at predictions; give the tracker that makes them")
        answer = networks.answer(tracker, frame)
        if len(answer.anchor_shapes) > 1:
            options = options | {"anchor_shapes": answer.anchor_shapes}
        rule, prediction = build_assigner(name, answer.grid, **options), answer.prediction
    keys = torch.tensor([seed])
    return rule, rule.assign(target, torch.tensor([positive_pair]), keys, prediction)


def _draw_difference(
    ax: Axes, region: np.ndarray, found: list[tuple[LabelAssigner, Assignment]], target: torch.Tensor
) -> None:
    """Points with a positive of A alone, of B alone, and of both, on the grey search region."""
    size = region.shape[0]
    grey = (0.55 * region.astype(np.float32).mean(-1, keepdims=True)).repeat(3, -1).astype(np.uint8)
    ax.imshow(grey, extent=(-0.5, size - 0.5, size - 0.5, -0.5))
    ax.set(xlim=(-0.5, size - 0.5), ylim=(size - 0.5, -0.5), xticks=[], yticks=[], title="Difference")
    ax.grid(False)
    ax.spines[:].set_visible(False)
    layers.draw_box(ax, xyxy_to_xywh(target[0].numpy()), COLOURS["target"])
    first, second = (
        {
            tuple(point): rule.grid.stride
            for point in rule.grid.points[
                answer.positive[0].reshape(-1, len(rule.anchor_shapes)).any(1)
            ].tolist()
        }
        for rule, answer in found
    )
    kinds = (
        (first.keys() & second.keys(), layers.CIRCLE, "positive"),
        (first.keys() - second.keys(), _SQUARE, "first"),
        (second.keys() - first.keys(), _TRIANGLE, "second"),
    )
    for points, shape, colour in kinds:
        for point in sorted(points):
            radius = 0.36 * (first | second)[point]
            look = {"facecolors": COLOURS[colour], "edgecolors": "white", "linewidths": 0.5}
            layers.draw_markers(ax, np.array([point]), radius * shape, **look)
    both, alone, other = (len(points) for points, _, _ in kinds)
    ax.set_xlabel(f"{alone} in A alone, {both} in both, {other} in B alone")


def _legend(fig: Figure, found: list[tuple[LabelAssigner, Assignment]]) -> None:
    layers.legend(
        fig,
        candidates=any(answer.candidates is not None for _, answer in found),
        boxes=any(len(rule.anchor_shapes) > 1 for rule, _ in found),
        more=[
            Line2D([], [], marker=marker, markersize=5, color=COLOURS[colour], linestyle="none", label=text)
            for marker, colour, text in (
                ("s", "first", "A alone"),
                ("o", "positive", "A and B"),
                ("^", "second", "B alone"),
            )
        ],
    )
