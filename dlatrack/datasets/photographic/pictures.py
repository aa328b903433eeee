"""The photographs of scikit-image's wheel, and the objects outlined in them by hand."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import lru_cache
from importlib.util import find_spec
from io import BytesIO
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from dlatrack.datasets.images import decode_image
from dlatrack.datasets.manifests import manifests_dir
from dlatrack.errors import InputError
from dlatrack.structured.json_files import read_json_object

#: The two sides of the photographs: no picture is in both.
SPLITS = ("train", "test")


@dataclass(frozen=True, eq=False)
class Photograph:
    """A photograph of the scikit-image wheel with its outlined objects."""

    name: str  #: name in `data_manifests/photographs.json`
    title: str  #: what it shows, and who took it
    source: str  #: address of the original
    licence: str  #: licence, as its source states it
    split: str  #: "train" or "test"
    image: np.ndarray  #: (H, W, 3) uint8 RGB, read-only
    outlines: dict[str, np.ndarray]  #: objects by name: (P, 2) outline x, y in px, pixel i spans i to i + 1
    kept_in_place: frozenset[str]  #: objects that are not cut out: parts of a face, heads of people
    disparity: np.ndarray | None  #: (H, W) float32 px, larger where nearer, without holes; None if unknown

    @property
    def cut_outs(self) -> list[str]:
        """Names of the objects that may be cut out."""
        return [name for name in self.outlines if name not in self.kept_in_place]

    @property
    def size(self) -> np.ndarray:
        """Width and height, (2,) px."""
        return np.array(self.image.shape[1::-1])


def photographs(split: str | None = None) -> dict[str, Photograph]:
    """The photographs by name, in the order of the manifest; decoded once and then kept.

    Args:
        split: "train" or "test"; None for both.

    Raises:
        InputError: if scikit-image is not installed, or lacks a photograph, or has another one of the same name; the
            message names the file, both hashes, and the version of scikit-image that is known to work.
        ValueError: if there is no such split.
    """
    if split not in (None, *SPLITS):
        raise ValueError(f"split must be {' or '.join(SPLITS)}, got {split!r}")
    content = _manifest()
    kept = (name for name, entry in content["photographs"].items() if split in (None, entry["split"]))
    return {name: _photograph(photographs_dir(), name) for name in kept}


def photographs_dir() -> Path:
    """Folder of the pictures in the installed scikit-image, which is not imported.

    Raises:
        InputError: if scikit-image is not installed.
    """
    spec = find_spec("skimage")
    if spec is None or not spec.submodule_search_locations:
        raise InputError(
            "scikit-image is not installed, whose photographs the photographic clips are made of; "
            f"version {_manifest()['scikit_image']} is known to work"
        )
    return Path(spec.submodule_search_locations[0]) / "data"


@lru_cache(maxsize=1)
def _manifest() -> dict[str, Any]:
    return read_json_object(manifests_dir() / "photographs.json")


@lru_cache(maxsize=64)
def _photograph(folder: Path, name: str) -> Photograph:
    entry = _manifest()["photographs"][name]
    image = decode_image(_checked(folder, entry))
    image.flags.writeable = False
    outlines = {what: np.array(points, float) for what, points in entry["objects"].items()}
    disparity = None
    if "disparity" in entry:
        with np.load(BytesIO(_checked(folder, entry["disparity"]))) as arrays:
            disparity = _without_holes(arrays["arr_0"])
    return Photograph(
        name=name,
        title=entry["title"],
        source=entry["source"],
        licence=entry["licence"],
        split=entry["split"],
        image=image,
        outlines=outlines,
        kept_in_place=frozenset(entry.get("kept_in_place", ())),
        disparity=disparity,
    )


def _checked(folder: Path, entry: dict[str, Any]) -> bytes:
    """The content of a file that the manifest names with its hash."""
    path = folder / entry["file"]
    known = f"SHA-256 {entry['sha256']} is needed, as in scikit-image {_manifest()['scikit_image']}"
    try:
        data = path.read_bytes()
    except OSError as error:
        raise InputError(f"cannot read the photograph {path}: {error.strerror}; {known}") from error
    found = hashlib.sha256(data).hexdigest()
    if found != entry["sha256"]:
        raise InputError(f"the photograph {path} has SHA-256 {found}; {known}")
    return data


def _without_holes(disparity: np.ndarray) -> np.ndarray:
    """A disparity map whose unknown pixels, not finite, have the value of the nearest known pixel."""
    holes = (~np.isfinite(disparity)).astype(np.uint8)
    return disparity[nearest_zero(holes)].astype(np.float32)


def nearest_zero(image: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """For each pixel of an image (H, W) uint8, row and column, each (H, W), of the nearest pixel that is 0."""
    _, labels = cv2.distanceTransformWithLabels(image, cv2.DIST_L2, 5, labelType=cv2.DIST_LABEL_PIXEL)
    places = np.argwhere(image == 0)
    by_label = np.zeros((labels.max() + 1, 2), int)
    by_label[labels[tuple(places.T)]] = places
    return by_label[labels, 0], by_label[labels, 1]
