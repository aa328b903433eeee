"""The claims ledger: each number of the paper, ours where one was measured, and the record that it is from."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import pandas as pd

from dlatrack.ledger import evidence_counts
from dlatrack.ledger.evidence import Evidence, Records, attribute_evidence, gain_evidence, score_evidence
from dlatrack.ledger.records import Record, read_records
from dlatrack.paper.numbers import PaperNumber, paper_numbers

#: States of a number; `evidence.Evidence` defines the first three.
STATES = ("measured", "contradicted", "reduced", "not attempted")

#: Columns of our values.
_OURS = ("ours", "low", "high", "protocol", "data", "state", "record", "remark")

#: Notebooks that measure the numbers of a table or figure.
_NOTEBOOKS = {
    "Table 1": "02",
    "Table 2": "05",
    "Table 3": "06",
    "Fig. 4": "05",
    "Fig. 5": "05",
    "Fig. 6": "11",
    "Fig. 7a": "07",
    "Fig. 7b": "07",
    "Fig. 8": "08",
    "Fig. 9": "09",
    "Fig. 9a": "09",
    "Fig. 10": "10",
    "Fig. 11": "10",
}


#: Name of a record, and what finds our value of a number of the paper in it.
_Source = tuple[str, Callable[[PaperNumber, Record], Evidence | None]]

_BY_METRIC: dict[str, _Source] = {
    "parameters": ("02_parameters", evidence_counts.parameter_evidence),
    "training loss": ("04_training", evidence_counts.loss_evidence),
    "AUC over K": ("09_scores", evidence_counts.insensitivity_evidence),
}
_BY_PLACE: dict[str, _Source] = {
    "Table 1": ("table01", evidence_counts.count_evidence),
    "Fig. 5": ("fig05", attribute_evidence),
    "Fig. 9": ("fig09a_counts", evidence_counts.positive_evidence),
    "Fig. 9a": ("fig09a_counts", evidence_counts.positive_evidence),
    "Fig. 10": ("10_training_cost_table", evidence_counts.cost_evidence),
    "Fig. 11": ("10_training_cost_table", evidence_counts.cost_evidence),
}
_GAINS: dict[str, _Source] = {
    "Table 2": ("table02", gain_evidence),
    "Fig. 4": ("table02", gain_evidence),
    "Fig. 7a": ("07_twins", gain_evidence),
}


def ledger(folder: Path | None = None) -> pd.DataFrame:
    """Every result of the paper beside ours.

    Args:
        folder: folder of figures and their records; None: as in `records.read_records`.

    Returns:
        A row per number, in the paper's order, with the index `id`. Text: `where`, `tracker`, `data set`, `metric`,
        `unit`, `paper` (as printed), `protocol`, `data` ("real", "miniature", "photographic", "synthetic", "none" or
        ""), `state` (one of `STATES`), `record` (file name in the folder, or "") and `remark`. float64, NaN where
        there is none: `ours`, and `low` and `high`, the ends of its 95 % interval. The paper's number and ours share
        a row and no column; unless the state is "measured" or "contradicted" they must not be subtracted.

    Raises:
        InputError: for a record that cannot be read, or whose numbers were changed after it was written.
    """
    records = read_records(folder)
    rows = [_row(number, _find(number, records)) for number in paper_numbers()]
    numeric = dict.fromkeys(("ours", "low", "high"), "float64")
    return pd.DataFrame(rows).set_index("id").astype(numeric)


def summary(rows: pd.DataFrame) -> pd.DataFrame:
    """Counts of the numbers of each table and figure by state.

    Args:
        rows: table of `ledger`.

    Returns:
        A row per table and figure and one of all, a column per state.
    """
    counts = pd.crosstab(rows["where"], rows["state"])
    counts = counts.reindex(index=rows["where"].unique(), columns=list(STATES), fill_value=0)
    counts.loc["all"] = counts.sum()
    return counts.rename_axis(columns=None)


def sources(rows: pd.DataFrame, folder: Path | None = None) -> dict[str, str]:
    """The records of our values by name, with the SHA-256 of the numbers in each.

    Args:
        rows: table of `ledger`.
        folder: as in `ledger`.
    """
    used = set(rows["record"])
    return {one.name: one.data_sha256 for one in read_records(folder).values() if one.path.name in used}


def readable(rows: pd.DataFrame) -> pd.DataFrame:
    """The ledger with its numbers as text: four digits, and from 1000 on whole numbers."""
    return rows.assign(**{name: rows[name].map(_digits) for name in ("ours", "low", "high")})


def ledger_markdown(rows: pd.DataFrame, states: Iterable[str] = STATES) -> str:
    """The ledger as Markdown, a table for each table and figure of the paper.

    Args:
        rows: table of `ledger`.
        states: states of the rows to show; the others are only counted.
    """
    shown, parts = tuple(states), []
    for where, group in readable(rows).groupby("where", sort=False):
        chosen = group[group["state"].isin(shown)]
        parts.append(f"**{where}** · {len(chosen)} of {len(group)}")
        if len(chosen):
            head = "| | metric | paper | ours | state | data | what ours is | record |"
            lines = [
                head,
                "|---|---|---:|---:|---|---|---|---|",
                *(_line(row) for _, row in chosen.iterrows()),
            ]
            parts.append("\n".join(lines))
    return "\n\n".join(parts) + "\n"


def _line(row: pd.Series[Any]) -> str:
    ours = row["ours"] + (f" ({row['low']} to {row['high']})" if row["low"] else "")
    metric = f"{row['metric']}, {row['unit']}"
    cells = [row["tracker"] or row["data set"], metric, row["paper"], ours, row["state"], row["data"]]
    cells += [row["remark"], row["record"].removesuffix(".json")]
    return f"| {' | '.join(cell.replace('|', '/') for cell in cells)} |"


def _row(number: PaperNumber, found: Evidence | None) -> dict[str, Any]:
    """The row of a number, with the columns in their order."""
    notebook = f"notebook {_NOTEBOOKS[number.where]}"
    ours: tuple[Any, ...] = (None, None, None, "", "", "not attempted", "", notebook)
    if found is not None:
        data, record = found.data or found.record.kind, found.record.path.name
        ours = (found.value, found.low, found.high, found.protocol, data, found.state, record, found.remark)
    return {
        "id": number.id,
        "where": number.where,
        "tracker": number.tracker,
        "data set": number.data_set,
        "metric": f"{number.metric}, against {number.over}" if number.over else number.metric,
        "unit": number.unit,
        "paper": number.printed,
        **dict(zip(_OURS, ours, strict=True)),
    }


def _find(number: PaperNumber, records: Records) -> Evidence | None:
    """Evidence for a number, by its metric or else by its table or figure; None for ranks and pictures."""
    source = _BY_METRIC.get(number.metric) or _BY_PLACE.get(number.where)
    if source is None and number.metric.endswith("gain"):
        source = _GAINS[number.where]
    if source is not None:
        name, find = source
        return find(number, records[name]) if name in records else None
    return score_evidence(number, records) if number.unit == "0 to 1" else None


def _digits(value: float) -> str:
    if math.isnan(value):
        return ""
    return f"{value:.0f}" if abs(value) >= 1000 else f"{value:.4g}"
