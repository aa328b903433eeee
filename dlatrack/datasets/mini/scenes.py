"""Videos for miniatures, and the pieces of files that several of them write."""

from __future__ import annotations

import zlib
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from dlatrack.datasets.synthetic import synthetic_sequence

_QUALITY = 90


@dataclass(frozen=True, eq=False)
class MiniVideo:
    """A short video, rendered.

    Args:
        images: T of (H, W, 3) uint8 RGB.
        boxes_xywh: (T, 4) float64, 0-based px; where the target is absent the last box before.
        visible: (T,) bool.
    """

    images: list[np.ndarray]
    boxes_xywh: np.ndarray
    visible: np.ndarray

    def __len__(self) -> int:
        return len(self.images)

    @property
    def size(self) -> tuple[int, int]:
        """Width and height of the first image, px."""
        return self.images[0].shape[1], self.images[0].shape[0]


def scene(
    key: str,
    seed: int,
    length: int,
    size: tuple[int, int] = (160, 120),
    *,
    challenges: Collection[str] = (),
) -> MiniVideo:
    """A synthetic video that depends on its key and the seed alone.

    Args:
        key: distinguishes the videos of all miniatures, e.g. "otb100/Board".
        seed: of the miniature.
        length: frames.
        size: width and height, px.
        challenges: as `synthetic_sequence` takes them. Without OCC and OV the target is visible throughout; with
            either the drawn scene is the first of its series in which it is absent for a while and returns.
    """
    start = zlib.crc32(f"{key}/{seed}".encode()) // 2
    for attempt in range(200):
        sequence = synthetic_sequence(start + attempt, length, size, challenges=challenges)
        hidden = not sequence.visible.all()
        if hidden == bool({"OCC", "OV"} & set(challenges)) and sequence.visible[[0, -1]].all():
            break
    else:
        raise ValueError(f"no scene for {key!r} among 200; fewer challenges or more frames are needed")
    boxes_xywh = sequence.boxes_xywh.copy()
    for frame in np.flatnonzero(~sequence.visible):
        boxes_xywh[frame] = boxes_xywh[frame - 1]
    return MiniVideo([sequence.frames[n] for n in range(length)], boxes_xywh, sequence.visible)


def side_by_side(left: MiniVideo, right: MiniVideo) -> tuple[list[np.ndarray], np.ndarray, np.ndarray]:
    """Two scenes of one size in one video: the images, and (T, 4) xywh boxes of the left and the right target."""
    images = [np.hstack(pair) for pair in zip(left.images, right.images, strict=True)]
    return images, left.boxes_xywh, right.boxes_xywh + np.array([left.size[0], 0, 0, 0])


def save_images(folder: Path, pattern: str, numbers: Iterable[int], images: Iterable[np.ndarray]) -> None:
    """Write RGB images as JPEG files named by a template and their numbers."""
    folder.mkdir(parents=True, exist_ok=True)
    for number, image in zip(numbers, images, strict=True):
        encoded = cv2.imencode(
            ".jpg", cv2.cvtColor(image, cv2.COLOR_RGB2BGR), [cv2.IMWRITE_JPEG_QUALITY, _QUALITY]
        )[1]
        (folder / (pattern % number)).write_bytes(encoded.tobytes())


def save_rows(
    file: Path, rows: Iterable[Iterable[float]], *, number: str = "d", separator: str = ","
) -> None:
    """Write rows of numbers in a format like "d" or ".4f"; NaN stays NaN."""
    lines = (separator.join(_formatted(value, number) for value in row) for row in rows)
    save_text(file, "".join(f"{line}\n" for line in lines))


def save_text(file: Path, text: str) -> None:
    """Write a text file with unix line ends."""
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text, encoding="utf-8", newline="\n")


def _formatted(value: float, number: str) -> str:
    if np.isnan(value):
        return "NaN"
    return format(round(value) if number == "d" else value, number)
