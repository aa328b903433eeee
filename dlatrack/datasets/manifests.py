"""What a data set should hold: `data_manifests/NAME.toml`, checked and typed.

A miniature has a file `mini.NAME.toml` in its root, whose counts, lists and sequences replace those of the manifest,
so the same readers and checks serve the miniature and the real data set.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field, replace
from functools import cache
from pathlib import Path

from dlatrack import paths
from dlatrack.datasets.manifest_file import Content, SequenceEntry, load_content
from dlatrack.errors import InputError
from dlatrack.paths import with_home

#: Beginning of the names of manifests that describe result files of trackers and no data set.
RESULTS = "results_"


@dataclass(frozen=True)
class Split:
    """A named part of a data set."""

    name: str  #: e.g. "train"
    marker: str  #: glob below the root that matches a file or folder of the split
    counts: dict[str, int] = field(default_factory=dict)  #: expected numbers by the names of `tracks.Counts`
    #: origin of the counts: "published", "measured" (on real annotation), "declared" (by a miniature) or "recalled"
    #: (widely printed, not verified: a difference is a note and not a fault)
    source: str = "published"
    #: the split that this one is a part of, or those that it joins, separated by blanks; empty for a split with files
    #: of its own
    of: str = ""
    only: str = ""  #: list of the names that it keeps; empty for all
    without: tuple[str, ...] = ()  #: lists of the names that it leaves out


@dataclass(frozen=True)
class Manifest:
    """The manifest of a data set; the fields are those of the file, described in `manifest_file`."""

    name: str
    title: str
    role: str
    kind: str
    version: str
    licence: str
    terms: str
    homepage: str
    obtain: str
    citation: str
    disk_gb: float
    layout: str
    root_names: tuple[str, ...]
    splits: dict[str, Split]
    class_count: int
    fps: float
    reader: str
    pixel_origin: int = 0
    one_size: bool = True
    quirks: tuple[str, ...] = ()
    attributes: dict[str, str] = field(default_factory=dict)
    attribute_counts: dict[str, int] = field(default_factory=dict)
    classes: dict[str, str] = field(default_factory=dict)
    checksums: dict[str, str] = field(default_factory=dict)
    lists: dict[str, frozenset[str]] = field(default_factory=dict)
    sequences: tuple[SequenceEntry, ...] = ()
    files: tuple[Path, ...] = ()
    miniature: bool = False

    @property
    def own_splits(self) -> list[Split]:
        """The splits with files of their own."""
        return [split for split in self.splits.values() if not split.of]

    def split(self, name: str) -> Split:
        """The split of that name.

        Raises:
            InputError: naming the splits, if there is none of that name.
        """
        if name not in self.splits:
            raise InputError(f"{self.name} has no split {name!r}; choose from {', '.join(self.splits)}")
        return self.splits[name]

    def holds(self, split: str, sequence: str) -> bool:
        """Whether a sequence among the files of a split belongs to it, by the lists of names."""
        part = self.split(split)
        kept = not part.only or sequence in self.lists[part.only]
        return kept and not any(sequence in self.lists[name] for name in part.without)

    def digest(self) -> str:
        """SHA-256 of the files of the manifest."""
        total = hashlib.sha256()
        for file in self.files:
            total.update(f"{file.name} {file.stat().st_size}\n".encode() + file.read_bytes())
        return total.hexdigest()


@dataclass(frozen=True)
class Place:
    """A data set on disk: its resolved root folder, and the manifest of the data set or of its miniature."""

    root: Path
    manifest: Manifest

    def splits_on_disk(self) -> tuple[str, ...]:
        """Names of the splits of which files exist in the root."""
        own = self.manifest.own_splits
        return tuple(split.name for split in own if any(self.root.glob(split.marker)))


def manifests_dir() -> Path:
    """Folder of the manifests: `data_manifests/` in the clone, or beside or inside the installed package.

    Raises:
        InputError: if there is none.
    """
    package = Path(__file__).resolve().parents[1]
    places = (paths.root(), package.parent, package)
    found = next((place / "data_manifests" for place in places if (place / "data_manifests").is_dir()), None)
    if found is None:
        raise InputError(f"there is no folder data_manifests in {' or '.join(map(str, places))}")
    return found


def names() -> tuple[str, ...]:
    """All data sets that have a manifest, sorted."""
    files = manifests_dir().glob("*.toml")
    return tuple(sorted(file.stem for file in files if not file.stem.startswith(RESULTS)))


@cache
def manifest(name: str) -> Manifest:
    """The manifest of a data set.

    Raises:
        InputError: for an unknown name, or a manifest that is not complete.
    """
    if name not in names():
        raise InputError(f"there is no data set {name!r}; choose from {', '.join(names())}")
    return _typed(name, load_content(manifests_dir() / f"{name}.toml"))


def mini_file(name: str) -> str:
    """Name of the file in which a miniature declares its content."""
    return f"mini.{name}.toml"


def locate(name: str, root: str | Path) -> Place:
    """Find a data set in a folder, or in a folder of its usual name directly below.

    Raises:
        InputError: if neither holds any split of it.
    """
    known = manifest(name)
    root = with_home(root).absolute()
    if not root.is_dir():
        raise InputError(f"{root} is not a folder; the one that holds {known.title} is needed")
    for folder in (root, *(root / child for child in known.root_names)):
        mini = folder / mini_file(name)
        place = Place(folder.resolve(), _with_miniature(known, mini) if mini.is_file() else known)
        if mini.is_file() or place.splits_on_disk():
            return place
    markers = ", ".join(dict.fromkeys(split.marker for split in known.splits.values()))
    raise InputError(
        f"{root} does not hold {known.title}: nothing is found at {markers}, here or in a folder "
        f"{' or '.join(known.root_names)}"
    )


def _typed(name: str, content: Content) -> Manifest:
    table = content.table
    splits = {key: Split(key, **_tuples(value)) for key, value in table["splits"].items()}
    lists = {key: frozenset(value) for key, value in content.lists.items()}
    for entry in content.sequences:
        for subset in entry.subsets:
            lists[subset] = lists.get(subset, frozenset()) | {entry.name}
    for split in splits.values():
        wanted = {split.only, *split.without} - {""}
        if not wanted <= lists.keys() or not set(split.of.split()) <= splits.keys():
            raise InputError(
                f"{content.files[0]}: split {split.name} refers to a list or split that does not exist"
            )
    plain = {
        key: value for key, value in _tuples(table).items() if key not in ("splits", "lists", "sequences")
    }
    return Manifest(
        **{"name": name, "reader": name, **plain},
        splits=splits,
        lists=lists,
        sequences=content.sequences,
        files=content.files,
    )


def _with_miniature(known: Manifest, file: Path) -> Manifest:
    """A manifest with the counts, lists and sequences that a miniature declares."""
    content = load_content(file, miniature_of=known.name)
    splits = {
        name: replace(split, counts=content.table["splits"].get(name, {}), source="declared")
        for name, split in known.splits.items()
    }
    small = replace(known, splits=splits, files=content.files, miniature=True)
    if not content.sequences:
        return small
    lists = dict(known.lists)
    for subset in {subset for entry in known.sequences for subset in entry.subsets}:
        lists[subset] = frozenset(entry.name for entry in content.sequences if subset in entry.subsets)
    return replace(small, sequences=content.sequences, lists=lists)


def _tuples(table: dict) -> dict:
    return {key: tuple(value) if isinstance(value, list) else value for key, value in table.items()}
