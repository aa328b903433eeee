"""Miniature of VOT2019: five sequences, one of them with boxes, one in the layout of older editions."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from dlatrack.datasets.manifests import manifest
from dlatrack.datasets.mini import Declaration
from dlatrack.datasets.mini.videos import MiniVideo, mini_video, save_images, save_rows, save_text

_LENGTH = 10

#: Corners of the polygon within the box around the target, in its width and height.
_CORNERS = np.array([[0.2, 0.0], [1.0, 0.1], [0.8, 1.0], [0.0, 0.9]])


def write(root: Path, seed: int, longer: int = 1) -> Declaration:
    """Write the files below `root`, videos `longer` times as long.

    agility has all files; conduction1 has boxes; the tag files of hand end early, one is missing, and its file
    `sequence` gives no sizes; basketball has the layout of older editions; the polygons of butterfly leave the image.
    """
    length = _LENGTH * longer
    entries = [
        _sequence(root, seed, length, "agility", {"camera_motion": [1, 2, 3], "occlusion": [7]}),
        _flat(root, seed, length, "basketball", {"camera_motion": list(range(length)), "size_change": [0]}),
        _sequence(root, seed, length, "butterfly", {"motion_change": [4, 5]}, wide=2.5),
        _sequence(root, seed, length, "conduction1", {"occlusion": [9]}, numbers=4),
        _hand(root, seed, length),
    ]
    save_text(root / "list.txt", "".join(f"{entry['name']}\n" for entry in entries))
    count = len(entries) * length
    counts = {"videos": len(entries), "frames": count, "tracks": len(entries), "rows": count, "boxes": count}
    return Declaration({"test": counts}, entries)


def _flat(root: Path, seed: int, length: int, name: str, tags: dict[str, list[int]]) -> dict[str, str | int]:
    """Write a sequence without folder color and file `sequence`, with tags in *.label."""
    entry = _sequence(root, seed, length, name, tags)
    for image in sorted((root / name / "color").iterdir()):
        image.rename(root / name / image.name)
    (root / name / "color").rmdir()
    (root / name / "sequence").unlink()
    for file in sorted((root / name).glob("*.tag")):
        file.rename(file.with_suffix(".label"))
    return entry


def _hand(root: Path, seed: int, length: int) -> dict[str, str | int]:
    entry = _sequence(root, seed, length, "hand", {"motion_change": [0, 5], "size_change": [2, 3]})
    for tag, rows in (("motion_change", 7), ("size_change", 4)):
        save_rows(root / "hand" / f"{tag}.tag", [[number in (0, 2, 3, 5)] for number in range(rows)])
    (root / "hand" / "illum_change.tag").unlink()
    save_text(
        root / "hand" / "sequence", "name=hand\nfps=25\nformat=default\nchannels.color=color/%08d.jpg\n"
    )
    return entry


def _sequence(
    root: Path,
    seed: int,
    length: int,
    name: str,
    tags: dict[str, list[int]],
    *,
    numbers: int = 8,
    wide: float = 1.0,
) -> dict[str, str | int]:
    """Write a sequence, its polygons `wide` times the target, and return its row of the sequence list."""
    video = mini_video(f"vot2019/{name}", seed, length)
    folder = root / name
    save_images(folder / "color", "%08d.jpg", range(1, length + 1), video.images)
    rows = video.boxes_xywh if numbers == 4 else _polygons(video, wide)
    save_rows(folder / "groundtruth.txt", rows, number=".2f")
    for tag in manifest("vot2019").attributes:
        save_rows(folder / f"{tag}.tag", [[number in tags.get(tag, [])] for number in range(length)])
    width, height = video.size
    save_text(
        folder / "sequence",
        f"name={name}\nfps=30\nformat=default\nchannels.color=color/%08d.jpg\n"
        f"width={width}\nheight={height}\nlength={length}\n",
    )
    return {
        "name": name,
        "folder": name,
        "annotation": "groundtruth.txt",
        "images": "%08d.jpg",
        "first": 1,
        "last": length,
        "attributes": " ".join(tag for tag in manifest("vot2019").attributes if tag in tags),
        "width": width,
        "height": height,
        "numbers": numbers,
    }


def _polygons(video: MiniVideo, wide: float) -> np.ndarray:
    """(T, 8) corners around the middle of the target."""
    low, size = video.boxes_xywh[:, None, :2], video.boxes_xywh[:, None, 2:]
    return (low + size * ((_CORNERS - 0.5) * wide + 0.5)).reshape(-1, 8)
