"""Records of figures and tables: the numbers, what made them, and a hash; the same data gives the same bytes."""

from __future__ import annotations

import hashlib
import json
import math
import platform
import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict, is_dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path, PurePath
from typing import TYPE_CHECKING, Any

import numpy as np
from torch import Tensor

from dlatrack import paths
from dlatrack.files import write_text
from dlatrack.imagery import MARKS, Imagery

if TYPE_CHECKING:
    import pandas as pd


def save_table(
    frame: pd.DataFrame,
    name: str,
    *,
    made_by: str,
    parameters: Mapping[str, Any],
    imagery: Imagery,
    folder: Path | None = None,
) -> Path:
    """Save a table as CSV (all digits) and Markdown (about four), with a record as `save_figure` writes it.

    Args:
        frame: the table; its index is kept unless it is the plain 0..n-1.
        name: file name without suffix, e.g. "table02".
        made_by: path of the notebook, or the command, that computes it.
        parameters: parameters of the notebook or command.
        imagery: images that the numbers come from; the record says so, and the Markdown unless they are real.
        folder: folder to write to; None: `paths.figures_dir()`.

    Returns:
        The path of the CSV.

    Raises:
        ValueError: as `save_figure`.
        InputError: when a file cannot be written.
    """
    folder = destination(folder, name)
    if not _has_plain_index(frame):
        frame = frame.reset_index()
    csv = frame.to_csv(index=False, lineterminator="\n")
    record = figure_record(made_by, parameters, imagery, ("dlatrack", "torch", "numpy", "pandas"))
    record |= {"data": f"{name}.csv", "data_sha256": text_digest(csv)}
    note = f"\nOn {MARKS[imagery]}.\n" if MARKS[imagery] else ""
    markdown = _markdown(frame) + note
    known = holds(folder, {f"{name}.csv": csv.encode(), f"{name}.md": markdown.encode()})
    write_text(folder / f"{name}.csv", csv)
    write_text(folder / f"{name}.md", markdown)
    write_record(folder / f"{name}.json", record, known=known)
    return folder / f"{name}.csv"


def sha256_of(value: Any) -> str:
    """SHA-256, in hexadecimal, of the canonical JSON of a value: a key for results kept on disk.

    Equal contents give equal hashes: the order of dictionary keys, and whether numbers come as lists, NumPy
    arrays or tensors, does not matter. The width of a float does: float32 0.1 is not float64 0.1. Meant for
    settings and small arrays; hash large files by their bytes.

    Raises:
        ValueError: for a value that JSON cannot hold, naming its field.
    """
    return text_digest(json.dumps(plain_value(value, "value"), sort_keys=True, separators=(",", ":")))


def versions(packages: Sequence[str] = ("dlatrack", "torch", "numpy", "matplotlib")) -> dict[str, str]:
    """Versions of Python and of packages; "not installed" for a package run from its sources alone."""
    found = {"python": platform.python_version()}
    for package in packages:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            found[package] = "not installed"
    return found


def destination(folder: Path | None, name: str) -> Path:
    """Folder of a figure or table: `folder`, or `paths.figures_dir()` without one.

    Raises:
        ValueError: for a name that cannot be that of a file on every system.
    """
    if not re.fullmatch(r"\w[\w-]*", name):
        raise ValueError(f"a figure or table name has letters, digits, - and _ only, got {name!r}")
    return paths.figures_dir() if folder is None else Path(folder)


def figure_record(
    made_by: str, parameters: Mapping[str, Any], imagery: Imagery | None, packages: Sequence[str]
) -> dict[str, Any]:
    """What made a figure or table: maker, parameters without absolute paths, versions and, unless None, `imagery`.

    Raises:
        ValueError: for an absolute path as the maker, another imagery, or as `plain_value`.
    """
    if PurePath(made_by).is_absolute():
        raise ValueError(f"made_by must be a path relative to the clone, got {made_by!r}")
    if imagery is not None and imagery not in MARKS:
        raise ValueError(f"imagery must be one of {', '.join(MARKS)} or None, got {imagery!r}")
    record = {
        "made_by": made_by,
        "parameters": _portable(plain_value(parameters, "parameters")),
        "versions": versions(packages),
    }
    return record if imagery is None else record | {"imagery": imagery}


def holds(folder: Path, contents: Mapping[str, bytes]) -> bool:
    """Whether a folder has files of these names with these contents."""
    files = {folder / name: content for name, content in contents.items()}
    return all(file.is_file() and file.read_bytes() == content for file, content in files.items())


def write_record(path: Path, record: dict[str, Any], *, known: bool) -> None:
    """Write the record of a figure or table.

    A record that is there already stays, if it differs in nothing but the versions: those are the versions that first
    gave these bytes, and drawing them again is no news.

    Args:
        path: file of the record.
        record: what made the files.
        known: whether the files that it is about were there with the same contents.

    Raises:
        InputError: when the file cannot be written.
    """
    text = json_lines(record)
    if not (known and path.is_file() and _but_versions(path.read_bytes()) == _but_versions(text.encode())):
        write_text(path, text)


def _but_versions(record: bytes) -> list[bytes]:
    return [line for line in record.splitlines() if not line.startswith(b'  "versions": ')]


def plain_value(value: Any, field: str) -> Any:
    """A value as dictionaries, lists, text, numbers and None, as JSON holds them.

    Raises:
        ValueError: for another value, an infinite number or an ambiguous key, naming its `field`.
    """
    if is_dataclass(value) and not isinstance(value, type):
        value = asdict(value)
    if isinstance(value, Tensor):
        value = value.detach().cpu().tolist()
    elif isinstance(value, np.ndarray | np.generic):
        value = value.tolist()
    if value is None or isinstance(value, bool | int | str):
        return value
    if isinstance(value, float):
        if math.isinf(value):
            raise ValueError(
                f"{field} is {value}; only finite numbers and NaN (written as null) can be saved"
            )
        return None if math.isnan(value) else value
    if isinstance(value, PurePath):
        return value.as_posix()
    if isinstance(value, Mapping):
        for key in value:
            if isinstance(key, bool) or not isinstance(key, str | int):
                raise ValueError(f"{field} has the key {key!r}; keys must be text or whole numbers")
        if len({str(key) for key in value}) < len(value):
            raise ValueError(
                f"{field} has a number and a text that read the same among its keys {list(value)}"
            )
        return {str(key): plain_value(item, f"{field}.{key}") for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [plain_value(item, f"{field}[{index}]") for index, item in enumerate(value)]
    raise ValueError(f"{field} is a {type(value).__name__}, which JSON cannot hold")


def _portable(value: Any) -> Any:
    """A plain value without absolute paths, which differ from machine to machine."""
    if isinstance(value, dict):
        return {key: _portable(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_portable(item) for item in value]
    if isinstance(value, str) and PurePath(value).is_absolute():
        path, root = PurePath(value), paths.root()
        return path.relative_to(root).as_posix() if path.is_relative_to(root) else path.name
    return value


def json_lines(content: dict[str, Any]) -> str:
    """Canonical JSON: sorted keys, one line per top-level key, so that changes show in a diff."""
    lines = (f"  {json.dumps(key)}: {json.dumps(content[key], sort_keys=True)}" for key in sorted(content))
    return "{\n" + ",\n".join(lines) + "\n}\n"


def text_digest(text: str) -> str:
    """SHA-256 of a text as UTF-8, in hexadecimal."""
    return hashlib.sha256(text.encode()).hexdigest()


def _has_plain_index(frame: pd.DataFrame) -> bool:
    return (
        frame.index.nlevels == 1 and frame.index.name is None and list(frame.index) == list(range(len(frame)))
    )


def _markdown(frame: pd.DataFrame) -> str:
    """A table in GitHub's Markdown: numbers to the right, with one number of decimals per column."""
    numeric = [kind.kind in "iuf" for kind in frame.dtypes]
    columns = [_cells(frame.iloc[:, number]) for number in range(frame.shape[1])]
    head = [str(name).replace("|", r"\|") for name in frame.columns]
    rule = ["---:" if right else "---" for right in numeric]
    rows = [head, rule, *zip(*columns, strict=True)]
    return "".join(f"| {' | '.join(row)} |\n" for row in rows)


def _cells(column: pd.Series[Any]) -> list[str]:
    """Text of each cell: four digits for the largest float of the column, nothing for missing values."""
    missing = column.isna()
    if column.dtype.kind != "f":
        return [
            "" if none else str(item).replace("|", r"\|") for item, none in zip(column, missing, strict=True)
        ]
    sizes = np.abs(column.to_numpy())
    largest = sizes[np.isfinite(sizes)].max(initial=0)
    decimals = min(max(3 - math.floor(math.log10(largest)), 0), 8) if largest > 0 else 1
    return ["" if none else f"{item:.{decimals}f}" for item, none in zip(column, missing, strict=True)]
