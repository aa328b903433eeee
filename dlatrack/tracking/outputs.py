"""Checks that outputs of video tracking overwrite no inputs and no foreign files."""

from __future__ import annotations

from pathlib import Path

from dlatrack.datasets.stream import FrameStream
from dlatrack.errors import InputError
from dlatrack.files import same_file
from dlatrack.tracking.video import CSV_HEADER


def check_outputs(out: Path, table: Path, stream: FrameStream, weights: Path) -> None:
    """Reject outputs that would overwrite an input, the place of an input's true boxes, or a foreign table.

    Paths are compared by the file to which they resolve, through links, hard links and letters of another case. The
    true boxes of a video would be in a CSV file with its name, or with that of the file to which a link resolves. An
    existing table must be one of `VideoTrack.as_csv`. New files may lie among the images of a clip, since readers
    skip files that are not images.

    Args:
        out: annotated video to write.
        table: file of boxes and scores to write.
        stream: video to track.
        weights: weight file of the tracker, or a name that is no file.

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
            f"{table} exists and is no table of dlatrack track, which would overwrite it; the output needs another "
            f"name"
        )


def _is_ours(table: Path) -> bool:
    """Whether a file starts with the header of `VideoTrack.as_csv`."""
    try:
        with table.open("rb") as stream:
            return stream.read(len(CSV_HEADER)) == CSV_HEADER.encode()
    except OSError as error:
        raise InputError(f"cannot read {table}: {error.strerror or error}") from error
