"""The one exception for bad input from outside the program."""


class InputError(ValueError):
    """A file, sequence, checkpoint or parameter that cannot be used as given.

    The message is one line that names the thing, the bad value and what is allowed.
    The command line prints it without a traceback and exits with status 2.
    """
