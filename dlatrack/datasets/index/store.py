"""Track tables as files, and their hash."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import numpy as np
from safetensors import SafetensorError
from safetensors.numpy import load_file, save_file

from dlatrack.datasets.index.columns import TextColumn
from dlatrack.datasets.index.image_list import ImageList
from dlatrack.datasets.index.tracks import TEXTS, TrackTable
from dlatrack.errors import InputError
from dlatrack.files import atomic_path

_ARRAYS = ("fps", "starts", "numbers", "boxes_xywh", "visible")


def columns_of(table: TrackTable) -> dict[str, np.ndarray]:
    """Every column of a table as a plain array; the root is left out."""
    columns = {name: getattr(table, name) for name in _ARRAYS}
    for name in TEXTS:
        text = getattr(table, name)
        columns |= {f"{name}.data": text.data, f"{name}.offsets": text.offsets}
    columns |= {f"extras.{name}": column for name, column in table.extras.items()}
    if table.polygons is not None:
        columns["polygons"] = table.polygons
    if table.on_disk is not None:
        listed = table.on_disk
        columns |= {"on_disk.data": listed.templates.data, "on_disk.offsets": listed.templates.offsets}
        columns |= {"on_disk.starts": listed.starts, "on_disk.numbers": listed.numbers}
    return columns


def digest(table: TrackTable) -> str:
    """SHA-256 of all columns: names, image paths, boxes, visibility and the rest, wherever the data set lies."""
    total = hashlib.sha256()
    for name, column in sorted(columns_of(table).items()):
        total.update(f"{name} {column.dtype} {column.shape}\n".encode())
        total.update(np.ascontiguousarray(column).data)
    return total.hexdigest()


def save(table: TrackTable, path: str | Path) -> None:
    """Write a table as one safetensors file, whole or not at all.

    Raises:
        InputError: if the file cannot be written.
    """
    with atomic_path(path) as temporary:
        save_file({name: np.ascontiguousarray(c) for name, c in columns_of(table).items()}, temporary)


def load(path: str | Path, root: Path) -> TrackTable:
    """Read a table that `save` wrote.

    Args:
        path: the file.
        root: where the data set lies now.

    Raises:
        InputError: if the file is missing, cut short or not a track table.
    """
    try:
        columns = load_file(path)
        texts = {name: TextColumn(columns[f"{name}.data"], columns[f"{name}.offsets"]) for name in TEXTS}
        known: dict[str, Any] = {**texts, **{name: columns[name] for name in _ARRAYS}}
        extras = {name[len("extras.") :]: c for name, c in columns.items() if name.startswith("extras.")}
        listed = None
        if "on_disk.data" in columns:
            templates = TextColumn(columns["on_disk.data"], columns["on_disk.offsets"])
            listed = ImageList(root, templates, columns["on_disk.starts"], columns["on_disk.numbers"])
        return TrackTable(
            root=root,
            **known,
            polygons=columns.get("polygons"),
            extras=extras,
            on_disk=listed,
        )
    except OSError as error:
        raise InputError(f"cannot read {path}: {error.strerror or error}") from error
    except (SafetensorError, KeyError, ValueError) as error:
        raise InputError(f"{path} is not a complete track table: {error}; build it again") from error
