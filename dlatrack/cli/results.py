"""The commands `dlatrack results ...`: public result files of trackers, where they are and what they score."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from dlatrack.cli.printing import print_line, print_table
from dlatrack.errors import InputError, counted

if TYPE_CHECKING:
    from dlatrack.evaluation.result_sets.check import CheckedSet
    from dlatrack.evaluation.result_sets.sets import ResultSet

#: Files with another hash that are printed.
_SHOWN = 5

results_app = typer.Typer(
    help="Public result files of trackers: where they are, fetching them, the scores that they must have.",
    no_args_is_help=True,
)

_HELP = "Names of `dlatrack results list`."


@results_app.command("list")
def results_list() -> None:
    """Say which public sets of result files are known, of which trackers, under which licence, and which are here."""
    from dlatrack.evaluation.result_sets.check import result_places
    from dlatrack.evaluation.result_sets.sets import fetched_dir, result_set, result_set_names

    rows = []
    for name in result_set_names():
        known = result_set(name)
        here = tuple(str(place) for place in result_places(known))
        where = here or (f"not here; fetch writes {fetched_dir(name)}" if known.listed else "not here",)
        rows.append(
            (
                name,
                ", ".join(known.benchmarks) or "not known",
                _trackers(known),
                known.licence,
                known.page,
                where,
            )
        )
    print_table(("name", "benchmark", "trackers", "licence", "source", "found"), rows)


@results_app.command("check")
def results_check(
    names: Annotated[list[str] | None, typer.Argument(help=f"{_HELP} Default: all that are here.")] = None,
    results: Annotated[
        list[Path] | None,
        typer.Option(
            help="Folder or archive with a folder for each tracker; default: where fetch writes, and the shared data."
        ),
    ] = None,
    gt: Annotated[
        Path | None,
        typer.Option(help="Truth of the benchmark; default: in the shared data, or below DLATRACK_DATA."),
    ] = None,
) -> None:
    """Score result files and compare every score with the one that a public toolkit gives; 1 if any differs."""
    from dlatrack.evaluation.result_sets.check import check_results, result_places, shared_truth
    from dlatrack.evaluation.result_sets.sets import result_set, result_set_names
    from dlatrack.evaluation.truth_source import read_truth

    if (results or gt) and len(names or ()) != 1:
        raise InputError("--results and --gt are those of one set; name it")
    wanted = [result_set(name) for name in dict.fromkeys(names or result_set_names())]
    agree, checked = True, 0
    for known in wanted:
        places = results or result_places(known)
        if not known.scored or not places:
            if names:
                raise InputError(_why_not(known))
            continue
        benchmark = known.benchmarks[0]
        truth = read_truth(benchmark, gt or shared_truth(benchmark))
        found = check_results(known, places, truth)
        if results and len(found.missing) == len(known.scored):
            raise InputError(
                f"{', '.join(map(str, places))} has no folder of a tracker of {known.name}: {', '.join(known.scored)}"
            )
        _print_check(known, found)
        agree &= found.agrees
        checked += len(found.scores)
    if not checked:
        raise InputError(
            "no result files are here; `dlatrack results list` says which there are, and fetch gets them"
        )
    print_line(f"{counted(checked, 'score')}: {'all agree' if agree else 'some differ'}")
    if not agree:
        raise typer.Exit(1)


@results_app.command("fetch")
def results_fetch(
    names: Annotated[list[str], typer.Argument(help=_HELP)],
    out: Annotated[
        Path | None,
        typer.Option(
            help="Folder to write below, into one of each set's name; default: in the cache folder."
        ),
    ] = None,
    without_licence: Annotated[
        bool, typer.Option("--without-licence", help="Fetch files for which no licence is stated, too.")
    ] = False,
    mirror: Annotated[
        str | None,
        typer.Option(help="Address to fetch from in place of https://raw.githubusercontent.com."),
    ] = None,
) -> None:
    """Fetch result files from where they are public; an interrupted fetch resumes, and a wrong hash is refused."""
    from dlatrack.evaluation.result_sets.fetch import fetch_results, require_fetchable
    from dlatrack.evaluation.result_sets.sets import HOST, fetched_dir, result_set
    from dlatrack.progress import Progress

    if mirror is not None and not re.match("https?://", mirror):
        raise InputError(f"--mirror needs an address that begins with https:// or http://, got {mirror!r}")
    sets = [result_set(name) for name in dict.fromkeys(names)]
    for wanted in sets:
        require_fetchable(wanted, without_licence=without_licence)
    for wanted in sets:
        total, megabytes = sum(map(len, wanted.listed.values())), 0.0
        with Progress(total, f"fetching {wanted.name}", unit="files") as progress:

            def report(files: int, received: int, progress: Progress = progress) -> None:
                nonlocal megabytes
                megabytes += received / 1e6
                progress.step(files, MB=megabytes)

            fetched = fetch_results(
                wanted,
                fetched_dir(wanted.name) if out is None else out / wanted.name,
                without_licence=without_licence,
                host=mirror or HOST,
                report=report,
            )
        print_line(
            f"{wanted.name}: {counted(fetched.files, 'file')} in {fetched.folder}, {fetched.new} of them new"
        )
        if fetched.unknown:
            print_line(f"the SHA-256 of {fetched.unknown} of them is not known: look at the scores")
        if fetched.elsewhere:
            print_line(
                f"not fetched, as their files are not known: {', '.join(fetched.elsewhere)}; {wanted.page}"
            )


def _trackers(known: ResultSet) -> str:
    """The trackers of a set, those with known scores first."""
    scored = known.scored
    others = [name for name in known.trackers if name not in scored]
    text = "; without scores: ".join(filter(None, (", ".join(scored), ", ".join(others))))
    return text if scored or not others else f"without scores: {text}"


def _why_not(known: ResultSet) -> str:
    if not known.scored:
        return f"no scores of the results {known.name} are known; see {known.page}"
    licence = "" if known.licensed else " --without-licence"
    return (
        f"the results {known.name} are not here; get them by dlatrack results fetch {known.name}{licence}, or "
        "name their folder with --results"
    )


def _print_check(known: ResultSet, found: CheckedSet) -> None:
    from dlatrack.evaluation.result_sets.check import DECIMALS

    def shown(metric: str, value: float | None) -> str:
        if value is None:
            return "none"
        return f"{value:g}" if metric == "lost" else f"{value:.{DECIMALS}f}"

    rows = [
        (
            score.tracker,
            score.protocol,
            score.metric,
            shown(score.metric, score.expected),
            shown(score.metric, score.found),
            "agrees" if score.agrees else "differs",
        )
        for score in found.scores
    ]
    if rows:
        columns = ("tracker", "protocol", "score", "expected", "found", "")
        print_table(columns, rows, title=f"{known.name}: {known.title}", keys=3)
    for name in found.missing:
        print_line(f"note: {known.name}: {name} is not here")
    for name in found.wrong[:_SHOWN]:
        print_line(f"fault: {known.name}: {name} has another SHA-256 than the recorded one, or is missing")
    if len(found.wrong) > _SHOWN:
        print_line(f"fault: {known.name}: and {len(found.wrong) - _SHOWN} files more")
