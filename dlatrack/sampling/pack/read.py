"""Crops read from the shards of a pack, at random and without unpacking."""

from __future__ import annotations

import os
from collections import OrderedDict
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from dlatrack.errors import InputError, refusals
from dlatrack.files import file_digest
from dlatrack.progress import Progress
from dlatrack.sampling.crops import PixelRectangle
from dlatrack.sampling.pack.index import INDEX, PACK_FILE, TAR_BLOCK, Description, Index, crop_name
from dlatrack.sampling.pack.jpeg import decode_crop, decode_part

#: Shards kept open at a time, well below what systems allow a process.
_OPEN = 128


class PackedCrops:
    """A `CropSource` over a pack.

    One crop is one read of its tar header and file at a known place, so processes may share the open shards, nothing
    grows with the number of crops read, and a crop costs one request wherever the shards lie.

    Args:
        folder: folder of the pack.
        description: content of its `pack.json`.
        index: positions of the crops.
    """

    def __init__(self, folder: Path, description: Description, index: Index) -> None:
        self.folder, self.description, self.index = folder, description, index
        self.target_wh, self.tracks, self.videos = index.target_wh, index.tracks, index.videos
        self.origin: Mapping[str, Any] = description.origin
        self._open: OrderedDict[int, int] = OrderedDict()

    def __len__(self) -> int:
        return len(self.index.sizes)

    def __reduce__(self) -> tuple[Callable[[Path], PackedCrops], tuple[Path]]:
        """Other processes open the pack again."""
        return read_pack, (self.folder,)

    def __del__(self) -> None:
        for handle in self._open.values():
            os.close(handle)

    @property
    def track_count(self) -> int:
        """T."""
        return len(self.tracks) - 1

    def encoded(self, index: int) -> bytes:
        """The JPEG file of crop `index`.

        Raises:
            InputError: naming the shard, if it cannot be read.
        """
        index = range(len(self))[index]
        shard = int(np.searchsorted(self.index.shards, index, "right")) - 1
        size, start = int(self.index.sizes[index]), int(self.index.offsets[index]) - TAR_BLOCK
        path = self._path(shard)
        with refusals("read", path):
            data = os.pread(self._handle(shard), TAR_BLOCK + size, start)
        if len(data) < TAR_BLOCK + size:
            raise InputError(f"{path} ends within crop {index}; copy it again")
        name = data[:100].rstrip(b"\0")
        if name != crop_name(index).encode():
            raise InputError(
                f"{path} is not from this pack: it holds {name.decode('ascii', 'replace')!r} where "
                f"{crop_name(index)} should be; copy it again"
            )
        return data[TAR_BLOCK:]

    def image(self, index: int, needed: PixelRectangle | None = None) -> np.ndarray:
        """Decode crop `index`, (511, 511, 3) uint8 RGB; pixels outside `needed` may be anything.

        Raises:
            InputError: naming the pack or its shard, if the crop is damaged.
        """
        data = self.encoded(index)
        image = decode_crop(data) if needed is None else decode_part(data, needed)
        if image is None:
            raise InputError(f"crop {index} of {len(self)} in {self.folder} cannot be decoded; pack again")
        return image

    def digest(self) -> str:
        """SHA-256 of the description, which holds the hashes of all files."""
        return file_digest(self.folder / PACK_FILE)

    def content(self) -> dict[str, str]:
        """Hashes of the annotations and images that were packed, and of the shards."""
        packed = self.description
        shards = {f"shard {shard.file}": shard.sha256 for shard in packed.shards}
        return {"annotations": packed.source_sha256, "images": packed.images_sha256, **shards}

    def verify(self) -> None:
        """Read every shard and compare its hash.

        Raises:
            InputError: naming the first shard that is not the one that was packed.
        """
        with Progress(len(self.description.shards), "verifying", unit="shards") as progress:
            for shard in self.description.shards:
                if file_digest(self.folder / shard.file) != shard.sha256:
                    raise InputError(
                        f"{self.folder / shard.file} is not what was packed (its SHA-256 differs)"
                    )
                progress.step()

    def _path(self, shard: int) -> Path:
        return self.folder / self.description.shards[shard].file

    def _handle(self, shard: int) -> int:
        """Handle of an open shard; those not used for the longest time are closed."""
        if shard in self._open:
            self._open.move_to_end(shard)
            return self._open[shard]
        while len(self._open) >= _OPEN:
            os.close(self._open.popitem(last=False)[1])
        self._open[shard] = os.open(self._path(shard), os.O_RDONLY)
        return self._open[shard]


def read_pack(folder: str | Path) -> PackedCrops:
    """Open a pack for training.

    The index is read whole and compared with its hash; of the shards only the sizes are compared. `verify` reads all.

    Raises:
        InputError: if the pack is not finished, a shard is missing, truncated or of another pack, or so is the index.
    """
    folder = Path(folder)
    if not (folder / PACK_FILE).is_file():
        raise InputError(
            f"{folder} is not a finished pack: it has no {PACK_FILE}; pack once more to complete it"
        )
    description = Description.load(folder)
    if file_digest(folder / INDEX) != description.index_sha256:
        raise InputError(f"{folder / INDEX} is not the index of this pack; copy or pack it again")
    for shard in description.shards:
        path = folder / shard.file
        try:
            size = path.stat().st_size
        except OSError as error:
            raise InputError(f"shard {path} of the pack is missing: {error.strerror or error}") from error
        if size != shard.bytes:
            raise InputError(f"shard {path} has {size:,} bytes, not {shard.bytes:,}; copy or pack it again")
    known = {shard.file for shard in description.shards}
    if strange := sorted(path.name for path in folder.glob("*.tar") if path.name not in known):
        raise InputError(f"{folder / strange[0]} does not belong to this pack; it lists {len(known)} shards")
    index = Index.load(folder / INDEX)
    if len(index.sizes) != description.crops or len(index.shards) != len(description.shards) + 1:
        raise InputError(f"{folder / INDEX} does not fit {folder / PACK_FILE}; pack again")
    index.check_shards(description.shards, str(folder / INDEX))
    return PackedCrops(folder, description, index)
