"""Loading of the checkpoints of public trackers."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

import torch
from torch import Tensor, nn

from dlatrack.errors import InputError
from dlatrack.models.heads import BanHead, CarHead, FcHead, FcppHead, NanoHead, RpnHead
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

#: Parts of a branch of NanoTrack V3, before and after "cls" or "reg" in the public name.
_NANO_PARTS = {
    ("corr_pw_", r"\.conv_kernel\."): "pixel_kernel.",
    ("corr_pw_", r"\.conv_search\."): "pixel_search.",
    ("corr_pw_", r"\.CA_layer\."): "attention.",
    ("corr_pw_", r"\.conv\."): "pixel.",
    ("corr_dw_", r"\.conv_kernel\."): "depth_kernel.",
    ("corr_dw_", r"\.conv_search\."): "depth_search.",
    ("down_", r"\.0\."): "join.",
}

#: Places in a block of NanoTrack's trunk, and torchvision's names: block 1 has no expansion, blocks 2 and 3 have no
#: squeeze-and-excitation.
_NANO_BLOCKS = {
    "1": {"0": "0.0", "1": "0.1", r"3\.fc\.0": "1.fc1", r"3\.fc\.2": "1.fc2", "4": "2.0", "5": "2.1"},
    "[23]": {"0": "0.0", "1": "0.1", "3": "1.0", "4": "1.1", "7": "2.0", "8": "2.1"},
    r"\d+": {
        **{"0": "0.0", "1": "0.1", "3": "1.0", "4": "1.1", "7": "3.0", "8": "3.1"},
        **{r"5\.fc\.0": "2.fc1", r"5\.fc\.2": "2.fc2"},
    },
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
    NanoHead: (
        *(
            (rf"^backbone\.features\.({block})\.conv\.{theirs}\.", rf"backbone.features.\1.block.{ours}.")
            for block, places in _NANO_BLOCKS.items()
            for theirs, ours in places.items()
        ),
        *(
            (rf"^ban_head\.{first}{branch}{last}", f"head.{branch.replace('reg', 'box')}.{ours}")
            for (first, last), ours in _NANO_PARTS.items()
            for branch in ("cls", "reg")
        ),
        (r"^ban_head\.cls_tower\.", "head.cls.tower."),
        (r"^ban_head\.cls_logits\.0\.", "head.cls.predict."),
        (r"^ban_head\.bbox_pred\.0\.", "head.box.predict."),
        (r"^ban_head\.bbox_tower\.", "head.box.tower."),
    ),
}

#: What a public checkpoint may hold beyond its network, by head: NanoTrack stores a neck that it never uses.
_UNUSED: dict[type[nn.Module], tuple[str, ...]] = {NanoHead: ("neck.downsample.",)}


def load_official(net: SiameseNet, path_or_state_dict: str | Path | Mapping[str, Tensor]) -> None:
    """Fill a network with the weights of the public code of the same tracker.

    Supported are pysot's SiamRPN++ and SiamRPN on AlexNet, SiamCAR, SiamBAN, video_analyst's SiamFC++ on
    Inception-v3, siamfc-pytorch, and NanoTrack V3, whose neck, which its network never uses, may be left out. The
    recipes have the input format that these weights expect (`NetConfig.input_format`).

    Args:
        net: network of `build_model`; filled in place, and unchanged when anything is wrong.
        path_or_state_dict: a released model or training checkpoint (.pth, read without running code from it),
            a .safetensors file with the same names, or a state dict.

    Raises:
        InputError: when the file cannot be read, for missing, unknown, ill-shaped or not finite weights, for two that
            would have the same name, for NanoTrack V1 and V2, for NanoTrack V3 where `net` is another tracker, and
            for a head of your own.

    Source: state dict layouts of pysot, of the public SiamCAR and SiamBAN code, of video_analyst, siamfc-pytorch
    and NanoTrack.
    """
    state, source = read_state(path_or_state_dict)
    if type(net.head) not in _RENAMES:
        raise InputError(f"{source}: no public checkpoint is known for the head {type(net.head).__name__}")
    _check_nanotrack_version(state, source, net.head)
    renames = _RENAMES[type(net.head)]
    ours = renamed(state, lambda name: _renamed(name, renames), source)
    if isinstance(net.head, CarHead):
        _transpose_down(ours, net.head)
    if type(net.head) is RpnHead and len(net.head.levels) > 1:
        _equal_weights(ours, net.head)
    if isinstance(net.head, NanoHead):
        ours = {name: _as_convolution(name, value) for name, value in ours.items()}
    load_strict(net, ours, source, ignored=_UNUSED.get(type(net.head), ()))


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


def _check_nanotrack_version(state: Mapping[str, Tensor], source: str, head: nn.Module) -> None:
    """Raise on NanoTrack V1 or V2, whose heads have fewer correlations, and on V3 where `head` is another one."""
    if any(name.startswith("ban_head.corr_dw_") for name in state):
        if not isinstance(head, NanoHead):
            raise InputError(
                f"{source} is a checkpoint of NanoTrack V3; the recipes nanotrack_v3 and dla_nanotrack_v3 take it"
            )
        return
    first = "ban_head.corr_dw_cls.conv_kernel.0.weight"
    for version, part in (("V1", "ban_head.corr_pw."), ("V2", "ban_head.corr_pw_cls.")):
        if any(name.startswith(part) for name in state):
            raise InputError(
                f"{source} is a checkpoint of NanoTrack {version}, which has no recipe; the recipes nanotrack_v3 and "
                f"dla_nanotrack_v3 take V3 (nanotrackv3.pth), whose depth-wise correlations are missing here, first "
                f"{first}"
            )


def _as_convolution(name: str, value: Tensor) -> Tensor:
    """A linear layer of NanoTrack's squeeze-and-excitation, (out, in), as a 1x1 convolution (out, in, 1, 1)."""
    linear = name.startswith("backbone.") and ".fc" in name and value.ndim == 2
    return value[..., None, None] if linear else value
