"""Scores of result files beside those that they must have, computed by hand for two invented trackers."""

from __future__ import annotations

import zipfile
from pathlib import Path

import pytest
import toy_result_set

from dlatrack.errors import InputError
from dlatrack.evaluation.result_sets.check import ScoreCheck, check_results, result_places, shared_truth
from dlatrack.evaluation.result_sets.sets import ResultSet, read_result_set, result_set, result_set_names
from dlatrack.evaluation.truth import BenchmarkTruth
from dlatrack.evaluation.truth_source import read_truth


@pytest.fixture
def wanted(tmp_path: Path) -> ResultSet:
    return read_result_set(toy_result_set.write_toy(tmp_path))


@pytest.fixture
def truth(tmp_path: Path) -> BenchmarkTruth:
    return read_truth("OTB100", toy_result_set.write_truth(tmp_path))


def test_scores_agree_in_all_decimals(wanted: ResultSet, truth: BenchmarkTruth, tmp_path: Path) -> None:
    folder = toy_result_set.write_results(
        tmp_path / "results", Right=toy_result_set.RIGHT, Half=toy_result_set.HALF
    )
    found = check_results(wanted, [folder], truth)
    assert [(s.tracker, s.metric, s.expected, s.found) for s in found.scores] == [
        ("Right", "auc", 0.952381, pytest.approx(20 / 21)),
        ("Right", "precision", 1.0, 1.0),
        ("Half", "auc", 0.47619, pytest.approx(10 / 21)),
        ("Half", "precision", 0.5, 0.5),
        ("Half", "norm_precision", 0.5, 0.5),
    ]
    assert found.agrees
    assert found.missing == found.wrong == ()


@pytest.mark.parametrize(
    ("expected", "found", "agrees"),
    [
        (0.952381, 20 / 21, True),
        (0.952382, 20 / 21, False),
        (0.952380, 20 / 21, False),
        (0.5, 0.50000049, True),
        (0.5, None, False),
    ],
)
def test_one_in_the_last_decimal_is_a_difference(
    expected: float, found: float | None, *, agrees: bool
) -> None:
    assert ScoreCheck("Right", "pysot", "auc", expected, found).agrees is agrees


def test_a_changed_file_differs_by_score_and_hash(
    wanted: ResultSet, truth: BenchmarkTruth, tmp_path: Path
) -> None:
    folder = toy_result_set.write_results(
        tmp_path / "results", Right=toy_result_set.HALF, Half=toy_result_set.HALF
    )
    found = check_results(wanted, [folder], truth)
    assert not found.agrees
    assert [(s.tracker, s.metric) for s in found.scores if not s.agrees] == [
        ("Right", "auc"),
        ("Right", "precision"),
    ]
    assert found.wrong == ("Right/Bolt.txt",)


def test_a_hash_alone_is_a_difference_too(wanted: ResultSet, truth: BenchmarkTruth, tmp_path: Path) -> None:
    """The numbers are the same, but the bytes are not."""
    spaced = {name: content.replace(b",", b"\t") for name, content in toy_result_set.RIGHT.items()}
    found = check_results(wanted, [toy_result_set.write_results(tmp_path / "results", Right=spaced)], truth)
    assert all(score.agrees for score in found.scores)
    assert found.wrong == ("Right/Biker.txt", "Right/Bolt.txt")
    assert not found.agrees
    assert found.missing == ("Half",)


def test_archives_and_folders_of_the_benchmark_are_searched(
    wanted: ResultSet, truth: BenchmarkTruth, tmp_path: Path
) -> None:
    first = toy_result_set.write_results(tmp_path / "first", Right=toy_result_set.RIGHT)
    with zipfile.ZipFile(tmp_path / "all.zip", "w") as archive:
        for tracker in ("Half", "Right"):
            for name, content in toy_result_set.HALF.items():
                archive.writestr(f"OTB100/{tracker}/{name}", content)
    found = check_results(wanted, [first, tmp_path / "all.zip"], truth)
    assert found.agrees  # Right is that of the first place
    assert found.missing == ()


def test_results_that_cannot_be_scored_name_their_place(
    wanted: ResultSet, truth: BenchmarkTruth, tmp_path: Path
) -> None:
    with zipfile.ZipFile(tmp_path / "all.zip", "w") as archive:
        archive.writestr("Right/Biker.txt", "10,10,20,20\n12,10,20,x\n")
    with pytest.raises(InputError, match=r"all\.zip"):
        check_results(wanted, [tmp_path / "all.zip"], truth)


def test_places_are_the_cache_and_the_shared_data(
    wanted: ResultSet, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DLATRACK_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("DLATRACK_SHARED_DATA", str(tmp_path / "shared"))
    assert result_places(wanted) == []
    assert shared_truth("OTB100") is None
    archive = tmp_path / "shared" / "benchmarks" / "results" / "TOY_results.tar.xz"
    boxes = tmp_path / "shared" / "benchmarks" / "gt" / "vot2018_gt.json.gz"
    fetched = tmp_path / "cache" / "result_sets" / "toy"
    for folder in (archive.parent, boxes.parent, fetched):
        folder.mkdir(parents=True)
    archive.touch()
    boxes.touch()
    assert result_places(wanted) == [fetched, archive]
    assert shared_truth("vot2018") == boxes
    assert shared_truth("LaSOT") is None


@pytest.mark.slow
@pytest.mark.parametrize("name", [name for name in result_set_names() if result_set(name).scored])
def test_every_shared_result_file_scores_as_expected(shared_data: Path, name: str) -> None:
    wanted = result_set(name)
    benchmark = wanted.benchmarks[0]
    places = [shared_data / "benchmarks" / "results" / archive for archive in wanted.shared]
    file = f"{benchmark.lower()}_{'test_' if benchmark == 'LaSOT' else ''}gt.json.gz"
    found = check_results(wanted, places, read_truth(benchmark, shared_data / "benchmarks" / "gt" / file))
    assert [score for score in found.scores if not score.agrees] == []
    assert (found.wrong, found.missing) == ((), ())
    assert {score.tracker for score in found.scores} == set(wanted.scored)
