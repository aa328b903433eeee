"""Training on a mixture of the seven sets: from originals and packs, with workers, and resumed within an epoch."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from dlatrack.datasets.mini import write_mini
from dlatrack.errors import InputError
from dlatrack.models.siamese import build_model
from dlatrack.recipes import Schedule, recipe
from dlatrack.sampling.mixture import PAPER_SHARES
from dlatrack.sampling.training_data import open_mixture, open_training_data, pack_set
from dlatrack.training.checkpoints import Position, load_checkpoint
from dlatrack.training.compute import Compute
from dlatrack.training.engine import train
from dlatrack.training.history import read_history
from dlatrack.training.identity import describe_run
from dlatrack.training.run import CHECKPOINT, HISTORY
from dlatrack.training.step import loss_scaler

SHORT = Schedule(
    epochs=1,
    pairs_per_epoch=28,
    batch=4,
    warmup_epochs=0,
    warmup_from=0.01,
    rate=0.02,
    final_rate=0.01,
    unfreeze_epoch=1,  # a backbone that trains takes most of the time, and pairs come to it in the same way
    backbone_start="random",
)
RECIPE = replace(recipe("dla_siamcar_small"), schedule=SHORT)


@pytest.fixture(scope="module")
def minis(tmp_path_factory):
    """The seven miniatures by name, and packs of them."""
    folder = tmp_path_factory.mktemp("minis")
    roots = {name: write_mini(name, folder) for name in PAPER_SHARES}
    packs = {name: folder / "packs" / name for name in roots}
    for name, root in roots.items():
        pack_set(name, root, packs[name], workers=1)
    return roots, packs


@pytest.fixture(scope="module", params=["originals", "packs"])
def crops(request, minis):
    return open_mixture(minis[request.param == "packs"])


@pytest.fixture(scope="module")
def whole(crops, tmp_path_factory):
    """A run in one process that was never stopped."""
    folder = tmp_path_factory.mktemp("whole")
    return train(RECIPE, crops, folder, seed=5), folder


def test_what_a_check_found_of_every_set_is_recorded(crops, whole):
    training, folder = whole
    assert len(training.steps) == 7
    assert list(crops.origin) == list(PAPER_SHARES)
    for origin in crops.origin.values():
        assert origin["miniature"] is True
        assert len(origin["manifest_sha256"]) == len(origin["found_sha256"]) == 64
    run = describe_run(RECIPE, crops, 5, None)
    assert run["data"] == crops.origin
    net, scaler = build_model(RECIPE), loss_scaler("float32", "cpu")
    assert load_checkpoint(folder / CHECKPOINT, net, scaler, run)[0] == Position(1, 0)


@pytest.mark.slow
@pytest.mark.parametrize("workers", [1, 2, 4])
def test_workers_change_no_bit(crops, whole, tmp_path, workers):
    train(RECIPE, crops, tmp_path, seed=5, compute=Compute(workers=workers))
    assert (tmp_path / CHECKPOINT).read_bytes() == (whole[1] / CHECKPOINT).read_bytes()


@pytest.mark.slow
def test_a_run_stopped_within_an_epoch_goes_on_to_the_same_bits(crops, whole, tmp_path):
    def stop(step, _total):
        if step.step == 4:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        train(RECIPE, crops, tmp_path, seed=5, on_step=stop, compute=Compute(save_every=2, workers=2))
    started_with = describe_run(RECIPE, crops, 5, None)
    net, scaler = build_model(RECIPE), loss_scaler("float32", "cpu")
    done, momentum = load_checkpoint(tmp_path / CHECKPOINT, net, scaler, started_with)
    assert done == Position(0, 4)
    assert momentum

    seen = []
    train(
        RECIPE,
        crops,
        tmp_path,
        seed=5,
        compute=Compute(workers=1),
        on_step=lambda step, _: seen.append(step.step),
    )
    assert seen == [4, 5, 6]
    assert (tmp_path / CHECKPOINT).read_bytes() == (whole[1] / CHECKPOINT).read_bytes()
    assert [s.step for s in read_history(tmp_path / HISTORY, 7)] == list(range(7))


def test_a_pack_tells_what_its_check_found(minis):
    originals, packs = (open_mixture({"coco": folders["coco"]}) for folders in minis)
    assert originals.origin == packs.origin


def test_nothing_is_trained_on_a_broken_set(minis, tmp_path):
    root = write_mini("got10k", tmp_path)
    image = next((root / "train").rglob("00000001.jpg"))
    image.write_bytes(b"")
    with pytest.raises(
        InputError, match=r"got10k in .* has \d+ faults?; the first: .*00000001\.jpg.* is empty"
    ):
        open_mixture({"got10k": root})
    with pytest.raises(InputError, match=r"00000001\.jpg.* is empty"):
        pack_set("got10k", root, tmp_path / "pack")
    assert not (tmp_path / "pack").exists()


def test_the_training_sets_are_named_each_once(minis):
    _, packs = minis
    mixed = open_training_data([f"{name}={packs[name]}" for name in ("coco", "lasot")])
    assert list(mixed.sources) == ["coco", "lasot"]
    with pytest.raises(InputError, match="coco= names no folder; coco=FOLDER is needed"):
        open_training_data(["coco=", "lasot=x"])
    with pytest.raises(InputError, match="coco is given 2 times as training data; each set once"):
        open_training_data(["coco=x", "coco=y"])
    with pytest.raises(InputError, match="coca is no training set; choose from imagenet_vid"):
        open_training_data(["coca=x", "coco=y"])


def test_a_save_interval_is_positive(crops, tmp_path):
    with pytest.raises(ValueError, match="save_every must be 1 or more, got 0"):
        Compute(save_every=0)


def test_a_history_that_lost_rows_is_refused(whole, tmp_path):
    lines = (whole[1] / HISTORY).read_text().splitlines()
    (tmp_path / HISTORY).write_text("\n".join(lines[:4]) + "\n")
    with pytest.raises(InputError, match="holds 3 of the 7 steps that its checkpoint has done"):
        read_history(tmp_path / HISTORY, 7)
    assert torch.isfinite(torch.tensor([s.loss for s in read_history(tmp_path / HISTORY, 3)])).all()
