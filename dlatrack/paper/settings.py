"""The paper's settings beside those of our recipes, with reasons for the differences."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pandas as pd

from dlatrack.assign import IGNORE, NEGATIVE, POSITIVE, assigner_of
from dlatrack.models.preprocess import IMAGENET_MEAN, IMAGENET_STD
from dlatrack.paper.published import FIGURE9_FOLLOWED, settings
from dlatrack.recipes import Recipe, recipe
from dlatrack.sampling.mixture import PAPER_SHARES

#: The recipe whose values are compared: for a tracker, for all of them, and for all with dynamic label assignment.
_RECIPES = {
    "SiamRPN++": "siamrpnpp",
    "SiamCAR": "siamcar",
    "DLA-SiamRPN++": "dla_siamrpnpp",
    "DLA-SiamCAR": "dla_siamcar",
    "DLA": "dla_siamcar",
    "all": "dla_siamrpnpp",
}

_WHY = {
    "positive_width_fraction": "0.4 is what the public SiamCAR code trains with; the picture of Fig. 1 takes 0.6",
    "positive_height_fraction": "as for the width",
    "samples_per_pair": "with DLA no cap: four negatives for each positive",
    "aspect_ratios": "anchors of the public generator, in px: it truncates to whole strides",
    "normalise_mean": "as the public checkpoints expect; the small networks and CoSiamRPN are fed as the paper says",
    "normalise_std": "as for the mean",
    "precision_threshold_px": "in every protocol of docs/evaluation.md",
    "search_size": "289 for SiamFC++, as in its public code",
    "graphics_cards": "any number, see docs/training.md",
    "robustness_factor": "failures per 100 frames times 30 frames; the factor makes it a share",
    "iterations_per_epoch": "the last, incomplete batch is trained too where there is one",
    "inflection_iteration": "ten epochs of iterations, after which the backbone joins",
}


def settings_table() -> pd.DataFrame:
    """Every setting that the paper prints, beside the value of our recipe of the same tracker.

    Returns:
        A row per setting. Columns, all text: `where` in the paper, `tracker`, `setting`, `paper`, `dlatrack` (""
        where the user decides), `taken over` ("yes", "no" or "") and `remark`.
    """
    rows = []
    for printed in settings():
        ours = _OURS[printed.name](recipe(_RECIPES[printed.of])) if printed.name in _OURS else None
        rows.append(
            {
                "where": printed.source.removeprefix("SiamDLA "),
                "tracker": printed.of,
                "setting": printed.name.replace("_", " "),
                "paper": _as_text(printed.value),
                "dlatrack": "" if ours is None else _as_text(ours),
                "taken over": "" if ours is None else "yes" if ours == printed.value else "no",
                "remark": _WHY.get(printed.name, ""),
            }
        )
    return pd.DataFrame(rows)


def _assigner(chosen: Recipe) -> Any:
    return assigner_of(chosen)


def _normalised(chosen: Recipe) -> bool:
    return chosen.net.input_format == "rgb_imagenet"


def _iterations(chosen: Recipe) -> int:
    return -(-chosen.schedule.pairs_per_epoch // chosen.schedule.batch)


#: Our value of each setting, from the recipe or from the assigner that it builds.
_OURS: dict[str, Callable[[Recipe], Any]] = {
    "iou_positive_above": lambda chosen: _assigner(chosen).positive_above,
    "iou_negative_below": lambda chosen: _assigner(chosen).negative_below,
    "samples_per_pair": lambda chosen: _assigner(chosen).max_samples,
    "positives_per_pair_at_most": lambda chosen: _assigner(chosen).max_positives,
    "positive_width_fraction": lambda chosen: _assigner(chosen).center_ratio,
    "positive_height_fraction": lambda chosen: _assigner(chosen).center_ratio,
    "candidates": lambda chosen: _assigner(chosen).candidates,
    "negatives_per_positive": lambda chosen: _assigner(chosen).negatives_per_positive,
    "label_values": lambda chosen: (POSITIVE, NEGATIVE, IGNORE),
    "anchors_per_point": lambda chosen: len(_assigner(chosen).anchor_shapes),
    "aspect_ratios": lambda chosen: tuple(f"{w:g}x{h:g}" for w, h in _assigner(chosen).anchor_shapes[::-1]),
    "box": lambda chosen: _assigner(chosen).anchor_shapes[0],
    "box_scale": lambda chosen: _assigner(chosen).anchor_shapes[0][0] / chosen.net.stride,
    "stride": lambda chosen: chosen.net.stride,
    "template_size": lambda chosen: chosen.net.template_size,
    "search_size": lambda chosen: chosen.net.search_size,
    "normalise_mean": lambda chosen: IMAGENET_MEAN if _normalised(chosen) else "raw BGR",
    "normalise_std": lambda chosen: IMAGENET_STD if _normalised(chosen) else "raw BGR",
    "training_sets": lambda chosen: len(PAPER_SHARES),
    "pairs_per_epoch": lambda chosen: chosen.schedule.pairs_per_epoch,
    "epochs": lambda chosen: chosen.schedule.epochs,
    "backbone_joins_in_epoch": lambda chosen: chosen.schedule.unfreeze_epoch + 1,
    "candidates_followed": lambda chosen: FIGURE9_FOLLOWED,
    "batch": lambda chosen: chosen.schedule.batch,
    "iterations_per_epoch": _iterations,
    "inflection_iteration": lambda chosen: chosen.schedule.unfreeze_epoch * _iterations(chosen),
}


def _as_text(value: Any) -> str:
    if isinstance(value, tuple):
        return ", ".join(map(_as_text, value))
    return f"{value:g}" if isinstance(value, float) else str(value)
