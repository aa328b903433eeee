"""What was found here and the paper does not print, each with the record that says so."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pandas as pd

from dlatrack.ledger.records import Record, read_records
from dlatrack.paper.published import FIGURE9_CONCLUDED

FINDING_COLUMNS = ("finding", "paper", "ours", "data", "record")

#: Shapes of targets that the findings are told for: those counted in LaSOT.
_MIX = "as in LaSOT"


def findings(folder: Path | None = None) -> pd.DataFrame:
    """Findings beyond the paper's numbers, one a row (`FINDING_COLUMNS`); those without a record are missing.

    Args:
        folder: folder of figures and their records; None: as in `records.read_records`.

    Raises:
        InputError: for a record that cannot be read, lacks a row, or whose numbers were changed after it was written.
    """
    records = read_records(folder)
    rows = [
        (finding, paper, ours(records[name]), records[name].kind, f"{name}.json")
        for finding, paper, name, ours in _FINDINGS
        if name in records
    ]
    return pd.DataFrame(rows, columns=list(FINDING_COLUMNS))


def _growth(record: Record) -> str:
    """Positives at the least, the paper's and the largest K, for anchors and for points."""
    table = record.table()
    own = table[record.column(table, "mix") == _MIX]
    texts = []
    for head in ("anchors", "points"):
        counts = own[record.column(own, "head") == head].set_index("K")["positives"]
        shown = ", ".join(f"{counts[k]:.1f} at K = {k}" for k in (counts.index.min(), 9, counts.index.max()))
        texts.append(f"{head}: {shown}")
    return "; ".join(texts)


def _threshold(record: Record) -> str:
    """The middle nine tenths of T, for anchors and for points."""
    texts = []
    for head in ("anchors", "points"):
        row = record.row(mix=_MIX, head=head)
        if row is not None:
            low, middle, high = (float(record.column(row, name)) for name in ("5 %", "50 %", "95 %"))
            texts.append(f"{head}: {low:.3f} to {high:.3f}, median {middle:.3f}")
    return "; ".join(texts)


#: Finding, the paper's words on it, the record, and what writes our numbers.
_FINDINGS: tuple[tuple[str, str, str, Callable[[Record], str]], ...] = (
    (
        "With five anchors per point DLA's number of positives grows linearly with K, far faster than with points.",
        f"about {FIGURE9_CONCLUDED:g} positives at K = 9, without a word on anchors",
        "14_positives_over_k_table",
        _growth,
    ),
    (
        "With anchors the dynamic threshold T is nearly a constant; with points it follows the shape of the target.",
        "T is computed anew for every target (Algorithm 1)",
        "14_thresholds_table",
        _threshold,
    ),
)
