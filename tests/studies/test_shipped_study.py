"""The shipped trackers beside others."""

from __future__ import annotations

import json
from pathlib import Path

import cv2
import numpy as np
import pandas as pd
import pytest

from dlatrack.cli.weights import weights_compare
from dlatrack.datasets.folder import write_folder
from dlatrack.datasets.synthetic import synthetic_sequence
from dlatrack.errors import InputError
from dlatrack.studies import shipped
from dlatrack.studies.shipped import clips_without_masks, study_shipped
from dlatrack.tracking.static import StaticTracker


class Drifting(StaticTracker):
    """Moves ten px to the right in every frame."""

    def update(self, image: np.ndarray) -> tuple[np.ndarray, float]:
        self._box_xywh[0] += 10
        return super().update(image)


@pytest.fixture
def clips(tmp_path: Path) -> Path:
    """Two clips, the first with masks."""
    for seed in (1, 2):
        folder = write_folder(synthetic_sequence(seed, 5, challenges=()), tmp_path / "clips")
        if seed == 1:
            (folder / "mask").mkdir()
            cv2.imwrite(str(folder / "mask" / "0001.png"), np.zeros((4, 4), np.uint8))
    return tmp_path / "clips"


@pytest.fixture
def toys(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shipped, "_VIDEOS", 2)
    monkeypatch.setattr(shipped, "_FRAMES", 5)
    made = {"static box": StaticTracker(), "T, fixed rule": Drifting(), "DLA-T": StaticTracker()}
    monkeypatch.setattr(shipped, "_trackers", lambda fast: made)


def test_clips_with_masks_are_left_out(clips: Path) -> None:
    assert [target.name for target in clips_without_masks(clips)] == ["synthetic-0002"]
    for folder in clips.iterdir():
        (folder / "mask").mkdir(exist_ok=True)
    with pytest.raises(InputError, match="has only clips with masks, which the shipped trackers were"):
        clips_without_masks(clips)


@pytest.mark.usefixtures("toys")
def test_scores_and_speed_by_tracker(clips: Path) -> None:
    study = study_shipped(clips)
    assert list(study.table.index) == ["static box", "T, fixed rule", "DLA-T"]
    real, precision, synthetic, speed = study.table.columns
    assert real == "AUC, 1 targets of real clips"
    assert synthetic == "AUC, 2 synthetic videos"
    assert study.table.loc["DLA-T", real] == study.table.loc["static box", real]
    assert study.table.loc["T, fixed rule", synthetic] < study.table.loc["DLA-T", synthetic]
    assert ((study.table[precision] >= 0) & (study.table[precision] <= 1)).all()
    assert np.isnan(study.table.loc["static box", speed])
    assert (study.table[speed].iloc[1:] > 1000).all()
    assert study.sequences.loc["synthetic-0002", "DLA-T"] == study.table.loc["DLA-T", real]


@pytest.mark.usefixtures("toys")
def test_absent_frames_are_told_of(clips: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """One of five frames without a box: four can succeed, and the fifth is precise."""
    file = clips / "synthetic-0002" / "groundtruth_rect.txt"
    rows = file.read_text().splitlines()
    file.write_text("\n".join([*rows[:3], "NaN,NaN,NaN,NaN", *rows[4:]]) + "\n")
    study = study_shipped(clips)
    assert study.absent == 1
    assert study.table.loc["DLA-T", "precision at 20 px"] == 1
    assert study.table.iloc[:, 0].max() < 0.8
    weights_compare(clips)
    out = capsys.readouterr().out
    assert "note: the target is absent in 1 frames of the clips; as in pysot they fail in the AUC and" in out
    assert "note: 1 of 2 targets are left out: their clips have masks, and the shipped trackers were" in out


@pytest.mark.usefixtures("toys")
def test_the_verdict_compares_twins(clips: Path) -> None:
    write_folder(synthetic_sequence(3, 5, challenges=()), clips)
    (verdict,) = study_shipped(clips).verdicts
    assert verdict.startswith("DLA-T ")
    assert "2 sequences" in verdict


def test_the_verdict_draws_whole_clips() -> None:
    values = {"T, fixed rule": 0.5, "DLA-T": 0.5 + np.array([0.03, 0.1, 0.11, 0.09, 0.02, 0.01])}
    names = ["car", "dogs-1", "dogs-2", "dogs-3", "girl", "worm"]
    (alike,) = shipped._verdicts(pd.DataFrame(values, list("abcdef")))
    (verdict,) = shipped._verdicts(pd.DataFrame(values, names))
    assert alike.startswith("DLA-T improves on T, fixed rule by 0.060")
    assert verdict.startswith("DLA-T is not distinguishable from T, fixed rule: difference 0.060"), (
        "dogs count once"
    )


@pytest.mark.usefixtures("toys")
def test_tables_are_saved_with_their_record(clips: Path, tmp_path: Path) -> None:
    write_folder(synthetic_sequence(3, 5, challenges=()), clips)
    weights_compare(clips, tmp_path / "out")
    table = pd.read_csv(tmp_path / "out/small_trackers.csv")
    assert table["tracker"].tolist() == ["static box", "T, fixed rule", "DLA-T"]
    record = json.loads((tmp_path / "out/small_trackers.json").read_text())
    assert "processor" in record["parameters"]["machine"]
    assert len(record["parameters"]["verdicts"]) == 1
    assert pd.read_csv(tmp_path / "out/small_trackers_targets.csv")["target"].tolist() == [
        "synthetic-0002",
        "synthetic-0003",
    ]
