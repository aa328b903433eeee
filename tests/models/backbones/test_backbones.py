"""Backbones: geometry, sizes, ImageNet weights."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from dlatrack.errors import InputError
from dlatrack.models.backbones import Backbone, MobileNetV2, ResNet50, load_backbone_weights
from dlatrack.models.torchvision_ops import torchvision


def built(kind: type[Backbone], levels: tuple[int, ...], seed: int = 0) -> Backbone:
    with torch.device("meta"):
        backbone = kind(levels)
    backbone.to_empty(device="cpu")
    backbone.reset_parameters(torch.Generator().manual_seed(seed))
    return backbone.eval()


def size(module: nn.Module) -> int:
    return sum(parameter.numel() for parameter in module.parameters())


def noisy_torchvision(network: nn.Module, seed: int) -> nn.Module:
    """A torchvision network with reproducible weights and batch-norm statistics."""
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for name, value in network.state_dict().items():
            if value.ndim == 4:
                value.normal_(std=(2 / value[0].numel()) ** 0.5, generator=generator)
            elif value.ndim == 1:
                shift = 0.1 * torch.randn(value.shape, generator=generator)
                value.copy_(shift if name.endswith(("bias", "mean")) else 0.7 + shift.abs())
    return network.eval()


def test_resnet_stage_sizes() -> None:
    backbone = built(ResNet50, (2, 3, 4))
    sizes = {name: size(part) for name, part in backbone.named_children() if size(part)}
    assert sizes == {
        "conv1": 9_408,
        "bn1": 128,
        "layer1": 215_808,
        "layer2": 2_268_160,
        "layer3": 11_292_672,
        "layer4": 31_741_952,
    }
    assert sum(buffer.numel() for buffer in backbone.buffers()) == 53_173
    assert backbone.out_channels == {2: 512, 3: 1024, 4: 2048}


def test_resnet_builds_no_stage_beyond_the_last() -> None:
    backbone = built(ResNet50, (1, 2))
    assert not hasattr(backbone, "layer3")
    maps = backbone(torch.zeros(1, 3, 127, 127))
    assert [tuple(level.shape) for level in maps] == [(1, 256, 31, 31), (1, 512, 15, 15)]


@pytest.mark.parametrize(("input_size", "cells"), [(127, 15), (255, 31)])
def test_mobilenet_shapes(input_size: int, cells: int) -> None:
    maps = built(MobileNetV2, (3, 4, 5))(torch.zeros(1, 3, input_size, input_size))
    assert [tuple(level.shape) for level in maps] == [(1, width, cells, cells) for width in (32, 64, 96)]


def test_resnet_computes_torchvisions_function_inside_the_borders() -> None:
    """torchvision's cell j looks at 8 j; with one more pixel on the left and top that is 7 + 8 (j - 1)."""
    resnet50 = torchvision.models.resnet50
    with torch.random.fork_rng(devices=[]):
        reference = noisy_torchvision(resnet50(replace_stride_with_dilation=[False, True, True]), seed=1)
    backbone = built(ResNet50, (2, 3, 4))
    load_backbone_weights(backbone, reference.state_dict())
    shortcut = backbone.layer3[0].downsample[0].weight
    assert torch.equal(shortcut[:, :, 1:2, 1:2], reference.layer3[0].downsample[0].weight)
    assert shortcut.count_nonzero() == reference.layer3[0].downsample[0].weight.count_nonzero()

    image = torch.randn(1, 3, 447, 447, generator=torch.Generator().manual_seed(2))
    with torch.no_grad():
        ours = backbone(image)
        x = nn.functional.pad(image, (1, 0, 1, 0))
        x = reference.maxpool(reference.relu(reference.bn1(reference.conv1(x))))
        x = reference.layer1(x)
        for level, stage in zip(ours, (reference.layer2, reference.layer3, reference.layer4), strict=True):
            x = stage(x)
            centre = level.shape[-1] // 2  # the only cell of layer 4 that sees no border
            a, b = level[..., centre, centre], x[..., centre + 1, centre + 1]
            assert a.std() > 0
            torch.testing.assert_close(a, b, rtol=1e-4, atol=1e-4 * b.abs().max().item())


@pytest.mark.parametrize(("input_size", "level"), [(127, 3), (127, 4), (127, 5), (255, 3), (255, 5)])
def test_mobilenet_centre_cell_looks_at_the_centre(input_size: int, level: int) -> None:
    """With equal weights and no saturated unit, the gradient of the centre cell mirrors about the centre."""
    backbone = built(MobileNetV2, (level,)).double()
    with torch.no_grad():
        for part in backbone.modules():
            if isinstance(part, nn.Conv2d):
                part.weight.fill_(1 / part.weight[0].numel())
    image = torch.full((1, 3, input_size, input_size), 0.02, dtype=torch.float64, requires_grad=True)
    maps = backbone(image)[0]
    centre = maps.shape[-1] // 2
    assert 7 + 8 * centre == input_size // 2
    (footprint,) = torch.autograd.grad(maps[0, :, centre, centre].sum(), image)
    assert footprint.count_nonzero() > 1000
    torch.testing.assert_close(footprint, footprint.flip(-1), rtol=1e-9, atol=1e-15)
    torch.testing.assert_close(footprint, footprint.flip(-2), rtol=1e-9, atol=1e-15)


def test_resnet_centre_cell_looks_at_the_centre() -> None:
    backbone = built(ResNet50, (2,))
    image = torch.randn(4, 3, 127, 127, generator=torch.Generator().manual_seed(3)).requires_grad_()
    maps = backbone(image)[0]
    (footprint,) = torch.autograd.grad(maps[:, :, 7, 7].square().sum(), image)
    seen = footprint.abs().sum((0, 1))
    for profile in (seen.sum(0), seen.sum(1)):
        pixels = profile.nonzero().flatten()
        assert pixels.min() + pixels.max() == 2 * 63
        assert pixels.max() - pixels.min() == 90  # receptive field of layer 2: 91 px


def test_mobilenet_loads_imagenet_weights_by_name(shared_data: Path) -> None:
    path = shared_data / "weights/mobilenet_v2_imagenet_features.safetensors"
    backbone = built(MobileNetV2, (3, 4))
    load_backbone_weights(backbone, path)
    reference = torchvision.models.mobilenet_v2()
    reference.load_state_dict(load_file(path), strict=False)
    for name, value in backbone.state_dict().items():
        if not name.endswith("num_batches_tracked"):
            assert torch.equal(value, reference.state_dict()[name]), name
    maps = backbone(torch.randn(1, 3, 127, 127, generator=torch.Generator().manual_seed(0)))
    assert all(0.1 < level.std() < 100 for level in maps)


def full_mobilenet() -> dict[str, Tensor]:
    with torch.random.fork_rng(devices=[]):
        return torchvision.models.mobilenet_v2().state_dict()


def test_later_layers_and_half_precision_are_accepted(tmp_path: Path) -> None:
    state = full_mobilenet()
    backbone = built(MobileNetV2, (3,))
    assert not hasattr(backbone.features, "7")
    save_file({name: value.half() for name, value in state.items()}, tmp_path / "half.safetensors")
    load_backbone_weights(backbone, tmp_path / "half.safetensors")
    weight = backbone.features[6].conv[2].weight
    assert weight.dtype == torch.float32
    assert torch.equal(weight, state["features.6.conv.2.weight"].half().float())
    torch.save(state, tmp_path / "model.pth")
    load_backbone_weights(backbone, tmp_path / "model.pth")
    assert torch.equal(weight, state["features.6.conv.2.weight"])


def test_bad_backbone_weights_are_named(tmp_path: Path) -> None:
    state = full_mobilenet()
    backbone = built(MobileNetV2, (3, 4))
    missing = {name: value for name, value in state.items() if name != "features.3.conv.2.weight"}
    with pytest.raises(InputError, match=r"^the state dict lacks features\.3\.conv\.2\.weight$"):
        load_backbone_weights(backbone, missing)
    with pytest.raises(InputError, match=r"features\.0\.0\.weight \(2,\) instead of \(32, 3, 3, 3\)"):
        load_backbone_weights(backbone, {**state, "features.0.0.weight": torch.ones(2)})
    with pytest.raises(InputError, match=r"tensors this network does not: layer1\.weight"):
        load_backbone_weights(backbone, {**state, "layer1.weight": torch.ones(2)})
    with pytest.raises(InputError, match="holds a dict of no tensors"):
        load_backbone_weights(backbone, {})


def test_ill_shaped_resnet_shortcut_is_named() -> None:
    backbone = built(ResNet50, (1, 2))
    name = "layer2.0.downsample.0.weight"
    for wrong in (torch.tensor(1.0), torch.ones(2, 2, 1, 1)):
        with pytest.raises(InputError, match=rf"other shapes: {name} .* instead of \(512, 256, 3, 3\)"):
            load_backbone_weights(backbone, {**backbone.state_dict(), name: wrong})


def test_unreadable_backbone_files_are_named(tmp_path: Path) -> None:
    backbone = built(MobileNetV2, (3, 4))
    save_file(full_mobilenet(), tmp_path / "whole.safetensors")
    whole = (tmp_path / "whole.safetensors").read_bytes()
    for length in (5, 1000, len(whole) - 1):
        (tmp_path / "cut.safetensors").write_bytes(whole[:length])
        with pytest.raises(InputError, match=r"cut\.safetensors is not a complete") as caught:
            load_backbone_weights(backbone, tmp_path / "cut.safetensors")
        assert "\n" not in str(caught.value)
    with pytest.raises(InputError, match=r"cannot read .*absent\.safetensors"):
        load_backbone_weights(backbone, tmp_path / "absent.safetensors")


@pytest.mark.parametrize("levels", [(), (6,), (3, 2), (2, 2)])
@pytest.mark.parametrize("kind", [ResNet50, MobileNetV2])
def test_levels_are_checked(kind: type[Backbone], levels: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match="levels must be an ascending choice of 1, 2, 3, 4"):
        kind(levels)
