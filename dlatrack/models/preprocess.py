"""Network input from RGB images, in the format that the weights expect."""

from __future__ import annotations

from typing import get_args

from torch import Tensor

from dlatrack.recipes import InputFormat

#: Mean and standard deviation of ImageNet, RGB, for images in 0..1.
IMAGENET_MEAN = (0.485, 0.456, 0.406)
IMAGENET_STD = (0.229, 0.224, 0.225)


def to_network_input(images_rgb: Tensor, input_format: InputFormat) -> Tensor:
    """Convert images to the input of a network.

    Args:
        images_rgb: (B, 3, H, W) RGB, 0..255, floating point.
        input_format: "bgr_255" swaps red and blue and keeps 0..255, as the public checkpoints of pysot,
            SiamCAR, SiamBAN and video_analyst expect; "rgb_255" changes nothing, as siamfc-pytorch expects;
            "rgb_imagenet" normalises with the mean and standard deviation of ImageNet.

    Returns:
        (B, 3, H, W), the dtype and device of `images_rgb`.

    Raises:
        ValueError: for another shape, an integer dtype or an unknown format.

    Source: SiamDLA Sec. 4.1 names ImageNet normalisation; the public code feeds raw BGR, and its weights need
    that.
    """
    if images_rgb.ndim != 4 or images_rgb.shape[1] != 3 or not images_rgb.is_floating_point():
        found = f"{images_rgb.dtype} {tuple(images_rgb.shape)}"
        raise ValueError(f"images_rgb must be floating point (B, 3, H, W), got {found}")
    if input_format == "bgr_255":
        return images_rgb.flip(1)
    if input_format == "rgb_255":
        return images_rgb
    if input_format == "rgb_imagenet":
        mean, std = (
            255 * images_rgb.new_tensor(value).view(3, 1, 1) for value in (IMAGENET_MEAN, IMAGENET_STD)
        )
        return (images_rgb - mean) / std
    raise ValueError(f"input_format must be one of {', '.join(get_args(InputFormat))}, got {input_format!r}")


def folded_normalisation(
    weight: Tensor,
    running_mean: Tensor,
    *,
    mean: tuple[float, ...] = IMAGENET_MEAN,
    std: tuple[float, ...] = IMAGENET_STD,
) -> tuple[Tensor, Tensor]:
    """Fold a normalisation into the first layers of a network, which then take raw BGR with the same result.

    A convolution without padding and bias, followed by batch norm, takes over the scale and the order of the
    channels; the running mean takes over the shift.

    Args:
        weight: (O, 3, h, w), weights of a convolution that expects normalised RGB, "rgb_imagenet" by default.
        running_mean: (O,), running mean of the batch norm behind it.
        mean: three means, RGB, for images in 0..1.
        std: three standard deviations, likewise.

    Returns:
        Weights and running mean for "bgr_255".
    """
    means, deviations = (weight.new_tensor(value).view(3, 1, 1) for value in (mean, std))
    shift = (weight * (means / deviations)).sum((1, 2, 3))
    return (weight / (255 * deviations)).flip(1), running_mean + shift
