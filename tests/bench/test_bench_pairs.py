"""The benchmark of pairs measures what it says."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from dlatrack.bench import pairs as module
from dlatrack.recipes import recipe
from dlatrack.sampling.pack.read import PackedCrops
from dlatrack.sampling.pack.write import pack
from dlatrack.sampling.pairs import PairSource


@pytest.fixture(scope="module")
def packed(tmp_path_factory: pytest.TempPathFactory) -> PackedCrops:
    """Three videos of five frames, in three shards."""
    table = module.synthetic_table(tmp_path_factory.mktemp("images"), 3, 5)
    return pack(table, tmp_path_factory.mktemp("packs") / "three", name="three", shard_crops=4, workers=1)


def test_figures_of_a_small_index(tmp_path: Path):
    figures = module.index_figures(tmp_path, rows=20_000, tracks=100)
    assert set(figures) == {
        f"index of 0.02 million, {what}, {unit}"
        for what in ("originals", "pack")
        for unit in ("s", "MiB at most")
    }
    assert 0 < figures["index of 0.02 million, pack, MiB at most"] < 3
    assert 0 < figures["index of 0.02 million, originals, MiB at most"] < 5


def test_the_files_timed_are_those_of_the_pairs(packed, monkeypatch):
    chosen = recipe("dla_siamcar")
    source = PairSource(packed, chosen.sampling, chosen.net, 0)
    read, plain = [], type(packed).encoded
    monkeypatch.setattr(type(packed), "encoded", lambda self, index: read.append(index) or plain(self, index))
    source.pair(0, 5)
    of_pair = list(read)
    files = module._files(packed, source, 5)
    assert read[2:] == of_pair
    assert [cv2.imdecode(file, cv2.IMREAD_COLOR).shape for file in files] == [(511, 511, 3)] * 2


def test_memory_does_not_grow_with_the_pairs(packed):
    chosen = recipe("dla_siamcar")
    growth = module._growth(PairSource(packed, chosen.sampling, chosen.net, 0), 400)
    if np.isnan(growth):
        pytest.skip("this system does not tell how much memory a process holds")
    assert growth < 4
