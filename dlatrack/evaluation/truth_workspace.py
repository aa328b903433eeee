"""Reads the truth of a workspace of the VOT toolkit, whose list of sequences is its own."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from dlatrack.datasets.image_header import read_header
from dlatrack.datasets.images import fill
from dlatrack.datasets.layout import is_plain_name
from dlatrack.errors import InputError, refusals, shortened
from dlatrack.evaluation.results.text import read_result_rows, read_text_file
from dlatrack.evaluation.truth import TAGS, SequenceTruth


def workspace_names(folder: Path) -> tuple[Path, list[str]] | None:
    """The folder of sequences of a workspace, and their names.

    Args:
        folder: the workspace, or its folder `sequences`.

    Returns:
        The folder that holds `list.txt`, and its rows; None if neither folder holds one.

    Raises:
        InputError: if the list cannot be read, is empty, or has a row that is no name of a folder, or a name twice.
    """
    place = next((each for each in (folder, folder / "sequences") if (each / "list.txt").is_file()), None)
    if place is None:
        return None
    file = place / "list.txt"
    lines = enumerate(read_text_file(file).splitlines(), 1)
    rows = [(row, line.strip()) for row, line in lines if line.strip()]
    names = [name for _, name in rows]
    seen: set[str] = set()
    if not names:
        raise InputError(f"{file} is empty; it needs the name of a sequence in each row")
    for row, name in rows:
        if not is_plain_name(name):
            raise InputError(f"{file} row {row}: {shortened(repr(name))} is not the name of a folder")
        if name in seen:
            raise InputError(f"{file} row {row}: sequence {name} is there twice; each name once")
        seen.add(name)
    return place, names


def read_workspace(place: Path, names: list[str]) -> list[SequenceTruth]:
    """Read the truth of the sequences of a workspace.

    A sequence is a folder with `groundtruth.txt`, a box or a polygon of four corners in each row, and perhaps tags
    (`occlusion.tag` and the like, which may end early). Its file `sequence` says where the images are
    (`channels.color`), of which the first gives the size unless the file names `width` and `height`.

    Args:
        place: folder of the sequences.
        names: names of the sequences.

    Raises:
        InputError: naming the file and the row or key, if something is missing or is not as above.
    """
    sequences = []
    for name in names:
        folder = place / name
        regions = read_result_rows(folder / "groundtruth.txt", (4, 8))
        partly = np.isnan(regions).any(1) & ~np.isnan(regions).all(1)
        if partly.any():
            raise InputError(
                f"{folder / 'groundtruth.txt'} row {int(partly.argmax()) + 1}: the region is NaN in part; all or "
                f"none is needed"
            )
        found = {tag: _flags(folder, tag, len(regions)) for tag in TAGS}
        tags = {tag: flags for tag, flags in found.items() if flags is not None}
        sequences.append(SequenceTruth(name, regions, size=_size(folder), tags=tags))
    return sequences


def _flags(folder: Path, tag: str, frames: int) -> np.ndarray | None:
    """(frames,) bool, False after the last row of the file; None without a file."""
    file = next((path for path in (folder / f"{tag}.tag", folder / f"{tag}.label") if path.is_file()), None)
    if file is None:
        return None
    rows = [line.strip() for line in read_text_file(file).splitlines()]
    if len(rows) > frames:
        raise InputError(f"{file} has {len(rows)} rows for {frames} frames; at most one per frame is allowed")
    for row, text in enumerate(rows, 1):
        if text not in ("0", "1"):
            raise InputError(f"{file} row {row} is {shortened(repr(text))}; 0 or 1 is needed")
    return np.array([text == "1" for text in rows] + [False] * (frames - len(rows)))


def _size(folder: Path) -> tuple[int, int]:
    """Width and height of the images, px."""
    file = folder / "sequence"
    text = read_text_file(file) if file.is_file() else ""
    values = {
        key.strip(): value.strip() for key, _, value in (row.partition("=") for row in text.splitlines())
    }
    sides = [values.get(key, "") for key in ("width", "height")]
    if all(sides):
        for key, side in zip(("width", "height"), sides, strict=True):
            if not (side.isascii() and side.isdigit() and 0 < int(side[:10]) < 2**20):
                raise InputError(
                    f"{file}: {key} is {shortened(repr(side))}; a number of px above 0 is needed"
                )
        return int(sides[0]), int(sides[1])
    template = values.get("channels.color") or (
        "color/%08d.jpg" if (folder / "color").is_dir() else "%08d.jpg"
    )
    template = template.replace("\\", "/")
    if template.endswith("/"):
        template += "%08d.jpg"
    try:
        image = folder / fill(template, 1)
    except (TypeError, ValueError):
        raise InputError(
            f"{file}: channels.color is {shortened(repr(template))}; a template like color/%08d.jpg is needed"
        ) from None
    with refusals("read", image):
        header = read_header(image)
    if header is None:
        raise InputError(f"{image} is not a JPEG or PNG image; its size is needed")
    return header.width, header.height
