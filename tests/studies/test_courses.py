"""Courses of trainings: measured once, kept in a file, read from there."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from dlatrack.errors import InputError
from dlatrack.studies import courses as study
from dlatrack.studies.courses import COURSES, Course, CourseReport, course_verdict, training_courses


def course(tracker: str = "siamcar_small") -> Course:
    """Four steps of a second; those of DLA take a tenth longer once the backbone trains."""
    seconds = {"fixed": [1.0, 1.0, 2.0, 2.0], "DLA": [1.0, 1.0, 2.2, 2.2]}
    return Course(tracker, 32, 2, seconds, {"fixed": [4.0, 3.0, 2.0, 1.0], "DLA": [4.0, 3.0, 2.0, 1.5]})


def test_time_and_ratio_by_hand() -> None:
    """The ratio is a median: the first step may be long in the twin that makes it first."""
    found = course()
    assert found.elapsed("DLA") == pytest.approx([1, 2, 4.2, 6.4])
    assert found.ratio(False) == 1
    assert found.ratio(True) == pytest.approx(1.1)
    slow = {"fixed": [1.0] * 5, "DLA": [30.0, 1.2, 1.2, 1.1, 1.3]}
    assert Course("siamcar_small", 32, 5, slow, slow).ratio(False) == pytest.approx(1.2)
    assert course_verdict(found) == (
        "SiamCAR small, 4 steps of 32 pairs: a DLA step takes 1.000 times the time of a fixed one with a frozen "
        "backbone and 1.100 times with an unfrozen one (medians); the mean total loss of the last quarter is 1.50 "
        "under DLA and 1.00 under the fixed rule, each of its own labels."
    )


def test_a_small_tracker_stands_in_for_one_of_the_paper() -> None:
    report = CourseReport([course()], "cpu", 2, 0.0, {})
    assert report.of("SiamCAR") is report.courses[0]
    with pytest.raises(InputError, match=r"no training of SiamRPN\+\+ or SiamRPN\+\+ small was measured"):
        report.of("SiamRPN++")


def test_a_report_is_measured_once_and_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DLATRACK_FIGURES", str(tmp_path))
    monkeypatch.setattr(study.paths, "figure_sources", lambda: [tmp_path])
    asked: list[tuple[str, tuple[int, int]]] = []

    def measured(tracker: str, size: study.CostSizes, crops: object, device: str) -> Course:
        asked.append((tracker, size.course))
        return course(tracker)

    monkeypatch.setattr(study, "_course", measured)
    first = training_courses("smoke")
    assert asked == [("siamcar_small", (2, 4)), ("siamrpnpp_small", (2, 4))]
    assert [each.tracker for each in first.courses] == ["siamcar_small", "siamrpnpp_small"]
    kept = (tmp_path / COURSES).read_bytes()
    assert training_courses("demo") == first
    assert (tmp_path / COURSES).read_bytes() == kept
    training_courses("smoke", measure=True)
    assert len(asked) == 4


def test_a_damaged_report_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(study.paths, "figure_sources", lambda: [tmp_path])
    (tmp_path / COURSES).write_text(json.dumps({"courses": [{"tracker": 3}]}))
    with pytest.raises(InputError, match=r"10_courses\.report\.json: .*tracker: expected `str`"):
        training_courses("demo")
    with pytest.raises(InputError, match="preset must be one of"):
        training_courses("huge")


@pytest.mark.slow
def test_both_twins_make_their_steps_in_turn(monkeypatch: pytest.MonkeyPatch) -> None:
    size = replace(study.sizes("smoke").cost, followed=("siamcar_nano",))
    crops = study.training_crops(study.plan("smoke"))
    found = study._course("siamcar_nano", size, crops, "cpu")
    assert (found.batch, found.unfrozen_from) == (2, 2)
    for values in (*found.seconds.values(), *found.losses.values()):
        assert len(values) == 4
        assert all(value > 0 for value in values)
