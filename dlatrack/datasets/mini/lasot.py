"""Miniature of LaSOT's training set: three sequences to train on and one of the test set beside them."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from dlatrack.datasets.mini import Declaration
from dlatrack.datasets.mini.videos import MiniVideo, mini_video, save_images, save_rows, save_text

_LENGTH = 12

#: Boxes of absent targets, in turn, as in the real files; None stands for a box like any other.
_MEANINGLESS = ((0, 0, 0, 0), (1, 1, -1, -1), None)


def write(root: Path, seed: int) -> Declaration:
    """Write the files below `root`.

    The target of basketball-2 leaves the view, that of cat-2 is hidden, and both return; airplane-1 belongs to the
    test set and must not be read; the list has no final line end.
    """
    train = {
        "airplane-2": mini_video("lasot/airplane-2", seed, _LENGTH),
        "basketball-2": mini_video("lasot/basketball-2", seed, 2 * _LENGTH, challenges=("OV",)),
        "cat-2": mini_video("lasot/cat-2", seed, 2 * _LENGTH, challenges=("OCC",)),
    }
    save_sequence(root, "airplane-2", train["airplane-2"])
    save_sequence(root, "basketball-2", train["basketball-2"], flag="out_of_view")
    save_sequence(root, "cat-2", train["cat-2"], flag="full_occlusion")
    save_sequence(root, "airplane-1", mini_video("lasot/airplane-1", seed, _LENGTH))
    save_text(root / "training_set.txt", "\n".join(train))
    rows = sum(len(video) for video in train.values())
    counts = {"videos": len(train), "tracks": len(train), "frames": rows, "rows": rows, "boxes": rows}
    return Declaration({"train": counts})


def save_sequence(
    root: Path,
    name: str,
    video: MiniVideo,
    *,
    flag: str = "out_of_view",
    invalid: dict[int, tuple[int, int, int, int]] | None = None,
) -> None:
    """Write one sequence in the layout of LaSOT.

    Args:
        root: root folder of the data set.
        name: name of the sequence, e.g. "airplane-2".
        video: images and boxes of the sequence.
        flag: file that flags absent targets, "out_of_view" or "full_occlusion"; the other flags none.
        invalid: boxes without an area by row, counted from 1, where the target is flagged present.
    """
    boxes = np.rint(video.boxes_xywh)
    absent = ~video.visible
    for turn, frame in enumerate(np.flatnonzero(absent).tolist()):
        meaningless = _MEANINGLESS[turn % len(_MEANINGLESS)]
        if meaningless is not None:
            boxes[frame] = meaningless
    for row, box in (invalid or {}).items():
        boxes[row - 1] = box
    target = name.rpartition("-")[0]
    folder = root / target / name
    save_images(folder / "img", "%08d.jpg", range(1, len(video) + 1), video.images)
    save_rows(folder / "groundtruth.txt", boxes)
    for file in ("full_occlusion", "out_of_view"):
        save_rows(folder / f"{file}.txt", [absent.astype(int) * int(file == flag)])
    save_text(folder / "nlp.txt", f"{target} gliding over a textured ground")
