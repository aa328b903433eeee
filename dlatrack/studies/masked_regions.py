"""Search regions of videos whose target is known by its pixels, and what networks predict for them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from dlatrack import paths
from dlatrack.assign import Prediction
from dlatrack.datasets.composed import composed_sequences
from dlatrack.datasets.composed.cutouts import read_cutouts
from dlatrack.datasets.image_folder import images_in
from dlatrack.datasets.photographic import photographic_sequences
from dlatrack.datasets.sequence import Sequence as Video
from dlatrack.datasets.synthetic import synthetic_sequences
from dlatrack.errors import InputError
from dlatrack.models.predictions import predict
from dlatrack.models.preprocess import to_network_input
from dlatrack.models.siamese import SiameseNet
from dlatrack.models.weights import load_weights
from dlatrack.progress import Progress
from dlatrack.recipes import Recipe
from dlatrack.sampling.crops import CROP_SIZE, TEMPLATE_SIZE, crop_511
from dlatrack.studies.label_assignment import search_regions, target_masks
from dlatrack.studies.mechanism import ANCHOR_SHAPES
from dlatrack.studies.presets import evenly_spread, sizes

#: Shipped tracker whose predictions the rules of a head look at.
TRACKERS = {"points": "siamcar_small", "anchors": "siamrpnpp_small"}

_FIRST_SEED = 5_000_000  # of the videos, far from those that are trained on
_PHOTOGRAPHS = 24  # behind composed videos, at most
_CUTOUTS_EVERY = 20  # frames
_AT_ONCE = 16  # search regions


@dataclass(frozen=True, eq=False)
class MaskedRegions:
    """Search regions of several videos, with the pixels of their targets."""

    video: np.ndarray  #: (B,) number of the video, from 0
    crops_rgb: np.ndarray  #: (B, 255, 255, 3) uint8
    templates_rgb: np.ndarray  #: (B, 127, 127, 3) uint8, the target in the first frame of its video
    target_xyxy: Tensor  #: (B, 4) float64, search-region px
    masks: np.ndarray  #: (B, 255, 255) bool, visible pixels of the target

    def on_target(self, points: Tensor) -> np.ndarray:
        """Whether points (A, 2), in search-region px, lie on a visible pixel of the target, (B, A) bool."""
        x, y = np.rint(points.numpy()).astype(int).T
        found: np.ndarray = self.masks[:, y, x]
        return found


def masked_videos(preset: str, *, footage: str | Path = "", seed: int = 0) -> dict[str, list[Video]]:
    """Videos whose targets are known by their pixels: photographic, synthetic and, with footage, composed ones.

    Args:
        preset: "smoke", "demo" or "paper": how many.
        footage: folder with `video/`, clips with masks, and `stills/`, photographs, as for
            `sampling.footage.footage_mixture`; "": that of `DLATRACK_SHARED_DATA`, and without it no composed videos.
        seed: seed of the videos.

    Raises:
        InputError: for an unknown preset, or footage that cannot be read.
    """
    count, length, _ = sizes(preset).masked
    first = _FIRST_SEED + 1000 * seed
    videos = {
        "photographic": photographic_sequences(count, first, length, split="test"),
        "synthetic": synthetic_sequences(count, first, length),
    }
    folder = Path(footage) if footage else paths.shared_data()
    if footage or (folder is not None and (folder / "video").is_dir() and (folder / "stills").is_dir()):
        assert folder is not None
        videos["composed"] = _composed(folder, count, first, length)
    return videos


def _composed(folder: Path, count: int, first: int, length: int) -> list[Video]:
    stills = folder / "stills"
    files = images_in(stills) if stills.is_dir() else []
    if not files:
        raise InputError(f"{stills} has no photograph, and composed videos need some")
    photographs = [files[number] for number in evenly_spread(len(files), _PHOTOGRAPHS)]
    return composed_sequences(
        photographs, read_cutouts(folder / "video", _CUTOUTS_EVERY), count, first, length
    )


def masked_regions(videos: Sequence[Video], most: int, *, seed: int = 0) -> MaskedRegions:
    """Search regions of some frames of every video, cut as training cuts them.

    Args:
        videos: videos whose frames have `mask(index)`; those that never show their target are left out.
        most: number of frames of a video, evenly spread over those that show the target.
        seed: seed of shifts and stretches.

    Raises:
        InputError: if no video shows its target.
    """
    parts = []
    with Progress(len(videos), "cutting search regions", unit="videos") as progress:
        for number, video in enumerate(videos):
            shown = np.flatnonzero(video.visible)
            frames = [int(shown[place]) for place in evenly_spread(len(shown), most)]
            if frames:
                regions = search_regions(video, frames, seed=seed)
                masks = target_masks(video, frames, seed=seed)
                templates = np.repeat(_template(video, int(shown[0]))[None], len(frames), 0)
                numbers = np.full(len(frames), number)
                parts.append((numbers, regions.crops_rgb, templates, regions.target_xyxy.numpy(), masks))
            progress.step()
    if not parts:
        raise InputError(f"none of {len(videos)} videos shows its target")
    numbers, crops, templates, targets, masks = map(np.concatenate, zip(*parts, strict=True))
    return MaskedRegions(numbers, crops, templates, torch.from_numpy(targets), masks)


def _template(video: Video, frame: int) -> np.ndarray:
    """The middle of the training crop, (127, 127, 3) uint8."""
    low = (CROP_SIZE - TEMPLATE_SIZE) // 2
    window = slice(low, low + TEMPLATE_SIZE)
    return crop_511(video.frames[frame], video.boxes_xywh[frame])[window, window]


def shipped_predictions(regions: MaskedRegions) -> dict[str, Prediction]:
    """What the shipped `TRACKERS` answer for search regions, by head."""
    return {head: predictions(*load_weights(name), regions) for head, name in TRACKERS.items()}


@torch.no_grad()
def predictions(net: SiameseNet, recipe: Recipe, regions: MaskedRegions) -> Prediction:
    """What a network, in the mode it is in, answers for search regions, each with the target of its own video."""
    anchors = recipe.grid.anchors(ANCHOR_SHAPES[head_of(recipe)])
    found, count = [], len(regions.crops_rgb)
    with Progress(count, f"predicting, {recipe.name}", unit="regions") as progress:
        for start in range(0, count, _AT_ONCE):
            part = slice(start, start + _AT_ONCE)
            z, x = (
                to_network_input(
                    torch.from_numpy(images[part]).permute(0, 3, 1, 2).float(), recipe.net.input_format
                )
                for images in (regions.templates_rgb, regions.crops_rgb)
            )
            found.append(predict(recipe.net.head, net(z, x), anchors))
            progress.step(len(x))
    probability = torch.cat([one.probability for one in found])
    return Prediction(probability, torch.cat([one.boxes_xyxy for one in found]))


def head_of(recipe: Recipe) -> str:
    """Kind of head, a key of `ANCHOR_SHAPES`."""
    return "anchors" if recipe.net.head == "rpn" else "points"
