"""MobileNetV3-Small with stride 16, the trunk of NanoTrack V3 and of nano trackers."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable, Mapping
from typing import ClassVar, cast

from torch import Tensor, nn

from dlatrack.models.backbones.base import Backbone, maps_after
from dlatrack.models.preprocess import folded_normalisation
from dlatrack.models.torchvision_ops import torchvision
from dlatrack.recipes import InputFormat

#: Position in torchvision's `features` of the last block of each stage, and of the last block that is built.
_LAST_BLOCK = {3: 6, 4: 8, 5: 9}
_BLOCKS = 12

#: Epsilon of torchvision's batch norm less that of this trunk's.
_EPSILON = 1e-3 - 1e-5


class MobileNetV3(Backbone):
    """The stem and the first nine blocks of torchvision's MobileNetV3-Small, total stride 16.

    Against torchvision: block 9 has stride 1; in blocks 4 to 9 the activation behind the depthwise convolution comes
    after squeeze-and-excitation, not before it; batch norm has torch's default epsilon 1e-5 and momentum 0.1. The
    names of all weights are torchvision's (`features.*`). Strided convolutions pad by half their size, so that cell i
    of every returned map looks at input px 16 i: 127 px give 8 cells, 255 px give 16.

    Once unfrozen, all blocks train, their batch norm with batch statistics.

    Args:
        levels: stages to return, ascending, out of 3 (40 channels), 4 (48) and 5 (96). Blocks beyond the last are not
            built.

    Source: Howard et al. 2019; strides, order and batch norm as in the public NanoTrack code.
    """

    STAGE_CHANNELS: ClassVar = {3: 40, 4: 48, 5: 96}

    def __init__(self, levels: Iterable[int] = (5,)) -> None:
        levels = self.checked_levels(levels)
        last = _LAST_BLOCK[levels[-1]]
        unused = tuple(f"features.{block}." for block in range(last + 1, _BLOCKS + 1))
        super().__init__(levels, ignored_prefixes=("classifier.", *unused))
        whole = torchvision.models.mobilenet_v3_small(norm_layer=nn.BatchNorm2d)
        self.features = whole.features[: last + 1]
        for number in range(4, last + 1):
            self.features[number].block = _excited_before_activation(self.features[number].block)
        if last == 9:
            self.features[9].block[1][0].stride = (1, 1)

    def forward(self, images: Tensor) -> list[Tensor]:
        """(B, 3, S, S) -> (B, out_channels[level], S / 16, S / 16), rounded up, for each level."""
        return maps_after(self.features, [_LAST_BLOCK[level] for level in self.levels], images)

    def trainable_stages(self) -> list[nn.Module]:
        """All that are built."""
        return list(self.features)

    def adapted(self, state: Mapping[str, Tensor], input_format: InputFormat) -> dict[str, Tensor]:
        """Fit torchvision's weights to this trunk.

        Variances take over the difference of the epsilons. Where the images are raw BGR and the file is torchvision's
        own, which its classifier shows, the first layer takes over the normalisation that the weights expect. A trunk
        that was trained for tracking has no classifier, and is taken to expect the images of the recipe.
        """
        adapted = {
            name: value + _EPSILON if name.endswith(".running_var") else value
            for name, value in state.items()
        }
        first = ("features.0.0.weight", "features.0.1.running_mean")
        own, imagenet = self.state_dict(), any(name.startswith("classifier.") for name in state)
        fit = all(name in state and state[name].shape == own[name].shape for name in first)
        if imagenet and input_format == "bgr_255" and fit:
            adapted.update(zip(first, folded_normalisation(*(state[name] for name in first)), strict=True))
        return adapted


def _excited_before_activation(block: nn.Sequential) -> nn.Sequential:
    """Move the activation of the depthwise convolution behind squeeze-and-excitation; the names of weights stay."""
    expansion, depthwise, excitation, projection = cast("list[nn.Sequential]", list(block))
    parts = {
        "0": expansion,
        "1": nn.Sequential(depthwise[0], depthwise[1]),
        "2": excitation,
        "activation": depthwise[2],
        "3": projection,
    }
    return nn.Sequential(OrderedDict(parts))
