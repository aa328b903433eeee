"""Records of a result folder: the run and the content of its sequences, so that results of two runs never mix."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Mapping
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np

from dlatrack import __version__
from dlatrack.errors import InputError, listed, shortened
from dlatrack.files import remove_leftovers, write_text
from dlatrack.structured.json_files import read_json_object

#: Characters of a value that a message quotes; the settings of a run have up to 600.
_QUOTED = 1000


def write_or_check(folder: Path, identity: dict[str, Any]) -> None:
    """Write `run.json`, or check that the existing one describes the same run.

    The file records neither shards nor workers nor times, so that all parts of a run write the same one.

    Args:
        folder: folder of the results, created if needed.
        identity: JSON values that decide the results. Versions are added for readers and not compared.

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
        found = read_json_object(path)
    except InputError as error:
        raise InputError(f"{error}; remove it or choose another folder") from error
    wanted = json.loads(text)  # as in the file: tuples become lists, and so on
    differing = [
        f"{key} was {_quoted(found.get(key))} and is now {_quoted(wanted.get(key))}"
        for key in dict.fromkeys([*identity, *found])
        if key != "versions" and found.get(key) != wanted.get(key)
    ]
    if differing:
        raise InputError(f"{path} belongs to another run: {'; '.join(differing)}; choose another folder")


def write_or_check_content(
    folder: Path, content: Mapping[str, Mapping[str, str]], results: Callable[[str], list[Path]]
) -> None:
    """Write `content/SEQUENCE.json` for each sequence, or check that existing results are of the same content.

    Every sequence has its own file, so that a benchmark may gain and lose sequences, and the parts of a run write
    different files.

    Args:
        folder: folder of the results.
        content: hashes by name of a sequence and by kind, in the plural, e.g. "images".
        results: function from the name of a sequence to the paths of its result files, which need not exist.

    Raises:
        InputError: naming sequences whose results are of other or unrecorded content; then nothing is written. If a
            file cannot be written.
    """
    places = {name: folder / "content" / f"{name}.json" for name in content}
    found = {name: _read_content(path) for name, path in places.items()}
    todo = [name for name, current in content.items() if found[name] != current]
    done = [name for name in todo if any(path.exists() for path in results(name))]
    if unknown := [name for name in done if not found[name]]:
        raise InputError(
            f"{folder} has results of sequence {unknown[0]}{_more(unknown)}, but {places[unknown[0]]} does not "
            f"record their boxes and images; earlier versions of dlatrack wrote no such files; choose another folder"
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


def _quoted(value: Any) -> str:
    """A value of a record on one line; long ones, which only damaged records have, are shortened."""
    return shortened(repr(value), _QUOTED)


def _more(names: list[str]) -> str:
    """The sequences after the first of several, for a message: up to four by name, and the number of the rest."""
    return f" (also {listed(names[1:], 4)})" if len(names) > 1 else ""


def _read_content(path: Path) -> dict[str, Any]:
    """The recorded hashes of a sequence; empty if the file is missing or damaged."""
    try:
        return read_json_object(path)
    except InputError:
        return {}


def check_names(names: list[str], what: str = "sequence") -> None:
    """Reject names that cannot be file names, or that repeat.

    Args:
        names: names of files or folders, without suffix.
        what: kind of thing that has the names, for the message.

    Raises:
        InputError: naming the first unusable name.
    """
    for name in names:
        if not name or Path(name).name != name or "\\" in name or "\0" in name:
            raise InputError(f"{what} name {name!r} cannot be a file name; it must have no folder part")
    for name, count in Counter(names).items():
        if count > 1:
            raise InputError(f"{what} names must differ, but {name} comes {count} times")
