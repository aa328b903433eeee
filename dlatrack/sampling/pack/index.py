"""Files of a pack: tar shards in the WebDataset format, one index for random access, one description.

    crops-000000.tar   000000000.jpg, 000000000.json, 000000001.jpg, ...   named by the number of the crop
    index.safetensors  where each crop lies in its shard, and the size of its target
    pack.json          the data set that was packed; the sizes and hashes of all files

The `.json` of a crop is for programs that read the shards as a stream: track, class, frame number and `target_wh`,
the width and height in px of the target, which is centred on pixel 255 of the crop.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Self

import numpy as np
from safetensors import SafetensorError
from safetensors.numpy import load_file, save_file

from dlatrack.errors import InputError, reading
from dlatrack.files import atomic_path, read_json_object, write_text

FORMAT = "dlatrack crops 1"
PACK_FILE, INDEX = "pack.json", "index.safetensors"
TAR_BLOCK = 512


@dataclass(frozen=True)
class Shard:
    """One tar file: its name, size in bytes and SHA-256."""

    file: str
    bytes: int
    sha256: str


@dataclass(frozen=True, eq=False)
class Index:
    """Positions of the N crops in S shards, and their tracks and videos."""

    shards: np.ndarray  #: (S + 1,) int64, the first crop of each shard
    offsets: np.ndarray  #: (N,) int64, where each JPEG file starts in its shard
    sizes: np.ndarray  #: (N,) int32, its bytes
    target_wh: np.ndarray  #: (N, 2) float32, target width and height in crop px
    tracks: np.ndarray  #: (T + 1,) int64, where each track starts among the crops
    videos: np.ndarray  #: (V + 1,) int64, where each video starts among the tracks

    def save(self, path: Path) -> None:
        """Write the index, whole or not at all."""
        with atomic_path(path) as temporary:
            save_file({name: np.ascontiguousarray(column) for name, column in vars(self).items()}, temporary)

    @classmethod
    def load(cls, path: Path) -> Self:
        """Read an index.

        Raises:
            InputError: if the file is missing, truncated or no index.
        """
        with reading(path, "is not a complete index of a pack", SafetensorError, TypeError):
            return cls(**load_file(path))


@dataclass(frozen=True)
class Description:
    """Content of `pack.json`."""

    name: str  #: name of the data set
    #: findings of the check before packing, as `CheckReport.origin`; empty without a check
    origin: Mapping[str, Any]
    source_sha256: str  #: hash of the track table, as `TrackTable.digest`
    crops: int  #: N
    tracks: int  #: T
    videos: int  #: V
    quality: int  #: quality of the JPEG files, 1 to 100
    index_sha256: str  #: hash of the index file
    shards: tuple[Shard, ...]  #: all tar files, in order
    #: hash of the images, `OriginalCrops.images_sha256`; empty in packs of earlier versions
    images_sha256: str = ""

    def save(self, folder: Path) -> None:
        """Write `pack.json`."""
        write_text(
            folder / PACK_FILE, json.dumps({"format": FORMAT, **asdict(self)}, indent=1, ensure_ascii=False)
        )

    @classmethod
    def load(cls, folder: Path) -> Self:
        """Read `pack.json`.

        Raises:
            InputError: if it is missing, incomplete or of another format.
        """
        path = folder / PACK_FILE
        table = read_json_object(path)
        if table.pop("format", None) != FORMAT:
            raise InputError(f"{path} does not describe a pack of the form {FORMAT!r}")
        with reading(path, "is not a complete description of a pack", KeyError, TypeError):
            table["shards"] = tuple(Shard(**shard) for shard in table["shards"])
            return cls(**table)


def shard_name(number: int) -> str:
    """File name of a shard."""
    return f"crops-{number:06d}.tar"


def crop_name(crop: int) -> str:
    """Name of the JPEG file of a crop in its shard."""
    return f"{crop:09d}.jpg"
