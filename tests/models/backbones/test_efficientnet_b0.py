"""EfficientNet-B0 as the trunk of a tracker: counts, geometry, ImageNet names."""

from __future__ import annotations

import pytest
import torch
from test_backbones import built, noisy_torchvision

from dlatrack.models.backbones import EfficientNetB0, load_backbone_weights
from dlatrack.models.siamese import build_model
from dlatrack.models.torchvision_ops import torchvision
from dlatrack.recipes import recipe


def size(module: torch.nn.Module) -> int:
    return sum(parameter.numel() for parameter in module.parameters())


def test_numbers_of_parameters() -> None:
    net = build_model(recipe("cosiamrpn"))
    assert size(net) == 11_221_212
    assert [size(part) for part in (net.backbone, net.neck, net.head)] == [3_595_388, 122_368, 7_503_456]
    stages = [928, 1_448, 16_714, 46_640, 242_930, 543_148, 2_026_348, 717_232]
    assert [size(stage) for stage in net.backbone.features] == stages


@pytest.mark.parametrize(("input_size", "cells"), [(127, 15), (255, 31)])
def test_every_level_has_stride_eight(input_size: int, cells: int) -> None:
    backbone = built(EfficientNetB0, (3, 5, 7))
    with torch.no_grad():
        maps = backbone(torch.zeros(1, 3, input_size, input_size))
    assert [tuple(m.shape) for m in maps] == [(1, c, cells, cells) for c in (40, 112, 320)]


@pytest.mark.parametrize("stage", range(1, 8))
def test_the_centre_cell_looks_at_the_centre(stage: int) -> None:
    """Without the gates, which see the whole crop, the footprint of the middle cell is symmetric about the middle."""
    backbone = built(EfficientNetB0, (3, 5, 7)).double()
    for module in backbone.modules():
        if isinstance(module, torchvision.ops.misc.SqueezeExcitation):
            module.forward = lambda x: x  # type: ignore[method-assign]
        elif isinstance(module, torch.nn.Conv2d):
            torch.nn.init.constant_(module.weight, 1 / module.weight[0].numel())
    image = torch.ones(1, 3, 127, 127, dtype=torch.float64, requires_grad=True)
    maps = backbone.features[: stage + 1](image)
    middle = maps.shape[-1] // 2
    maps[0, :, middle, middle].sum().backward()
    footprint = image.grad.abs().sum((0, 1))
    assert footprint.sum() > 0
    assert torch.allclose(footprint, footprint.flip(0), rtol=1e-6, atol=1e-15)
    assert torch.allclose(footprint, footprint.flip(1), rtol=1e-6, atol=1e-15)


def test_torchvision_weights_load_by_name() -> None:
    theirs = noisy_torchvision(torchvision.models.efficientnet_b0(), seed=1)
    backbone = built(EfficientNetB0, (3, 5))
    load_backbone_weights(backbone, theirs.state_dict())
    assert torch.equal(backbone.features[4][0].block[0][0].weight, theirs.features[4][0].block[0][0].weight)


def test_stages_4_to_7_train_and_no_block_is_dropped() -> None:
    net = build_model(recipe("dla_cosiamrpn")).train_mode(backbone_trains=True)
    trained = {
        name.split(".")[2] for name, p in net.named_parameters() if p.requires_grad and "backbone" in name
    }
    assert trained == {"4", "5", "6", "7"}
    x = torch.randn(2, 3, 127, 127, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        assert torch.equal(net.backbone(x)[2], net.backbone(x)[2]), "training mode draws nothing"
