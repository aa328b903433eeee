"""Miniature of ImageNet DET: six training images in three kinds of folders, and two for validation."""

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

#: Synset and xywh box of an object.
_Object = tuple[str, np.ndarray]


def write(root: Path, seed: int) -> Declaration:
    """Write the files below `root`.

    An image of 2013 in a synset folder has two objects; one of 2013 has no annotation; of those of 2014, without
    synset folder, one has an object, one an XML without an object and one no XML.
    """
    left, right = (mini_video(f"imagenet_det/{side}", seed, 2, (112, 120)) for side in ("left", "right"))
    images, first, second = joined_videos(left, right)
    below = "train/ILSVRC2013_train/n02084071/n02084071_100"
    _save(root, below, images[0], [("n02084071", first[0]), ("n00007846", second[0])])
    _plain(root, seed, "train/ILSVRC2013_train_extra0/ILSVRC2013_train_00000001", None)
    _plain(root, seed, "train/ILSVRC2014_train_0000/ILSVRC2014_train_00000001", "n02958343")
    _plain(root, seed, "train/ILSVRC2014_train_0000/ILSVRC2014_train_00000002", "")
    _plain(root, seed, "train/ILSVRC2014_train_0006/ILSVRC2014_train_00060001", "n02391049")
    _plain(root, seed, "train/ILSVRC2014_train_0006/ILSVRC2014_train_00060002", None)
    _plain(root, seed, "val/ILSVRC2012_val_00000001", "n02691156")
    _plain(root, seed, "val/ILSVRC2012_val_00000002", "")
    return Declaration(
        {
            "train": {"videos": 6, "frames": 6, "tracks": 4, "rows": 4, "boxes": 4},
            "val": {"videos": 2, "frames": 2, "tracks": 1, "rows": 1, "boxes": 1},
        }
    )


def _plain(root: Path, seed: int, below: str, synset: str | None) -> None:
    """Write an image that shows one target; without a synset its XML has no object, with None there is no XML."""
    still = mini_video(f"imagenet_det/{below}", seed, 2)
    objects = None if synset is None else [(synset, still.boxes_xywh[0])] if synset else []
    _save(root, below, still.images[0], objects)


def _save(root: Path, below: str, image: np.ndarray, objects: list[_Object] | None) -> None:
    place = Path(below)
    series, _, number = place.name.rpartition("_")
    pattern = f"{series}_%0{len(number)}d.JPEG"
    save_images(root / "Data" / "DET" / place.parent, pattern, [int(number)], [image])
    if objects is None:
        return
    file = root / "Annotations" / "DET" / f"{below}.xml"
    save_imagenet_xml(file, "ILSVRC_2014", image, "".join(_xml(*item) for item in objects))


def _xml(synset: str, box_xywh: np.ndarray) -> str:
    x1, y1, x2, y2 = outer_corners(box_xywh)
    return (
        f"\t<object>\n\t\t<name>{synset}</name>\n\t\t<bndbox>\n\t\t\t<xmin>{x1}</xmin>\n\t\t\t<xmax>{x2}</xmax>\n"
        f"\t\t\t<ymin>{y1}</ymin>\n\t\t\t<ymax>{y2}</ymax>\n\t\t</bndbox>\n\t</object>\n"
    )
