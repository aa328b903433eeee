"""SiamRPN++: counts, shapes, parity with pysot, and the weighting of levels."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from parity_weights import fill

from dlatrack.errors import InputError
from dlatrack.models.heads import RpnHead
from dlatrack.models.official import load_official
from dlatrack.models.siamese import SiameseNet, build_model
from dlatrack.recipes import recipe


@pytest.fixture(scope="module")
def siamrpnpp() -> SiameseNet:
    return build_model(recipe("siamrpnpp"))


def size(module: torch.nn.Module) -> int:
    return sum(parameter.numel() for parameter in module.parameters())


def test_published_numbers_of_parameters(siamrpnpp: SiameseNet) -> None:
    assert size(siamrpnpp) == 53_950_624
    assert size(siamrpnpp.backbone) == 45_528_128
    assert size(siamrpnpp.neck) == 919_040
    assert size(siamrpnpp.head) == 7_503_456
    level = siamrpnpp.head.levels["2"]
    assert (size(level), size(level.cls), size(level.loc)) == (2_501_150, 1_249_290, 1_251_860)


def test_shapes_of_the_small_twin() -> None:
    net = build_model(recipe("dla_siamrpnpp_small"))
    generator = torch.Generator().manual_seed(0)
    z, x = (torch.randn(2, 3, side, side, generator=generator) for side in (127, 255))
    with torch.no_grad():
        kernels = net.template(z)
        output = net.search(x, kernels)
    assert [tuple(kernel.shape) for kernel in kernels] == [(2, 64, 5, 5)] * 6
    assert output.cls.shape == (2, 10, 25, 25)
    assert output.reg.shape == (2, 20, 25, 25)
    assert output.centerness is None


def test_levels_are_averaged_with_softmax_weights() -> None:
    head = RpnHead(levels=(3, 4), channels=8, anchors=1)
    head.reset_parameters(torch.Generator().manual_seed(1))
    head.eval()
    generator = torch.Generator().manual_seed(2)
    template = [torch.randn(1, 8, 7, 7, generator=generator) for _ in range(2)]
    search = [torch.randn(1, 8, 31, 31, generator=generator) for _ in range(2)]
    with torch.no_grad():
        kernels = head.kernels(template)
        equal = head(kernels, search).cls
        head.cls_weight.copy_(torch.tensor([100.0, 0.0]))
        first = head(kernels, search).cls
        head.cls_weight.copy_(torch.tensor([0.0, 100.0]))
        second = head(kernels, search).cls
    assert torch.allclose(equal, (first + second) / 2, atol=1e-6)


def test_siamrpnpp_answers_as_pysot_does(siamrpnpp: SiameseNet, shared_data: Path) -> None:
    name = "siamrpn_r50_l234_dwxcorr_otb"
    keys = json.loads((shared_data / "parity/state_dict_keys.json").read_text())[name]
    expected = np.load(shared_data / f"parity/{name}.npz")
    net = build_model(recipe("siamrpnpp"))
    load_official(net, {key: fill(key, shape) for key, shape in keys.items()})
    template = np.random.default_rng(1).standard_normal((1, 3, 127, 127)) * 50 + 110
    search = np.random.default_rng(2).standard_normal((1, 3, 255, 255)) * 50 + 110
    with torch.no_grad():
        output = net(torch.from_numpy(template).float(), torch.from_numpy(search).float())
    for ours, theirs in ((output.cls, expected["cls"]), (output.reg, expected["loc"])):
        assert ours.shape == theirs.shape
        assert np.abs(ours.numpy() - theirs).max() <= 1e-4 * np.abs(theirs).max()


def test_weighted_and_unweighted_checkpoints_load() -> None:
    net = build_model(recipe("siamrpnpp_small"))
    state = {
        name.replace("neck.levels.", "neck.downsample")
        .replace("neck.downsample3.", "neck.downsample3.downsample.")
        .replace("neck.downsample4.", "neck.downsample4.downsample.")
        .replace("neck.downsample5.", "neck.downsample5.downsample.")
        .replace("head.levels.", "rpn_head.rpn")
        .replace("head.cls_weight", "rpn_head.cls_weight")
        .replace("head.loc_weight", "rpn_head.loc_weight"): value.clone()
        for name, value in net.state_dict().items()
    }
    state["rpn_head.cls_weight"] = torch.tensor([2.0, 1.0, 3.0])
    load_official(net, state)
    assert net.head.cls_weight.tolist() == [2, 1, 3]
    weights = {key: state.pop(f"rpn_head.{key}") for key in ("cls_weight", "loc_weight")}
    load_official(net, state)
    assert net.head.cls_weight.tolist() == [1, 1, 1], "no weights: the plain mean"
    state["rpn_head.cls_weight"] = weights["cls_weight"]
    with pytest.raises(InputError, match=r"lacks head\.loc_weight"):
        load_official(net, state)


def test_a_checkpoint_of_another_tracker_is_refused() -> None:
    car, rpn = (build_model(recipe(name)) for name in ("siamcar_small", "siamrpnpp_small"))
    with pytest.raises(InputError, match=r"lacks head\."):
        load_official(rpn, car.state_dict())
