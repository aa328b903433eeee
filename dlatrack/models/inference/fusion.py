"""Fusion of convolutions with the batch norm, sum and activation that follow them."""

from __future__ import annotations

import operator
import threading
from collections import Counter
from collections.abc import Callable
from typing import Any, cast

import torch
import torch.nn.functional as F
from torch import fx, nn
from torch.nn.utils.fusion import fuse_conv_bn_eval

from dlatrack.models.inference.cpu_convolution import Excitation, PackedConv, WinogradConv
from dlatrack.models.torchvision_ops import torchvision

#: Activations that oneDNN computes in the pass of a convolution, by module or function: its name and numbers.
_ACTIVATIONS: dict[object, tuple[str, tuple[float, ...]]] = {
    nn.ReLU: ("relu", ()),
    F.relu: ("relu", ()),
    nn.ReLU6: ("hardtanh", (0.0, 6.0)),
    nn.SiLU: ("swish", ()),
    nn.Hardswish: ("hardswish", ()),
}
_NO_ACTIVATION: tuple[str, tuple[float, ...]] = ("none", ())

#: Held while a module is traced: fx replaces methods of `nn.Module` for the whole process meanwhile.
_TRACING = threading.Lock()

_SUMS = (operator.add, operator.iadd, torch.add)


def fused(module: nn.Module, pack: bool, dtype: torch.dtype) -> nn.Module:
    """Fuse the convolutions of a module; where its code cannot be traced, those of its children.

    Gains, measured: see `deploy.deploy`, `frozen.FrozenTrunk` and `cpu_convolution`.

    Args:
        module: module in evaluation mode; it must not be used afterwards, as the result takes over its weights.
        pack: whether sums and activations join the convolutions, whose weights are packed; needs oneDNN on a CPU.
        dtype: dtype of weights, input and result.
    """
    if not any(isinstance(part, nn.Conv2d) for part in module.modules()):
        return module.to(dtype)
    try:
        if isinstance(module, nn.ModuleDict | nn.ModuleList):
            raise fx.proxy.TraceError("containers have no forward, which fx does not notice")
        whole = nn.Sequential(module)  # so that a single convolution is traced too
        with _TRACING:
            graph = _Tracer().trace(whole)
        traced = fx.GraphModule(whole, graph)
    except Exception:  # fx gives up in many ways, e.g. at an `if` on a shape
        fuse_children(module, pack, dtype)
        return module.to(dtype)
    for node in _convolutions(traced):
        _fold_batch_norm(traced, node)
    traced.to(dtype)  # after the folding, which 8 bits of precision would spoil
    if pack:
        for node in _convolutions(traced):
            _pack(traced, node)
        for name, part in list(traced.named_modules()):
            if isinstance(part, torchvision.ops.SqueezeExcitation):
                own = Excitation(part.fc1, part.fc2, part.activation, part.scale_activation)
                traced.set_submodule(name, own)
    traced.graph.eliminate_dead_code()
    traced.delete_all_unused_submodules()
    traced.recompile()
    return traced


def fuse_children(module: nn.Module, pack: bool, dtype: torch.dtype) -> None:
    """Replace the children of a module by their `fused` form, and keep the module, which may have other methods."""
    for name, child in list(module.named_children()):
        module.add_module(name, fused(child, pack, dtype))


class _Tracer(fx.Tracer):
    """Traces as one step every convolution, subclasses such as `DepthwiseConv2d` too, and squeeze-and-excitation.

    The methods of `nn.Module` that fx replaces lead other threads here, too, for instance those of a tracker that is
    at work: their modules are called, and their parameters read, as ever.
    """

    def __init__(self) -> None:
        super().__init__()
        self._thread = threading.get_ident()

    def call_module(
        self, m: nn.Module, forward: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> Any:
        if threading.get_ident() != self._thread:
            return forward(*args, **kwargs)
        return super().call_module(m, forward, args, kwargs)

    def getattr(self, attr: str, attr_val: Any, parameter_proxy_cache: dict[str, Any]) -> Any:
        if threading.get_ident() != self._thread:
            return attr_val
        return super().getattr(attr, attr_val, parameter_proxy_cache)

    def is_leaf_module(self, m: nn.Module, module_qualified_name: str) -> bool:
        return isinstance(m, nn.Conv2d | torchvision.ops.SqueezeExcitation) or super().is_leaf_module(
            m, module_qualified_name
        )


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
    if conv.weight.dtype == torch.float32 and WinogradConv.suits(conv):
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
    """The other map, if the only use of the result of `node` is a sum of two maps."""
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
