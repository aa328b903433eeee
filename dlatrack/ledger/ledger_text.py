"""The ledger as Markdown: a claim with its state, and the evidence on it below."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from typing import Any

import pandas as pd

from dlatrack.ledger.ledger import STATES, Ledger
from dlatrack.paper.elsewhere import ELSEWHERE

_NUMBERS = ("ours", "value", "low", "high")


def readable(rows: pd.DataFrame) -> pd.DataFrame:
    """Claims or evidence with numbers as text: four digits, and from 1000 on whole numbers."""
    return rows.assign(**{name: rows[name].map(_digits) for name in _NUMBERS if name in rows})


def ledger_markdown(book: Ledger, states: Iterable[str] = STATES, *, root: str = "..") -> str:
    """The ledger as Markdown, a table for each table and figure of the paper.

    Args:
        book: the ledger.
        states: states of the claims to show; the others are only counted.
        root: path from the page to the clone, for links to records.
    """
    shown, parts = tuple(states), []
    claims, evidence = readable(book.claims), readable(book.evidence)
    for where, group in claims.groupby("where", sort=False):
        chosen = group[group["state"].isin(shown)]
        parts.append(f"**{where}** · {len(chosen)} of {len(group)}")
        if len(chosen):
            lines = [
                "| claim, and evidence on it | paper | ours | evidence | state |",
                "|---|---:|---:|---:|---|",
            ]
            for name, claim in chosen.iterrows():
                lines.append(_claim(claim))
                lines += _pieces(evidence[evidence.index == name], root)
            parts.append("\n".join(lines))
    return "\n\n".join(parts) + "\n"


def _claim(claim: pd.Series[Any]) -> str:
    who = claim["tracker"] or claim["data set"]
    unit = "" if claim["unit"] in ("in words", "0 to 1") else f", {claim['unit']}"
    words = [f"**{who}**, {claim['metric']}{unit}", claim["paper"], _with_interval(claim["ours"], claim)]
    state = f"**{claim['state']}**"
    if claim["state"] == "not attempted":
        state += f", {claim['remark']}"
    return _cells([*words, "", state])


def _pieces(evidence: pd.DataFrame, root: str) -> Iterator[str]:
    for _, row in evidence.iterrows():
        folder = "dlatrack/paper" if row["record"] == ELSEWHERE.name else "figures"
        link = f"[{row['record'].removesuffix('.json')}]({root}/{folder}/{row['record']})"
        unit = "" if row["unit"] in ("0 to 1", "count") else f" {row['unit']}"
        value = _with_interval(row["value"], row) + (unit if row["value"] else "")
        yield _cells([f"↳ {row['kind']}: {row['what']} ({link})", "", "", value, row["direction"]])


def _with_interval(value: str, row: pd.Series[Any]) -> str:
    return value + (f" ({row['low']} to {row['high']})" if value and row["low"] else "")


def _cells(cells: Iterable[str]) -> str:
    return f"| {' | '.join(cell.replace('|', '/') for cell in cells)} |"


def _digits(value: float) -> str:
    if math.isnan(value):
        return ""
    return f"{value:.0f}" if abs(value) >= 1000 else f"{value:.4g}"
