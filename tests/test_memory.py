"""Freed memory stays in the process where the allocator allows it, and want of memory is one error of one line."""

from __future__ import annotations

import errno
import os
import pickle
import subprocess
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch

from dlatrack import memory
from dlatrack.cli.memory import prepare_memory
from dlatrack.datasets.synthetic import synthetic_sequences
from dlatrack.errors import InputError, NotEnoughMemoryError
from dlatrack.memory import amount_of, memory_errors, process_limit, shortage, usable_memory
from dlatrack.recipes import recipe
from dlatrack.sampling.store import CropStore
from dlatrack.tracking.workers import run_tasks
from dlatrack.training import run as training_run
from dlatrack.training.engine import train
from tests.command import call

#: The tests' own stands in for it while they run, see `freed_memory_goes_back`.
REAL_MALLOPT = memory.mallopt

# In a process of its own, since the settings hold until its end.
CODE = """
import ctypes, sys
import torch
from dlatrack.memory import reuse_freed_memory
x = torch.randn(64, 1000, generator=torch.Generator().manual_seed(0))
before = x @ x.T
assert reuse_freed_memory() == (sys.platform == "linux" and hasattr(ctypes.CDLL(None), "mallopt"))
assert torch.equal(x @ x.T, before), "results do not change"
"""


def test_the_allocator_takes_the_settings_and_results_do_not_change():
    done = subprocess.run([sys.executable, "-c", CODE], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_what_is_asked_for_by_hand(monkeypatch):
    """M_MMAP_MAX, M_TRIM_THRESHOLD, M_TOP_PAD: large blocks get no mapping of their own, nothing is trimmed."""
    asked = {}

    def note(name: int, value: int) -> int:
        asked[name] = value
        return 1

    monkeypatch.setattr(memory, "mallopt", note)
    assert memory.reuse_freed_memory()
    assert asked == {-4: 0, -1: 2**31 - 1, -2: 2**26}
    monkeypatch.setattr(memory, "mallopt", lambda name, value: int(name != -2))
    assert not memory.reuse_freed_memory(), "one setting was not taken"


def test_other_systems_are_left_alone(monkeypatch):
    monkeypatch.setattr(sys, "platform", "darwin")
    assert REAL_MALLOPT(-4, 0) == 0


_TORCH = (
    "[enforce fail at alloc_cpu.cpp:127] err == 0. DefaultCPUAllocator: can't allocate memory: you tried to allocate "
    "198193152 bytes. Error code 12 (Cannot allocate memory)"
)
_CUDA = "CUDA out of memory. Tried to allocate 20.00 MiB. GPU 0 has a total capacity of 139.00 GiB"
_OPENCV = "OpenCV(4.13) alloc.cpp:73: error: (-4:Insufficient memory) Failed to allocate 1500000 bytes"


@pytest.mark.parametrize(
    ("error", "asked"),
    [
        (RuntimeError(_TORCH), "198 MB"),
        (torch.OutOfMemoryError(_CUDA), "21 MB"),
        (RuntimeError("could not create a primitive"), ""),
        (RuntimeError("could not create a memory object"), ""),
        (MemoryError(), ""),
        (MemoryError("std::bad_alloc"), ""),
        (RuntimeError("std::bad_alloc"), ""),
        (cv2.error(_OPENCV), "1.5 MB"),
        (RuntimeError("can't start new thread"), ""),
        (OSError(errno.ENOMEM, "Cannot allocate memory"), ""),
        (ImportError("libx.so: failed to map segment from shared object"), ""),
        (RuntimeError("Failed to allocate memory for requested buffer of size 400"), ""),
    ],
    ids=lambda value: f"{type(value).__name__} {value}"[:40],
)
def test_every_fault_is_the_same_error(error: Exception, asked: str) -> None:
    with pytest.raises(NotEnoughMemoryError) as raised, memory_errors("working", "rest", lambda: 2e15):
        raise error
    assert raised.value.__cause__ is error
    text = str(raised.value)
    assert text.startswith(
        f"out of memory while working: {asked}{' more could not be had, ' * bool(asked)}about 2,000,000"
    )
    assert text.endswith("; rest")
    assert isinstance(raised.value, InputError)


def test_the_error_of_numpy_itself() -> None:
    with (
        pytest.raises(NotEnoughMemoryError, match=r"while working: 8,796 GB more could not be had"),
        memory_errors("working"),
    ):
        np.empty((2**40,), np.float64)


@pytest.mark.parametrize(
    "error",
    [
        RuntimeError("mat1 and mat2 shapes cannot be multiplied"),
        ValueError("out of memory"),
        OSError(errno.ENOENT, "No such file"),
        InputError("a file that is out of memory.txt"),
    ],
)
def test_other_errors_pass(error: Exception) -> None:
    with pytest.raises(type(error)) as raised, memory_errors("working"):
        raise error
    assert raised.value is error


def test_what_failed_is_freed_first() -> None:
    """There must be memory left for the estimate and the message."""
    alive: list[bool] = []

    class Large:
        def __del__(self) -> None:
            alive.append(False)

    def fail() -> None:
        large = Large()
        raise MemoryError(large is None)

    with pytest.raises(NotEnoughMemoryError), memory_errors("working", needed=lambda: float(len(alive))):
        fail()
    assert alive == [False]


def test_an_estimate_that_was_too_small_is_not_repeated(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("process_limit", "usable_memory"):
        monkeypatch.setattr(memory, name, lambda: 1.5e9)
    for least, words in (
        (1e9, "more than 1.5 GB are needed"),
        (2e9, "about 2 GB are needed, 1.5 GB are there"),
    ):
        assert str(memory.memory_error(MemoryError(), "w", needed=lambda: least)).endswith(words)  # noqa: B023


def test_it_survives_the_way_to_another_process() -> None:
    error = pickle.loads(pickle.dumps(NotEnoughMemoryError("out of memory", "rest")))
    assert (str(error), error.fault) == ("out of memory; rest", "out of memory")


@pytest.mark.parametrize(
    ("size", "text"),
    [(12, "12 bytes"), (999_900, "1 MB"), (198_193_152, "198 MB"), (8.13e9, "8.1 GB"), (43e9, "43 GB")],
)
def test_amounts(size: float, text: str) -> None:
    assert amount_of(size) == text


def test_training_names_what_it_needs(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    def fail(*_arguments: object, **_options: object) -> None:
        raise RuntimeError(_TORCH)

    monkeypatch.setattr(training_run.Stepper, "gradients", fail)
    crops = CropStore.build(synthetic_sequences(2, seed=0, length=3, challenges=()))
    with pytest.raises(
        NotEnoughMemoryError, match=r"siamcar_nano, 32 pairs at once .*: 198 MB.* about \d+ MB are needed"
    ):
        train(recipe("siamcar_nano"), crops, tmp_path)


def _short(task: str) -> str:
    raise MemoryError(task)


def _factory() -> object:
    return _short


def test_a_worker_that_is_short_of_memory_names_the_remedy() -> None:
    with pytest.raises(NotEnoughMemoryError, match=r"^out of memory while tracking.*; fewer of them$"):
        list(run_tasks(_factory, ["a"], 1, advice="fewer of them"))  # type: ignore[arg-type]


def test_the_command_names_its_own_options(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def fail(*_arguments: object, **_options: object) -> None:
        raise RuntimeError(_TORCH)

    monkeypatch.setattr("dlatrack.tracking.benchmark.run_benchmark", fail)
    arguments = ("benchmark", "folder", "--root", ".", "--weights", "dla_nanotrack_v3", "--out", "x")
    status, _, printed = call(monkeypatch, capsys, *arguments)
    assert status == 2
    assert printed.startswith("dlatrack: out of memory while running benchmark: 198 MB more could not be had")
    assert "fewer --workers" in printed
    assert printed.count("\n") == 1


def test_under_a_limit_openblas_gets_one_core(monkeypatch: pytest.MonkeyPatch) -> None:
    """It would ask for 32 MB for each core, again and again."""
    monkeypatch.delenv("OPENBLAS_NUM_THREADS", raising=False)
    monkeypatch.setattr("dlatrack.cli.memory.process_limit", lambda: None)
    prepare_memory()
    assert "OPENBLAS_NUM_THREADS" not in os.environ
    monkeypatch.setattr("dlatrack.cli.memory.process_limit", lambda: 2e9)
    prepare_memory()
    assert os.environ["OPENBLAS_NUM_THREADS"] == "1"
    monkeypatch.setattr("dlatrack.cli.memory.process_limit", lambda: 3e8)
    with pytest.raises(
        NotEnoughMemoryError, match=r"about 500 MB are needed, 300 MB are there; raise the limit"
    ):
        prepare_memory()


@pytest.mark.skipif(sys.platform != "linux", reason="memory is limited as Linux does")
def test_training_under_a_limit_ends_in_one_line(tmp_path: Path) -> None:
    limit = ["sh", "-c", 'ulimit -d 700000; exec "$@"', "sh"]
    command = f"train siamcar_small --out {tmp_path}/run --sequences 1 --pairs-per-epoch 32".split()
    done = subprocess.run(
        [*limit, sys.executable, "-m", "dlatrack", *command],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 2
    assert "Traceback" not in done.stderr
    last = done.stderr.splitlines()[-1]
    assert last.startswith("dlatrack: out of memory while training siamcar_small, 32 pairs at once ")
    assert "717 MB are there; a larger --accumulate" in last


def test_what_there_is() -> None:
    there, limit = usable_memory(), process_limit()
    assert there is None or there > 2**28
    assert limit is None or there is None or there <= limit
    assert shortage("KeyError", "out of memory") is None
