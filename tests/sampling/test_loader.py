"""The same batches, bit for bit, with any number of workers and from any place in an epoch."""

from __future__ import annotations

import hashlib
import multiprocessing
import os
import signal
import subprocess
import sys
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from dlatrack.errors import InputError
from dlatrack.recipes import recipe
from dlatrack.sampling import loader
from dlatrack.sampling.mixture import Mixture, Share
from dlatrack.sampling.originals import OriginalCrops
from dlatrack.sampling.pairs import PairSource

LEFT = """
import sys
from dlatrack.datasets.synthetic import synthetic_sequences
from dlatrack.recipes import recipe
from dlatrack.sampling.pairs import PairSource
from dlatrack.sampling.store import CropStore

crops = CropStore.build(synthetic_sequences(1, 40, 3, (64, 64), challenges=()))
chosen = recipe("siamcar_small")
stream = PairSource(crops, chosen.sampling, chosen.net, 0).batches(0, 40, 4, workers=2)
sys.modules["kept"] = stream
print(len(next(stream).key))
"""

CHOSEN = recipe("dla_siamrpnpp")  # has negative pairs
PAIRS, BATCH = 23, 4


def source(*sets) -> PairSource:
    names = [f"set {number}" for number in range(len(sets))]
    shares = {name: Share(number + 1, 2) for number, name in enumerate(names)}
    return PairSource(Mixture(dict(zip(names, sets, strict=True)), shares), CHOSEN.sampling, CHOSEN.net, 9)


def prints(batches) -> list[str]:
    """A hash of each batch."""
    return [
        hashlib.sha256(b"".join(column.numpy().tobytes() for column in batch)).hexdigest()
        for batch in batches
    ]


@pytest.fixture(scope="module")
def from_pack(packed, table):
    """A mixture of a pack and the same data as originals."""
    return source(packed, OriginalCrops.of(table))


@pytest.fixture(scope="module")
def expected(from_pack):
    return prints(from_pack.batches(1, PAIRS, BATCH))


@pytest.mark.parametrize("workers", [1, 2, 4])
def test_any_number_of_workers_gives_the_same_bits(from_pack, expected, workers):
    assert len(set(expected)) == 6
    assert prints(from_pack.batches(1, PAIRS, BATCH, workers=workers)) == expected


@pytest.mark.parametrize("workers", [0, 2])
def test_a_resume_in_the_middle_of_an_epoch_gives_the_same_bits(from_pack, expected, workers):
    for first in (2, 5, 6, 9):
        assert prints(from_pack.batches(1, PAIRS, BATCH, first=first, workers=workers)) == expected[first:]


def test_a_batch_is_its_pairs(from_pack):
    lent = from_pack.batches(1, PAIRS, BATCH, workers=1)
    batches = [type(batch)(*(column.clone() for column in batch)) for batch in lent]
    assert [len(batch.key) for batch in batches] == [4, 4, 4, 4, 4, 3]
    for number in (0, 9, 22):
        pair, batch = from_pack.pair(1, number), batches[number // BATCH]
        for column, value in zip(batch, pair, strict=True):
            assert np.array_equal(column[number % BATCH].numpy(), value)


def test_the_global_generators_are_left_alone(from_pack):
    torch.manual_seed(3)
    np.random.seed(3)  # noqa: NPY002
    before = torch.get_rng_state(), np.random.get_state()[1]  # noqa: NPY002
    list(from_pack.batches(0, 4, 2, workers=1))
    list(from_pack.batches(0, 4, 2))
    assert torch.equal(torch.get_rng_state(), before[0])
    assert np.array_equal(np.random.get_state()[1], before[1])  # noqa: NPY002


def test_an_epoch_may_be_left_early(from_pack):
    for workers in (0, 2):
        stream = from_pack.batches(0, PAIRS, BATCH, workers=workers)
        next(stream)
        stream.close()


def test_signals_for_the_run_do_not_end_its_workers(from_pack, expected):
    """Schedulers send SIGTERM to all processes of a run, and the run saves before it ends."""
    stream = from_pack.batches(1, PAIRS, BATCH, workers=2)
    found = prints([next(stream)])
    for process in multiprocessing.active_children():
        if process.name == "dlatrack pairs":
            os.kill(process.pid, signal.SIGTERM)
            os.kill(process.pid, signal.SIGINT)
    assert found + prints(stream) == expected


@pytest.mark.slow
def test_workers_that_are_left_end_with_python():
    """Nobody closes the stream, and Python waits for the processes that it has started."""
    done = subprocess.run(
        [sys.executable, "-c", LEFT],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
    )
    assert (done.returncode, done.stdout) == (0, "4\n"), done.stderr


class Faulty:
    """One set whose crops cannot be read."""

    def __init__(self, crops, fail):
        self.crops, self.fail = crops, fail

    def __getattr__(self, name):
        return getattr(self.crops, name)

    def __len__(self):
        return len(self.crops)

    def image(self, index, needed=None):
        self.fail()


def test_the_message_of_a_bad_crop_arrives_whole(packed):
    def fail():
        raise InputError("crop 7 is bad")

    for workers in (0, 2):
        with pytest.raises(InputError, match=r"^crop 7 is bad$"):
            list(source(Faulty(packed, fail)).batches(0, PAIRS, BATCH, workers=workers))


def test_the_death_of_a_worker_is_an_input_error(packed):
    with pytest.raises(InputError, match="a process that prepares pairs has died"):
        list(source(Faulty(packed, lambda: os._exit(1))).batches(0, PAIRS, BATCH, workers=1))


def test_too_little_shared_memory_is_found_before_the_start(packed, monkeypatch):
    monkeypatch.setattr(loader.os, "statvfs", lambda _: SimpleNamespace(f_bavail=64, f_frsize=2**20))
    with pytest.raises(
        InputError, match=r"batches of 256 need 951 MiB of shared memory, and /dev/shm has 64 MiB"
    ):
        next(source(packed).batches(0, 600, 256, workers=2))


@pytest.mark.parametrize("wrong", [{"batch": 0}, {"pairs": 0}, {"first": -1}, {"workers": -1}])
def test_numbers_that_make_no_sense_are_refused(packed, wrong):
    arguments = {"epoch": 0, "pairs": 4, "batch": 2} | wrong
    with pytest.raises(ValueError, match="batch and pairs must be 1 or more"):
        next(source(packed).batches(**arguments))


def test_an_unforeseen_error_arrives_with_its_place(packed):
    def fail():
        raise ZeroDivisionError("seven")

    with pytest.raises(RuntimeError, match=r"(?s)in fail.*ZeroDivisionError: seven"):
        list(source(Faulty(packed, fail)).batches(0, PAIRS, BATCH, workers=2))


def test_workers_end_with_the_epoch_and_when_it_is_left(from_pack):
    def children() -> list[str]:
        return [process.name for process in multiprocessing.active_children()]

    list(from_pack.batches(0, PAIRS, BATCH, workers=2))
    assert "dlatrack pairs" not in children()
    stream = from_pack.batches(0, PAIRS, BATCH, workers=2)
    next(stream)
    assert children().count("dlatrack pairs") == 2
    stream.close()
    assert "dlatrack pairs" not in children()


def test_a_started_process_needs_nothing_from_the_one_that_starts_it(from_pack, expected, monkeypatch):
    """As on systems that do not fork."""
    context = torch.multiprocessing.get_context("spawn")
    monkeypatch.setattr(torch.multiprocessing, "get_context", lambda: context)
    assert prints(from_pack.batches(1, 8, BATCH, workers=1))[:2] == expected[:2]
