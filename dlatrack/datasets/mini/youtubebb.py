"""Miniature of YouTube-BB: three training videos, one of them vanished, and one for validation."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from dlatrack.datasets.mini import Declaration
from dlatrack.datasets.mini.videos import MiniVideo, joined_videos, mini_video, save_images, save_text

_LENGTH = 6
_START = 237_000  # ms
_CLASSES = {0: "person", 19: "dog", 23: "car"}


def write(root: Path, seed: int) -> Declaration:
    """Write the files below `root`.

    The first training video shows two objects, and the first of them once more under another class; their rows are
    mixed. In the second, of another size, the target is absent for a while. Of the third no frame is left. Ids begin
    with a dash or hold underscores.
    """
    left, right = (mini_video(f"youtubebb/{side}", seed, _LENGTH, (112, 120)) for side in ("left", "right"))
    images, first, second = joined_videos(left, right)
    train = _Split(root, "train")
    visible = np.ones(_LENGTH, bool)
    train.segment("-mini_tube1", 0, 0, images, first, visible)
    train.segment("-mini_tube1", 0, 1, images, second, visible)
    train.segment("-mini_tube1", 19, 0, images[:2], first[:2], visible[:2])
    leaving = _landscape(mini_video("youtubebb/leaving", seed, 2 * _LENGTH, challenges=("OV",)))
    train.segment("_mini-tube_", 23, 0, leaving.images, leaving.boxes_xywh, leaving.visible)
    train.segment("vanished_00", 0, 0, images, first, visible, vanished=True)
    train.save()
    validation = _Split(root, "validation")
    plain = mini_video("youtubebb/validation", seed, _LENGTH)
    validation.segment("mini_tube_2", 23, 0, plain.images, plain.boxes_xywh, plain.visible)
    validation.save()
    rows = 2 * _LENGTH + 2 + 2 * _LENGTH
    boxes = rows - int((~leaving.visible).sum())
    return Declaration(
        {
            "train": {"videos": 4, "frames": rows, "tracks": 4, "rows": rows, "boxes": boxes},
            "validation": dict.fromkeys(("videos", "tracks"), 1)
            | dict.fromkeys(("frames", "rows", "boxes"), _LENGTH),
        }
    )


def _landscape(video: MiniVideo) -> MiniVideo:
    """Add grey bars left and right: another aspect ratio."""
    bar = 20
    images = [np.pad(image, ((0, 0), (bar, bar), (0, 0)), constant_values=128) for image in video.images]
    return MiniVideo(images, video.boxes_xywh + np.array([bar, 0, 0, 0]), video.visible)


class _Split:
    def __init__(self, root: Path, name: str) -> None:
        self._folder = root / f"yt_bb_detection_{name}"
        self._rows: list[tuple[int, str]] = []

    def segment(
        self,
        youtube: str,
        kind: int,
        item: int,
        images: list[np.ndarray],
        boxes_xywh: np.ndarray,
        visible: np.ndarray,
        *,
        vanished: bool = False,
    ) -> None:
        """Add the rows of a segment, and write its images unless the video has vanished."""
        stamps = [_START + 1000 * n for n in range(len(images))]
        if not vanished:
            save_images(self._folder / str(kind), f"{youtube}_%d_{kind}_{item}.jpg", stamps, images)
        for stamp, image, box, shown in zip(stamps, images, boxes_xywh, visible, strict=True):
            height, width = image.shape[:2]
            edges_px = np.array([box[0], box[0] + box[2], box[1], box[1] + box[3]])
            edges = edges_px / [width, width, height, height]
            texts = (f"{edge:.8f}" for edge in np.clip(edges, 0, 1)) if shown else ["-1.0"] * 4
            presence = "present" if shown else "absent"
            row = f"{youtube},{stamp},{kind},{_CLASSES[kind]},{item},{presence},{','.join(texts)}\n"
            self._rows.append((stamp, row))

    def save(self) -> None:
        """Write the CSV file in the order of time, which mixes the segments."""
        rows = sorted(self._rows, key=lambda row: row[0])
        save_text(self._folder.with_suffix(".csv"), "".join(text for _, text in rows))
