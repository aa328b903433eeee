from __future__ import annotations

import numpy as np
import pytest

from dlatrack.datasets.index.columns import ArrayBuilder, TextColumn, spans

TEXTS = ["car", "", "Fußgänger", "日本"]


def test_texts_come_back() -> None:
    column = TextColumn.of(TEXTS)
    assert list(column) == TEXTS
    assert [column[index] for index in range(4)] == TEXTS
    assert (column[-1], len(column)) == ("日本", 4)
    assert len(TextColumn.of([])) == 0
    with pytest.raises(IndexError):
        column[4]


def test_take_and_find() -> None:
    column = TextColumn.of(TEXTS)
    assert list(column.take(np.array([3, 0, 0, 1]))) == ["日本", "car", "car", ""]
    assert list(column.take(np.array([], int))) == []
    assert (column.find("Fußgänger"), column.find("ar")) == (2, -1)


def test_spans_by_hand() -> None:
    elements, offsets = spans(np.array([0, 2, 2, 5]), np.array([2, 0, 1]))
    assert elements.tolist() == [2, 3, 4, 0, 1]
    assert offsets.tolist() == [0, 3, 5, 5]


def test_a_block_grows_and_keeps_its_type() -> None:
    builder = ArrayBuilder(np.float32, (2,))
    rows = np.arange(500).reshape(250, 2)
    for part in (rows[:1], rows[1:200], rows[200:]):
        builder.extend(part)
    built = builder.build()
    builder.extend(rows)
    assert len(builder) == 500
    assert built.dtype == np.float32
    np.testing.assert_array_equal(built, rows)
