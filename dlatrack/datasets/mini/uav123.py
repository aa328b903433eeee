"""Miniature of UAV123: five sequences out of three folders, one of which is cut in pieces."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from dlatrack.datasets.manifests import manifest
from dlatrack.datasets.mini import Declaration
from dlatrack.datasets.mini.videos import MiniVideo, mini_video, save_images, save_rows

_LENGTH = 10


def write(root: Path, seed: int, longer: int = 1) -> Declaration:
    """Write the files below `root`, videos `longer` times as long.

    Three pieces of folder bird1 with images between and after them; the second has rows of NaN, in the third and a
    fourth, car1_1, the target is always seen. A long sequence of UAV20L runs through all of bird1.
    """
    length = _LENGTH * longer
    pieces = {
        "bird1_1": mini_video("uav123/bird1_1", seed, length),
        "bird1_2": mini_video("uav123/bird1_2", seed, 2 * length, challenges=("OV",)),
        "bird1_3": mini_video("uav123/bird1_3", seed, length),
    }
    flags = {"bird1_1": "SV LR", "bird1_2": "SV LR FM FOC OV", "bird1_3": "SV CM SOB"}
    entries, images = [], list[np.ndarray]()
    for name, video in pieces.items():
        entries.append(_sequence(root, name, "bird1", len(images) + 1, video, flags[name]))
        images += [*video.images, *video.images[-3:]]
    save_images(root / "data_seq" / "UAV123" / "bird1", "%06d.jpg", range(1, len(images) + 1), images)
    save_rows(root / "anno" / "UAV20L" / "bird1.txt", np.full((len(images), 4), 5))
    save_rows(root / "anno" / "UAV20L" / "att" / "bird1.txt", np.ones((1, 12)))

    for name, folder, attributes in (("bike1", "bike1", "SV ARC"), ("car1_1", "car1", "")):
        video = mini_video(f"uav123/{name}", seed, length)
        entries.insert(0, _sequence(root, name, folder, 1, video, attributes))
        save_images(root / "data_seq" / "UAV123" / folder, "%06d.jpg", range(1, length + 1), video.images)
    rows = sum(int(entry["last"]) - int(entry["first"]) + 1 for entry in entries)
    absent = sum(int(entry["absent_rows"]) for entry in entries)
    counts = {"videos": 3, "frames": rows, "tracks": len(entries), "rows": rows, "boxes": rows - absent}
    return Declaration({"test": counts}, entries)


def _sequence(
    root: Path, name: str, folder: str, first: int, video: MiniVideo, attributes: str
) -> dict[str, str | int]:
    """Write boxes and flags of a sequence, and return its row of the sequence list."""
    rows = np.rint(video.boxes_xywh + np.array([1, 1, 0, 0]))
    rows[~video.visible] = np.nan
    anno = root / "anno" / "UAV123"
    save_rows(anno / f"{name}.txt", rows)
    carried = attributes.split()
    save_rows(anno / "att" / f"{name}.txt", [[key in carried for key in manifest("uav123").attributes]])
    return {
        "name": name,
        "folder": f"data_seq/UAV123/{folder}",
        "annotation": f"anno/UAV123/{name}.txt",
        "images": "%06d.jpg",
        "first": first,
        "last": first + len(video) - 1,
        "object_class": "other",
        "attributes": attributes,
        "absent_rows": int((~video.visible).sum()),
    }
