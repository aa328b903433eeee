"""Results in the forms of other toolkits, which can then score, compare or submit them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from scipy.io import savemat

from dlatrack.errors import InputError
from dlatrack.files import atomic_path, write_text


@dataclass(frozen=True)
class Form:
    """Form in which a toolkit stores one-pass results."""

    file: str  #: name of the file of a sequence, with `{sequence}` and `{tracker}`
    row: Callable[[list[float]], str]  #: function that formats one box x, y, w, h


def _joined(separator: str, number: str) -> Callable[[list[float]], str]:
    return lambda box: separator.join(format(value, number) for value in box)


#: Forms by name. pytracking keeps whole numbers, cut off; TrackingNet's server wants the files in one zip.
FORMS: Mapping[str, Form] = {
    "pysot": Form("{tracker}/{sequence}.txt", lambda box: ",".join(map(repr, box))),
    "got10k": Form("{tracker}/{sequence}.txt", _joined(",", ".3f")),
    "got10k_server": Form("{tracker}/{sequence}/{sequence}_001.txt", _joined(",", ".3f")),
    "pytracking": Form("{tracker}/{sequence}.txt", lambda box: "\t".join(str(int(value)) for value in box)),
    "lasot_matlab": Form("{tracker}_tracking_result/{sequence}.txt", _joined(",", ".4f")),
    "trackingnet": Form("{tracker}/{sequence}.txt", _joined(",", ".2f")),
    "otb_matlab": Form("{sequence}_{tracker}.mat", _joined(",", "")),
}


def export_results(
    rows: Mapping[str, np.ndarray], folder: str | Path, *, tracker: str, form: str
) -> list[Path]:
    """Write the results of a tracker in the form of a toolkit; every file whole or not at all.

    Args:
        rows: (T, 4) xywh by sequence, in the coordinates of the benchmark's own files.
        folder: folder to write to, created when absent.
        tracker: name of the tracker, for names of folders or files.
        form: a name of `FORMS`.

    Returns:
        Paths of the files, in the order of `rows`.

    Raises:
        InputError: for an unknown form, a value that it cannot store (pytracking: NaN), or a file that cannot be
            written.
    """
    if form not in FORMS:
        raise InputError(f"there is no form {form!r}; choose from {', '.join(FORMS)}")
    chosen, paths = FORMS[form], []
    for sequence, boxes in rows.items():
        path = Path(folder) / chosen.file.format(sequence=sequence, tracker=tracker)
        if form == "otb_matlab":
            _write_mat(path, boxes)
        else:
            if form == "pytracking" and not np.isfinite(boxes).all():
                raise InputError(
                    f"sequence {sequence} has a box with NaN; pytracking keeps whole numbers only"
                )
            write_text(path, "".join(f"{chosen.row(box)}\n" for box in boxes.tolist()))
        paths.append(path)
    return paths


def _write_mat(path: Path, boxes: np.ndarray) -> None:
    cell = np.empty(1, object)
    cell[0] = {"res": boxes, "type": "rect", "len": len(boxes), "annoBegin": 1, "startFrame": 1}
    with atomic_path(path) as temporary:
        savemat(temporary, {"results": cell}, appendmat=False)
