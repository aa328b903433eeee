"""Outputs of tracking that would take the place of what is read."""

from __future__ import annotations

from pathlib import Path

from dlatrack.datasets.stream import FrameStream
from dlatrack.errors import InputError
from dlatrack.files import same_file
from dlatrack.tracking.video import CSV_HEADER


def check_outputs(out: Path, table: Path, stream: FrameStream, weights: Path) -> None:
    """Refuse outputs that would take the place of something that is read, or of a table of another origin.

    Names are compared by the file that they lead to: through links, hard links and letters of another case. Beside a
    video lies, if anywhere, the table of its true boxes, under its name or that of the file that a link leads to; so
    no table is written there. A table that is there must be one of `VideoTrack.as_csv`. New files may lie among the
    images of a clip, since readers pass over what is no image.

    Args:
        out: the annotated video.
        table: the boxes and scores.
        stream: what is tracked.
        weights: of the tracker; a name that is no file does not matter.

    Raises:
        InputError: naming both files.
    """
    for output in (out, table):
        if output.exists():
            for source in (*stream.files, weights):
                if same_file(output, source):
                    raise InputError(f"{output} is {source}, which is read; the output needs another name")
    if stream.path.is_file():
        for source in (stream.path, stream.path.resolve()):
            truth = source.with_suffix(".csv")
            if same_file(table, truth):
                raise InputError(
                    f"{out} differs from the video in its suffix at most; the output needs another name, because "
                    f"{truth.name} is where the true boxes of {source.name} would be"
                )
    if table.is_dir():
        raise InputError(f"{table} is a folder; boxes and scores go there, so the output needs another name")
    if table.exists() and not _is_ours(table):
        raise InputError(
            f"{table} is there and is no table of dlatrack track, which would take its place; the output needs "
            f"another name"
        )


def _is_ours(table: Path) -> bool:
    """Whether a file begins like a table of `VideoTrack.as_csv`."""
    try:
        with table.open("rb") as stream:
            return stream.read(len(CSV_HEADER)) == CSV_HEADER.encode()
    except OSError as error:
        raise InputError(f"cannot read {table}: {error.strerror or error}") from error
