"""Miniature of TrackingNet: a video in each of the twelve chunks, two in the first, and one for test."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from dlatrack.datasets.mini import Declaration
from dlatrack.datasets.mini.videos import MiniVideo, mini_video, save_images, save_rows

_CHUNKS = 12
_LENGTH = 12  # long enough for 10.jpg, which comes before 2.jpg when sorted as text
_SHORT = 4  # in the chunks from the second on
_CUT = 6  # px of a target that are left of the image where it is leftmost

#: A zip without content, as small as one can be.
_ZIP = b"PK\5\6" + bytes(18)


def write(root: Path, seed: int) -> Declaration:
    """Write the files below `root`.

    Frames count from 0 without leading zeros; the second video of TRAIN_0 has boxes that begin left of the image;
    a zip is kept beside the frames of the first; TEST has its first box only.
    """
    _save(root / "TRAIN_0", "aa-0_1_0", mini_video("trackingnet/aa-0_1_0", seed, _LENGTH))
    _save(root / "TRAIN_0", "bb_7-2_1", _cut(mini_video("trackingnet/bb_7-2_1", seed, _LENGTH)))
    (root / "TRAIN_0" / "zips").mkdir()
    (root / "TRAIN_0" / "zips" / "aa-0_1_0.zip").write_bytes(_ZIP)
    for chunk in range(1, _CHUNKS):
        video = mini_video(f"trackingnet/{chunk}", seed, _SHORT, (96, 72))
        _save(root / f"TRAIN_{chunk}", f"chunk{chunk}_0", video)
    _save(root / "TEST", "test_0", mini_video("trackingnet/test_0", seed, _LENGTH), only_first=True)

    first, other = _counts(2, 2 * _LENGTH), _counts(1, _SHORT)
    chunks = {f"train_{chunk}": other if chunk else first for chunk in range(_CHUNKS)}
    return Declaration(
        {
            "train": _counts(1 + _CHUNKS, 2 * _LENGTH + (_CHUNKS - 1) * _SHORT),
            "train_0_3": _counts(5, 2 * _LENGTH + 3 * _SHORT),
            **chunks,
            "test": _counts(1, _LENGTH) | {"boxes": 1},
        }
    )


def _counts(videos: int, rows: int) -> dict[str, int]:
    return {"videos": videos, "tracks": videos, "frames": rows, "rows": rows, "boxes": rows}


def _cut(video: MiniVideo) -> MiniVideo:
    """Cut the left of the view off, so that the target begins outside where it is leftmost."""
    left = int(video.boxes_xywh[:, 0].min()) + _CUT
    return MiniVideo(
        [np.ascontiguousarray(image[:, left:]) for image in video.images],
        video.boxes_xywh - np.array([left, 0, 0, 0]),
        video.visible,
    )


def _save(chunk: Path, name: str, video: MiniVideo, *, only_first: bool = False) -> None:
    save_images(chunk / "frames" / name, "%d.jpg", range(len(video)), video.images)
    save_rows(chunk / "anno" / f"{name}.txt", video.boxes_xywh[: 1 if only_first else None], number=".2f")
