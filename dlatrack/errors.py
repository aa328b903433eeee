"""The one exception for bad input from outside the program, how to raise it, and how messages word what they name."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

#: Characters of a value that a message quotes.
_QUOTED = 80

#: Characters of a message; of a longer one, which quotes a name without end, the middle is left out.
_LONGEST = 2000


class InputError(ValueError):
    """A file, sequence, checkpoint or parameter that cannot be used as given.

    The message is one line that names the thing, the bad value and what is allowed.
    The command line prints it without a traceback and exits with status 2.

    Args:
        message: the message. Line ends in it, which come from quoted names and from other libraries, become blanks,
            and of more than 2,000 characters the middle is left out.
    """

    def __init__(self, message: str = "") -> None:
        line = " ".join(str(message).splitlines())
        half = _LONGEST // 2
        super().__init__(line if len(line) <= _LONGEST else f"{line[:half]} ... {line[-half:]}")

    def at(self, place: str) -> InputError:
        """The same error with its place in front of the message, e.g. "frame 3"."""
        return InputError(f"{place}: {self}")


class NotEnoughMemoryError(InputError):
    """Work that needs more memory than there is; `dlatrack.memory.memory_errors` raises it.

    Args:
        fault: what was being done and, as far as it is known, how much was asked for, is needed about and is there.
        advice: what lowers the need, "" where nothing does.

    Attributes:
        fault: the message without the advice.
        advice: the advice.
    """

    def __init__(self, fault: str, advice: str = "") -> None:
        super().__init__(f"{fault}; {advice}" if advice else fault)
        self.fault, self.advice = fault, advice

    def at(self, place: str) -> NotEnoughMemoryError:
        """The same error with its place in front of the message, e.g. "frame 3"."""
        return NotEnoughMemoryError(f"{place}: {self.fault}", self.advice)


def shortened(text: str, most: int = _QUOTED) -> str:
    """A text of a file or of the command line, as a message quotes it: its beginning, if it is long."""
    return text if len(text) <= most else f"{text[:most]}..."


def without_secrets(argument: str) -> str:
    """An address, or an argument of a command that may be or hold one, as messages and files may show it.

    All before the last @, a name and password, is replaced by three stars, and what follows a question mark, which
    may hold a key, is left out. Other texts stay as they are.
    """
    head, scheme, rest = (
        re.split(r"(\w:/+)", argument, maxsplit=1) if re.search(r"\w:/", argument) else ("", "", "")
    )
    if not scheme:
        return re.sub(r"^(\w+//)?[^/]*:.*@", "***@", argument)  # an address without its beginning
    return head + scheme + re.sub(r"^.*@", "***@", rest, flags=re.DOTALL).partition("?")[0]


def listed(names: Sequence[str], most: int = 3) -> str:
    """Names as a message lists them: the first ones, and how many more there are; e.g. "a, b, c and 4 more"."""
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return ", ".join(names[:most]) + more


def counted(number: int, noun: str) -> str:
    """A number with its noun, as a message gives it; e.g. "1 crop" or "1,200 crops"."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


@contextmanager
def refusals(action: str, path: str | Path) -> Iterator[None]:
    """Raise what the operating system refuses inside the block as an `InputError` that names `path`."""
    try:
        yield
    except OSError as error:
        raise InputError(f"cannot {action} {path}: {error.strerror or error}") from error


@contextmanager
def reading(path: str | Path, otherwise: str, *errors: type[Exception]) -> Iterator[None]:
    """Raise what goes wrong while a file is read inside the block as an `InputError` that names it.

    Args:
        path: the file.
        otherwise: predicate for a file whose content raises one of `errors`, e.g. "is not a training history".
        errors: errors of wrong content; those of the operating system become errors as in `refusals`.
    """
    try:
        with refusals("read", path):
            yield
    except InputError:  # which is a ValueError
        raise
    except errors as error:
        raise InputError(f"{path} {otherwise}: {error}") from error
