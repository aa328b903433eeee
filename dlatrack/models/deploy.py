"""Networks made ready for tracking: the same answers with less work."""

from __future__ import annotations

import copy
import operator
from collections import Counter
from typing import cast

import torch
import torch.nn.functional as F
from torch import Tensor, fx, nn
from torch.nn.utils.fusion import fuse_conv_bn_eval

from dlatrack.models.cpu_convolution import PackedConv, WinogradConv, onednn_available
from dlatrack.models.siamese import HeadOutput, SiameseNet

#: Activations that oneDNN computes in the pass of a convolution, by module or function: its name and numbers.
_ACTIVATIONS: dict[object, tuple[str, tuple[float, ...]]] = {
    nn.ReLU: ("relu", ()),
    F.relu: ("relu", ()),
    nn.ReLU6: ("hardtanh", (0.0, 6.0)),
    nn.SiLU: ("swish", ()),
}
_NO_ACTIVATION: tuple[str, tuple[float, ...]] = ("none", ())

_SUMS = (operator.add, operator.iadd, torch.add)


def deploy(net: nn.Module, device: str | torch.device, *, fast: bool = False) -> nn.Module:
    """Copy a network for online tracking.

    For search regions, batch norm is folded into the convolutions. On a CPU with oneDNN, sums and activations join
    them too, weights are packed once instead of in every call, and wide 3x3 convolutions use minimal filtering: a
    search region of SiamRPN++ then takes 44 instead of 97 GFLOP, and the copy 1.1 GB. All this changes the rounding
    only: answers differ by some 1e-6 of the largest one. Templates, computed once, are left to a plain copy.

    Args:
        net: left as it is. A module that is no `SiameseNet` is only moved to `device`, and not copied.
        device: where the copy runs.
        fast: compute the backbone in float16 on CUDA, and in bfloat16 on a CPU that multiplies it natively (AVX-512
            BF16, AMX); on other CPUs nothing changes. bfloat16 has 8 bits of precision: where two places of the
            score map are nearly as good, the other one may win.

    Returns:
        A module in evaluation mode with `template` and `search` of `net`; the first search takes longer.
    """
    device = torch.device(device)
    if not isinstance(net, SiameseNet):
        return net.to(device).eval()
    plain = copy.deepcopy(net).to(device).eval().requires_grad_(False)
    quick = copy.deepcopy(plain)
    dtype = _trunk_dtype(device, fast)
    pack = device.type == "cpu" and onednn_available()
    backbone = _fused(quick.backbone, pack and dtype == torch.float32)
    quick.backbone = _Trunk(backbone.to(dtype), dtype)  # type: ignore[assignment]
    for part in (quick.neck, quick.head):  # they have methods beside forward: only what they hold is replaced
        _fuse_children(part, pack)
    return DeployedNet(plain, quick.to(memory_format=torch.channels_last))  # type: ignore[call-overload]


class DeployedNet(nn.Module):
    """One network for templates and one, that answers the same, for search regions."""

    def __init__(self, plain: SiameseNet, quick: SiameseNet) -> None:
        super().__init__()
        self._plain, self._quick = plain, quick

    def template(self, z: Tensor) -> list[Tensor]:
        """See `SiameseNet.template`."""
        return self._plain.template(z)

    def search(self, x: Tensor, features: list[Tensor]) -> HeadOutput:
        """See `SiameseNet.search`."""
        return self._quick.search(x, features)


class _Trunk(nn.Module):
    """A backbone that computes channels last, and in a dtype of its own."""

    def __init__(self, backbone: nn.Module, dtype: torch.dtype) -> None:
        super().__init__()
        self._backbone, self._dtype = backbone, dtype

    def forward(self, images: Tensor) -> list[Tensor]:
        """Float32 maps of float32 images."""
        images = images.to(self._dtype, memory_format=torch.channels_last)
        return [maps.float() for maps in self._backbone(images)]


def _trunk_dtype(device: torch.device, fast: bool) -> torch.dtype:
    if not fast:
        return torch.float32
    if device.type == "cuda":
        return torch.float16
    return torch.bfloat16 if _has_native_bfloat16() else torch.float32


def _has_native_bfloat16() -> bool:
    return bool(torch.cpu._is_avx512_bf16_supported() or torch.cpu._is_amx_tile_supported())


def _fuse_children(module: nn.Module, pack: bool) -> None:
    for name, child in list(module.named_children()):
        module.add_module(name, _fused(child, pack))


def _fused(module: nn.Module, pack: bool) -> nn.Module:
    """The module with its convolutions fused; where its code cannot be traced, they are fused inside it."""
    if not any(isinstance(part, nn.Conv2d) for part in module.modules()):
        return module
    try:
        if isinstance(module, nn.ModuleDict | nn.ModuleList):
            raise fx.proxy.TraceError("containers have no forward, which fx does not notice")
        traced = fx.symbolic_trace(nn.Sequential(module))  # in a Sequential a lone convolution is traced too
    except Exception:  # fx gives up in many ways, e.g. at an `if` on a shape
        _fuse_children(module, pack)
        return module
    for node in _convolutions(traced):
        _fold_batch_norm(traced, node)
    for node in _convolutions(traced) if pack else ():
        _pack(traced, node)
    traced.graph.eliminate_dead_code()
    traced.delete_all_unused_submodules()
    traced.recompile()
    return traced


def _convolutions(traced: fx.GraphModule) -> list[fx.Node]:
    """The calls of convolutions that are called once and pad with zeros, by a number of px."""
    calls = [node for node in traced.graph.nodes if isinstance(_module(traced, node), nn.Conv2d)]
    times = Counter(node.target for node in calls)
    single = [node for node in calls if times[node.target] == 1]
    return [n for n in single if (c := _conv(traced, n)).padding_mode == "zeros" and c.padding != "same"]


def _fold_batch_norm(traced: fx.GraphModule, node: fx.Node) -> None:
    follower = _only_user(node)
    norm = _module(traced, follower)
    if follower is not None and isinstance(norm, nn.BatchNorm2d):
        traced.set_submodule(str(node.target), fuse_conv_bn_eval(_conv(traced, node), norm))
        follower.replace_all_uses_with(node)
        traced.graph.erase_node(follower)


def _pack(traced: fx.GraphModule, node: fx.Node) -> None:
    """Replace a convolution, a sum with another map and an activation by one module."""
    conv, last, inputs = _conv(traced, node), node, [node.args[0]]
    padding = cast("tuple[int, int]", conv.padding)
    follower = _only_user(node)
    packed: nn.Module
    if WinogradConv.suits(conv):
        relu = _activation(traced, follower)[0] == "relu"
        packed = WinogradConv(conv.weight, conv.bias, padding[0], conv.dilation[0], relu)
        last = follower if relu and follower is not None else node
    else:
        other = _summand(node, follower)
        if other is not None and follower is not None:
            last, inputs, follower = follower, [*inputs, other], _only_user(follower)
        activation = _activation(traced, follower)
        if other is not None and activation[0] != "relu":  # oneDNN's operation has no other one behind a sum
            activation = _NO_ACTIVATION
        packed = PackedConv(
            conv.weight, conv.bias, padding, conv.stride, conv.dilation, conv.groups, *activation
        )
        last = follower if activation != _NO_ACTIVATION and follower is not None else last
    name = str(node.target).replace(".", "_") + "_packed"
    traced.add_submodule(name, packed)
    with traced.graph.inserting_after(last):
        new = traced.graph.call_module(name, tuple(inputs))
    last.replace_all_uses_with(new)


def _summand(node: fx.Node, follower: fx.Node | None) -> fx.Node | None:
    """The other map, if all that happens to the answer of `node` is that one is added."""
    if follower is None or follower.target not in _SUMS or follower.kwargs:
        return None
    others = [argument for argument in follower.args if argument is not node]
    return others[0] if len(others) == 1 and isinstance(others[0], fx.Node) else None


def _activation(traced: fx.GraphModule, node: fx.Node | None) -> tuple[str, tuple[float, ...]]:
    if node is None:
        return _NO_ACTIVATION
    key: object = type(_module(traced, node)) if node.op == "call_module" else node.target
    return _ACTIVATIONS.get(key, _NO_ACTIVATION)


def _only_user(node: fx.Node) -> fx.Node | None:
    return next(iter(node.users)) if len(node.users) == 1 else None


def _module(traced: fx.GraphModule, node: fx.Node | None) -> nn.Module | None:
    return traced.get_submodule(str(node.target)) if node is not None and node.op == "call_module" else None


def _conv(traced: fx.GraphModule, node: fx.Node) -> nn.Conv2d:
    return cast("nn.Conv2d", _module(traced, node))
