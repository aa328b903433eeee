"""Open training data: data sets by name, from their official folders or from packs, and folders of one's own."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from math import isfinite
from pathlib import Path

import numpy as np

from dlatrack.datasets.check import check
from dlatrack.datasets.image_folder import utf8_name
from dlatrack.datasets.registry import read
from dlatrack.datasets.stills import STILLS_FILE
from dlatrack.errors import InputError, counted
from dlatrack.sampling.footage import footage_mixture
from dlatrack.sampling.mixture import PAPER_SHARES, Mixture, Share
from dlatrack.sampling.originals import OriginalCrops
from dlatrack.sampling.own_folders import open_own
from dlatrack.sampling.pack.index import PACK_FILE
from dlatrack.sampling.pack.read import PackedCrops, read_pack
from dlatrack.sampling.pack.write import pack
from dlatrack.sampling.sources import CropSource

#: Name of a place that holds clips with masks and photographs.
FOOTAGE = "footage"


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


def open_training_data(
    places: Sequence[str | Path], shares: Sequence[float] | None = None
) -> CropSource | Mixture:
    """Open the training data of a command line, several places as a mixture.

    Args:
        places: any of these, each once. `NAME=FOLDER`: one of the seven training sets, FOLDER being a pack or the
            root of the set. `footage=FOLDER`: see `footage.footage_mixture`, whose parts keep their proportions. A
            folder of one's own: clips in the OTB layout, or still pictures with `boxes.csv`, see
            `own_folders.open_own`.
        shares: relative number of pairs from each place, in their order. By default the training sets alone are mixed
            by `mixture.PAPER_SHARES`, and footage and own folders alone in equal parts.

    Returns:
        A mixture in the order of the places; of the training sets alone, without shares, in that of `PAPER_SHARES`;
        one folder of clips gives its crops themselves.

    Raises:
        InputError: for anything else, a place that is given twice, shares that are missing or make no sense, or as
            `open_mixture`, `footage_mixture` and `open_own`.
    """
    parsed = [_parse(str(place)) for place in places]
    pairs = _check_places(parsed, shares)
    if not pairs:
        return open_mixture(dict(parsed))
    if len(parsed) == 1 and parsed[0][0] == FOOTAGE:
        return footage_mixture(parsed[0][1])
    sources: dict[str, CropSource] = {}
    mixed: dict[str, Share] = {}
    for (name, folder), label, share in zip(parsed, _labels(parsed), pairs, strict=True):
        if name == FOOTAGE:
            footage = footage_mixture(folder)
            for part, proportion in footage.proportions().items():
                sources[f"{label}/{part}"] = footage.sources[part]
                mixed[f"{label}/{part}"] = Share(share * proportion, footage.shares[part].frame_range)
        elif name:
            sources[label], mixed[label] = open_crops(name, folder), PAPER_SHARES[name]._replace(pairs=share)
        else:
            sources[label], frame_range = open_own(folder)
            mixed[label] = Share(share, frame_range)
            if len(parsed) == 1 and frame_range is None:
                return sources[label]
    return Mixture(sources, mixed)


def describe_training_data(crops: CropSource | Mixture) -> list[str]:
    """A line for each set: its share, crops and targets, and how many targets are visible in one frame only."""
    mixture, lines = Mixture.of(crops), []
    shares = mixture.proportions().items()
    for (name, share), source, reach in zip(shares, mixture.sets, mixture.frame_ranges, strict=True):
        label = name if isinstance(crops, Mixture) else "training data"
        alone = int((np.diff(source.tracks) == 1).sum())
        note = f"; {alone:,} visible in one frame only, which is template and search region at once"
        lines.append(
            f"{label}: {100 * share:.1f} % of the pairs from {counted(len(source), 'crop')} of "
            f"{counted(source.track_count, 'target')}"
            f"{note if alone and reach != 1 else ''}"
        )
    return lines


def _parse(place: str) -> tuple[str, str]:
    """Name of a set and its folder; the name of a folder of one's own is empty."""
    name, named, folder = place.partition("=")
    if named and name in (*PAPER_SHARES, FOOTAGE):
        if not folder:
            raise InputError(f"{place} names no folder; {name}=FOLDER is needed")
        return name, folder
    if Path(place).is_dir():
        return "", place
    choice = f"{', '.join(PAPER_SHARES)} or {FOOTAGE}"
    if named:
        raise InputError(f"{name} is no training set; choose from {choice}, or name a folder that exists")
    raise InputError(
        f"cannot read training data {place!r}: there is no such folder; a folder of clips in the OTB layout, one of "
        f"pictures with {STILLS_FILE}, or NAME=FOLDER is needed, NAME being one of {choice}"
    )


def _check_places(parsed: Sequence[tuple[str, str]], shares: Sequence[float] | None) -> list[float]:
    """The share of each place; none if those of the paper are meant."""
    if not parsed:
        raise InputError("no training data are named; one folder or more are needed")
    keys = [name or os.path.realpath(folder) for name, folder in parsed]
    if twice := [key for key in keys if keys.count(key) > 1]:
        raise InputError(f"{twice[0]} is given {keys.count(twice[0])} times as training data; each set once")
    if shares is not None:
        if len(shares) != len(parsed) or not (all(share > 0 for share in shares) and isfinite(sum(shares))):
            raise InputError(
                f"shares {','.join(f'{share:g}' for share in shares)} do not fit the training data: one positive "
                f"number for each of the {len(parsed)} places is needed, and a finite sum"
            )
        return list(shares)
    of_paper = [name for name, _ in parsed if name in PAPER_SHARES]
    if of_paper and len(of_paper) < len(parsed):
        raise InputError(
            f"{', '.join(of_paper)} and other data have no common shares; say how many pairs come from each place, "
            f"in their order, e.g. --shares {','.join('1' * len(parsed))}"
        )
    return [] if of_paper else [1.0] * len(parsed)


def _labels(parsed: Sequence[tuple[str, str]]) -> list[str]:
    """Name of each set in the mixture: folders of one's own by their names, with a number where one is taken."""
    taken = {name for name, _ in parsed if name}
    labels: list[str] = []
    for name, folder in parsed:
        base = label = name or utf8_name(Path(os.path.abspath(folder))) or "folder"
        number = 1
        while not name and label in taken:
            number += 1
            label = f"{base}-{number}"
        taken.add(label)
        labels.append(label)
    return labels


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
