"""Benchmarks that lack sequences: refused with the count, or taken as they are."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from dlatrack.datasets.registry import read, read_benchmark
from dlatrack.errors import InputError
from dlatrack.evaluation.truth_source import read_truth
from dlatrack.tracking.benchmark import DataSetSource

Miniature = Callable[[str], Path]

#: Benchmarks, and the folder of a sequence of the miniature's table.
BENCHMARKS = {"otb100": "OTB100", "uav123": "UAV123", "lasot_test": "LaSOT", "vot2019": "VOT2019"}


def without_first(name: str, root: Path) -> tuple[str, int]:
    """Delete the folder of a sequence that shares it with no other; its name, and how many there were."""
    table = read(name, root, "test")
    folders = [table.path(int(start)).parent for start in table.starts[:-1]]
    place = next(i for i, folder in enumerate(folders) if folders.count(folder) == 1)
    folder = folders[place]
    while folder.name in ("img", "color"):
        folder = folder.parent
    shutil.rmtree(folder)
    return table.names[place], len(table.names)


@pytest.mark.parametrize("name", list(BENCHMARKS))
def test_a_benchmark_that_lacks_a_sequence(miniature: Miniature, name: str) -> None:
    root = miniature(name)
    lost, count = without_first(name, root)
    message = f"holds {count - 1} of {count} sequences: --allow-missing of evaluate and benchmark takes those"
    with pytest.raises(InputError, match=message):
        read_benchmark(name, root)
    with pytest.raises(InputError, match=message):
        DataSetSource(name, root).open()
    with pytest.raises(InputError, match=message):
        read_truth(BENCHMARKS[name], root)
    table = read_benchmark(name, root, allow_missing=True)
    assert len(table.names) == count - 1
    assert lost not in table.names
    sequences = DataSetSource(name, root, allow_missing=True).open()
    assert [sequence.name for sequence in sequences] == list(table.names)
    truth = read_truth(BENCHMARKS[name], root, allow_missing=True)
    assert list(truth.sequences) == list(table.names)
    assert truth.missing == (lost,)


def test_other_faults_are_never_allowed(miniature: Miniature) -> None:
    root = miniature("otb100")
    table = read("otb100", root, "test")
    table.path(0).unlink()
    with pytest.raises(InputError, match="is missing; frames"):
        read_benchmark("otb100", root, allow_missing=True)


def test_a_whole_benchmark_is_read_as_ever(miniature: Miniature) -> None:
    root = miniature("vot2019")
    assert list(read_benchmark("vot2019", root).names) == list(read("vot2019", root, "test").names)
    assert read_truth("VOT2019", root, allow_missing=True).missing == ()


def test_texts_of_true_boxes(tmp_path: Path) -> None:
    for name in ("Car1", "Car2"):
        (tmp_path / f"{name}.txt").write_text("1,2,3,4\n" * 3)
    with pytest.raises(InputError, match="has no text file of true boxes for"):
        read_truth("OTB100", tmp_path)
    truth = read_truth("OTB100", tmp_path, allow_missing=True)
    assert sorted(truth.sequences) == ["Car1", "Car2"]
    assert len(truth.missing) == 98
    (tmp_path / "none").mkdir()
    with pytest.raises(InputError, match="holds neither OTB100 nor text files of its true boxes"):
        read_truth("OTB100", tmp_path / "none", allow_missing=True)
