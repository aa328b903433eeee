"""Label assigners by name, and those of recipes."""

from __future__ import annotations

import hashlib
import inspect
from collections.abc import Callable, Iterable
from dataclasses import fields, is_dataclass
from functools import partial
from typing import Any, get_args

from dlatrack.assign.atss import AtssAssigner
from dlatrack.assign.autoassign import AutoAssigner
from dlatrack.assign.base import LabelAssigner
from dlatrack.assign.circle import CircleAssigner
from dlatrack.assign.dla import DynamicLabelAssigner
from dlatrack.assign.ellipse import EllipseAssigner
from dlatrack.assign.inside import InsideAssigner
from dlatrack.assign.iou import IoUAssigner
from dlatrack.assign.options import Option, class_of, options_in
from dlatrack.assign.ota import OtaAssigner
from dlatrack.assign.paa import PaaAssigner
from dlatrack.assign.rectangle import RectangleAssigner
from dlatrack.assign.simota import SimOtaAssigner
from dlatrack.assign.tal import TalAssigner
from dlatrack.devices import warm_up_vector_math
from dlatrack.errors import InputError, counted
from dlatrack.grid import POINT_ANCHOR, RPN_ANCHORS, ScoreGrid
from dlatrack.recipes import ClassificationForm, Recipe

#: Every rule by name; "dla" takes `anchor_shapes`, the other two DLA names have them set.
ASSIGNERS: dict[str, Callable[..., LabelAssigner]] = {
    "dla": DynamicLabelAssigner,
    "dla_anchors": partial(DynamicLabelAssigner, anchor_shapes=RPN_ANCHORS),
    "dla_points": partial(DynamicLabelAssigner, anchor_shapes=POINT_ANCHOR),
    "circle": CircleAssigner,
    "iou": IoUAssigner,
    "rectangle": RectangleAssigner,
    "ellipse": EllipseAssigner,
    "inside": InsideAssigner,
    "atss": AtssAssigner,
    "simota": SimOtaAssigner,
    "ota": OtaAssigner,
    "paa": PaaAssigner,
    "tal": TalAssigner,
    "autoassign": AutoAssigner,
}

_OURS = frozenset(ASSIGNERS)

#: What the text of a rule sets in the recipe beside the options of the rule, see `Recipe.with_assigner`.
RECIPE_OPTIONS = (
    Option("point_offset", 31, float, (), "search-region px of the first grid point"),
    Option(
        "classification",
        "balanced",
        ClassificationForm,
        get_args(ClassificationForm),
        "form of the classification loss, see `LossConfig`",
    ),
)

#: Heads of dlatrack with one sample per point.
_POINT_HEADS = ("fc", "car", "ban", "fcpp", "nano")


def register_assigner(name: str, make: Callable[..., LabelAssigner]) -> None:
    """Register a rule by name for `build_assigner`, recipes and the laboratory of notebook 01.

    Args:
        name: name of the rule in recipes; one registered before may be replaced, as when a notebook cell runs again.
        make: function of a `ScoreGrid` and the options as keywords; usually a frozen dataclass, whose fields are the
            options.

    Raises:
        ValueError: if a rule of dlatrack has this name, or an option the name of one of `RECIPE_OPTIONS`.
    """
    if name in _OURS:
        raise ValueError(f"{name!r} is a label assigner of dlatrack; give yours another name")
    made = class_of(make)
    own = {field.name for field in fields(made)} if is_dataclass(made) else set()
    if taken := own & {option.name for option in RECIPE_OPTIONS}:
        raise ValueError(
            f"label assigner {name}: {min(taken)} is an option of recipes; give yours another name"
        )
    ASSIGNERS[name] = make


def build_assigner(name: str, grid: ScoreGrid, **options: Any) -> LabelAssigner:
    """Make a label assigner by name.

    Args:
        name: a key of `ASSIGNERS`.
        grid: points of the score map.
        options: options of the rule, the fields of its class.

    Raises:
        InputError: if the name or an option is unknown, or a value is out of range.
    """
    made_by = _made_by(name)
    known = options_in(made_by)
    names = [option.name for option in known or ()]
    if known is not None and (odd := [option for option in options if option not in names]):
        raise _no_option(name, odd[0], names)
    warm_up_vector_math()
    try:
        for option in known or ():
            if option.name in options:
                option.check(options[option.name])
        return made_by(grid, **options)
    except (TypeError, ValueError) as error:
        raise InputError(f"label assigner {name}: {error}") from error


def assigner_of(recipe: Recipe) -> LabelAssigner:
    """The label assigner of a recipe, on its grid.

    Raises:
        InputError: if the rule or an option is unknown or out of range, if the grid starts outside the search
            region, or if the rule does not fit the head: it labels another number of anchors per point, or looks at
            boxes where the head predicts none.
    """
    name, head = recipe.assign.name, recipe.net.head
    if not 0 <= recipe.assign.point_offset <= recipe.net.search_size:
        raise InputError(
            f"recipe {recipe.name}: point_offset must be in 0..{recipe.net.search_size} (px of the search region), "
            f"got {recipe.assign.point_offset}"
        )
    rule = build_assigner(name, recipe.grid, **recipe.assign.options)
    labelled, refused = len(rule.anchor_shapes), f"recipe {recipe.name}: label assigner {name}"
    wanted = len(RPN_ANCHORS) if head == "rpn" else 1 if head in _POINT_HEADS else labelled
    if labelled != wanted:
        raise InputError(
            f"{refused} labels {counted(labelled, 'sample')} per point, but the head {head!r} has {wanted}"
        )
    if head == "fc" and getattr(rule, "needs_prediction", False):
        raise InputError(f"{refused} looks at predicted boxes, but the head {head!r} predicts none")
    return rule


def options_of(name: str) -> tuple[Option, ...]:
    """Every option of a label assigner, in the order of its class; none for one that is no dataclass.

    Raises:
        InputError: if there is no such assigner.
    """
    return options_in(_made_by(name)) or ()


def with_rule(recipe: Recipe, text: str) -> Recipe:
    """`Recipe.with_assigner` from the text of a command line, e.g. "dla_points:candidates=13,on_empty=strict".

    Beside the options of the rule the text may set those of `RECIPE_OPTIONS`: "dla_points:point_offset=32".

    Raises:
        InputError: naming the rule, the option or the value that is not known or not allowed.
    """
    name, _, options = text.partition(":")
    return recipe.with_assigner(name, **options_in_text(name, options, RECIPE_OPTIONS))


def options_in_text(name: str, text: str, more: tuple[Option, ...] = ()) -> dict[str, Any]:
    """Options of a rule from the text of a command line, "option=value,option=value"; empty: none.

    The values of a rule that is no dataclass stay texts.

    Args:
        name: a key of `ASSIGNERS`.
        text: the options.
        more: options that the text may set beside those of the rule.

    Raises:
        InputError: for an unknown rule or option, or a value of the wrong kind, naming what is allowed.
    """
    options = options_in(_made_by(name))
    known = {option.name: option for option in (*(options or ()), *more)}
    values: dict[str, Any] = {}
    for part in filter(None, text.split(",")):
        option, given, value = (piece.strip() for piece in part.partition("="))
        if not given or option in values:
            raise InputError(
                f"label assigner {name} takes option=value, each once, separated by commas; got {part!r}"
            )
        if options is not None and option not in known:
            raise _no_option(name, option, known)
        try:
            values[option] = known[option].parse(value) if option in known else value
        except InputError as error:
            raise InputError(f"label assigner {name}: {error}") from None
    return values


def _no_option(name: str, option: str, known: Iterable[str]) -> InputError:
    return InputError(
        f"label assigner {name}: there is no option {option!r}; its options are {', '.join(known) or 'none'}"
    )


def summary_of(name: str) -> str:
    """The first line of the docstring of an assigner's class.

    Raises:
        InputError: if there is no such assigner.
    """
    return (inspect.getdoc(class_of(_made_by(name))) or "").split("\n")[0]


def looks_at_predictions(name: str) -> bool:
    """Whether the rule of a name needs predictions; False for one that does not say.

    Raises:
        InputError: if there is no such assigner.
    """
    return bool(getattr(class_of(_made_by(name)), "needs_prediction", False))


def source_digest(name: str) -> str | None:
    """SHA-256 of the source of a rule that is not dlatrack's; None for one that is, or if there is no source to read.

    Raises:
        InputError: if there is no such assigner.
    """
    made_by = class_of(_made_by(name))
    try:
        text = None if name in _OURS else inspect.getsource(made_by)
    except (OSError, TypeError):  # typed at a prompt, or made by a program
        return None
    return None if text is None else hashlib.sha256(text.encode()).hexdigest()


def _made_by(name: str) -> Callable[..., LabelAssigner]:
    if name not in ASSIGNERS:
        raise InputError(f"there is no label assigner {name!r}; choose from {', '.join(ASSIGNERS)}")
    return ASSIGNERS[name]
