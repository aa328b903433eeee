"""The commands `dlatrack evaluate` and `dlatrack export`: scores of result files, and other forms of them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from dlatrack.cli.options import AllowMissing
from dlatrack.cli.printing import print_line
from dlatrack.errors import InputError

if TYPE_CHECKING:
    import numpy as np

    from dlatrack.cli.tracker_scores import TrackerScores
    from dlatrack.evaluation.truth import BenchmarkTruth


BenchmarkName = Annotated[
    str, typer.Argument(help="OTB100, UAV123, LaSOT, GOT10K, VOT2019, VOT2018 or folder.")
]
Results = Annotated[
    list[Path], typer.Option(help="Folder or archive (.zip, .tar.xz) of result files, as often as needed.")
]
Truth = Annotated[
    Path | None,
    typer.Option(
        help="Truth: JSON file, folder of text files, or the data set; default: below DLATRACK_DATA."
    ),
]


def evaluate(
    name: BenchmarkName,
    results: Results,
    gt: Truth = None,
    protocol: Annotated[
        str | None,
        typer.Option(
            help="pysot (default), pysot_toolkit, got10k, pytracking, otb_matlab, lasot_matlab; in VOT pysot, "
            "vot_toolkit; in GOT10K got10k."
        ),
    ] = None,
    compare: Annotated[
        bool, typer.Option("--compare", help="All protocols, and the rules that make the difference.")
    ] = False,
    attributes: Annotated[bool, typer.Option("--attributes", help="Add scores by attribute or tag.")] = False,
    significance: Annotated[
        bool,
        typer.Option("--significance", help="Say of each pair of trackers whether the difference is noise."),
    ] = False,
    json: Annotated[bool, typer.Option("--json", help="Print JSON at full precision.")] = False,
    csv: Annotated[bool, typer.Option("--csv", help="Print CSV at full precision.")] = False,
    absent: Annotated[
        str | None,
        typer.Option(help="In folder, frames without the target: fail in every curve (default), or drop."),
    ] = None,
    allow_missing: AllowMissing = False,
) -> None:
    """Score result files of any tracker; no images are needed."""
    from dlatrack.cli import score_output as output
    from dlatrack.cli.tracker_scores import TrackerScores
    from dlatrack.evaluation.scoring import absent_rule, check_protocol, each_tracker, protocols_of
    from dlatrack.evaluation.significance import as_numbers, as_sentences, differences
    from dlatrack.evaluation.truth import benchmark
    from dlatrack.evaluation.truth_source import read_truth

    if json and csv:
        raise InputError("scores are printed as --json or as --csv; choose one")
    title = benchmark(name).name
    protocol = protocols_of(title)[0] if protocol is None else protocol
    check_protocol(title, protocol)
    rule = absent_rule(title, absent)
    truth = read_truth(name, gt, allow_missing=allow_missing)
    run = TrackerScores(truth, protocol, rule, compare, attributes, significance, allow_missing)
    failures = each_tracker(truth, results, run.add, allow_missing=allow_missing, note=output.print_note)
    sentences: list[str] = []
    if significance:
        try:
            metric, found = differences(run.scored, truth, run.measured)
        except InputError as error:
            failures.append(str(error))
        else:
            run.add_differences(as_numbers(metric, found))
            sentences = as_sentences(metric, found)
    _print_scores(run, sentences, json=json, csv=csv)
    output.print_truth_notes(truth, rule)
    _print_vain_options(run)
    output.print_result_notes(run.scored)
    output.refuse_all(failures)


def _print_scores(run: TrackerScores, sentences: Sequence[str], *, json: bool, csv: bool) -> None:
    """Print scores, the reasons why protocols differ, and sentences on the differences of trackers."""
    from dlatrack.cli.score_output import print_csv, print_json, print_reasons, print_scores
    from dlatrack.evaluation.truth import BENCHMARKS

    if json or csv:
        (print_json if json else print_csv)(run.rows)
        return
    # In one-pass evaluation the tables of reasons name what is refused.
    shown = [row for row in run.rows if "refused" not in row or BENCHMARKS[run.truth.name].resets]
    print_scores(run.truth, shown, run.absent)
    print_reasons(run.compared)
    for line in sentences:
        print_line(line)


def _print_vain_options(run: TrackerScores) -> None:
    """Print a note for each option that adds nothing to the scores."""
    from dlatrack.cli.score_output import print_note
    from dlatrack.evaluation.scoring import protocols_of

    columns = {key for row in run.rows for key in row}
    if run.attributes and columns and not any(key.startswith(("auc ", "eao ")) for key in columns):
        print_note(f"--attributes adds nothing: {_why_no_attributes(run.truth, run.protocol)}")
    if run.compare and len(protocols_of(run.truth.name)) == 1:
        print_note(f"--compare adds nothing: {run.truth.name} has one protocol, {run.protocol}")


def _why_no_attributes(truth: BenchmarkTruth, protocol: str) -> str:
    from dlatrack.evaluation.truth import BENCHMARKS

    if not BENCHMARKS[truth.name].resets:
        return f"the truth of {truth.name} names no attributes"
    if protocol != "pysot":
        return f"{protocol} has no scores by tag, pysot has"
    return f"the truth of {truth.name} has no tags"


def export(
    name: Annotated[str, typer.Argument(help="OTB100, UAV123, LaSOT, GOT10K or folder.")],
    results: Annotated[Path, typer.Option(help="Folder or archive of result files.")],
    out: Annotated[Path, typer.Option(help="Folder to write below.")],
    form: Annotated[
        str,
        typer.Option(
            help="pysot, got10k, got10k_server, pytracking, lasot_matlab, trackingnet or otb_matlab."
        ),
    ],
    gt: Annotated[Path | None, typer.Option(help="Truth, as in evaluate; it names the sequences.")] = None,
) -> None:
    """Write the results of all trackers in a folder in the form of another toolkit."""
    from dlatrack.cli.score_output import print_note, refuse_all
    from dlatrack.evaluation.results.export import export_results
    from dlatrack.evaluation.scoring import each_tracker
    from dlatrack.evaluation.truth import benchmark
    from dlatrack.evaluation.truth_source import read_truth

    if benchmark(name).resets:
        raise InputError(f"results of {name} have one form for all toolkits; copy them")
    truth = read_truth(name, gt)
    count: dict[str, int] = {}

    def use(tracker: str, rows: dict[str, np.ndarray]) -> None:
        if any(isinstance(found, list) for found in rows.values()):
            raise InputError(
                "it has runs from perturbed first boxes; a form of a toolkit holds one plain run"
            )
        own = tracker.replace("/", "_")  # trackers of one name are told apart by the folders in front
        count[own] = len(export_results(rows, out, tracker=own, form=form))

    failures = each_tracker(truth, [results], use, note=print_note)
    for tracker, files in count.items():
        print_line(f"{tracker}: {files} files in {out}")
    refuse_all(failures)
