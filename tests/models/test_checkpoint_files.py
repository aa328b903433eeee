"""Files that hold checkpoints, or something else: what is read without running code, and what is said of the rest."""

from __future__ import annotations

import re
from argparse import Namespace
from collections import defaultdict
from datetime import datetime
from pathlib import Path, PurePosixPath

import numpy as np
import pytest
import torch
from torch import nn

from dlatrack.errors import InputError
from dlatrack.models.state_files import read_state

WEIGHTS = {"conv.weight": torch.arange(6.0).reshape(2, 3) + 0.5}


@pytest.mark.parametrize(
    "number",
    [
        np.int8(1),
        np.uint64(2**63),
        np.int32(-5),
        np.bool_(True),
        np.float16(0.5),
        np.longdouble(0.5),
        np.str_("best"),
        np.float32(1),
        np.int64(7),
        np.datetime64("2020-01-01"),
        np.timedelta64(3, "s"),
        np.array(0.1),
        np.array(7, ">i2"),
        np.arange(3.0),
    ],
    ids=lambda number: type(number).__name__,
)
def test_numpy_numbers_beside_the_weights_are_read(tmp_path: Path, number: np.generic | np.ndarray) -> None:
    torch.save({"state_dict": WEIGHTS, "optimizer": {"lr": [number]}}, tmp_path / "run.pth")
    assert torch.equal(read_state(tmp_path / "run.pth")[0]["conv.weight"], WEIGHTS["conv.weight"])


@pytest.mark.parametrize("is_zip", [True, False])
@pytest.mark.parametrize(
    ("value", "name"),
    [
        (Namespace(lr=0.1), "argparse.Namespace"),
        (PurePosixPath("runs"), "pathlib.PurePosixPath"),
        (datetime(2020, 1, 1), "datetime.datetime"),
        (defaultdict(list), "collections.defaultdict"),
        (nn.Linear(1, 1), "torch.nn.modules.linear.Linear"),
        (np.array([None]), "numpy.dtypes.ObjectDType"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_python_objects_beside_the_weights_are_named(
    tmp_path: Path, value: object, name: str, is_zip: bool
) -> None:
    file = tmp_path / "run.pth"
    torch.save({"state_dict": WEIGHTS, "args": value}, file, _use_new_zipfile_serialization=is_zip)
    with pytest.raises(
        InputError, match=rf"run\.pth is not a checkpoint .* the Python object {re.escape(name)}, "
    ):
        read_state(file)


@pytest.mark.parametrize("ending", [".pth", ".safetensors"])
@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "is empty"),
        (
            b"version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 9\n",
            "is a Git LFS pointer; .* git lfs pull",
        ),
    ],
)
def test_files_without_content_are_told_from_damaged_ones(
    tmp_path: Path, ending: str, content: bytes, message: str
) -> None:
    (tmp_path / f"w{ending}").write_bytes(content)
    with pytest.raises(InputError, match=rf"w{ending} {message}$"):
        read_state(tmp_path / f"w{ending}")


@pytest.mark.parametrize(
    "content", [b"hi", b"<!DOCTYPE html><html></html>", b'{"message": "Not Found"}', b"\x1f\x8b"]
)
def test_files_of_another_kind_are_no_checkpoints(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "w.pth").write_bytes(content)
    with pytest.raises(InputError, match=r"w\.pth is no file of torch\.save$"):
        read_state(tmp_path / "w.pth")


@pytest.mark.parametrize("is_zip", [True, False])
@pytest.mark.parametrize("part", [0.02, 0.5, 0.9, 0.99])
def test_checkpoints_that_are_cut_short(tmp_path: Path, is_zip: bool, part: float) -> None:
    file = tmp_path / "w.pth"
    torch.save({"w": torch.zeros(5000)}, file, _use_new_zipfile_serialization=is_zip)
    file.write_bytes(file.read_bytes()[: int(part * file.stat().st_size)])
    with pytest.raises(
        InputError, match=r"w\.pth is not a complete PyTorch checkpoint: it is damaged, cut short or "
    ):
        read_state(file)
