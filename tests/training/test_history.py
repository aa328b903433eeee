"""A history comes back from its file as it was."""

from __future__ import annotations

import math
import tempfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dlatrack.errors import InputError
from dlatrack.training.history import StepRow, read_history, write_history


def step(number: int, value: float) -> StepRow:
    floats = dict.fromkeys(
        ("lr", "loss", "loss_classification", "loss_regression", "loss_centerness", "gradient_norm"), value
    )
    floats |= dict.fromkeys(("positives", "negatives", "quality", "pairs_per_second"), value / 3)
    counts = dict.fromkeys(("clipped", "skipped", "empty", "tied", "rescued"), 2)
    return StepRow(epoch=0, step=number, **floats, **counts)


@given(st.lists(st.floats(allow_nan=False), min_size=1, max_size=5))
def test_the_same_bits_come_back(values):
    steps = [step(number, value) for number, value in enumerate(values)]
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "history.csv"
        write_history(path, steps)
        assert read_history(path, len(steps)) == steps
        assert read_history(path, 1) == steps[:1]


def test_a_skipped_step_has_a_norm_that_is_no_number(tmp_path):
    path = tmp_path / "history.csv"
    write_history(path, [step(0, float("nan"))])
    (read,) = read_history(path, 1)
    assert math.isnan(read.gradient_norm)
    assert read.skipped == 2


def test_a_history_from_before_float16_has_skipped_nothing(tmp_path):
    path = tmp_path / "history.csv"
    write_history(path, [step(0, 0.5)])
    rows = [line.split(",") for line in path.read_text().splitlines()]
    place = rows[0].index("skipped")
    path.write_text("".join(",".join(row[:place] + row[place + 1 :]) + "\n" for row in rows))
    assert read_history(path, 1)[0].skipped == 0


@pytest.mark.parametrize(("positives", "quality"), [(0.0, 0), (2.5, 1)])
def test_a_history_from_before_soft_labels_had_hard_ones(tmp_path, positives, quality):
    path = tmp_path / "history.csv"
    write_history(path, [step(0, 0.5)._replace(positives=positives)])
    rows = [line.split(",") for line in path.read_text().splitlines()]
    place = rows[0].index("quality")
    path.write_text("".join(",".join(row[:place] + row[place + 1 :]) + "\n" for row in rows))
    assert read_history(path, 1)[0].quality == quality


def test_a_history_that_is_too_short_is_named(tmp_path):
    write_history(tmp_path / "history.csv", [step(0, 0.1)])
    with pytest.raises(InputError, match=r"history\.csv holds 1 of the 3 steps that its checkpoint has done"):
        read_history(tmp_path / "history.csv", 3)


@pytest.mark.parametrize("text", ["step,loss\n0,1\n", ",".join(StepRow._fields) + "\n" + "one," * 16 + "\n"])
def test_another_file_is_refused(tmp_path, text):
    (tmp_path / "history.csv").write_text(text)
    with pytest.raises(InputError, match=r"history\.csv is not a training history"):
        read_history(tmp_path / "history.csv", 1)
