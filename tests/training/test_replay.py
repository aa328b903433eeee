"""A step that is not finite is kept and can be repeated."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from safetensors.torch import save_file

from dlatrack.datasets.synthetic import synthetic_sequences
from dlatrack.errors import InputError
from dlatrack.recipes import Schedule, recipe
from dlatrack.sampling.pairs import PairSource
from dlatrack.sampling.store import CropStore
from dlatrack.training.compute import Compute
from dlatrack.training.engine import train
from dlatrack.training.replay import replay
from dlatrack.training.run import CHECKPOINT, FAILED_STEP

SHORT = Schedule(
    epochs=1,
    pairs_per_epoch=12,
    batch=3,
    warmup_epochs=0,
    rate=0.02,
    final_rate=0.01,
    unfreeze_epoch=0,
    backbone_start="random",
)
RECIPE = replace(recipe("dla_siamcar_small"), schedule=SHORT)


@pytest.fixture(scope="module")
def store():
    return CropStore.build(synthetic_sequences(2, seed=50, length=4, challenges=()))


@pytest.fixture
def poisoned(monkeypatch):
    """A NaN in the search region of pair 7, which is in the third batch."""
    plain = PairSource.pair

    def pair(self, epoch, index):
        made = plain(self, epoch, index)
        if index == 7:
            made.search[0, 5, 5] = float("nan")
        return made

    monkeypatch.setattr(PairSource, "pair", pair)


@pytest.mark.parametrize("unfreeze_epoch", [0, 1])
def test_a_nan_in_a_batch_is_kept_and_found(store, tmp_path, poisoned, monkeypatch, unfreeze_epoch):
    chosen = replace(RECIPE, schedule=replace(SHORT, unfreeze_epoch=unfreeze_epoch))
    with pytest.raises(InputError, match=r"epoch 0, step 2: loss nan.*is kept in .*failed_step\.safetensors"):
        train(chosen, store, tmp_path, compute=Compute(save_every=1))
    told = replay(tmp_path / FAILED_STEP)
    assert (told.epoch, told.step) == (0, 2)
    assert "loss nan" in told.message
    assert "input search" in told.not_finite
    assert "input template" not in told.not_finite
    assert len(told.positives) == len(told.keys) == 3
    assert all(1 <= count <= 9 for count in told.positives), "numbers of positives under DLA with K = 9"
    assert replay(tmp_path / FAILED_STEP) == told or told.losses["total"] != told.losses["total"], (
        "NaN is not NaN"
    )

    monkeypatch.undo()
    whole = train(chosen, store, tmp_path / "whole")
    went_on = train(chosen, store, tmp_path)
    assert [s.step for s in went_on.steps] == [0, 1, 2, 3], "the last checkpoint is usable"
    assert (tmp_path / CHECKPOINT).read_bytes() == (tmp_path / "whole" / CHECKPOINT).read_bytes()
    assert whole.steps[2].loss == went_on.steps[2].loss


def test_files_of_another_kind_are_refused(tmp_path):
    save_file({"a": torch.zeros(1)}, tmp_path / "a.safetensors")
    with pytest.raises(InputError, match=r"a\.safetensors is not a kept training step"):
        replay(tmp_path / "a.safetensors")
    with pytest.raises(InputError, match=r"cannot read .*none\.safetensors"):
        replay(tmp_path / "none.safetensors")
