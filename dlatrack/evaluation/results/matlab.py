"""Result files of the MATLAB benchmark of OTB: `<sequence>_<tracker>.mat` with the boxes in `results{1}.res`."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
from scipy.io import loadmat

from dlatrack.datasets.box_text import MOST_OF_RESULT
from dlatrack.errors import InputError
from dlatrack.evaluation.results.mat_layout import check_layout
from dlatrack.files import read_bytes
from dlatrack.memory import check_memory


def read_mat(path: str | Path) -> np.ndarray:
    """Read the boxes of the first run of a .mat file.

    Args:
        path: file with a cell array `results`, or one structure, whose fields are `res` (N x 4) and `type` "rect".

    Returns:
        (N, 4) float64 xywh, coordinates as in the file.

    Raises:
        InputError: naming the file, if it cannot be read, or holds no boxes x, y, w, h.
    """
    data = read_bytes(path)
    try:  # SciPy's reader raises errors of any kind for damaged files
        check_layout(data, "results")
        content = loadmat(io.BytesIO(data), variable_names=["results"], simplify_cells=True)
    except Exception as error:
        check_memory(error, f"reading {path}")
        reason = " ".join(str(error).split()) or type(error).__name__
        raise InputError(f"cannot read {path} as a MATLAB file: {reason}") from error
    run = content.get("results")
    if isinstance(run, list | np.ndarray) and len(
        run
    ):  # a cell array; a single cell is read as the structure itself
        run = run[0]
    if not isinstance(run, dict) or "res" not in run:
        raise InputError(f"{path} has no results{{1}}.res; it is no result file of the OTB benchmark")
    kind = str(run.get("type", "rect"))
    if kind != "rect":
        raise InputError(f"{path} holds regions of type {kind!r}; only 'rect' (x, y, w, h) can be scored")
    matrix = np.asarray(run["res"])
    if matrix.dtype.kind not in "iuf":  # texts, complex numbers and logicals would become numbers, too
        raise InputError(f"{path}: results{{1}}.res is not a matrix of numbers: it holds {matrix.dtype}")
    boxes = np.atleast_2d(matrix.astype(np.float64))
    if boxes.ndim != 2 or boxes.shape[1] != 4 or (np.abs(boxes) >= MOST_OF_RESULT).any():
        raise InputError(
            f"{path}: results{{1}}.res must be N x 4 and finite, below {MOST_OF_RESULT:g}, got shape {boxes.shape}"
        )
    return boxes
