"""The commands `evaluate` and `export`: scores of result files, why they differ, and other forms of them."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from dlatrack.errors import InputError
from dlatrack.evaluation.compare import Pair
from dlatrack.evaluation.difference import Estimate
from dlatrack.evaluation.explain import Comparison
from dlatrack.evaluation.ope import OPEResult
from dlatrack.evaluation.results.export import export_results
from dlatrack.evaluation.score_output import (
    ABSENT_WORDS,
    absent_count,
    print_csv,
    print_json,
    print_note,
    print_notes,
    print_reasons,
    print_scores,
    score_row,
)
from dlatrack.evaluation.scoring import (
    Scored,
    absent_rule,
    each_tracker,
    protocols_of,
    score,
)
from dlatrack.evaluation.significance import as_numbers, as_sentences, differences
from dlatrack.evaluation.tracker_scores import TrackerScores
from dlatrack.evaluation.truth import BENCHMARKS, BenchmarkTruth, benchmark
from dlatrack.evaluation.truth_source import read_truth
from dlatrack.files import write_text
from dlatrack.printing import print_line


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
    absent: str | None = None,
    allow_missing: bool = False,
) -> None:
    """Score all trackers in folders and archives of result files, and print the scores.

    Args:
        name: of the benchmark.
        results: folders and archives.
        gt: where the truth is, as `read_truth`.
        protocol: one of `protocols_of` the benchmark.
        compare: score under every protocol, and name the rules that make the difference.
        attributes: add the scores of each attribute or tag.
        significance: add what the difference of each pair of trackers amounts to.
        form: "table", "json" or "csv".
        absent: how frames without the target count in a "folder", as `absent_rule`.
        allow_missing: score the sequences that are there, and mark every score with the number of those missing.

    Raises:
        InputError: for what is missing or wrong; if only some trackers are, the others are printed first.
    """
    known = protocols_of(benchmark(name).name)
    if protocol not in known:
        raise InputError(f"{name} has no protocol {protocol!r}; choose from {', '.join(known)}")
    rule = absent_rule(benchmark(name).name, absent)
    truth = read_truth(name, gt, allow_missing=allow_missing)
    run = TrackerScores(truth, protocol, rule, compare, attributes, significance, allow_missing)
    failures = each_tracker(truth, results, run.add, allow_missing=allow_missing, note=print_note)
    wrong = list(failures)
    metric, found = "", dict[Pair, Estimate]()
    if significance:
        try:
            metric, found = differences(run.scored, truth, run.measured)
        except InputError as error:
            wrong.append(str(error))
    _print_scores_of(run, form, metric, found)
    _tell_of_the_truth(truth, rule)
    if (
        attributes
        and run.rows
        and not any(key.startswith(("auc ", "eao ")) for row in run.rows for key in row)
    ):
        print_note(f"--attributes adds nothing: {_why_no_attributes(truth, protocol)}")
    print_notes(run.scored)
    _refuse(wrong)


def _print_scores_of(run: TrackerScores, form: str, metric: str, found: Mapping[Pair, Estimate]) -> None:
    """Print scores and differences in one of the forms."""
    numbers = as_numbers(metric, found)
    rows = [row | _extra(row, run.compared, numbers, run.protocol) for row in run.rows]
    if form == "json":
        print_json(rows)
    elif form == "csv":
        print_csv(rows)
    else:
        # In one-pass evaluation the tables of reasons name what is refused.
        shown = [row for row in run.rows if "refused" not in row or BENCHMARKS[run.truth.name].resets]
        print_scores(run.truth, shown, run.absent)
        print_reasons(run.compared)
        for line in as_sentences(metric, found):
            print_line(line)


def _refuse(failures: Sequence[str]) -> None:
    """Tell of every failure in a line of its own, the last as the error of the command."""
    for failure in failures[:-1]:
        print_line(f"dlatrack: {failure}", file=sys.stderr)
    if failures:
        raise InputError(failures[-1])


def _extra(
    row: Mapping[str, Any],
    compared: Mapping[str, Sequence[Comparison]],
    numbers: Mapping[str, list[dict[str, Any]]],
    protocol: str,
) -> dict[str, Any]:
    """Effects of single rules, and differences from other trackers, for JSON and CSV."""
    extra: dict[str, Any] = {}
    comparisons = compared.get(row["tracker"], ())
    for comparison in comparisons if comparisons and comparisons[0].result is not None else ():
        if comparison.protocol == row["protocol"] and comparison.result is not None:
            extra["effects"] = [vars(effect) for effect in comparison.effects]
    if row["protocol"] == protocol and row["tracker"] in numbers:
        extra["differences"] = numbers[row["tracker"]]
    return extra


def _tell_of_the_truth(truth: BenchmarkTruth, absent: str | None) -> None:
    """Notes on what a reader of the scores must know of the truth."""
    if truth.missing:
        more = f" and {len(truth.missing) - 3} more" if len(truth.missing) > 3 else ""
        total = len(truth.sequences) + len(truth.missing)
        print_note(
            f"the truth has {len(truth.sequences)} of {total} sequences of {truth.name}; it lacks "
            f"{', '.join(truth.missing[:3])}{more}"
        )
    if absent is not None and (count := absent_count(truth)):
        frames = sum(len(sequence.regions) for sequence in truth.sequences.values())
        other = "drop leaves them out" if absent == "fail" else "fail counts them as failures"
        print_note(
            f"the target is absent in {count:,} of {frames:,} frames: {ABSENT_WORDS[absent]}; evaluate --absent "
            f"{other}"
        )


def _why_no_attributes(truth: BenchmarkTruth, protocol: str) -> str:
    if not BENCHMARKS[truth.name].resets:
        return f"the truth of {truth.name} names no attributes"
    if protocol != "pysot":
        return f"{protocol} has no scores by tag, pysot has"
    return f"the truth of {truth.name} has no tags"


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
        own = tracker.replace("/", "_")  # trackers of one name are told apart by the folders in front
        count[own] = len(export_results(rows, out, tracker=own, form=form))

    failures = each_tracker(truth, [results], use, note=print_note)
    for tracker, files in count.items():
        print_line(f"{tracker}: {files} files in {out}")
    _refuse(failures)


def score_command(
    truth: BenchmarkTruth, folders: Mapping[str, Path], table: Path, *, allow_missing: bool = False
) -> None:
    """Score fresh results, print the scores and write those of each sequence.

    Args:
        truth: of the benchmark.
        folders: of result files, by tracker.
        table: CSV file to write: AUC of every sequence by tracker and their mean, or in VOT accuracy and failures.
        allow_missing: say of every score how many sequences of the benchmark are missing, also if none is.

    Raises:
        InputError: as `each_tracker`.
    """
    scored: list[Scored] = []
    failures = each_tracker(
        truth, list(folders.values()), lambda name, rows: scored.append(score(name, rows, truth))
    )
    _refuse(failures)
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
    absent = absent_rule(truth.name)
    missing = len(truth.missing) if allow_missing or truth.missing else None
    frame.loc[f"mean, {missing} sequences missing" if missing else "mean"] = frame.mean()
    write_text(table, frame.to_csv(lineterminator="\n"))
    rows = [score_row(entry, truth, attributes=False, missing=missing, absent=absent) for entry in scored]
    print_scores(truth, rows, absent)
    _tell_of_the_truth(truth, absent)
    print_line(f"scores of each sequence: {table}")
