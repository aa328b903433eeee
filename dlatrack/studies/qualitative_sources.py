"""Where the sequences of Fig. 6 come from: rendered, a folder, or a data set."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from dlatrack import paths
from dlatrack.datasets.manifests import names
from dlatrack.datasets.photographic import photographic_sequences
from dlatrack.datasets.sequence import Sequence
from dlatrack.errors import InputError
from dlatrack.paths import with_home
from dlatrack.studies.benchmark_sources import place_below, users_place
from dlatrack.studies.presets import evenly_spread, sizes
from dlatrack.studies.shipped import clips_without_masks
from dlatrack.tracking.benchmark import DataSetSource
from dlatrack.tracking.job import SequenceSource

#: Seed of the first photographic sequence; no training uses it.
_SEED, _SEED_STRIDE = 7_000_000, 1000


@dataclass(frozen=True)
class PhotographicSource:
    """Photographic sequences of photographs that no training sees, as a `SequenceSource`."""

    seed: int
    count: int
    length: int
    name: str = "photographic"
    first_pixel: int = 0

    def open(self) -> list[Sequence]:
        """Their images are rendered when asked for."""
        return photographic_sequences(self.count, self.seed, self.length, split="test")


@dataclass(frozen=True)
class ClipSource:
    """Sequences in the OTB layout; those with masks are left out, because shipped trackers were trained on such."""

    root: Path
    name: str = "folder"
    first_pixel: int = 1

    def open(self) -> list[Sequence]:
        """Index them.

        Raises:
            InputError: if there is none.
        """
        return clips_without_masks(self.root)


@dataclass(frozen=True)
class Selection:
    """At most `most` sequences of another source, evenly spread in its order."""

    whole: SequenceSource
    most: int

    @property
    def name(self) -> str:
        """Of the other source."""
        return self.whole.name

    @property
    def first_pixel(self) -> int:
        """Of the other source."""
        return self.whole.first_pixel

    def open(self) -> list[Sequence]:
        """Index the other source and choose."""
        found = self.whole.open()
        return [found[index] for index in evenly_spread(len(found), self.most)]


def find_sequences(preset: str, data: str, seed: int) -> tuple[SequenceSource, dict[str, Any], str]:
    """The sequences of a preset, JSON values that tell where they are, and what to call them.

    Args:
        preset: "smoke", "demo" or "paper": how many.
        data: data, as in `qualitative.study_qualitative`.
        seed: seed of photographic sequences.

    Raises:
        InputError: for a missing data set. A folder is checked when the source is opened.
    """
    if data == "auto" or (preset == "paper" and not data):
        data = _available()
    if not data:
        count, length = sizes(preset).pictured
        first = _SEED + _SEED_STRIDE * seed
        return (
            PhotographicSource(first, count, length),
            {"photographic_seed": first},
            "photographic sequences",
        )
    if data.lower() in names():
        return _data_set(data.lower(), preset)
    root = with_home(data).absolute()
    return _some(ClipSource(root), preset), {"folder": str(root)}, f"sequences of {root.name}"


def _available() -> str:
    """OTB100, or the clips of the shared data, or nothing."""
    if users_place("otb100") is not None:
        return "otb100"
    shared = paths.shared_data()
    return str(shared / "video") if shared is not None and (shared / "video").is_dir() else ""


def _data_set(name: str, preset: str) -> tuple[SequenceSource, dict[str, Any], str]:
    home = paths.data_dir()
    if home is None:
        raise InputError(f"{name} is looked for below the folder that DLATRACK_DATA names, and it is not set")
    place = place_below(name, home)
    split = "test" if "test" in place.manifest.splits else next(iter(place.manifest.splits))
    source = DataSetSource(name, place.root, split)
    return (
        _some(source, preset),
        {"data_set": str(place.root), "split": split},
        f"sequences of {place.manifest.title}",
    )


def _some(source: SequenceSource, preset: str) -> SequenceSource:
    most = sizes(preset).pictured_of_set
    return source if most is None else Selection(source, most)
