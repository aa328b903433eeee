"""Videos for miniatures, and the parts of files that several of them write."""

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
    """A short video, rendered."""

    images: list[np.ndarray]  #: T of (H, W, 3) uint8 RGB
    boxes_xywh: np.ndarray  #: (T, 4) float64, 0-based px; the last box before where the target is absent
    visible: np.ndarray  #: (T,) bool

    def __len__(self) -> int:
        return len(self.images)

    @property
    def size(self) -> tuple[int, int]:
        """Width and height of the first image, px."""
        return self.images[0].shape[1], self.images[0].shape[0]


def mini_video(
    key: str,
    seed: int,
    length: int,
    size: tuple[int, int] = (160, 120),
    *,
    challenges: Collection[str] = (),
) -> MiniVideo:
    """A synthetic video that depends on its key and the seed alone.

    Args:
        key: name of the video that differs among all miniatures, e.g. "otb100/Board".
        seed: seed of the miniature.
        length: frames.
        size: width and height, px.
        challenges: challenges of `synthetic_sequence`. Without OCC and OV the target is visible throughout; with one
            of them it is absent for a while and returns.
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


def joined_videos(left: MiniVideo, right: MiniVideo) -> tuple[list[np.ndarray], np.ndarray, np.ndarray]:
    """Two videos of one size in one: the images, and (T, 4) xywh boxes of the left and the right target."""
    images = [np.hstack(pair) for pair in zip(left.images, right.images, strict=True)]
    return images, left.boxes_xywh, right.boxes_xywh + np.array([left.size[0], 0, 0, 0])


def save_images(folder: Path, pattern: str, numbers: Iterable[int], images: Iterable[np.ndarray]) -> None:
    """Write RGB images as JPEG files named by a template and their numbers."""
    folder.mkdir(parents=True, exist_ok=True)
    for number, image in zip(numbers, images, strict=True):
        bgr = cv2.cvtColor(image, cv2.COLOR_RGB2BGR)
        encoded = cv2.imencode(".jpg", bgr, [cv2.IMWRITE_JPEG_QUALITY, _QUALITY])[1]
        (folder / (pattern % number)).write_bytes(encoded.tobytes())


def save_imagenet_xml(file: Path, database: str, image: np.ndarray, objects: str) -> None:
    """Write an annotation of ImageNet: folder, name and size of the image, then the XML of its objects."""
    height, width = image.shape[:2]
    save_text(
        file,
        f"<annotation>\n\t<folder>{file.parent.name}</folder>\n\t<filename>{file.stem}</filename>\n"
        f"\t<source>\n\t\t<database>{database}</database>\n\t</source>\n"
        f"\t<size>\n\t\t<width>{width}</width>\n\t\t<height>{height}</height>\n\t</size>\n"
        f"{objects}</annotation>\n",
    )


def outer_corners(box_xywh: np.ndarray) -> tuple[int, int, int, int]:
    """Whole-numbered xyxy corners around a box (4,)."""
    x1, y1 = np.floor(box_xywh[:2]).astype(int).tolist()
    x2, y2 = np.ceil(box_xywh[:2] + box_xywh[2:]).astype(int).tolist()
    return x1, y1, x2, y2


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
