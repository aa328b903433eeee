"""The records beside saved figures and tables: what made them from what, and their numbers."""

from __future__ import annotations

import hashlib
import io
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd
from msgspec import UNSET, Struct, UnsetType

from dlatrack import paths
from dlatrack.errors import InputError, shortened
from dlatrack.imagery import MARKS, Imagery
from dlatrack.structured.json_files import json_object, parse_json, read_json_as
from dlatrack.studies.cost import BENCH


@dataclass(frozen=True)
class Record:
    """A figure or table as `provenance` saved it."""

    name: str  #: name of its files, without suffix, e.g. "table02"
    path: Path  #: path of the record itself
    made_by: str  #: notebook, e.g. "notebooks/05_evaluate_otb100.py", or command that made it
    parameters: Mapping[str, Any]  #: parameters of the notebook or command
    imagery: Imagery | None  #: images that its numbers come from; None: it needs none
    data: str  #: name of the file with the numbers
    data_sha256: str  #: SHA-256 of that file

    @property
    def kind(self) -> str:
        """Kind of the data: its imagery, or "miniature" for the synthetic miniature of a data set."""
        if self.imagery == "synthetic" and "miniature_seed" in self.parameters:
            return "miniature"
        return self.imagery or "real"

    @property
    def protocol(self) -> str:
        """Protocol of the evaluation, or "" where none was chosen."""
        return str(self.parameters.get("protocol", ""))

    def table(self) -> pd.DataFrame:
        """The rows of a table.

        Raises:
            InputError: if its file is no longer the one that was recorded.
        """
        content = self._content()
        return pd.read_csv(io.BytesIO(content)) if content.strip() else pd.DataFrame()

    def row(self, **wanted: Any) -> pd.Series[Any] | None:
        """The first row of the table that has the wanted values in the columns of these names; None without one.

        Raises:
            InputError: as `table`, or if a column is missing.
        """
        table = self.table()
        for name, value in wanted.items() if len(table) else ():
            table = table[self.column(table, name) == value]
        return None if table.empty else table.iloc[0]

    def column(self, table: pd.DataFrame | pd.Series[Any], name: str) -> Any:
        """A column of the table or of a part of it, or the cell of one of its rows.

        Raises:
            InputError: if the table, written by another version, lacks it.
        """
        if name not in (table.columns if isinstance(table, pd.DataFrame) else table.index):
            raise InputError(
                f"{self.path.with_name(self.data)} has no column {name!r}; run {self.made_by} again"
            )
        return table[name]

    def numbers(self) -> dict[str, Any]:
        """The numbers of a figure.

        Raises:
            InputError: if its file is no longer the one that was recorded.
        """
        return json_object(parse_json(self._content(), str(self.path.with_name(self.data))), self.data)

    def _content(self) -> bytes:
        path = self.path.with_name(self.data)
        try:
            content = path.read_bytes()
        except OSError as error:
            raise InputError(f"{self.path} names {path}: {error.strerror or error}") from error
        if hashlib.sha256(content).hexdigest() != self.data_sha256:
            raise InputError(
                f"{path} is not what its record {self.path.name} describes; run {self.made_by} again"
            )
        return content


def read_records(folder: Path | None = None) -> dict[str, Record]:
    """Every record in a folder of figures, by name, in alphabetical order; reports of timings are left out.

    Args:
        folder: folder of figures, which need not exist; None: all `paths.figure_sources()`. A record of the runs then
            replaces that of the project with the same name, unless it is of the preset "smoke", a trial of seconds.

    Raises:
        InputError: for a file that cannot be read, or is no record.
    """
    found: dict[str, Record] = {}
    for source in reversed(paths.figure_sources() if folder is None else (folder,)):
        for path in source.glob("*.json"):
            if "." in path.stem or path.name == BENCH:
                continue
            record = _record(path)
            if path.stem not in found or record.parameters.get("preset") != "smoke":
                found[path.stem] = record
    return dict(sorted(found.items()))


def _record(path: Path) -> Record:
    try:
        found = read_json_as(path, _Content)
        imagery = _imagery(found)
    except (ValueError, KeyError) as error:
        raise InputError(f"{path} is no record of a figure or table: {error}") from error
    return Record(
        name=path.stem,
        path=path,
        made_by=found.made_by,
        parameters=found.parameters,
        imagery=imagery,
        data=found.data,
        data_sha256=found.data_sha256,
    )


class _Content(Struct):
    """What is read of a record."""

    made_by: str
    parameters: dict[str, Any]
    data: str
    data_sha256: str
    imagery: str | UnsetType = UNSET
    synthetic: bool | None = None


def _imagery(found: _Content) -> Imagery | None:
    """The imagery of a record; those of version 0.1 say whether it is synthetic."""
    if found.imagery is UNSET:
        return {None: None, True: "synthetic", False: "real"}[found.synthetic]
    if found.imagery not in MARKS:
        raise ValueError(f"imagery must be one of {', '.join(MARKS)}, got {shortened(repr(found.imagery))}")
    return found.imagery
