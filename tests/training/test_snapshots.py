"""Weights of the last epochs and of the best stay."""

from __future__ import annotations

from dataclasses import replace

import pytest

from dlatrack.models.siamese import build_model
from dlatrack.models.weights import load_weights, read_weights_info
from dlatrack.recipes import recipe
from dlatrack.training.history import StepRow
from dlatrack.training.snapshots import EPOCHS, keep_snapshot, mean_losses


def history(*losses: float) -> list[StepRow]:
    """Two steps per epoch, around each loss."""
    step = StepRow(0, 0, 0.1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1)
    return [
        step._replace(epoch=epoch, loss=loss + shift)
        for epoch, loss in enumerate(losses)
        for shift in (-0.5, 0.5)
    ]


def test_mean_losses_by_hand():
    assert mean_losses(history(3, 1, 2)) == {0: 3, 1: 1, 2: 2}


@pytest.mark.parametrize(("keep", "left"), [(1, {2, 5}), (2, {2, 4, 5}), (10**20, {1, 2, 3, 4, 5})])
def test_the_last_and_the_best_stay(tmp_path, keep, left):
    chosen = recipe("siamcar_small")
    net = build_model(chosen)
    losses = (3.0, 1.0, 2.0, 2.0, 1.5)
    for epoch in range(5):
        path = keep_snapshot(tmp_path, net, chosen, history(*losses[: epoch + 1]), {"seed": 1}, keep=keep)
        assert read_weights_info(path).card == {
            "run": {"seed": 1},
            "epoch": epoch + 1,
            "mean_loss": losses[epoch],
        }
    assert {int(path.stem[-3:]) for path in (tmp_path / EPOCHS).iterdir()} == left
    assert load_weights(path, replace(chosen))[1] == chosen
