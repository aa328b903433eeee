"""Network input."""

from __future__ import annotations

import pytest
import torch

from dlatrack.models.preprocess import to_network_input


def test_formats_by_hand() -> None:
    red = torch.zeros(1, 3, 1, 2)
    red[0, 0] = 255.0
    bgr = to_network_input(red, "bgr_255")
    assert bgr[0, :, 0, 0].tolist() == [0, 0, 255]
    rgb = to_network_input(red, "rgb_imagenet")
    expected = torch.tensor([(1 - 0.485) / 0.229, -0.456 / 0.224, -0.406 / 0.225])
    torch.testing.assert_close(rgb[0, :, 0, 1], expected)
    assert red[0, 0].eq(255).all()


@pytest.mark.parametrize("shape", [(3, 4, 4), (1, 4, 4, 4)])
def test_shape_is_checked(shape: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match=r"must be floating point \(B, 3, H, W\), got torch.float32"):
        to_network_input(torch.zeros(shape), "bgr_255")


def test_dtype_and_format_are_checked() -> None:
    with pytest.raises(ValueError, match=r"got torch\.uint8"):
        to_network_input(torch.zeros(1, 3, 2, 2, dtype=torch.uint8), "bgr_255")
    with pytest.raises(ValueError, match="must be one of bgr_255, rgb_255, rgb_imagenet, got 'gray'"):
        to_network_input(torch.zeros(1, 3, 2, 2), "gray")  # type: ignore[arg-type]
