"""Result files of the OTB benchmark in MATLAB's format."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.io import savemat

from dlatrack.errors import InputError
from dlatrack.evaluation.results.matlab import read_mat

BOXES = np.array([[1.0, 2, 3, 4], [5, 6, 7, 8]])


def cell(*runs):
    array = np.empty(len(runs), object)
    array[:] = runs
    return array


def run(**changes):
    return {"res": BOXES, "type": "rect", "len": 2, "annoBegin": 1, "startFrame": 1} | changes


@pytest.mark.parametrize("runs", [1, 3], ids="{} runs".format)
def test_the_first_run_counts(tmp_path, runs):
    others = [run(res=BOXES + 100)] * (runs - 1)
    savemat(tmp_path / "a.mat", {"results": cell(run(), *others), "extra": np.ones(3)})
    assert read_mat(tmp_path / "a.mat").tolist() == BOXES.tolist()


def test_a_single_row_is_a_box(tmp_path):
    savemat(tmp_path / "a.mat", {"results": cell(run(res=BOXES[:1]))})
    assert read_mat(tmp_path / "a.mat").tolist() == [[1, 2, 3, 4]]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ({"other": 1}, r"a\.mat has no results\{1\}\.res"),
        ({"results": cell({"type": "rect"})}, r"a\.mat has no results\{1\}\.res"),
        ({"results": cell(run(type="ivtAff"))}, "regions of type 'ivtAff'; only 'rect'"),
        (
            {"results": cell(run(res=np.ones((3, 6))))},
            r"must be N x 4 and finite, below .*, got shape \(3, 6\)",
        ),
        ({"results": cell(run(res=np.array([[1, 2, 3, np.inf]])))}, "must be N x 4 and finite"),
        ({"results": cell(run(res=np.array([[1, 2, 1e300, 4]])))}, "must be N x 4 and finite, below"),
        (
            {"results": cell(run(res=np.array([[1, 2, 3, 4 + 5j]])))},
            r"res is not a matrix of numbers: .* complex128",
        ),
        (
            {"results": cell(run(res=np.array(["1_0 2 3 4"])))},
            r"results\{1\}\.res is not a matrix of numbers",
        ),
        ({"results": cell(run(res="boxes"))}, r"results\{1\}\.res is not a matrix of numbers"),
    ],
)
def test_what_is_no_result_is_named(tmp_path, content, message):
    savemat(tmp_path / "a.mat", content)
    with pytest.raises(InputError, match=message):
        read_mat(tmp_path / "a.mat")


def test_files_that_are_not_matlabs(tmp_path):
    savemat(tmp_path / "a.mat", {"results": cell(run())})
    data = (tmp_path / "a.mat").read_bytes()
    for broken in (b"", b"MATLAB", data[:150], data[: len(data) // 2]):
        (tmp_path / "a.mat").write_bytes(broken)
        with pytest.raises(InputError, match=r"cannot read .*a\.mat|has no results"):
            read_mat(tmp_path / "a.mat")
    with pytest.raises(InputError, match=r"cannot read .*none\.mat"):
        read_mat(tmp_path / "none.mat")
