"""Notebook 12 in the small preset: a photographic video, and a video with two targets."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest
from executed import PATIENCE, outputs

from dlatrack.datasets.synthetic import synthetic_sequence
from dlatrack.datasets.video.reader import VideoFrames
from dlatrack.datasets.video.writer import record
from dlatrack.errors import InputError
from dlatrack.notebooks.run import run_notebook


@pytest.fixture
def runs(folders):
    return folders / "runs"


@pytest.mark.slow
def test_12_tracks_a_photographic_video(runs):
    path = run_notebook("12", preset="smoke", timeout=PATIENCE)
    folder = runs / "12_track_your_video"
    assert len(VideoFrames(folder / "tracked.mp4")) == 12
    table = pd.read_csv(folder / "tracked.csv")
    assert len(table) == 12
    scores = json.loads((folder / "scores.data.json").read_text())
    assert [row[0] for row in scores["scores"]] == pytest.approx(table["score"], abs=1e-4)
    assert scores["iou"][0] == pytest.approx(1)
    assert np.mean([iou for iou in scores["iou"] if iou is not None]) > 0.5, "the target is followed"
    assert json.loads((folder / "scores.json").read_text())["imagery"] == "photographic"
    page = (folder / "tracked.html").read_text()
    assert "target 1: score" in page
    text = outputs(path)
    assert "12 frames of 320 x 240 px, 1 target, " in text
    assert "data:video/mp4;base64," in text
    assert "widget-view+json" in text
    assert not (runs.parent / "figures").exists(), "nothing goes into the figures of the project"


@pytest.mark.slow
def test_12_tracks_two_targets_of_a_given_video(runs, tmp_path):
    source = tmp_path / "mine.avi"
    with record(source, 12) as video:
        for image in synthetic_sequence(31, 5, challenges=()).frames:
            video.add(image)
    parameters = {"video": str(source), "box": "100,80,60,45; 20,30,40,40", "weights": "siamrpnpp_small"}
    run_notebook("12", preset="smoke", parameters=parameters, timeout=PATIENCE)
    folder = runs / "12_track_your_video"
    table = pd.read_csv(folder / "tracked.csv")
    assert table[["x", "y", "w", "h"]].iloc[:2].to_numpy().tolist() == [[100, 80, 60, 45], [20, 30, 40, 40]]
    assert VideoFrames(folder / "tracked.mp4").fps == 12
    record_of = json.loads((folder / "frames.json").read_text())
    assert record_of["imagery"] == "real"
    assert record_of["parameters"]["video"] == "mine.avi"


@pytest.mark.usefixtures("no_kernel")
def test_12_names_a_video_that_is_not_there(runs):
    with pytest.raises(InputError, match=r"^12_track_your_video\.ipynb: .*none\.mp4 is missing"):
        run_notebook("12", preset="smoke", parameters={"video": "none.mp4"}, timeout=PATIENCE)
