"""Trackers of one name in several folders: one if their numbers are the same, else told apart by their folders."""

from __future__ import annotations

import zipfile
from pathlib import Path

import numpy as np
import pytest

from dlatrack.errors import InputError
from dlatrack.evaluation.scoring import each_tracker
from dlatrack.evaluation.truth import BenchmarkTruth, SequenceTruth
from dlatrack.evaluation.vot.results import REGION, VOTRun, write_vot_run

BOXES = np.array([[10.0, 20, 30, 40]] * 4)


def truth(name: str, *sequences: str) -> BenchmarkTruth:
    return BenchmarkTruth(name, {each: SequenceTruth(each, BOXES, size=(99, 99)) for each in sequences})


def write(folder: Path, shift: float, *sequences: str) -> None:
    folder.mkdir(parents=True)
    for name in sequences or ("a", "b"):
        rows = BOXES + np.array([shift, 0, 0, 0])
        (folder / f"{name}.txt").write_text("".join(f"{x},{y},{w},{h}\n" for x, y, w, h in rows))


def found(places: list[Path], of: BenchmarkTruth, **options: bool) -> tuple[dict[str, float], list[str]]:
    """First x of each tracker, and the notes."""
    first: dict[str, float] = {}
    notes: list[str] = []

    def use(name: str, rows: dict[str, np.ndarray]) -> None:
        first[name] = float(next(iter(rows.values()))[0, 0])

    assert each_tracker(of, places, use, note=notes.append, **options) == []
    return first, notes


def test_two_benchmark_folders_share_their_static_box(tmp_path: Path) -> None:
    for run, shift in (("first", 1), ("second", 2)):
        write(tmp_path / run / "static", 0)
        write(tmp_path / run / f"net_{shift}", shift)
    expected = {"net_1": 11, "static": 10, "net_2": 12}
    for places in ([tmp_path / "first", tmp_path / "second"], [tmp_path]):
        first, notes = found(places, truth("folder", "a", "b"))
        assert first == expected
        assert len(notes) == 1
        assert notes[0].startswith("tracker static has the same results in ")
        assert notes[0].endswith("first, " + notes[0].split(", ")[1])


def test_other_numbers_are_another_tracker(tmp_path: Path) -> None:
    for run, shift in (("first", 0), ("second", 0), ("third", 5)):
        write(tmp_path / run / "static", shift)
    for places in ([tmp_path / run for run in ("first", "second", "third")], [tmp_path]):
        first, notes = found(places, truth("folder", "a", "b"))
        assert first == {"first/static": 10, "third/static": 15}
        assert len(notes) == 1


def test_a_difference_in_the_last_digit_counts(tmp_path: Path) -> None:
    write(tmp_path / "x" / "net", 0)
    write(tmp_path / "y" / "net", 1e-9)
    assert set(found([tmp_path], truth("folder", "a", "b"))[0]) == {"x/net", "y/net"}


def test_folders_of_one_name_need_those_above(tmp_path: Path) -> None:
    write(tmp_path / "x" / "out" / "net", 1)
    write(tmp_path / "y" / "out" / "net", 2)
    places = [tmp_path / "x" / "out", tmp_path / "y" / "out"]
    assert found(places, truth("folder", "a", "b"))[0] == {"x/out/net": 11, "y/out/net": 12}
    own = [place / "net" for place in places]
    assert found(own, truth("folder", "a", "b"))[0] == {"x/out/net": 11, "y/out/net": 12}


def test_an_archive_is_named_and_not_the_folder_where_it_is_unpacked(tmp_path: Path) -> None:
    write(tmp_path / "net", 0, "a")
    with zipfile.ZipFile(tmp_path / "all.zip", "w") as archive:
        archive.write(tmp_path / "net" / "a.txt", "net/a.txt")
    (failure,) = each_tracker(truth("folder", "a", "b"), [tmp_path / "all.zip"], lambda name, rows: None)
    assert failure == (
        f"tracker net: {tmp_path}/all.zip/net has no result file for b; it has results for 1 of 2 sequences: "
        f"--allow-missing scores those"
    )
    (tmp_path / "net" / "a.txt").write_text("9,9,9,9\n" * 4)
    places = [tmp_path / "net", tmp_path / "all.zip"]
    first, _ = found(places, truth("folder", "a"))
    assert set(first) == {f"{tmp_path.name}/net", "all.zip/net"}


def test_what_is_missing_is_allowed_to_be(tmp_path: Path) -> None:
    write(tmp_path / "whole", 1)
    write(tmp_path / "half", 2, "b")
    seen: dict[str, list[str]] = {}
    of = truth("folder", "a", "b")
    assert each_tracker(of, [tmp_path], lambda n, r: seen.update({n: list(r)}), allow_missing=True) == []
    assert seen == {"half": ["b"], "whole": ["a", "b"]}


def test_mats_of_two_trackers_in_two_folders(tmp_path: Path) -> None:
    from dlatrack.evaluation.results.export import export_results

    for folder, shift in (("x", 1.0), ("y", 2.0)):
        for tracker in ("A", "B"):
            rows = {"a": BOXES + np.array([shift + (tracker == "B") * 10, 0, 0, 0])}
            export_results(rows, tmp_path / folder, tracker=tracker, form="otb_matlab")
    first, _ = found([tmp_path], truth("folder", "a"))
    assert first == {"x/A": 11, "x/B": 21, "y/A": 12, "y/B": 22}


def test_vot_trackers_of_one_name(tmp_path: Path) -> None:
    regions = np.full((4, 8), np.nan)
    regions[1:, :4] = BOXES[1:]
    codes = np.array([1, REGION, REGION, REGION], np.int8)
    for run, shift in (("one", 0.0), ("two", 0.0), ("three", 3.0)):
        for name in ("a", "b"):
            home = tmp_path / run / "static" / "baseline" / name
            home.mkdir(parents=True)
            write_vot_run(home / f"{name}_001.txt", VOTRun(codes, regions + shift))
    seen: list[str] = []
    notes: list[str] = []
    of = truth("VOT2019", "a", "b")
    assert each_tracker(of, [tmp_path], lambda name, rows: seen.append(name), note=notes.append) == []
    assert seen == ["one/static", "three/static"]
    assert len(notes) == 1
    (tmp_path / "three" / "static" / "baseline" / "b" / "b_001.txt").unlink()
    (failure,) = each_tracker(of, [tmp_path / "three"], lambda name, rows: None)
    assert "it has results for 1 of 2 sequences: --allow-missing scores those" in failure


def test_a_place_without_results_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="has no result file for any sequence"):
        each_tracker(truth("folder", "a"), [tmp_path], lambda name, rows: None)
    with zipfile.ZipFile(tmp_path / "all.zip", "w") as archive:
        archive.writestr("net/b.txt", "1,2,3,4\n")
    with pytest.raises(InputError, match=r"all\.zip has no result file for any sequence, such as a\.txt"):
        each_tracker(truth("folder", "a"), [tmp_path / "all.zip"], lambda name, rows: None)
