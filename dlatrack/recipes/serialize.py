"""Recipes read from their JSON form."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from types import UnionType
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

from dlatrack.errors import InputError, shortened
from dlatrack.recipes import LossConfig, NetConfig, Recipe, Schedule

#: Fields that files of earlier versions lack, with the values that they had before these became settings.
_ADDED: Mapping[type, Mapping[str, Any]] = {
    Schedule: {"frozen_batch_norm": False},
    LossConfig: {"classification_form": "balanced"},
}


#: Least and largest numbers of a network that is read from a file. They are far beyond all published trackers, and a
#: network of the largest ones would still be refused for its size, see `models.siamese.build_model`.
_LIMITS: Mapping[str, tuple[int, int]] = {
    "channels": (1, 4096),
    "tower_depth": (0, 64),
    "template_size": (1, 4096),
    "search_size": (1, 4096),
    "online_search_size": (1, 4096),
    "score_size": (1, 1024),
    "stride": (1, 1024),
}

#: Largest number of levels of a backbone.
_MOST_LEVELS = 16


def recipe_from_dict(data: Any, source: str) -> Recipe:
    """Build a recipe from the result of `Recipe.as_dict`, also after a round trip through JSON.

    Args:
        data: nested dictionaries and lists, not yet checked.
        source: name of the file in messages.

    Raises:
        InputError: for unknown or missing fields and values of the wrong kind, naming the field.
    """
    try:
        recipe: Recipe = _read(Recipe, data, "recipe")
    except (TypeError, ValueError, OverflowError) as error:
        raise InputError(f"{source} has no valid recipe: {error}") from error
    return recipe


def with_added_fields(recipe: Any) -> Any:
    """The JSON form of a recipe with the fields that files of earlier versions lack; anything else is unchanged."""
    if not isinstance(recipe, Mapping):
        return recipe
    whole = dict(recipe)
    for part, kind in (("schedule", Schedule), ("loss", LossConfig)):
        if isinstance(recipe.get(part), Mapping):
            whole[part] = {**_ADDED[kind], **recipe[part]}
    return whole


def _read(kind: Any, value: Any, where: str) -> Any:
    """`value` as the annotated type `kind`; `where` is the dotted name of the field."""
    origin, parts = get_origin(kind), get_args(kind)
    if is_dataclass(kind):
        return _read_dataclass(kind, value, where)
    if origin is tuple:
        _check(isinstance(value, list | tuple), where, "a list", value)
        kinds = parts[:1] * len(value) if parts[1:] == (...,) else parts
        _check(len(kinds) == len(value), where, f"a list of {len(kinds)}", value)
        return tuple(
            _read(part, item, f"{where}[{i}]")
            for i, (part, item) in enumerate(zip(kinds, value, strict=True))
        )
    if origin is Mapping:
        _check(isinstance(value, Mapping), where, "an object", value)
        return {key: _read(parts[1], item, f"{where}.{key}") for key, item in value.items()}
    return _read_plain(kind, value, where)


def _read_dataclass(kind: Any, value: Any, where: str) -> Any:
    _check(isinstance(value, Mapping), where, "an object", value)
    names = {field.name for field in fields(kind)}
    value = {**_ADDED.get(kind, {}), **value}
    if names != set(value):
        odd = ", ".join(sorted(names ^ set(value)))
        raise ValueError(f"{where} must have exactly the fields {', '.join(sorted(names))}; wrong: {odd}")
    hints = get_type_hints(kind)
    found = {name: _read(hints[name], value[name], f"{where}.{name}") for name in sorted(names)}
    if kind is NetConfig:
        _check_sizes(found, where)
    return kind(**found)


def _check_sizes(found: Mapping[str, Any], where: str) -> None:
    for name, (least, most) in _LIMITS.items():
        _check(least <= found[name] <= most, f"{where}.{name}", f"in {least}..{most}", found[name])
    _check(
        1 <= len(found["levels"]) <= _MOST_LEVELS and all(0 <= level <= 100 for level in found["levels"]),
        f"{where}.levels",
        f"1 to {_MOST_LEVELS} whole numbers in 0..100",
        list(found["levels"]),
    )


def _read_plain(kind: Any, value: Any, where: str) -> Any:
    """Numbers, texts, choices; a whole number may stand for a float."""
    if kind is Any:
        return value
    if get_origin(kind) is Literal:
        _check(value in get_args(kind), where, f"one of {get_args(kind)}", value)
        return value
    allowed = get_args(kind) if get_origin(kind) in (Union, UnionType) else (kind,)
    if float in allowed:
        allowed = (*allowed, int)
    _check(
        isinstance(value, bool) == (bool in allowed) and isinstance(value, allowed), where, str(kind), value
    )
    return value


def _check(good: bool, where: str, allowed: str, value: Any) -> None:
    if not good:
        raise TypeError(f"{where} must be {allowed}, got {shortened(repr(value))}")
