"""Training crops by the name of the data set, from its official folder or from a pack of it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from dlatrack.datasets.registry import read
from dlatrack.errors import InputError
from dlatrack.sampling.mixture import PAPER_SHARES, Mixture
from dlatrack.sampling.originals import OriginalCrops
from dlatrack.sampling.pack_index import DESCRIPTION
from dlatrack.sampling.packed import read_pack
from dlatrack.sampling.sources import CropSource


def open_crops(name: str, folder: str | Path, split: str = "train") -> CropSource:
    """Open a pack of a data set, or the data set itself, whichever lies in a folder.

    Args:
        name: of the data set, e.g. "got10k".
        folder: a pack, or the root folder of the data set.
        split: of the data set; a pack holds what was packed.

    Raises:
        InputError: if the pack is of another data set or not sound, or as `registry.read`.
    """
    folder = Path(folder)
    if not (folder / DESCRIPTION).is_file():
        return OriginalCrops.of(read(name, folder, split))
    pack = read_pack(folder)
    if pack.description.name not in ("", name):
        raise InputError(f"{folder} is a pack of {pack.description.name}, not of {name}")
    return pack


def open_mixture(folders: Mapping[str, str | Path]) -> Mixture:
    """Open training sets by name and mix them by `mixture.PAPER_SHARES`; sets that are not named are left out.

    Args:
        folders: of each set, a pack or its root folder.

    Raises:
        InputError: for a name that is not one of the seven training sets, or as `open_crops`.
    """
    if unknown := sorted(folders.keys() - PAPER_SHARES.keys()):
        raise InputError(f"{', '.join(unknown)} is no training set; choose from {', '.join(PAPER_SHARES)}")
    return Mixture.of({name: open_crops(name, folders[name]) for name in PAPER_SHARES if name in folders})
