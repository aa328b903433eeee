"""Folders of notebooks, figures, runs, caches and shared data, whatever the current directory; scratch folders."""

from __future__ import annotations

import glob
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from dlatrack.errors import InputError

_PACKAGE_PARENT = Path(__file__).resolve().parents[1]


def root() -> Path:
    """Folder of the clone that this package belongs to; the current directory if it is installed without a clone."""
    if (_PACKAGE_PARENT / "pyproject.toml").is_file():
        return _PACKAGE_PARENT
    return Path.cwd()


def _folder(variable: str, default: Path) -> Path:
    """The folder that an environment variable names, made absolute, or `default`; nothing is created."""
    return _absolute(variable, value) if (value := os.environ.get(variable)) else default


def _absolute(variable: str, value: str) -> Path:
    """The value of an environment variable as an absolute path, `~` resolved.

    Raises:
        InputError: as `with_home`.
    """
    return with_home(value, f"{variable} is ").absolute()


def with_home(path: str | Path, start: str = "") -> Path:
    """A path that a user has given, with the home folder that `~` or `~NAME` stands for.

    Args:
        path: the path.
        start: beginning of the message.

    Raises:
        InputError: if there is no such home folder.
    """
    try:
        return Path(path).expanduser()
    except RuntimeError as error:
        user = str(path)[1:].partition("/")[0]
        whose = f" of a user {user!r}" if user else "; set HOME"
        raise InputError(f"{start}{str(path)!r}, and there is no home folder{whose}") from error
    except ValueError as error:  # a NUL byte
        raise InputError(f"{start}{str(path)!r}, which is no path: {error}") from error


def notebooks_dir() -> Path:
    """Folder of the paired notebooks: `notebooks/` in the clone, else the copy inside the installed package."""
    inside = Path(__file__).resolve().parent / "notebook_files"
    return inside if inside.is_dir() else root() / "notebooks"


def notebook_files() -> list[Path]:
    """The notebooks that are there, in the order of their numbers."""
    return sorted(notebooks_dir().glob("[0-9]*_*.ipynb"))


def figures_dir() -> Path:
    """Folder that figures and tables are written to: DLATRACK_FIGURES, else `figures/` among the runs."""
    return _folder("DLATRACK_FIGURES", runs_dir() / "figures")


def published_figures_dir() -> Path:
    """Folder of the figures that git tracks, which only `dlatrack figures` writes: `figures/` in the clone."""
    return root() / "figures"


def figure_sources() -> tuple[Path, ...]:
    """Folders to read figures and their records from; a file in an earlier one replaces its namesake in a later one.

    DLATRACK_FIGURES alone where it is set, else the figures of the runs and then those of the project.
    """
    if os.environ.get("DLATRACK_FIGURES"):
        return (figures_dir(),)
    return figures_dir(), published_figures_dir()


def runs_dir() -> Path:
    """Folder of everything a run writes: DLATRACK_RUNS, else `runs/` in the clone, which git ignores."""
    return _folder("DLATRACK_RUNS", root() / "runs")


def cache_dir() -> Path:
    """Folder of results kept by the hash of their inputs: DLATRACK_CACHE, else `cache/` among the runs."""
    return _folder("DLATRACK_CACHE", runs_dir() / "cache")


def shipped_weights_dir() -> Path:
    """Folder of the weight files that come with the package."""
    return Path(__file__).resolve().parent / "weights"


def data_dir() -> Path | None:
    """Folder that holds the data sets: DLATRACK_DATA; None when unset."""
    value = os.environ.get("DLATRACK_DATA")
    return _absolute("DLATRACK_DATA", value) if value else None


def shared_data() -> Path | None:
    """Folder of real clips and official answers: DLATRACK_SHARED_DATA, else `../shared/data`; None when absent."""
    folder = _folder("DLATRACK_SHARED_DATA", root().parent / "shared" / "data")
    return folder if folder.is_dir() else None


@contextmanager
def scratch_folder(parent: Path | None = None, name: str = "scratch") -> Iterator[Path]:
    """Make a folder that is removed at the end of the block, or, after a kill, by the next call.

    The process holds a lock on it, which the system takes back when the process ends; a folder without one is left
    over. Where folders cannot be locked (Windows, some network file systems), those that are left over stay.

    Args:
        parent: folder to make it in; None: the system's folder of temporary files.
        name: purpose; leftovers of the same purpose are removed.
    """
    parent = Path(tempfile.gettempdir()) if parent is None else parent
    prefix = f".dlatrack-{name}-"
    for leftover in parent.glob(f"{glob.escape(prefix)}*"):
        if (lock := _lock(leftover, wait=False)) is not None:
            shutil.rmtree(leftover, ignore_errors=True)
            os.close(lock)
    while True:
        folder = Path(tempfile.mkdtemp(dir=parent, prefix=prefix))
        lock = _lock(folder, wait=True)
        if folder.is_dir():  # else another process has locked and removed it before
            break
        if lock is not None:
            os.close(lock)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)
        if lock is not None:
            os.close(lock)


def _lock(folder: Path, *, wait: bool) -> int | None:
    """Lock a folder; gives the descriptor that holds the lock, or None if there is none to be had."""
    with suppress(ImportError, OSError):
        import fcntl

        handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
        except OSError:
            os.close(handle)
        else:
            return handle
    return None
