"""Fixtures shared by all tests."""

from __future__ import annotations

import ctypes
import gc
import os
import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest
from hypothesis import HealthCheck, settings

ROOT = Path(__file__).parents[1]
PICTURES = (".png", ".svg", ".webp")

#: Bytes that a process may grow by before its memory is looked after; a collection takes some 0.2 s.
GROWTH = 200_000_000

# The same examples in every run, and no limit in seconds: a busy machine must not fail a test.
settings.register_profile(
    "steady", deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("steady")


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The optional folder with real clips and official answers; tests that need it skip without it."""
    folder = Path(os.environ.get("DLATRACK_SHARED_DATA", ROOT.parent / "shared" / "data"))
    if not folder.is_dir():
        pytest.skip(f"no shared data at {folder}; set DLATRACK_SHARED_DATA")
    return folder


@pytest.fixture(scope="session", autouse=True)
def freed_memory_goes_back() -> Iterator[None]:
    """Training asks the allocator to keep what is freed, which is quick for one run and too much for all tests."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("dlatrack.memory.mallopt", lambda name, value: 1)
        yield


@pytest.fixture(scope="session")
def settled_memory() -> list[int]:
    """Bytes that this process held when its memory was last looked after."""
    return [psutil.Process().memory_info().rss]


@pytest.fixture(autouse=True)
def memory_of_the_test(settled_memory: list[int]) -> Iterator[None]:
    """Give back what tests have freed, whenever the process has grown.

    Traced networks refer to themselves, so that the garbage collector alone frees them.
    """
    yield
    process = psutil.Process()
    if process.memory_info().rss > settled_memory[0] + GROWTH:
        gc.collect()
        if hasattr(libc := ctypes.CDLL(None), "malloc_trim"):  # glibc
            libc.malloc_trim(0)
        settled_memory[0] = process.memory_info().rss


@pytest.fixture(scope="session")
def torch_threads() -> int:
    """Number of threads that torch has before any test."""
    import torch

    return torch.get_num_threads()


@pytest.fixture(autouse=True)
def threads_of_the_test(torch_threads: int) -> Iterator[None]:
    """Take back the number of threads that a test gives torch, as commands that measure speed do.

    Threads of torch wait for one another in a loop: where several processes test, all later tests would take longer,
    some of them ten times as long.
    """
    yield
    import torch

    if torch.get_num_threads() != torch_threads:
        torch.set_num_threads(torch_threads)


@pytest.fixture(scope="session")
def committed_figures(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The records and numbers of figures as they are committed or staged, whatever a run has written since.

    Pictures are left out. Where the project is no git repository, what lies there is taken.
    """
    folder = tmp_path_factory.mktemp("committed")
    listed = subprocess.run(
        ["git", "ls-files", "-z", "figures"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    names = [name for name in listed.stdout.split("\0") if name and not name.endswith(PICTURES)]
    if listed.returncode or not names:
        ignored = shutil.ignore_patterns(*(f"*{suffix}" for suffix in PICTURES))
        return Path(shutil.copytree(ROOT / "figures", folder / "figures", ignore=ignored))
    checkout = ["git", "checkout-index", f"--prefix={folder}/", "-z", "--stdin"]
    subprocess.run(checkout, cwd=ROOT, input="\0".join(names), text=True, check=True)
    return folder / "figures"


@pytest.fixture(scope="session")
def _originals(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    from dlatrack.datasets.mini import write_mini

    written: dict[str, Path] = {}

    def original(name: str) -> Path:
        if name not in written:
            written[name] = write_mini(name, tmp_path_factory.mktemp(name))
        return written[name]

    return original


@pytest.fixture
def miniature(tmp_path: Path, _originals: Callable[[str], Path]) -> Callable[[str], Path]:
    """A function that gives the root of a data set's miniature, a copy that the test may spoil."""

    def fresh(name: str) -> Path:
        original = _originals(name)
        copy = tmp_path / name / original.name
        if not copy.exists():
            shutil.copytree(original, copy, symlinks=True)
        return copy

    return fresh
