"""Matching of result files with sequences, in all spellings of the names."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Collection, Iterable
from pathlib import Path

from dlatrack.errors import InputError, listed
from dlatrack.files import is_companion


def _composed(name: str) -> str:
    """The name in composed Unicode; archives made on macOS have letters and their accents apart."""
    return unicodedata.normalize("NFC", name)


def _bare(name: str) -> str:
    """The letters and digits of a name in lower case; a name without any stays as it is."""
    return re.sub(r"[\W_]", "", _composed(name).casefold()) or name


#: How a sequence name may be spelt in a file name, from strict to lenient. The strict ways come first because
#: UAV123 has both car1_1 and car11.
_SPELLINGS: tuple[Callable[[str], str], ...] = (
    _composed,
    lambda name: re.sub(r"[-_. ]", "-", _composed(name).casefold()),
    _bare,
    lambda name: _bare(name.casefold().removeprefix("uav_")),  # pytracking's UAV123
    lambda name: {"human4": "human42"}.get(_bare(name), _bare(name)),  # got10k's OTB100
)


def find_results(folder: str | Path, names: Collection[str]) -> dict[str, Path]:
    """Find the result files of sequences in a folder, in any spelling of the names.

    Upper and lower case and the separators `-`, `_` and `.` may differ (`jogging_1.txt` serves Jogging-1); an exact
    name wins.

    Args:
        folder: folder of `<name>.txt` files; others, hidden ones and folders are left alone.
        names: sequence names.

    Returns:
        A file for each name, in the order of `names`.

    Raises:
        InputError: naming the sequences that have no file, or several that fit equally well.
    """
    folder = Path(folder)
    if not folder.is_dir():
        raise InputError(f"there is no results folder {folder}")
    found = match_files(text_files(folder), names)
    require_all(folder, found, names)
    return {name: found[name] for name in names}


def text_files(folder: Path) -> list[Path]:
    """The text files directly in a folder, sorted, without hidden companions."""
    return sorted(
        path
        for path in folder.iterdir()
        if path.suffix.lower() == ".txt" and not is_companion(Path(path.name)) and path.is_file()
    )


def match_files(
    files: Iterable[Path], names: Collection[str], stem: Callable[[Path], str] = lambda path: path.stem
) -> dict[str, Path]:
    """Files by sequence name as `find_results`, for those names that have one.

    Args:
        files: files to choose from.
        names: sequence names.
        stem: the part of a file's name that spells the sequence.

    Raises:
        InputError: naming the files, if several fit a name equally well.
    """
    free = {path: stem(path) for path in sorted(files)}
    found: dict[str, Path] = {}
    for spelling in _SPELLINGS:
        spelt: dict[str, list[Path]] = {}
        for path, text in free.items():
            spelt.setdefault(spelling(text), []).append(path)
        for name in names:
            fitting = spelt.get(spelling(name), []) if name not in found else []
            if len(fitting) > 1:
                raise InputError(
                    f"{fitting[0].parent} has several files for sequence {name}: "
                    f"{', '.join(path.name for path in fitting)}"
                )
            if fitting and fitting[0] in free:
                found[name] = fitting[0]
                del free[fitting[0]]
    return found


def spells_one(names: Collection[str]) -> Callable[[str], bool]:
    """A function that says whether a text is one of the names, in any spelling that `find_results` takes."""
    known = [(spelling, {spelling(name) for name in names}) for spelling in _SPELLINGS]
    return lambda text: any(spelling(text) in spelt for spelling, spelt in known)


def require_all(folder: Path, found: Collection[str], names: Collection[str]) -> None:
    """Check that a folder has the results of all sequences.

    Raises:
        InputError: naming the first missing ones.
    """
    missing = [name for name in names if name not in found]
    if missing:
        raise InputError(f"{folder} has no result file for {listed(missing)}")
