"""Result files of VOT's reset-based experiment: one file per repetition on a sequence, one row per frame."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from dlatrack.datasets.box_text import split_lines, split_numbers
from dlatrack.errors import InputError, listed, shortened
from dlatrack.evaluation.results.text import read_text_file
from dlatrack.evaluation.vot.binary import read_binary
from dlatrack.evaluation.vot.regions import is_box
from dlatrack.files import is_companion, write_text

#: Codes of a frame without a region: the tracker was (re)started, had lost the target, or waited for the restart.
INITIALISED, FAILED, SKIPPED = 1, 2, 0

#: Code of a frame in which the tracker gave a region.
REGION = -1


@dataclass(frozen=True, eq=False)
class VOTRun:
    """Output of a tracker on a sequence of T frames, restarted after each failure."""

    codes: np.ndarray  #: (T,) int8, per frame `INITIALISED` (1), `FAILED` (2), `SKIPPED` (0) or `REGION` (-1)
    #: (T, 8) float64, coordinates as in the file: corners x1, y1 ... x4, y4, or x, y, w, h and four NaN. All NaN in
    #: frames without a region.
    regions: np.ndarray

    def __post_init__(self) -> None:
        if self.codes.ndim != 1 or self.regions.shape != (len(self.codes), 8):
            raise InputError(
                f"a run needs codes (T,) and regions (T, 8), got {self.codes.shape} and {self.regions.shape}"
            )
        unknown = ~np.isin(self.codes, (INITIALISED, FAILED, SKIPPED, REGION))
        if unknown.any():
            raise InputError(
                f"frame {unknown.argmax()} has code {self.codes[unknown.argmax()]}; codes are 1, 2, 0 and -1"
            )
        given = np.isfinite(self.regions)
        shaped = given[:, :4].all(1) & (given[:, 4:].all(1) | is_box(self.regions))
        wrong = np.where(self.codes == REGION, ~shaped, ~np.isnan(self.regions).all(1))
        if wrong.any():
            frame = int(wrong.argmax())
            raise InputError(
                f"frame {frame} with code {self.codes[frame]} has region {self.regions[frame].tolist()}; "
                f"code -1 needs four or eight numbers, the others none"
            )

    def __len__(self) -> int:
        """T, the number of frames."""
        return len(self.codes)

    @property
    def boxes(self) -> np.ndarray:
        """(T,) bool, frames whose region is a box; regions of other frames with code -1 are polygons."""
        return (self.codes == REGION) & is_box(self.regions)


def read_vot_run(path: str | Path, frames: int | None = None) -> VOTRun:
    """Read one repetition of a tracker on a sequence.

    Values may be separated by commas, semicolons, tabs or blanks. Nothing is repaired.

    Args:
        path: text file; each row is `1` (initialised), `2` (failed), `0` (skipped), x, y, w, h or x1, y1 ... x4, y4.
            Or binary file (.bin) of the VOT toolkit, see `binary.read_binary`.
        frames: number of frames of the sequence, if known.

    Returns:
        The run, coordinates as in the file.

    Raises:
        InputError: naming file and row, if a row is none of these, is a mask, or is not finite; or both numbers of
            rows, if the file has more or fewer than the sequence.

    Source: VOT2013 to VOT2019, reset-based experiment; written so by STVIR/pysot and the VOT toolkits.
    """
    path = Path(path)
    if path.suffix == ".bin":
        return _sized(path, *read_binary(path), frames)
    lines = split_lines(read_text_file(path))
    if not lines:
        raise InputError(f"{path} is empty; it needs one row per frame")
    codes = np.full(len(lines), REGION, np.int8)
    regions = np.full((len(lines), 8), np.nan)
    for index, line in enumerate(lines):
        values = _row(path, index + 1, line)
        if len(values) == 1:
            codes[index] = int(values[0])
        else:
            regions[index, : len(values)] = values
    return _sized(path, codes, regions, frames)


def _sized(path: Path, codes: np.ndarray, regions: np.ndarray, frames: int | None) -> VOTRun:
    if frames is not None and len(codes) != frames:
        raise InputError(f"{path} has {len(codes)} rows, but the sequence has {frames} frames")
    return VOTRun(codes, regions)


def _row(path: Path, number: int, line: str) -> list[float]:
    text = line.strip()
    where = f"{path} row {number}: {shortened(text)!r}"
    if text[:1] in ("m", "M"):
        raise InputError(
            f"{where} is a mask; masks are not supported, only boxes and polygons of four corners"
        )
    try:
        values = split_numbers(text)
    except ValueError as error:
        raise InputError(f"{where} is not 1, 2, 0 or a region of 4 or 8 numbers: {error}") from None
    if len(values) == 1 and values[0] in (INITIALISED, FAILED, SKIPPED):
        return values
    if len(values) not in (4, 8):
        raise InputError(f"{where} is not 1, 2, 0 or a region of 4 or 8 numbers")
    if np.isnan(values).any():
        raise InputError(f"{where} is not a region: its numbers must be finite")
    return values


def write_vot_run(path: str | Path, run: VOTRun) -> None:
    """Write a run in the official form: codes alone, regions with four decimals and commas.

    Args:
        path: file to write, whole or not at all.
        run: codes and regions; coordinates are written as they are.

    Raises:
        InputError: if the file cannot be written.

    Source: as `read_vot_run`.
    """
    rows = []
    for code, region, box in zip(run.codes.tolist(), run.regions.tolist(), run.boxes.tolist(), strict=True):
        values = region[:4] if box else region
        rows.append(",".join(f"{value:.4f}" for value in values) if code == REGION else str(code))
    write_text(path, "".join(f"{row}\n" for row in rows))


@dataclass(frozen=True)
class VOTTrackerFiles:
    """Result files of one tracker."""

    name: str  #: name of the tracker's folder
    folder: Path  #: folder that holds a folder for each sequence, usually called `baseline`
    files: Mapping[str, list[Path]]  #: files of all repetitions in their order, by sequence
    frames: Mapping[str, int]  #: number of frames of each sequence

    def read(self, names: Collection[str]) -> dict[str, list[VOTRun]]:
        """Repetitions by sequence.

        Raises:
            InputError: naming sequences without a result, or as `read_vot_run`.
        """
        missing = [name for name in names if name not in self.files]
        if missing:
            raise InputError(
                f"{self.folder} has no result <name>/<name>_001.txt or .bin for {listed(missing)}"
            )
        return {name: [read_vot_run(path, self.frames[name]) for path in self.files[name]] for name in names}


def find_vot_trackers(folder: Path, frames: Mapping[str, int], *, label: str = "") -> list[VOTTrackerFiles]:
    """Find trackers in a folder, or the one whose folder it is.

    A tracker is a folder, or a folder with a folder `baseline`, with a file `<sequence>/<sequence>_001.txt` or
    `.bin` for at least one sequence. Where a repetition has both, the text is read, as in the VOT toolkit. Other
    files, such as times, are left alone, and so are the toolkit's folders `realtime` and `unsupervised` beside a
    `baseline`.

    Args:
        folder: folder to search, at any depth.
        frames: number of frames of each sequence of the benchmark.
        label: name of a tracker whose files lie in `folder` itself; default: that of the folder.

    Returns:
        Trackers, sorted by name, also those that lack sequences. Trackers of one name are named by their path.

    Raises:
        InputError: if there is none.
    """
    runs: dict[Path, dict[str, list[Path]]] = {}
    texts = [*folder.rglob("*_*.txt")]
    alone = [path for path in folder.rglob("*_*.bin") if not path.with_suffix(".txt").is_file()]
    for path in texts + alone:
        name = path.parent.name
        is_run = name in frames and re.fullmatch(rf"{re.escape(name)}_[0-9]+", path.stem)
        if is_run and not is_companion(path.relative_to(folder)) and not _is_other_experiment(path, folder):
            runs.setdefault(path.parent.parent, {}).setdefault(name, []).append(path)
    owners = [place.parent if place.name == "baseline" and place != folder else place for place in runs]
    names = [label or own.name if own == folder else own.name for own in owners]
    found = []
    for (place, files), own, name in zip(runs.items(), owners, names, strict=True):
        repeated = names.count(name) > 1 and own != folder
        ordered = {
            sequence: sorted(paths, key=lambda path: (int(path.stem.rpartition("_")[2]), path))
            for sequence, paths in files.items()
        }
        found.append(
            VOTTrackerFiles(own.relative_to(folder).as_posix() if repeated else name, place, ordered, frames)
        )
    if not found:
        some = next(iter(frames), "NAME")
        raise InputError(
            f"{folder} has no VOT result for any sequence, such as baseline/{some}/{some}_001.txt"
        )
    return sorted(found, key=lambda tracker: (tracker.name, tracker.folder))


def _is_other_experiment(path: Path, folder: Path) -> bool:
    """Whether a result belongs to an experiment of the VOT toolkit beside the reset-based one, `baseline`."""
    experiment = path.parent.parent
    beside = experiment.name in ("realtime", "unsupervised") and (experiment.parent / "baseline").is_dir()
    return beside and experiment != folder
