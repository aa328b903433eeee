"""The material of composed videos: photographs, and objects cut out of video with masks."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from dlatrack.datasets.image_folder import image_files
from dlatrack.datasets.images import read_image
from dlatrack.errors import InputError
from dlatrack.files import is_companion

#: Smallest side of a photograph and of a cut-out, px.
_SMALLEST_PHOTOGRAPH, _SMALLEST_CUTOUT = 64, 16


@dataclass(frozen=True, eq=False)
class Cutout:
    """An object in one frame of a video."""

    clip: str  #: name of the video; cut-outs of one clip show the same object
    frame: int  #: 0-based number of the frame
    rgba: np.ndarray  #: (H, W, 4) uint8 RGB and coverage, cropped to the object


def read_photographs(files: Sequence[Path]) -> list[np.ndarray]:
    """Decode photographs, (H, W, 3) uint8 RGB.

    Raises:
        InputError: naming the file, if one cannot be read or has a side under 64 px, or there is none.
    """
    if not files:
        raise InputError("there is no photograph; at least one is needed to compose a video")
    images = []
    for file in files:
        image = read_image(file, upright=True)
        if min(image.shape[:2]) < _SMALLEST_PHOTOGRAPH:
            raise InputError(
                f"{file} is {image.shape[1]} x {image.shape[0]} px; "
                f"a photograph needs {_SMALLEST_PHOTOGRAPH} px a side"
            )
        images.append(image)
    return images


def read_cutouts(folder: str | Path, every: int = 5) -> list[Cutout]:
    """Cut the targets out of all clips below a folder that have masks.

    A clip is a folder with numbered images in `img/` and, for each, a mask of the same name in `mask/` (PNG, white =
    target); clips without `mask/` are left out. A cut-out is the largest connected piece of a mask, without the
    pixels along its border, whose colour is mixed with the background's, and with a soft edge. Pieces under 16 px
    wide or high are left out.

    Args:
        folder: folder of the clips.
        every: distance of the frames that are cut out: 0, `every`, 2 `every`, ...

    Returns:
        The cut-outs by clip name, then frame.

    Raises:
        InputError: naming the path, if `folder` is no folder, or a mask is missing, damaged, or of another size than
            its image.
        ValueError: if `every` is less than 1.
    """
    if every < 1:
        raise ValueError(f"every must be 1 or more, got {every}")
    folder = Path(folder)
    if not folder.is_dir():
        raise InputError(f"{folder} is not a folder; the folder that holds the clips is needed")
    cutouts = []
    for clip in masked_clips(folder):
        files = image_files(clip / "img").paths
        cutouts += [_cut(clip, frame, files[frame]) for frame in range(0, len(files), every)]
    return [cutout for cutout in cutouts if cutout is not None]


def masked_clips(folder: Path) -> list[Path]:
    """The folders directly below `folder` that have `img/` and `mask/`, by name."""
    return sorted(
        clip
        for clip in folder.iterdir()
        if not is_companion(clip.name) and (clip / "img").is_dir() and (clip / "mask").is_dir()
    )


def _cut(clip: Path, frame: int, path: Path) -> Cutout | None:
    image, mask = read_image(path), read_image(clip / "mask" / f"{path.stem}.png")
    if mask.shape != image.shape:
        raise InputError(
            f"{clip / 'mask' / path.stem}.png is {mask.shape[1]} x {mask.shape[0]} px, but its image "
            f"{image.shape[1]} x {image.shape[0]}"
        )
    return cut_out(clip.name, frame, image, mask[..., 0] > 127)


def cut_out(clip: str, frame: int, image: np.ndarray, mask: np.ndarray) -> Cutout | None:
    """Cut the largest connected piece of a mask out of an image, as `read_cutouts` describes.

    Args:
        clip: name of the video or photograph.
        frame: 0-based number of the frame.
        image: (H, W, 3) uint8 RGB.
        mask: (H, W) bool, pixels of the object.

    Returns:
        The cut-out; None if the piece is under 16 px wide or high.
    """
    _, labels, stats, _ = cv2.connectedComponentsWithStats(mask.astype(np.uint8))
    if len(stats) < 2:
        return None
    largest = 1 + int(stats[1:, cv2.CC_STAT_AREA].argmax())
    piece = cv2.erode((labels == largest).astype(np.uint8), np.ones((3, 3), np.uint8))
    x, y, width, height = cv2.boundingRect(piece)
    if min(width, height) < _SMALLEST_CUTOUT:
        return None
    soft = cv2.GaussianBlur(piece * 255, (3, 3), 0)
    rgba = np.dstack([image, soft])[y : y + height, x : x + width]
    return Cutout(clip, frame, np.ascontiguousarray(rgba))
