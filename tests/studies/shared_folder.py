"""A tiny folder in the layout of the shared data, and a declaration of a study over it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np

from dlatrack.datasets.folder import write_folder
from dlatrack.datasets.sequence import Sequence
from dlatrack.datasets.synthetic import synthetic_sequence
from dlatrack.datasets.synthetic.textures import landscape

DECLARATION = """
[training]
held_out = ["held_1"]
composed = [2, 3]
photographic = [1, 3]

[training.shares]
clips = 1
composed = 1
footage = 1
footage2 = 1
stills_masks = 1
stills_boxes = 1
photographic = 1

[testing]
photographic = [1, 4]
runs = 2
seed = 0

[regimes.from_nothing]
start = "trunk"
epochs = 2
pairs_per_epoch = 8
batch = 4
unfreeze_epoch = 1
rate = 0.001

[regimes.tuned]
start = "nanotrack_v3"
epochs = 2
pairs_per_epoch = 8
batch = 4
rate = 0.001
negative_pairs = 0.0
course = [0, 1]

[[questions]]
name = "families"
regime = "from_nothing"
trackers = ["siamcar_nano"]
rules = ["own", "dla"]
seeds = 2

[[questions]]
name = "fine-tuning"
regime = "tuned"
trackers = ["nanotrack_v3"]
rules = ["own", "dla", "rectangle"]
seeds = 2
"""


def write_shared(root: Path) -> Path:
    """Write clips with and without masks, footage, photographs with masks and with boxes."""
    for seed, (part, name) in enumerate(
        (
            ("video", "masked"),
            ("video", "plain"),
            ("video", "other"),
            ("footage", "shown"),
            ("footage", "held_1"),
            ("footage2", "more"),
        )
    ):
        clip = _clip(seed, 24 if name == "held_1" else 4, name)
        folder = write_folder(clip, root / part, images="png")
        if name == "masked":
            _write_masks(clip, folder / "mask")
    for part in ("stills", "stills_masks", "stills_boxes"):
        (root / part).mkdir()
        image = landscape(np.random.default_rng(len(part)), 128, 160)
        cv2.imwrite(str(root / part / "a.jpg"), image)
    mask = np.zeros((128, 160), np.uint8)
    mask[20:90, 30:100] = 1
    cv2.imwrite(str(root / "stills_masks" / "a.png"), mask)
    (root / "stills_boxes" / "boxes.csv").write_text("picture,class,x,y,w,h\na.jpg,thing,10,10,40,50\n")
    return root


def _clip(seed: int, length: int, name: str) -> Sequence:
    return replace(synthetic_sequence(seed, length, (128, 96), challenges=()), name=name)


def _write_masks(clip: Sequence, folder: Path) -> None:
    folder.mkdir()
    for frame, (x, y, w, h) in enumerate(np.rint(clip.boxes_xywh).astype(int)):
        mask = np.zeros((96, 128), np.uint8)
        mask[y : y + h, x : x + w] = 255
        cv2.imwrite(str(folder / f"{frame + 1:04d}.png"), mask)
