"""The one exception for bad input from outside the program, and how its messages quote what is long."""

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
