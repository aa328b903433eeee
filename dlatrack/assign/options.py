"""The options of label assigners, read from their classes, so that new rules and options are found by themselves."""

from __future__ import annotations

import inspect
import math
import re
from collections.abc import Callable
from dataclasses import MISSING, fields, is_dataclass
from functools import lru_cache, partial
from numbers import Integral, Real
from typing import Any, Literal, NamedTuple, cast, get_args, get_origin, get_type_hints

from dlatrack.errors import InputError


class Option(NamedTuple):
    """One option of a label assigner."""

    name: str  #: name of the option, as `build_assigner` takes it
    default: Any  #: default value
    kind: Any  #: annotated type
    choices: tuple[str, ...]  #: allowed texts of an option that is one of some texts
    text: str  #: description of the option in the docstring of the class

    def read(self, value: Any) -> Any:
        """A value as the assigner takes it; anchor shapes may be written "104x32, 64x64".

        Raises:
            InputError: if the text is no list of shapes.
        """
        if not isinstance(self.default, tuple) or not isinstance(value, str):
            return value
        shapes = [re.fullmatch(r"\s*([\d.]+)\s*[x×]\s*([\d.]+)\s*", part) for part in value.split(",")]
        try:
            return tuple((float(cast(re.Match[str], s)[1]), float(cast(re.Match[str], s)[2])) for s in shapes)
        except (TypeError, ValueError):
            raise InputError(
                f"{self.name} is a list of w x h in px such as 104x32, 64x64, got {value!r}"
            ) from None

    def parse(self, text: str) -> Any:
        """A value from the text of a command line, of the annotated kind.

        Shapes are joined by "+" there: "104x32+64x64".

        Raises:
            InputError: naming the option and what is allowed, if the text is none of it.
        """
        if isinstance(self.default, tuple):
            return self.read(text.replace("+", ","))
        if self.kind is bool:
            if text not in ("true", "false"):
                raise InputError(f"{self.name} must be true or false, got {text!r}")
            return text == "true"
        if self.choices and text not in self.choices:
            raise InputError(f"{self.name} must be one of {', '.join(self.choices)}, got {text!r}")
        if self.kind not in (int, float):
            return text
        try:
            number: float = self.kind(text)
        except ValueError:
            number = math.nan
        if not math.isfinite(number):
            kind = "a whole number" if self.kind is int else "a number"
            raise InputError(f"{self.name} must be {kind}, got {text!r}")
        return number

    def check(self, value: Any) -> None:
        """Raise for a value that is not of the annotated kind; a whole number may stand for any number.

        Raises:
            InputError: naming the option, the value and what is allowed.
        """
        truth = type(value) is bool  # which counts as a number in Python; those of NumPy do, too
        fits, allowed = {
            bool: (truth, "True or False"),
            int: (isinstance(value, Integral) and not truth, "a whole number"),
            float: (isinstance(value, Real) and not truth and math.isfinite(value), "a finite number"),
        }.get(self.kind, (True, ""))
        if not fits:
            raise InputError(f"{self.name} must be {allowed}, got {value!r}")

    def written(self, value: Any) -> Any:
        """A value as a form shows it; the inverse of `read`."""
        if isinstance(self.default, tuple):
            return ", ".join(f"{width:g}x{height:g}" for width, height in value)
        return value


@lru_cache(maxsize=64)
def options_in(made_by: Callable[..., Any]) -> tuple[Option, ...] | None:
    """Every option of a label assigner, in the order of its class.

    Args:
        made_by: value of `ASSIGNERS`.

    Returns:
        The options; None if it is no dataclass, so that only calling it tells.
    """
    fixed = made_by.keywords if isinstance(made_by, partial) else {}
    assigner = class_of(made_by)
    if not is_dataclass(assigner):
        return None
    hints, texts = get_type_hints(assigner), argument_texts(assigner)
    return tuple(
        Option(
            field.name,
            field.default,
            hints[field.name],
            _choices(hints[field.name]),
            texts.get(field.name, ""),
        )
        for field in fields(assigner)
        if field.default is not MISSING and field.name not in fixed
    )


def class_of(made_by: Callable[..., Any]) -> Any:
    """The class, or the function, behind a value of `ASSIGNERS`."""
    return made_by.func if isinstance(made_by, partial) else made_by


def argument_texts(documented: Any) -> dict[str, str]:
    """Descriptions of arguments in a Google-style docstring, by name, each on one line."""
    section = re.search(r"^Args:\n((?:    .*\n?|\n)+)", inspect.getdoc(documented) or "", re.MULTILINE)
    entries = re.findall(
        r"^    (\w+): ((?:.+\n?)(?:^     +.+\n?)*)", section[1] if section else "", re.MULTILINE
    )
    return {name: " ".join(text.split()) for name, text in entries}


def _choices(hint: Any) -> tuple[str, ...]:
    return get_args(hint) if get_origin(hint) is Literal else ()
