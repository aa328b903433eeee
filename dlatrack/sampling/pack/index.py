"""Files of a pack: tar shards in the WebDataset format, one index for random access, one description.

    crops-000000.tar   000000000.jpg, 000000000.json, 000000001.jpg, ...   named by the number of the crop
    index.safetensors  where each crop lies in its shard, and the size of its target
    pack.json          the data set that was packed; the sizes and hashes of all files

The `.json` of a crop is for programs that read the shards as a stream: track, class, frame number and `target_wh`,
the width and height in px of the target, which is centred on pixel 255 of the crop.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Annotated, Any, Self

import numpy as np
from msgspec import Meta
from safetensors import SafetensorError
from safetensors.numpy import load_file, save_file

from dlatrack.errors import InputError, reading
from dlatrack.files import atomic_path, write_text
from dlatrack.sampling.columns import check_columns, check_starts, check_target_sizes
from dlatrack.structured.json_files import read_json_object
from dlatrack.structured.typed import as_type

FORMAT = "dlatrack crops 1"
PACK_FILE, INDEX = "pack.json", "index.safetensors"
TAR_BLOCK = 512

#: Limit of numbers of crops and of bytes.
_MOST = 2**48

#: Kind and number of dimensions of the columns of an index.
_COLUMNS = {
    "shards": ("i", 1),
    "offsets": ("i", 1),
    "sizes": ("i", 1),
    "target_wh": ("f", 2),
    "tracks": ("i", 1),
    "videos": ("i", 1),
}


@dataclass(frozen=True)
class Shard:
    """One tar file: its name, size in bytes and SHA-256."""

    file: Annotated[str, Meta(pattern=r"^[\w.-]+\.tar$")]
    bytes: Annotated[int, Meta(ge=0, le=_MOST)]
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
            InputError: if the file is missing, truncated or no index, or a number in it makes no sense.
        """
        with reading(path, "is not a complete index of a pack", SafetensorError):
            columns = load_file(path)
        where = f"{path} is not a complete index of a pack"
        check_columns(where, columns, _COLUMNS)
        index = cls(**columns)
        crops = len(index.sizes)
        check_starts(where, "shards", index.shards, crops)
        check_starts(where, "tracks", index.tracks, crops)
        check_starts(where, "videos", index.videos, len(index.tracks) - 1)
        check_target_sizes(where, index.target_wh, crops)
        if len(index.offsets) != crops or (index.offsets < TAR_BLOCK).any() or (index.sizes < 1).any():
            raise InputError(
                f"{where}: offsets must be {crops} numbers from {TAR_BLOCK}, and sizes numbers from 1, one per crop"
            )
        return index

    def check_shards(self, shards: Sequence[Shard], where: str) -> None:
        """Check that every crop lies within its tar file.

        Raises:
            InputError: naming the first crop that does not.
        """
        lengths = np.repeat([shard.bytes for shard in shards], np.diff(self.shards))
        outside = np.flatnonzero(self.offsets > lengths - self.sizes)
        if len(outside):
            crop = int(outside[0])
            raise InputError(
                f"{where}: crop {crop} has {self.sizes[crop]} bytes from {self.offsets[crop]} on, and its shard "
                f"ends at {lengths[crop]}"
            )


@dataclass(frozen=True)
class Description:
    """Content of `pack.json`."""

    name: str  #: name of the data set
    #: findings of the check before packing, as `CheckReport.origin`; empty without a check
    origin: Mapping[str, Any]
    source_sha256: str  #: hash of the track table, as `TrackTable.digest`
    crops: Annotated[int, Meta(ge=1, le=_MOST)]  #: N
    tracks: Annotated[int, Meta(ge=1, le=_MOST)]  #: T
    videos: Annotated[int, Meta(ge=1, le=_MOST)]  #: V
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
        where, fields = f"{path} is not a complete description of a pack", cls.__dataclass_fields__
        if missing := [name for name in fields if name not in table and name != "images_sha256"]:
            raise InputError(f"{where}: {missing[0]!r} is missing")
        return as_type(table, cls, where)


def shard_name(number: int) -> str:
    """File name of a shard."""
    return f"crops-{number:06d}.tar"


def crop_name(crop: int) -> str:
    """Name of the JPEG file of a crop in its shard."""
    return f"{crop:09d}.jpg"
