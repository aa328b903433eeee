"""Scores as the commands print them: a table for people, JSON and CSV at full precision."""

from __future__ import annotations

import csv
import json
import sys
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from dlatrack.cli.printing import Cell, print_line, print_table
from dlatrack.errors import InputError, listed
from dlatrack.evaluation.protocol_effects import Comparison
from dlatrack.evaluation.scoring import Scored, absent_frames
from dlatrack.evaluation.truth import BenchmarkTruth
from dlatrack.evaluation.vot.scores import VOTResult
from dlatrack.progress import printable

#: Notes that are printed for each tracker.
_SHOWN = 3

#: Entries of a row that are lists.
_LISTS = ("effects", "differences")

#: Entries of a row that a table for people does not repeat: the title or a table of its own has them.
_NOT_IN_TABLE = ("benchmark", "absent", "absent_frames", *_LISTS)

#: What happens to frames without the target.
_ABSENT_WORDS = {"fail": "frames without it fail in every curve", "drop": "frames without it are left out"}


def absent_count(truth: BenchmarkTruth) -> int:
    """Number of frames without the target."""
    return sum(int(flags.sum()) for flags in absent_frames(truth).values())


def print_json(rows: Iterable[Mapping[str, Any]]) -> None:
    """Print rows as JSON; a score that a row does not have is null."""
    rows = list(rows)
    keys = [key for key in _columns(rows) if key not in (*_LISTS, "refused")]
    whole = [{key: row.get(key) for key in keys} | dict(row) for row in rows]
    text = json.dumps(whole, indent=2, ensure_ascii=False, allow_nan=False)
    print(text if _encodable(text) else json.dumps(whole, indent=2))


def print_csv(rows: Iterable[Mapping[str, Any]]) -> None:
    """Print rows as CSV, or nothing if there are none.

    The differences from other trackers become columns `auc minus NAME` with `low`, `high` and `p`.
    """
    rows = list(rows)
    compared = list(dict.fromkeys(row["tracker"] for row in rows if "differences" in row))
    flat = [
        {key: _text(value) for key, value in row.items() if key not in _LISTS}
        | _difference_columns(row, compared)
        for row in rows
    ]
    if flat:
        writer = csv.DictWriter(sys.stdout, _columns(flat), lineterminator="\n")
        writer.writeheader()
        writer.writerows(flat)


def print_scores(truth: BenchmarkTruth, rows: Sequence[Mapping[str, Any]], absent: str | None) -> None:
    """Print rows as a table, unless there are none."""
    if not rows:
        return
    columns = [key for key in _columns(rows) if key not in _NOT_IN_TABLE]
    frames = sum(len(sequence.regions) for sequence in truth.sequences.values())
    title = f"{truth.name}: {len(truth.sequences)} sequences, {frames:,} frames"
    if truth.missing:
        title += f"; {len(truth.missing)} sequences are missing"
    if absent is not None and (count := absent_count(truth)):
        title += f"; the target is absent in {count:,} ({_ABSENT_WORDS[absent]})"
    cells = [[_cell(key, row.get(key)) for key in columns] for row in rows]
    keys = ("tracker", "protocol") if len({row["protocol"] for row in rows}) > 1 else ("tracker",)
    print_table(columns, cells, title=title, keys=len(keys))


def print_reasons(compared: Mapping[str, Sequence[Comparison]]) -> None:
    """Print for each tracker what its score changes by with each rule of each other protocol."""
    for tracker, comparisons in compared.items():
        base = comparisons[0].result
        if base is None:
            for refused in (each for each in comparisons if each.result is None):
                print_line(f"{tracker}: {refused.protocol} refuses it: {refused.refusal}")
            continue
        rows: list[tuple[Cell, ...]] = []
        for comparison in comparisons[1:]:
            result = comparison.result
            if result is None:
                rows.append((comparison.protocol, "", "", f"refused: {comparison.refusal}"))
                continue
            reasons = tuple(
                f"{e.rule} = {e.value}: AUC {e.auc:+.6f}, precision {e.precision:+.6f}"
                for e in comparison.effects
            )
            gaps = (result.auc - base.auc, result.precision_score - base.precision_score)
            rows.append((comparison.protocol, *(f"{gap:+.6f}" for gap in gaps), reasons or "none"))
        columns = ("protocol", "AUC", "precision", "rules that make the difference")
        print_table(columns, rows, title=f"{tracker}: against {base.protocol}")


def print_note(text: str) -> None:
    """Print a note on standard error, apart from JSON and CSV on standard output."""
    print_line(f"note: {text}", file=sys.stderr)


def print_result_notes(scored: Sequence[Scored]) -> None:
    """Print what was odd in the results."""
    for entry in scored:
        notes = () if isinstance(entry.result, VOTResult) else entry.result.notes
        for note in notes[:_SHOWN]:
            print_note(f"{entry.tracker}: {note}")
        if len(notes) > _SHOWN:
            print_note(f"{entry.tracker}: and {len(notes) - _SHOWN} more like these")


def print_truth_notes(truth: BenchmarkTruth, absent: str | None) -> None:
    """Print what a reader of the scores must know of the truth: missing and foreign sequences, absent targets."""
    if truth.missing:
        total = len(truth.sequences) + len(truth.missing)
        print_note(
            f"the truth has {len(truth.sequences)} of {total} sequences of {truth.name}; it lacks "
            f"{listed(truth.missing)}"
        )
    if foreign := truth.foreign:
        print_note(
            f"{len(foreign)} of the {len(truth.sequences)} sequences are not of {truth.name}; the scores are those "
            f"of a list of one's own: {listed(foreign)}"
        )
    if absent is not None and (count := absent_count(truth)):
        frames = sum(len(sequence.regions) for sequence in truth.sequences.values())
        other = "drop leaves them out" if absent == "fail" else "fail counts them as failures"
        print_note(
            f"the target is absent in {count:,} of {frames:,} frames: {_ABSENT_WORDS[absent]}; evaluate --absent "
            f"{other}"
        )


def refuse_all(failures: Sequence[str]) -> None:
    """Print every failure on a line of its own, the last as the error of the command.

    Raises:
        InputError: if there is one.
    """
    for failure in failures[:-1]:
        print_line(f"dlatrack: {failure}", file=sys.stderr)
    if failures:
        raise InputError(failures[-1])


def _columns(rows: Iterable[Mapping[str, Any]]) -> list[str]:
    """Keys of all rows in their order; why something is refused comes last."""
    keys = list(dict.fromkeys(key for row in rows for key in row))
    return sorted(keys, key=lambda key: key == "refused")


def _difference_columns(row: Mapping[str, Any], compared: Sequence[str]) -> dict[str, Any]:
    """Columns for each of the trackers `compared`, without values for the one of the row itself."""
    by_name = {difference["against"]: difference for difference in row.get("differences", ())}
    metric = next((difference["metric"].lower() for difference in by_name.values()), "")
    columns: dict[str, Any] = {}
    for other in compared if by_name else ():
        found = by_name.get(other, {})
        name = _text(f"{metric} minus {other}")
        columns[name] = found.get("value")
        columns |= {f"{name} {key}": found.get(key) for key in ("low", "high", "p")}
    return columns


def _text(value: Any) -> Any:
    """A value that standard output can hold."""
    return printable(value) if isinstance(value, str) and not _encodable(value) else value


def _encodable(text: str) -> bool:
    try:
        text.encode(sys.stdout.encoding or "utf-8")
    except UnicodeEncodeError:
        return False
    return True


def _cell(key: str, value: Any) -> str:
    """A value with four decimals, but `lost`, which may be a mean of repetitions, without zeros at its end."""
    if value is None:
        return ""
    if key == "lost" and isinstance(value, float):
        return f"{value:.4f}".rstrip("0").rstrip(".")
    return f"{value:.4f}" if isinstance(value, float) else str(value)
