"""The commands `dlatrack data ...`."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from dlatrack import paths
from dlatrack.cli.options import MOST_PROCESSES, DataSetRoot, Seed
from dlatrack.cli.printing import print_line, print_table
from dlatrack.errors import InputError

if TYPE_CHECKING:
    from dlatrack.datasets.manifests import Manifest, Place

#: Faults that are printed in full.
_SHOWN = 20

data_app = typer.Typer(
    help="Data sets: what is here, is it whole, and miniatures of them.", no_args_is_help=True
)

DataSet = Annotated[str, typer.Argument(help="A name of `dlatrack data list`, e.g. got10k.")]
Workers = Annotated[
    int | None, typer.Option(help="Processes; default: one per core.", min=1, max=MOST_PROCESSES)
]


@data_app.command("list")
def data_list(
    root: Annotated[
        list[Path] | None, typer.Option(help="Folder to look in, as often as needed; default: DLATRACK_DATA.")
    ] = None,
) -> None:
    """Say which data sets are known, which are here and what they lack."""
    from dlatrack.datasets.manifests import manifest, names

    if root is None:
        root = [here] if (here := paths.data_dir()) is not None else []
    rows = []
    for name in names():
        known = manifest(name)
        found = [place for folder in root if (place := place_in(folder, name)) is not None]
        disk = f"{known.disk_gb:g} GB"
        where = tuple(_describe_place(place) for place in found) or ("missing" if root else "")
        rows.append((name, known.role, disk, _describe_splits(known), where))
    print_table(("name", "role", "disk", "splits", "found"), rows)


@data_app.command("info")
def data_info(name: DataSet) -> None:
    """Say where to get a data set, how its folder must look, what is in it, its terms and its oddities."""
    from dlatrack.datasets.manifests import manifest

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
        counts = ", ".join(_describe_count(known, what, number) for what, number in split.counts.items())
        print_line(f"split {split.name}: {counts or 'not counted'}")
    _print_lines([f"note: {quirk}" for quirk in known.quirks])


@data_app.command("check")
def data_check(
    name: DataSet,
    root: DataSetRoot,
    deep: Annotated[bool, typer.Option("--deep", help="Decode and hash every image.")] = False,
    workers: Workers = None,
) -> None:
    """Compare a data set on disk with its manifest; every fault is named, and any makes the command fail."""
    from dlatrack.datasets.check import check

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
        print_line(f"and {report.fault_count - _SHOWN:,} more")
    report.require_ok()
    print_line(f"no fault; {'every image' if deep else 'the first image of each video'} decoded")
    print_line(f"found sha256     {report.found_sha256}")
    print_line(f"manifest sha256  {report.manifest_sha256}")


@data_app.command("pack")
def data_pack(
    name: DataSet,
    root: DataSetRoot,
    out: Annotated[Path, typer.Option(help="Folder of the pack; an interrupted packing resumes.")],
    split: Annotated[str, typer.Option(help="Which split to pack.")] = "train",
    workers: Workers = None,
) -> None:
    """Check a data set, cut its training crops once and write them to tar shards that training reads quickly."""
    from dlatrack.sampling.training_data import pack_set

    packed = pack_set(name, root, out, split, workers=workers)
    made = packed.description
    gigabytes = sum(shard.bytes for shard in made.shards) / 1e9
    print_line(
        f"{out}: {made.crops:,} crops of {made.tracks:,} tracks in {len(made.shards):,} shards, {gigabytes:.3g} GB"
    )
    print_line(f"train on it with --data {name}={out}")


@data_app.command("mini")
def data_mini(
    name: Annotated[str, typer.Argument(help="A name of `dlatrack data list`, or all.")],
    out: Annotated[Path, typer.Option(help="Folder to write below.")],
    seed: Seed = 0,
) -> None:
    """Write a synthetic miniature of a data set in its official layout, for trying things out."""
    from dlatrack.datasets.manifests import names
    from dlatrack.datasets.mini import write_mini

    for each in names() if name == "all" else (name,):
        root = write_mini(each, out, seed)
        print_line(f"{each}: {root}")


def place_in(root: Path, name: str) -> Place | None:
    """Where a data set lies in a folder; None if it is not there."""
    from dlatrack.datasets.manifests import locate

    try:
        return locate(name, root)
    except InputError:
        return None


def _describe_splits(known: Manifest) -> tuple[str, ...]:
    """A line for each split with files of its own, and its first count; neighbours that are alike share a line."""
    sizes = [
        (
            split.name,
            next((f": {_describe_count(known, what, number)}" for what, number in split.counts.items()), ""),
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


def _describe_count(known: Manifest, what: str, number: int) -> str:
    return f"{number:,} {'images' if known.kind == 'image' and what == 'videos' else what}"


def _describe_place(place: Place) -> str:
    """The folder of a data set and its splits, with those of the manifest that are missing."""
    here = place.splits_on_disk()
    own = [split.name for split in place.manifest.splits.values() if not split.of]
    missing = [name for name in own if name not in here]
    text = f"{place.root}{' (miniature)' if place.manifest.miniature else ''}: {', '.join(here)}"
    return f"{text}; missing {', '.join(missing)}" if missing else text


def _print_lines(lines: Sequence[str]) -> None:
    for line in lines:
        print_line(line)
