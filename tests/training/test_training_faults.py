"""What can go wrong in a run, and that nothing is lost: kills, damaged crops, disks, folders, workers.

`DLATRACK_KILLS` is the number of kills.
"""

from __future__ import annotations

import multiprocessing
import os
import random
import signal
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from kills import die_before_operation

from dlatrack.datasets.mini import write_mini
from dlatrack.datasets.synthetic import synthetic_sequence, synthetic_sequences
from dlatrack.errors import InputError
from dlatrack.files import owned_folder
from dlatrack.recipes import Schedule, recipe
from dlatrack.sampling.content_list import CONTENT
from dlatrack.sampling.pack.read import read_pack
from dlatrack.sampling.store import CropStore, crop_sequences
from dlatrack.sampling.training_data import open_mixture, pack_set
from dlatrack.training import checkpoints
from dlatrack.training.compute import Compute
from dlatrack.training.engine import train
from dlatrack.training.history import read_history
from dlatrack.training.interrupt import stop_signal
from dlatrack.training.run import CHECKPOINT, HISTORY

SHORT = Schedule(
    epochs=4,
    pairs_per_epoch=20,
    batch=2,
    warmup_epochs=1,
    warmup_from=0.01,
    rate=0.02,
    final_rate=0.01,
    unfreeze_epoch=2,
    backbone_start="random",
)
RECIPE = replace(recipe("siamcar_small"), schedule=SHORT)
KILLED = replace(RECIPE, schedule=replace(SHORT, pairs_per_epoch=8))
KILLS = int(os.environ.get("DLATRACK_KILLS", "12"))


@pytest.fixture(scope="module")
def store_file(tmp_path_factory):
    """Training crops as a file that other processes read."""
    path = tmp_path_factory.mktemp("crops") / "crops.safetensors"
    CropStore.build(synthetic_sequences(2, seed=50, length=4, challenges=())).save(path)
    return path


def run(store_file: Path, folder: Path, save_every: int = 1) -> None:
    torch.set_num_threads(1)
    train(KILLED, CropStore.load(store_file), folder, seed=3, compute=Compute(save_every=save_every))


def run_until(number: int, store_file: Path, folder: Path) -> None:
    """Train, and be killed before the file operation of this number, if there are so many."""
    die_before_operation(number)
    run(store_file, folder)


@pytest.mark.slow
def test_kills_at_random_moments_change_no_bit(store_file, tmp_path):
    """A process is killed again and again, each one resuming where the last was, until so many kills are done."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["dlatrack.training.engine", "dlatrack.sampling.store"])
    moments = random.Random(1)
    kills = 0
    finished: list[Path] = []
    while kills < KILLS or not finished:
        folder = tmp_path / f"run{len(finished)}"
        number = moments.randint(1, 30) if kills < KILLS else 10_000
        process = context.Process(target=run_until, args=(number, store_file, folder))
        process.start()
        process.join()
        assert process.exitcode in (0, -signal.SIGKILL)
        if process.exitcode:
            kills += 1
        else:
            finished.append(folder)
    whole = tmp_path / "whole"
    process = context.Process(target=run, args=(store_file, whole, 1000))
    process.start()
    process.join()
    for folder in finished:
        assert (folder / CHECKPOINT).read_bytes() == (whole / CHECKPOINT).read_bytes()
        assert [s[:-1] for s in read_history(folder / HISTORY, 16)] == [
            s[:-1] for s in read_history(whole / HISTORY, 16)
        ], "all but the speed"
        left = {path.name for path in folder.iterdir() if not path.name.startswith(".")}
        assert left == {CHECKPOINT, CONTENT, HISTORY}
    assert kills >= KILLS


def test_a_damaged_crop_of_a_pack_stops_with_its_shard(tmp_path):
    pack_set("coco", write_mini("coco", tmp_path), tmp_path / "pack", workers=1)
    (shard,) = (tmp_path / "pack").glob("*.tar")
    data = bytearray(shard.read_bytes())
    start = data.index(b"\xff\xda") + 20  # in the scan of the first image
    data[start : start + 4000] = bytes(4000)
    shard.write_bytes(data)
    quick = replace(RECIPE, schedule=replace(SHORT, epochs=1))
    with pytest.raises(InputError, match=r"crops-000000\.tar|crop \d+|hash"):
        crops = open_mixture({"coco": tmp_path / "pack"})
        crops.sets[0].verify()
        train(quick, crops, tmp_path / "run")


def test_images_that_vanish_stop_with_their_name_and_a_usable_checkpoint(tmp_path):
    root = write_mini("got10k", tmp_path)
    crops = open_mixture({"got10k": root})
    first = train(RECIPE, crops, tmp_path / "run", until_epoch=1)
    for image in (root / "train").rglob("*.jpg"):
        image.unlink()
    with pytest.raises(InputError, match=r"cannot read .*\.jpg: No such file or directory"):
        train(RECIPE, crops, tmp_path / "run", until_epoch=2)
    assert train(RECIPE, crops, tmp_path / "run", until_epoch=1).epochs == first.epochs


def test_a_folder_that_cannot_be_written_is_named_before_the_work(store_file, tmp_path):
    (tmp_path / "file").write_text("")
    steps = []
    with pytest.raises(InputError, match=r"cannot write .*file"):
        train(
            RECIPE,
            CropStore.load(store_file),
            tmp_path / "file" / "run",
            on_step=lambda *step: steps.append(step),
        )
    assert steps == []


@pytest.mark.parametrize("error", [(28, "No space left on device"), (30, "Read-only file system")])
def test_a_disk_that_fails_leaves_the_last_checkpoint(store_file, tmp_path, monkeypatch, error):
    crops = CropStore.load(store_file)
    train(RECIPE, crops, tmp_path, until_epoch=1)
    kept = (tmp_path / CHECKPOINT).read_bytes()

    def fail(*_arguments, **_options):
        raise OSError(*error)

    with monkeypatch.context() as patched:
        patched.setattr(checkpoints.Path, "write_bytes", fail)
        with pytest.raises(InputError, match=rf"cannot write .*checkpoint\.safetensors: {error[1]}"):
            train(RECIPE, crops, tmp_path, until_epoch=2)
    assert (tmp_path / CHECKPOINT).read_bytes() == kept
    assert train(RECIPE, crops, tmp_path, until_epoch=2).epochs == 2


def test_a_worker_that_is_killed_stops_the_run_and_loses_nothing(store_file, tmp_path):
    crops = CropStore.load(store_file)

    def kill(step, _total):
        if step.step == 5:
            for child in multiprocessing.active_children():
                if child.name == "dlatrack pairs":
                    os.kill(child.pid, signal.SIGKILL)

    with pytest.raises(InputError, match=r"a process that prepares pairs has died \(exit code -9\)"):
        train(RECIPE, crops, tmp_path, compute=Compute(workers=2, save_every=2), on_step=kill)
    done = train(RECIPE, crops, tmp_path, until_epoch=1, compute=Compute(save_every=2))
    whole = train(RECIPE, crops, tmp_path / "whole", until_epoch=1)
    assert (tmp_path / CHECKPOINT).read_bytes() == (tmp_path / "whole" / CHECKPOINT).read_bytes()
    assert [s.step for s in done.steps] == [s.step for s in whole.steps]


def run_with_workers(store_file: Path, folder: Path) -> None:
    torch.set_num_threads(1)
    with stop_signal() as asked:
        train(
            RECIPE,
            CropStore.load(store_file),
            folder,
            until_epoch=1,
            compute=Compute(workers=2),
            should_stop=asked,
        )


def test_workers_end_though_the_run_keeps_the_stop_signal_for_itself(store_file, tmp_path):
    """Forked workers inherit how a process takes SIGTERM, so that is not what may end them."""
    process = multiprocessing.get_context("forkserver").Process(
        target=run_with_workers, args=(store_file, tmp_path)
    )
    process.start()
    process.join(
        900
    )  # not how long it may take, which depends on the load: a limit for a run that never ends
    ended = process.exitcode
    process.kill()
    assert ended == 0


def test_two_trainings_do_not_write_to_one_folder(store_file, tmp_path):
    crops, refused = CropStore.load(store_file), []

    def again(step, _total):
        if step.step == 0:
            with ThreadPoolExecutor(1) as pool:
                refused.append(pool.submit(train, RECIPE, crops, tmp_path, seed=2).exception())

    done = train(RECIPE, crops, tmp_path, seed=1, until_epoch=1, on_step=again)
    assert isinstance(refused[0], InputError)
    assert "is being written by another run (process" in str(refused[0])
    whole = train(RECIPE, crops, tmp_path / "whole", seed=1, until_epoch=1)
    assert [step[:-1] for step in done.steps] == [step[:-1] for step in whole.steps]
    assert {path.name for path in tmp_path.iterdir()} == {CHECKPOINT, HISTORY, CONTENT, "whole"}


def test_a_finished_run_is_read_while_another_reads_it(store_file, tmp_path):
    crops = CropStore.load(store_file)
    train(RECIPE, crops, tmp_path, until_epoch=1)
    before = {path: path.stat().st_mtime_ns for path in tmp_path.iterdir()}
    with ThreadPoolExecutor(1) as pool, ExitStack() as stack:
        pool.submit(stack.enter_context, owned_folder(tmp_path, part=(1, 2))).result()
        assert train(RECIPE, crops, tmp_path, until_epoch=1).epochs == 1
        with pytest.raises(InputError, match="is being written by another run"):
            train(RECIPE, crops, tmp_path, until_epoch=2)
        pool.submit(stack.close).result()
    assert {path: path.stat().st_mtime_ns for path in tmp_path.iterdir()} == before


def test_a_run_does_not_go_on_with_other_images(tmp_path):
    root = write_mini("got10k", tmp_path)
    train(RECIPE, open_mixture({"got10k": root}), tmp_path / "run", until_epoch=1)
    kept = (tmp_path / "run" / CHECKPOINT).read_bytes()
    image = sorted((root / "train").rglob("*.jpg"))[-1]
    data = bytearray(image.read_bytes())
    data[len(data) // 2] ^= 1
    image.write_bytes(data)
    message = (
        r"images, boxes or shares of the training data are others, "
        r"the first change: got10k: images of \S+/\S+\.jpg;"
    )
    with pytest.raises(InputError, match=message):
        train(RECIPE, open_mixture({"got10k": root}), tmp_path / "run", until_epoch=2)
    assert (tmp_path / "run" / CHECKPOINT).read_bytes() == kept


@pytest.mark.parametrize("changed", ["boxes", "images"])
def test_the_clip_that_has_changed_is_named(tmp_path, changed):
    """Of one's own clips; the crops depend on both, and a hash of them tells which clip it is."""
    clips = [synthetic_sequence(seed, 4, (96, 96), challenges=()) for seed in (1, 2)]
    train(RECIPE, crop_sequences(clips), tmp_path, until_epoch=1)
    kept = (tmp_path / CHECKPOINT).read_bytes()
    if changed == "boxes":
        clips[1] = replace(clips[1], boxes_xywh=clips[1].boxes_xywh + 1)
    else:
        clips[1] = replace(clips[1], frames=np.stack([*map(np.asarray, clips[1].frames)]) // 2)
    with pytest.raises(
        InputError, match=f"the first change: sequence {clips[1].name}; choose another folder"
    ):
        train(RECIPE, crop_sequences(clips), tmp_path, until_epoch=2)
    assert (tmp_path / CHECKPOINT).read_bytes() == kept


def test_the_shard_of_a_pack_that_has_changed_is_named(tmp_path):
    root = write_mini("got10k", tmp_path / "data")
    crops = pack_set("got10k", root, tmp_path / "pack", workers=1)
    train(RECIPE, crops, tmp_path / "run", until_epoch=1)
    told = crops.description
    other = replace(told.shards[0], sha256="0" * 64)
    replace(told, shards=(other, *told.shards[1:])).save(tmp_path / "pack")
    with pytest.raises(InputError, match=r"the first change: shard crops-000000\.tar; choose another folder"):
        train(RECIPE, read_pack(tmp_path / "pack"), tmp_path / "run", until_epoch=2)


@pytest.mark.parametrize("text", [None, "", "[]"])
def test_a_run_without_a_list_of_its_data_still_refuses_others(tmp_path, text):
    clips = [synthetic_sequence(seed, 4, (96, 96), challenges=()) for seed in (1, 2, 3)]
    train(RECIPE, crop_sequences(clips[:2]), tmp_path, until_epoch=1)
    (tmp_path / CONTENT).unlink()
    if text is not None:
        (tmp_path / CONTENT).write_text(text)
    with pytest.raises(
        InputError, match="images, boxes or shares of the training data are others; choose another folder"
    ):
        train(RECIPE, crop_sequences(clips[1:]), tmp_path, until_epoch=2)


@pytest.mark.parametrize("seed", [-1, 2**64, 10**30])
def test_a_seed_that_no_generator_takes_is_named(store_file, tmp_path, seed):
    with pytest.raises(InputError, match=rf"seed must be in 0\.\.18446744073709551615, got {seed}"):
        train(RECIPE, CropStore.load(store_file), tmp_path / "run", seed=seed)
    assert not (tmp_path / "run").exists()


def test_the_largest_seed_trains(store_file, tmp_path):
    quick = replace(RECIPE, schedule=replace(SHORT, epochs=1, pairs_per_epoch=2))
    assert len(train(quick, CropStore.load(store_file), tmp_path, seed=2**64 - 1).steps) == 1


def test_one_track_is_too_few_for_negative_pairs(tmp_path):
    crops = CropStore.build(synthetic_sequences(1, seed=50, length=4, challenges=()))
    with pytest.raises(InputError, match="has one track, and negative pairs"):
        train(recipe("dla_siamrpnpp_small"), crops, tmp_path / "run", backbone_weights="random")
    assert not (tmp_path / "run").exists()
