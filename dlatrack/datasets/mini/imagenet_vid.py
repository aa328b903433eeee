"""Miniature of ImageNet VID: two training videos and one for validation, with objects that come and go."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from dlatrack.datasets.mini import Declaration
from dlatrack.datasets.mini.videos import (
    joined_videos,
    mini_video,
    outer_corners,
    save_imagenet_xml,
    save_images,
)

_LENGTH = 10

#: Rows of an object: frame, trackid, synset, xywh box, occluded, generated.
_Row = tuple[int, int, str, np.ndarray, int, int]


def write(root: Path, seed: int) -> Declaration:
    """Write the files below `root`.

    In the first training video track 0 is interrupted, track 1 has one frame, and one frame shows no object at all;
    the second training video lies in another part; frames count from 0 and corners are written xmax first.
    """
    left, right = (
        mini_video(f"imagenet_vid/{side}", seed, _LENGTH, (112, 120)) for side in ("left", "right")
    )
    images, first, second = joined_videos(left, right)
    returning = [0, 1, 2, 6, 7, 8, 9]  # frame 3 shows track 1 alone, frames 4 and 5 nothing
    rows: list[_Row] = [(n, 0, "n02084071", first[n], int(n == 2), int(n in (1, 7))) for n in returning]
    rows.append((3, 1, "n02958343", second[3], 0, 0))
    _save(root, "train/ILSVRC2015_VID_train_0000/ILSVRC2015_train_00000000", images, rows)

    for number, below in enumerate(
        ("train/ILSVRC2015_VID_train_0001/ILSVRC2015_train_00001000", "val/ILSVRC2015_val_00000000")
    ):
        video = mini_video(f"imagenet_vid/{number}", seed, _LENGTH)
        boxes = video.boxes_xywh
        _save(root, below, video.images, [(n, 0, "n02691156", boxes[n], 0, 0) for n in range(_LENGTH)])
    return Declaration(
        {
            "train": {"videos": 2, "frames": 2 * _LENGTH, "tracks": 3}
            | dict.fromkeys(("rows", "boxes"), 8 + _LENGTH),
            "val": {"videos": 1, "frames": _LENGTH, "tracks": 1, "rows": _LENGTH, "boxes": _LENGTH},
        }
    )


def _save(root: Path, below: str, images: list[np.ndarray], rows: list[_Row]) -> None:
    save_images(root / "Data" / "VID" / below, "%06d.JPEG", range(len(images)), images)
    for number, image in enumerate(images):
        objects = "".join(_xml(row) for row in rows if row[0] == number)
        file = root / "Annotations" / "VID" / below / f"{number:06d}.xml"
        save_imagenet_xml(file, "ILSVRC_2015", image, objects)


def _xml(row: _Row) -> str:
    _, track, synset, box_xywh, occluded, generated = row
    x1, y1, x2, y2 = outer_corners(box_xywh)
    return (
        f"\t<object>\n\t\t<trackid>{track}</trackid>\n\t\t<name>{synset}</name>\n\t\t<bndbox>\n"
        f"\t\t\t<xmax>{x2}</xmax>\n\t\t\t<xmin>{x1}</xmin>\n\t\t\t<ymax>{y2}</ymax>\n\t\t\t<ymin>{y1}</ymin>\n"
        f"\t\t</bndbox>\n\t\t<occluded>{occluded}</occluded>\n\t\t<generated>{generated}</generated>\n\t</object>\n"
    )
