"""The commands `data list`, `data info`, `data check` and `data mini`."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby
from pathlib import Path

from dlatrack.datasets.check import check
from dlatrack.datasets.manifests import Manifest, Place, locate, manifest, names
from dlatrack.datasets.mini import write_mini
from dlatrack.errors import InputError
from dlatrack.printing import print_line, print_table

#: Faults that are printed in full.
_SHOWN = 20


def data_list_command(roots: Sequence[Path]) -> None:
    """Print every known data set: its role, size, splits and, below `roots`, where it lies and what is missing.

    Args:
        roots: folders to look in, each the root of a data set or a folder that holds such roots.
    """
    rows = []
    for name in names():
        known = manifest(name)
        found = [place for root in roots if (place := _place(name, root)) is not None]
        disk = f"{known.disk_gb:g} GB"
        where = tuple(_found(place) for place in found) or ("missing" if roots else "")
        rows.append((name, known.role, disk, _splits(known), where))
    print_table(("name", "role", "disk", "splits", "found"), rows)


def data_info_command(name: str) -> None:
    """Print what the manifest of a data set says: where to get it, its terms, layout, counts and oddities.

    Raises:
        InputError: for an unknown name.
    """
    known = manifest(name)
    facts = {
        "title": known.title,
        "role": known.role,
        "disk": f"{known.disk_gb:g} GB",
        "homepage": known.homepage,
        "to get it": " ".join(known.obtain.split()),
        "folder": f"DLATRACK_DATA/{' or '.join(known.root_names)}",
        "licence": known.licence,
        "terms": known.terms,
        "cite": known.citation,
    }
    width = max(map(len, facts)) + 2
    _print_lines([f"{what:<{width}}{fact}" for what, fact in facts.items() if fact])
    _print_lines(["", *known.layout.strip("\n").splitlines(), ""])
    for split in known.splits.values():
        counts = ", ".join(_counted(known, what, number) for what, number in split.counts.items())
        _print_lines([f"split {split.name}: {counts or 'not counted'}"])
    _print_lines([f"note: {quirk}" for quirk in known.quirks])


def data_check_command(name: str, root: Path, deep: bool, workers: int | None) -> None:
    """Check a data set and print counts, notes, faults and the hashes that a training run records.

    Raises:
        InputError: if there is a fault, or as `check`.
    """
    report = check(name, root, deep=deep, workers=workers)
    kind = "miniature" if report.miniature else "data set"
    rows = [
        (split, what, f"{getattr(counts, what):,}", f"{expected:,}")
        for split, counts in report.counts.items()
        for what, expected in report.expected[split].items()
    ]
    title = f"{name}: {kind} in {report.root}"
    print_table(("split", "what", "found", "expected"), rows, title=title)
    _print_lines([f"note: {note}" for note in report.notes])
    _print_lines([f"fault: {fault}" for fault in report.faults[:_SHOWN]])
    if report.fault_count > _SHOWN:
        _print_lines([f"and {report.fault_count - _SHOWN:,} more"])
    report.require_ok()
    what = "every image decoded" if deep else "the first image of each video decoded"
    lines = [
        f"no fault; {what}",
        f"found sha256     {report.found_sha256}",
        f"manifest sha256  {report.manifest_sha256}",
    ]
    _print_lines(lines)


def data_mini_command(name: str, out: Path, seed: int) -> None:
    """Write the miniature of a data set below `out`, or of all data sets with the name "all".

    Raises:
        InputError: as `write_mini`.
    """
    for each in names() if name == "all" else (name,):
        root = write_mini(each, out, seed)
        print_line(f"{each}: {root}")


def _place(name: str, root: Path) -> Place | None:
    try:
        return locate(name, root)
    except InputError:
        return None


def _splits(known: Manifest) -> tuple[str, ...]:
    """A line for each split with files of its own, and its first count; neighbours that are alike share a line."""
    sizes = [
        (
            split.name,
            next((f": {_counted(known, what, number)}" for what, number in split.counts.items()), ""),
        )
        for split in known.splits.values()
        if not split.of
    ]
    lines = []
    for size, group in groupby(sizes, key=lambda one: one[1]):
        alike = [name for name, _ in group]
        shown = f"{alike[0]} to {alike[-1]}" if len(alike) > 2 else ", ".join(alike)
        lines.append(f"{shown}{size}{' each' if size and len(alike) > 1 else ''}")
    return tuple(lines)


def _counted(known: Manifest, what: str, number: int) -> str:
    return f"{number:,} {'images' if known.kind == 'image' and what == 'videos' else what}"


def _found(place: Place) -> str:
    here = place.splits_here()
    own = [split.name for split in place.manifest.splits.values() if not split.of]
    missing = [name for name in own if name not in here]
    text = f"{place.root}{' (miniature)' if place.manifest.miniature else ''}: {', '.join(here)}"
    return f"{text}; missing {', '.join(missing)}" if missing else text


def _print_lines(lines: Sequence[str]) -> None:
    for line in lines:
        print_line(line)
