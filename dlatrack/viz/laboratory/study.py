"""Labels of several rules in one frame, and their numbers of positives along a sequence, as plain data."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import pandas as pd
import torch

from dlatrack.assign import IGNORE, NEGATIVE, POSITIVE, Assignment, LabelAssigner
from dlatrack.datasets.sequence import Sequence
from dlatrack.errors import InputError
from dlatrack.imagery import Imagery
from dlatrack.viz.laboratory.region import Region, check_box, cut_region, place_region, targets_along


@dataclass(frozen=True, eq=False)
class RuleView:
    """Labels of one rule for one target. A is the number of samples, m anchors for each of N points."""

    assigner: LabelAssigner  #: the rule
    assignment: Assignment  #: its assignment for a batch of one

    @property
    def labels(self) -> np.ndarray:
        """(A,) int8: 1 positive, 0 negative, -1 ignored."""
        return self.assignment.labels[0].numpy()

    @property
    def candidates(self) -> np.ndarray | None:
        """(C,) int64, samples whose overlap dynamic label assignment compares, nearest first."""
        found = self.assignment.candidates
        return None if found is None else found[0].numpy()

    @property
    def iou(self) -> np.ndarray | None:
        """(C,) overlap of the candidates with the target; of all samples for a rule that measures all."""
        found = self.assignment.iou
        return None if found is None else found[0].numpy()

    @property
    def distance(self) -> np.ndarray | None:
        """(A,) distance of each point from the target in the unit of a geometric rule."""
        found = self.assignment.distance
        return None if found is None else found[0].numpy()

    @property
    def threshold(self) -> float:
        """Threshold of the overlap or distance; T of dynamic label assignment."""
        return float(self.assignment.threshold[0])

    @property
    def mean_std(self) -> tuple[float, float] | None:
        """Mean and standard deviation of the candidates' IoU, whose sum is T; None for fixed rules."""
        mean, std = self.assignment.mean, self.assignment.std
        return None if mean is None or std is None else (float(mean[0]), float(std[0]))

    @property
    def rescued(self) -> bool:
        """Whether no sample satisfied the rule and the best candidate was taken."""
        return bool(self.assignment.rescued[0])

    @property
    def counts(self) -> dict[str, int]:
        """Number of positive, negative and ignored samples."""
        kinds = {"positive": POSITIVE, "negative": NEGATIVE, "ignored": IGNORE}
        return {kind: int((self.labels == label).sum()) for kind, label in kinds.items()}


@dataclass(frozen=True, eq=False)
class FrameView:
    """One frame under several rules."""

    frame: int  #: number of the frame
    box_xywh: np.ndarray  #: (4,) the target, frame px
    target_xyxy: np.ndarray  #: (4,) the target, region px
    region: Region  #: position of the search region in the frame
    region_rgb: np.ndarray  #: (255, 255, 3) uint8, the search region
    rules: dict[str, RuleView]  #: labels of each rule by its title
    imagery: Imagery  #: where the frame comes from


class Positives(NamedTuple):
    """Positives along a sequence; one row per frame that shows the target, one column per rule."""

    counts: pd.DataFrame  #: number of positives, int64, by frame number and title
    rescued: pd.DataFrame  #: bool, True where no sample satisfied the rule and the best candidate was taken


def explain_frame(
    sequence: Sequence,
    index: int,
    assigners: Mapping[str, LabelAssigner],
    *,
    box_xywh: np.ndarray | None = None,
    seed: int = 0,
    positive_pair: bool = True,
    image_rgb: np.ndarray | None = None,
) -> FrameView:
    """Label one frame by several rules: the content of the laboratory as plain data.

    The search region is the one of `label_assignment.search_regions`: cut around the annotated box, shifted and
    stretched as in training. A box given by hand moves the target and leaves the region in its place; where no target
    is annotated, the region is cut around the given box.

    Args:
        sequence: a video.
        index: frame number, 0..T-1.
        assigners: rules by title.
        box_xywh: (4,), frame px, in place of the annotation.
        seed: seed of the shift of the region and the draw of negatives.
        positive_pair: False: labels of a pair whose search region shows another object.
        image_rgb: (H, W, 3) uint8, the decoded frame; None: it is read from the sequence.

    Returns:
        Labels, candidates with their IoU, thresholds and counts.

    Raises:
        InputError: for a frame number out of range, a frame without target or given box, or a bad box.
        ValueError: from a rule that has no labels for negative pairs.
    """
    check_frame(sequence, index)
    image = sequence.frames[index] if image_rgb is None else image_rgb
    height, width = image.shape[:2]
    by_hand = None if box_xywh is None else check_box(box_xywh, (width, height))
    annotated = sequence.boxes_xywh[index] if sequence.visible[index] else by_hand
    if annotated is None:
        raise InputError(f"frame {index} of {sequence.name} has no annotated target; give its box x, y, w, h")
    region = place_region(annotated, index, seed=seed)
    target = region.target_xyxy if by_hand is None else region.from_frame(by_hand)
    return FrameView(
        frame=index,
        box_xywh=annotated if by_hand is None else by_hand,
        target_xyxy=target,
        region=region,
        region_rgb=cut_region(image, region),
        rules={
            title: apply_rule(rule, target, seed=seed, positive_pair=positive_pair)
            for title, rule in assigners.items()
        },
        imagery=sequence.imagery,
    )


def apply_rule(
    assigner: LabelAssigner, target_xyxy: np.ndarray, *, seed: int = 0, positive_pair: bool = True
) -> RuleView:
    """Label the samples for one target (4,) in region px.

    Raises:
        ValueError: as `LabelAssigner.assign`.
    """
    target = torch.as_tensor(target_xyxy, dtype=torch.float64)[None]
    pair = torch.tensor([positive_pair])
    return RuleView(assigner, assigner.assign(target, pair, generator=torch.Generator().manual_seed(seed)))


def positives_along(
    sequence: Sequence, assigners: Mapping[str, LabelAssigner], *, seed: int = 0
) -> Positives:
    """Count the positives of every rule in every frame that shows the target, in one batch per rule.

    The numbers are those of `label_assignment.count_positives`; no image is decoded.

    Args:
        sequence: a video.
        assigners: rules by title.
        seed: seed of the shifts of the regions and the draw of negatives.

    Raises:
        InputError: if no frame shows the target.
    """
    frames, target_xyxy = targets_along(sequence, seed=seed)
    targets = torch.from_numpy(target_xyxy)
    found = {
        title: rule.assign(targets, generator=torch.Generator().manual_seed(seed))
        for title, rule in assigners.items()
    }
    index = pd.Index(frames, name="frame")
    return Positives(
        pd.DataFrame({title: answer.positive.sum(1).numpy() for title, answer in found.items()}, index),
        pd.DataFrame({title: answer.rescued.numpy() for title, answer in found.items()}, index),
    )


def check_frame(sequence: Sequence, index: int) -> None:
    """Check the number of a frame.

    Raises:
        InputError: for a number out of range, naming the range.
    """
    if not 0 <= index < len(sequence):
        raise InputError(f"sequence {sequence.name} has frames 0..{len(sequence) - 1}, not {index}")
