"""Depthwise convolutions with a stride or a dilation train as plain ones do."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn

from dlatrack.models.backbones import MobileNetV2
from dlatrack.models.depthwise import DepthwiseConv2d, replace_depthwise


def depthwise(
    channels: int, side: int, stride: int, padding: int, dilation: int, dtype: torch.dtype = torch.float64
) -> nn.Conv2d:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        return nn.Conv2d(
            channels, channels, side, stride, padding, dilation, groups=channels, bias=False, dtype=dtype
        )


def answers(conv: nn.Conv2d, x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Answer, and the gradients of input and weights under a given gradient of the answer."""
    x = x.detach().requires_grad_()
    y = conv(x)
    slope = torch.linspace(-1, 1, y.numel(), dtype=y.dtype).reshape(y.shape)
    of_x, of_weight = torch.autograd.grad(y, (x, conv.weight), slope)
    return y.detach(), of_x, of_weight


def test_by_hand() -> None:
    """One row, taps 1, 2 and 3 that are 2 px apart: y = x[0] + 2 x[2] + 3 x[4] and its right neighbour."""
    conv = depthwise(1, 3, 1, 0, 2)
    with torch.no_grad():
        conv.weight.zero_()
        conv.weight[0, 0, 1] = torch.tensor([1.0, 2.0, 3.0], dtype=torch.float64)
    x = torch.zeros(1, 1, 5, 6, dtype=torch.float64)
    x[0, 0, 2] = torch.arange(6)
    x.requires_grad_()
    quick = DepthwiseConv2d(conv)
    y = quick(x)
    assert y.flatten().tolist() == [0 + 4 + 12, 1 + 6 + 15]
    (y * torch.tensor([1.0, 10.0])).sum().backward()
    assert x.grad is not None
    assert quick.weight.grad is not None
    assert x.grad[0, 0, 2].tolist() == [1, 10, 2, 20, 3, 30]
    assert quick.weight.grad[0, 0, 1].tolist() == [0 + 10, 2 + 30, 4 + 50]


@settings(max_examples=40, deadline=None)
@given(
    side=st.sampled_from([1, 3, 5]),
    stride=st.integers(1, 2),
    dilation=st.integers(1, 4),
    padding=st.integers(0, 3),
    height=st.integers(17, 22),
    width=st.integers(17, 22),
)
def test_answer_and_gradients_are_those_of_a_convolution(
    side: int, stride: int, dilation: int, padding: int, height: int, width: int
) -> None:
    padding = min(padding, dilation * (side - 1))  # more is refused
    conv = depthwise(3, side, stride, padding, dilation)
    x = torch.randn(2, 3, height, width, dtype=torch.float64, generator=torch.Generator().manual_seed(height))
    for form in (torch.contiguous_format, torch.channels_last):
        for found, expected in zip(
            answers(DepthwiseConv2d(conv), x.to(memory_format=form)), answers(conv, x), strict=True
        ):
            torch.testing.assert_close(found, expected, rtol=1e-10, atol=1e-10)


@pytest.mark.parametrize(("stride", "dilation"), [(1, 2), (2, 1)])
def test_gradients_in_bfloat16_are_near(stride: int, dilation: int) -> None:
    conv = depthwise(8, 3, stride, 1, dilation, torch.float32)
    x = torch.randn(2, 8, 15, 15, generator=torch.Generator().manual_seed(0))
    expected = answers(conv, x)
    with torch.autocast("cpu", torch.bfloat16):
        found = answers(DepthwiseConv2d(conv), x)
    assert found[0].dtype == torch.bfloat16
    for a, b in zip(found, expected, strict=True):
        assert (a.float() - b).abs().max() < 0.02 * b.abs().max()


def test_a_trunk_keeps_its_names_and_exchanges_what_is_slow() -> None:
    trunk = MobileNetV2((3, 5))
    slow = [
        part
        for part in trunk.modules()
        if isinstance(part, nn.Conv2d) and part.groups > 1 and max(*part.stride, *part.dilation) > 1
    ]
    assert slow
    assert all(isinstance(part, DepthwiseConv2d) for part in slow)
    names = list(trunk.state_dict())
    replace_depthwise(trunk)
    assert list(trunk.state_dict()) == names


@pytest.mark.parametrize(
    "conv",
    [
        nn.Conv2d(4, 4, 3),
        nn.Conv2d(4, 4, 3, groups=4),
        nn.Conv2d(4, 4, (3, 1), groups=4, bias=False),
        nn.Conv2d(4, 4, 3, padding=3, groups=4, bias=False),
    ],
)
def test_other_convolutions_are_refused(conv: nn.Conv2d) -> None:
    with pytest.raises(ValueError, match="not a depthwise convolution of this kind"):
        DepthwiseConv2d(conv)
