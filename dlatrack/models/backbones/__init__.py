"""Backbones by name, and their initial weights."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

from torch import Tensor

from dlatrack.models.backbones.alexnet import AlexNet, GroupedAlexNet
from dlatrack.models.backbones.base import Backbone
from dlatrack.models.backbones.efficientnet_b0 import EfficientNetB0
from dlatrack.models.backbones.efficientnet_lite0 import EfficientNetLite0
from dlatrack.models.backbones.inception_v3 import InceptionV3
from dlatrack.models.backbones.mobilenet_v2 import MobileNetV2
from dlatrack.models.backbones.mobilenet_v3 import MobileNetV3
from dlatrack.models.backbones.resnet50 import ResNet50
from dlatrack.models.backbones.starting import is_trunk, save_trunk, shipped_trunks, starting_weights
from dlatrack.models.state_files import load_strict, read_state
from dlatrack.recipes import InputFormat

__all__ = [
    "BACKBONES",
    "AlexNet",
    "Backbone",
    "EfficientNetB0",
    "EfficientNetLite0",
    "GroupedAlexNet",
    "InceptionV3",
    "MobileNetV2",
    "MobileNetV3",
    "ResNet50",
    "load_backbone_weights",
    "save_trunk",
    "shipped_trunks",
    "starting_weights",
]

#: Backbones that a recipe may name.
BACKBONES: dict[str, Callable[[Iterable[int]], Backbone]] = {
    "resnet50": ResNet50,
    "efficientnet_b0": EfficientNetB0,
    "efficientnet_lite0": EfficientNetLite0,
    "inception_v3": InceptionV3,
    "alexnet": AlexNet,
    "alexnet_grouped": GroupedAlexNet,
    "mobilenet_v2": MobileNetV2,
    "mobilenet_v3": MobileNetV3,
}


def load_backbone_weights(
    backbone: Backbone,
    path_or_state_dict: str | Path | Mapping[str, Tensor],
    input_format: InputFormat = "rgb_imagenet",
) -> None:
    """Fill a backbone with a trunk that was trained here, or with the weights of the torchvision network of its name.

    The classifier and stages that the backbone does not build may be in the file and are left out. Where the trunk
    differs from torchvision's, the weights are fitted to it (`Backbone.adapted`).

    Args:
        backbone: backbone to fill in place; unchanged when anything is wrong.
        path_or_state_dict: a .safetensors file, a file of `torch.save`, or a state dict.
        input_format: format of the images that the network will be given.

    Raises:
        InputError: when the file cannot be read or is a trunk for images of another format, and for missing,
            unknown, ill-shaped or not finite weights.
    """
    state, source = read_state(path_or_state_dict)
    if isinstance(path_or_state_dict, Mapping) or not is_trunk(path_or_state_dict, input_format):
        state = backbone.adapted(state, input_format)
    load_strict(backbone, state, source, ignored=backbone.ignored_prefixes)
