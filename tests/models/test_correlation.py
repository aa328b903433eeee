"""Depth-wise and pixel-wise correlation."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from dlatrack.models.correlation import depthwise_correlation, pixelwise_correlation


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


@settings(max_examples=15, deadline=None)
@given(height=st.integers(1, 4), width=st.integers(1, 5), seed=st.integers(0, 99))
def test_gradients_are_those_of_the_sums_of_products(height: int, width: int, seed: int) -> None:
    generator = torch.Generator().manual_seed(seed)
    search = torch.randn(2, 3, 5, 6, generator=generator, dtype=torch.float64, requires_grad=True)
    template = torch.randn(2, 3, height, width, generator=generator, dtype=torch.float64, requires_grad=True)
    windows = search.unfold(2, height, 1).unfold(3, width, 1)
    expected = (windows * template[:, :, None, None]).sum((-2, -1))
    found = depthwise_correlation(search, template)
    slope = torch.randn(found.shape, generator=generator, dtype=torch.float64)
    for a, b in zip(
        torch.autograd.grad(found, (search, template), slope),
        torch.autograd.grad(expected, (search, template), slope),
        strict=True,
    ):
        torch.testing.assert_close(a, b)


def test_gradients_under_mixed_precision_have_the_dtype_of_their_maps() -> None:
    generator = torch.Generator().manual_seed(0)
    search = torch.randn(1, 2, 6, 6, generator=generator, requires_grad=True)
    template = torch.randn(1, 2, 3, 3, generator=generator, requires_grad=True)
    exact = torch.autograd.grad(depthwise_correlation(search, template).sum(), (search, template))
    with torch.autocast("cpu", torch.bfloat16):
        response = depthwise_correlation(search, template)
    assert response.dtype == torch.bfloat16
    for found, expected in zip(torch.autograd.grad(response.sum(), (search, template)), exact, strict=True):
        assert found.dtype == torch.float32
        assert (found - expected).abs().max() < 0.02 * expected.abs().max()


@pytest.mark.parametrize("template", [(1, 2, 2, 2), (2, 3, 2, 2), (2, 2, 5, 2)])
def test_shapes_are_checked(template: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match="must match search"):
        depthwise_correlation(torch.zeros(2, 2, 4, 4), torch.zeros(template))


def test_pixelwise_by_hand() -> None:
    """Two channels; channel n of the answer is cell n of the template, row by row, times every cell of the search."""
    search = torch.tensor([[[[1.0, 2.0, 0.0]], [[0.0, 1.0, 3.0]]]])  # cells (1, 0), (2, 1), (0, 3)
    template = torch.tensor(
        [[[[1.0, 0.0], [2.0, -1.0]], [[1.0, 5.0], [0.0, 2.0]]]]
    )  # (1, 1), (0, 5), (2, 0), (-1, 2)
    expected = [[[[1, 3, 3]], [[0, 5, 15]], [[2, 4, 0]], [[-1, 0, 6]]]]
    assert pixelwise_correlation(search, template).tolist() == expected


def test_pixelwise_items_alone_and_one_template_for_all() -> None:
    generator = torch.Generator().manual_seed(1)
    search = torch.randn(3, 4, 5, 6, generator=generator, dtype=torch.float64)
    template = torch.randn(3, 4, 2, 3, generator=generator, dtype=torch.float64)
    found = pixelwise_correlation(search.to(memory_format=torch.channels_last), template)
    assert found.shape == (3, 6, 5, 6)
    for item in range(3):
        for number in range(6):
            cell = template[item, :, number // 3, number % 3]
            torch.testing.assert_close(found[item, number], (search[item] * cell[:, None, None]).sum(0))
    one = pixelwise_correlation(search, template[:1])
    torch.testing.assert_close(one[2:], pixelwise_correlation(search[2:], template[:1]))


@pytest.mark.parametrize("template", [(1, 3, 2, 2), (2, 2, 2, 2)])
def test_pixelwise_shapes_are_checked(template: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match="must match search"):
        pixelwise_correlation(torch.zeros(3, 2, 4, 4), torch.zeros(template))
