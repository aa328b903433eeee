"""What `dlatrack bench all` measured, kept in a file beside the figures, as timings never repeat themselves."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

import pandas as pd

from dlatrack import paths
from dlatrack.bench.step import STAGES
from dlatrack.errors import InputError

#: Made by `dlatrack bench all --json > figures/bench.json`.
BENCH = "bench.json"

_STAGES = tuple(f": {stage}" for stage in STAGES)

COLUMNS = ("benchmark", "what", "median, ms", "5 %, ms", "95 %, ms", "runs")


@dataclass(frozen=True, eq=False)
class BenchStudy:
    """All benchmarks of one machine.

    Args:
        table: a row per timing, with the `COLUMNS`. The stages of a training step are left out: notebook 10 has them
            from more repetitions.
        machine: processor and versions.
    """

    table: pd.DataFrame
    machine: dict[str, str]


def read_bench() -> BenchStudy | None:
    """Read the first such file of `paths.figure_sources()`; None if nobody has measured.

    Raises:
        InputError: if the file cannot be read, or is not what `dlatrack bench all --json` prints.
    """
    found = [path for folder in paths.figure_sources() if (path := folder / BENCH).exists()]
    if not found:
        return None
    path = found[0]
    try:
        reports: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        rows = [
            (name, row["name"], row["median"], row["low"], row["high"], row["repeats"])
            for name, report in reports.items()
            for row in report["timings"]
            if not row["name"].endswith(_STAGES)
        ]
        first = next(iter(reports.values()))["machine"]
        machine = {key: str(first[key]) for key in ("processor", "torch") if key in first}
        return BenchStudy(pd.DataFrame(rows, columns=list(COLUMNS)), machine)
    except OSError as error:
        raise InputError(f"cannot read {path}: {error.strerror or error}") from error
    except (ValueError, TypeError, KeyError, AttributeError, StopIteration) as error:
        raise InputError(f"{path} is not what dlatrack bench all --json prints: {error!r}") from error
