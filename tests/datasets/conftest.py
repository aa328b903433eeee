"""Fixtures of the data set tests: a fresh copy of any miniature."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from dlatrack.datasets.mini import write_mini


@pytest.fixture(scope="session")
def _originals(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
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
