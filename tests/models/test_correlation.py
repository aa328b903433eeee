"""Depth-wise correlation."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from dlatrack.models.correlation import depthwise_correlation


def test_by_hand() -> None:
    search = torch.arange(9.0).reshape(1, 1, 3, 3)
    template = torch.tensor([[[[1.0, 0.0], [0.0, 2.0]]]])
    assert depthwise_correlation(search, template).tolist() == [[[[8, 11], [17, 20]]]]


@settings(max_examples=15, deadline=None)
@given(batch=st.integers(1, 3), channels=st.integers(1, 3), height=st.integers(3, 6), seed=st.integers(0, 99))
def test_each_item_and_channel_alone_gives_the_same(
    batch: int, channels: int, height: int, seed: int
) -> None:
    generator = torch.Generator().manual_seed(seed)
    search = torch.randn(batch, channels, height, 7, generator=generator, dtype=torch.float64)
    template = torch.randn(batch, channels, 3, 2, generator=generator, dtype=torch.float64)
    windows = search.unfold(2, 3, 1).unfold(3, 2, 1)  # (B, C, H', W', 3, 2)
    expected = (windows * template[:, :, None, None]).sum((-2, -1))
    torch.testing.assert_close(depthwise_correlation(search, template), expected)
    strided = search.to(memory_format=torch.channels_last)
    torch.testing.assert_close(depthwise_correlation(strided, template), expected)


@pytest.mark.parametrize("template", [(1, 2, 2, 2), (2, 3, 2, 2), (2, 2, 5, 2)])
def test_shapes_are_checked(template: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match="must match search"):
        depthwise_correlation(torch.zeros(2, 2, 4, 4), torch.zeros(template))
