"""Speed of the parts that only exist to be faster on a CPU, each against plain PyTorch in its place."""

from __future__ import annotations

from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from dlatrack.bench.measure import BenchReport, machine, measure
from dlatrack.models.correlation import depthwise_correlation
from dlatrack.models.depthwise import DepthwiseConv2d
from dlatrack.models.inference.cpu_convolution import PackedConv, WinogradConv
from dlatrack.models.inference.deploy import deploy
from dlatrack.models.inference.frozen import FrozenTrunk
from dlatrack.models.siamese import build_model
from dlatrack.recipes import recipe


def bench_cpu(repeats: int) -> BenchReport:
    """Deployed networks, frozen backbones, minimal filtering, correlation and depthwise convolutions in float32.

    The last two are timed forward and backward, as in training.
    """
    net = build_model(recipe("siamcar_small")).requires_grad_(False).to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    x, wide, maps = (_maps(*shape) for shape in ((1, 3, 255), (1, 256, 31), (8, 384, 31)))
    features = net.template(x[..., :127, :127])
    deployed, frozen = deploy(net, "cpu"), FrozenTrunk(net.backbone, torch.float32)
    weight, bias = torch.rand(256, 256, 3, 3), torch.rand(256)
    packed, filtering = PackedConv(weight, bias, (2, 2), dilation=(2, 2)), WinogradConv(weight, bias, 2, 2)
    search, template = _maps(8, 64, 31).requires_grad_(), _maps(8, 64, 7).requires_grad_()
    conv = nn.Conv2d(384, 384, 3, padding=2, dilation=2, groups=384, bias=False)
    depthwise = DepthwiseConv2d(conv)
    maps.requires_grad_()
    pairs: dict[str, tuple[Callable[[int], object], Callable[[int], object]]] = {
        "search region of siamcar_small": (
            lambda _: net.search(x, features),
            lambda _: deployed.search(x, features),  # type: ignore[operator]
        ),
        "frozen backbone": (lambda _: net.backbone(x), lambda _: frozen(x)),
        "3x3 convolution of 256 channels": (lambda _: packed(wide), lambda _: filtering(wide)),
        "correlation": (
            lambda _: _backward(_grouped(search, template)),
            lambda _: _backward(depthwise_correlation(search, template)),
        ),
        "dilated depthwise convolution": (
            lambda _: _backward(conv(maps)),
            lambda _: _backward(depthwise(maps)),
        ),
    }
    operations = {
        f"{name}, {kind}": operation
        for name, pair in pairs.items()
        for kind, operation in zip(("plain", "faster"), pair, strict=True)
    }
    timings = measure(operations, repeats)
    medians = [row.median for row in timings]
    ratios = [plain / faster for plain, faster in zip(medians[::2], medians[1::2], strict=True)]
    figures = {f"{name}, plain over faster": ratio for name, ratio in zip(pairs, ratios, strict=True)}
    return BenchReport(timings, figures, machine())


def _maps(batch: int, channels: int, side: int) -> Tensor:
    return torch.rand(batch, channels, side, side).to(memory_format=torch.channels_last)


def _grouped(search: Tensor, template: Tensor) -> Tensor:
    """Depthwise correlation with the gradients of autograd."""
    kernels = template.flatten(0, 1)[:, None]
    return F.conv2d(search.flatten(0, 1)[None], kernels, groups=len(kernels))


def _backward(maps: Tensor) -> None:
    maps.backward(torch.ones_like(maps))  # gradients in the memory format of the maps, as within a network
