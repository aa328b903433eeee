"""SiamBAN: counts, the public names, and exp() on every level before the sum."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch
from parity_weights import fill

from dlatrack.models.heads import BanHead
from dlatrack.models.official import load_official
from dlatrack.models.siamese import build_model
from dlatrack.recipes import recipe


def size(module: torch.nn.Module) -> int:
    return sum(parameter.numel() for parameter in module.parameters())


def test_published_numbers_of_parameters() -> None:
    net = build_model(recipe("siamban"))
    assert size(net) == 53_932_123
    assert size(net.head) == 7_484_955
    assert size(net) - size(net.backbone) == 8_403_995


def test_sides_are_the_weighted_sum_of_exponentials() -> None:
    head = BanHead(levels=(3, 4), channels=8)
    head.reset_parameters(torch.Generator().manual_seed(1))
    head.eval()
    generator = torch.Generator().manual_seed(2)
    template = [torch.randn(1, 8, 7, 7, generator=generator) for _ in range(2)]
    search = [torch.randn(1, 8, 31, 31, generator=generator) for _ in range(2)]
    with torch.no_grad():
        head.loc_weight.copy_(torch.tensor([2.0, 1.0]))
        head.loc_scale.copy_(torch.tensor([0.5, -1.0]))
        kernels = head.kernels(template)
        output = head(kernels, search)
        raw = head._responses(kernels, search)[1]
    share = torch.tensor([2.0, 1.0]).softmax(0)
    first, second = (side.clamp(max=11).exp() for side in (0.5 * raw[..., 0], -raw[..., 1]))
    expected = share[0] * first + share[1] * second
    assert torch.allclose(output.reg, expected, rtol=1e-5)
    assert output.cls.shape == (1, 2, 25, 25)
    assert output.centerness is None


def test_the_public_names_and_shapes_are_taken(shared_data: Path) -> None:
    keys = json.loads((shared_data / "parity/state_dict_keys.json").read_text())["siamban_r50"]
    net = build_model(recipe("siamban"))
    state = {name: fill(name, shape) for name, shape in keys.items()}
    load_official(net, state)
    assert len(keys) == len(net.state_dict())
    assert torch.equal(net.head.loc_scale, state["head.loc_scale"])
    weight = "levels.4.loc.head.3.weight"
    assert torch.equal(net.head.get_parameter(weight), state["head.box4.loc.head.3.weight"])


def test_negative_and_positive_pairs_have_finite_loss() -> None:
    from dlatrack.assign import build_assigner
    from dlatrack.losses import LOSSES

    chosen = recipe("siamban")
    assigner = build_assigner(chosen.assign.name, chosen.grid)
    target = torch.tensor([[95.0, 95.0, 159.0, 159.0], [40.0, 60.0, 120.0, 100.0]])
    found = assigner.assign(target, torch.tensor([True, False]), torch.Generator())
    head = BanHead(levels=(3,), channels=8)
    head.reset_parameters(torch.Generator())
    generator = torch.Generator().manual_seed(0)
    kernels = head.kernels([torch.randn(2, 8, 7, 7, generator=generator)])
    output = head(kernels, [torch.randn(2, 8, 31, 31, generator=generator)])
    anchors = assigner.grid.anchors(assigner.anchor_shapes).float()
    terms = LOSSES["ban"](output, found.labels, target, anchors, chosen.loss)
    terms.total.backward()
    assert torch.isfinite(terms.total)
    assert terms.total.item() == pytest.approx(
        terms.classification.item() + terms.regression.item(), rel=1e-6
    )
    assert all(torch.isfinite(p.grad).all() for p in head.parameters())
