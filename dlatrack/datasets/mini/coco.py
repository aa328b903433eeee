"""Miniature of COCO: four training images and two for validation, with crowds, an empty image and an empty box."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np

from dlatrack.datasets.mini import Declaration
from dlatrack.datasets.mini.videos import joined_videos, mini_video, save_images, save_text

_SIZE = (112, 120)
_CATEGORIES = {
    1: ("person", "person"),
    18: ("animal", "dog"),
    58: ("food", "hot dog"),
    90: ("indoor", "toothbrush"),
}
_WITHOUT_HEIGHT = 918  # id of one of the two real annotations without an area


def write(root: Path, seed: int) -> Declaration:
    """Write the files below `root`.

    Of the training images one has two objects, one an object and a crowd with a run-length mask, one none, and one
    an object and the real annotation without a height. Annotations do not come in the order of the images.
    """
    train, val = _Split(root, "train2017", seed), _Split(root, "val2017", seed)
    train.image(200365)
    train.image(9, 2)
    train.image(34)
    train.image(25)
    flat = [float(number) for number in np.round([*train.boxes[200365][0][:3], 0], 2)]
    train.annotation(_WITHOUT_HEIGHT, 200365, 58, flat)
    train.annotation(1, 9, 18, train.boxes[9][1])
    train.annotation(2, 25, 90, train.boxes[25][0])
    train.annotation(7, 200365, 58, train.boxes[200365][0])
    train.annotation(12, 9, 1, train.boxes[9][0])
    train.crowd(900100000025, 25, 1, (60, 30, 20, 50))
    train.save()
    for number in (139, 285):
        val.image(number)
        val.annotation(number, number, 18, val.boxes[number][0])
    val.save()
    return Declaration(
        {
            "train": {"videos": 4, "frames": 4, "tracks": 5, "rows": 5, "boxes": 5},
            "val": {"videos": 2, "frames": 2, "tracks": 2, "rows": 2, "boxes": 2},
        }
    )


class _Split:
    def __init__(self, root: Path, name: str, seed: int) -> None:
        self._root, self._name, self._seed = root, name, seed
        self._images: list[dict[str, Any]] = []
        self._annotations: list[dict[str, Any]] = []
        self.boxes: dict[int, list[list[float]]] = {}  #: xywh with two decimals by image

    def image(self, number: int, targets: int = 1) -> None:
        """Write an image that shows one target or two beside each other."""
        scenes = [mini_video(f"coco/{self._name}/{number}/{n}", self._seed, 2, _SIZE) for n in range(targets)]
        images, *boxes = joined_videos(*scenes) if targets == 2 else (scenes[0].images, scenes[0].boxes_xywh)
        save_images(self._root / self._name, "%012d.jpg", [number], images[:1])
        height, width = images[0].shape[:2]
        self.boxes[number] = [[round(float(value), 2) for value in box[0]] for box in boxes]
        self._images.append(
            {"license": 1, "file_name": f"{number:012d}.jpg", "height": height, "width": width, "id": number}
        )

    def annotation(self, number: int, image: int, category: int, box_xywh: list[float]) -> None:
        """Add an object whose outline is its box."""
        x, y, w, h = box_xywh
        outline = [x, y, x + w, y, x + w, y + h, x, y + h]
        self._add(number, image, category, box_xywh, round(w * h, 2), [[round(v, 2) for v in outline]], 0)

    def crowd(self, number: int, image: int, category: int, box_xywh: tuple[int, int, int, int]) -> None:
        """Add a crowd, whose mask is run lengths down the columns that begin outside the crowd."""
        x, y, w, h = box_xywh
        size = next(entry for entry in self._images if entry["id"] == image)
        mask = np.zeros((size["height"], size["width"]), bool)
        mask[y : y + h, x : x + w] = True
        ends = np.flatnonzero(np.diff(np.concatenate([[False], mask.ravel(order="F")])))
        counts = np.diff(np.concatenate([[0], ends, [mask.size]])).tolist()
        runs = {"counts": counts, "size": [size["height"], size["width"]]}
        self._add(number, image, category, list(map(float, box_xywh)), w * h, runs, 1)

    def save(self) -> None:
        """Write the JSON file."""
        categories = [
            {"supercategory": above, "id": n, "name": name} for n, (above, name) in _CATEGORIES.items()
        ]
        content = {
            "info": {"description": "A synthetic miniature", "version": "1.0", "year": 2017},
            "licenses": [{"url": "https://example.org", "id": 1, "name": "none"}],
            "images": self._images,
            "annotations": self._annotations,
            "categories": categories,
        }
        save_text(self._root / "annotations" / f"instances_{self._name}.json", json.dumps(content))

    def _add(
        self, number: int, image: int, category: int, box: list[float], area: float, outline: Any, crowd: int
    ) -> None:
        shape = {"segmentation": outline, "area": area, "iscrowd": crowd}
        ids = {"image_id": image, "bbox": box, "category_id": category, "id": number}
        self._annotations.append(shape | ids)
