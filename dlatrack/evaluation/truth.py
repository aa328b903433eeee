"""The truth of a benchmark: true boxes or polygons, attributes, tags and image sizes of its sequences."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from dlatrack.datasets.manifests import Manifest, manifest
from dlatrack.errors import InputError


@dataclass(frozen=True)
class Benchmark:
    """A benchmark by its usual name."""

    name: str  #: name, e.g. "OTB100"
    manifest: str  #: name of its manifest; empty if there is none
    resets: bool = False  #: whether trackers are restarted after a failure (VOT)
    average_overlap: bool = False  #: whether trackers are scored by the average overlap of frames (GOT-10k)
    #: split of the data set that is scored; "val" is one that trackers may be tuned on
    split: str = "test"


_KNOWN = (
    Benchmark("OTB100", "otb100"),
    Benchmark("UAV123", "uav123"),
    Benchmark("LaSOT", "lasot_test"),
    Benchmark("GOT10K", "got10k", average_overlap=True, split="val"),
    Benchmark("VOT2019", "vot2019", resets=True),
    Benchmark("VOT2018", "", resets=True),
    Benchmark("folder", ""),
)

#: Benchmarks by name. "folder" is a user's own, sequences in the OTB layout.
BENCHMARKS: Mapping[str, Benchmark] = {entry.name: entry for entry in _KNOWN}

#: Per-frame tags of VOT.
TAGS = ("camera_motion", "illum_change", "motion_change", "size_change", "occlusion")


@dataclass(frozen=True, eq=False)
class SequenceTruth:
    """The truth of one sequence of T frames."""

    name: str  #: name of the sequence, as result files spell it
    #: (T, 4) xywh boxes or (T, 8) polygon corners x1, y1 ... x4, y4; coordinates as in the benchmark's own files; NaN
    #: rows: no box.
    regions: np.ndarray
    #: (T,) bool, False where the target is absent; None: the benchmark does not say
    present: np.ndarray | None = None
    attributes: frozenset[str] = frozenset()  #: attributes of the whole sequence
    size: tuple[int, int] | None = None  #: width and height of the images, px; None: not known
    tags: Mapping[str, np.ndarray] = field(default_factory=dict)  #: (T,) bool by tag


@dataclass(frozen=True, eq=False)
class BenchmarkTruth:
    """The truth of a benchmark."""

    name: str  #: name of the benchmark, e.g. "OTB100"
    sequences: Mapping[str, SequenceTruth]  #: truth of each sequence by name, in the order of the benchmark
    missing: tuple[str, ...] = ()  #: names of sequences of the benchmark whose truth was not found

    @property
    def boxes(self) -> dict[str, np.ndarray]:
        """(T, 4) xywh by sequence."""
        return {name: sequence.regions for name, sequence in self.sequences.items()}

    @property
    def present(self) -> dict[str, np.ndarray] | None:
        """(T,) bool by sequence, where the benchmark marks absent targets."""
        marked = {n: s.present for n, s in self.sequences.items() if s.present is not None}
        return marked or None

    @property
    def foreign(self) -> list[str]:
        """Names of sequences that the benchmark does not have, as in a VOT workspace with a list of its own."""
        entry = BENCHMARKS[self.name]
        known = sequence_names(manifest(entry.manifest), entry.split) if entry.manifest else ()
        return [name for name in self.sequences if known and name not in known]

    def with_attribute(self, attribute: str) -> list[str]:
        """Names of the sequences that have an attribute."""
        return [name for name, sequence in self.sequences.items() if attribute in sequence.attributes]

    @property
    def attributes(self) -> list[str]:
        """All attributes, in the order of the manifest where there is one."""
        found = frozenset().union(*(sequence.attributes for sequence in self.sequences.values()))
        known = BENCHMARKS[self.name].manifest
        order = list(manifest(known).attributes) if known else []
        return [a for a in order if a in found] + sorted(found - set(order))


def sequence_names(known: Manifest, split: str) -> tuple[str, ...]:
    """Names of the sequences of a benchmark: those that its manifest lists, or the numbered ones of GOT-10k."""
    if known.name == "got10k":
        count = known.split(split).counts["videos"]
        return tuple(f"GOT-10k_{split.title()}_{number:06d}" for number in range(1, count + 1))
    return tuple(each.name for each in known.sequences)


def benchmark(name: str) -> Benchmark:
    """A benchmark by its name, in upper or lower case, with or without hyphens.

    Raises:
        InputError: for an unknown benchmark, naming the known ones.
    """
    for entry in BENCHMARKS.values():
        if name.casefold().replace("-", "") in (entry.name.casefold(), entry.manifest):
            return entry
    raise InputError(f"there is no benchmark {name!r}; choose from {', '.join(BENCHMARKS)}")
