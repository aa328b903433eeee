"""`run.json`: what made the results of a folder, so that those of two runs are never mixed."""

from __future__ import annotations

import json
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np

from dlatrack import __version__
from dlatrack.errors import InputError
from dlatrack.files import write_text


def claim(folder: Path, identity: dict[str, Any]) -> None:
    """Write `run.json`, or check that the one in place describes the same run.

    The file says nothing of shards, workers or times, so that all parts of a run write the same one.

    Args:
        folder: of the results; made when absent.
        identity: JSON values that decide the results. Versions are added for people and not compared. "content", if
            it is there, holds hashes by what they are of, in the plural, e.g. "images".

    Raises:
        InputError: naming every entry that differs, if the folder belongs to another run; if `run.json` cannot be
            read or written.
    """
    path = folder / "run.json"
    versions = {"dlatrack": __version__, "torch": version("torch"), "numpy": np.__version__}
    text = json.dumps({**identity, "versions": versions}, indent=2, sort_keys=True) + "\n"
    if not path.exists():
        write_text(path, text)
        return
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise InputError(f"cannot read {path}: {error}; remove it or choose another folder") from error
    if not isinstance(found, dict):
        raise InputError(f"{path} is not the record of a run; remove it or choose another folder")
    if "content" in identity and "content" not in found:
        raise InputError(
            f"{path} does not say which images and boxes its results are of, as earlier versions of "
            f"dlatrack wrote it; choose another folder, so that old results do not pass for new ones"
        )
    wanted = json.loads(text)  # as the file has it: tuples are lists, and so on
    differing = [
        f"{key} is {found.get(key)!r} there and {wanted.get(key)!r} here"
        for key in dict.fromkeys([*identity, *found])
        if key not in ("versions", "content") and found.get(key) != wanted.get(key)
    ]
    differing += _other_content(found.get("content"), wanted.get("content"))
    if differing:
        raise InputError(f"{path} belongs to another run: {'; '.join(differing)}; choose another folder")


def _other_content(there: Any, here: Any) -> list[str]:
    """What differs in the content of two runs, in words: nobody can read hashes."""
    there = there if isinstance(there, dict) else {}
    here = here if isinstance(here, dict) else {}
    return [
        f"its {key} have another content (hash {str(there.get(key))[:12]} there, {str(here.get(key))[:12]} here)"
        for key in dict.fromkeys([*here, *there])
        if there.get(key) != here.get(key)
    ]


def check_names(names: list[str], what: str = "sequence") -> None:
    """Refuse names that cannot be file names, or that repeat.

    Args:
        names: of the files or folders, without suffix.
        what: they name, for the message.

    Raises:
        InputError: naming the first that cannot be used.
    """
    for name in names:
        if not name or Path(name).name != name or "\\" in name or "\0" in name:
            raise InputError(f"{what} name {name!r} cannot be a file name; it must have no folder part")
    seen: set[str] = set()
    for name in names:
        if name in seen:
            raise InputError(f"{what} names must differ, but {name} comes {names.count(name)} times")
        seen.add(name)
