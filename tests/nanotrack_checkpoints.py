"""Checkpoints of NanoTrack in the names of its public code, made from networks of our own."""

from __future__ import annotations

import re

import torch
from torch import Tensor

from dlatrack.models.siamese import SiameseNet

#: Name of the part of a branch here, and in the public code; BRANCH is "cls" or "reg" there.
PARTS = {
    "pixel_kernel.": "corr_pw_BRANCH.conv_kernel.",
    "pixel_search.": "corr_pw_BRANCH.conv_search.",
    "attention.": "corr_pw_BRANCH.CA_layer.",
    "pixel.": "corr_pw_BRANCH.conv.",
    "depth_kernel.": "corr_dw_BRANCH.conv_kernel.",
    "depth_search.": "corr_dw_BRANCH.conv_search.",
    "join.": "down_BRANCH.0.",
}
TOWERS = {
    "head.cls.tower.": "ban_head.cls_tower.",
    "head.cls.predict.": "ban_head.cls_logits.0.",
    "head.box.tower.": "ban_head.bbox_tower.",
    "head.box.predict.": "ban_head.bbox_pred.0.",
}

#: Place of each convolution, batch norm and linear layer in a block: torchvision's, and that of the public code.
FIRST = {"0.0": "0", "0.1": "1", "1.fc1": "3.fc.0", "1.fc2": "3.fc.2", "2.0": "4", "2.1": "5"}
PLAIN = {"0.0": "0", "0.1": "1", "1.0": "3", "1.1": "4", "2.0": "7", "2.1": "8"}
EXCITED = {
    **{"0.0": "0", "0.1": "1", "1.0": "3", "1.1": "4"},
    **{"2.fc1": "5.fc.0", "2.fc2": "5.fc.2", "3.0": "7", "3.1": "8"},
}
PLACES = {1: FIRST, 2: PLAIN, 3: PLAIN, **dict.fromkeys(range(4, 10), EXCITED)}


def public_name(ours: str) -> str:
    """The public name of one of our weights."""
    for start, theirs in TOWERS.items():
        if ours.startswith(start):
            return theirs + ours.removeprefix(start)
    if found := re.match(r"head\.(cls|box)\.(\w+\.)(.*)", ours):
        branch = found[1].replace("box", "reg")
        return "ban_head." + PARTS[found[2]].replace("BRANCH", branch) + found[3]
    if found := re.match(r"backbone\.features\.(\d+)\.block\.(\d\.\w+)\.(.*)", ours):
        return f"backbone.features.{found[1]}.conv.{PLACES[int(found[1])][found[2]]}.{found[3]}"
    return ours


def public_state(net: SiameseNet, *, neck: bool = True) -> dict[str, Tensor]:
    """The weights of V3 as its public checkpoint has them: linear layers, and a neck that nothing uses."""
    state = {public_name(name): value for name, value in net.state_dict().items()}
    state = {
        name: value.flatten(1) if ".fc." in name and value.ndim == 4 else value
        for name, value in state.items()
    }
    unused = {
        "0.weight": torch.ones(96, 96, 1, 1),
        **{f"1.{part}": torch.ones(96) for part in ("weight", "bias")},
    }
    unused |= {f"1.running_{part}": torch.ones(96) for part in ("mean", "var")}
    unused["1.num_batches_tracked"] = torch.tensor(0)
    return state | {f"neck.downsample.{name}": value for name, value in unused.items() if neck}


def older_state(net: SiameseNet, version: str) -> dict[str, Tensor]:
    """A checkpoint of V1 (one pixel-wise correlation for both branches) or V2 (one for each); made-up weights."""
    dropped = ("ban_head.corr_dw_", "ban_head.down_", "neck.")
    state = {name: value for name, value in public_state(net).items() if not name.startswith(dropped)}
    if version == "V1":
        kept = {name: value for name, value in state.items() if not name.startswith("ban_head.corr_pw_")}
        attention = {
            name.replace("corr_pw_cls", "corr_pw"): v
            for name, v in state.items()
            if "pw_cls.CA_layer" in name
        }
        return kept | attention
    renames = (("cls_tower", "cls_pw_tower"), ("bbox_tower", "bbox_pw_tower"), ("cls_logits", "cls_pred"))
    for ours, theirs in renames:
        state = {name.replace(ours, theirs): value for name, value in state.items()}
    return {name: value for name, value in state.items() if not re.search(r"corr_pw_\w+\.conv\.", name)}


def same_weights(net: SiameseNet, other: SiameseNet) -> bool:
    """Whether two networks have the same bits, counters of batch norm left out."""
    states = (net.state_dict().items(), other.state_dict().items())
    return all(
        torch.equal(a, b) for (name, a), (_, b) in zip(*states, strict=True) if "num_batches" not in name
    )
