"""What the label assignment rules do to the frames of a sequence: the material of the paper's Fig. 1."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from collections.abc import Sequence as Indices
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
import torch

from dlatrack.assign import LabelAssigner, assigner_of, build_assigner
from dlatrack.datasets.folder import read_folder
from dlatrack.datasets.photographic import photographic_sequence
from dlatrack.datasets.sequence import Sequence
from dlatrack.errors import InputError
from dlatrack.grid import CODE_RECTANGLE, PAPER_RECTANGLE, RPN_ANCHORS, ScoreGrid
from dlatrack.recipes import Recipe, SamplingConfig, recipe
from dlatrack.recipes.twins import label
from dlatrack.sampling.augment import View, augment
from dlatrack.sampling.crops import crop_511, size_in_crop

#: A photographic video with a clear target that turns and stretches.
_EXAMPLE_SEED = 379

_SIDE = 255  # of a search region, px


class Regions(NamedTuple):
    """Search regions of B frames."""

    frames: list[int]  #: B frame numbers
    crops_rgb: np.ndarray  #: (B, 255, 255, 3) uint8
    target_xyxy: torch.Tensor  #: (B, 4) float64, search-region px


def study_sequence(folder: str | Path = "") -> Sequence:
    """The first target of a sequence folder in the OTB layout, or the project's photographic example.

    Raises:
        InputError: if the folder cannot be read.
    """
    return read_folder(folder)[0] if folder else photographic_sequence(_EXAMPLE_SEED, 60, split="test")


def search_regions(sequence: Sequence, frames: Indices[int], *, seed: int = 0) -> Regions:
    """Search regions around the target as training cuts them: shifted and stretched, colours left alone.

    Args:
        sequence: a video.
        frames: frame numbers; those without a visible target are left out.
        seed: seed of the random shift and stretch.

    Raises:
        InputError: if a number is out of range, or no frame shows the target.
    """
    wrong = [frame for frame in frames if not 0 <= frame < len(sequence)]
    if wrong:
        raise InputError(f"sequence {sequence.name} has frames 0..{len(sequence) - 1}, not {wrong[0]}")
    shown = [frame for frame in frames if sequence.visible[frame]]
    if not shown:
        raise InputError(f"sequence {sequence.name} shows its target in none of the frames {list(frames)}")
    views = [_view(sequence.frames[frame], sequence.boxes_xywh[frame], frame, seed) for frame in shown]
    crops = np.stack([view.image.transpose(1, 2, 0).astype(np.uint8) for view in views])
    return Regions(shown, crops, torch.from_numpy(np.stack([view.target_xyxy for view in views])))


def target_masks(sequence: Sequence, frames: Indices[int], *, seed: int = 0) -> np.ndarray:
    """The target's visible pixels in the search regions of `search_regions`, cut with the same windows.

    Args:
        sequence: a video whose frames have `mask(index)`, as photographic, composed and synthetic ones have.
        frames: frame numbers that show the target.
        seed: seed of the regions.

    Returns:
        (B, 255, 255) bool.
    """
    masks = []
    for frame in frames:
        mask = sequence.frames.mask(frame)  # type: ignore[attr-defined]
        image = np.repeat(mask[..., None], 3, 2).astype(np.uint8) * 255
        masks.append(_view(image, sequence.boxes_xywh[frame], frame, seed).image[0] > 127)
    return np.stack(masks)


def _view(image: np.ndarray, box_xywh: np.ndarray, frame: int, seed: int) -> View:
    """The search region of a frame; what is drawn depends on the two numbers alone."""
    plain = replace(SamplingConfig().search, blur=0, color=0)
    rng = np.random.Generator(np.random.Philox(key=np.array([seed, frame], np.uint64)))
    size = np.array(size_in_crop(box_xywh[2], box_xywh[3]))
    return augment(crop_511(image, box_xywh), size, plain, _SIDE, False, rng)


def paper_rules(grid: ScoreGrid | None = None, *, candidates: int = 9) -> dict[str, LabelAssigner]:
    """The rules that the paper compares, by title; DLA stands behind the rule of the tracker it changes.

    SiamCAR's rectangle is there twice: as SiamDLA describes it, and as the public code and our recipes train it.

    Args:
        grid: points of the score map for all of them; None: those of each tracker's recipe in a region of 255 px.
        candidates: the K of dynamic label assignment.
    """
    rules: dict[str, tuple[str, str, dict[str, Any]]] = {
        "SiamCAR: rectangle 0.6, paper": ("siamcar", "rectangle", {"center_ratio": PAPER_RECTANGLE}),
        "SiamCAR: rectangle 0.4, trained": ("siamcar", "rectangle", {"center_ratio": CODE_RECTANGLE}),
        f"DLA, points, K = {candidates}": ("dla_siamcar", "dla_points", {"candidates": candidates}),
        "SiamRPN++: IoU > 0.6": ("siamrpnpp", "iou", {}),
        f"DLA, anchors, K = {candidates}": ("dla_siamrpnpp", "dla_anchors", {"candidates": candidates}),
        "SiamFC: circle": ("siamfc", "circle", {}),
        "SiamBAN: ellipses": ("siamban", "ellipse", {}),
        "SiamFC++: whole box": ("siamfcpp", "inside", {}),
    }
    return {
        title: build_assigner(rule, grid or _own_grid(recipe(tracker)), **options)
        for title, (tracker, rule, options) in rules.items()
    }


def _own_grid(chosen: Recipe) -> ScoreGrid:
    """The grid of a recipe in a search region of `_SIDE` px with the same middle as its own."""
    grid = chosen.grid
    return replace(grid, offset=grid.offset - (chosen.net.search_size - _SIDE) // 2)


#: Title and options of every rule by its name in `ASSIGNERS`: fixed rules, rules that measure overlaps with anchors,
#: rules that look at predictions.
_TITLES: dict[str, tuple[str, dict[str, Any]]] = {
    "circle": ("circle", {}),
    "rectangle": ("rectangle 0.6", {"center_ratio": PAPER_RECTANGLE}),
    "ellipse": ("ellipses", {}),
    "inside": ("whole box", {}),
    "iou": ("IoU > 0.6", {}),
    "dla_points": ("DLA", {}),
    "dla_anchors": ("DLA", {}),
    "atss": ("ATSS", {}),
    "simota": ("SimOTA", {}),
    "ota": ("OTA", {}),
    "paa": ("PAA", {}),
    "tal": ("TAL", {}),
    "autoassign": ("AutoAssign", {}),
}

#: Names of the rules that are defined for points, and for anchors.
RULES_OF_HEADS: dict[str, tuple[str, ...]] = {
    "points": (
        *("circle", "rectangle", "ellipse", "inside", "dla_points", "atss"),
        *("simota", "ota", "paa", "tal", "autoassign"),
    ),
    "anchors": ("iou", "dla_anchors", "atss", "simota", "ota", "paa", "tal"),
}


def every_rule(head: str, grid: ScoreGrid) -> dict[str, LabelAssigner]:
    """Every rule that is defined for a head, by title.

    Args:
        head: "points" or "anchors".
        grid: points of the score map.
    """
    found = {}
    for name in RULES_OF_HEADS[head]:
        title, options = _TITLES[name]
        if head == "anchors" and name not in ("iou", "dla_anchors"):
            options = options | {"anchor_shapes": RPN_ANCHORS}
        found[title] = build_assigner(name, grid, **options)
    return found


def recipe_rules(recipes: Iterable[Recipe]) -> dict[str, LabelAssigner]:
    """The rules of recipes on their own grids, by label of the tracker."""
    return {label(each): assigner_of(each) for each in recipes}


def count_positives(
    regions: Regions, rules: Mapping[str, LabelAssigner], *, seed: int = 0
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Positives of every rule in every region.

    Returns:
        Positives by frame (rows) and rule (columns), and their summary by rule: mean, least, most, and the share of
        frames in which no sample satisfied the rule.
    """
    counts, empty = {}, {}
    for title, rule in rules.items():
        found = rule.assign(regions.target_xyxy, generator=torch.Generator().manual_seed(seed))
        counts[title] = found.positive.sum(1).numpy()
        empty[title] = found.empty.double().mean().item()
    table = pd.DataFrame(counts, index=pd.Index(regions.frames, name="frame"))
    summary = pd.DataFrame(
        {
            "mean positives": table.mean(),
            "least": table.min(),
            "most": table.max(),
            "share without any": empty,
        }
    )
    return table, summary.rename_axis("rule")
