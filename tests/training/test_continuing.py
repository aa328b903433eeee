"""A finished run that is given more epochs: the first ones stay, the further ones are reproducible to the bit."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import torch

from dlatrack.datasets.synthetic import synthetic_sequences
from dlatrack.errors import InputError
from dlatrack.models.siamese import build_model
from dlatrack.models.weights import read_weights_info
from dlatrack.recipes import Recipe, Schedule, recipe
from dlatrack.recipes.fine_tuning import fine_tuning
from dlatrack.sampling.store import CropStore
from dlatrack.training.checkpoints import scheduled_epochs
from dlatrack.training.compute import Compute
from dlatrack.training.engine import train
from dlatrack.training.history import read_history
from dlatrack.training.run import CHECKPOINT, HISTORY
from dlatrack.training.schedule import continuation, learning_rate
from dlatrack.training.snapshots import snapshot

SHORT = Schedule(
    epochs=2,
    pairs_per_epoch=5,
    batch=2,
    warmup_epochs=1,
    warmup_from=0.01,
    rate=0.02,
    final_rate=0.005,
    unfreeze_epoch=1,
    backbone_start="random",
)
RECIPE = replace(recipe("dla_siamcar_small"), schedule=SHORT)


@pytest.fixture(scope="module")
def store() -> CropStore:
    return CropStore.build(synthetic_sequences(2, seed=50, length=4, challenges=()))


@pytest.fixture(scope="module")
def continued(store: CropStore, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder of a run of two epochs that was given a third one."""
    folder = tmp_path_factory.mktemp("continued")
    for epochs in (2, 3):
        train(RECIPE, store, folder, seed=3, until_epoch=epochs, compute=Compute(keep=3))
    return folder


def history(folder: Path, steps: int) -> list[tuple]:
    """Rows of the history without the speed."""
    return [tuple(row)[:-1] for row in read_history(folder / HISTORY, steps)]


def test_the_first_epochs_stay_and_the_further_one_has_the_final_rate(
    store: CropStore, continued: Path, tmp_path: Path
) -> None:
    train(RECIPE, store, tmp_path, seed=3)
    assert history(continued, 9)[:6] == history(tmp_path, 6)
    rows = read_history(continued / HISTORY, 9)
    assert [row.epoch for row in rows] == [0] * 3 + [1] * 3 + [2] * 3
    assert [row.step for row in rows] == list(range(9))
    assert [row.lr for row in rows[6:]] == [SHORT.final_rate] * 3


@pytest.mark.parametrize("stop_after", [7, 8])
def test_a_continuation_that_is_interrupted_ends_with_the_same_bits(
    store: CropStore, continued: Path, tmp_path: Path, stop_after: int
) -> None:
    train(RECIPE, store, tmp_path, seed=3)
    rows = []
    stopped = train(
        RECIPE,
        store,
        tmp_path,
        seed=3,
        until_epoch=3,
        on_step=lambda row, in_all: rows.append((row.step + 1, in_all)),
        should_stop=lambda: len(rows) == stop_after - 6,
    )
    assert (stopped.stopped, stopped.epochs) == (True, 2)
    assert rows[-1] == (stop_after, 9)
    done = train(RECIPE, store, tmp_path, seed=3, until_epoch=3)
    assert (done.stopped, done.epochs) == (False, 3)
    assert (tmp_path / CHECKPOINT).read_bytes() == (continued / CHECKPOINT).read_bytes()
    assert history(tmp_path, 9) == history(continued, 9)


def test_how_often_a_run_is_continued_makes_no_difference(store: CropStore, tmp_path: Path) -> None:
    for name, targets in (("steps", (2, 3, 4)), ("at once", (4,))):
        for target in targets:
            train(RECIPE, store, tmp_path / name, seed=3, until_epoch=target)
    assert (tmp_path / "steps" / CHECKPOINT).read_bytes() == (tmp_path / "at once" / CHECKPOINT).read_bytes()


def test_the_card_has_both_schedules(continued: Path) -> None:
    card = read_weights_info(snapshot(continued, 2)).card
    assert card["run"]["recipe"]["schedule"]["epochs"] == 2
    assert (card["epoch"], card["continued"]) == (3, {"epochs": 1, "rate": 0.005})
    assert "continued" not in read_weights_info(snapshot(continued, 1)).card
    assert continuation(SHORT, 2) == {}


@pytest.mark.parametrize(("trunk", "trains"), [("frozen", False), ("tenth", True)])
def test_the_backbone_does_what_it_did_in_the_last_epoch(
    store: CropStore, tmp_path: Path, trunk: str, trains: bool
) -> None:
    schedule = replace(
        fine_tuning(SHORT, epochs=1, pairs_per_epoch=4, batch=2, trunk=trunk), backbone_start="random"
    )
    assert [schedule.backbone_trains(epoch) for epoch in range(4)] == [trains] * 4
    done = train(replace(RECIPE, schedule=schedule), store, tmp_path, seed=3, until_epoch=2)
    fresh = build_model(RECIPE, torch.Generator().manual_seed(3)).backbone.state_dict()
    same = all(torch.equal(value, fresh[name]) for name, value in done.net.backbone.state_dict().items())
    assert same is not trains


def test_a_backbone_that_joins_late_joins_once() -> None:
    assert [SHORT.backbone_trains(epoch) for epoch in range(4)] == [False, True, True, True]


@pytest.mark.parametrize("shape", ["logarithmic", "cosine"])
def test_the_rate_stays_beyond_the_schedule(shape: str) -> None:
    schedule = replace(SHORT, shape=shape)
    assert [learning_rate(schedule, epoch, 0.5) for epoch in (2, 3, 50)] == [0.005] * 3


@pytest.mark.parametrize(
    ("wanted", "answer"), [(0, 0), (3, 2), (7, 2), (1, "1 would be fewer"), (2, "2 would be fewer")]
)
def test_a_finished_run_may_have_more_epochs_and_not_fewer(continued: Path, wanted: int, answer) -> None:
    checkpoint = continued / CHECKPOINT
    if isinstance(answer, int):
        assert scheduled_epochs(checkpoint, RECIPE.name, wanted) == answer
    else:
        with pytest.raises(InputError, match=f"has a schedule of 2 epochs and has begun 3; {answer}"):
            scheduled_epochs(checkpoint, RECIPE.name, wanted)
    assert scheduled_epochs(checkpoint, "siamcar_small", wanted) == wanted, (
        "the engine names the other recipe"
    )
    assert scheduled_epochs(continued / "absent", RECIPE.name, wanted) == wanted


def test_a_run_that_is_not_finished_is_to_be_finished_first(store: CropStore, tmp_path: Path) -> None:
    train(RECIPE, store, tmp_path, seed=3, until_epoch=1)
    assert scheduled_epochs(tmp_path / CHECKPOINT, RECIPE.name, 2) == 2
    message = r"is not finished: 1 of 2 epochs are done; finish it with --epochs 2 before it is given 3"
    with pytest.raises(InputError, match=message):
        scheduled_epochs(tmp_path / CHECKPOINT, RECIPE.name, 3)


def test_an_epoch_that_has_begun_counts(store: CropStore, tmp_path: Path) -> None:
    train(RECIPE, store, tmp_path, seed=3)
    train(
        RECIPE,
        store,
        tmp_path,
        seed=3,
        until_epoch=3,
        compute=Compute(save_every=1),
        should_stop=lambda: True,
    )
    with pytest.raises(InputError, match="has begun 3; 2 would be fewer"):
        scheduled_epochs(tmp_path / CHECKPOINT, RECIPE.name, 2)


def test_the_engine_still_refuses_another_schedule(store: CropStore, continued: Path) -> None:
    other: Recipe = replace(RECIPE, schedule=replace(SHORT, epochs=3))
    with pytest.raises(InputError, match=r"recipe\.schedule\.epochs is 2 there and 3 here"):
        train(other, store, continued, seed=3)
