"""Inconsistencies of the paper: with itself, with the code it builds on, and with public result files."""

from __future__ import annotations

import json
from pathlib import Path

import pandas as pd

_ROWS = Path(__file__).with_name("inconsistencies.json")


def inconsistencies() -> pd.DataFrame:
    """The inconsistencies that were found, in our words.

    Returns:
        A row each, with the index `id`. Columns, all text: `where`, `printed` (statement of the paper), `against`
        (evidence against it) and `here` (reading in this project).

    Source: SiamDLA, its tables, figures, equations and text.
    """
    return pd.DataFrame(json.loads(_ROWS.read_text(encoding="utf-8"))["rows"]).set_index("id")


def inconsistencies_markdown() -> str:
    """The inconsistencies as a numbered table in Markdown."""
    lines = ["| | where | the paper prints | against | here |", "|---:|---|---|---|---|"]
    for number, row in enumerate(inconsistencies().itertuples(), start=1):
        lines.append(f"| {number} | {row.where} | {row.printed} | {row.against} | {row.here} |")
    return "\n".join(lines) + "\n"
