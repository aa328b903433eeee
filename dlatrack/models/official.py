"""Loading of the checkpoints of public trackers."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

import torch
from torch import Tensor, nn

from dlatrack.models.heads import BanHead, CarHead, FcHead, FcppHead, RpnHead
from dlatrack.models.siamese import SiameseNet
from dlatrack.models.state_files import load_strict, read_state, renamed

_NECK = (r"^neck\.downsample(\d+)\.downsample\.", r"neck.levels.\1.")

#: Blocks of convolution and batch norm in SiamFC++.
_FCPP_BLOCKS = {
    "c_z_k": "cls_kernel",
    "r_z_k": "box_kernel",
    "c_x": "cls_search",
    "r_x": "box_search",
    r"head\.cls_score_p5": "cls_score",
    r"head\.ctr_score_p5": "centerness",
    r"head\.bbox_offsets_p5": "box_offsets",
}

#: Patterns of public names and what replaces them, by head; the first one that matches a name is applied. Level
#: suffixes of the public necks are ResNet stages (2, 3, 4), as the levels of dlatrack are.
_RENAMES: dict[type[nn.Module], tuple[tuple[str, str], ...]] = {
    RpnHead: (
        _NECK,
        (r"^rpn_head\.rpn(\d+)\.", r"head.levels.\1."),
        (r"^rpn_head\.(cls|loc)\.", r"head.levels.5.\1."),  # SiamRPN: AlexNet's one level
        (r"^rpn_head\.", "head."),
    ),
    BanHead: (
        _NECK,
        (r"^head\.box(\d+)\.", r"head.levels.\1."),
    ),
    CarHead: (
        _NECK,
        (r"^car_head\.", "head."),
        (r"^down\.", "head.down."),
    ),
    FcHead: (),
    FcppHead: (
        (r"^basemodel\.", "backbone."),
        *(
            (rf"^{theirs}\.{layer}\.", f"head.{ours}.{number}.")
            for theirs, ours in _FCPP_BLOCKS.items()
            for number, layer in enumerate(("conv", "bn"))
        ),
        (r"^head\.cls_p5_conv1\.conv\.", "head.cls_tower.0."),
        (r"^head\.cls_p5_conv2\.conv\.", "head.cls_tower.2."),
        (r"^head\.bbox_p5_conv1\.conv\.", "head.box_tower.0."),
        (r"^head\.bbox_p5_conv2\.conv\.", "head.box_tower.2."),
        (r"^head\.si$", "head.box_scale"),
        (r"^head\.bi$", "head.box_bias"),
    ),
}


def load_official(net: SiameseNet, path_or_state_dict: str | Path | Mapping[str, Tensor]) -> None:
    """Fill a network with the weights of the public code of the same tracker.

    Supported are pysot's SiamRPN++ and SiamRPN on AlexNet, SiamCAR, SiamBAN, video_analyst's SiamFC++ on Inception-v3
    and siamfc-pytorch. The recipes have the input format that these weights expect (`NetConfig.input_format`).

    Args:
        net: network of `build_model`; filled in place, and unchanged when anything is wrong.
        path_or_state_dict: a released model or training checkpoint (.pth, read without running code from it),
            a .safetensors file with the same names, or a state dict.

    Raises:
        InputError: when the file cannot be read, for missing, unknown, ill-shaped or not finite weights, and for two
            that would have the same name.

    Source: state dict layouts of pysot, of the public SiamCAR and SiamBAN code, of video_analyst and siamfc-pytorch.
    """
    state, source = read_state(path_or_state_dict)
    renames = _RENAMES[type(net.head)]
    ours = renamed(state, lambda name: _renamed(name, renames), source)
    if isinstance(net.head, CarHead):
        _transpose_down(ours, net.head)
    if type(net.head) is RpnHead and len(net.head.levels) > 1:
        _equal_weights(ours, net.head)
    load_strict(net, ours, source)


def _renamed(name: str, renames: tuple[tuple[str, str], ...]) -> str:
    for pattern, ours in renames:
        name, changed = re.subn(pattern, ours, name)
        if changed:
            break
    return name


def _transpose_down(state: dict[str, Tensor], head: CarHead) -> None:
    """Transpose the weight of the public `down`, a transposed 1x1 convolution: (in, out, 1, 1) to (out, in, 1, 1)."""
    name = "head.down.weight"
    if name in state and state[name].shape == head.down.weight.transpose(0, 1).shape:
        state[name] = state[name].transpose(0, 1)


def _equal_weights(state: dict[str, Tensor], head: RpnHead) -> None:
    """Add equal level weights to the unweighted models of pysot, which average over levels and store none."""
    names = ("head.cls_weight", "head.loc_weight")
    if not any(name in state for name in names):
        state.update({name: torch.ones(len(head.levels)) for name in names})
