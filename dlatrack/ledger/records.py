"""The records beside saved figures and tables: who made them from what, and the numbers that they vouch for."""

from __future__ import annotations

import hashlib
import io
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from dlatrack import paths
from dlatrack.errors import InputError
from dlatrack.studies.cost import BENCH


@dataclass(frozen=True)
class Record:
    """A figure or table as `provenance` saved it.

    Args:
        name: of its files, without suffix, e.g. "table02".
        path: of the record itself.
        made_by: a notebook, e.g. "notebooks/05_evaluate_otb100.py", or a command.
        parameters: of the maker.
        synthetic: whether its numbers come from synthetic sequences; None: the question does not arise.
        data: name of the file with the numbers.
        data_sha256: of that file.
    """

    name: str
    path: Path
    made_by: str
    parameters: Mapping[str, Any]
    synthetic: bool | None
    data: str
    data_sha256: str

    @property
    def kind(self) -> str:
        """What was measured on: "real", "synthetic", or a "miniature" of a data set, which is synthetic too."""
        if not self.synthetic:
            return "real"
        return "miniature" if "miniature_seed" in self.parameters else "synthetic"

    def table(self) -> pd.DataFrame:
        """The rows of a table.

        Raises:
            InputError: if its file is no longer the one that was recorded.
        """
        content = self._content()
        return pd.read_csv(io.BytesIO(content)) if content.strip() else pd.DataFrame()

    def numbers(self) -> dict[str, Any]:
        """What a figure shows.

        Raises:
            InputError: if its file is no longer the one that was recorded.
        """
        found: dict[str, Any] = json.loads(self._content())
        return found

    def _content(self) -> bytes:
        path = self.path.with_name(self.data)
        try:
            content = path.read_bytes()
        except OSError as error:
            raise InputError(f"{self.path} names {path}: {error.strerror or error}") from error
        if hashlib.sha256(content).hexdigest() != self.data_sha256:
            raise InputError(
                f"{path} is not what its record {self.path.name} describes; run {self.made_by} anew"
            )
        return content


def read_records(folder: Path | None = None) -> dict[str, Record]:
    """Every record in a folder of figures, by name, in alphabetical order; timings of a machine are none.

    Args:
        folder: one that does not exist holds none; None: the `paths.figure_sources()` together. There a record of the
            runs stands for that of the project with the same name, but one of the preset "smoke", which is a try of
            seconds, does not.

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
        found = json.loads(path.read_text(encoding="utf-8"))
        return Record(
            name=path.stem,
            path=path,
            made_by=found["made_by"],
            parameters=found["parameters"],
            synthetic=found.get("synthetic"),
            data=found["data"],
            data_sha256=found["data_sha256"],
        )
    except OSError as error:
        raise InputError(f"cannot read {path}: {error.strerror or error}") from error
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise InputError(f"{path} is no record of a figure or table: {error}") from error
