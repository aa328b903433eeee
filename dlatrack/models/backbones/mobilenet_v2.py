"""MobileNetV2 with stride 8, the trunk of the small trackers."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import ClassVar

import torch
from torch import Tensor, nn

from dlatrack.models.backbones.base import Backbone, maps_after
from dlatrack.models.depthwise import replace_depthwise
from dlatrack.models.init import kaiming
from dlatrack.models.torchvision_ops import torchvision

#: Position in torchvision's `features` of the last block of each stage.
_LAST_BLOCK = {1: 1, 2: 3, 3: 6, 4: 10, 5: 13}


class MobileNetV2(Backbone):
    """The first thirteen blocks of torchvision's MobileNetV2, without padding at its strides, total stride 8.

    Against torchvision: the stem and the stride-2 depthwise convolutions of stages 2 and 3 do not pad; stage
    4 (blocks 7 to 10) keeps stride 1, its first block undilated and the rest dilated by 2, like stage 5 (11 to
    13). The names of all weights are torchvision's (`features.*`). Stages 3 to 5 look at input px 7 + 8 i.

    Once unfrozen, all blocks train: the stem too is small here, and small trackers have little else to fit to
    video. Batch norm keeps its statistics throughout: ImageNet weights with folded batch norm (mean 0, variance 1)
    would lose their meaning if they were normalised again, and the small batches of a small machine estimate
    statistics badly.

    Args:
        levels: stages to return, ascending, out of 1 (16 channels, stride 2), 2 (24, stride 4), 3 (32), 4
            (64), 5 (96). Blocks beyond the last are not built.

    Source: Sandler et al. 2018; padding and dilation after the MobileNetV2 of the public pysot code.
    """

    STAGE_CHANNELS: ClassVar[Mapping[int, int]] = {1: 16, 2: 24, 3: 32, 4: 64, 5: 96}
    batch_norm_trains: ClassVar[bool] = False

    def __init__(self, levels: Iterable[int] = (3, 4)) -> None:
        levels = self.checked_levels(levels)
        last = _LAST_BLOCK[levels[-1]]
        unused = tuple(f"features.{block}." for block in range(last + 1, 19))
        super().__init__(levels, ignored_prefixes=("classifier.", *unused))
        self.features = torchvision.models.mobilenetv2.MobileNetV2().features[: last + 1]
        for position, block in enumerate(self.features):
            for part in block.modules():
                if isinstance(part, nn.Conv2d) and part.kernel_size == (3, 3):
                    _set_stride_and_padding(part, position)
        replace_depthwise(self.features)

    def forward(self, images: Tensor) -> list[Tensor]:
        """See `Backbone.forward`."""
        return maps_after(self.features, [_LAST_BLOCK[level] for level in self.levels], images)

    def trainable_stages(self) -> list[nn.Module]:
        """All that are built."""
        return list(self.features)

    def reset_parameters(self, generator: torch.Generator) -> None:
        """Draw weights that keep the variance of the signal, because batch norm does not correct it here."""
        kaiming(self, generator, mode="fan_in")


def _set_stride_and_padding(convolution: nn.Conv2d, position: int) -> None:
    """Change a 3x3 convolution of block `position`, 0 being the stem."""
    if position == 7:
        convolution.stride = (1, 1)
    elif position > 7:
        convolution.dilation = convolution.padding = (2, 2)
    elif convolution.stride == (2, 2):
        convolution.padding = (0, 0)
