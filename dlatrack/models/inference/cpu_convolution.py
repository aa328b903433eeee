"""Convolutions for inference on a CPU: with packed weights, fused with what follows, and by minimal filtering."""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

#: Minimal filtering F(4, 3): four outputs of a filter g of three taps from six inputs d, y = A ((G g) * (B d)), with
#: six products instead of twelve. Its points are 0, 1, -1, 2, -2 and infinity.
_A = ((1, 1, 1, 1, 1, 0), (0, 1, -1, 2, -2, 0), (0, 1, 1, 4, 4, 0), (0, 1, -1, 8, -8, 1))
_B = (
    (4, 0, -5, 0, 1, 0),
    (0, -4, -4, 1, 1, 0),
    (0, 4, -4, -1, 1, 0),
    (0, -2, -1, 2, 1, 0),
    (0, 2, -1, -2, 1, 0),
    (0, 4, 0, -5, 0, 1),
)
_G = (
    (1 / 4, 0, 0),
    (-1 / 6, -1 / 6, -1 / 6),
    (-1 / 6, 1 / 6, -1 / 6),
    (1 / 24, 1 / 12, 1 / 6),
    (1 / 24, -1 / 12, 1 / 6),
    (0, 0, 1),
)
_OUT, _IN = len(_A), len(_B)
_POINTS = _IN * _IN

#: The point (1, 1): its column of A is all ones in both directions, so a bias added there reaches every output once.
_BIAS_POINT = _IN + 1

#: Channels from which minimal filtering was faster on two AVX2 cores.
_ENOUGH_CHANNELS = 256

#: px; with more, oneDNN has no fast depthwise kernel. In EfficientNet-B0, dilated by 4, it takes 20 times as long on
#: two AVX2 cores, and 4.3 instead of 1.2 ms on one core of an AMD EPYC (AVX-512).
_WIDEST_PADDING = 4


def onednn_available(dtype: torch.dtype = torch.float32) -> bool:
    """Whether the oneDNN operations used here run in `dtype` on this CPU.

    In float32 they need a build of torch with oneDNN. In bfloat16 and float16 oneDNN refuses CPUs that lack certain
    instructions (for float16: AVX512-FP16 or AVX-NE-CONVERT), where PyTorch's ordinary convolutions still work.

    Args:
        dtype: dtype of weights, input and output.
    """
    needed = ("_convolution_pointwise", "_reorder_convolution_weight")
    if not torch.backends.mkldnn.is_available() or not all(
        hasattr(torch.ops.mkldnn, name) for name in needed
    ):
        return False
    asked = {torch.bfloat16: "_is_mkldnn_bf16_supported", torch.float16: "_is_mkldnn_fp16_supported"}
    return dtype == torch.float32 or bool(getattr(torch.ops.mkldnn, asked[dtype])())


def has_native_bfloat16() -> bool:
    """Whether this CPU multiplies bfloat16 natively (AVX-512 BF16, AMX), and oneDNN uses it."""
    native = torch.cpu._is_avx512_bf16_supported() or torch.cpu._is_amx_tile_supported()
    return bool(native) and onednn_available(torch.bfloat16)


class PackedConv(nn.Module):
    """A convolution with weights in the memory layout of oneDNN, and a sum and an activation in the same pass.

    An ordinary `nn.Conv2d` reorders its weights in every call, this one in the first call only, for the size of that
    input; inputs of another size get the same result, but may take ten times as long. Packed weights can be neither
    saved nor moved, so they are not registered as buffers.

    A search region on one core of an AMD EPYC (AVX-512 BF16), against the same network with folded batch norm alone:
    415 instead of 596 ms in SiamRPN++ on ResNet-50, 11.6 instead of 18.9 ms in SiamCAR small.

    Args:
        weight: (outputs, inputs / groups, h, w) on the CPU, in a dtype for which `onednn_available`, as the input.
        bias: (outputs,) or None.
        padding, stride, dilation: (2,) px.
        groups: groups of channels.
        activation: oneDNN's name of the activation that follows, e.g. "none", "relu".
        limits: parameters of the activation.
    """

    def __init__(
        self,
        weight: Tensor,
        bias: Tensor | None,
        padding: Sequence[int] = (0, 0),
        stride: Sequence[int] = (1, 1),
        dilation: Sequence[int] = (1, 1),
        groups: int = 1,
        activation: str = "none",
        limits: Sequence[float] = (),
    ) -> None:
        super().__init__()
        outside = weight.shape[1] == 1 and max(padding) > _WIDEST_PADDING
        self._margin = [padding[1], padding[1], padding[0], padding[0]] if outside else None
        geometry = ([0, 0] if outside else list(padding), list(stride), list(dilation), groups)
        self._weight = weight.detach()
        self._fixed = (None if bias is None else bias.detach(), *geometry)
        self._activation, self._limits = activation, list(limits)
        # Resolved here, as it takes a tenth of a small convolution.
        self._convolve = torch.ops.mkldnn._convolution_pointwise.default
        self._convolve_and_add = torch.ops.mkldnn._convolution_pointwise.binary

    def forward(self, x: Tensor, other: Tensor | None = None) -> Tensor:
        """Activation of the convolution of `x` (B, C, H, W) plus `other`, which has the shape of the result."""
        if self._margin is not None:
            x = F.pad(x, self._margin)
        x = x.contiguous(memory_format=torch.channels_last)
        if not self._weight.is_mkldnn:
            self._weight = torch.ops.mkldnn._reorder_convolution_weight(
                self._weight, *self._fixed[1:], list(x.shape)
            )
        result: Tensor
        if other is None:
            result = self._convolve(x, self._weight, *self._fixed, self._activation, self._limits, "")
        else:
            activation = None if self._activation == "none" else self._activation
            result = self._convolve_and_add(
                x, other, self._weight, *self._fixed, "add", 1.0, activation, self._limits, None
            )
        return result


class Excitation(nn.Module):
    """Squeeze-and-excitation: each channel is weighted by a function of the means of all channels.

    Both 1x1 convolutions see a single cell, and are computed as matrix products: 3 us each on one core of an AMD
    EPYC, where oneDNN takes 20 us to prepare them.

    Args:
        first, second: 1x1 convolutions with bias, from channels to hidden channels and back.
        between: the activation behind `first`.
        gate: the activation behind `second`.

    Source: Hu et al., "Squeeze-and-Excitation Networks", CVPR 2018, Sec. 3.
    """

    def __init__(self, first: nn.Conv2d, second: nn.Conv2d, between: nn.Module, gate: nn.Module) -> None:
        super().__init__()
        self._first, self._second = ((conv.weight.flatten(1), conv.bias) for conv in (first, second))
        self._between, self._gate = between, gate

    def forward(self, x: Tensor) -> Tensor:
        """(B, C, H, W) -> the same shape."""
        hidden = self._between(F.linear(x.mean((2, 3)), *self._first))
        return x * self._gate(F.linear(hidden, *self._second))[..., None, None]


class WinogradConv(nn.Module):
    """A 3x3 convolution of stride 1, dilated or not, with 36 products for 16 outputs instead of 144.

    Outputs that are `dilation` px apart form an ordinary convolution of their own; each such phase is cut into
    tiles of 6 x 6 inputs and 4 x 4 outputs. The transformed weights take four times the memory of the original.

    A search region of SiamRPN++ on ResNet-50, on one core of an AMD EPYC (AVX-512 BF16): 281 ms, and 415 ms with
    `PackedConv` everywhere. The small trackers have no convolution that is wide enough.

    Args:
        weight: (outputs, inputs, 3, 3) float32 on the CPU.
        bias: (outputs,) or None.
        padding: px, the same on all sides.
        dilation: px, the same in both directions.
        relu: whether negative results become 0.

    Source: Lavin and Gray, "Fast Algorithms for Convolutional Neural Networks", CVPR 2016, Sec. 4.
    """

    def __init__(
        self, weight: Tensor, bias: Tensor | None, padding: int = 0, dilation: int = 1, relu: bool = False
    ) -> None:
        super().__init__()
        self._padding, self._dilation, self._relu = padding, dilation, relu
        self._outputs = len(weight)
        a, b, g = (torch.tensor(matrix) for matrix in (_A, _B, _G))
        self._to_points, self._from_points = torch.kron(b, b).float(), torch.kron(a, a).float()
        taps = weight.detach().flatten(2).permute(2, 0, 1)  # (9, outputs, inputs)
        at_points = torch.tensordot(torch.kron(g, g), taps, 1)  # (36, outputs, inputs)
        biases = torch.zeros(_POINTS, self._outputs)
        if bias is not None:
            biases[_BIAS_POINT] = bias.detach()
        # One matrix product per point is a 1x1 convolution with a group per point, and as such uses packed weights.
        self._products = PackedConv(
            at_points.flatten(0, 1)[..., None, None], biases.flatten(), groups=_POINTS
        )

    @staticmethod
    def suits(conv: nn.Conv2d) -> bool:
        """Whether `conv` is a 3x3 convolution of stride 1 that is wide enough to become faster."""
        plain = conv.kernel_size == (3, 3) and conv.stride == (1, 1) and conv.groups == 1
        even = conv.padding[0] == conv.padding[1] and conv.dilation[0] == conv.dilation[1]
        return plain and even and min(conv.in_channels, conv.out_channels) >= _ENOUGH_CHANNELS

    def forward(self, x: Tensor) -> Tensor:
        """(B, C, H, W) -> (B, outputs, H + 2 (padding - dilation), W + 2 (padding - dilation))."""
        batch, step = len(x), self._dilation
        height, width = (side + 2 * (self._padding - step) for side in x.shape[2:])
        rows, columns = (math.ceil(side / (step * _OUT)) for side in (height, width))  # tiles of a phase
        points = self._to_points @ self._tiles(x, rows, columns)
        map_of_tiles = points.view(batch, rows * step, columns * step, -1).permute(0, 3, 1, 2)
        products = self._products(map_of_tiles).permute(0, 2, 3, 1).reshape(-1, _POINTS, self._outputs)
        blocks = self._from_points @ products  # (tiles, 16, outputs)
        blocks = blocks.view(batch, rows, step, columns, step, _OUT, _OUT, self._outputs)
        whole = blocks.permute(0, 1, 5, 2, 3, 6, 4, 7).reshape(
            batch, rows * _OUT * step, columns * _OUT * step, self._outputs
        )
        cut = whole[:, :height, :width]
        return (cut.relu() if self._relu else cut.contiguous()).permute(0, 3, 1, 2)

    def _tiles(self, x: Tensor, rows: int, columns: int) -> Tensor:
        """The overlapping inputs of all tiles of all phases, (tiles, 36, C)."""
        step, before = self._dilation, self._padding
        high, wide = ((_OUT * tiles + _IN - _OUT) * step for tiles in (rows, columns))
        below, right = high - before - x.shape[2], wide - before - x.shape[3]
        padded = F.pad(x.permute(0, 2, 3, 1), (0, 0, before, right, before, below))  # (B, high, wide, C)
        phases = padded.reshape(len(x), high // step, step, wide // step, step, -1)
        tiles = phases.unfold(1, _IN, _OUT).unfold(3, _IN, _OUT)  # (B, rows, step, columns, step, C, 6, 6)
        return tiles.permute(0, 1, 2, 3, 4, 6, 7, 5).reshape(-1, _POINTS, x.shape[1])
