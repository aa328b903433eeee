"""Scores of public result files beside those that they must have."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from dlatrack import paths
from dlatrack.errors import InputError
from dlatrack.evaluation.result_sets.fetch import wrong_files
from dlatrack.evaluation.result_sets.sets import ResultSet, fetched_dir
from dlatrack.evaluation.results.archives import as_given, opened
from dlatrack.evaluation.scoring import each_tracker, score_tracker
from dlatrack.evaluation.truth import BenchmarkTruth, benchmark

#: Decimals that expected scores have.
DECIMALS = 6


@dataclass(frozen=True)
class ScoreCheck:
    """A score of a tracker beside the one that it must have."""

    tracker: str  #: name of the tracker
    protocol: str  #: protocol of both scores
    metric: str  #: one of `sets.SCORE_NAMES`
    expected: float  #: the score that a public toolkit gives
    found: float | None  #: our score; None: the protocol does not define it

    @property
    def agrees(self) -> bool:
        """Whether both scores are the same in all decimals that are printed."""
        return self.found is not None and f"{self.found:.{DECIMALS}f}" == f"{self.expected:.{DECIMALS}f}"


@dataclass(frozen=True)
class CheckedSet:
    """What a check of a set has found."""

    scores: tuple[ScoreCheck, ...]  #: scores of all trackers that are there
    wrong: tuple[str, ...]  #: files TRACKER/FILE that lack, or have another hash than the recorded one
    missing: tuple[str, ...]  #: trackers with known scores that are in no place

    @property
    def agrees(self) -> bool:
        """Whether all scores and hashes are as they must be."""
        return not self.wrong and all(score.agrees for score in self.scores)


def shared_truth(name: str) -> Path | None:
    """The truth of a benchmark in the shared data, as `read_truth` takes it; None where it is absent."""
    known, shared = benchmark(name), paths.shared_data()
    file = f"{known.manifest or known.name.lower()}_gt.json.gz"
    found = None if shared is None else shared / "benchmarks" / "gt" / file
    return found if found is not None and found.is_file() else None


def result_places(wanted: ResultSet) -> list[Path]:
    """Where the files of a set are: in the folder that `fetch` puts them into, and in archives of the shared data."""
    shared = paths.shared_data()
    archives = [shared / "benchmarks" / "results" / name for name in wanted.shared] if shared else []
    return [place for place in (fetched_dir(wanted.name), *archives) if place.exists()]


def check_results(wanted: ResultSet, places: Sequence[str | Path], truth: BenchmarkTruth) -> CheckedSet:
    """Score the trackers of a set under every protocol for which their scores are known.

    Args:
        wanted: the set.
        places: folders and archives with a folder of results for each tracker, named as in the manifest, or with a
            folder of the benchmark's name that holds those; the first one with the tracker counts.
        truth: truth of the benchmark.

    Raises:
        InputError: if results cannot be read or scored.
    """
    scores: list[ScoreCheck] = []
    wrong: list[str] = []
    missing = []
    with ExitStack() as stack:
        folders = [(stack.enter_context(opened(place)), Path(place)) for place in places]
        for tracker in wanted.scored:
            here = [
                (folder / inside / tracker, folder, place)
                for folder, place in folders
                for inside in ("", truth.name)
                if (folder / inside / tracker).is_dir()
            ]
            if not here:
                missing.append(tracker)
                continue
            own, folder, place = here[0]
            wrong += [f"{tracker}/{name}" for name in wrong_files(wanted, tracker, own)]
            failures = each_tracker(truth, [own], _scorer(wanted, tracker, truth, scores))
            if failures:
                raise InputError(as_given(failures[0], folder, place))
    return CheckedSet(tuple(scores), tuple(wrong), tuple(missing))


def _scorer(
    wanted: ResultSet, tracker: str, truth: BenchmarkTruth, scores: list[ScoreCheck]
) -> Callable[[str, dict[str, Any]], None]:
    """Function that scores results under all protocols and adds to `scores`, as `each_tracker` calls it."""

    def use(name: str, rows: dict[str, Any]) -> None:
        for protocol, expected in wanted.trackers[tracker].scores.items():
            found = score_tracker(name, rows, truth, protocol).as_dict()
            for metric, value in expected.items():
                scores.append(ScoreCheck(tracker, protocol, metric, value, found.get(metric)))

    return use
