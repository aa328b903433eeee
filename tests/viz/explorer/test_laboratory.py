"""The laboratory without a browser: values of widgets go in, pictures and texts come out."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest

from dlatrack.assign import build_assigner
from dlatrack.datasets.folder import write_folder
from dlatrack.datasets.photographic import photographic_sequence
from dlatrack.datasets.sequence import Sequence
from dlatrack.datasets.synthetic import synthetic_sequence
from dlatrack.errors import InputError
from dlatrack.grid import ScoreGrid
from dlatrack.recipes import recipe
from dlatrack.viz.explorer import explain_frame, explore
from dlatrack.viz.explorer.state import open_sequence


@pytest.fixture
def lab():
    return explore(frame=40)


def shown(lab) -> tuple[bytes, bytes, str]:
    return bytes(lab.controls.picture.value), bytes(lab.controls.timeline.value), lab.controls.facts.value


def test_it_opens_with_a_picture_counts_and_a_timeline(lab):
    picture, timeline, facts = shown(lab)
    assert cv2.imdecode(np.frombuffer(picture, np.uint8), cv2.IMREAD_COLOR).shape == (582, 774, 3)
    assert timeline.startswith(b"\x89PNG")
    assert "A: rectangle, center_ratio 0.6</b>: 20 positive" in facts
    assert "B: dla_points</b>: 2 positive   8 negative   615 ignored; T = mean + std = " in facts
    assert lab.controls.message.value == ""
    assert lab.controls.where.value == "photographic-0379, frame 40 of 0..59"
    assert lab.controls.path.value == "379"
    assert lab.controls.notable.label == "a notable frame"
    assert lab.forms[0].widget.children[-1].titles == ("more options, and what they mean",)
    assert len(picture) < 300_000


def test_the_slider_changes_picture_timeline_and_counts(lab):
    before = shown(lab)
    lab.controls.frame.value = 12
    after = shown(lab)
    assert all(old != new for old, new in zip(before, after, strict=True))
    lab.controls.frame.value = 40
    assert shown(lab) == before
    lab.controls.forward.click()
    assert lab.controls.frame.value == 41
    lab.controls.frame.value = 59
    lab.controls.forward.click()
    assert lab.controls.frame.value == 59


def test_k_and_rules_change_what_is_shown(lab):
    before = shown(lab)
    lab.forms[1].fields["candidates"].value = 5
    assert shown(lab)[0] != before[0]
    assert "B: dla_points, candidates 5" in lab.controls.facts.value
    lab.forms[0].name.value = "iou"
    assert "A: iou" in lab.controls.facts.value
    lab.forms[0].fields["positive_above"].value = 0.8
    assert "A: iou, positive_above 0.8" in lab.controls.facts.value
    lab.forms[1].fields["on_empty"].value = "strict"
    assert "on_empty strict" in lab.controls.facts.value


def test_each_rule_has_a_grid(lab):
    before = shown(lab)
    grids = dict(lab.forms[0].grid.options)
    assert list(grids) == [
        "25 x 25 points, stride 8 (SiamRPN++)",
        "25 x 25 points, stride 8, offset 32 (SiamCAR)",
        "17 x 17 points, stride 8 (SiamRPN)",
        "13 x 13 points, stride 16 (SiamCAR nano)",
        "15 x 15 points, stride 16 (NanoTrack V3)",
    ]
    lab.forms[1].grid.label = "15 x 15 points, stride 16 (NanoTrack V3)"
    after = shown(lab)
    assert all(old != new for old, new in zip(before, after, strict=True))
    assert "A: rectangle, center_ratio 0.6</b>: 20 positive" in after[2], "the other rule keeps its grid"
    assert "B: dla_points, 15 x 15 points, stride 16</b>:" in after[2]
    lab.forms[1].fields["candidates"].value = 300
    assert "candidates must be in 1..225 (grid points), got 300" in lab.controls.message.value
    lab.forms[1].fields["candidates"].value = 9
    lab.forms[1].grid.label = "25 x 25 points, stride 8 (SiamRPN++)"
    assert shown(lab) == before


def test_it_opens_on_the_grid_of_a_tracker():
    nano = recipe("nanotrack_v3")
    lab = explore(rules=(("ellipse", {}), ("dla_points", {})), frame=40, grid=nano.grid)
    assert [form.grid.value for form in lab.forms] == [nano.grid] * 2
    facts = lab.controls.facts.value
    assert "A: ellipse, 15 x 15 points, stride 16</b>: " in facts
    view = explain_frame(
        open_sequence(),
        40,
        {"A": build_assigner("ellipse", nano.grid), "B": build_assigner("dla_points", nano.grid)},
    )
    for side, rule in view.rules.items():
        assert rule.labels.shape == (225,)
        assert re.search(
            rf"{side}: \w+, 15 x 15 points, stride 16</b>: {rule.counts['positive']} positive", facts
        )
    odd = ScoreGrid(9, 16, 63)
    assert explore(grid=odd).forms[0].grid.label == "9 x 9 points, stride 16", "one that no recipe has"


def test_bad_input_leaves_a_message_and_the_last_picture(lab):
    before = shown(lab)
    for widget, value, message in (
        (
            lab.controls.box,
            "1, 2, x, 4",
            "four numbers x, y, w, h in px of the frame, got &#x27;1, 2, x, 4&#x27;",
        ),
        (lab.controls.box, "1, 2, 3, -4", "height -4; both must be above 0"),
        (lab.controls.box, "1000, 2, 3, 4", "outside the frame of 320 x 240 px"),
        (lab.forms[1].fields["candidates"], 9999, "candidates must be in 1..625 (grid points), got 9999"),
        (
            lab.controls.path,
            "nine",
            "a photographic sequence is named by its seed, a whole number, got &#x27;nine&#x27;",
        ),
    ):
        widget.value = value
        assert message in lab.controls.message.value
        assert shown(lab) == before
    lab.forms[1].fields["candidates"].value = 9
    assert lab.controls.message.value == ""


def test_a_rule_without_negative_pairs_says_so(lab):
    lab.controls.pair.value = False
    assert "the rectangle rule has no label for negative pairs" in lab.controls.message.value
    lab.forms[0].name.value = "inside"
    assert lab.controls.message.value == ""
    assert "0 positive   16 negative" in lab.controls.facts.value


def test_the_box_follows_hand_bars_and_annotation(lab):
    annotated = lab.controls.box.value
    for bar in (lab.controls.across, lab.controls.down):
        assert [end % bar.step for end in bar.value] == [0, 0], "a browser has nothing to round"
    lab.controls.box.value = "100, 80, 60, 45"
    assert lab.controls.box.value == "100.00, 80.00, 60.00, 45.00"
    low, high = lab.controls.across.value
    lab.controls.across.value = (low + 10, high + 10)
    x, y, width, height = (float(part) for part in lab.controls.box.value.split(","))
    assert x == pytest.approx(100 + 10 / lab._shown.view.region.scale_xy[0], abs=0.01)
    assert [y, width, height] == pytest.approx([80, 60, 45], abs=0.01)
    low, high = lab.controls.down.value
    lab.controls.down.value = (low, high + 10)  # the upper end is the top
    assert float(lab.controls.box.value.split(",")[1]) < y
    lab.controls.reset.click()
    assert lab.controls.box.value == annotated
    lab.controls.box.value = "100, 80, 60, 45"
    lab.controls.frame.value = 41
    assert not lab.controls.box.value.startswith("100.00"), "another frame has its own annotation"


def test_parts_below_the_picture(lab):
    sizes = {}
    for label in lab.controls.below.options.values():
        lab.controls.below.value = label
        image = cv2.imdecode(np.frombuffer(lab.controls.picture.value, np.uint8), cv2.IMREAD_COLOR)
        assert image.shape[1] == 774
        sizes[label] = image.shape[0]
    assert sizes["both"] == sizes["overlaps"] + 122
    assert sizes["frame"] == 442 + 280


def test_a_notable_frame_can_be_chosen(lab):
    labels = dict(lab.controls.notable.options)
    label = next(label for label in labels if label.startswith("A, most positives"))
    lab.controls.notable.value = labels[label]
    assert lab.controls.frame.value == labels[label]
    assert lab.controls.notable.label == "a notable frame"
    count = label.split("(")[1].rstrip(")")
    assert f"</b>: {count} positive" in lab.controls.facts.value


def test_sequences_are_opened_from_folders_videos_and_seeds(lab, tmp_path):
    folder = write_folder(synthetic_sequence(7, 5, challenges=()), tmp_path)
    lab.controls.source.value = "folder"
    lab.controls.path.value = str(folder)
    assert lab.controls.where.value == "synthetic-0007, frame 0 of 0..4"
    assert lab.controls.frame.max == lab.controls.play.max == 4
    lab.controls.source.value = "synthetic"
    lab.controls.path.value = "3"
    assert lab.controls.where.value == "synthetic-0003, frame 0 of 0..59"
    lab.controls.source.value = "photographic"
    lab.controls.path.value = "4"
    assert lab.controls.where.value == "photographic-0004, frame 0 of 0..59"
    before = shown(lab)
    lab.controls.source.value = "video"
    lab.controls.path.value = str(tmp_path / "none.mp4")
    assert "none.mp4 is neither a folder nor a file" in lab.controls.message.value
    assert shown(lab) == before


def test_a_video_without_boxes_is_shown_whole_until_a_box_is_typed(tmp_path):
    path = tmp_path / "clip.avi"
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*"MJPG"), 10, (320, 240))
    for image in synthetic_sequence(7, 4, challenges=()).frames:
        writer.write(image[..., ::-1])
    writer.release()
    lab = explore(path)
    assert lab.controls.source.value == "video"
    assert "frame 0 has no annotated target; type its box" in lab.controls.message.value
    assert lab.controls.facts.value == ""
    lab.controls.box.value = "100, 80, 60, 45"
    assert lab.controls.message.value == ""
    assert "positive" in lab.controls.facts.value
    lab.controls.frame.value = 2
    assert lab.controls.box.value.startswith("100.00"), "it holds where nothing else is known"
    path.with_suffix(".csv").write_text("".join(f"{100 + n},80,60,45\n" for n in range(4)))
    assert open_sequence(path).boxes_xywh[3].tolist() == [103, 80, 60, 45]


def test_memories_are_bounded(lab):
    for seed in range(70):
        lab.state.show(seed % 60, None, lab.setting._replace(seed=seed))
    for memory in (lab.state._frame, lab.state._view, lab.state.show, lab.state.counts):
        assert memory.cache_info().currsize <= memory.cache_info().maxsize <= 256
    assert lab.state._view.cache_info().currsize == 64


def test_what_cannot_be_opened_at_all():
    absent = Sequence("gone", np.zeros((1, 64, 64, 3), np.uint8), np.full((1, 4), np.nan), np.array([False]))
    assert "no annotated target" in explore(absent).controls.message.value
    for call, message in (
        (lambda: explore(frame=60), r"sequence photographic-0379 has frames 0\.\.59, not 60"),
        (lambda: explore("nowhere"), "nowhere is neither a folder nor a file"),
        (lambda: explore(-1), r"seed of a photographic sequence must be in 0\.\.4294967295, got -1"),
        (lambda: explore(rules=(("circle", {}), ("square", {}))), "no label assigner 'square'"),
    ):
        with pytest.raises(InputError, match=message):
            call()


@pytest.mark.parametrize(
    ("name", "imagery", "shown_as"),
    [
        ("0042", "real", ("photographic", "")),
        ("photographic-0005", "real", ("photographic", "")),
        ("synthetic-0007", "synthetic", ("synthetic", "7")),
    ],
)
def test_a_sequence_of_ones_own_is_no_seed(name, imagery, shown_as):
    """Opening what the controls say must not replace it by a rendered video."""
    sequence = replace(synthetic_sequence(7, 5, challenges=()), name=name, imagery=imagery)
    controls = explore(sequence).controls
    assert (controls.source.value, controls.path.value) == shown_as


def test_a_training_video_is_not_reopened_as_a_held_out_one():
    for split, text in (("train", ""), ("test", "5")):
        controls = explore(photographic_sequence(5, 3, split=split)).controls
        assert (controls.source.value, controls.path.value) == ("photographic", text)


def test_a_path_of_digits_is_a_path(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    write_folder(replace(synthetic_sequence(7, 3, challenges=()), name="42"), tmp_path)
    assert open_sequence(Path("42")).name == "42"
    assert open_sequence("42").name == "photographic-0042"
