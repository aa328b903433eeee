"""The one exception for bad input from outside the program, and how its messages quote what is long."""

from __future__ import annotations

from collections.abc import Sequence

#: Characters of a value that a message quotes.
_QUOTED = 80


class InputError(ValueError):
    """A file, sequence, checkpoint or parameter that cannot be used as given.

    The message is one line that names the thing, the bad value and what is allowed.
    The command line prints it without a traceback and exits with status 2.
    """


def shortened(text: str) -> str:
    """A text of a file or of the command line, as a message quotes it: its beginning, if it is long."""
    return text if len(text) <= _QUOTED else f"{text[:_QUOTED]}..."


def listed(names: Sequence[str], most: int = 3) -> str:
    """Names as a message lists them: the first ones, and how many more there are; e.g. "a, b, c and 4 more"."""
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return ", ".join(names[:most]) + more
