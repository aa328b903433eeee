"""Inception-v3 with stride 8, the trunk that SiamFC++ calls GoogLeNet."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import ClassVar

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from dlatrack.models.backbones.base import Backbone
from dlatrack.models.init import kaiming
from dlatrack.models.torchvision_ops import torchvision
from dlatrack.recipes import InputFormat

#: Parts of torchvision's network in their order. Of its two poolings in between, the first stays and the second goes.
_PARTS = (
    *("Conv2d_1a_3x3", "Conv2d_2a_3x3", "Conv2d_2b_3x3", "Conv2d_3b_1x1", "Conv2d_4a_3x3"),
    *("Mixed_5b", "Mixed_5c", "Mixed_5d", "Mixed_6a", "Mixed_6b", "Mixed_6c", "Mixed_6d", "Mixed_6e"),
)
_POOLED = "Conv2d_2b_3x3"

#: Cells cut off every side of the last map; they see mostly padding.
_BORDER = 4


class InceptionV3(Backbone):
    """torchvision's Inception-v3 up to Mixed_6e without its second pooling, then a 1x1 convolution to 256 channels.

    Total stride 8; four cells are cut off every side: 127 px give 5 cells, 289 give 25, 303 give 27. Cell i looks at
    input px 45 + 8 i. The sizes do not divide evenly, so that the map lies two or three px left of and above the
    centre, in the template and in the search region alike. The input is raw BGR; it is turned to RGB in -1..1 here,
    because the weights need that. The names of all weights are torchvision's, besides `channel_reduce.*`.

    All batch norm (statistics, weights and biases) and `channel_reduce` train from the first epoch. Once unfrozen,
    the convolutions of Mixed_5 and Mixed_6 train too; those of the stem never do.

    Args:
        levels: numbers of the returned levels; only (6,), 256 channels, is there.

    Source: Szegedy et al. 2016; SiamFC++ (Xu et al. 2020) Sec. 4.1; cut and training as in video_analyst.
    """

    STAGE_CHANNELS: ClassVar[Mapping[int, int]] = {6: 256}

    def __init__(self, levels: Iterable[int] = (6,)) -> None:
        unused = ("Mixed_7a.", "Mixed_7b.", "Mixed_7c.", "AuxLogits.", "fc.")
        super().__init__(levels, ignored_prefixes=unused)
        whole = torchvision.models.Inception3(aux_logits=False, init_weights=False)
        for name in _PARTS:
            self.add_module(name, getattr(whole, name))
        self.channel_reduce = nn.Sequential(nn.Conv2d(768, 256, 1), nn.BatchNorm2d(256, eps=0.001))

    def forward(self, images: Tensor) -> list[Tensor]:
        """One map (B, 256, H, H) of raw BGR images."""
        x = (images.flip(1) - 127.5) / 127.5
        for name in _PARTS:
            x = self.get_submodule(name)(x)
            if name == _POOLED:
                x = F.max_pool2d(x, 3, 2)
        return [self.channel_reduce(x[..., _BORDER:-_BORDER, _BORDER:-_BORDER])]

    def trainable_stages(self) -> list[nn.Module]:
        """`channel_reduce`, Mixed_5 and Mixed_6."""
        return [
            self.channel_reduce,
            *(self.get_submodule(name) for name in _PARTS if name.startswith("Mixed")),
        ]

    def trainable_parameters(self) -> list[nn.Parameter]:
        """All but the convolutions of the stem."""
        return [
            p for name, p in self.named_parameters() if not _is_convolution(name) or name.startswith("Mixed")
        ]

    def train_mode(self, trains: bool) -> None:
        """See the class: only convolutions are ever frozen."""
        self.train()
        for name, parameter in self.named_parameters():
            parameter.requires_grad_(not _is_convolution(name) or (trains and name.startswith("Mixed")))

    def adapted(self, state: Mapping[str, Tensor], input_format: InputFormat) -> dict[str, Tensor]:
        """Torchvision's weights, which have no `channel_reduce`; that part keeps its own."""
        own = {name: value for name, value in self.state_dict().items() if name.startswith("channel_reduce.")}
        return {**own, **state}

    def reset_parameters(self, generator: torch.Generator) -> None:
        """Kaiming weights that keep the variance of the signal."""
        kaiming(self, generator, mode="fan_in")


def _is_convolution(name: str) -> bool:
    """Whether a parameter belongs to a convolution of Inception-v3 proper."""
    return ".conv." in name
