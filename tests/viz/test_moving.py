"""Moving pictures: their layout and bytes, the numbers above them, and bad input."""

from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image

from dlatrack import ScoreGrid, build_assigner
from dlatrack.datasets.synthetic import synthetic_sequence
from dlatrack.errors import InputError
from dlatrack.pixels.colours import POSITIVE_COLOUR
from dlatrack.pixels.text import rgb
from dlatrack.viz.laboratory.region import centred_region
from dlatrack.viz.moving import positives_and_track

RULE = build_assigner("dla_points", ScoreGrid())


def test_a_centred_region_by_hand() -> None:
    """A box of 40 x 40 px has a context of 80 px, which fill the template's 127: 127 / 80 region px for each."""
    region = centred_region(np.array([100.0, 60.0, 40.0, 40.0]))
    np.testing.assert_allclose(region.scale_xy, 127 / 80)
    np.testing.assert_allclose(region.target_xyxy, [127 - 31.75, 127 - 31.75, 127 + 31.75, 127 + 31.75])
    np.testing.assert_allclose(region.from_frame(np.array([100.0, 60.0, 40.0, 40.0])), region.target_xyxy)
    np.testing.assert_allclose(region.to_frame(region.target_xyxy), [100, 60, 40, 40])


def test_pictures_of_one_size_and_the_same_bytes_again() -> None:
    sequence = synthetic_sequence(7, 4, challenges=())
    moving = positives_and_track(sequence, RULE, sequence.boxes_xywh, "truth", every=1, fps=8)
    assert {picture.shape for picture in moving.pictures} == {(24 + 382 + 20, 382 + 10 + 509, 3)}
    content = moving.webp
    assert content == positives_and_track(sequence, RULE, sequence.boxes_xywh, "truth", every=1, fps=8).webp
    with Image.open(io.BytesIO(content)) as image:
        assert (image.format, image.n_frames, image.info["loop"]) == ("WEBP", 3, 0)
        image.seek(1)
        image.load()
        assert image.info["duration"] == 125
    assert len(positives_and_track(sequence, RULE, sequence.boxes_xywh, "truth").pictures) == 2, (
        "frames 1 and 3"
    )
    assert 'src="data:image/webp;base64,' in moving._repr_html_()


def test_the_picture_follows_the_target_and_the_tracked_box() -> None:
    """Another tracked box moves the region of the next frame, and is drawn in its own; frame 0 has no picture."""
    sequence = synthetic_sequence(7, 3, challenges=())
    boxes = sequence.boxes_xywh.copy()
    before = positives_and_track(sequence, RULE, boxes, "T", every=1).pictures
    boxes[1, :2] += 20
    after = positives_and_track(sequence, RULE, boxes, "T", every=1).pictures
    left, right = slice(0, 382), slice(392, None)
    assert (before[0][:, left] == after[0][:, left]).all()
    assert (before[0][:, right] != after[0][:, right]).any()
    assert (before[1][24:, left] != after[1][24:, left]).any()
    assert (before[1][:, right] == after[1][:, right]).all()


def test_one_frame_makes_one_picture() -> None:
    sequence = synthetic_sequence(7, 1, challenges=())
    assert len(positives_and_track(sequence, RULE, sequence.boxes_xywh, "T").pictures) == 1


def test_bad_input_is_named() -> None:
    sequence = synthetic_sequence(7, 3, challenges=())
    with pytest.raises(
        InputError, match=r"synthetic-0007 has 3 frames and 2 tracked boxes; one for each is needed"
    ):
        positives_and_track(sequence, RULE, np.ones((2, 4)), "T")
    boxes = np.ones((3, 4))
    boxes[1, 2] = 0
    with pytest.raises(InputError, match=r"tracked in frame 1 of synthetic-0007 has no area"):
        positives_and_track(sequence, RULE, boxes, "T")
    for settings in ({"every": 0}, {"fps": 0.0}, {"fps": -1.0}):
        with pytest.raises(ValueError, match="every must be 1 or more and fps more than 0"):
            positives_and_track(sequence, RULE, sequence.boxes_xywh, "T", **settings)


def test_an_absent_target_has_no_positives() -> None:
    sequence = synthetic_sequence(7, 2, challenges=())
    boxes = sequence.boxes_xywh.copy()
    green = np.array(rgb(POSITIVE_COLOUR))
    for visible in (True, False):
        object.__setattr__(sequence, "visible", np.array([True, visible]))
        (picture,) = positives_and_track(sequence, RULE, boxes, "T", every=1).pictures
        assert (picture[:, :382] == green).all(2).any() == visible
