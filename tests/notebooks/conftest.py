"""Notebooks run into folders of the test."""

from __future__ import annotations

from pathlib import Path

import papermill
import pytest
from executed import execute_here


@pytest.fixture
def folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Parent of figures/, runs/ and cache/; no data sets."""
    monkeypatch.delenv("DLATRACK_DATA", raising=False)
    for name in ("FIGURES", "RUNS", "CACHE"):
        monkeypatch.setenv(f"DLATRACK_{name}", str(tmp_path / name.lower()))
    return tmp_path


@pytest.fixture
def figures(folders: Path) -> Path:
    """Where figures and tables go."""
    return folders / "figures"


@pytest.fixture
def no_shared_data(folders: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The optional folder is not there."""
    monkeypatch.setenv("DLATRACK_SHARED_DATA", str(folders / "absent"))


@pytest.fixture
def no_kernel(monkeypatch: pytest.MonkeyPatch) -> None:
    """Notebooks run in this process: enough where only the error matters with which one of their cells stops."""
    monkeypatch.setattr(papermill, "execute_notebook", execute_here)
