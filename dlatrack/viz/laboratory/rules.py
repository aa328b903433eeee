"""The geometric rules as the laboratory shows them: titles, options, ranges and texts, as data for its page."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from dlatrack.assign import Option, options_of
from dlatrack.grid import POINT_ANCHOR, RPN_ANCHORS, ScoreGrid


class GeometricRule(NamedTuple):
    """A rule as the laboratory offers it."""

    id: str  #: its key in the laboratory
    title: str  #: its name in the paper
    rule: str  #: a key of `ASSIGNERS`
    shapes: tuple[tuple[float, float], ...] = POINT_ANCHOR  #: anchors per point, (w, h) px
    negative_pairs: bool = True  #: whether it labels pairs whose search region shows another object


#: The rules that run in JavaScript, in the order of the menu.
GEOMETRIC_RULES = (
    GeometricRule("circle", "SiamFC: circle", "circle", negative_pairs=False),
    GeometricRule("iou", "SiamRPN++: IoU", "iou", RPN_ANCHORS),
    GeometricRule("rectangle", "SiamCAR: rectangle", "rectangle", negative_pairs=False),
    GeometricRule("ellipse", "SiamBAN: ellipses", "ellipse"),
    GeometricRule("inside", "SiamFC++: whole box", "inside"),
    GeometricRule("dla_points", "DLA, points", "dla_points"),
    GeometricRule("dla_anchors", "DLA, anchors", "dla_anchors", RPN_ANCHORS),
    GeometricRule("atss_points", "ATSS, points", "atss"),
    GeometricRule("atss_anchors", "ATSS, anchors", "atss", RPN_ANCHORS),
)


class _Range(NamedTuple):
    """Title of an option and, for a number, what is allowed and what a slider spans."""

    title: str
    low: float | None = None
    high: float | None = None
    step: float | None = None
    usual: tuple[float, float] | None = None
    more: bool = False  #: shown only on request


_RATIO = (0.01, 1, 0.01)
_DLA = ("dla", "dla_points", "dla_anchors")

#: Options by name; (rule, name) where rules differ. A bound of None is none, or depends on the grid.
_SHOWN: dict[str | tuple[str, str], _Range] = {
    ("circle", "inner"): _Range("R1, px", 0.5, None, 0.5, (4, 64)),
    ("circle", "outer"): _Range("R2, px", 0.5, None, 0.5, (4, 96)),
    ("ellipse", "inner"): _Range("inner ellipse", *_RATIO),
    "center_ratio": _Range("centre ratio", *_RATIO),
    "positive_above": _Range("positive above IoU", 0, 1, 0.01),
    "negative_below": _Range("negative below IoU", 0, 1, 0.01),
    "max_positives": _Range("positives kept", 1, None, 1, (1, 64)),
    **{
        (rule, "max_positives"): _Range("positives kept, 0: all", 0, None, 1, (0, 64), more=True)
        for rule in _DLA
    },
    "max_negatives": _Range("negatives kept, 0: all", 0, None, 1, (0, 256), more=True),
    "negatives": _Range("number of negatives", more=True),
    "max_samples": _Range("samples kept", 1, None, 1, (1, 256)),
    "candidates": _Range("K", 1, None, 1, (1, 49)),
    "negatives_per_positive": _Range("negatives per positive", 0, None, 1, (0, 16)),
    "positive_scope": _Range("positives from", more=True),
    "positive_centre": _Range("centre of a positive", more=True),
    "std": _Range("standard deviation", more=True),
    "on_empty": _Range("target without positives"),
    "negative_pool": _Range("negatives from", more=True),
    "negative_pairs": _Range("negative pairs", more=True),
    "counted": _Range("K counts"),
    "tolerance": _Range("tolerance of T", 0, None, 1e-6, (0, 0.1), more=True),
    "crop_centre": _Range("centre of the region, px", None, None, 0.5, (0, 254), more=True),
    "anchor_shapes": _Range("anchors, w x h px", more=True),
    "radius": _Range("radius, strides", 0.5, None, 0.5),
    ("simota", "top"): _Range("IoUs summed to k", 1, None, 1),
    ("ota", "top"): _Range("IoUs summed to k", 1, None, 1),
    "iou_weight": _Range("weight of the IoU", 0, None, 0.1),
    "soft": _Range("soft quality"),
    "epsilon": _Range("regularisation", 0.01, None, 0.01),
    "rounds": _Range("rounds", 1, None, 1),
    "iou_above": _Range("candidates above IoU", 0, 1, 0.01),
    "alpha": _Range("α", 0, None, 0.5),
    "beta": _Range("β", 0.5, None, 0.5),
    ("tal", "top"): _Range("samples of largest t", 1, None, 1),
    ("autoassign", "offset"): _Range("shift, strides", None, None, 0.1),
    ("autoassign", "width"): _Range("width of the prior, strides", 0.1, None, 0.1),
    ("autoassign", "top"): _Range("points without one inside", 0, None, 1),
}


#: Titles of the rules that run in Python alone.
_OTHER_TITLES = {
    "simota": "SimOTA",
    "ota": "OTA",
    "paa": "PAA",
    "tal": "TOOD: task alignment",
    "autoassign": "AutoAssign",
}


def rule_title(rule: str, shapes: Sequence[tuple[float, float]] = POINT_ANCHOR) -> str:
    """Name of a rule in its paper; the rule's own name where none is known.

    Args:
        rule: a key of `ASSIGNERS`.
        shapes: anchors per point that it labels, (w, h) px.
    """
    if rule == "dla":
        rule = "dla_points" if len(shapes) == 1 else "dla_anchors"
    fitting = [each for each in GEOMETRIC_RULES if each.rule == rule]
    best = [each for each in fitting if len(each.shapes) == len(shapes)] or fitting
    return best[0].title if best else _OTHER_TITLES.get(rule, rule.replace("_", " "))


def rule_descriptions(grid: ScoreGrid | None = None) -> list[dict[str, Any]]:
    """Every geometric rule with its options, as data that JSON can hold.

    Args:
        grid: points of the score map, which bound K; None: 25 x 25 with stride 8.

    Returns:
        One {id, title, rule, shapes, negativePairs, options} per rule, in the order of the menu; options as
        `option_descriptions` gives them.
    """
    return [
        {
            "id": each.id,
            "title": each.title,
            "rule": each.rule,
            "shapes": [list(shape) for shape in each.shapes],
            "negativePairs": each.negative_pairs,
            "options": option_descriptions(each.rule, each.shapes, grid or ScoreGrid()),
        }
        for each in GEOMETRIC_RULES
    ]


def option_descriptions(
    rule: str, shapes: tuple[tuple[float, float], ...], grid: ScoreGrid
) -> list[dict[str, Any]]:
    """The options of a rule, in the order of its class.

    Args:
        rule: a key of `ASSIGNERS`.
        shapes: anchors per point that it labels unless told otherwise, (w, h) px.
        grid: points of the score map.

    Returns:
        One {name, title, kind, default, min, max, step, usual, choices, text, more} per option. `kind` is "int",
        "float", "choice", "bool", "shapes" or "text"; `min` and `max` are what is allowed, None where nothing or
        another option bounds it; `usual` is what a slider spans; `more` marks options that are shown on request.

    Raises:
        InputError: if there is no such rule.
    """
    return [_described(option, rule, shapes, grid) for option in options_of(rule)]


def _described(
    option: Option, rule: str, shapes: tuple[tuple[float, float], ...], grid: ScoreGrid
) -> dict[str, Any]:
    unknown = _Range(option.name.replace("_", " "), more=True)
    shown = _SHOWN.get((rule, option.name)) or _SHOWN.get(option.name, unknown)
    high = shown.high
    if option.name == "candidates":
        counted_singly = rule == "atss"
        high = grid.size**2 * (len(shapes) if counted_singly else 1)
    default = [list(shape) for shape in shapes] if option.name == "anchor_shapes" else option.default
    return {
        "name": option.name,
        "title": shown.title,
        "kind": _kind(option),
        "default": default,
        "min": shown.low,
        "max": high,
        "step": shown.step,
        "usual": list(shown.usual or (shown.low, high)),
        "choices": list(option.choices),
        "text": option.text,
        "more": shown.more,
    }


def _kind(option: Option) -> str:
    if option.name == "anchor_shapes":
        return "shapes"
    if option.choices:
        return "choice"
    return {int: "int", float: "float", bool: "bool"}.get(option.kind, "text")
