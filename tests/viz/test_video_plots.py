"""Film strip, scores and player of a tracked video."""

from __future__ import annotations

import json
import re

import numpy as np
import pytest

from dlatrack.datasets.video.writer import record
from dlatrack.errors import InputError
from dlatrack.tracking.video import VideoTrack
from dlatrack.viz.player import show_page
from dlatrack.viz.video import score_plot, spread, video_player, video_strip

TRACK = VideoTrack(
    np.tile(np.array([[10.0, 12, 20, 16], [30, 4, 9, 9]]), (5, 1, 1)),
    np.array([[1, 1], [0.9, 0.8], [0.7, 0.6], [0.2, 0.5], [0.1, 0.4]]),
)


@pytest.fixture(scope="module")
def video(tmp_path_factory):
    path = tmp_path_factory.mktemp("video") / "tracked.avi"
    with record(path, 10) as recording:
        for shade in (10, 60, 110, 160, 210):
            recording.add(np.full((48, 64, 3), shade, np.uint8))
    return path


def test_numbers_are_spread_from_first_to_last():
    assert spread(5, 8) == [0, 1, 2, 3, 4]
    assert spread(150, 4) == [0, 50, 99, 149]
    assert spread(1, 8) == [0]


def test_a_strip_shows_frames_of_the_file(video):
    fig = video_strip(video, TRACK, frames=[1, 4])
    assert [ax.get_title() for ax in fig.axes] == ["frame 1", "frame 4"]
    assert [round(float(ax.images[0].get_array().mean())) for ax in fig.axes] == pytest.approx(
        [60, 210], abs=5
    )
    assert len(video_strip(video, TRACK).axes) == 5
    for frames in ([5], [-1], []):
        with pytest.raises(InputError, match=r"has frames 0\.\.4, not"):
            video_strip(video, TRACK, frames=frames)


def test_scores_are_lines_over_frames():
    fig = score_plot(TRACK, iou=np.array([1, 0.8, np.nan, 0.1, 0]))
    first, second, iou = fig.axes[0].get_lines()
    assert first.get_ydata().tolist() == [1, 0.9, 0.7, 0.2, 0.1]
    assert second.get_linestyle() != first.get_linestyle()
    assert iou.get_label() == "target 1, IoU with the truth"
    assert len(score_plot(TRACK).axes[0].get_lines()) == 2


def test_a_page_plays_the_video_at_its_pace(video, tmp_path):
    path = video_player(tmp_path / "page.html", video, TRACK, fps=10, imagery="synthetic")
    text = path.read_text()
    shots = json.loads(re.search(r'type="application/json">(.*?)</script>', text).group(1))
    assert [shot["frame"] for shot in shots] == [0, 1, 2, 3, 4]
    assert shots[3]["facts"][0] == "target 1: score 0.20, x 10, y 12, width 20, height 16 px"
    assert "setInterval(step, 100)" in text
    assert "These frames: synthetic data." in text
    assert "Tracked: tracked.avi" in text
    inline = show_page(path).data
    assert inline.startswith("<div><iframe srcdoc=")
    assert "<script" not in inline, "the page is escaped"
    with pytest.raises(InputError, match=r"must be a file ending in \.html"):
        video_player(tmp_path / "page.txt", video, TRACK)
