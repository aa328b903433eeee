"""How the positives of rules that look at predictions move from an untrained to a trained network."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import pandas as pd
import torch

from dlatrack import boxes
from dlatrack.assign import LabelAssigner, Prediction
from dlatrack.models.backbones.starting import starting_weights
from dlatrack.models.initial import load_initial_backbone
from dlatrack.models.siamese import SiameseNet, build_model
from dlatrack.models.weights import load_weights
from dlatrack.recipes import Recipe
from dlatrack.recipes.twins import label
from dlatrack.studies.label_assignment import every_rule
from dlatrack.studies.masked_regions import MaskedRegions, head_of, predictions
from dlatrack.studies.mechanism import ANCHOR_SHAPES

#: Shipped trackers with which the rules are compared.
STUDIED = ("siamcar_small", "dla_siamcar_small", "siamrpnpp_small")

#: The two states of a network.
UNTRAINED, TRAINED = "untrained", "trained"


class Answers(NamedTuple):
    """What one network answers for search regions before and after its training."""

    tracker: str  #: label of the tracker
    head: str  #: "points" or "anchors"
    rules: dict[str, LabelAssigner]  #: rules that look at predictions, by title
    predictions: dict[str, Prediction]  #: by `UNTRAINED` and `TRAINED`

    def positive(self, rule: str, state: str, regions: MaskedRegions) -> np.ndarray:
        """Positives of a rule, (B, A) bool."""
        found = self.rules[rule].assign(
            regions.target_xyxy, generator=torch.Generator(), prediction=self.predictions[state]
        )
        positive: np.ndarray = found.positive.numpy()
        return positive


def answers(regions: MaskedRegions, trackers: Sequence[str] = STUDIED, *, seed: int = 0) -> list[Answers]:
    """What shipped trackers answer, and the same networks at the first step of their training.

    Args:
        regions: B search regions.
        trackers: names of shipped trackers.
        seed: seed of the fresh weights.

    Raises:
        InputError: if a tracker does not come with the package.
    """
    found = []
    for name in trackers:
        net, recipe = load_weights(name)
        head = head_of(recipe)
        rules = {
            title: rule for title, rule in every_rule(head, recipe.grid).items() if rule.needs_prediction
        }
        both = {
            UNTRAINED: predictions(_fresh(recipe, seed), recipe, regions),
            TRAINED: predictions(net, recipe, regions),
        }
        found.append(Answers(label(recipe), head, rules, both))
    return found


def _fresh(recipe: Recipe, seed: int) -> SiameseNet:
    """A network as training starts with it: shipped backbone, fresh neck and head, batch norm by the batch.

    In evaluation mode the running statistics of fresh batch norm do not fit its inputs yet, and an RPN head answers
    boxes of thousands of px.
    """
    net = build_model(recipe, torch.Generator().manual_seed(seed))
    start = starting_weights(recipe.net.backbone, "shipped")
    assert start is not None
    load_initial_backbone(net, recipe, start)
    return net.train_mode(False)


def movement_table(regions: MaskedRegions, found: Sequence[Answers]) -> pd.DataFrame:
    """Where the positives are with the untrained and with the trained network.

    Returns:
        A row per tracker, rule and state: `positives` (mean per region); `distance, px` of their points from the
        target centre; `IoU` of the boxes predicted at them with the target; `purity`, the share on visible pixels of
        the target; and `stays`, for the trained network, the share of the untrained one's positives that are
        positive still. NaN where a rule has no positive.
    """
    rows = []
    for one in found:
        each = len(ANCHOR_SHAPES[one.head])
        points = next(iter(one.rules.values())).grid.points
        offset = points[None] - boxes.centre(regions.target_xyxy)[:, None]
        distance = offset.norm(dim=-1).numpy().repeat(each, 1)
        on_target = regions.on_target(points).repeat(each, 1)
        overlaps = {
            state: boxes.iou(prediction.boxes_xyxy.double(), regions.target_xyxy[:, None]).numpy()
            for state, prediction in one.predictions.items()
        }
        for rule in one.rules:
            positives = {state: one.positive(rule, state, regions) for state in overlaps}
            for state, positive in positives.items():
                stays = _mean(positive, positives[UNTRAINED]) if state == TRAINED else np.nan
                means = [_mean(values, positive) for values in (distance, overlaps[state], on_target)]
                rows.append((one.tracker, rule, state, float(positive.sum(1).mean()), *means, stays))
    columns = ["tracker", "rule", "network", "positives", "distance, px", "IoU", "purity", "stays"]
    return pd.DataFrame(rows, columns=columns)


def pictured(
    regions: MaskedRegions, found: Answers, rules: Sequence[str], index: int
) -> dict[str, dict[str, list[int]]]:
    """Numbers of the positive samples of region `index`, by rule and state of the network."""
    return {
        rule: {
            state: np.flatnonzero(found.positive(rule, state, regions)[index]).tolist()
            for state in found.predictions
        }
        for rule in rules
    }


def _mean(values: np.ndarray, where: np.ndarray) -> float:
    return float(values[where].mean()) if where.any() else np.nan
