"""AlexNet without padding, the trunks of SiamRPN and SiamFC."""

from __future__ import annotations

from collections.abc import Iterable
from typing import ClassVar

from torch import Tensor, nn

from dlatrack.models.backbones.base import Backbone


class AlexNet(Backbone):
    """Five unpadded convolutions with batch norm, total stride 8: 127 px give 6 cells, 255 give 22, 287 give 26.

    Pooling comes before the rectifier, and the last layer has none. Cell i looks at input px 43 + 8 i. The names of
    all weights are those of pysot's older AlexNet (`features.*`).

    Once unfrozen, all of it trains, its batch norm with batch statistics.

    Args:
        levels: numbers of the returned levels; only (5,), 256 channels, is there.

    Source: SiamRPN (Li et al. 2018) Sec. 3.1; layers as in pysot ("alexnetlegacy").
    """

    STAGE_CHANNELS: ClassVar = {5: 256}

    def __init__(self, levels: Iterable[int] = (5,)) -> None:
        super().__init__(levels, ignored_prefixes=())
        self.features = nn.Sequential(
            *_block(3, 96, 11, stride=2, pool=True),
            *_block(96, 256, 5, pool=True),
            *_block(256, 384, 3),
            *_block(384, 384, 3),
            *_block(384, 256, 3)[:-1],
        )

    def forward(self, images: Tensor) -> list[Tensor]:
        """One map (B, 256, H, H)."""
        return [self.features(images)]

    def trainable_stages(self) -> list[nn.Module]:
        """The whole trunk."""
        return [self.features]


class GroupedAlexNet(Backbone):
    """The trunk of SiamFC: as `AlexNet`, with two groups of channels in layers 2, 4 and 5.

    Pooling comes after the rectifier, and the last layer has neither batch norm nor rectifier. 127 px give 6 cells,
    255 give 22. The names of all weights are those of siamfc-pytorch (`conv1.0.*` and so on).

    All of it trains from the start, its batch norm with batch statistics.

    Args:
        levels: numbers of the returned levels; only (5,), 256 channels, is there.

    Source: SiamFC (Bertinetto et al. 2016) Table 1; batch norm (eps 1e-6, momentum 0.05) as in siamfc-pytorch.
    """

    STAGE_CHANNELS: ClassVar = {5: 256}

    def __init__(self, levels: Iterable[int] = (5,)) -> None:
        super().__init__(levels, ignored_prefixes=())
        self.conv1 = _grouped_block(3, 96, 11, stride=2, pool=True)
        self.conv2 = _grouped_block(96, 256, 5, groups=2, pool=True)
        self.conv3 = _grouped_block(256, 384, 3)
        self.conv4 = _grouped_block(384, 384, 3, groups=2)
        self.conv5 = nn.Sequential(nn.Conv2d(384, 256, 3, groups=2))

    def forward(self, images: Tensor) -> list[Tensor]:
        """One map (B, 256, H, H)."""
        return [self.conv5(self.conv4(self.conv3(self.conv2(self.conv1(images)))))]

    def trainable_stages(self) -> list[nn.Module]:
        """The whole trunk."""
        return [self.conv1, self.conv2, self.conv3, self.conv4, self.conv5]


def _block(inputs: int, outputs: int, size: int, *, stride: int = 1, pool: bool = False) -> list[nn.Module]:
    layers: list[nn.Module] = [nn.Conv2d(inputs, outputs, size, stride), nn.BatchNorm2d(outputs)]
    if pool:
        layers.append(nn.MaxPool2d(3, 2))
    return [*layers, nn.ReLU(inplace=True)]


def _grouped_block(
    inputs: int, outputs: int, size: int, *, stride: int = 1, groups: int = 1, pool: bool = False
) -> nn.Sequential:
    layers: list[nn.Module] = [
        nn.Conv2d(inputs, outputs, size, stride, groups=groups),
        nn.BatchNorm2d(outputs, eps=1e-6, momentum=0.05),
        nn.ReLU(inplace=True),
    ]
    return nn.Sequential(*layers, *([nn.MaxPool2d(3, 2)] if pool else []))
