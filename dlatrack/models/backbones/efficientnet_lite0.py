"""EfficientNet-Lite0 with stride 16, the trunk of CoSiamRPN nano."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import ClassVar

from torch import Tensor, nn

from dlatrack.errors import InputError
from dlatrack.models.backbones.base import Backbone, maps_after
from dlatrack.models.preprocess import folded_normalisation
from dlatrack.recipes import InputFormat

#: Blocks of each stage: number, kernel, stride of the first, channels, and widening inside a block.
_STAGES = {
    1: (1, 3, 1, 16, 1),
    2: (2, 3, 2, 24, 6),
    3: (2, 5, 2, 40, 6),
    4: (3, 3, 2, 80, 6),
    5: (3, 5, 1, 112, 6),
}
_STEM_CHANNELS = 32
_BLOCKS_OF_THE_NETWORK = 16

#: What the public weights expect: (value - 127) / 128 of RGB images in 0..255; here for images in 0..1.
_MEAN, _STD = (127 / 255,) * 3, (128 / 255,) * 3

#: Epsilon of batch norm, as in EfficientNet.
_EPSILON = 1e-3


class EfficientNetLite0(Backbone):
    """The stem and the first eleven blocks of EfficientNet-Lite0, total stride 16.

    It is EfficientNet-B0 without squeeze-and-excitation and with ReLU6, so that nothing in it sees the whole crop.
    The stem does not pad, which lets it take over the normalisation of images exactly; the strided convolutions
    behind it pad by half their size. Cell i of every returned map looks at input px 1 + 16 i: 127 px give 8 cells,
    255 px give 16. The names of all weights are those of the public PyTorch file without its leading underscores.

    Once unfrozen, all blocks train, their batch norm with batch statistics.

    Args:
        levels: stages to return, ascending, out of 4 (80 channels) and 5 (112). Blocks beyond the last are not built.

    Source: Tan and Le 2019; EfficientNet-Lite of the public tensorflow/tpu code.
    """

    STAGE_CHANNELS: ClassVar[Mapping[int, int]] = {4: 80, 5: 112}

    def __init__(self, levels: Iterable[int] = (4, 5)) -> None:
        levels = self.checked_levels(levels)
        blocks: list[nn.Module] = []
        channels = _STEM_CHANNELS
        self._last_blocks: list[int] = []
        for stage in range(1, levels[-1] + 1):
            count, kernel, stride, width, widening = _STAGES[stage]
            for number in range(count):
                blocks.append(_Block(channels, width, kernel, 1 if number else stride, widening))
                channels = width
            if stage in levels:
                self._last_blocks.append(len(blocks) - 1)
        unused = tuple(f"blocks.{number}." for number in range(len(blocks), _BLOCKS_OF_THE_NETWORK))
        super().__init__(levels, ignored_prefixes=("conv_head.", "bn1.", "fc.", *unused))
        self.conv_stem = nn.Conv2d(3, _STEM_CHANNELS, 3, stride=2, bias=False)
        self.bn0 = nn.BatchNorm2d(_STEM_CHANNELS, eps=_EPSILON)
        self.activation = nn.ReLU6(inplace=True)
        self.blocks = nn.Sequential(*blocks)

    def forward(self, images: Tensor) -> list[Tensor]:
        """(B, 3, S, S) -> (B, out_channels[level], H, H) for each level, H = S / 16 rounded up for odd S."""
        return maps_after(self.blocks, self._last_blocks, self.activation(self.bn0(self.conv_stem(images))))

    def trainable_stages(self) -> list[nn.Module]:
        """All that are built."""
        return [self.conv_stem, self.bn0, *self.blocks]

    def adapted(self, state: Mapping[str, Tensor], input_format: InputFormat) -> dict[str, Tensor]:
        """Fit the weights of the public file, recognised by their leading underscores, to raw BGR images.

        Raises:
            InputError: for other images than raw BGR.
        """
        if not any(name.startswith("_") for name in state):
            return dict(state)
        if input_format != "bgr_255":
            raise InputError(
                f"the public weights of EfficientNet-Lite0 are fitted to input_format bgr_255, not to {input_format}"
            )
        adapted = {re.sub(r"(^|\.)_", r"\1", name): value for name, value in state.items()}
        first = ("conv_stem.weight", "bn0.running_mean")
        own = self.state_dict()
        if all(name in adapted and adapted[name].shape == own[name].shape for name in first):
            folded = folded_normalisation(*(adapted[name] for name in first), mean=_MEAN, std=_STD)
            adapted.update(zip(first, folded, strict=True))
        return adapted


class _Block(nn.Module):
    """Inverted bottleneck: widen by 1x1, depthwise convolution, narrow by 1x1; a sum where the shape stays."""

    def __init__(self, channels: int, width: int, kernel: int, stride: int, widening: int) -> None:
        super().__init__()
        inside = channels * widening
        if widening > 1:
            self.expand_conv = nn.Conv2d(channels, inside, 1, bias=False)
            self.bn0 = nn.BatchNorm2d(inside, eps=_EPSILON)
        self.depthwise_conv = nn.Conv2d(
            inside, inside, kernel, stride, padding=kernel // 2, groups=inside, bias=False
        )
        self.bn1 = nn.BatchNorm2d(inside, eps=_EPSILON)
        self.project_conv = nn.Conv2d(inside, width, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(width, eps=_EPSILON)
        self.activation = nn.ReLU6(inplace=True)
        self.widens, self.sums = widening > 1, stride == 1 and channels == width

    def forward(self, x: Tensor) -> Tensor:
        """(B, channels, H, H) -> (B, width, H / stride, H / stride), rounded up."""
        wide = self.activation(self.bn0(self.expand_conv(x))) if self.widens else x
        narrow: Tensor = self.bn2(self.project_conv(self.activation(self.bn1(self.depthwise_conv(wide)))))
        return x + narrow if self.sums else narrow
