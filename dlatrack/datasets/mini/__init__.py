"""Miniatures: small synthetic copies of each data set in its official layout, quirks included.

The same readers, checks and runners serve a miniature and the real data set. Each data set has a module here with
`write(root, seed) -> Declaration`, which writes the files and returns what a reader should find in them. Those of the
benchmarks also take `longer`.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from importlib import import_module
from pathlib import Path

from dlatrack.datasets.manifests import manifest, mini_file
from dlatrack.errors import InputError
from dlatrack.files import owned_folder, write_text

#: Sets whose miniatures can be made longer.
LONGER_SETS = ("otb100", "uav123", "vot2019", "lasot_test")

_NOTE = "# A synthetic miniature, not the real data set. Readers take counts and lists from here.\n"


@dataclass(frozen=True)
class Declaration:
    """Content of a miniature."""

    #: counts by the names of `tracks.Counts` for each split, also derived ones
    splits: dict[str, dict[str, int]]
    #: rows of the sequence list, where the manifest has one; columns as in its CSV file
    sequences: list[dict[str, str | int]] = field(default_factory=list)


def write_mini(name: str, out: str | Path, seed: int = 0, *, longer: int = 1) -> Path:
    """Write the miniature of a data set; the same arguments give the same bytes.

    A hidden file marks an unfinished miniature, which a later call with the same arguments writes anew.

    Args:
        name: name of the data set.
        out: folder in which its root folder is made, e.g. OTB100; several miniatures may share it.
        seed: seed of images and boxes, 0 to 2^64 - 1; their structure is the same for all seeds.
        longer: factor on the length of a benchmark's videos, so that trackers have time to fail.

    Returns:
        The root folder.

    Raises:
        InputError: for an unknown name, a seed out of range, a factor `longer` other than 1 for a data set that is no
            benchmark, or if the data set exists already or is being written.
    """
    known = manifest(name)
    if not 0 <= seed < 2**64:
        raise InputError(f"seed must be in 0..{2**64 - 1}, got {seed}")
    if longer < 1 or (longer > 1 and name not in LONGER_SETS):
        raise InputError(f"longer must be 1, or more for {', '.join(LONGER_SETS)}; got {longer} for {name}")
    root = Path(out) / known.root_names[0]
    taken = [mini_file(name), *(split.marker for split in known.splits.values())]
    begun, arguments = root / f".{mini_file(name)}-begun", f"seed {seed}, longer {longer}\n"
    with owned_folder(root):
        killed = begun.is_file() and begun.read_text(encoding="utf-8") == arguments
        if not killed and any(any(root.glob(pattern)) for pattern in taken):
            raise InputError(f"{root} holds {known.title} already; choose another folder")
        write_text(begun, arguments)
        options = {"longer": longer} if name in LONGER_SETS else {}
        module = import_module(f"dlatrack.datasets.mini.{name}")
        write_text(root / mini_file(name), _toml(name, seed, module.write(root, seed, **options)))
        begun.unlink()
    return root


def _toml(name: str, seed: int, declaration: Declaration) -> str:
    lines = [_NOTE, f'miniature_of = "{name}"', f"seed = {seed}"]
    for split, counts in declaration.splits.items():
        lines += ["", f"[splits.{split}]", *(f"{key} = {value}" for key, value in counts.items())]
    for row in declaration.sequences:
        lines += ["", "[[sequences]]", *(f"{key} = {json.dumps(value)}" for key, value in row.items())]
    return "\n".join(lines) + "\n"
