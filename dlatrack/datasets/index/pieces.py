"""Tables put together, and tracks cut apart at their gaps."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from dlatrack.datasets.index.columns import TextColumn
from dlatrack.datasets.index.image_list import distinct
from dlatrack.datasets.index.tracks import TEXTS, TrackTable


def concatenate(tables: Sequence[TrackTable]) -> TrackTable:
    """Several tables of one data set, e.g. its splits, as one; columns that only some have are refused.

    Raises:
        ValueError: if there is none, or roots or optional columns differ.
    """
    if not tables:
        raise ValueError("there is no table to concatenate")
    first = tables[0]
    if any(
        table.root != first.root or table.optional().keys() != first.optional().keys() for table in tables
    ):
        raise ValueError("tables need the same root and the same optional columns to become one")
    rows = np.cumsum([0, *(len(table) for table in tables)])
    starts = [table.starts[:-1] + row for table, row in zip(tables, rows, strict=False)]
    listed = [table.on_disk for table in tables if table.on_disk is not None]
    polygons = [table.polygons for table in tables if table.polygons is not None]
    texts: dict[str, Any] = {name: _joined([getattr(table, name) for table in tables]) for name in TEXTS}
    return replace(
        first,
        **texts,
        fps=np.concatenate([table.fps for table in tables]),
        starts=np.concatenate([*starts, rows[-1:]]),
        numbers=np.concatenate([table.numbers for table in tables]),
        boxes_xywh=np.concatenate([table.boxes_xywh for table in tables]),
        visible=np.concatenate([table.visible for table in tables]),
        polygons=np.concatenate(polygons) if polygons else None,
        extras={name: np.concatenate([table.extras[name] for table in tables]) for name in first.extras},
        on_disk=distinct(listed)[0] if listed else None,
        notes=tuple(note for table in tables for note in table.notes),
    )


def split_at_gaps(table: TrackTable) -> TrackTable:
    """Cut each track wherever its numbers skip one; the pieces of an interrupted track are NAME~1, NAME~2 and so on.

    Source: pysot prepares ImageNet VID in unbroken pieces, but by a slip keeps only the last piece of each track.
    """
    track = table.track_of_row
    first = np.ones(len(table), bool)
    first[1:] = (np.diff(table.numbers) != 1) | (np.diff(track) != 0)
    starts = np.flatnonzero(first)
    whole = track[starts]  # (P,) the track of each piece
    number = np.arange(len(starts)) - np.searchsorted(whole, whole) + 1
    pieces = np.bincount(whole, minlength=table.track_count)[whole]
    texts: dict[str, Any] = {name: getattr(table, name).take(whole) for name in TEXTS}
    labels = zip(texts["names"], number.tolist(), pieces.tolist(), strict=True)
    texts["names"] = TextColumn.of(f"{name}~{n}" if count > 1 else name for name, n, count in labels)
    return replace(table, **texts, fps=table.fps[whole], starts=np.concatenate([starts, [len(table)]]))


def _joined(columns: Sequence[TextColumn]) -> TextColumn:
    ends = np.cumsum([0, *(len(column.data) for column in columns)])
    offsets = [column.offsets[:-1] + end for column, end in zip(columns, ends, strict=False)]
    return TextColumn(np.concatenate([c.data for c in columns]), np.concatenate([*offsets, ends[-1:]]))
