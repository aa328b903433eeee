"""MobileNetV3 as NanoTrack has it: geometry, the order of activation and excitation, batch norm, weights by name."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from torch import nn

from dlatrack.errors import InputError
from dlatrack.models.backbones import MobileNetV3, load_backbone_weights
from dlatrack.models.preprocess import to_network_input
from dlatrack.models.torchvision_ops import torchvision


def built(levels: tuple[int, ...] = (5,), seed: int = 0) -> MobileNetV3:
    with torch.device("meta"):
        backbone = MobileNetV3(levels)
    backbone.to_empty(device="cpu")
    backbone.reset_parameters(torch.Generator().manual_seed(seed))
    return backbone.eval()


@pytest.mark.parametrize(("input_size", "cells"), [(127, 8), (255, 16), (256, 16), (257, 17)])
def test_maps_have_stride_16_and_no_cell_is_lost(input_size: int, cells: int) -> None:
    maps = built((3, 4, 5))(torch.zeros(1, 3, input_size, input_size))
    assert [tuple(level.shape) for level in maps] == [(1, width, cells, cells) for width in (40, 48, 96)]


def test_a_trunk_is_built_to_its_last_level() -> None:
    backbone = built((3,))
    assert len(backbone.features) == 7
    assert backbone.ignored_prefixes == ("classifier.", *(f"features.{block}." for block in range(7, 13)))
    assert backbone.out_channels == {3: 40}


def test_cell_i_looks_at_pixel_16_i() -> None:
    """With equal weights the gradient of a cell mirrors about its pixel: 16 * 8 = 128 of 257."""
    backbone = built().double()
    with torch.no_grad():
        for part in backbone.modules():
            if isinstance(part, nn.Conv2d):
                part.weight.fill_(1 / part.weight[0].numel())
    image = torch.full((1, 3, 257, 257), 3.0, dtype=torch.float64, requires_grad=True)
    (footprint,) = torch.autograd.grad(backbone(image)[0][0, :, 8, 8].sum(), image)
    profile = footprint[0, 0].sum(0)
    torch.testing.assert_close(profile, profile.flip(-1), rtol=1e-6, atol=1e-12)
    assert profile[128] > 0


def test_the_activation_comes_after_squeeze_and_excitation_in_blocks_4_to_9() -> None:
    """Both are elementwise products with other arguments: hard_swish(x s) is not hard_swish(x) s."""
    features = built().features
    for number in range(1, 10):
        block = features[number].block
        generator = torch.Generator().manual_seed(number)
        x = 4 * torch.randn(1, block[0][0].in_channels, 6, 6, generator=generator)
        names = [name for name, _ in block.named_children()]
        if number < 4:
            assert names == [str(place) for place in range(len(block))], "as in torchvision"
            continue
        assert names == ["0", "1", "2", "activation", "3"]
        convolution, norm = block[1]
        excite = block[2]
        with torch.no_grad():
            excite.fc2.bias.uniform_(-2, 2, generator=generator)  # scales that differ between channels
            norm.weight.fill_(8)  # values on both sides of the hard swish's bend
            inside = norm(convolution(block[0](x)))
            scale = excite.fc2(excite.fc1(inside.mean((2, 3), keepdim=True)).relu())
            scale = nn.functional.hardsigmoid(scale)
            expected = block[-1](nn.functional.hardswish(inside * scale))
            other_order = block[-1](nn.functional.hardswish(inside) * scale)
            found = block(x)
        torch.testing.assert_close(found, expected, rtol=1e-5, atol=1e-6)
        assert (found - other_order).abs().max() > 0.01 * found.abs().max()


def test_settings_that_differ_from_torchvisions() -> None:
    backbone = built()
    norms = [part for part in backbone.modules() if isinstance(part, nn.BatchNorm2d)]
    assert {(norm.eps, norm.momentum) for norm in norms} == {(1e-5, 0.1)}
    strides = [
        part.stride[0] for part in backbone.modules() if isinstance(part, nn.Conv2d) and part.stride[0] > 1
    ]
    assert strides == [2, 2, 2, 2], "16 in all; torchvision has a fifth in block 9"
    activations = [type(features.block[0][-1]) for features in backbone.features[1:]]
    assert activations == [nn.ReLU] * 3 + [nn.Hardswish] * 6


def test_torchvisions_names_are_taken_and_later_blocks_left_out() -> None:
    with torch.random.fork_rng(devices=[]):
        state = torchvision.models.mobilenet_v3_small().state_dict()
    backbone = built()
    load_backbone_weights(backbone, state)
    for name, value in backbone.state_dict().items():
        expected = state[name] + (1e-3 - 1e-5) if name.endswith("running_var") else state[name]
        assert torch.equal(value, expected), name
    without = {name: value for name, value in state.items() if name != "features.4.block.2.fc1.bias"}
    with pytest.raises(InputError, match=r"^the state dict lacks features\.4\.block\.2\.fc1\.bias$"):
        load_backbone_weights(backbone, without)


def test_torchvisions_own_weights_take_over_the_normalisation() -> None:
    """With a classifier the file is ImageNet's: raw BGR then gives what normalised RGB gave, borders aside."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(1)
        state = torchvision.models.mobilenet_v3_small().state_dict()
    images = torch.rand(1, 3, 65, 65, generator=torch.Generator().manual_seed(2)) * 255  # RGB
    raw, normalised = built(), built()
    load_backbone_weights(raw, state, "bgr_255")
    load_backbone_weights(normalised, state, "rgb_imagenet")
    with torch.no_grad():
        a = raw.features[0](to_network_input(images, "bgr_255"))
        b = normalised.features[0](to_network_input(images, "rgb_imagenet"))
    torch.testing.assert_close(a[..., 1:-1, 1:-1], b[..., 1:-1, 1:-1], rtol=1e-3, atol=1e-4)
    trunk = {name: value for name, value in state.items() if not name.startswith("classifier.")}
    load_backbone_weights(raw, trunk, "bgr_255")
    assert torch.equal(raw.features[0][0].weight, state["features.0.0.weight"])


def test_the_folded_trunk_answers_as_the_whole_checkpoint(shared_data: Path) -> None:
    """`weights/mobilenet_v3_small_nanotrack_v3` has batch norm folded, with mean 0 and variance 1."""
    from dlatrack.models.official import load_official
    from dlatrack.models.siamese import build_model
    from dlatrack.recipes import recipe

    whole = build_model(recipe("nanotrack_v3"))
    load_official(whole, shared_data / "weights/nanotrack_v3.safetensors")
    folded = built()
    load_backbone_weights(folded, shared_data / "weights/mobilenet_v3_small_nanotrack_v3.safetensors")
    image = torch.rand(1, 3, 127, 127, generator=torch.Generator().manual_seed(1)) * 255
    with torch.no_grad():
        a, b = whole.backbone(image)[0], folded(image)[0]
    assert (a - b).abs().max() < 1e-3


def test_all_blocks_train_once_unfrozen() -> None:
    backbone = built()
    backbone.train_mode(False)
    assert not any(parameter.requires_grad for parameter in backbone.parameters())
    backbone.train_mode(True)
    assert all(parameter.requires_grad for parameter in backbone.parameters())
    assert all(part.training for features in backbone.features for part in features.modules())


@pytest.mark.parametrize("levels", [(), (2,), (6,), (5, 3), (5, 5)])
def test_levels_are_checked(levels: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match="levels must be an ascending choice of 3, 4, 5"):
        MobileNetV3(levels)
