"""What each choice that the paper leaves open changes in the labels: no network, no training."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import pandas as pd
import torch
from torch import Tensor

from dlatrack import boxes
from dlatrack.assign import NEGATIVE, POSITIVE, build_assigner
from dlatrack.datasets.sequence import Sequence
from dlatrack.grid import ScoreGrid
from dlatrack.progress import Progress
from dlatrack.studies.hyperparameter_k import MIXES, simulated_targets
from dlatrack.studies.label_assignment import search_regions
from dlatrack.studies.presets import frames_to_label, sizes

_AT_ONCE = 1000  # targets
_MIX = "as in LaSOT"

#: Heads by title, and their rule in `assign.build_assigner`.
RULES = {"points": "dla_points", "anchors": "dla_anchors"}


@dataclass(frozen=True)
class Choice:
    """Another answer to one question that the paper leaves open."""

    question: str
    ours: str  #: the default
    other: str  #: this answer
    options: Mapping[str, Any] = field(default_factory=dict)  #: options of the assigner that give this answer
    offset: float = 31  #: position of the first grid point, search-region px
    heads: tuple[str, ...] = tuple(RULES)  #: heads of `RULES` that the question concerns


#: The rows of docs/decisions.md that labels depend on, for the default K.
CHOICES = (
    Choice("standard deviation", "over n - 1", "over n", {"std": "biased"}),
    Choice("IoU that equals T", "within 1e-6", "exactly", {"tolerance": 0.0}),
    Choice("centre of a positive", "in the target", "anywhere", {"positive_centre": "anywhere"}),
    Choice("no sample satisfies", "best one rescued", "no labels", {"on_empty": "strict"}),
    Choice("positives from", "candidates", "all samples", {"positive_scope": "all"}),
    Choice("negatives from", "all the rest", "outside the target", {"negative_pool": "outside_target"}),
    Choice("negatives from", "all the rest", "IoU below 0.3", {"negative_pool": "low_iou"}),
    Choice("first point", "31 px", "32 px", offset=32, heads=("points",)),
)

DEFAULT = "our default"


def label_materials(preset: str, sequence: Sequence, *, seed: int = 0) -> dict[str, Tensor]:
    """Targets to label: those of a sequence, and many with the shapes of LaSOT's boxes.

    Args:
        preset: "smoke", "demo" or "paper": how many.
        sequence: a video; its frames are cut, shifted and stretched as in training.
        seed: seed of shifts, stretches and shapes.

    Returns:
        (B, 4) xyxy float64, search-region px, by title.

    Raises:
        InputError: for an unknown preset, or a sequence that never shows its target.
    """
    frames = frames_to_label(preset, len(sequence))
    regions = search_regions(sequence, frames, seed=seed)
    mean, std = MIXES[_MIX]
    simulated = simulated_targets(sizes(preset).choice_targets, seed, mean=mean, std=std)
    return {
        f"{len(regions.frames)} frames of {sequence.name}": regions.target_xyxy,
        f"{len(simulated):,} simulated targets, shapes {_MIX}": simulated,
    }


def compare_choices(materials: Mapping[str, Tensor], *, seed: int = 0) -> pd.DataFrame:
    """Label targets by our default and by every other choice, one at a time, with the same random draws.

    Args:
        materials: (B, 4) xyxy targets by title.
        seed: seed of the draws of negatives.

    Returns:
        A row per material, head and choice, our default first: `targets` (title), `head`, `question`, `ours`,
        `choice`; means per target, `positives` and `negatives`; and shares: of targets with `other positives` and
        `other labels` than our default gives, and `unlabelled` (without any positive), and of negatives with their
        centre in the target, `negatives inside`.
    """
    rows = []
    with Progress(len(materials) * len(RULES) * (len(CHOICES) + 1), "labelling", unit="rules") as progress:
        for title, targets in materials.items():
            keys = torch.randint(2**63 - 1, (len(targets),), generator=torch.Generator().manual_seed(seed))
            for head in RULES:
                default = None
                for choice in (Choice("", "", DEFAULT), *CHOICES):
                    if head in choice.heads:
                        labels = _labels(head, choice, targets, keys)
                        default = labels if default is None else default
                        figures = _figures(labels, default, targets, choice.offset)
                        rows.append((title, head, choice.question, choice.ours, choice.other, *figures))
                    progress.step()
    columns = ["targets", "head", "question", "ours", "choice", "positives", "negatives"]
    columns += ["other positives", "other labels", "unlabelled", "negatives inside"]
    return pd.DataFrame(rows, columns=columns)


def _labels(head: str, choice: Choice, targets: Tensor, keys: Tensor) -> Tensor:
    """(B, A) int8."""
    rule = build_assigner(RULES[head], ScoreGrid(offset=choice.offset), **choice.options)
    parts = zip(targets.split(_AT_ONCE), keys.split(_AT_ONCE), strict=True)
    return torch.cat([rule.assign(part, generator=key).labels for part, key in parts])


def _figures(labels: Tensor, default: Tensor, targets: Tensor, offset: float) -> tuple[float, ...]:
    """The numbers of a row of `compare_choices`."""
    positive, negative = labels == POSITIVE, labels == NEGATIVE
    points = ScoreGrid(offset=offset).points
    inside = torch.cat(
        [boxes.ltrb(points, part[:, None]).amin(-1) > 0 for part in targets.split(_AT_ONCE)]
    ).repeat_interleave(labels.shape[1] // len(points), 1)
    return (
        _share(positive.sum(1)),
        _share(negative.sum(1)),
        _share((positive != (default == POSITIVE)).any(1)),
        _share((labels != default).any(1)),
        _share(~positive.any(1)),
        float((negative & inside).sum() / negative.sum().clamp(min=1)),
    )


def _share(values: Tensor) -> float:
    return float(values.double().mean())
