"""Training: same seed same bits, resuming across the unfreezing, a falling loss, and what stops a run."""

from __future__ import annotations

import errno
import json
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from dlatrack.assign import build_assigner
from dlatrack.datasets.synthetic import synthetic_sequences
from dlatrack.errors import InputError
from dlatrack.models.checkpoint_files import read_safetensors, write_safetensors
from dlatrack.models.siamese import build_model
from dlatrack.models.weights import load_weights, save_weights
from dlatrack.recipes import Schedule, recipe
from dlatrack.sampling.content_list import CONTENT
from dlatrack.sampling.pairs import PairSource
from dlatrack.sampling.store import CropStore
from dlatrack.tracking.online import OnlineTracker
from dlatrack.tracking.run import run_one_pass
from dlatrack.training import checkpoints
from dlatrack.training import run as training_run
from dlatrack.training.compute import Compute
from dlatrack.training.engine import train
from dlatrack.training.history import read_history
from dlatrack.training.run import CHECKPOINT, FAILED_STEP, HISTORY
from dlatrack.training.step import forward_loss

SHORT = Schedule(
    epochs=4,
    pairs_per_epoch=5,
    batch=3,
    warmup_epochs=1,
    warmup_from=0.01,
    rate=0.02,
    final_rate=0.01,
    unfreeze_epoch=2,
    backbone_start="random",
)
RECIPE = replace(recipe("dla_siamcar_small"), schedule=SHORT)


@pytest.fixture(scope="module")
def store():
    return CropStore.build(synthetic_sequences(2, seed=50, length=4, challenges=()))


@pytest.fixture(scope="module")
def whole(store, tmp_path_factory):
    """An uninterrupted run of four epochs, the backbone joining in the third."""
    folder = tmp_path_factory.mktemp("whole")
    return train(RECIPE, store, folder, seed=3), folder


def same_bits(a: torch.nn.Module, b: torch.nn.Module) -> bool:
    return all(
        torch.equal(x, y) for x, y in zip(a.state_dict().values(), b.state_dict().values(), strict=True)
    )


def test_a_cosine_moves_within_the_epoch(store, tmp_path):
    schedule = replace(SHORT, shape="cosine", epochs=2, pairs_per_epoch=6, unfreeze_epoch=2)
    steps = train(replace(RECIPE, schedule=schedule), store, tmp_path).steps
    # half of the warm-up from 0.01 to 0.02, then a whole wave in one epoch: its top, and half-way down to 0.01
    assert [step.lr for step in steps] == pytest.approx([0.01, 0.015, 0.02, 0.015])


def test_the_same_seed_gives_the_same_bits(store, whole, tmp_path):
    again = train(RECIPE, store, tmp_path, seed=3)
    assert same_bits(again.net, whole[0].net)
    assert [s[:-1] for s in again.steps] == [s[:-1] for s in whole[0].steps], "all but the speed"
    assert (tmp_path / CHECKPOINT).read_bytes() == (whole[1] / CHECKPOINT).read_bytes()


def test_another_seed_gives_other_weights(store, whole, tmp_path):
    other = train(RECIPE, store, tmp_path, seed=4, until_epoch=1)
    assert other.steps[0].loss != whole[0].steps[0].loss


@pytest.mark.parametrize("pause", [1, 2, 3], ids="paused after epoch {}".format)
def test_a_resumed_run_equals_one_that_was_never_stopped(store, whole, tmp_path, pause):
    first = train(RECIPE, store, tmp_path, seed=3, until_epoch=pause)
    assert first.epochs == pause
    resumed = train(RECIPE, store, tmp_path, seed=3)
    assert resumed.epochs == 4
    assert same_bits(resumed.net, whole[0].net)
    assert [s.step for s in resumed.steps] == list(range(8))
    assert [s.loss for s in resumed.steps] == pytest.approx([s.loss for s in whole[0].steps], rel=1e-8)


def test_a_finished_run_is_only_read(store, whole):
    before = (whole[1] / CHECKPOINT).stat().st_mtime_ns
    seen = []
    again = train(RECIPE, store, whole[1], seed=3, on_step=lambda *step: seen.append(step))
    assert same_bits(again.net, whole[0].net)
    assert seen == []
    assert (whole[1] / CHECKPOINT).stat().st_mtime_ns == before


def test_the_backbone_is_frozen_until_its_epoch(store, whole, tmp_path):
    fresh = build_model(RECIPE, torch.Generator().manual_seed(3))
    half = train(RECIPE, store, tmp_path, seed=3, until_epoch=2)
    assert same_bits(fresh.backbone, half.net.backbone)
    assert not same_bits(fresh.neck, half.net.neck)
    assert not same_bits(fresh.backbone, whole[0].net.backbone)


def test_the_history_tells_every_step(whole):
    training, folder = whole
    steps = read_history(folder / HISTORY, 8)
    assert [s.epoch for s in steps] == [0, 0, 1, 1, 2, 2, 3, 3]
    assert steps[0].loss == pytest.approx(training.steps[0].loss, rel=1e-8)
    assert [s.lr for s in steps[::2]] == pytest.approx([0.01, 0.02, 0.02**0.5 * 0.01**0.5, 0.01])
    for s in steps:
        assert s.loss == pytest.approx(
            s.loss_classification + 3 * s.loss_regression + s.loss_centerness, rel=1e-5
        )
        assert s.positives >= 1
        assert s.negatives == pytest.approx(4 * s.positives)
        assert s.rescued == s.empty


def test_the_loss_falls(store, tmp_path):
    schedule = replace(SHORT, epochs=2, pairs_per_epoch=40, batch=4, unfreeze_epoch=2)
    training = train(replace(RECIPE, schedule=schedule), store, tmp_path)
    losses = [s.loss for s in training.steps]
    assert sum(losses[-5:]) < 0.8 * sum(losses[:5])


def test_clipped_steps_are_marked(whole):
    limit = SHORT.clip_norm
    assert [s.clipped for s in whole[0].steps] == [int(s.gradient_norm > limit) for s in whole[0].steps]
    assert sum(s.clipped for s in whole[0].steps) > 0


def test_bfloat16_is_near_and_another_run(store, whole, tmp_path):
    lower = train(RECIPE, store, tmp_path, seed=3, until_epoch=1, compute=Compute(precision="bfloat16"))
    first, other = whole[0].steps[0], lower.steps[0]
    assert other.loss != first.loss
    assert other.loss == pytest.approx(first.loss, rel=0.05)
    with pytest.raises(InputError, match="precision is bfloat16 there and float32 here"):
        train(RECIPE, store, tmp_path, seed=3)


@pytest.mark.parametrize("accumulate", [2, 3])
def test_the_loss_of_a_batch_is_the_mean_over_its_parts(store, tmp_path, accumulate):
    """Without clipping and batch norm's part in it: the figures of one step by hand."""
    schedule = replace(SHORT, pairs_per_epoch=6, batch=6)
    chosen = replace(RECIPE, schedule=schedule)
    run = train(chosen, store, tmp_path, seed=3, until_epoch=1, compute=Compute(accumulate=accumulate))
    source = PairSource(store, chosen.sampling, chosen.net, 3)
    net = build_model(chosen, torch.Generator().manual_seed(3)).to(memory_format=torch.channels_last)
    net.train_mode(False)
    assigner = build_assigner("dla_points", chosen.grid)
    size = 6 // accumulate
    parts = [
        forward_loss(net, source.batch(0, part * size, size), assigner, chosen)[0].total.item()
        for part in range(accumulate)
    ]
    assert run.steps[0].loss == pytest.approx(sum(parts) / accumulate, rel=1e-6)
    assert run.steps[0].pairs_per_second > 0
    with pytest.raises(InputError, match=f"parts is {accumulate} there and 1 here"):
        train(chosen, store, tmp_path, seed=3)


def test_summed_gradients_are_the_mean_times_the_parts(store, tmp_path):
    """pysot's way: two parts give twice the gradient."""
    chosen = replace(RECIPE, schedule=replace(SHORT, pairs_per_epoch=6, batch=6, clip_norm=None))
    mean, total = (
        train(
            chosen,
            store,
            tmp_path / way,
            seed=3,
            until_epoch=1,
            compute=Compute(accumulate=2, gradients=way),
        ).steps[0]
        for way in ("mean", "sum")
    )
    assert total.gradient_norm == pytest.approx(2 * mean.gradient_norm, rel=1e-5)
    assert total.loss == mean.loss
    with pytest.raises(InputError, match="gradients is sum there and mean here"):
        train(chosen, store, tmp_path / "sum", seed=3, compute=Compute(accumulate=2))


def test_parts_that_cannot_be_are_refused(store, tmp_path):
    with pytest.raises(InputError, match=r"a batch of 2 pairs cannot be cut into 3 parts"):
        train(RECIPE, store, tmp_path, compute=Compute(accumulate=3))
    for wrong in ({"accumulate": 0}, {"save_minutes": 0}, {"save_every": 0}, {"keep": -1}):
        with pytest.raises(ValueError, match="must be"):
            Compute(**wrong)


def test_a_run_that_is_asked_to_stop_saves_and_goes_on_to_the_same_bits(store, whole, tmp_path):
    calls = []

    def after(count):
        return lambda: calls.append(0) is None and len(calls) >= count

    stopped = train(RECIPE, store, tmp_path, seed=3, should_stop=after(3))
    assert stopped.stopped
    assert (stopped.epochs, len(stopped.steps)) == (1, 3)
    calls.clear()
    stopped = train(RECIPE, store, tmp_path, seed=3, should_stop=after(1))
    assert stopped.stopped, "at the end of an epoch, too"
    assert len(stopped.steps) == 4
    done = train(RECIPE, store, tmp_path, seed=3)
    assert not done.stopped
    assert (tmp_path / CHECKPOINT).read_bytes() == (whole[1] / CHECKPOINT).read_bytes()


def test_checkpoints_come_by_a_clock_that_nobody_sets(store, tmp_path, monkeypatch):
    """The wall clock may jump; only the monotonic one counts, and here it jumps ten minutes per step."""
    ticks = iter(range(0, 10**6, 601))
    monkeypatch.setattr(training_run.time, "monotonic", lambda: float(next(ticks)))
    monkeypatch.setattr(training_run.time, "time", lambda: -1e9)
    saved = []
    keep = training_run.save_checkpoint
    monkeypatch.setattr(
        training_run,
        "save_checkpoint",
        lambda path, net, opt, scaler, done, run: (
            saved.append(done) or keep(path, net, opt, scaler, done, run)
        ),
    )
    train(RECIPE, store, tmp_path, seed=3, until_epoch=2)
    assert saved == [(0, 1), (1, 0), (1, 1), (2, 0)]


def test_a_batch_has_the_loss_of_its_pairs_in_any_order(store):
    """Assignment keys travel with the pairs: a permuted batch costs the same."""
    source = PairSource(store, RECIPE.sampling, RECIPE.net, 1)
    assigner = build_assigner("dla_points", RECIPE.grid)
    batch = source.batch(0, 0, 4)
    turned = type(batch)(*(field.flip(0) for field in batch))
    net = build_model(RECIPE)
    (first, a), (second, b) = (forward_loss(net, each, assigner, RECIPE) for each in (batch, turned))
    assert torch.equal(a.labels.flip(0), b.labels)
    assert second.total.item() == pytest.approx(first.total.item(), rel=1e-5)


def test_a_run_of_an_earlier_version_is_read(store, whole, tmp_path):
    """Its recipe lacks a field that became a setting later."""
    tensors, metadata = read_safetensors(whole[1] / CHECKPOINT)
    content = json.loads(metadata[checkpoints._ENTRY])
    assert content["run"]["recipe"]["schedule"].pop("frozen_batch_norm") is False
    assert "classification_form" not in content["run"]["recipe"]["loss"]
    write_safetensors(tmp_path / CHECKPOINT, tensors, {checkpoints._ENTRY: json.dumps(content)})
    (tmp_path / HISTORY).write_bytes((whole[1] / HISTORY).read_bytes())
    again = train(RECIPE, store, tmp_path, seed=3)
    assert len(again.steps) == len(whole[0].steps)
    tuned = replace(RECIPE, schedule=replace(SHORT, frozen_batch_norm=True))
    with pytest.raises(InputError, match="frozen_batch_norm is False there and True here"):
        train(tuned, store, tmp_path, seed=3)
    literal = replace(RECIPE, loss=replace(RECIPE.loss, classification_form="eq3"))
    with pytest.raises(InputError, match=r"loss\.classification_form is balanced there and eq3 here"):
        train(literal, store, tmp_path, seed=3)


def test_a_folder_of_another_run_is_refused(store, whole):
    with pytest.raises(InputError, match=r"belongs to another run: seed is 3 there and 5 here"):
        train(RECIPE, store, whole[1], seed=5)
    other = replace(RECIPE, schedule=replace(SHORT, rate=0.03))
    with pytest.raises(InputError, match=r"recipe\.schedule\.rate is 0\.02 there and 0\.03 here"):
        train(other, store, whole[1], seed=3)
    with pytest.raises(InputError, match=r"recipe\.assign\.name is dla_points there and rectangle here"):
        train(replace(recipe("siamcar_small"), schedule=SHORT), store, whole[1], seed=3)


def test_a_truncated_checkpoint_is_named(store, whole, tmp_path):
    (tmp_path / CHECKPOINT).write_bytes((whole[1] / CHECKPOINT).read_bytes()[:5000])
    with pytest.raises(InputError, match=r"checkpoint\.safetensors is not a complete safetensors file"):
        train(RECIPE, store, tmp_path, seed=3)


def test_weights_are_not_a_checkpoint(store, whole, tmp_path):
    save_weights(tmp_path / CHECKPOINT, whole[0].net, RECIPE, {})
    with pytest.raises(InputError, match="is not a training checkpoint"):
        train(RECIPE, store, tmp_path, seed=3)


def test_a_full_disk_leaves_the_last_checkpoint(store, tmp_path, monkeypatch):
    first = train(RECIPE, store, tmp_path, seed=3, until_epoch=1)
    kept = (tmp_path / CHECKPOINT).read_bytes()

    def full(*_args, **_options):
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr(checkpoints.Path, "write_bytes", full)
        with pytest.raises(
            InputError, match=r"cannot write .*checkpoint\.safetensors: No space left on device"
        ):
            train(RECIPE, store, tmp_path, seed=3, until_epoch=2)
    assert (tmp_path / CHECKPOINT).read_bytes() == kept
    assert sorted(p.name for p in tmp_path.iterdir()) == [CHECKPOINT, CONTENT, HISTORY]
    assert train(RECIPE, store, tmp_path, seed=3, until_epoch=1).epochs == first.epochs


def test_a_loss_that_is_not_finite_stops_the_run(store, tmp_path, monkeypatch):
    build = training_run.build_model

    def broken(*args):
        net = build(*args)
        torch.nn.init.constant_(net.head.cls_logits.bias, torch.nan)
        return net

    monkeypatch.setattr(training_run, "build_model", broken)
    with pytest.raises(
        InputError, match=r"training stopped in epoch 0, step 0: loss nan.*lower the learning rate"
    ):
        train(RECIPE, store, tmp_path)
    assert {path.name for path in Path(tmp_path).iterdir()} == {CONTENT, FAILED_STEP}


def test_missing_backbone_weights_are_named(store, tmp_path):
    with pytest.raises(InputError, match=r"cannot read .*nowhere\.safetensors"):
        train(RECIPE, store, tmp_path, backbone_weights=tmp_path / "nowhere.safetensors")


@pytest.mark.parametrize("name", ["siamrpnpp_small", "dla_siamrpnpp_small"])
def test_anchor_trackers_train_with_negative_pairs_save_load_and_track(tmp_path, name):
    sequences = synthetic_sequences(3, seed=55, length=4, challenges=())
    schedule = replace(SHORT, epochs=1, warmup_epochs=0, pairs_per_epoch=80, batch=4, unfreeze_epoch=1)
    chosen = replace(recipe(name), schedule=schedule)
    training = train(chosen, CropStore.build(sequences), tmp_path)
    assert len(training.steps) == 20
    losses = [s.loss for s in training.steps]
    assert sum(losses[-5:]) < 0.9 * sum(losses[:5])
    assert all(s.loss_centerness == 0 for s in training.steps)
    assert min(s.positives for s in training.steps) > 0

    save_weights(tmp_path / "weights.safetensors", training.net, chosen, {})
    net, loaded = load_weights(tmp_path / "weights.safetensors", chosen)
    assert loaded == chosen
    boxes = run_one_pass(OnlineTracker(net, loaded), sequences[0]).boxes_xywh
    assert boxes.shape == (4, 4)
    assert (boxes[:, 2:] >= 10).all()
