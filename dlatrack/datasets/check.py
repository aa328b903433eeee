"""Check whether a data set is complete and sound: counts, files and boxes against its manifest; no repairs."""

from __future__ import annotations

import hashlib
from collections.abc import Collection
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from dlatrack.datasets.faults import Fault, FaultLog
from dlatrack.datasets.image_check import check_images
from dlatrack.datasets.index.tracks import Counts
from dlatrack.datasets.manifests import Place, Split, locate
from dlatrack.datasets.registry import read
from dlatrack.errors import InputError

#: Sets of photographs from the web: some have orientation tags, which their boxes do not take into account.
_MAY_HAVE_TAGS = ("imagenet_det", "imagenet_vid")


@dataclass(frozen=True)
class CheckReport:
    """The result of a check."""

    name: str  #: name of the data set
    root: Path  #: its root folder
    miniature: bool  #: whether it is one of our miniatures and not the real data set
    deep: bool  #: whether every image was decoded and hashed
    counts: dict[str, Counts]  #: counts of the data set, by split
    expected: dict[str, dict[str, int]]  #: counts of the manifest, by split
    faults: tuple[Fault, ...]  #: the first thousand faults
    fault_count: int  #: number of all faults
    #: remarks that are no faults: absent splits, annotation that a reader leaves out, differences from counts that
    #: are not verified
    notes: tuple[str, ...]
    #: hash over names, boxes and image sizes, or with `deep` image bytes; training records it
    found_sha256: str
    manifest_sha256: str  #: hash of the manifest

    @property
    def ok(self) -> bool:
        """Whether there is no fault."""
        return self.fault_count == 0

    @property
    def origin(self) -> dict[str, Any]:
        """The fields that a training run records: the hashes, and whether it was a miniature and a deep check."""
        names = ("miniature", "deep", "found_sha256", "manifest_sha256")
        return {name: getattr(self, name) for name in names}

    def require_ok(self) -> None:
        """Raise if there are faults.

        Raises:
            InputError: with their number and the first of them.
        """
        if not self.ok:
            count = "1 fault" if self.fault_count == 1 else f"{self.fault_count:,} faults"
            raise InputError(f"{self.name} in {self.root} has {count}; the first: {self.faults[0]}")

    def as_dict(self) -> dict[str, Any]:
        """Plain values, for JSON."""
        plain = asdict(self) | {"root": str(self.root), "faults": [str(fault) for fault in self.faults]}
        return plain | {"ok": self.ok}


def check(
    name: str,
    root: str | Path,
    *,
    deep: bool = False,
    workers: int | None = None,
    splits: Collection[str] | None = None,
) -> CheckReport:
    """Compare a data set on disk with its manifest, and check its files.

    Every annotation is read and every image looked up. The first image of each video is decoded, which finds a
    damaged disk but not every damaged file; `deep` decodes all. A miniature is compared with its own declaration.

    Args:
        name: name of the data set.
        root: its root folder, or the one above.
        deep: whether to decode and hash every image.
        workers: number of threads; by default one per core.
        splits: splits to check; by default those of which files exist.

    Raises:
        InputError: for an unknown name or split, or if `root` does not hold the data set.
    """
    place = locate(name, root)
    chosen = _chosen(place, splits)
    log = FaultLog()
    notes: list[str] = []
    counts: dict[str, Counts] = {}
    total = hashlib.sha256()
    for split in chosen:
        table = read(name, place.root, split.name, report=log)
        counts[split.name] = table.counts()
        notes += [f"split {split.name}: {note}" for note in table.notes]
        _compare(place, split, counts[split.name], log, notes)
        one_size = place.manifest.one_size
        label = f"{name} {split.name}"
        split_notes: list[str] | None = [] if name in _MAY_HAVE_TAGS else None
        images = check_images(
            table, log, deep=deep, one_size=one_size, workers=workers, label=label, notes=split_notes
        )
        notes += [f"split {split.name}: {note}" for note in split_notes or ()]
        total.update(f"{split.name} {table.digest()} {images}\n".encode())
    own = place.manifest.own_splits
    notes += [f"split {split.name} was not checked" for split in own if split not in chosen]
    return CheckReport(
        name=name,
        root=place.root,
        miniature=place.manifest.miniature,
        deep=deep,
        counts=counts,
        expected={split.name: split.counts for split in chosen},
        faults=tuple(log.faults),
        fault_count=log.count,
        notes=tuple(notes),
        found_sha256=total.hexdigest(),
        manifest_sha256=place.manifest.digest(),
    )


def _chosen(place: Place, splits: Collection[str] | None) -> list[Split]:
    """The splits to check: those asked for, or those on disk; all of a miniature."""
    if splits is not None:
        return [place.manifest.split(name) for name in splits]
    own = place.manifest.own_splits
    if place.manifest.miniature:
        return [split for split in own if split.counts]
    on_disk = place.splits_on_disk()
    return [split for split in own if split.name in on_disk]


def _compare(place: Place, split: Split, found: Counts, log: FaultLog, notes: list[str]) -> None:
    """Compare counts; a difference is a fault, or a note where the expected count is not verified."""
    for what, expected in split.counts.items():
        number = getattr(found, what)
        if number == expected:
            continue
        text = f"has {number:,} {what} in split {split.name}; {expected:,} are expected"
        if split.source == "recalled":
            notes.append(f"{text}, by a number that is widely printed but not verified")
        else:
            log(Fault(place.root, text))
