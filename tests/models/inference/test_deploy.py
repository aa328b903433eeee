"""Networks made ready for tracking answer as before."""

from __future__ import annotations

import copy
from collections.abc import Callable
from dataclasses import replace

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from dlatrack.models.backbones import BACKBONES
from dlatrack.models.heads import HEADS, FcHead, HeadOutput, NanoHead
from dlatrack.models.inference import deploy as module
from dlatrack.models.inference.cpu_convolution import (
    Excitation,
    PackedConv,
    WinogradConv,
    has_native_bfloat16,
    onednn_available,
)
from dlatrack.models.inference.deploy import deploy
from dlatrack.models.inference.fusion import fused
from dlatrack.models.inference.nano import JoinedNanoHead
from dlatrack.models.necks import NoNeck
from dlatrack.models.siamese import SiameseNet, build_model
from dlatrack.models.torchvision_ops import torchvision
from dlatrack.recipes import RECIPES, Recipe, recipe

needs_onednn = pytest.mark.skipif(not onednn_available(), reason="torch has no oneDNN here")


def small(chosen: Recipe) -> Recipe:
    """The recipe without the stages and widths that only take time."""
    net = chosen.net
    levels = {"resnet50": (2, 3), "efficientnet_b0": (3, 5)}.get(net.backbone, net.levels)
    channels = net.channels if net.neck == "none" else 64
    return replace(chosen, net=replace(net, levels=levels, channels=channels, tower_depth=2, first_side=8.0))


def lively(chosen: Recipe) -> SiameseNet:
    """A network with statistics of its own in every batch norm, so that folding has something to fold."""
    net, generator = build_model(chosen), torch.Generator().manual_seed(1)
    for layer in net.modules():
        if isinstance(layer, nn.BatchNorm2d):
            layer.running_mean.normal_(0, 0.1, generator=generator)
            layer.running_var.uniform_(0.8, 1.2, generator=generator)
            nn.init.uniform_(layer.weight, 0.8, 1.0, generator=generator)
            nn.init.normal_(layer.bias, 0, 0.1, generator=generator)
    return net


def images(chosen: Recipe) -> tuple[Tensor, Tensor]:
    generator = torch.Generator().manual_seed(2)
    sizes = chosen.net.template_size, chosen.net.online_search_size
    z, x = (255 * torch.rand(1, 3, size, size, generator=generator) for size in sizes)
    return (z / 128 - 1, x / 128 - 1) if chosen.net.input_format == "rgb_imagenet" else (z, x)


@torch.inference_mode()
def largest_difference(net: nn.Module, other: nn.Module, chosen: Recipe) -> float:
    """Of all maps, relative to the largest value of each map."""
    z, x = images(chosen)
    expected, found = (each.search(x, each.template(z)) for each in (net, other))
    assert isinstance(found, HeadOutput)
    assert [part is None for part in found] == [part is None for part in expected]
    pairs = [(a, b) for a, b in zip(expected, found, strict=True) if a is not None]
    assert all(a.shape == b.shape and b.dtype == torch.float32 for a, b in pairs)
    return max(float((a - b).abs().max() / a.abs().max()) for a, b in pairs)


def tiny(backbone: nn.Module) -> SiameseNet:
    """Any backbone with one map, and the head without weights: `cls` is 0.001 times the correlation of both maps."""
    return SiameseNet(backbone, NoNeck(), FcHead()).eval()


class Listed(nn.Sequential):
    def forward(self, images: Tensor) -> list[Tensor]:
        return [super().forward(images)]


@pytest.mark.parametrize("onednn", [False, pytest.param(True, marks=needs_onednn)])
def test_one_batch_norm_is_folded_by_hand(monkeypatch: pytest.MonkeyPatch, onednn: bool) -> None:
    monkeypatch.setattr(module, "onednn_available", lambda dtype=torch.float32: onednn)
    convolution, norm = nn.Conv2d(1, 1, 1), nn.BatchNorm2d(1, eps=0.5)
    for parameter, value in zip((*convolution.parameters(), *norm.parameters()), (2, 1, 5, 7), strict=True):
        nn.init.constant_(parameter, value)
    norm.running_mean.fill_(3)
    norm.running_var.fill_(3.5)
    net = tiny(Listed(convolution, norm, nn.ReLU()))  # 5 (2 x + 1 - 3) / 2 + 7 = 5 x + 2
    ready = deploy(net, "cpu")
    with torch.inference_mode():
        for each in (net, ready):
            features = each.template(torch.full((1, 1, 1, 1), 1.0))
            assert features[0].item() == pytest.approx(7)
            score = each.search(torch.full((1, 1, 1, 1), 2.0), features).cls
            assert score.item() == pytest.approx(0.001 * 7 * 12)
            assert each.search(torch.full((1, 1, 1, 1), -2.0), features).cls.item() == 0, "rectified"
    quick = ready.get_submodule("_quick")
    assert not any(isinstance(layer, nn.BatchNorm2d) for layer in quick.modules())
    assert sum(isinstance(layer, PackedConv) for layer in quick.modules()) == onednn


@pytest.mark.parametrize("name", [name for name in RECIPES if not name.startswith("dla_")])
def test_every_kind_of_network_answers_as_before(name: str) -> None:
    chosen = small(recipe(name))
    net = lively(chosen)
    assert largest_difference(net, deploy(net, "cpu"), chosen) < 1e-5


def test_every_backbone_and_head_was_among_them() -> None:
    assert {r.net.backbone for r in RECIPES.values()} == set(BACKBONES)
    assert {r.net.head for r in RECIPES.values()} == set(HEADS)


def test_without_onednn_answers_are_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "onednn_available", lambda dtype=torch.float32: False)
    chosen = small(recipe("siamrpnpp"))
    net = lively(chosen)
    assert largest_difference(net, deploy(net, "cpu"), chosen) < 1e-5


def test_the_network_of_the_caller_is_left_alone() -> None:
    chosen = small(recipe("siamrpnpp_small"))
    net = lively(chosen).train()
    before = {name: value.clone() for name, value in net.state_dict().items()}
    ready = deploy(net, "cpu")
    z, x = images(chosen)
    with torch.inference_mode():
        answer = ready.search(x, ready.template(z)).cls.clone()
    assert net.training
    assert all(p.requires_grad for p in net.parameters())
    assert all(torch.equal(value, before[name]) for name, value in net.state_dict().items())
    for parameter in net.parameters():
        nn.init.zeros_(parameter)
    with torch.inference_mode():
        assert torch.equal(ready.search(x, ready.template(z)).cls, answer), "nothing is shared"


def test_fast_mode_is_the_usual_one_on_a_cpu_without_a_quicker_format(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(module, "has_native_bfloat16", lambda: False)
    chosen = small(recipe("siamcar_small"))
    net = lively(chosen)
    assert largest_difference(deploy(net, "cpu"), deploy(net, "cpu", fast=True), chosen) == 0


#: How many roundings by half a unit in the last place the difference may come to, over some dozen layers in a row.
#: Kernels differ in where they round: 8.2 were seen with PyTorch's own in float16.
ROUNDINGS = 20

PROCESSORS = {  # what torch and oneDNN say of them: bfloat16 multiplied, bfloat16 packed, float16 packed
    "AVX2": (False, False, False),
    "AVX2 with AVX-NE-CONVERT": (False, True, True),
    "AVX-512": (False, True, False),
    "AVX-512 with BF16": (True, True, False),
    "AVX-512 with BF16, used as AVX2": (True, False, False),  # ATEN_CPU_CAPABILITY=avx2
    "AVX-512 with BF16 and FP16": (True, True, True),
}


def become(monkeypatch: pytest.MonkeyPatch, processor: str) -> None:
    """Let torch answer as on another processor."""
    native, bfloat16, float16 = PROCESSORS[processor]
    monkeypatch.setattr(torch.cpu, "_is_avx512_bf16_supported", lambda: native)
    monkeypatch.setattr(torch.cpu, "_is_amx_tile_supported", lambda: False)
    monkeypatch.setattr(torch.ops.mkldnn, "_is_mkldnn_bf16_supported", lambda: bfloat16)
    monkeypatch.setattr(torch.ops.mkldnn, "_is_mkldnn_fp16_supported", lambda: float16)


@needs_onednn
@pytest.mark.parametrize("processor", PROCESSORS)
def test_the_processor_decides_on_formats(monkeypatch: pytest.MonkeyPatch, processor: str) -> None:
    become(monkeypatch, processor)
    native, bfloat16, float16 = PROCESSORS[processor]
    assert onednn_available()
    assert onednn_available(torch.bfloat16) == bfloat16
    assert onednn_available(torch.float16) == float16
    assert has_native_bfloat16() == (native and bfloat16)
    expected = torch.bfloat16 if native and bfloat16 else torch.float32
    assert module._trunk_dtype(torch.device("cpu"), fast=True) == expected
    assert module._trunk_dtype(torch.device("cpu"), fast=False) == torch.float32
    assert module._trunk_dtype(torch.device("cuda"), fast=True) == torch.float16


@needs_onednn
@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
@pytest.mark.parametrize("packs", [False, True])
def test_a_trunk_is_packed_only_in_a_format_that_onednn_takes(
    monkeypatch: pytest.MonkeyPatch, dtype: torch.dtype, packs: bool
) -> None:
    """Packing touches no weights before the first search, so it can be looked at on any processor."""
    become(monkeypatch, "AVX2 with AVX-NE-CONVERT" if packs else "AVX2")
    monkeypatch.setattr(module, "_trunk_dtype", lambda device, fast: dtype)
    quick = deploy(lively(small(recipe("siamcar_small"))), "cpu", fast=True).get_submodule("_quick")
    for part, expected in (("backbone", packs), ("head", True)):  # the head stays in float32
        layers = list(quick.get_submodule(part).modules())
        assert any(isinstance(layer, PackedConv) for layer in layers) == expected


@pytest.mark.parametrize("name", ["siamrpnpp_small", "siamfc"])
def test_bfloat16_as_in_fast_mode_on_some_cpus_is_near(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.setattr(module, "has_native_bfloat16", lambda: True)
    chosen = small(recipe(name))
    net = lively(chosen)
    difference = largest_difference(net, deploy(net, "cpu", fast=True), chosen)
    assert 1e-4 < difference < ROUNDINGS * torch.finfo(torch.bfloat16).eps / 2
    assert largest_difference(net, deploy(net, "cpu"), chosen) < 1e-4


@pytest.mark.parametrize("name", ["siamrpnpp_small", "siamfc"])
def test_float16_as_in_fast_mode_on_a_gpu_is_close(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    """On a CPU without float16 instructions PyTorch's ordinary convolutions answer, rounded to float16."""
    monkeypatch.setattr(module, "_trunk_dtype", lambda device, fast: torch.float16)
    chosen = small(recipe(name))
    net = lively(chosen)
    difference = largest_difference(net, deploy(net, "cpu", fast=True), chosen)
    assert 1e-5 < difference < ROUNDINGS * torch.finfo(torch.float16).eps / 2


def test_code_that_cannot_be_traced_is_fused_inside() -> None:
    class Choosy(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.stem = nn.Sequential(nn.Conv2d(3, 8, 3, bias=False), nn.BatchNorm2d(8), nn.SiLU())
            self.last = nn.ModuleList([nn.Conv2d(8, 8, 3, padding="same"), nn.BatchNorm2d(8)])

        def forward(self, images: Tensor) -> list[Tensor]:
            maps = self.stem(images)
            if maps.shape[2] > 2:
                maps = self.last[1](self.last[0](maps))
            return [maps]

    torch.manual_seed(0)
    net = tiny(Choosy())
    ready = deploy(net, "cpu")
    x = torch.rand(1, 3, 9, 8)
    with torch.inference_mode():
        features = net.template(x[:, :, :5, :5])
        expected, found = (each.search(x, features).cls for each in (net, ready))
    assert torch.allclose(found, expected, rtol=1e-4, atol=1e-8)
    stem = ready.get_submodule("_quick.backbone._backbone.stem")
    assert not any(isinstance(layer, nn.BatchNorm2d) for layer in stem.modules())


def test_a_convolution_that_is_called_twice_keeps_its_weights() -> None:
    class Twice(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.convolution, self.first, self.second = (
                nn.Conv2d(2, 2, 1),
                nn.BatchNorm2d(2),
                nn.BatchNorm2d(2),
            )

        def forward(self, images: Tensor) -> list[Tensor]:
            return [self.second(self.convolution(self.first(self.convolution(images))))]

    torch.manual_seed(0)
    backbone = Twice()
    nn.init.constant_(backbone.first.weight, 3)
    nn.init.constant_(backbone.second.weight, 5)
    net = tiny(backbone)
    x = torch.rand(1, 2, 4, 4)
    with torch.inference_mode():
        features = net.template(x[..., :1, :1])
        assert torch.allclose(deploy(net, "cpu").search(x, features).cls, net.search(x, features).cls)


def test_other_modules_pass_through() -> None:
    other = nn.Conv2d(1, 1, 1).train()
    assert deploy(other, "cpu") is other
    assert not other.training


ACTIVATIONS: dict[str, tuple[tuple[float, ...], Callable[[Tensor], Tensor]]] = {
    "none": ((), lambda x: x),
    "relu": ((), F.relu),
    "hardtanh": ((0.0, 6.0), F.relu6),
    "swish": ((), F.silu),
    "hardswish": ((), F.hardswish),
}


@needs_onednn
@pytest.mark.parametrize("activation", ACTIVATIONS)
@pytest.mark.parametrize("groups", [1, 2, 16])
def test_a_packed_convolution_adds_and_rectifies_maps_of_any_size(activation: str, groups: int) -> None:
    generator = torch.Generator().manual_seed(0)
    limits, function = ACTIVATIONS[activation]
    weight = torch.randn(16, 16 // groups, 3, 5, generator=generator)
    bias = torch.randn(16, generator=generator)
    padding, stride, dilation = (6, 8), (1, 2), (3, 2)
    packed = PackedConv(weight, bias, padding, stride, dilation, groups, activation, limits)
    for size in (20, 13, 20, 33):  # packed for the first
        x = torch.randn(2, 16, size, size + 1, generator=generator)
        expected = F.conv2d(x, weight, bias, stride, padding, dilation, groups)
        other = torch.randn(expected.shape, generator=generator)
        with torch.inference_mode():
            torch.testing.assert_close(packed(x), function(expected), rtol=1e-4, atol=1e-4)
            if activation in ("none", "relu"):
                answer = packed(x, other.clone())
                torch.testing.assert_close(answer, function(expected + other), rtol=1e-4, atol=1e-4)


def test_excitation_by_hand() -> None:
    first, second = nn.Conv2d(2, 1, 1), nn.Conv2d(1, 2, 1)
    for parameter, values in zip(
        (*first.parameters(), *second.parameters()), ([1, 2], [-3], [2, -2], [1, 1]), strict=True
    ):
        parameter.data = torch.tensor(values, dtype=torch.float32).view_as(parameter)
    x = torch.tensor([[1.0, 3.0], [0.0, 2.0]]).view(
        1, 2, 1, 2
    )  # means 2 and 1; 2 + 2 - 3 = 1; gates 3 and -1
    with torch.inference_mode():
        found = Excitation(first, second, nn.ReLU(), nn.Hardsigmoid())(x)
        twice = Excitation(first, second, nn.ReLU(), nn.Identity())(torch.cat([x, -x]))
    assert found.flatten().tolist() == pytest.approx(
        [1, 3, 0, 2 / 3]
    )  # (3 + 3) / 6 = 1, (-1 + 3) / 6 = 1 / 3
    assert twice[0].flatten().tolist() == pytest.approx([3, 9, 0, -2])
    assert twice[1].flatten().tolist() == pytest.approx([-1, -3, 0, -2]), (
        "-7 is rectified to 0; gates 1 and 1"
    )


@needs_onednn
@pytest.mark.parametrize("size", [3, 5])
@pytest.mark.parametrize("stride", [1, 2])
def test_an_inverted_residual_with_excitation_is_fused_whole(size: int, stride: int) -> None:
    torch.manual_seed(0)
    block = nn.Sequential(
        nn.Conv2d(8, 24, 1, bias=False),
        nn.BatchNorm2d(24),
        nn.Hardswish(inplace=True),
        nn.Conv2d(24, 24, size, stride, size // 2, groups=24, bias=False),
        nn.BatchNorm2d(24),
        torchvision.ops.SqueezeExcitation(24, 8, scale_activation=nn.Hardsigmoid),
        nn.Hardswish(inplace=True),
        nn.Conv2d(24, 8, 1),
    ).eval()
    x = torch.randn(2, 8, 17, 15)
    with torch.inference_mode():
        expected = block(x)
        quick = fused(copy.deepcopy(block), True, torch.float32)
        torch.testing.assert_close(quick(x), expected, rtol=1e-5, atol=1e-6)
    kinds = [type(layer) for layer in quick.modules()]
    assert kinds.count(PackedConv) == 3
    assert kinds.count(Excitation) == 1
    assert kinds.count(nn.Hardswish) == 1, "the other one is computed with its convolution"


@pytest.mark.parametrize("onednn", [False, pytest.param(True, marks=needs_onednn)])
def test_nanotrack_answers_as_before_for_several_targets(
    monkeypatch: pytest.MonkeyPatch, onednn: bool
) -> None:
    monkeypatch.setattr(module, "onednn_available", lambda dtype=torch.float32: onednn)
    chosen = recipe("nanotrack_v3")
    net = lively(chosen)
    ready = deploy(net, "cpu")
    generator = torch.Generator().manual_seed(3)
    z, x = (255 * torch.rand(2, 3, size, size, generator=generator) for size in (127, 255))
    with torch.inference_mode():
        expected, found = (each.search(x, each.template(z)) for each in (net, ready))
    for own, other in zip(found[:2], expected[:2], strict=True):
        torch.testing.assert_close(own, other, rtol=0, atol=1e-5 * float(other.abs().max()))


def test_the_joined_head_adds_what_the_branches_see() -> None:
    """With all weights 0 but some biases, each output is known."""
    head = NanoHead(16, 8).eval().requires_grad_(False)
    for parameter in head.parameters():
        nn.init.zeros_(parameter)
    nn.init.constant_(head.cls.predict.bias, 2)
    nn.init.constant_(head.box.predict.bias, 3)
    joined = JoinedNanoHead(head)
    kernels = [torch.ones(1, 16, side, side) for side in (8, 4, 8, 4)]
    with torch.inference_mode():
        found = joined(joined.for_target(kernels), [torch.ones(1, 16, 16, 16)])
    assert torch.equal(found.cls, torch.full((1, 2, 15, 15), 2.0))
    torch.testing.assert_close(found.reg, torch.full((1, 4, 15, 15), 3.0).exp())


@needs_onednn
@pytest.mark.parametrize(("padding", "dilation"), [(0, 1), (1, 1), (2, 2), (4, 4), (1, 2), (3, 1)])
def test_minimal_filtering_is_a_convolution(padding: int, dilation: int) -> None:
    generator = torch.Generator().manual_seed(0)
    weight, bias = torch.randn(5, 7, 3, 3, generator=generator), torch.randn(5, generator=generator)
    for relu, bias_or_none in ((True, bias), (False, None)):
        layer = WinogradConv(weight, bias_or_none, padding, dilation, relu)
        for height, width in ((31, 31), (14, 19), (9, 10)):
            x = torch.randn(2, 7, height, width, generator=generator)
            expected = F.conv2d(x, weight, bias_or_none, 1, padding, dilation)
            with torch.inference_mode():
                found = layer(x)
            assert found.shape == expected.shape
            torch.testing.assert_close(found, expected.relu() if relu else expected, rtol=1e-4, atol=1e-4)
