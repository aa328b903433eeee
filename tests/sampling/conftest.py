"""A small data set of image files for the tests of crops, packs and loaders."""

from __future__ import annotations

from pathlib import Path

import pytest

from dlatrack.bench.pairs import synthetic_table
from dlatrack.datasets.index.tracks import TrackTable
from dlatrack.sampling.pack.read import PackedCrops
from dlatrack.sampling.pack.write import pack


@pytest.fixture(scope="session")
def table(tmp_path_factory: pytest.TempPathFactory) -> TrackTable:
    """Three videos of five frames; some frames may not show the target."""
    return synthetic_table(tmp_path_factory.mktemp("images"), 3, 5)


@pytest.fixture(scope="session")
def packed(table: TrackTable, tmp_path_factory: pytest.TempPathFactory) -> PackedCrops:
    """The table in three shards; not to be changed."""
    folder: Path = tmp_path_factory.mktemp("packs") / "three"
    return pack(table, folder, name="three", shard_crops=4, workers=1)
