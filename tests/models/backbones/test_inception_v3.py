"""The trunk of SiamFC++: shapes, sizes, input, and what trains when."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from dlatrack.models.backbones import InceptionV3, load_backbone_weights
from dlatrack.models.torchvision_ops import torchvision


@pytest.fixture(scope="module")
def trunk() -> InceptionV3:
    net = InceptionV3()
    net.reset_parameters(torch.Generator().manual_seed(0))
    return net.eval()


def size(module: nn.Module) -> int:
    return sum(p.numel() for p in module.parameters())


@pytest.mark.parametrize(("side", "cells"), [(127, 5), (255, 21), (289, 25), (303, 27)])
def test_shapes(trunk: InceptionV3, side: int, cells: int) -> None:
    with torch.no_grad():
        (maps,) = trunk(torch.zeros(1, 3, side, side))
    assert maps.shape == (1, 256, cells, cells)


def test_sizes(trunk: InceptionV3) -> None:
    assert size(trunk.channel_reduce) == 197_376
    assert size(trunk) - size(trunk.channel_reduce) == 8_965_856


def test_the_input_is_raw_bgr(trunk: InceptionV3) -> None:
    """The first convolution sees RGB in -1..1, also of an image with one channel only."""
    seen: list[torch.Tensor] = []
    handle = trunk.Conv2d_1a_3x3.register_forward_pre_hook(lambda _, given: seen.append(given[0]))
    images = torch.zeros(1, 3, 127, 127)
    images[:, 0] = 255  # blue
    with torch.no_grad():
        trunk(images)
    handle.remove()
    assert [seen[0][0, channel].unique().item() for channel in range(3)] == [-1, -1, 1]


def test_torchvisions_network_says_the_same_before_the_second_pooling(trunk: InceptionV3) -> None:
    whole = torchvision.models.Inception3(aux_logits=False, init_weights=False).eval()
    net = InceptionV3()
    net.reset_parameters(torch.Generator().manual_seed(1))
    reduce = net.channel_reduce[0].weight.clone()
    load_backbone_weights(net, whole.state_dict())
    assert torch.equal(net.channel_reduce[0].weight, reduce), "that part is not torchvision's"
    whole.maxpool2 = nn.Identity()
    images = torch.rand(1, 3, 139, 139) * 255
    parts = [name for name, _ in whole.named_children()]
    x = (images.flip(1) - 127.5) / 127.5
    with torch.no_grad():
        for name in parts[: parts.index("Mixed_6e") + 1]:
            x = whole.get_submodule(name)(x)
        expected = net.eval().channel_reduce(F.pad(x, (-4, -4, -4, -4)))
        torch.testing.assert_close(net(images)[0], expected)


def test_only_convolutions_are_frozen() -> None:
    net = InceptionV3()

    def frozen() -> set[str]:
        return {name for name, p in net.named_parameters() if not p.requires_grad}

    net.train_mode(False)
    assert all(module.training for module in net.modules())
    convolutions = {name for name, _ in net.named_parameters() if ".conv." in name}
    assert frozen() == convolutions
    net.train_mode(True)
    assert frozen() == {name for name in convolutions if name.startswith("Conv2d")}
    sometime = {id(p) for p in net.trainable_parameters()}
    assert sometime == {id(p) for name, p in net.named_parameters() if name not in frozen()}
