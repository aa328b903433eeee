"""Read the checkpoints of public trackers."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

import torch
from torch import Tensor, nn

from dlatrack.models.heads import BanHead, CarHead, FcHead, FcppHead, RpnHead
from dlatrack.models.siamese import SiameseNet
from dlatrack.models.state_files import load_strict, plain_state, read_state, renamed

_NECK = (r"^neck\.downsample(\d+)\.downsample\.", r"neck.levels.\1.")

#: Public names to ours, by head; the first pattern that matches a name is applied. Level suffixes of the
#: public necks are ResNet stages (2, 3, 4), as our levels are.
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
        (r"^c_z_k\.conv\.", "head.cls_kernel.0."),
        (r"^c_z_k\.bn\.", "head.cls_kernel.1."),
        (r"^r_z_k\.conv\.", "head.box_kernel.0."),
        (r"^r_z_k\.bn\.", "head.box_kernel.1."),
        (r"^c_x\.conv\.", "head.cls_search.0."),
        (r"^c_x\.bn\.", "head.cls_search.1."),
        (r"^r_x\.conv\.", "head.box_search.0."),
        (r"^r_x\.bn\.", "head.box_search.1."),
        (r"^head\.cls_p5_conv1\.conv\.", "head.cls_tower.0."),
        (r"^head\.cls_p5_conv2\.conv\.", "head.cls_tower.2."),
        (r"^head\.bbox_p5_conv1\.conv\.", "head.box_tower.0."),
        (r"^head\.bbox_p5_conv2\.conv\.", "head.box_tower.2."),
        (r"^head\.cls_score_p5\.conv\.", "head.cls_score.0."),
        (r"^head\.cls_score_p5\.bn\.", "head.cls_score.1."),
        (r"^head\.ctr_score_p5\.conv\.", "head.centerness.0."),
        (r"^head\.ctr_score_p5\.bn\.", "head.centerness.1."),
        (r"^head\.bbox_offsets_p5\.conv\.", "head.box_offsets.0."),
        (r"^head\.bbox_offsets_p5\.bn\.", "head.box_offsets.1."),
        (r"^head\.si$", "head.box_scale"),
        (r"^head\.bi$", "head.box_bias"),
    ),
}


def load_official(net: SiameseNet, path_or_state_dict: str | Path | Mapping[str, Tensor]) -> None:
    """Fill a network with the weights of the public code of the same tracker.

    Read are pysot's SiamRPN++ and SiamRPN on AlexNet, SiamCAR, SiamBAN, video_analyst's SiamFC++ on Inception-v3 and
    siamfc-pytorch. The recipes feed their networks as these weights expect it (`NetConfig.input_format`).

    Args:
        net: of `build_model`; filled in place, and unchanged when anything is wrong.
        path_or_state_dict: a released model or training checkpoint (.pth, read without running code from it),
            a .safetensors file with the same names, or a state dict.

    Raises:
        InputError: when the file cannot be read, for missing, unknown, ill-shaped or not finite weights, and for two
            that would have the same name.

    Source: state dict layouts of pysot, of the public SiamCAR and SiamBAN code, of video_analyst and siamfc-pytorch.
    """
    if isinstance(path_or_state_dict, Mapping):
        source, state = "the state dict", plain_state(path_or_state_dict, "the state dict")
    else:
        source, state = str(path_or_state_dict), read_state(path_or_state_dict)
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
    """The public `down` is a transposed 1x1 convolution, its weight (in, out, 1, 1), not (out, in, 1, 1)."""
    name = "head.down.weight"
    if name in state and state[name].shape == head.down.weight.transpose(0, 1).shape:
        state[name] = state[name].transpose(0, 1)


def _equal_weights(state: dict[str, Tensor], head: RpnHead) -> None:
    """Unweighted models of pysot average over levels and store no level weights."""
    names = ("head.cls_weight", "head.loc_weight")
    if not any(name in state for name in names):
        state.update({name: torch.ones(len(head.levels)) for name in names})
