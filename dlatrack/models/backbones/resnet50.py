"""ResNet-50 with stride 8, the trunk of SiamRPN++, SiamCAR and SiamBAN."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import ClassVar

import torch.nn.functional as F
from torch import Tensor, nn

from dlatrack.models.backbones.base import Backbone
from dlatrack.models.preprocess import folded_normalisation
from dlatrack.models.torchvision_ops import torchvision
from dlatrack.recipes import InputFormat


class ResNet50(Backbone):
    """torchvision's ResNet-50 without padding at its strides, and dilated, not strided, in stages 3 and 4.

    Against torchvision: the first convolution and the stride-2 convolutions of stage 2 do not pad; stages 3
    and 4 keep stride 1 and dilate by 2 and 4; the shortcut convolutions of stages 2 to 4 are 3x3, so that
    they look at the same pixels as the branch beside them. The names of all weights are torchvision's.

    Once unfrozen, stages 2 to 4 train, their batch norm with batch statistics; conv1, bn1 and layer1 never
    train.

    Args:
        levels: stages to return, ascending, out of 1 (256 channels), 2 (512), 3 (1024), 4 (2048). Stages
            beyond the last are not built.

    Source: SiamRPN++ (Li et al. 2019) Sec. 3.3; the public pysot code.
    """

    STAGE_CHANNELS: ClassVar[Mapping[int, int]] = {1: 256, 2: 512, 3: 1024, 4: 2048}

    def __init__(self, levels: Iterable[int] = (2, 3, 4)) -> None:
        levels = self.checked_levels(levels)
        unused = tuple(f"layer{stage}." for stage in self.STAGE_CHANNELS if stage > levels[-1])
        super().__init__(levels, ignored_prefixes=("fc.", *unused))
        resnet = torchvision.models.resnet
        trunk = resnet.ResNet(
            resnet.Bottleneck, [3, 4, 6, 3], replace_stride_with_dilation=[False, True, True]
        )
        self.conv1, self.bn1, self.relu, self.maxpool = trunk.conv1, trunk.bn1, trunk.relu, trunk.maxpool
        self.conv1.padding = (0, 0)
        trunk.layer2[0].conv2.padding = (0, 0)
        _widen_shortcut(trunk.layer2[0], padding=0, dilation=1)
        _widen_shortcut(trunk.layer3[0], padding=1, dilation=1)
        _widen_shortcut(trunk.layer4[0], padding=2, dilation=2)
        for stage in range(1, levels[-1] + 1):
            self.add_module(f"layer{stage}", getattr(trunk, f"layer{stage}"))

    def forward(self, images: Tensor) -> list[Tensor]:
        """See `Backbone.forward`; stage 1 has stride 4 and its cells look at input px 3 + 4 i."""
        x = self.maxpool(self.relu(self.bn1(self.conv1(images))))
        maps = []
        for stage in range(1, self.levels[-1] + 1):
            x = self.get_submodule(f"layer{stage}")(x)
            if stage in self.out_channels:
                maps.append(x)
        return maps

    def trainable_stages(self) -> list[nn.Module]:
        """Stages 2 to 4, as far as they are built."""
        return [self.get_submodule(f"layer{stage}") for stage in range(2, self.levels[-1] + 1)]

    def adapted(self, state: Mapping[str, Tensor], input_format: InputFormat) -> dict[str, Tensor]:
        """Fit torchvision's weights, recognised by their 1x1 shortcut kernels, to this trunk.

        Each kernel becomes the centre of a zero 3x3 kernel, and where the images are raw BGR, the first layer takes
        over the normalisation that the weights expect. The result computes what torchvision's network computes, away
        from the borders. Weights that have 3x3 shortcuts already (pysot's) are taken as they are.
        """
        own = self.state_dict()
        adapted = dict(state)
        for name, value in state.items():
            if name in own and value.shape[2:] == (1, 1) and own[name].shape[2:] == (3, 3):
                adapted[name] = F.pad(value, (1, 1, 1, 1))
        first = ("conv1.weight", "bn1.running_mean")
        torchvisions = any(value.shape != state[name].shape for name, value in adapted.items())
        fit = all(name in state and state[name].shape == own[name].shape for name in first)
        if torchvisions and input_format == "bgr_255" and fit:
            adapted.update(zip(first, folded_normalisation(*(state[name] for name in first)), strict=True))
        return adapted


def _widen_shortcut(block: nn.Module, padding: int, dilation: int) -> None:
    """Replace the 1x1 shortcut convolution of a bottleneck by a 3x3 one of the same stride."""
    narrow = block.get_submodule("downsample.0")
    assert isinstance(narrow, nn.Conv2d)
    shortcut = block.get_submodule("downsample")
    assert isinstance(shortcut, nn.Sequential)
    shortcut[0] = nn.Conv2d(
        narrow.in_channels,
        narrow.out_channels,
        kernel_size=3,
        stride=narrow.stride,  # type: ignore[arg-type]
        padding=padding,
        dilation=dilation,
        bias=False,
    )
