"""The SiamCAR head."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from dlatrack.models.heads import CarHead


@pytest.fixture
def head() -> CarHead:
    head = CarHead(levels=2, channels=16, tower_depth=3)
    head.reset_parameters(torch.Generator().manual_seed(0))
    return head


def test_depth_width_and_groups(head: CarHead) -> None:
    for tower in (head.cls_tower, head.bbox_tower):
        assert [type(layer) for layer in tower] == [nn.Conv2d, nn.GroupNorm, nn.ReLU] * 3
        assert all(layer.num_groups == 2 for layer in tower if isinstance(layer, nn.GroupNorm))
    assert CarHead(channels=256).cls_tower[1].num_groups == 32
    assert head.down.weight.shape == (16, 32, 1, 1)


def test_fresh_head_predicts_one_pixel_boxes_and_even_odds(head: CarHead) -> None:
    nn.init.zeros_(head.bbox_pred.weight)
    nn.init.zeros_(head.cls_logits.weight)
    output = head([torch.rand(2, 16, 3, 3)] * 2, [torch.rand(2, 16, 7, 7)] * 2)
    assert output.reg.shape == (2, 4, 5, 5)
    assert output.reg.eq(1).all()  # exp(0): the regression is positive px, not a logit
    torch.testing.assert_close(output.cls.softmax(1), torch.full((2, 2, 5, 5), 0.5))


def test_items_of_a_batch_do_not_mix(head: CarHead) -> None:
    generator = torch.Generator().manual_seed(1)
    template = [torch.randn(3, 16, 3, 3, generator=generator) for _ in range(2)]
    search = [torch.randn(3, 16, 7, 7, generator=generator) for _ in range(2)]
    together = head(template, search)
    alone = head([level[1:2] for level in template], [level[1:2] for level in search])
    for many, one in zip(together, alone, strict=True):
        torch.testing.assert_close(many[1:2], one, rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("channels", [0, 12])
def test_width_is_checked(channels: int) -> None:
    with pytest.raises(ValueError, match=f"channels must be a positive multiple of 8, got {channels}"):
        CarHead(channels=channels)


def test_depth_and_levels_are_checked() -> None:
    with pytest.raises(ValueError, match="levels and tower_depth must be at least 1, got 3 and 0"):
        CarHead(tower_depth=0)
