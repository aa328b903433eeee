"""A frozen trunk answers as the backbone it stands for."""

from __future__ import annotations

import copy

import pytest
import torch
from torch import Tensor

from dlatrack.models.inference import frozen
from dlatrack.models.inference.cpu_convolution import has_native_bfloat16, onednn_available
from dlatrack.models.inference.frozen import FrozenTrunk
from dlatrack.models.siamese import SiameseNet, build_model
from dlatrack.recipes import recipe

pytestmark = pytest.mark.skipif(not onednn_available(), reason="torch has no oneDNN here")


@pytest.fixture(scope="module")
def images() -> tuple[Tensor, Tensor]:
    generator = torch.Generator().manual_seed(0)
    return torch.randn(3, 3, 127, 127, generator=generator), torch.randn(3, 3, 255, 255, generator=generator)


def small() -> SiameseNet:
    return build_model(recipe("siamcar_small"))


def test_it_answers_for_images_of_both_sizes_and_any_number(images: tuple[Tensor, Tensor]) -> None:
    net = small()
    trunk = FrozenTrunk.of(net.backbone, torch.float32)
    assert trunk is not None
    for batch in (*images, images[0][:1]):
        for found, expected in zip(trunk(batch), net.backbone(batch), strict=True):
            assert not found.requires_grad
            torch.testing.assert_close(found, expected, rtol=0, atol=1e-5 * expected.abs().max().item())


@pytest.mark.skipif(not has_native_bfloat16(), reason="this CPU has no bfloat16")
def test_bfloat16_is_near(images: tuple[Tensor, Tensor]) -> None:
    net = small()
    trunk = FrozenTrunk.of(net.backbone, torch.bfloat16)
    assert trunk is not None
    for found, expected in zip(trunk(images[1]), net.backbone(images[1]), strict=True):
        assert found.dtype == torch.bfloat16
        assert 1e-4 < (found - expected).abs().max() / expected.abs().max() < 0.1


def test_no_trunk_is_made_for_a_format_the_processor_lacks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(frozen, "has_native_bfloat16", lambda: False)
    net = small()
    assert FrozenTrunk.of(net.backbone, torch.bfloat16) is None
    assert FrozenTrunk.of(net.backbone.to("meta"), torch.float32) is None


def test_nan_in_an_image_is_not_swallowed(images: tuple[Tensor, Tensor]) -> None:
    net = small()
    trunk = FrozenTrunk.of(net.backbone, torch.float32)
    assert trunk is not None
    broken = images[0].clone()
    broken[1, 0, 60, 60] = torch.nan
    for maps in trunk(broken):
        assert [bool(item.isfinite().all()) for item in maps] == [True, False, True]


def test_a_network_uses_it_only_while_all_its_backbone_is_frozen(images: tuple[Tensor, Tensor]) -> None:
    net = small()
    with torch.no_grad():
        weights = list(net.backbone.parameters())
        frozen_answer = net.train_mode(False)(*images).reg
        for weight in weights:
            weight.zero_()  # not seen by the copy
        assert torch.equal(net(*images).reg, frozen_answer)
        assert not torch.equal(net.train_mode(True)(*images).reg, frozen_answer)
        net.train_mode(False)
        assert not torch.equal(net(*images).reg, frozen_answer), "the copy is made anew"


def test_a_network_can_be_copied_in_the_middle_of_training(images: tuple[Tensor, Tensor]) -> None:
    net = small().train_mode(False)
    with torch.no_grad():
        answer = net(*images).reg
        again = copy.deepcopy(net)
        assert torch.equal(again(*images).reg, answer)
        for parameter in again.parameters():
            parameter.zero_()
        assert not torch.equal(copy.deepcopy(again)(*images).reg, answer)
    assert list(again.state_dict()) == list(small().state_dict())
