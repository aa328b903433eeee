"""What made the results of a folder, and of which sequences, so that those of two runs are never mixed."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np

from dlatrack import __version__
from dlatrack.errors import InputError, listed
from dlatrack.files import remove_leftovers, write_text


def write_or_check(folder: Path, identity: dict[str, Any]) -> None:
    """Write `run.json`, or check that the one in place describes the same run.

    The file says nothing of shards, workers or times, so that all parts of a run write the same one.

    Args:
        folder: of the results; made when absent.
        identity: JSON values that decide the results. Versions are added for people and not compared.

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
    wanted = json.loads(text)  # as the file has it: tuples are lists, and so on
    differing = [
        f"{key} is {found.get(key)!r} there and {wanted.get(key)!r} here"
        for key in dict.fromkeys([*identity, *found])
        if key != "versions" and found.get(key) != wanted.get(key)
    ]
    if differing:
        raise InputError(f"{path} belongs to another run: {'; '.join(differing)}; choose another folder")


def claim_sequences(
    folder: Path, content: Mapping[str, Mapping[str, str]], results: Callable[[str], list[Path]]
) -> None:
    """Write `content/SEQUENCE.json` for each sequence, or check that the results in place are of the same content.

    Every sequence has a file of its own, so that sequences may be added to a benchmark and taken from it, and so that
    the parts of a run write different files.

    Args:
        folder: of the results.
        content: hashes by the name of a sequence and by what they are of, in the plural, e.g. "images".
        results: gives the result files of the sequence of a name, whether they are there or not.

    Raises:
        InputError: naming sequences whose results are of other content, or of content that nobody knows; nothing is
            written then. If a file cannot be written.
    """
    places = {name: folder / "content" / f"{name}.json" for name in content}
    found = {name: _read_content(path) for name, path in places.items()}
    todo = [name for name, here in content.items() if found[name] != here]
    done = [name for name in todo if any(path.exists() for path in results(name))]
    if unknown := [name for name in done if not found[name]]:
        raise InputError(
            f"{folder} has results of sequence {unknown[0]}{_more(unknown)}, but {places[unknown[0]]} does not say "
            f"of which images and boxes; earlier versions of dlatrack wrote no such files; choose another folder"
        )
    if done:
        parts = [key for key, value in content[done[0]].items() if found[done[0]].get(key) != value]
        raise InputError(
            f"{folder} belongs to another run: the {' and '.join(parts)} of sequence {done[0]} have changed since "
            f"its results were made{_more(done)}; choose another folder, or remove these results"
        )
    for name in todo:
        remove_leftovers(places[name])
        write_text(places[name], json.dumps(content[name], indent=2, sort_keys=True) + "\n")


def _more(names: list[str]) -> str:
    """The sequences after the first of several, for a message: up to four by name, and the number of the rest."""
    if len(names) == 1:
        return ""
    return f" (also {listed(names[1:], 4)})"


def _read_content(path: Path) -> dict[str, Any]:
    """What is recorded of a sequence; nothing if there is no such file or it is damaged."""
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


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
