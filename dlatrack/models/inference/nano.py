"""The head of NanoTrack for inference: both branches side by side."""

from __future__ import annotations

from typing import cast

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.nn.utils.fusion import fuse_conv_bn_eval

from dlatrack.models.heads import HeadOutput, NanoHead
from dlatrack.models.heads.base import distances
from dlatrack.models.heads.nano import NanoBranch
from dlatrack.models.inference.cpu_convolution import Excitation


class JoinedNanoHead(nn.Module):
    """A `NanoHead` whose branches for classes and for boxes are computed together; only the rounding changes.

    Each pair of layers is one convolution with two groups. Linear layers in a row are multiplied beforehand: those
    before the pixel-wise correlation with the kernel of the target, and the last one behind it with the layer that
    joins both correlations. In a network as small as NanoTrack, calls take as long as computation: on one core of an
    AMD EPYC (AVX-512 BF16) the head takes 1.0 instead of 1.8 ms, packed by `fusion.fuse_children` in both cases.

    Args:
        head: head in evaluation mode, left as it is.
    """

    def __init__(self, head: NanoHead) -> None:
        super().__init__()
        branches = head.cls, head.box
        #: the 1x1 convolution before the pixel-wise correlation, with folded batch norm, of each branch
        self._before_pixel = [_folded(branch.pixel_search)[0] for branch in branches]
        self.depth_search = _beside([_folded(branch.depth_search)[0] for branch in branches], shared=True)
        fc1, fc2 = ([getattr(branch.attention, name) for branch in branches] for name in ("fc1", "fc2"))
        self.attention = Excitation(_block_diagonal(fc1), _block_diagonal(fc2), nn.ReLU(), nn.Sigmoid())
        folded = [_folded(branch.pixel) for branch in branches]
        joins = [_split_join(branch, last) for branch, (_, last) in zip(branches, folded, strict=True)]
        self.by_cell = nn.Sequential(
            _beside([first for first, _ in folded]), nn.ReLU6(), _beside([pixel for pixel, _ in joins])
        )
        self.by_channel = _beside([depth for _, depth in joins])
        towers = zip(*(_folded(branch.tower) for branch in branches), strict=True)
        layers: list[nn.Module] = []
        for number, pair in enumerate(towers):
            layers += [_beside(list(pair)), *([nn.ReLU6()] if number % 2 == 0 else [])]
        self.tower = nn.Sequential(*layers, _block_diagonal([branch.predict for branch in branches]))
        self._outputs = [branch.predict.out_channels for branch in branches]

    def for_target(self, kernels: list[Tensor]) -> list[Tensor]:
        """The kernels of `NanoHead.kernels` in the form that `forward` takes, computed once per target.

        Returns:
            Weights (B, channels, 128) and biases (B, 1, 128) from a cell of the search map to its pixel-wise
            responses, and kernels (B, 2 channels, 4, 4) of the depth-wise correlation.
        """
        weights, biases = [], []
        for pixel, before in zip(kernels[::2], self._before_pixel, strict=True):
            cells = pixel.flatten(2)  # (B, channels, 64)
            weights.append(before.weight.flatten(1).t() @ cells)
            biases.append(cast("Tensor", before.bias) @ cells)
        return [torch.cat(weights, 2), torch.cat(biases, 1)[:, None], torch.cat(kernels[1::2], 1)]

    def forward(self, kernels: list[Tensor], search: list[Tensor]) -> HeadOutput:
        """See `NanoHead.forward`; `kernels` is the result of `for_target`."""
        weights, biases, kernel = kernels
        (maps,) = search
        products = torch.baddbmm(biases, maps.permute(0, 2, 3, 1).flatten(1, 2), weights)  # (B, 256, 128)
        response = products.view(len(maps), *maps.shape[2:], -1).permute(0, 3, 1, 2)
        planes = self.depth_search(maps).reshape(1, -1, *maps.shape[2:])
        kernels_by_group = kernel.reshape(-1, 1, *kernel.shape[2:])
        correlated = F.conv2d(planes, kernels_by_group, padding=1, groups=len(kernels_by_group))
        correlated = correlated.reshape(*kernel.shape[:2], *correlated.shape[2:])
        joined = self.by_cell(self.attention(response)) + self.by_channel(correlated)
        cls, box = self.tower(joined).split(self._outputs, 1)
        return HeadOutput(cls, distances(box), None)


def _folded(layers: nn.Sequential) -> list[nn.Conv2d]:
    """The convolutions, each with the batch norm behind it."""
    pairs = zip(layers, [*layers][1:], strict=False)
    return [
        fuse_conv_bn_eval(cast("nn.Conv2d", conv), norm)
        for conv, norm in pairs
        if isinstance(norm, nn.BatchNorm2d)
    ]


def _split_join(branch: NanoBranch, last: nn.Conv2d) -> tuple[nn.Conv2d, nn.Conv2d]:
    """The convolution of both correlations as a sum of two, the first one multiplied with `last` before it."""
    cells = last.out_channels
    of_pixel, of_depth = branch.join.weight.flatten(1).split([cells, branch.join.in_channels - cells], 1)
    bias = of_pixel @ cast("Tensor", last.bias) + cast("Tensor", branch.join.bias)
    return _conv((of_pixel @ last.weight.flatten(1))[..., None, None], bias), _conv(of_depth[..., None, None])


def _beside(convs: list[nn.Conv2d], *, shared: bool = False) -> nn.Conv2d:
    """Convolutions of the same geometry as one, with groups; or of the same input, if it is `shared`."""
    biases = [conv.bias for conv in convs if conv.bias is not None]
    return _conv(
        torch.cat([conv.weight for conv in convs]),
        torch.cat(biases) if biases else None,
        1 if shared else sum(conv.groups for conv in convs),
        cast("int", convs[0].padding[0]),
    )


def _block_diagonal(convs: list[nn.Conv2d]) -> nn.Conv2d:
    """1x1 convolutions side by side without groups, for few cells or few outputs, where zeros cost nothing."""
    weight = torch.block_diag(*(conv.weight.flatten(1) for conv in convs))
    return _conv(weight[..., None, None], torch.cat([cast("Tensor", conv.bias) for conv in convs]))


def _conv(weight: Tensor, bias: Tensor | None = None, groups: int = 1, padding: int = 0) -> nn.Conv2d:
    outputs, inputs, *size = weight.shape
    conv = nn.Conv2d(
        inputs * groups, outputs, (size[0], size[1]), padding=padding, groups=groups, device="meta"
    )
    conv.weight = nn.Parameter(weight.detach(), requires_grad=False)
    conv.bias = None if bias is None else nn.Parameter(bias.detach(), requires_grad=False)
    return conv
