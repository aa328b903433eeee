"""Files of Jupyter and papermill, so that a run that is killed leaves none half written and none for ever."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from dlatrack.errors import InputError
from dlatrack.files import write_text

if TYPE_CHECKING:
    from traitlets.config import Config


def connection_of(target: Path) -> Config:
    """Settings of Jupyter that name the connection file after the notebook that is written.

    Jupyter's own choice is a random name in the folder of temporary files, where it stays for ever if the process is
    killed. The file with this name is written over by the next run of the same output, and removed at its end.

    Args:
        target: notebook that is written, by one run at a time.

    Returns:
        Settings with the file in Jupyter's own folder of running kernels, which no one else reads; none if nothing
        can be written there.
    """
    from jupyter_core.paths import jupyter_runtime_dir
    from traitlets.config import Config

    folder = Path(jupyter_runtime_dir())
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError:
        return Config()
    if not os.access(folder, os.W_OK):
        return Config()
    name = hashlib.sha256(os.fsencode(os.path.realpath(target))).hexdigest()[:16]
    return Config({"KernelManager": {"connection_file": str(folder / f"kernel-dlatrack-{name}.json")}})


@contextmanager
def written_whole(target: Path) -> Iterator[None]:
    """Let papermill, which saves a notebook after each cell, write it whole or not at all while the block runs.

    Args:
        target: notebook that is written.
    """
    from papermill.iorw import LocalHandler, papermill_io

    class Whole(LocalHandler):
        def write(self, buf: str, path: str) -> None:
            try:
                write_text(os.path.realpath(path), buf)  # a link stays one
            except InputError as error:
                raise error.__cause__ or error from None  # what the system says, as papermill raises it

    own = (str(target), Whole())
    papermill_io.register(*own)
    try:
        yield
    finally:
        papermill_io._handlers.remove(own)
