"""The commands `evaluate` and `export`: scores of result files, why they differ, and other forms of them."""

from __future__ import annotations

import csv
import json
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from rich.console import Console
from rich.table import Table

from dlatrack.errors import InputError
from dlatrack.evaluation.compare import compare_all
from dlatrack.evaluation.difference import ENOUGH, FEW, sentence
from dlatrack.evaluation.explain import Comparison, compare_protocols
from dlatrack.evaluation.ope import OPEResult
from dlatrack.evaluation.results.export import export_results
from dlatrack.evaluation.scoring import Scored, each_tracker, protocols_of, score
from dlatrack.evaluation.truth import BENCHMARKS, BenchmarkTruth, benchmark
from dlatrack.evaluation.truth_source import read_truth
from dlatrack.files import write_text

#: Notes that are printed for each tracker.
_SHOWN = 3


def evaluate_command(
    name: str,
    results: Sequence[Path],
    *,
    gt: Path | None,
    protocol: str,
    compare: bool,
    attributes: bool,
    significance: bool,
    form: str,
) -> None:
    """Score all trackers in folders and archives of result files, and print the scores.

    Args:
        name: of the benchmark.
        results: folders and archives.
        gt: where the truth is, as `read_truth`.
        protocol: one of `protocols_of` the benchmark.
        compare: score under every protocol, and name the rules that make the difference.
        attributes: add the scores of each attribute or tag.
        significance: add a sentence on each pair of trackers.
        form: "table", "json" or "csv".

    Raises:
        InputError: for what is missing or wrong; if only some trackers are, the others are printed first.
    """
    known = protocols_of(benchmark(name).name)
    if protocol not in known:
        raise InputError(f"{name} has no protocol {protocol!r}; choose from {', '.join(known)}")
    truth = read_truth(name, gt)
    scored: list[Scored] = []
    compared: dict[str, list[Comparison]] = {}
    resets = BENCHMARKS[truth.name].resets

    def use(tracker: str, rows: dict[str, Any]) -> None:
        if compare and not resets:
            compared[tracker] = compare_protocols(
                rows, truth.boxes, truth.present, benchmark=truth.name, base=protocol
            )
            scored.extend(Scored(tracker, truth.name, c.result) for c in compared[tracker] if c.result)
            return
        for each in (protocol, *(p for p in known if compare and p != protocol)):
            scored.append(score(tracker, rows, truth, each))

    failures = each_tracker(truth, results, use)
    rows = [_row(entry, truth, attributes) for entry in scored]
    if form == "json":
        print(json.dumps([row | _why(row, compared) for row in rows], indent=2, ensure_ascii=False))
    elif form == "csv":
        _print_csv(rows)
    else:
        _print_table(truth, rows)
        _print_reasons(compared)
        if significance:
            _print_significance([s for s in scored if s.result.protocol == protocol])
    _print_notes([s for s in scored if s.result.protocol == protocol])
    if failures:
        more = f" (and {len(failures) - 1} more trackers)" if len(failures) > 1 else ""
        raise InputError(f"{failures[0]}{more}")


def export_command(name: str, results: Path, out: Path, *, form: str, gt: Path | None) -> None:
    """Write the results of all trackers in a folder or archive in the form of another toolkit.

    Raises:
        InputError: for VOT, whose toolkits share one form; as `each_tracker` and `export_results`.
    """
    if BENCHMARKS[benchmark(name).name].resets:
        raise InputError(f"results of {name} have one form for all toolkits; copy them")
    truth = read_truth(name, gt)
    count: dict[str, int] = {}

    def use(tracker: str, rows: dict[str, np.ndarray]) -> None:
        count[tracker] = len(export_results(rows, out, tracker=tracker, form=form))

    failures = each_tracker(truth, [results], use)
    for tracker, files in count.items():
        print(f"{tracker}: {files} files in {out}")
    if failures:
        raise InputError(failures[0])


def score_command(truth: BenchmarkTruth, folders: Mapping[str, Path], table: Path) -> None:
    """Score fresh results, print the scores and write those of each sequence.

    Args:
        truth: of the benchmark.
        folders: of result files, by tracker.
        table: CSV file to write: AUC of every sequence by tracker and their mean, or in VOT accuracy and failures.

    Raises:
        InputError: as `each_tracker`.
    """
    scored: list[Scored] = []
    failures = each_tracker(
        truth, list(folders.values()), lambda name, rows: scored.append(score(name, rows, truth))
    )
    if failures:
        raise InputError(failures[0])
    columns: dict[str, np.ndarray] = {}
    for entry in scored:
        result = entry.result
        if isinstance(result, OPEResult):
            columns[entry.tracker] = result.sequence_auc
        else:
            columns |= {
                f"{entry.tracker} accuracy": result.sequence_accuracy,
                f"{entry.tracker} failures": result.sequence_failures,
            }
    frame = pd.DataFrame(columns, index=pd.Index(truth.sequences, name="sequence"))
    frame.loc["mean"] = frame.mean()
    write_text(table, frame.to_csv(lineterminator="\n"))
    _print_table(truth, [entry.as_dict() for entry in scored])
    print(f"scores of each sequence: {table}")


def _row(entry: Scored, truth: BenchmarkTruth, attributes: bool) -> dict[str, Any]:
    row = entry.as_dict()
    if not attributes:
        return row
    if not isinstance(entry.result, OPEResult):
        return row | {f"eao {tag}": value for tag, value in entry.result.eao_by_tag.items()}
    parts = {a: entry.result.subset(truth.with_attribute(a)) for a in truth.attributes}
    return row | {f"auc {attribute}": part.auc for attribute, part in parts.items()}


def _why(row: Mapping[str, Any], compared: Mapping[str, list[Comparison]]) -> dict[str, Any]:
    """The effects of single rules, for JSON."""
    for comparison in compared.get(row["tracker"], ()):
        if comparison.protocol == row["protocol"]:
            return {"effects": [vars(effect) for effect in comparison.effects]}
    return {}


def _print_csv(rows: Sequence[Mapping[str, Any]]) -> None:
    writer = csv.DictWriter(sys.stdout, list(rows[0]) if rows else ["tracker"], lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)


def _print_table(truth: BenchmarkTruth, rows: Sequence[Mapping[str, Any]]) -> None:
    if not rows:
        return
    columns = [key for key in rows[0] if key != "benchmark"]
    frames = sum(len(sequence.regions) for sequence in truth.sequences.values())
    table = Table(*columns, title=f"{truth.name}: {len(truth.sequences)} sequences, {frames:,} frames")
    for row in rows:
        table.add_row(*(_shown(row[key]) for key in columns))
    Console().print(table)


def _print_reasons(compared: Mapping[str, list[Comparison]]) -> None:
    """Under each tracker, what its score changes by with each rule of each other protocol."""
    for tracker, comparisons in compared.items():
        base = comparisons[0].result
        if base is None:
            continue
        table = Table(
            "protocol",
            "AUC",
            "precision",
            "rules that make the difference",
            title=f"{tracker}: against {base.protocol}",
        )
        for comparison in comparisons[1:]:
            result = comparison.result
            if result is None:
                table.add_row(comparison.protocol, "", "", f"refused: {comparison.refusal}")
                continue
            reasons = "\n".join(
                f"{e.rule} = {e.value}: AUC {e.auc:+.6f}, precision {e.precision:+.6f}"
                for e in comparison.effects
            )
            gaps = (result.auc - base.auc, result.precision_score - base.precision_score)
            table.add_row(comparison.protocol, *(f"{gap:+.6f}" for gap in gaps), reasons or "none")
        Console().print(table)


def _print_significance(scored: Sequence[Scored]) -> None:
    per_tracker = {s.tracker: s.result.sequence_auc for s in scored if isinstance(s.result, OPEResult)}
    if len(per_tracker) < 2:
        raise InputError("significance needs AUC per sequence of two trackers or more")
    lines = [sentence(difference, *pair) for pair, difference in compare_all(per_tracker).items()]
    if len(next(iter(per_tracker.values()))) < ENOUGH:
        lines.append(FEW)
    for line in lines:
        Console().print(line, highlight=False, soft_wrap=True)


def _print_notes(scored: Sequence[Scored]) -> None:
    """What was odd in the results, on standard error."""
    for entry in scored:
        notes = entry.result.notes if isinstance(entry.result, OPEResult) else ()
        for note in notes[:_SHOWN]:
            print(f"note: {entry.tracker}: {note}", file=sys.stderr)
        if len(notes) > _SHOWN:
            print(f"note: {entry.tracker}: and {len(notes) - _SHOWN} more like these", file=sys.stderr)


def _shown(value: Any) -> str:
    return "" if value is None else f"{value:.4f}" if isinstance(value, float) else str(value)
