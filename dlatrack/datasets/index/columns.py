"""Columns of a table that grow without a Python object per row."""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import pairwise

import numpy as np


@dataclass(frozen=True, eq=False)
class TextColumn:
    """T texts, one after the other.

    Args:
        data: (M,) uint8, their UTF-8 bytes.
        offsets: (T + 1,) int64, where each begins in `data`.
    """

    data: np.ndarray
    offsets: np.ndarray

    @classmethod
    def of(cls, texts: Iterable[str]) -> TextColumn:
        """Pack texts."""
        column = TextBuilder()
        for text in texts:
            column.append(text)
        return column.build()

    def __len__(self) -> int:
        return len(self.offsets) - 1

    def __getitem__(self, index: int) -> str:
        """Text `index`; negative indices count from the end."""
        index = range(len(self))[index]
        return self.data[self.offsets[index] : self.offsets[index + 1]].tobytes().decode()

    def __iter__(self) -> Iterator[str]:
        data, ends = self.data.tobytes(), self.offsets.tolist()
        return (data[a:b].decode() for a, b in pairwise(ends))

    def take(self, indices: np.ndarray) -> TextColumn:
        """The texts at (K,) int `indices`, in that order."""
        bytes_, offsets = spans(self.offsets, indices)
        return TextColumn(self.data[bytes_], offsets)

    def find(self, text: str) -> int:
        """Index of the first entry that equals `text`; -1 if there is none."""
        return next((index for index, entry in enumerate(self) if entry == text), -1)


def spans(offsets: np.ndarray, indices: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Elements of chosen spans of a packed column.

    Args:
        offsets: (T + 1,) int64, where each span begins.
        indices: (K,) int, the spans to choose.

    Returns:
        (M,) int64 positions of their elements, span after span, and (K + 1,) int64 offsets of the chosen spans.
    """
    lengths = np.diff(offsets)[indices]
    chosen = np.concatenate([[0], np.cumsum(lengths)])
    shift = np.repeat(offsets[:-1][indices] - chosen[:-1], lengths)
    return np.arange(chosen[-1]) + shift, chosen


class TextBuilder:
    """Collects a `TextColumn`."""

    def __init__(self) -> None:
        self._data = bytearray()
        self._offsets = array("q", [0])

    def append(self, text: str) -> None:
        """Add one text."""
        self._data += text.encode()
        self._offsets.append(len(self._data))

    def build(self) -> TextColumn:
        """The texts so far."""
        return TextColumn(np.frombuffer(bytes(self._data), np.uint8), np.array(self._offsets, np.int64))


class ArrayBuilder:
    """Collects the rows of an array in one block that doubles when it is full.

    Args:
        dtype: of the values.
        shape: of one row; () for plain values.
    """

    def __init__(self, dtype: np.typing.DTypeLike, shape: tuple[int, ...] = ()) -> None:
        self._block = np.empty((64, *shape), dtype)
        self._count = 0

    def __len__(self) -> int:
        return self._count

    def extend(self, rows: np.ndarray) -> None:
        """Add R rows, an array of `(R, *shape)`."""
        needed = self._count + len(rows)
        if needed > len(self._block):
            block = np.empty((max(needed, 2 * len(self._block)), *self._block.shape[1:]), self._block.dtype)
            block[: self._count] = self._block[: self._count]
            self._block = block
        self._block[self._count : needed] = rows
        self._count = needed

    def build(self) -> np.ndarray:
        """A copy of the rows so far."""
        return self._block[: self._count].copy()
