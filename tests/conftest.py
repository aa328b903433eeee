"""Fixtures shared by all tests."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The optional folder with real clips and official answers; tests that need it skip without it."""
    folder = Path(os.environ.get("DLATRACK_SHARED_DATA", ROOT.parent / "shared" / "data"))
    if not folder.is_dir():
        pytest.skip(f"no shared data at {folder}; set DLATRACK_SHARED_DATA")
    return folder


@pytest.fixture(scope="session")
def committed_figures(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The records and numbers of figures as they are committed or staged, whatever a run has written since.

    Pictures are left out. Where the project is no git repository, what lies there is taken.
    """
    folder = tmp_path_factory.mktemp("committed")
    listed = subprocess.run(
        ["git", "ls-files", "-z", "figures"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    names = [name for name in listed.stdout.split("\0") if name and not name.endswith((".png", ".svg"))]
    if listed.returncode or not names:
        ignored = shutil.ignore_patterns("*.png", "*.svg")
        return Path(shutil.copytree(ROOT / "figures", folder / "figures", ignore=ignored))
    checkout = ["git", "checkout-index", f"--prefix={folder}/", "-z", "--stdin"]
    subprocess.run(checkout, cwd=ROOT, input="\0".join(names), text=True, check=True)
    return folder / "figures"
