"""Write one shard of a pack: cut and encode its crops, and note that the shard is finished."""

from __future__ import annotations

import io
import json
import tarfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save_file

from dlatrack.datasets.images import read_image
from dlatrack.files import atomic_path, file_digest
from dlatrack.sampling.crops import crop_511
from dlatrack.sampling.originals import OriginalCrops
from dlatrack.sampling.pack.index import TAR_BLOCK, Shard, crop_name, shard_name
from dlatrack.sampling.pack.jpeg import encode_for_parts
from dlatrack.sampling.store import JPEG_QUALITY


@dataclass(frozen=True, eq=False)
class ShardJob:
    """Picklable description of the shards to write."""

    crops: OriginalCrops  #: crops of the data set
    folder: Path  #: folder of the pack
    limits: np.ndarray  #: (S + 1,) int64, the first crop of each shard


class Note(NamedTuple):
    """A finished shard: the file, and for each crop start and size of its JPEG file, bytes."""

    shard: Shard
    offsets: np.ndarray
    sizes: np.ndarray


def write_shard(job: ShardJob, number: int) -> None:
    """Write one tar file and, last, the note that it is finished.

    Raises:
        InputError: naming an image that cannot be used, or a file that cannot be written.
    """
    crops, path = job.crops, job.folder / shard_name(number)
    rows = range(int(job.limits[number]), int(job.limits[number + 1]))
    offsets, sizes = np.zeros(len(rows), np.int64), np.zeros(len(rows), np.int32)
    image, shown = np.empty(0), None
    with (
        atomic_path(path) as temporary,
        temporary.open("wb") as stream,
        tarfile.open(fileobj=stream, mode="w", format=tarfile.USTAR_FORMAT) as tar,
    ):
        for place, row in enumerate(rows):
            if (source := crops.table.path(row)) != shown:  # several targets may share an image
                image, shown = read_image(source), source
            data = encode_for_parts(crop_511(image, crops.table.boxes_xywh[row]), JPEG_QUALITY)
            offsets[place], sizes[place] = stream.tell() + TAR_BLOCK, len(data)
            _add(tar, crop_name(row), data)
            _add(tar, f"{Path(crop_name(row)).stem}.json", json.dumps(_label(crops, row)).encode())
    facts = {"bytes": str(path.stat().st_size), "sha256": file_digest(path)}
    with atomic_path(note_path(job.folder, number)) as temporary:
        save_file({"offsets": offsets, "sizes": sizes}, temporary, facts)


def note_path(folder: Path, number: int) -> Path:
    """File with the note that a shard is finished."""
    return folder / f"{shard_name(number)}.done"


def read_note(job: ShardJob, number: int) -> Note | None:
    """The note of a shard; None if the shard has to be written (again)."""
    path = job.folder / shard_name(number)
    try:
        with safe_open(note_path(job.folder, number), framework="numpy") as file:
            facts = file.metadata()
            note = Note(
                Shard(path.name, int(facts["bytes"]), facts["sha256"]),
                file.get_tensor("offsets"),
                file.get_tensor("sizes"),
            )
        whole = path.stat().st_size == note.shard.bytes
    except (OSError, SafetensorError, KeyError, TypeError):
        return None
    return note if whole and len(note.sizes) == job.limits[number + 1] - job.limits[number] else None


def _add(tar: tarfile.TarFile, name: str, data: bytes) -> None:
    info = tarfile.TarInfo(name)  # neither time nor owner: the same crops give the same bytes
    info.size = len(data)
    tar.addfile(info, io.BytesIO(data))


def _label(crops: OriginalCrops, row: int) -> dict[str, Any]:
    table = crops.table
    track = int(np.searchsorted(table.starts, row, "right")) - 1
    return {
        "track": table.names[track],
        "class": table.classes[track],
        "frame": int(table.numbers[row]),
        "target_wh": crops.target_wh[row].tolist(),
    }
