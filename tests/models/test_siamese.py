"""The whole network: shapes, sizes, initial weights, freezing."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest
import torch
from torch import nn

from dlatrack.errors import InputError
from dlatrack.models.siamese import SiameseNet, build_model
from dlatrack.recipes import recipe


def size(module: nn.Module) -> int:
    return sum(parameter.numel() for parameter in module.parameters())


def batch_norms(module: nn.Module) -> list[nn.BatchNorm2d]:
    return [part for part in module.modules() if isinstance(part, nn.BatchNorm2d)]


@pytest.fixture(scope="module")
def siamcar() -> SiameseNet:
    return build_model(recipe("siamcar"))


@pytest.fixture
def small() -> SiameseNet:
    return build_model(recipe("siamcar_small"))


def test_siamcar_has_the_published_number_of_parameters(siamcar: SiameseNet) -> None:
    group_norms = sum(size(part) for part in siamcar.head.modules() if isinstance(part, nn.GroupNorm))
    assert size(siamcar.backbone) == 45_528_128
    assert size(siamcar.neck) == 919_040
    assert size(siamcar.head.down) == 196_864
    assert size(siamcar.head) - size(siamcar.head.down) == 4_740_871
    assert group_norms == 4_096
    assert size(siamcar) - size(siamcar.backbone) == 5_856_775
    assert int((size(siamcar) - size(siamcar.backbone)) / 2**20 * 100) / 100 == 5.58  # as the paper prints it
    assert size(siamcar) == 51_384_903


def test_small_size_and_shapes(small: SiameseNet) -> None:
    assert size(small) == 719_815
    z, x = torch.rand(2, 3, 127, 127), torch.rand(2, 3, 255, 255)
    features = small.template(z)
    assert [tuple(level.shape) for level in features] == [(2, 64, 7, 7)] * 3
    output = small(z, x)
    assert output.cls.shape == (2, 2, 25, 25)
    assert output.reg.shape == (2, 4, 25, 25)
    assert output.centerness is not None
    assert output.centerness.shape == (2, 1, 25, 25)
    assert (output.reg > 0).all()
    again = small.search(x, features)
    assert all(torch.equal(a, b) for a, b in zip(output, again, strict=True))


def test_siamcar_shapes(siamcar: SiameseNet) -> None:
    with torch.no_grad():
        maps = siamcar.backbone(torch.zeros(1, 3, 127, 127))
    assert [tuple(level.shape) for level in maps] == [(1, 512, 15, 15), (1, 1024, 15, 15), (1, 2048, 15, 15)]


def test_same_seed_same_bits_and_global_state_untouched() -> None:
    torch.manual_seed(11)
    before = torch.get_rng_state()
    first = build_model(recipe("siamcar_small")).state_dict()
    torch.rand(3)  # another global state must not matter
    torch.set_rng_state(before)
    second = build_model(recipe("dla_siamcar_small"), torch.Generator().manual_seed(0)).state_dict()
    other = build_model(recipe("siamcar_small"), torch.Generator().manual_seed(1)).state_dict()
    assert torch.equal(torch.get_rng_state(), before)
    assert first.keys() == second.keys()
    assert all(torch.equal(first[name], second[name]) for name in first)
    drawn = [name for name, value in first.items() if value.ndim == 4]
    assert not any(torch.equal(first[name], other[name]) for name in drawn)
    assert all(torch.isfinite(value).all() for value in first.values())


def test_initial_weights(small: SiameseNet) -> None:
    head = small.head
    torch.testing.assert_close(head.cls_logits.bias.detach(), torch.full((2,), -math.log(99)))
    assert head.cls_tower[0].weight.std().item() == pytest.approx(0.01, rel=0.03)
    assert head.down.weight.std().item() == pytest.approx(math.sqrt(2 / 64), rel=0.05)
    assert not head.down.bias.any()
    assert all(norm.weight.eq(1).all() and norm.running_var.eq(1).all() for norm in batch_norms(small))


def test_frozen_backbone_stays_frozen_in_every_epoch(small: SiameseNet) -> None:
    statistics = [norm.running_mean.clone() for norm in batch_norms(small.backbone)]
    for _ in range(2):
        small.train_mode(backbone_trains=False)
        small(torch.rand(2, 3, 127, 127), torch.rand(2, 3, 255, 255)).cls.sum().backward()
        assert not any(p.requires_grad for p in small.backbone.parameters())
        assert all(p.grad is not None for p in small.neck.parameters())
        assert not any(norm.training for norm in batch_norms(small.backbone))
        assert all(norm.training for norm in batch_norms(small.neck))
    after = [norm.running_mean for norm in batch_norms(small.backbone)]
    assert all(torch.equal(a, b) for a, b in zip(statistics, after, strict=True))


def test_unfrozen_mobilenet_trains_in_all_layers_with_fixed_statistics(small: SiameseNet) -> None:
    small.train_mode(backbone_trains=True)
    assert all(parameter.requires_grad for parameter in small.backbone.parameters())
    assert not any(norm.training for norm in batch_norms(small.backbone))


def test_unfrozen_resnet_trains_layers_2_to_4(siamcar: SiameseNet) -> None:
    siamcar.eval().train_mode(backbone_trains=True)  # as after a resume: no frozen epoch before
    backbone = siamcar.backbone
    trains = {name.split(".")[0] for name, p in backbone.named_parameters() if p.requires_grad}
    frozen = {name.split(".")[0] for name, p in backbone.named_parameters() if not p.requires_grad}
    assert (trains, frozen) == ({"layer2", "layer3", "layer4"}, {"conv1", "bn1", "layer1"})
    assert not any(norm.training for stage in (backbone.bn1, backbone.layer1) for norm in batch_norms(stage))
    assert all(norm.training for stage in backbone.trainable_stages() for norm in batch_norms(stage))
    siamcar.train_mode(backbone_trains=False)
    assert not any(p.requires_grad for p in backbone.parameters())
    siamcar.eval()


def test_the_parameters_that_train_are_those_of_the_optimiser(siamcar: SiameseNet) -> None:
    backbone = siamcar.backbone.trainable_parameters()
    rest = [*siamcar.neck.parameters(), *siamcar.head.parameters()]
    assert sum(p.numel() for p in backbone) == 2_268_160 + 11_292_672 + 31_741_952
    assert sum(p.numel() for p in rest) == 5_856_775
    siamcar.train_mode(backbone_trains=True)
    assert {id(p) for p in siamcar.parameters() if p.requires_grad} == {id(p) for p in [*backbone, *rest]}
    siamcar.eval()


@pytest.mark.parametrize(("field", "value"), [("backbone", "vgg"), ("head", "rcnn")])
def test_unknown_parts_are_named(field: str, value: str) -> None:
    base = recipe("siamcar_small")
    broken = replace(base, net=replace(base.net, **{field: value}))
    with pytest.raises(InputError, match=f"recipe siamcar_small: there is no {field} '{value}'; choose from"):
        build_model(broken)


def test_impossible_sizes_are_refused() -> None:
    base = recipe("siamcar_small")
    with pytest.raises(ValueError, match="channels must be a positive multiple of 8, got 12"):
        build_model(replace(base, net=replace(base.net, channels=12)))
    with pytest.raises(
        ValueError, match=r"levels must be an ascending choice of 1, 2, 3, 4, 5, got \(4, 3\)"
    ):
        build_model(replace(base, net=replace(base.net, levels=(4, 3))))
