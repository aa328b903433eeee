"""Mixed precision: what a scaled loss changes in a step, in a run, in its checkpoint, and when it stops."""

from __future__ import annotations

import json
from dataclasses import replace
from types import SimpleNamespace

import pytest
import torch
from safetensors import safe_open
from safetensors.torch import load_file, save_file
from torch import nn
from torch.amp import GradScaler

from dlatrack.assign import assigner_of
from dlatrack.datasets.synthetic import synthetic_sequences
from dlatrack.errors import InputError
from dlatrack.losses import LossTerms
from dlatrack.models.siamese import build_model
from dlatrack.recipes import Schedule, recipe
from dlatrack.sampling.pairs import PairBatch, PairSource
from dlatrack.sampling.store import CropStore
from dlatrack.training import run as training_run
from dlatrack.training import step
from dlatrack.training.compute import Compute
from dlatrack.training.engine import train
from dlatrack.training.history import read_history
from dlatrack.training.identity import describe_run
from dlatrack.training.replay import replay, save_step
from dlatrack.training.run import CHECKPOINT, FAILED_STEP, HISTORY
from dlatrack.training.step import NotFiniteError, Stepper, forward_loss, history_row, loss_scaler

SHORT = Schedule(
    epochs=3,
    pairs_per_epoch=6,
    batch=2,
    warmup_epochs=0,
    rate=0.02,
    final_rate=0.01,
    unfreeze_epoch=3,  # a CPU takes seconds for a backward pass of the backbone in float16
    backbone_start="random",
)
SMALL = recipe("dla_siamcar_small")
RECIPE = replace(SMALL, schedule=SHORT, net=replace(SMALL.net, channels=16, tower_depth=1))
HALF = Compute(precision="float16")


@pytest.fixture(scope="module")
def store():
    return CropStore.build(synthetic_sequences(2, seed=50, length=4, challenges=()))


@pytest.fixture(scope="module")
def whole(store, tmp_path_factory):
    """An uninterrupted run in float16."""
    folder = tmp_path_factory.mktemp("whole")
    return train(RECIPE, store, folder, seed=3, compute=HALF), folder


class Slope(nn.Module):
    """Weights whose gradient is the mean of what a batch says."""

    def __init__(self, weights: int = 1) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.full((weights,), 2.0))


@pytest.fixture
def linear(monkeypatch):
    """The loss of a pair is the sum of the weights, times a number kept in `target_xyxy`."""

    def loss(net, batch, _assigner, _recipe, *, precision, teacher):
        assert precision == "float16"
        assert teacher is None
        total = net.weight.sum() * batch.target_xyxy.float().mean()
        zeros = torch.zeros(len(batch.key))
        columns = ("labels", "positive", "negative", "empty", "tied", "rescued")
        return LossTerms(total, *[torch.zeros(())] * 3), SimpleNamespace(
            quality=None, **dict.fromkeys(columns, zeros)
        )

    monkeypatch.setattr(step, "forward_loss", loss)


def batch_of(*slopes: float) -> PairBatch:
    zeros = torch.zeros(len(slopes))
    return PairBatch(zeros, zeros, torch.tensor(slopes), zeros, zeros)


def stepper(scaler: GradScaler, **options) -> Stepper:
    return Stepper(RECIPE, None, scaler, Compute(precision="float16", **options))


def test_a_scaled_step_is_the_step_by_hand(linear):
    """A slope of 3 and a rate of 0.5 take a weight from 2 to 0.5, in one part or in two unequal ones."""
    for accumulate in (1, 2):
        net, scaler = Slope(), loss_scaler("float16", "cpu")
        optimizer = torch.optim.SGD(net.parameters(), lr=0.5)
        way = stepper(scaler, accumulate=accumulate)
        figures = way.gradients(net, optimizer, batch_of(1.0, 2.0, 6.0), 3)
        assert figures[0] == pytest.approx(2 * 3, rel=1e-6), "the loss is told without its scale"
        assert net.weight.grad.item() == figures[4] == 3.0
        assert way.scale == 65536
        way.apply(optimizer, skip=False)
        assert net.weight.item() == 0.5
        assert way.scale == 65536


def test_clipping_sees_gradients_without_the_scale(linear):
    net, scaler = Slope(), loss_scaler("float16", "cpu")
    way = stepper(scaler)
    optimizer = torch.optim.SGD(net.parameters(), lr=0.5)
    figures = way.gradients(net, optimizer, batch_of(40.0), 1)
    assert figures[4] == 40
    assert net.weight.grad.item() == pytest.approx(RECIPE.schedule.clip_norm, rel=1e-5)


@pytest.mark.parametrize(
    ("slope", "weights"),
    [(1e37, 1), (float("nan"), 1), (1e25, 4)],
    ids=["scaled beyond float32", "not a number", "finite values with an infinite norm"],
)
def test_a_skipped_step_changes_no_weight_and_halves_the_scale(linear, slope, weights):
    net, scaler = Slope(weights), loss_scaler("float16", "cpu")
    way = stepper(scaler)
    optimizer = torch.optim.SGD(net.parameters(), lr=0.5, momentum=0.9)
    for turn in range(1, 4):
        figures = way.gradients(net, optimizer, batch_of(slope), 1)
        assert not torch.isfinite(figures[4])
        way.apply(optimizer, skip=True)
        assert way.scale == 65536 / 2**turn
    assert net.weight.tolist() == [2.0] * weights
    assert not optimizer.state


def test_the_scale_grows_as_the_public_scaler_says(linear):
    """Against `GradScaler` used as its documentation does, over a sequence of good and bad steps."""
    nets = [Slope(), Slope()]
    ours, theirs = (GradScaler("cpu", init_scale=8.0, growth_interval=3) for _ in nets)
    optimizers = [torch.optim.SGD(net.parameters(), lr=0.1) for net in nets]
    way = stepper(ours)
    for slope in (1.0, 2.0, 1.0, 1.0, 1e38, 1.0, 1.0, 1.0, 1e38, 1e38, 1.0):
        figures = way.gradients(nets[0], optimizers[0], batch_of(slope), 1)
        way.apply(optimizers[0], skip=not torch.isfinite(figures[4]))
        optimizers[1].zero_grad()
        theirs.scale(nets[1].weight.sum() * torch.tensor(slope)).backward()
        theirs.step(optimizers[1])
        theirs.update()
        assert ours.state_dict() == theirs.state_dict()
        assert torch.equal(nets[0].weight, nets[1].weight)


def figures_of(loss: float = 1.0, norm: float = 2.0) -> torch.Tensor:
    return torch.tensor([loss, 0.5, 0.2, 0.1, norm, 8.0, 32.0, 6.0, 0, 0, 0, 4.0], dtype=torch.float64)


PLACE = {"epoch": 1, "step": 7, "rate": 0.1, "seconds": 2.0}


def test_the_row_of_a_step_says_whether_it_was_skipped():
    made = history_row(figures_of(), RECIPE, **PLACE)
    assert (made.skipped, made.clipped, made.positives, made.pairs_per_second) == (0, 0, 2.0, 2.0)
    assert history_row(figures_of(norm=11.0), RECIPE, **PLACE).clipped == 1
    over = history_row(figures_of(norm=float("inf")), RECIPE, **PLACE, scale=2.0)
    assert (over.skipped, over.clipped, over.gradient_norm) == (1, 0, float("inf"))


@pytest.mark.parametrize(
    ("loss", "norm", "scale", "message"),
    [
        (float("nan"), 2.0, 65536.0, r"epoch 1, step 7: loss nan .*, gradient norm 2\.0, loss scale 65536"),
        (float("inf"), 2.0, None, r"loss inf .*gradient norm 2\.0$"),
        (1.0, float("inf"), None, r"gradient norm inf$"),
        (1.0, float("inf"), 1.0, r"gradient norm inf, loss scale 1$"),
    ],
)
def test_what_no_smaller_scale_can_mend_stops(loss, norm, scale, message):
    with pytest.raises(NotFiniteError, match=message):
        history_row(figures_of(loss, norm), RECIPE, **PLACE, scale=scale)


def scaler_in(folder) -> dict:
    with safe_open(folder / CHECKPOINT, "pt") as file:
        return json.loads(file.metadata()["dlatrack-training"])["scaler"]


@pytest.mark.slow
def test_float16_is_near_and_its_weights_are_float32(store, whole, tmp_path):
    training, folder = whole
    plain = train(RECIPE, store, tmp_path, seed=3, until_epoch=1)
    assert training.steps[0].loss != plain.steps[0].loss
    assert training.steps[0].loss == pytest.approx(plain.steps[0].loss, rel=0.02)
    assert {value.dtype for value in training.net.state_dict().values()} == {torch.float32, torch.int64}
    skipped = sum(s.skipped for s in training.steps)
    assert scaler_in(folder)["scale"] == 65536 / 2**skipped
    assert all(s.skipped == (not torch.isfinite(torch.tensor(s.gradient_norm))) for s in training.steps)
    assert skipped < len(training.steps)
    with pytest.raises(InputError, match="precision is float32 there and float16 here"):
        train(RECIPE, store, tmp_path, seed=3, compute=HALF)


@pytest.mark.slow
@pytest.mark.parametrize("stop", [1, 4])
def test_a_resumed_run_has_the_bits_and_the_scale_of_a_whole_one(store, whole, tmp_path, stop):
    seen = []
    train(
        RECIPE,
        store,
        tmp_path,
        seed=3,
        compute=HALF,
        on_step=lambda s, _: seen.append(s),
        should_stop=lambda: len(seen) == stop,
    )
    assert len(seen) == stop
    resumed = train(RECIPE, store, tmp_path, seed=3, compute=HALF)
    assert (tmp_path / CHECKPOINT).read_bytes() == (whole[1] / CHECKPOINT).read_bytes()
    assert [s.skipped for s in resumed.steps] == [s.skipped for s in whole[0].steps]
    assert resumed.steps[-1].gradient_norm == whole[0].steps[-1].gradient_norm


@pytest.mark.slow
def test_a_checkpoint_without_its_scale_is_refused(store, whole, tmp_path):
    with safe_open(whole[1] / CHECKPOINT, "pt") as file:
        content = json.loads(file.metadata()["dlatrack-training"])
    del content["scaler"]
    tensors = load_file(whole[1] / CHECKPOINT)
    save_file(tensors, tmp_path / CHECKPOINT, {"dlatrack-training": json.dumps(content)})
    with pytest.raises(InputError, match=r"is not a training checkpoint: it lacks the scale of the loss"):
        train(RECIPE, store, tmp_path, seed=3, compute=HALF)


def test_a_gradient_beyond_float16_stops_the_run_and_is_kept(store, tmp_path, monkeypatch):
    """From a scale of 2 the first overflow is a skipped step, and the second is the end."""
    build = training_run.build_model

    def overflowing(*args):
        net = build(*args)
        next(net.head.parameters()).register_hook(lambda gradient: gradient * float("inf"))
        return net

    monkeypatch.setattr(training_run, "build_model", overflowing)
    monkeypatch.setattr(training_run, "loss_scaler", lambda *_: GradScaler("cpu", init_scale=2.0))
    with pytest.raises(
        InputError, match=r"epoch 0, step 1: loss \d.*, loss scale 1; lower the learning rate"
    ):
        train(RECIPE, store, tmp_path, seed=3, compute=replace(HALF, save_every=1))
    assert [s.skipped for s in read_history(tmp_path / HISTORY, 1)] == [1]
    told = replay(tmp_path / FAILED_STEP)
    assert (told.epoch, told.step) == (0, 1)
    assert torch.isfinite(torch.tensor(list(told.losses.values()))).all()


def test_a_loss_that_is_not_finite_stops_at_once_in_float16_too(store, tmp_path, monkeypatch):
    build = training_run.build_model

    def broken(*args):
        net = build(*args)
        nn.init.constant_(net.head.cls_logits.bias, torch.nan)
        return net

    monkeypatch.setattr(training_run, "build_model", broken)
    with pytest.raises(InputError, match=r"epoch 0, step 0: loss nan .*loss scale 65536"):
        train(RECIPE, store, tmp_path, seed=3, compute=HALF)


@pytest.mark.parametrize(("scale", "overflows"), [(1.0, False), (2.0**40, True)])
def test_a_kept_step_is_repeated_in_its_precision_and_scale(store, tmp_path, scale, overflows):
    net = build_model(RECIPE)
    batch = PairSource(store, RECIPE.sampling, RECIPE.net, 3).batch(0, 0, 2)
    run = describe_run(RECIPE, store, 3, None, HALF)
    where = {"epoch": 0, "step": 3, "backbone_trains": False, "message": "gradient norm inf"}
    save_step(tmp_path / FAILED_STEP, net, batch, run, **where, scale=scale)
    told = replay(tmp_path / FAILED_STEP)
    assert any(name.startswith("gradient of head") for name in told.not_finite) == overflows
    assert not any(name.startswith("loss") for name in told.not_finite)
    run = describe_run(RECIPE, store, 3, None)
    save_step(tmp_path / FAILED_STEP, net, batch, run, **where)
    plain = replay(tmp_path / FAILED_STEP)
    assert plain.losses["total"] != told.losses["total"]
    if not overflows:
        assert told.gradient_norms["head"] == pytest.approx(plain.gradient_norms["head"], rel=0.05)


def test_a_history_from_before_float16_is_read(whole, tmp_path):
    lines = [line.split(",") for line in (whole[1] / HISTORY).read_text().splitlines()]
    column = lines[0].index("skipped")
    older = "\n".join(",".join(line[:column] + line[column + 1 :]) for line in lines)
    (tmp_path / HISTORY).write_text(older + "\n")
    read = read_history(tmp_path / HISTORY, 9)
    assert {s.skipped for s in read} == {0}
    assert [s.loss for s in read] == [s.loss for s in read_history(whole[1] / HISTORY, 9)]


@pytest.mark.parametrize("name", ["siamcar_nano", "siamfcpp_nano", "nanotrack_v3"])
def test_boxes_without_end_at_cells_without_labels_leave_the_gradient_finite(name, store):
    """Such cells are free to answer anything; a gradient of 0 times infinity would stop the training."""
    chosen = recipe(name)
    net = build_model(chosen).train_mode(False)
    last = {
        "siamcar_nano": "bbox_pred.weight",
        "siamfcpp_nano": "box_scale",
        "nanotrack_v3": "box.predict.weight",
    }
    batch = PairSource(store, chosen.sampling, chosen.net, 0).batch(0, 0, 2)
    with torch.no_grad():
        net.head.get_parameter(last[name]).mul_(1e5)
    terms, _ = forward_loss(net, batch, assigner_of(chosen), chosen)
    terms.total.backward()
    gradients = [weight.grad for weight in net.parameters() if weight.grad is not None]
    assert gradients
    assert all(gradient.isfinite().all() for gradient in gradients)
