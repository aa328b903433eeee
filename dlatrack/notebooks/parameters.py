"""Read the values of a notebook's parameters as the types that it declares."""

from __future__ import annotations

import ast
import math
import re
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from dlatrack.errors import InputError, shortened
from dlatrack.structured.json_files import parse_json

#: Numbers as people write them. Python would also read `1_0` as ten, and the digits of other scripts.
_INT = re.compile(r"[+-]?[0-9]+")
_MOST_BYTES = 2**20  # of a text
_FLOAT = re.compile(r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?")


def read_value(value: Any, declared: str, what: str) -> Any:
    """A value, or text that reads as one, as its declared type.

    Args:
        value: given value.
        declared: annotation: one of str, int, float, bool, list, dict, or a list of one of them, e.g. `list[int]`.
        what: the parameter, for messages.

    Raises:
        InputError: for another annotation, or a value that is not of the type.
    """
    kind, _, item = declared.removesuffix("]").partition("[")
    if kind not in _READERS:
        raise InputError(f"{what} is declared as {declared!r}; this runner reads {', '.join(_READERS)}")
    try:
        result = _READERS[kind](value)
        if kind == "list" and item:
            result = [read_value(entry, item, what) for entry in result]
    except InputError:
        raise InputError(f"{what} must be {declared}, got {_quoted(value)}") from None
    except (ValueError, SyntaxError, TypeError, OverflowError, RecursionError, MemoryError) as error:
        raise InputError(f"{what} must be {declared}, got {_quoted(value)}") from error
    return result


def _quoted(value: Any) -> str:
    try:
        return shortened(repr(value))
    except (ValueError, RecursionError):  # whole numbers of thousands of digits, lists in lists without end
        return f"a {type(value).__name__} too long to print"


def read_injected(expression: ast.expr) -> Any:
    """The value of an expression that papermill has written into a notebook.

    They are literals, but for `float('nan')`, `float('inf')` and `float('-inf')`.

    Raises:
        ValueError: for any other expression.
    """
    return ast.literal_eval(_FloatCalls().visit(expression))


class _FloatCalls(ast.NodeTransformer):
    """Replace calls such as `float('nan')` by their value."""

    def visit_Call(self, node: ast.Call) -> ast.expr:
        match node:
            case ast.Call(func=ast.Name(id="float"), args=[ast.Constant(value=str(text))], keywords=[]):
                return ast.copy_location(ast.Constant(float(text)), node)
        return node


def _read_str(value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError
    return value


def _read_number(value: Any, pattern: re.Pattern[str], kind: type[int] | type[float]) -> float:
    if isinstance(value, bool) or not isinstance(value, int | kind | str):
        raise TypeError
    if isinstance(value, str) and not pattern.fullmatch(value.strip()):
        raise ValueError
    number = kind(value)
    if isinstance(number, float) and not math.isfinite(number):
        raise ValueError
    return number


def _read_bool(value: Any) -> bool:
    if isinstance(value, bool):
        return value
    text = _read_str(value).lower()
    if text not in ("true", "false"):
        raise ValueError
    return text == "true"


def _read_container(value: Any, given: Any, kind: type) -> Any:
    """A list or dictionary, or text such as "[5, 7]" or "5,7"."""
    if isinstance(value, str):
        value = _literal(value)
    if not isinstance(value, given):
        raise TypeError
    return kind(value)


def _literal(text: str) -> Any:
    """Text as JSON or, failing that, as a Python literal with plain numbers."""
    try:
        return parse_json(text, "it", most_bytes=_MOST_BYTES, parse_constant=_no_constant)
    except ValueError:
        if len(text) > _MOST_BYTES:
            raise
        expression = ast.parse(text.strip(), mode="eval")
    for node in ast.walk(expression):
        is_number = isinstance(node, ast.Constant) and isinstance(node.value, int | float)
        if is_number and "_" in (ast.get_source_segment(text.strip(), node) or ""):
            raise ValueError
    return ast.literal_eval(expression)


def _no_constant(name: str) -> None:
    raise ValueError(f"{name} is no number")  # JSON has no NaN; Python's reader takes it for one


_READERS: dict[str, Callable[[Any], Any]] = {
    "str": _read_str,
    "int": partial(_read_number, pattern=_INT, kind=int),
    "float": partial(_read_number, pattern=_FLOAT, kind=float),
    "bool": _read_bool,
    "list": partial(_read_container, given=(list, tuple), kind=list),
    "dict": partial(_read_container, given=Mapping, kind=dict),
}
