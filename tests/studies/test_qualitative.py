"""Which sequences and frames Fig. 6 shows, and what is drawn of them."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from matplotlib.colors import to_rgba

from dlatrack.datasets.folder import write_folder
from dlatrack.datasets.mini import write_mini
from dlatrack.datasets.sequence import Sequence
from dlatrack.datasets.synthetic import synthetic_sequences
from dlatrack.errors import InputError
from dlatrack.evaluation.ope import evaluate
from dlatrack.pixels.colours import DLA, FIXED, TARGET
from dlatrack.studies import qualitative
from dlatrack.studies.qualitative import (
    QualitativeStudy,
    Row,
    choose_frames,
    frame_iou,
    study_qualitative,
)
from dlatrack.studies.qualitative_sources import ClipSource, PhotographicSource, Selection
from dlatrack.viz.qualitative import qualitative_figure

FIXED_LABEL, DLA_LABEL = "SiamCAR small, fixed rule", "DLA-SiamCAR small"


def test_frames_are_spread_over_those_that_show_the_target():
    difference = np.array([0, 0.1, -0.2, np.nan, 0.3, 0.1, 0.0, -0.5, 0.2])
    assert choose_frames(difference, 2, "spread") == [4, 7], "the middle of 1, 2, 4, 5 and of 6, 7, 8"
    assert choose_frames(difference, 2, "differ") == [4, 7]
    assert choose_frames(-difference, 3, "differ") == [4, 5, 7], "of 1, 2, 4 and 5, 6 and 7, 8"
    assert choose_frames(difference, 100, "spread") == [1, 2, 4, 5, 6, 7, 8]
    assert choose_frames(np.array([0.5, np.nan, np.nan]), 4, "spread") == [0]


def test_iou_is_missing_where_the_target_is():
    boxes = np.array([[0, 0, 10, 10], [np.nan] * 4, [0, 0, 10, 10]])
    sequence = Sequence("a", np.zeros((3, 20, 20, 3), np.uint8), boxes, np.array([True, False, True]))
    found = frame_iou(sequence, np.array([[0, 0, 10, 10], [0, 0, 10, 10], [5, 0, 10, 10]], float))
    assert found.tolist() == pytest.approx([1, np.nan, 1 / 3], nan_ok=True)


def test_a_selection_is_evenly_spread():
    source = PhotographicSource(7, 10, 1)
    assert [s.name for s in Selection(source, 4).open()] == [
        f"photographic-{7 + n:04d}" for n in (0, 2, 5, 7)
    ]
    few = [s.name for s in Selection(source, 20).open()]
    assert few == [f"photographic-{7 + n:04d}" for n in range(10)], "each once where there are fewer"


@pytest.fixture
def made_up(monkeypatch, tmp_path):
    """Three sequences on which the twins' boxes are shifted by known shares of their width."""
    monkeypatch.setenv("DLATRACK_CACHE", str(tmp_path))
    monkeypatch.delenv("DLATRACK_DATA", raising=False)
    monkeypatch.setenv("DLATRACK_SHARED_DATA", str(tmp_path / "absent"))
    shifts = {FIXED_LABEL: [0.5, 0.2, 0.0], DLA_LABEL: [0.0, 0.2, 0.5], "static box": [1.0, 1.0, 1.0]}

    def run(files, source, where, sequences, device, workers):
        boxes = {}
        for label, shares in shifts.items():
            boxes[label] = {
                s.name: s.boxes_xywh + s.boxes_xywh[:, 2:3] * np.array([share, 0, 0, 0])
                for s, share in zip(sequences, shares, strict=True)
            }
        return boxes

    monkeypatch.setattr(qualitative, "_run", run)


def test_rows_go_from_the_largest_gain_to_the_largest_loss(made_up):
    study = study_qualitative("smoke", seed=4)
    assert [row.sequence.name for row in study.rows] == [f"photographic-{7_004_000 + n}" for n in range(3)]
    assert [row.rank for row in study.rows] == [1, 2, 3]
    # IoU 1 and (1 - 0.5) / (1 + 0.5): 20 and 7 of 21 thresholds are passed.
    assert [row.gain for row in study.rows] == pytest.approx([13 / 21, 0, -13 / 21])
    assert study.rows[0].iou[FIXED_LABEL][1] == pytest.approx(1 / 3)
    assert study.rows[0].iou["static box"][1] == 0
    assert study.imagery == "photographic"
    assert "ranks 1, 2, 3 of 3, from the largest gain to the largest loss" in study.rule
    assert "too few for a verdict" in study.verdict
    assert [row.rank for row in study_qualitative("smoke", rows=2).rows] == [1, 3]
    assert [row.rank for row in study_qualitative("smoke", rows=9).rows] == [1, 2, 3]
    data = study.as_dict()
    assert data["rows"][2]["boxes_xywh"][DLA_LABEL].shape == (len(study.rows[2].frames), 4)


def test_real_data_is_taken_where_it_is_asked_for(made_up, tmp_path, monkeypatch):
    clips = tmp_path / "shared" / "video"
    for sequence in synthetic_sequences(5, 80, 4, challenges=()):
        write_folder(sequence, clips)
    study = study_qualitative("smoke", data=str(clips))
    assert [row.sequence.name for row in study.rows] == ["synthetic-0080", "synthetic-0081", "synthetic-0083"]
    assert study.imagery == "real"
    assert study.title == "3 sequences of video"
    assert study_qualitative("smoke", data="auto").imagery == "photographic", "nothing is there"
    monkeypatch.setenv("DLATRACK_SHARED_DATA", str(tmp_path / "shared"))
    assert study_qualitative("smoke", data="auto").title == "3 sequences of video"
    assert study_qualitative("smoke").imagery == "photographic", "without asking, nothing real is taken"
    write_mini("otb100", tmp_path / "data")
    monkeypatch.setenv("DLATRACK_DATA", str(tmp_path / "data"))
    study = study_qualitative("smoke", data="auto")
    assert study.origin["split"] == "test"
    assert study_qualitative("smoke", data="OTB100").title == study.title


def test_kept_results_are_those_of_the_clips_as_they_are(tmp_path, monkeypatch):
    monkeypatch.setenv("DLATRACK_CACHE", str(tmp_path / "cache"))
    source = ClipSource(tmp_path / "clips")
    (sequence,) = synthetic_sequences(1, 80, 3, challenges=())
    for shift in (0, 2):
        write_folder(
            replace(sequence, boxes_xywh=sequence.boxes_xywh + np.array([shift, 0, 0, 0])), source.root
        )
        boxes = qualitative._run({}, source, {}, source.open(), "cpu", 1)["static box"][sequence.name]
        assert boxes[2, 0] == pytest.approx(sequence.boxes_xywh[0, 0] + shift, abs=1e-3)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"preset": "huge"}, "preset must be one of smoke, demo, paper, got 'huge'"),
        ({"rows": 0}, "rows must be 2 or more, got 0"),
        ({"columns": 0}, "columns must be 1 or more, got 0"),
        ({"choose": "best"}, "frames are chosen by spread or differ, got 'best'"),
        ({"seed": -1}, "seed must be 0 or more, got -1"),
        ({"data": "nowhere"}, "nowhere is not a folder"),
        ({"data": "uav123"}, "uav123 is looked for below the folder that DLATRACK_DATA names"),
        (
            {"weights": "dla_siamcar_small; siamcar_small"},
            "weights must name a fixed tracker, then its DLA twin",
        ),
        ({"weights": "siamcar_small"}, "weights must name a fixed tracker, then its DLA twin"),
        ({"weights": "siamcat; dla_siamcat"}, "there is no file siamcat"),
        ({"device": "tpu"}, "there is no device 'tpu'"),
    ],
)
def test_bad_input_is_named(made_up, tmp_path, monkeypatch, changes, message):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(InputError, match=message):
        study_qualitative(**({"preset": "smoke"} | changes))


@pytest.fixture
def study():
    boxes = np.array([[10.0, 20, 30, 40]] * 4)
    boxes[2] = np.nan
    images = np.full((4, 90, 160, 3), 90, np.uint8)
    sequence = Sequence("dog", images, boxes, np.array([True, True, False, True]))
    found = {
        FIXED_LABEL: np.nan_to_num(boxes, nan=5) + np.array([15, 0, 0, 0]),
        DLA_LABEL: np.nan_to_num(boxes, nan=5),
    }
    iou = {label: frame_iou(sequence, own) for label, own in found.items()}
    scores = {label: evaluate({"dog": own}, {"dog": boxes}) for label, own in found.items()}
    row = Row(sequence, 0.25, 1, [1, 3], found, iou)
    return QualitativeStudy("1 sequence", False, tuple(found), scores, (row, row), "all", {})


def test_the_figure_has_boxes_numbers_and_curves(study):
    fig = qualitative_figure(study)
    first, second, curve = fig.axes[:3]
    assert len(fig.axes) == 6
    colours = {patch.get_edgecolor(): list(patch.get_bbox().bounds) for patch in first.patches}
    assert colours == {
        to_rgba(TARGET): [10, 20, 30, 40],
        to_rgba(FIXED): [25, 20, 30, 40],
        to_rgba(DLA): [10, 20, 30, 40],
    }
    assert first.get_xlabel() == "1: 0.33   2: 1.00"
    assert [ax.get_title() for ax in (first, second)] == ["frame 1", "frame 3"]
    lines = {tuple(np.nan_to_num(line.get_ydata(), nan=-1).round(2)) for line in curve.get_lines()[2:]}
    assert lines == {(0.33, 0.33, -1, 0.33), (1, 1, -1, 1)}
    assert [text.get_text() for text in curve.texts] == ["absent"]
    assert [text.get_text() for text in fig.legends[0].get_texts()] == [
        "annotation",
        f"1: {FIXED_LABEL}",
        f"2: {DLA_LABEL}",
    ]
    titles = [part._suptitle.get_text() for part in fig.subfigs]
    assert titles == ["dog   AUC of DLA minus fixed: +0.250, rank 1 of 1"] * 2


def test_nothing_overlaps_and_the_page_is_as_wide_as_two_columns(study):
    fig = qualitative_figure(study)
    fig.draw_without_rendering()
    assert fig.get_figwidth() * 25.4 == pytest.approx(183)
    boxes = [ax.get_tightbbox() for ax in fig.axes] + [fig.legends[0].get_window_extent()]
    boxes += [part._suptitle.get_window_extent() for part in fig.subfigs]
    for number, box in enumerate(boxes):
        assert box.y0 >= -0.5
        assert box.y1 <= fig.bbox.y1 + 0.5
        assert box.x1 <= fig.bbox.x1 + 0.5
        assert not any(box.overlaps(other) for other in boxes[number + 1 :])
