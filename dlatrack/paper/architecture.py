"""Numbers of parameters of the networks and the sizes of their maps, read from the modules."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import pandas as pd
import torch
from torch import nn

from dlatrack.assign import DynamicLabelAssigner, assigner_of
from dlatrack.errors import InputError
from dlatrack.models.siamese import build_model
from dlatrack.paper.published import scores_of
from dlatrack.recipes import Recipe, recipe
from dlatrack.recipes.twins import dla_label

#: Recipes of the paper's trackers, of three whose label rules it discusses, and of NanoTrack V3, whose public weights
#: are small. A DLA tracker has its twin's network.
NETWORKS = ("siamrpnpp", "siamcar", "cosiamrpn", "siamfcpp", "siamban", "siamrpn", "siamfc", "nanotrack_v3")


@dataclass(frozen=True, eq=False)
class NetworkDrawing:
    """Content of a drawing of a network."""

    title: str  #: name of the tracker
    shapes: pd.DataFrame  #: table of `shape_table`
    parameters: dict[str, int]  #: numbers of parameters by "backbone", "neck" and "head"
    rule: str  #: description of the label rule, in short lines

    @property
    def numbers(self) -> dict[str, Any]:
        """Shapes, parameters and rule as JSON values."""
        return {
            "shapes": self.shapes.reset_index().to_dict("list"),
            "parameters": self.parameters,
            "rule": self.rule,
        }


def network(chosen: Recipe) -> NetworkDrawing:
    """Measure the network of a DLA recipe.

    Raises:
        InputError: for a recipe without dynamic label assignment.

    Source: SiamDLA Figs. 2 and 3; Algorithm 1.
    """
    rule = assigner_of(chosen)
    if not isinstance(rule, DynamicLabelAssigner):
        raise InputError(f"{chosen.name} has no dynamic label assignment")
    net = build_model(chosen)
    width, height = rule.anchor_shapes[0]
    count = len(rule.anchor_shapes)
    what = f"{count} anchors" if count > 1 else f"a {width:g} × {height:g} box"
    lines = (
        f"{what} at each of\nthe {rule.candidates} points nearest\nto the target centre\n\n"
        "T = mean + std\nof their IoU\n\n"
        f"positive: IoU ≥ T,\ncentre in the target\nnegative: {rule.negatives_per_positive} for each\n"
        "ignored: the rest\n\nin training alone"
    )
    parts = {"backbone": net.backbone, "neck": net.neck, "head": net.head}
    return NetworkDrawing(
        title=dla_label(chosen.title),
        shapes=shape_table(chosen),
        parameters={name: _size(part) for name, part in parts.items()},
        rule=lines,
    )


def parameter_table() -> pd.DataFrame:
    """Numbers of parameters of the `NETWORKS`, beside those that the paper prints.

    Returns:
        A row per tracker. Columns: `backbone network`; counts of `backbone`, `neck`, `head`, `without backbone` and
        `total`; `without backbone, 2^20`, the unit in which the paper's number for SiamCAR comes out; and `paper, M`,
        missing where the paper prints none.

    Source: SiamDLA Sec. 4.7.
    """
    printed = scores_of("training", "parameters_million")
    rows = {}
    for name in NETWORKS:
        chosen = recipe(name)
        net = build_model(chosen)
        backbone, neck, head = (_size(part) for part in (net.backbone, net.neck, net.head))
        rows[chosen.title] = {
            "backbone network": chosen.net.backbone,
            "backbone": backbone,
            "neck": neck,
            "head": head,
            "without backbone": neck + head,
            "total": backbone + neck + head,
            "without backbone, 2^20": (neck + head) / 2**20,
            "paper, M": printed.get(chosen.title),
        }
    return pd.DataFrame.from_dict(rows, orient="index").rename_axis("tracker")


def shape_table(chosen: Recipe) -> pd.DataFrame:
    """Sizes of the maps in a network, measured by a pass on the meta device, which computes no values.

    Args:
        chosen: recipe of the network.

    Returns:
        A row per step, columns `template`, `search, training` and `search, tracking`: channels x height x width of
        each map, several levels after each other.
    """
    net = build_model(chosen).to("meta")
    sizes = {
        "template": chosen.net.template_size,
        "search, training": chosen.net.search_size,
        "search, tracking": chosen.net.online_search_size,
    }
    columns = {}
    kernels: list[torch.Tensor] = []
    for name, size in sizes.items():
        images = torch.zeros(1, 3, size, size, device="meta")
        maps = net.backbone(images)
        steps = {"image": [images], "backbone": maps}
        if name == "template":
            kernels = net.head.kernels(net.neck.template(maps))
            steps |= {"neck": net.neck.template(maps), "correlation kernels": kernels}
        else:
            output = net.head(kernels, net.neck(maps))
            steps |= {"neck": net.neck(maps), "classes": [output.cls]}
            steps |= {"boxes": [output.reg], "centre-ness": [output.centerness]}
        columns[name] = {step: _shapes(parts) for step, parts in steps.items()}
    order = ["image", "backbone", "neck", "correlation kernels", "classes", "boxes", "centre-ness"]
    return pd.DataFrame(columns).reindex(order).fillna("").rename_axis("step")


def _size(part: nn.Module) -> int:
    return sum(parameter.numel() for parameter in part.parameters())


def _shapes(maps: Iterable[torch.Tensor | None]) -> str:
    texts = ["x".join(map(str, part.shape[1:])) for part in maps if part is not None]
    return ", ".join(dict.fromkeys(texts)) if len(set(texts)) < len(texts) else ", ".join(texts)
