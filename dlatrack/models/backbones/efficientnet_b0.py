"""EfficientNet-B0 with stride 8, the trunk of CoSiamRPN."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import ClassVar

from torch import Tensor, nn

from dlatrack.models.backbones.base import Backbone, maps_after
from dlatrack.models.torchvision_ops import torchvision

#: Dilation of the depthwise convolutions of stages 4 to 7: of the first block, and of the others.
_DILATION = {4: (1, 2), 5: (2, 2), 6: (2, 4), 7: (4, 4)}


class EfficientNetB0(Backbone):
    """Stem and stages 1 to 7 of torchvision's EfficientNet-B0, total stride 8.

    Against torchvision: a convolution of stride 2 pads (k - 1) / 2 - 1 instead of (k - 1) / 2, which keeps every map
    centred (127 -> 63 -> 31 -> 15 and 255 -> 127 -> 63 -> 31); stages 4 and 6 keep stride 1, and stages 4 to 7 are
    dilated instead; no block is dropped at random. The names of all weights are torchvision's (`features.*`).

    Squeeze-and-excitation pools over the whole crop, so that template and search region are gated by different
    surroundings and exact equivariance to translation is lost; the pretrained gates are kept all the same.

    Once unfrozen, stages 4 to 7 train, their batch norm with batch statistics.

    Args:
        levels: stages to return, ascending, out of 3 (40 channels), 5 (112) and 7 (320). Stages beyond the last are
            not built.

    Source: Tan and Le 2019; our own design for a tracker that is not published in detail (Tan, Xu, Wei, JVCIR 2021),
    after the strides and dilations of pysot's MobileNetV2.
    """

    STAGE_CHANNELS: ClassVar[Mapping[int, int]] = {3: 40, 5: 112, 7: 320}

    def __init__(self, levels: Iterable[int] = (3, 5, 7)) -> None:
        levels = self.checked_levels(levels)
        last = levels[-1]
        unused = tuple(f"features.{stage}." for stage in range(last + 1, 9))
        super().__init__(levels, ignored_prefixes=("classifier.", *unused))
        self.features = torchvision.models.efficientnet_b0().features[: last + 1]
        for stage, blocks in enumerate(self.features):
            for block, part in enumerate(blocks):
                _adapt(part, stage, block)

    def forward(self, images: Tensor) -> list[Tensor]:
        """See `Backbone.forward`."""
        return maps_after(self.features, self.levels, images)

    def trainable_stages(self) -> list[nn.Module]:
        """Stages 4 to 7, as far as they are built."""
        return list(self.features[4:])


def _adapt(part: nn.Module, stage: int, block: int) -> None:
    """Change strides, padding and dilation of the spatial convolutions in one block, and keep every block."""
    for module in part.modules():
        if isinstance(module, torchvision.ops.StochasticDepth):
            module.p = 0.0
        elif isinstance(module, nn.Conv2d) and module.kernel_size[0] > 1:
            reach = module.kernel_size[0] // 2
            if stage in _DILATION:
                dilation = _DILATION[stage][min(block, 1)]
                module.stride, module.dilation = (1, 1), (dilation, dilation)
                module.padding = (reach * dilation, reach * dilation)
            elif module.stride == (2, 2):
                module.padding = (reach - 1, reach - 1)
