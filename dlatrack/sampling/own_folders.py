"""Crops from a folder of one's own: clips, or still pictures with boxes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import NamedTuple

from dlatrack import __version__, paths
from dlatrack.datasets.content import content_of
from dlatrack.datasets.folder import read_folders, sequence_folders
from dlatrack.datasets.stills import STILLS_FILE, read_stills
from dlatrack.errors import InputError
from dlatrack.provenance import sha256_of
from dlatrack.sampling.originals import OriginalCrops
from dlatrack.sampling.store import CropStore, cached_crops, crop_sequences

#: Seconds of cutting from which crops are kept in the cache folder.
_PATIENCE = 3.0


class OwnCrops(NamedTuple):
    """Crops of a folder, and how they are paired."""

    crops: CropStore
    frame_range: int | None  #: as `mixture.Share.frame_range`


def open_own(folder: str | Path) -> OwnCrops:
    """Crops of a folder of one's own, in memory.

    Those that take seconds to cut are kept in the cache folder, by the content of their images and boxes.

    Args:
        folder: folder of clips, see `datasets.folder.read_folders`; their targets may appear later, be absent
            meanwhile, or be visible in one frame alone. Or, if it holds `boxes.csv`, a folder of still pictures, see
            `datasets.stills.read_stills`, each of which is template and search region at once.

    Raises:
        InputError: if the folder holds both or neither, or as these readers.
    """
    folder = Path(folder)
    is_stills, clips = (folder / STILLS_FILE).exists(), sequence_folders(folder)
    if is_stills and clips:
        raise InputError(
            f"{folder} holds {STILLS_FILE} and clips ({clips[0].name}); pictures and clips are needed in folders of "
            f"their own"
        )
    cut: Callable[[], CropStore]
    if is_stills:
        stills = OriginalCrops.of(read_stills(folder))
        cut, content, names = partial(CropStore.of, stills), stills.digest(), tuple(stills.table.names)
    elif clips:
        sequences = read_folders(folder, needs_first_box=False)
        cut, content = partial(crop_sequences, sequences), sha256_of(content_of(sequences))
        names = tuple(sequence.name for sequence in sequences)
    else:
        advice = "; name the folder above it" if (folder / "img").is_dir() else ""
        raise InputError(
            f"{folder} holds no {STILLS_FILE} and no sequence folder (one with img/ and groundtruth_rect.txt){advice}"
        )
    key = sha256_of({"content": content, "dlatrack": __version__})
    store = cached_crops(paths.cache_dir() / f"crops-own-{key[:16]}.safetensors", cut, patience=_PATIENCE)
    return OwnCrops(replace(store, names=names), 1 if is_stills else None)
