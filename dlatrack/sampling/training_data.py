"""Open training data by the names of data sets, from their official folders or from packs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from dlatrack.datasets.check import check
from dlatrack.datasets.folder import read_folders
from dlatrack.datasets.registry import read
from dlatrack.errors import InputError
from dlatrack.sampling.footage import footage_mixture
from dlatrack.sampling.mixture import PAPER_SHARES, Mixture
from dlatrack.sampling.originals import OriginalCrops
from dlatrack.sampling.pack.index import PACK_FILE
from dlatrack.sampling.pack.read import PackedCrops, read_pack
from dlatrack.sampling.pack.write import pack
from dlatrack.sampling.sources import CropSource
from dlatrack.sampling.store import crop_sequences


def open_crops(name: str, folder: str | Path) -> CropSource:
    """Open a pack of a data set, or the training split of the data set itself, whichever a folder holds.

    The data set is checked first, as before packing: nothing is trained on a set with faults.

    Args:
        name: name of the data set, e.g. "got10k".
        folder: a pack, or the root folder of the data set.

    Raises:
        InputError: if the pack is damaged or of another data set, if the data set has a fault, or as `registry.read`.
    """
    folder = Path(folder)
    if not (folder / PACK_FILE).is_file():
        return _checked(name, folder)
    packed = read_pack(folder)
    if packed.description.name not in ("", name):
        raise InputError(f"{folder} is a pack of {packed.description.name}, not of {name}")
    return packed


def open_training_data(places: Sequence[str | Path]) -> CropSource | Mixture:
    """Open the training data of a command line.

    Args:
        places: `NAME=FOLDER` for each of the training sets to mix, FOLDER being a pack or the root of the set; or one
            folder of sequences in the OTB layout; or `footage=FOLDER`, see `footage.footage_mixture`.

    Raises:
        InputError: for anything else, a set that is named twice, or as `open_mixture` and `read_folders`.
    """
    if len(places) == 1 and str(places[0]).startswith("footage="):
        return footage_mixture(str(places[0]).removeprefix("footage="))
    named = [str(place).partition("=")[::2] for place in places]
    if len(places) == 1 and named[0][0] not in PAPER_SHARES:
        return crop_sequences(read_folders(places[0]))
    folders = dict(named)
    if not places or "" in folders.values() or len(folders) < len(named):
        raise InputError(
            f"cannot read training data {' '.join(map(str, places))!r}; name one folder of sequences in the OTB "
            f"layout, or NAME=FOLDER once for each of {', '.join(PAPER_SHARES)}"
        )
    return open_mixture(folders)


def open_mixture(folders: Mapping[str, str | Path]) -> Mixture:
    """Open some of the seven training sets and mix them by `mixture.PAPER_SHARES`.

    Args:
        folders: a pack or the root folder of each set, by its name.

    Raises:
        InputError: for a name that is not one of the seven training sets, or as `open_crops`.
    """
    if unknown := sorted(folders.keys() - PAPER_SHARES.keys()):
        raise InputError(f"{', '.join(unknown)} is no training set; choose from {', '.join(PAPER_SHARES)}")
    return Mixture({name: open_crops(name, folders[name]) for name in PAPER_SHARES if name in folders})


def pack_set(
    name: str, root: str | Path, out: str | Path, split: str = "train", *, workers: int | None = None
) -> PackedCrops:
    """Check a split of a data set and pack it.

    Args:
        name: name of the data set.
        root: its root folder, or the one above.
        out: folder of the pack.
        split: split of the data set.
        workers: processes; by default one per core.

    Raises:
        InputError: if the data set has a fault, or as `registry.read` and `pack`.
    """
    crops = _checked(name, root, split, workers)
    return pack(crops.table, out, name=name, origin=crops.origin, workers=workers)


def _checked(name: str, root: str | Path, split: str = "train", workers: int | None = None) -> OriginalCrops:
    report = check(name, root, splits=[split], workers=workers)
    report.require_ok()
    return OriginalCrops.of(read(name, root, split), report.origin)
