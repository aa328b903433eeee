"""Miniature of GOT-10k: five training sequences, one for validation and one for test."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np

from dlatrack.datasets.mini import Declaration
from dlatrack.datasets.mini.videos import MiniVideo, mini_video, save_images, save_rows, save_text

_LENGTH = 10

#: Numbers of the training sequences; 4 is forbidden by VOT, 399 is one of those with wrong boxes.
_PLAIN, _ABSENT, _RESIZED, _FORBIDDEN, _UNFIXED = 1, 2, 3, 4, 399


def write(root: Path, seed: int) -> Declaration:
    """Write the files below `root`.

    In the second training sequence the target leaves and returns; in the third the frames change their size; the
    fourth is forbidden by VOT; the fifth starts with a box without height, as some of the first release do.
    """
    train = {
        number: mini_video(f"got10k/train/{number}", seed, _LENGTH)
        for number in (_PLAIN, _FORBIDDEN, _UNFIXED)
    }
    train[_ABSENT] = mini_video(f"got10k/train/{_ABSENT}", seed, 2 * _LENGTH, challenges=("OV",))
    train[_RESIZED] = _resized(mini_video(f"got10k/train/{_RESIZED}", seed, _LENGTH))
    train[_UNFIXED].boxes_xywh[0, 3] = 0
    rows = 0
    for number, video in sorted(train.items()):
        rows += len(video)
        _save(root / "train" / f"GOT-10k_Train_{number:06d}", video)
    for split in ("val", "test"):
        video = mini_video(f"got10k/{split}", seed, _LENGTH)
        _save(root / split / f"GOT-10k_{split.title()}_000001", video, only_first=split == "test")
    names = [f"GOT-10k_Train_{number:06d}" for number in sorted(train)]
    save_text(root / "train" / "list.txt", "\n".join(names))  # the official list has no last line end either
    for split in ("val", "test"):
        save_text(root / split / "list.txt", f"GOT-10k_{split.title()}_000001\n")
    return Declaration(
        {
            "train": {"videos": 5, "tracks": 5, "frames": rows, "rows": rows, "boxes": rows},
            "val": {"videos": 1, "tracks": 1, "frames": _LENGTH, "rows": _LENGTH, "boxes": _LENGTH},
            "test": {"videos": 1, "tracks": 1, "frames": _LENGTH, "rows": _LENGTH, "boxes": 1},
            "train_vot": {"tracks": 4},
            "train_fixed": {"tracks": 4},
            "train_vot_fixed": {"tracks": 3},
        }
    )


def _resized(video: MiniVideo) -> MiniVideo:
    """Halve the size of the second half of the frames."""
    images, boxes_xywh = list(video.images), video.boxes_xywh.copy()
    for number in range(len(video) // 2, len(video)):
        images[number] = cv2.resize(images[number], None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA)
        boxes_xywh[number] /= 2
    return MiniVideo(images, boxes_xywh, video.visible)


def _save(folder: Path, video: MiniVideo, *, only_first: bool = False) -> None:
    save_images(folder, "%08d.jpg", range(1, len(video) + 1), video.images)
    save_rows(folder / "groundtruth.txt", video.boxes_xywh[: 1 if only_first else None], number=".4f")
    if only_first:
        return
    hidden = np.flatnonzero(~video.visible)
    cover = np.where(video.visible, 8, 0)
    if len(hidden):  # half of the target shows just before it is gone
        cover[max(hidden[0] - 1, 0)] = 4
    corners = video.boxes_xywh[:, :2] + video.boxes_xywh[:, 2:]
    sizes = np.array([image.shape[1::-1] for image in video.images])
    cut = (video.boxes_xywh[:, :2] <= 0).any(1) | (corners >= sizes).any(1)
    for label, values in (("absence", ~video.visible), ("cover", cover), ("cut_by_image", cut)):
        save_rows(folder / f"{label}.label", values.astype(int)[:, None])
    save_text(
        folder / "meta_info.ini",
        "[META]\nurl: https://example.org/video\nbegin: 00:00:01\nend: 00:00:02\nanno_fps: 10Hz\n"
        "object_class: patch\nmotion_class: gliding\nmajor_class: object\nroot_class: object\nmotion_adverb: slowly\n"
        f"resolution: ({video.size[0]}, {video.size[1]})\n",
    )
