"""Sets of public result files: `data_manifests/results_NAME.toml`, checked and typed.

A manifest has the fields of `ResultSet` but `name` and `listed`, with a table `trackers.NAME` for each tracker. The
list that `files` names has a row `SHA-256  TRACKER/FILE` per result file, in the form of the program sha256sum;
`unknown` stands for a hash that was not measured. `TRACKER/FILE` is where the file lies after `fetch`; in the
repository it is `path/FILE`, or a file with that hash in the archive `path`.
"""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path, PurePosixPath
from typing import Any
from urllib.parse import quote

import msgspec

from dlatrack import paths
from dlatrack.datasets.layout import is_plain_name
from dlatrack.datasets.manifests import RESULTS, manifests_dir
from dlatrack.errors import InputError, shortened
from dlatrack.evaluation.results.text import read_text_file
from dlatrack.evaluation.scoring import check_protocol
from dlatrack.evaluation.truth import benchmark
from dlatrack.structured.toml_files import read_toml
from dlatrack.structured.typed import as_type

#: What a manifest says of a licence that the authors do not state, and of a hash that was not measured.
NO_LICENCE, UNKNOWN_HASH = "none stated", "unknown"

#: Where the files of a repository on GitHub are served one by one.
HOST = "https://raw.githubusercontent.com"

#: Scores that a manifest may expect, as `Scored.as_dict` calls them.
SCORE_NAMES = (
    *("auc", "precision", "norm_precision", "success_rate"),
    *("accuracy", "robustness", "lost", "eao"),
)

_ARCHIVE = ".zip"


class ListedFile(msgspec.Struct, frozen=True):
    """A result file of a tracker."""

    name: str  #: path below the folder of the tracker, e.g. "Basketball.txt"
    sha256: str  #: SHA-256 in hexadecimal, or `UNKNOWN_HASH`

    @property
    def known_sha256(self) -> str:
        """The SHA-256; "" where it was not measured."""
        return "" if self.sha256 == UNKNOWN_HASH else self.sha256


class TrackerSource(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Where the result files of one tracker are, and the scores that they must have."""

    path: str = ""  #: folder or archive (.zip) in the repository; "": see the page of the set
    commit: str = ""  #: commit or branch of the repository that has the files
    #: expected scores by protocol and metric, a name of `SCORE_NAMES`; six decimals, as the public toolkits answered
    scores: dict[str, dict[str, float]] = {}

    @property
    def in_archive(self) -> bool:
        """Whether the files are in an archive."""
        return self.path.lower().endswith(_ARCHIVE)


class ResultSet(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Result files of some trackers from one source."""

    name: str  #: name of the set, e.g. "otb100_soarkey"
    title: str  #: what it is, in one line
    benchmarks: list[str]  #: benchmarks that the files are of; exactly one where there is a list or a score
    page: str  #: address of the page for people
    licence: str  #: licence of the files, or `NO_LICENCE`
    format: str  #: form of the files, in words
    trackers: dict[str, TrackerSource] = {}  #: trackers by name; none where the page lists them
    repository: str = ""  #: OWNER/NAME on GitHub; "": the files are on no code host
    files: str = ""  #: file beside the manifest that lists the result files; "": no list is known
    shared: list[str] = []  #: archives with these files in `benchmarks/results` of the shared data
    notes: list[str] = []  #: sentences on what is odd or not known
    listed: dict[str, list[ListedFile]] = {}  #: files by tracker

    @property
    def licensed(self) -> bool:
        """Whether the authors state a licence."""
        return self.licence != NO_LICENCE

    @property
    def scored(self) -> list[str]:
        """Trackers whose scores are known."""
        return [name for name, tracker in self.trackers.items() if tracker.scores]

    def address(self, tracker: str, file: str = "", *, host: str = HOST) -> str:
        """Address of a file of a tracker, or without `file` of the tracker's archive."""
        source = self.trackers[tracker]
        inside = "/".join(part for part in (source.path, file) if part)
        return f"{host.rstrip('/')}/{self.repository}/{source.commit}/{quote(inside)}"

    def origin(self, tracker: str) -> str:
        """Where the results of a tracker are from, for records, e.g. "OWNER/NAME:OTB100/ATOM at 0bf44cb"."""
        source = self.trackers[tracker]
        if not source.path:
            return self.page
        return f"{self.repository}:{source.path} at {source.commit[:7]}"


def result_set_names() -> tuple[str, ...]:
    """All sets of result files that have a manifest, sorted."""
    files = manifests_dir().glob(f"{RESULTS}*.toml")
    return tuple(sorted(file.stem.removeprefix(RESULTS) for file in files))


@cache
def result_set(name: str) -> ResultSet:
    """The manifest of a set of result files.

    Raises:
        InputError: for an unknown name, naming the known ones; or as `read_result_set`.
    """
    if name not in result_set_names():
        raise InputError(f"there are no results {name!r}; choose from {', '.join(result_set_names())}")
    return read_result_set(manifests_dir() / f"{RESULTS}{name}.toml")


def sets_of(benchmark_name: str) -> list[ResultSet]:
    """The sets with result files of one benchmark that are listed or scored."""
    found = map(result_set, result_set_names())
    return [each for each in found if each.benchmarks == [benchmark_name] and (each.listed or each.scored)]


def fetched_dir(name: str) -> Path:
    """Folder that `fetch` puts a set into unless it is told another: `result_sets/NAME` in the cache folder."""
    return paths.cache_dir() / "result_sets" / name


def read_result_set(file: Path) -> ResultSet:
    """Read a manifest and the list beside it.

    Raises:
        InputError: naming file and field, if something is missing, unknown or of the wrong kind; or naming the row of
            the list.
    """
    table = read_toml(file, dict[str, Any], "cannot be read as TOML")
    listed = table.get("files")
    rows = _read_list(file.parent / listed) if isinstance(listed, str) and is_plain_name(listed) else {}
    found = as_type({**table, "name": file.stem.removeprefix(RESULTS), "listed": rows}, ResultSet, str(file))
    try:
        names = [benchmark(each).name for each in found.benchmarks]
    except InputError as error:
        raise InputError(f"{file}: {error}") from None
    if names != found.benchmarks:
        raise InputError(f"{file}: benchmarks are {', '.join(names)}, not {', '.join(found.benchmarks)}")
    if (found.listed or found.scored) and len(names) != 1:
        raise InputError(
            f"{file}: files and scores need exactly one benchmark, not {', '.join(names) or 'none'}"
        )
    for name, tracker in found.trackers.items():
        if not is_plain_name(name):
            raise InputError(f"{file}: tracker {name!r} must be the name of a folder")
        if bool(tracker.path) != bool(tracker.commit and found.repository):
            raise InputError(f"{file}: tracker {name} needs path, commit and the repository, or none of them")
        _check_scores(f"{file}: tracker {name}", names, tracker)
    for name, files in found.listed.items():
        if name not in found.trackers or not found.trackers[name].path:
            raise InputError(f"{file.parent / found.files}: {name} is no tracker with a path in {file.name}")
        if found.trackers[name].in_archive and not all(each.known_sha256 for each in files):
            raise InputError(f"{file.parent / found.files}: files of {name} are found by their SHA-256 alone")
    return found


def _check_scores(where: str, benchmarks: list[str], tracker: TrackerSource) -> None:
    for protocol, scores in tracker.scores.items():
        try:
            check_protocol(benchmarks[0], protocol)
        except InputError as error:
            raise InputError(f"{where}: {error}") from None
        if unknown := scores.keys() - set(SCORE_NAMES):
            raise InputError(f"{where} has the score {min(unknown)}; scores are {', '.join(SCORE_NAMES)}")


def _read_list(path: Path) -> dict[str, list[dict[str, str]]]:
    """The rows of a list by tracker."""
    listed: dict[str, list[dict[str, str]]] = {}
    for number, line in enumerate(read_text_file(path).splitlines(), 1):
        match = re.fullmatch(rf"([0-9a-f]{{64}}|{UNKNOWN_HASH})  (.+)", line)
        parts = PurePosixPath(match[2]).parts if match else ()
        if not match or len(parts) < 2 or not all(map(is_plain_name, parts)):
            raise InputError(
                f"{path} row {number}: {shortened(repr(line))} is not a SHA-256 (or {UNKNOWN_HASH}), two blanks and "
                "TRACKER/FILE"
            )
        listed.setdefault(parts[0], []).append({"name": "/".join(parts[1:]), "sha256": match[1]})
    return listed
