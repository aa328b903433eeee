"""Result files of VOT's reset-based experiment: one text file per repetition on a sequence, one row per frame."""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from dlatrack.datasets.box_text import decode_text, split_lines, split_numbers
from dlatrack.errors import InputError, listed, shortened
from dlatrack.evaluation.vot.regions import is_box
from dlatrack.files import write_text

#: Codes of a frame: nothing was tracked because the tracker was restarted, or it was lost, or it was waiting.
INITIALISED, FAILED, SKIPPED = 1, 2, 0

#: Code of a frame in which the tracker gave a region.
REGION = -1


@dataclass(frozen=True, eq=False)
class VOTRun:
    """What a tracker answered on a sequence of T frames, restarted after each failure.

    Args:
        codes: (T,) int8, per frame `INITIALISED` (1), `FAILED` (2), `SKIPPED` (0) or `REGION` (-1).
        regions: (T, 8) float64, coordinates as in the file: corners x1, y1 ... x4, y4, or x, y, w, h and four NaN.
            All NaN in frames without a region.
    """

    codes: np.ndarray
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

    @property
    def failures(self) -> np.ndarray:
        """(F,) frames, counted from 0, in which the tracker had lost the target."""
        return np.flatnonzero(self.codes == FAILED)


def read_vot_run(path: str | Path, frames: int | None = None) -> VOTRun:
    """Read one repetition of a tracker on a sequence, ours or a peer's.

    Values may be separated by commas, semicolons, tabs or blanks. Nothing is repaired.

    Args:
        path: text file; each row is `1` (initialised), `2` (failed), `0` (skipped), x, y, w, h or x1, y1 ... x4, y4.
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
        raise InputError(f"{path} is a binary result; only text results (.txt) can be read")
    try:
        lines = split_lines(decode_text(path.read_bytes()))
    except OSError as error:
        raise InputError(f"cannot read {path}: {error.strerror or error}") from error
    except ValueError as error:
        raise InputError(f"cannot read {path} as a text file: {error}") from error
    if not lines:
        raise InputError(f"{path} is empty; it needs one row per frame")
    if frames is not None and len(lines) != frames:
        raise InputError(f"{path} has {len(lines)} rows, but the sequence has {frames} frames")
    codes = np.full(len(lines), REGION, np.int8)
    regions = np.full((len(lines), 8), np.nan)
    for index, line in enumerate(lines):
        values = _row(path, index + 1, line)
        if len(values) == 1:
            codes[index] = int(values[0])
        else:
            regions[index, : len(values)] = values
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
        path: written whole or not at all.
        run: coordinates are written as they are.

    Raises:
        InputError: if the file cannot be written.

    Source: as `read_vot_run`.
    """
    rows = []
    for code, region, box in zip(run.codes.tolist(), run.regions.tolist(), run.boxes.tolist(), strict=True):
        values = region[:4] if box else region
        rows.append(",".join(f"{value:.4f}" for value in values) if code == REGION else str(code))
    write_text(path, "".join(f"{row}\n" for row in rows))


def find_vot_runs(folder: str | Path, names: Collection[str]) -> dict[str, list[Path]]:
    """Find the result files of a tracker, `baseline/<sequence>/<sequence>_001.txt` and on.

    Files with times (`_time.txt`, `.value`) and others are left alone.

    Args:
        folder: of the tracker, its `baseline` folder, or a folder that holds one tracker alone.
        names: sequence names.

    Returns:
        All repetitions of each sequence in their order, in the order of `names`.

    Raises:
        InputError: naming the sequences without a text result, or the trackers among which to choose.
    """
    baseline = _baseline(Path(folder), names)
    runs: dict[str, list[Path]] = {}
    for name in names:
        pattern = re.compile(rf"{re.escape(name)}_([0-9]+)\.txt")
        files = [
            (match, path)
            for path in (baseline / name).glob("*.txt")
            if (match := pattern.fullmatch(path.name))
        ]
        runs[name] = [path for _, path in sorted(files, key=lambda file: int(file[0][1]))]
    missing = [name for name, paths in runs.items() if not paths]
    if missing:
        first = missing[0]
        if next((baseline / first).glob(f"{first}_*.bin"), None) is not None:
            raise InputError(f"{baseline / first} holds binary results; only text results (.txt) can be read")
        raise InputError(f"{baseline} has no result <name>/<name>_001.txt for {listed(missing)}")
    return runs


def _baseline(folder: Path, names: Collection[str]) -> Path:
    if not folder.is_dir():
        raise InputError(f"there is no results folder {folder}")
    if (folder / "baseline").is_dir():
        return folder / "baseline"
    if any((folder / name).is_dir() for name in names):
        return folder
    trackers = sorted(path.parent for path in folder.glob("*/baseline") if path.is_dir())
    if len(trackers) > 1:
        raise InputError(
            f"{folder} holds several trackers; choose one of {', '.join(path.name for path in trackers)}"
        )
    return trackers[0] / "baseline" if trackers else folder
