"""The schedule of fine-tuning: its values by hand, its choices, and its bad input."""

from __future__ import annotations

from dataclasses import replace

import pytest

from dlatrack.errors import InputError
from dlatrack.recipes import RECIPES, recipe
from dlatrack.recipes.fine_tuning import fine_tuning

PUBLISHED = recipe("nanotrack_v3").schedule


def test_values_by_hand() -> None:
    gentle = fine_tuning(PUBLISHED)
    assert (gentle.epochs, gentle.pairs_per_epoch, gentle.batch) == (8, 4000, 32)
    assert (gentle.shape, gentle.warmup_epochs) == ("cosine", 1)
    assert (gentle.warmup_from, gentle.rate, gentle.final_rate) == pytest.approx((0.0001, 0.001, 0.00001))
    assert gentle.unfreeze_epoch == 8, "after the last epoch: the trunk stays frozen"
    assert gentle.frozen_batch_norm
    assert (gentle.momentum, gentle.weight_decay, gentle.clip_norm) == (0.9, 1e-4, 10.0)


def test_the_other_choices() -> None:
    bold = fine_tuning(PUBLISHED, trunk="tenth", batch_norm="trains", rate=0.02)
    assert (bold.unfreeze_epoch, bold.backbone_factor) == (0, 0.1)
    assert not bold.frozen_batch_norm
    assert (bold.warmup_from, bold.rate, bold.final_rate) == pytest.approx((0.002, 0.02, 0.0002))


def test_numbers_of_the_command_line() -> None:
    short = fine_tuning(PUBLISHED, epochs=1, pairs_per_epoch=6, batch=2)
    assert (short.epochs, short.pairs_per_epoch, short.batch) == (1, 6, 2)
    assert short.warmup_epochs == 0, "one epoch alone has no warm-up"
    assert short.unfreeze_epoch == 1


def test_what_the_recipe_decides_is_kept() -> None:
    odd = replace(PUBLISHED, momentum=0.5, weight_decay=0.25, clip_norm=None)
    kept = fine_tuning(odd)
    assert (kept.momentum, kept.weight_decay, kept.clip_norm) == (0.5, 0.25, None)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"trunk": "half"}, "^trunk must be frozen or tenth, got 'half'$"),
        ({"batch_norm": "yes"}, "^batch_norm must be frozen or trains, got 'yes'$"),
        ({"rate": 0.0}, "^rate must be a positive number, got 0.0$"),
        ({"rate": -1.0}, "^rate must be a positive number, got -1.0$"),
        ({"rate": float("nan")}, "^rate must be a positive number, got nan$"),
        ({"rate": float("inf")}, "^rate must be a positive number, got inf$"),
        ({"epochs": -2}, "^schedule epochs must be at least 1, got -2$"),
        ({"batch": -1}, "^schedule batch must be at least 1, got -1$"),
    ],
)
def test_bad_input_is_named(options: dict, message: str) -> None:
    with pytest.raises(InputError, match=message):
        fine_tuning(PUBLISHED, **options)


@pytest.mark.parametrize("name", sorted(RECIPES))
def test_every_recipe_has_one(name: str) -> None:
    gentle = fine_tuning(recipe(name).schedule)
    assert gentle.rate == 0.001
    assert not recipe(name).schedule.frozen_batch_norm, "only fine-tuning freezes batch norm"
