"""Where things live, whatever the current directory: notebooks, figures, runs, caches, shared data."""

from __future__ import annotations

import os
from pathlib import Path

_PACKAGE_PARENT = Path(__file__).resolve().parents[1]


def root() -> Path:
    """The clone that this package belongs to; for a package installed without one, the current directory."""
    if (_PACKAGE_PARENT / "pyproject.toml").is_file():
        return _PACKAGE_PARENT
    return Path.cwd()


def _folder(variable: str, default: Path) -> Path:
    """The folder that an environment variable names, made absolute, or `default`; nothing is created."""
    value = os.environ.get(variable)
    return Path(value).expanduser().absolute() if value else default


def notebooks_dir() -> Path:
    """Folder of the paired notebooks: `notebooks/` in the clone."""
    return root() / "notebooks"


def figures_dir(preset: str = "") -> Path:
    """Folder of figures and tables: DLATRACK_FIGURES, else `figures/` in the clone.

    What the preset "smoke" makes, a try of seconds, goes to `figures/` among the runs instead, lest it replace
    what took longer.
    """
    return _folder("DLATRACK_FIGURES", (runs_dir() if preset == "smoke" else root()) / "figures")


def runs_dir() -> Path:
    """Folder of everything a run writes: DLATRACK_RUNS, else `runs/` in the clone, which git ignores."""
    return _folder("DLATRACK_RUNS", root() / "runs")


def cache_dir() -> Path:
    """Folder of results kept by the hash of their inputs: DLATRACK_CACHE, else `cache/` among the runs."""
    return _folder("DLATRACK_CACHE", runs_dir() / "cache")


def data_dir() -> Path | None:
    """Folder that holds the data sets: DLATRACK_DATA; None when unset."""
    value = os.environ.get("DLATRACK_DATA")
    return Path(value).expanduser().absolute() if value else None


def shared_data() -> Path | None:
    """Folder of real clips and official answers: DLATRACK_SHARED_DATA, else `../shared/data`; None when absent."""
    folder = _folder("DLATRACK_SHARED_DATA", root().parent / "shared" / "data")
    return folder if folder.is_dir() else None
