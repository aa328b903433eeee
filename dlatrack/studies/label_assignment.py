"""What the label assignment rules do to the frames of a sequence: the material of the paper's Fig. 1."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from collections.abc import Sequence as Indices
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd
import torch

from dlatrack.assign import LabelAssigner, assigner_of, build_assigner
from dlatrack.datasets.folder import read_folder
from dlatrack.datasets.photographic import photographic_sequence
from dlatrack.datasets.sequence import Sequence
from dlatrack.errors import InputError
from dlatrack.grid import ScoreGrid
from dlatrack.recipes import Recipe, SamplingConfig
from dlatrack.recipes.twins import label
from dlatrack.sampling.augment import augment
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
    plain = replace(SamplingConfig().search, blur=0, color=0)
    crops, targets = [], []
    for frame in shown:
        box = sequence.boxes_xywh[frame]
        crop = crop_511(sequence.frames[frame], box)
        rng = np.random.Generator(np.random.Philox(key=np.array([seed, frame], np.uint64)))
        view = augment(crop, np.array(size_in_crop(box[2], box[3])), plain, _SIDE, False, rng)
        crops.append(view.image.transpose(1, 2, 0).astype(np.uint8))
        targets.append(view.target_xyxy)
    return Regions(shown, np.stack(crops), torch.from_numpy(np.stack(targets)))


def paper_rules(grid: ScoreGrid, *, candidates: int = 9) -> dict[str, LabelAssigner]:
    """The rules that the paper compares, by title; DLA stands behind the rule of the tracker it changes.

    Args:
        grid: points of the score map.
        candidates: the K of dynamic label assignment.
    """
    return {
        "SiamCAR: rectangle": build_assigner("rectangle", grid, center_ratio=0.6),
        f"DLA, points, K = {candidates}": build_assigner("dla_points", grid, candidates=candidates),
        "SiamRPN++: IoU > 0.6": build_assigner("iou", grid),
        f"DLA, anchors, K = {candidates}": build_assigner("dla_anchors", grid, candidates=candidates),
        "SiamFC: circle": build_assigner("circle", grid),
        "SiamBAN: ellipses": build_assigner("ellipse", grid),
        "SiamFC++: whole box": build_assigner("inside", grid),
    }


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
