"""A small set of OTB100 results: two sequences of two frames, whose scores a reader can compute."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

#: True boxes. "Biker" and "Bolt" are sequences of OTB100.
TRUTH = {"Biker": [[10, 10, 20, 20], [12, 10, 20, 20]], "Bolt": [[50, 50, 10, 10], [50, 52, 10, 10]]}

#: Files of the tracker "Right", which is always right, and of "Half", which is right in Biker and far off in Bolt.
RIGHT = {"Biker.txt": b"10,10,20,20\n12,10,20,20\n", "Bolt.txt": b"50,50,10,10\n50,52,10,10\n"}
HALF = {"Biker.txt": RIGHT["Biker.txt"], "Bolt.txt": b"200,200,10,10\n200,200,10,10\n"}

#: Right: IoU 1 exceeds 20 of the 21 thresholds, in both sequences: AUC 20/21. Half: (20/21 + 0) / 2.
MANIFEST = """
title = "Two invented trackers"
benchmarks = ["OTB100"]
page = "https://example.org/results"
repository = "someone/results"
licence = "CC0-1.0"
format = "x,y,w,h"
files = "results_toy.txt"
shared = ["TOY_results.tar.xz"]

[trackers.Right]
path = "OTB 100/right"
commit = "0123abc"
[trackers.Right.scores]
pysot = { auc = 0.952381, precision = 1.0 }

[trackers.Half]
path = "OTB 100/half"
commit = "0123abc"
[trackers.Half.scores]
pysot = { auc = 0.476190, precision = 0.5, norm_precision = 0.5 }

[trackers.Other]
"""


def sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def rows(**trackers: dict[str, bytes]) -> str:
    """The list of files of some trackers."""
    return "".join(
        f"{sha256(content)}  {tracker}/{name}\n"
        for tracker, files in trackers.items()
        for name, content in files.items()
    )


def write_toy(folder: Path, *, manifest: str = MANIFEST, listed: str | None = None) -> Path:
    """Write the manifest and its list; gives the path of the manifest."""
    (folder / "results_toy.txt").write_text(rows(Right=RIGHT, Half=HALF) if listed is None else listed)
    file = folder / "results_toy.toml"
    file.write_text(manifest)
    return file


def write_truth(folder: Path) -> Path:
    """Write the truth as a JSON file."""
    file = folder / "truth.json"
    file.write_text(json.dumps(TRUTH))
    return file


def write_results(folder: Path, **trackers: dict[str, bytes]) -> Path:
    """Write files of trackers as `fetch` leaves them."""
    for tracker, files in trackers.items():
        for name, content in files.items():
            (folder / tracker).mkdir(parents=True, exist_ok=True)
            (folder / tracker / name).write_bytes(content)
    return folder


def served() -> dict[str, bytes]:
    """Files by the path under which a code host serves them."""
    return {
        f"/someone/results/0123abc/OTB 100/{folder}/{name}": content
        for folder, files in (("right", RIGHT), ("half", HALF))
        for name, content in files.items()
    }
