"""Learning rates of the published schedule, and who gets them."""

from __future__ import annotations

import pytest

from dlatrack.models.siamese import build_model
from dlatrack.recipes import Schedule, recipe
from dlatrack.training.schedule import build_optimizer, learning_rate, set_rate


def test_published_rates():
    expected = [0.001, 0.001380, 0.001904, 0.002627, 0.003624]
    expected += [0.005, 0.004242, 0.003598, 0.003053, 0.002590, 0.002197, 0.001864, 0.001581, 0.001341]
    expected += [0.001138, 0.000965, 0.000819, 0.000695, 0.000589, 0.0005]
    schedule = recipe("dla_siamcar").schedule
    assert [learning_rate(schedule, epoch) for epoch in range(20)] == pytest.approx(expected, abs=5e-7)


@pytest.mark.parametrize("warmup", [0, 1, 4])
def test_every_epoch_has_a_rate(warmup):
    rates = [learning_rate(Schedule(epochs=4, warmup_epochs=warmup), epoch) for epoch in range(4)]
    assert all(0.0005 <= rate <= 0.005 for rate in rates)


def test_the_cosine_changes_at_every_step_by_hand():
    schedule = recipe("siamfcpp").schedule
    assert learning_rate(schedule, 0) == pytest.approx(1e-6)
    assert learning_rate(schedule, 0, 0.5) == pytest.approx((1e-6 + 0.08) / 2)
    assert learning_rate(schedule, 1) == pytest.approx(0.08)
    assert learning_rate(schedule, 10, 0.5) == pytest.approx((1e-6 + 0.08) / 2), (
        "half of the remaining 19 epochs"
    )
    assert learning_rate(schedule, 19, 1) == pytest.approx(1e-6)
    assert learning_rate(recipe("siamcar").schedule, 7, 0.9) == learning_rate(recipe("siamcar").schedule, 7)


def test_siamfc_trains_its_backbone_from_the_start_at_the_full_rate():
    net, schedule = build_model(recipe("siamfc")), recipe("siamfc").schedule
    optimizer = build_optimizer(net.train_mode(True), schedule)
    set_rate(optimizer, learning_rate(schedule, 0))
    assert [group["lr"] for group in optimizer.param_groups] == [0.01], "the head has no weights"
    assert learning_rate(schedule, 49) == pytest.approx(1e-5)


def test_the_backbone_joins_with_a_tenth_of_the_rate():
    net, schedule = build_model(recipe("siamcar_small")), Schedule()
    frozen, all_parts = (build_optimizer(net.train_mode(on), schedule) for on in (False, True))
    set_rate(frozen, 0.004)
    set_rate(all_parts, 0.004)
    assert [group["lr"] for group in frozen.param_groups] == [0.004]
    assert [group["lr"] for group in all_parts.param_groups] == [0.004, pytest.approx(0.0004)]
    names = {id(p): name for name, p in net.named_parameters()}
    backbone = {names[id(p)].split(".")[0] for p in all_parts.param_groups[1]["params"]}
    rest = {names[id(p)].split(".")[0] for p in all_parts.param_groups[0]["params"]}
    assert backbone == {"backbone"}
    assert rest == {"neck", "head"}


def test_a_schedule_that_cannot_be_is_refused():
    with pytest.raises(ValueError, match="schedule batch must be at least 1, got 0"):
        Schedule(batch=0)
    with pytest.raises(ValueError, match=r"warmup_epochs must be in 0\.\.3 \(epochs\), got 4"):
        Schedule(epochs=3, warmup_epochs=4)
