"""The laboratory in a notebook without a browser: questions as the page asks them, and the figure of its setting."""

from __future__ import annotations

import io
import re

import numpy as np
import pytest
import torch
from PIL import Image

from dlatrack import ScoreGrid, recipe
from dlatrack.assign import ASSIGNERS, build_assigner, register_assigner
from dlatrack.assign.circle import CircleAssigner
from dlatrack.datasets.folder import write_folder
from dlatrack.datasets.sequence import Sequence
from dlatrack.datasets.synthetic import synthetic_sequence
from dlatrack.errors import InputError
from dlatrack.models.weights import find_weights
from dlatrack.viz.laboratory import explore, picture
from dlatrack.viz.laboratory.contents import Contents
from dlatrack.viz.laboratory.region import place_region
from dlatrack.viz.laboratory.sequences import choice_in_python, open_sequence

GRID = {"size": 25, "stride": 8, "offset": 31}


@pytest.fixture(scope="module")
def lab():
    return explore(frame=40)


@pytest.fixture
def bare() -> Sequence:
    """A video without boxes."""
    frames = np.random.default_rng(1).integers(0, 255, (3, 120, 200, 3), np.uint8)
    return Sequence("<b>bare</b>", frames, np.full((3, 4), np.nan), np.zeros(3, bool))


def ask(lab, **question):
    return lab._questions.reply(question)


def assign(lab, rule: str, **given):
    question = {"kind": "assign", "rule": rule, "options": {}, "grid": GRID, "frame": 40, "seed": 5}
    question |= {"target": lab.contents["targets"][40], "positive_pair": True, "tracker": "siamcar_small"}
    return ask(lab, **question | given)


def test_it_opens_with_rules_targets_and_networks(lab):
    assert lab.setting["frame"] == 40
    first = lab.setting["sides"][0]
    assert (first["id"], first["options"]) == ("rectangle", {"center_ratio": 0.6})
    assert lab.contents["grids"][first["grid"]]["offset"] == 31
    ids = [each["id"] for each in lab.contents["rules"]]
    assert {"simota", "ota", "paa", "tal", "autoassign", "dla_points", "atss_anchors"} <= set(ids)
    assert len(set(ids)) == len(ids)
    names = [name for name, _ in lab.contents["trackers"]]
    assert {"siamcar_small", "dla_nanotrack_v3", "untrained siamrpnpp_small"} <= set(names)
    assert lab.contents["source"] == ""
    assert "export default { render: openWidget }" in lab._esm


def test_a_picture_of_every_frame(lab):
    answer, (content,) = ask(lab, kind="region", frame=3)
    assert answer == {}
    with Image.open(io.BytesIO(content)) as image:
        assert image.size == (255, 255)


def test_positives_along_the_sequence_are_those_of_each_frame(lab):
    frames = [3, 40, 41]
    question = {"rule": "simota", "options": {}, "grid": GRID, "seed": 5, "tracker": "siamcar_small"}
    answer, _ = ask(lab, kind="along", frames=frames, **question)
    for place, frame in enumerate(frames):
        one, buffers = assign(lab, "simota", frame=frame, target=lab.contents["targets"][frame])
        (labels,) = (
            value for (name, _), value in zip(one["arrays"], buffers, strict=True) if name == "labels"
        )
        assert answer["counts"][place] == (np.frombuffer(labels, np.int8) == 1).sum()
        assert (answer["empty"][place], answer["rescued"][place]) == (one["empty"], one["rescued"])


@pytest.mark.parametrize("rule", ["simota", "ota", "paa", "tal", "autoassign"])
def test_rules_with_predictions_are_answered_on_the_grid_of_the_network(lab, rule):
    answer, buffers = assign(lab, rule, tracker="nanotrack_v3")
    grid = recipe("nanotrack_v3").grid
    assert answer["grid"] == {"size": grid.size, "stride": grid.stride, "offset": grid.offset}
    names = [name for name, _ in answer["arrays"]]
    values = dict(zip(names, buffers, strict=True))
    labels = np.frombuffer(values["labels"], np.int8)
    assert labels.shape == (225,)
    assert (labels == 1).any()
    predicted = np.frombuffer(values["predicted"], np.float64)
    best = int(np.frombuffer(values["probability"], np.float64).argmax())
    target = np.array(lab.contents["targets"][40])
    assert predicted[best] > 0.3
    assert np.abs(np.array(answer["best"]) - target).max() < 40, "the network finds the target"


def test_labels_are_those_of_the_rule_with_the_seed_as_key(lab):
    answer, buffers = assign(lab, "dla", options={"candidates": 7})
    assert answer["arrays"][0] == ("labels", "int8")
    target = torch.tensor([lab.contents["targets"][40]], dtype=torch.float64)
    rule = build_assigner("dla_points", ScoreGrid(), candidates=7)
    expected = rule.assign(target, generator=torch.tensor([5])).labels[0].numpy()
    assert (np.frombuffer(buffers[0], np.int8) == expected).all()


def test_what_cannot_be_answered_is_one_line(lab):
    for question, message in (
        ({"rule": "autoassign", "tracker": "siamrpnpp_small"}, "the rule is defined for points"),
        ({"rule": "simota", "tracker": "none"}, "there is no network 'none'"),
        ({"rule": "tal", "options": {"top": 0}}, "top"),
        ({"rule": "rectangle", "positive_pair": False}, "no label for negative pairs"),
    ):
        answer, buffers = assign(lab, **question)
        assert message in answer["error"]
        assert "\n" not in answer["error"]
        assert buffers == []
    assert "no question 'other'" in ask(lab, kind="other")[0]["error"]


def test_rules_of_the_reader_are_answered_too():
    before = dict(ASSIGNERS)
    try:
        register_assigner("wide_circle", CircleAssigner)
        opened = explore(rules=(("wide_circle", {"inner": 30.0, "outer": 40.0}), ("dla_points", {})))
        assert opened.setting["sides"][0]["id"] == "wide_circle"
        answer, buffers = assign(opened, "wide_circle", options={"inner": 30.0, "outer": 40.0})
        assert (np.frombuffer(buffers[0], np.int8) == 1).sum() > 20
        assert "best" not in answer
    finally:
        ASSIGNERS.clear()
        ASSIGNERS.update(before)


def test_a_video_without_boxes_is_boxed_by_hand(bare):
    opened = explore(bare)
    assert opened.contents["targets"] == [None] * 3
    # The frame of 200 x 120 px fills the width of the square of 255 px.
    answer, _ = ask(opened, kind="box", frame=1, target=[76.0, 101.5, 127.0, 152.5])
    assert answer["box"] == pytest.approx([59.5, 39.5, 40, 40])
    assert answer["target"] == place_region(np.array(answer["box"]), 1).target_xyxy.tolist()
    assert not bare.visible.any(), "the reader's sequence stays as it is"
    answer, (content,) = ask(opened, kind="region", frame=1)
    assert content != ask(explore(bare), kind="region", frame=1)[1][0]
    answer, _ = ask(opened, kind="box", frame=0, target=[10.0, 1, 20, 9])
    assert "outside the frame of 200 x 120 px" in answer["error"]


@pytest.mark.parametrize("size", [(1920, 1084), (1280, 723), (720, 576), (33, 200), (200, 33), (64, 64)])
def test_a_drawn_box_is_where_it_is_seen_on_the_whole_frame(size):
    """A white rectangle is found in the picture of the frame, and drawn around."""
    width, height = size
    image = np.zeros((height, width, 3), np.uint8)
    x, y, w, h = width // 4, height // 3, width // 3, height // 2
    image[y : y + h, x : x + w] = 255
    sequence = Sequence("white", image[None], np.full((1, 4), np.nan), np.zeros(1, bool))
    contents = Contents(sequence)
    picture_rgb = np.asarray(Image.open(io.BytesIO(contents.picture(0, 100))))
    rows, columns = (np.flatnonzero(picture_rgb[..., 0].max(axis) > 127) for axis in (1, 0))
    corners = np.array([columns[0], rows[0], columns[-1] + 1, rows[-1] + 1])
    unit = len(picture_rgb) / 255
    drawn = contents.drawn_box(0, corners / unit - 0.5)
    one = max(width, height) / len(picture_rgb)  # frame px of one px of the picture
    np.testing.assert_allclose(drawn, [x - 0.5, y - 0.5, w, h], atol=max(1.0, 1.5 * one))


def test_an_annotated_frame_takes_no_box_by_hand(bare):
    opened = explore(frame=40)
    answer, _ = ask(opened, kind="box", frame=40, xywh=[10, 10, 20, 20])
    assert answer["error"] == "frame 40 of photographic-0379 has an annotated target, which stays"
    opened = explore(bare)
    assert ask(opened, kind="box", frame=0, xywh=[10, 10, 20, 20])[0]["box"] == [10, 10, 20, 20]
    assert ask(opened, kind="box", frame=0)[0] == {"target": None, "box": None}
    assert not opened._questions.contents.sequence.visible[0]


def test_a_box_by_hand_is_kept_for_a_reloaded_page(bare):
    opened = explore(bare)
    opened._answer(None, {"kind": "box", "frame": 1, "target": [76.0, 101.5, 127.0, 152.5], "id": "1"}, [])
    target = opened._questions.contents.targets[1]
    assert opened.contents["targets"] == [None, target, None]
    assert opened.contents["drawn"] == {"1": pytest.approx([59.5, 39.5, 40, 40])}
    kept = opened.contents
    opened._answer(None, {"kind": "box", "frame": 0, "target": [10.0, 1, 20, 9], "id": "2"}, [])
    assert opened.contents == kept, "a box that is refused changes nothing"


def test_snapshots_of_a_training(lab, tmp_path):
    with pytest.raises(InputError, match=r"has no snapshots epochs/epoch_\*\.safetensors"):
        explore(run=tmp_path)
    (tmp_path / "epochs").mkdir()
    for epoch, name in ((1, "siamcar_small"), (12, "dla_siamcar_small")):
        content = find_weights(name).read_bytes()
        (tmp_path / "epochs" / f"epoch_{epoch:03d}.safetensors").write_bytes(content)
    opened = explore(frame=40, run=tmp_path)
    assert opened.contents["snapshots"] == [["epoch 1", "epoch 1"], ["epoch 12", "epoch 12"]]
    assert opened.setting["tracker"] == "epoch 1"
    kept = [assign(opened, "simota", tracker=name)[1][0] for name in ("epoch 1", "epoch 12")]
    assert kept[0] == assign(lab, "simota", tracker="siamcar_small")[1][0]


def test_bad_beginnings(tmp_path):
    with pytest.raises(InputError, match=r"has frames 0\.\.59, not 60"):
        explore(frame=60)
    with pytest.raises(InputError, match="there is no label assigner 'none'"):
        explore(rules=(("none", {}), ("iou", {})))
    with pytest.raises(InputError, match="there is no option 'radius'"):
        explore(rules=(("circle", {"radius": 3}), ("iou", {})))
    with pytest.raises(InputError, match="is neither a folder nor a file"):
        explore(tmp_path / "none")


@pytest.mark.parametrize("seed", [-1, 2**31, "a", 1.5, None])
def test_a_bad_seed_is_told_in_one_line(seed):
    told = re.escape(f"a seed of the laboratory is a whole number in 0..2147483647, got {seed!r}")
    with pytest.raises(InputError, match=f"^{told}$"):
        explore(seed=seed)
    with pytest.raises(InputError, match=f"^{told}$"):
        picture(seed=seed)
    assert explore(seed=2**31 - 1).setting["seed"] == 2**31 - 1


def test_sequences_open_by_seed_folder_and_themselves(tmp_path):
    assert open_sequence("synthetic-7").name == synthetic_sequence(7, 60).name
    assert len(open_sequence(3)) == 60
    sequence = synthetic_sequence(7, 4, challenges=())
    folder = write_folder(sequence, tmp_path)
    assert len(open_sequence(folder)) == 4
    assert choice_in_python(folder, open_sequence(folder)) == repr(str(folder))
    assert open_sequence(sequence) is sequence
    assert choice_in_python(None, open_sequence()) == ""
    assert choice_in_python("synthetic-7", open_sequence("synthetic-7")) == "'synthetic-7'"
    assert choice_in_python(sequence, sequence) is None
    with pytest.raises(InputError, match=r"must be in 0\.\.4294967295, got -1"):
        open_sequence(-1)


def test_a_figure_of_what_is_seen(bare):
    figure = picture(frame=40, rules=(("rectangle", {"center_ratio": 0.6}), ("dla_anchors", {})), seed=5)
    titles = [ax.get_title() for ax in figure.axes]
    assert titles == ["A: SiamCAR: rectangle 0.6", "B: DLA, anchors", "Difference"]
    assert figure.axes[0].get_xlabel().startswith("P 20   N 605")
    assert "in both" in figure.axes[2].get_xlabel()
    assert "photographs, simulated camera" in figure.axes[2].get_xlabel()
    moved = picture(frame=40, target_xyxy=(60, 50.5, 131, 140))
    rule = build_assigner("dla_points", ScoreGrid())
    target = torch.tensor([[60, 50.5, 131, 140]], dtype=torch.float64)
    found = rule.assign(target, generator=torch.tensor([0]))
    assert moved.axes[1].get_xlabel().startswith(f"P {int(found.positive.sum())} ")
    boxed = picture(bare, frame=1, box_xywh=(60, 50, 40, 40))
    assert boxed.axes[0].get_xlabel().startswith("P ")
    predicted = picture(frame=40, rules=(("simota", {}), ("tal", {})), tracker="siamcar_small")
    assert predicted.axes[1].get_xlabel().startswith("P 13 ")


def test_bad_figures(bare):
    with pytest.raises(InputError, match="has no annotated target; give its box_xywh"):
        picture(bare, frame=1)
    with pytest.raises(InputError, match="looks at predictions; give the tracker"):
        picture(rules=(("simota", {}), ("iou", {})))
    with pytest.raises(InputError, match="outside the frame of 200 x 120 px"):
        picture(bare, box_xywh=(300, 0, 4, 4))
    with pytest.raises(ValueError, match="no label for negative pairs"):
        picture(positive_pair=False)
