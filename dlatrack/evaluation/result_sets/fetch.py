"""Fetching public result files from code hosts: resumed after a break, and kept only with the recorded hash."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from dlatrack.datasets.download import download
from dlatrack.errors import InputError, counted, listed
from dlatrack.evaluation.result_sets.sets import HOST, ListedFile, ResultSet
from dlatrack.evaluation.results.archives import opened
from dlatrack.files import atomic_path, file_digest, owned_folder


@dataclass(frozen=True)
class Fetched:
    """What a fetch has done."""

    folder: Path  #: folder of the set, with a folder for each tracker
    files: int  #: number of listed files, all of which are there
    new: int  #: number of those that were fetched
    unknown: int  #: number of those whose SHA-256 is not known
    elsewhere: tuple[str, ...]  #: trackers of the set of which no list of files is known


def fetch_results(
    wanted: ResultSet,
    folder: str | Path,
    *,
    without_licence: bool = False,
    host: str = HOST,
    report: Callable[[int, int], None] = lambda files, received: None,
) -> Fetched:
    """Fetch the listed files of a set that are not there yet.

    Every file is whole and has its recorded SHA-256 or does not appear. What is there with the right hash stays; an
    interrupted fetch resumes. Files in an archive are found in it by their hash; the archive, whose own hash is not
    known, starts anew in a later call and is not kept.

    Args:
        wanted: the set.
        folder: folder of the set; trackers get folders in it.
        without_licence: whether files without a licence are fetched, too.
        host: address that stands before OWNER/NAME/COMMIT/PATH.
        report: function that is called with numbers of files and of bytes that have just come.

    Raises:
        InputError: if another run writes to the folder or an archive lacks a listed file, or as
            `require_fetchable` and `download`.
    """
    require_fetchable(wanted, without_licence=without_licence)
    folder = Path(folder)
    with owned_folder(folder):
        missing = {
            (tracker, file.name): file
            for tracker, files in wanted.listed.items()
            for file in files
            if not _is_there(folder / tracker / file.name, file)
        }
        total = sum(map(len, wanted.listed.values()))
        report(total - len(missing), 0)
        archives: dict[str, dict[tuple[str, str], ListedFile]] = {}
        for (tracker, name), file in missing.items():
            if wanted.trackers[tracker].in_archive:
                archives.setdefault(wanted.address(tracker, host=host), {})[tracker, name] = file
                continue
            download(
                wanted.address(tracker, name, host=host),
                folder / tracker / name,
                sha256=file.known_sha256,
                received=lambda count: report(0, count),
            )
            report(1, 0)
        for address, files_in_it in archives.items():
            _from_archive(address, files_in_it, folder, report)
    unknown = sum(not file.known_sha256 for files in wanted.listed.values() for file in files)
    elsewhere = tuple(tracker for tracker in wanted.trackers if tracker not in wanted.listed)
    return Fetched(folder, total, len(missing), unknown, elsewhere)


def require_fetchable(wanted: ResultSet, *, without_licence: bool = False) -> None:
    """Raise InputError unless files of a set are listed and have a licence, or may be fetched without one."""
    if not wanted.listed:
        raise InputError(
            f"no list of the files of the results {wanted.name} is known; get them from {wanted.page}"
        )
    if not wanted.licensed and not without_licence:
        raise InputError(
            f"no licence is stated for the results {wanted.name} ({wanted.page}), so that all rights stay with their "
            f"authors; --without-licence fetches them all the same"
        )


def wrong_files(wanted: ResultSet, tracker: str, folder: Path) -> list[str]:
    """Names of listed files of a tracker that a folder lacks, or has with another hash than the recorded one.

    Args:
        wanted: the set.
        tracker: name of the tracker.
        folder: the tracker's folder.
    """
    files = wanted.listed.get(tracker, [])
    return [file.name for file in files if file.known_sha256 and not _is_there(folder / file.name, file)]


def _is_there(path: Path, file: ListedFile) -> bool:
    return path.is_file() and (not file.known_sha256 or file_digest(path) == file.known_sha256)


def _from_archive(
    address: str,
    missing: Mapping[tuple[str, str], ListedFile],
    folder: Path,
    report: Callable[[int, int], None],
) -> None:
    """Fetch an archive and take from it the missing files, by tracker and name."""
    archive = folder / Path(urlsplit(address).path).name
    download(address, archive, received=lambda count: report(0, count))
    try:
        with opened(archive) as unpacked:
            by_hash = {file_digest(path): path for path in unpacked.rglob("*") if path.is_file()}
            lacking = ["/".join(where) for where, file in missing.items() if file.sha256 not in by_hash]
            if lacking:
                raise InputError(
                    f"{address} lacks {len(lacking)} of {counted(len(missing), 'file')} with their recorded SHA-256: "
                    f"{listed(lacking)}"
                )
            for (tracker, name), file in missing.items():
                with atomic_path(folder / tracker / name) as temporary:
                    shutil.copyfile(by_hash[file.sha256], temporary)
                report(1, 0)
    finally:
        archive.unlink(missing_ok=True)
