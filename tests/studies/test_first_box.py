"""Runs of the shipped trackers from perturbed first boxes: scores by run, records, and the words about them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from dlatrack import paths
from dlatrack.cli.weights import weights_compare
from dlatrack.datasets.folder import write_folder
from dlatrack.datasets.synthetic import synthetic_sequences
from dlatrack.errors import InputError
from dlatrack.evaluation.ope import evaluate
from dlatrack.studies import first_box
from dlatrack.studies.first_box import FirstBoxStudy, save_first_box, study_first_box
from dlatrack.tracking.online import OnlineTracker
from dlatrack.tracking.perturbation import Perturbation
from dlatrack.tracking.run import run_one_pass
from dlatrack.tracking.static import StaticTracker

TOYS = FirstBoxStudy(
    pd.DataFrame(
        {"T, fixed rule": [0.5, 0.52, 0.51], "DLA-T": [0.6, 0.6, 0.63]}, pd.RangeIndex(1, 4, name="run")
    ),
    "3 toys",
    True,
    {"clips": "", "targets": 3},
)


@pytest.fixture(autouse=True)
def _places(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No record in the clone, and one tracker, which is quicker than all."""
    monkeypatch.setenv("DLATRACK_FIGURES", str(tmp_path / "figures"))
    monkeypatch.setenv("DLATRACK_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(paths, "root", lambda: tmp_path / "elsewhere")
    monkeypatch.setattr(first_box, "shipped", lambda: ("siamcar_small",))


def test_the_score_of_each_run_is_that_of_a_run_by_hand(tmp_path: Path) -> None:
    videos = synthetic_sequences(2, 60, 5)
    for video in videos:
        write_folder(video, tmp_path / "clips", images="png")
    study = study_first_box("smoke", clips=str(tmp_path / "clips"), runs=2, seed=4)
    assert (study.source, study.imagery) == ("2 targets of real clips", "real")
    assert study.origin["perturbation"] == {"kind": "half-pixel", "runs": 2, "seed": 4}
    tracker = OnlineTracker.from_weights("siamcar_small")
    truth = {video.name: np.where(video.visible[:, None], video.boxes_xywh, np.nan) for video in videos}
    for run in (1, 2):
        boxes = {}
        for video in videos:
            height, width = video.frames[0].shape[:2]
            perturbation = Perturbation.parse("half-pixel:2", 4)
            first, _ = perturbation.first_boxes(video.name, video.boxes_xywh[0].round(4), (width, height))
            boxes[video.name] = run_one_pass(tracker, video, first[run - 1]).boxes_xywh
        expected = evaluate(boxes, truth).auc
        assert study.auc["SiamCAR small, fixed rule"][run] == pytest.approx(expected, abs=0.02)


def test_without_clips_and_record_the_videos_are_synthetic() -> None:
    study = study_first_box("smoke")
    assert (study.source, study.imagery, study.auc.shape) == ("2 photographic videos", "photographic", (2, 1))
    assert list(study.table.columns) == ["mean", "standard deviation", "least", "largest"]


def test_a_record_goes_before(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    def save(origin: dict[str, Any]) -> None:
        save_first_box(FirstBoxStudy(TOYS.auc, "", "real", origin), tmp_path / "figures")

    monkeypatch.setattr("dlatrack.studies.shipped.shipped", lambda: ())
    save({"targets": 3, "weights_sha256": {}})
    study = study_first_box("smoke", runs=5)
    pd.testing.assert_frame_equal(study.auc, TOYS.auc, check_index_type=False)
    assert (study.source, study.imagery) == ("3 targets of real clips", "real")
    assert study.origin["record"] == "small_trackers_runs.csv"
    save({"targets": 3, "weights_sha256": {"other": "ab"}})
    with pytest.raises(InputError, match="is of other weights than those of this package"):
        study_first_box("smoke")
    record = json.loads((tmp_path / "figures" / "small_trackers_runs.json").read_text())
    assert record["made_by"] == "dlatrack weights compare"


def test_weights_compare_adds_the_spread(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    toys = {name: StaticTracker() for name in ("static box", "T, fixed rule", "DLA-T")}
    monkeypatch.setattr("dlatrack.studies.shipped._VIDEOS", 1)
    monkeypatch.setattr("dlatrack.studies.shipped._FRAMES", 4)
    monkeypatch.setattr("dlatrack.studies.shipped._trackers", lambda fast: toys)
    for video in synthetic_sequences(2, 60, 4):
        write_folder(video, tmp_path / "clips")
    with pytest.raises(InputError, match="at least 2 runs, or 0 for none; got --runs 1"):
        weights_compare(tmp_path / "clips", runs=1)
    weights_compare(tmp_path / "clips", tmp_path / "out", runs=2)
    assert "AUC in 2 runs from first boxes shifted by at most half a pixel" in capsys.readouterr().out
    table = pd.read_csv(tmp_path / "out" / "small_trackers_runs.csv", index_col="run")
    assert table.shape == (2, 1)
    record = json.loads((tmp_path / "out" / "small_trackers_runs.json").read_text())
    assert record["parameters"]["targets"] == 2
    assert record["parameters"]["clips"] == "clips", "no absolute path in a record"


def test_numbers_of_runs_that_have_no_spread_are_refused() -> None:
    for runs in (1, -2):
        with pytest.raises(
            InputError, match=rf"runs must be 0 \(the preset's number\) or at least 2, got {runs}"
        ):
            study_first_box("smoke", runs=runs)
    with pytest.raises(InputError, match="preset must be one of smoke, demo, paper"):
        study_first_box("huge")


def test_words_by_hand() -> None:
    text = TOYS.verdict
    assert "moves the mean AUC over 3 toys by 0.010 to 0.017 (standard deviation over 3 runs)" in text
    assert "that of DLA-T by 0.030 from the least to the largest" in text
    assert "Of the 6 gains that the paper prints 6 are no larger" in text


def test_gains_of_the_paper() -> None:
    gains = TOYS.gains
    assert gains["DLA-SiamCAR, OTB100"] == 0.025
    assert gains["DLA-SiamRPN++, UAV123"] == 0.028
    assert len(gains) == 6
