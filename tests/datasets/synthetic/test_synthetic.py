from __future__ import annotations

import hashlib
import pickle
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dlatrack.boxes import xywh_to_xyxy
from dlatrack.datasets.synthetic import CHALLENGES, motion, synthetic_sequence, synthetic_sequences
from dlatrack.datasets.synthetic.light import Light
from dlatrack.datasets.synthetic.render import paint_synthetic, stamp

SQUARE = np.array([[-1.0, -1], [1, -1], [1, 1], [-1, 1]])


def digest(frames: object, order: list[int]) -> dict[int, str]:
    return {i: hashlib.sha256(frames[i].tobytes()).hexdigest() for i in order}  # type: ignore[index]


# Geometry, by hand.


def test_a_square_turned_by_45_degrees() -> None:
    half = np.full((1, 2), 10.0)
    track = motion.rigid(SQUARE, np.array([[50.0, 40.0]]), motion.axes(half, np.array([np.pi / 4])))
    reach = 10 * np.sqrt(2)
    np.testing.assert_allclose(track.bounds_xyxy, [[50 - reach, 40 - reach, 50 + reach, 40 + reach]])
    polygon = [[50, 40 - reach], [50 + reach, 40], [50, 40 + reach], [50 - reach, 40]]
    np.testing.assert_allclose(track.polygons, [polygon])


def test_fractions_of_a_square_half_outside_and_a_quarter_covered() -> None:
    def square(x: float, y: float, half: float) -> motion.Track:
        frame = motion.axes(np.full((1, 2), half), np.zeros(1))
        return motion.rigid(SQUARE, np.array([[x, y]]), frame)

    inside, shown = motion.shown_fractions(square(0, 50, 20), [], (100, 100))
    np.testing.assert_allclose([inside, shown], 0.5, atol=0.03)
    inside, shown = motion.shown_fractions(square(50, 50, 20), [square(60, 60, 10)], (100, 100))
    np.testing.assert_allclose([inside[0], shown[0]], [1, 0.75], atol=0.03)
    inside, shown = motion.shown_fractions(square(-50, 50, 20), [], (100, 100))
    assert inside[0] == shown[0] == 0


def test_bent_outline_solves_its_equation() -> None:
    rng = np.random.default_rng(0)
    wave, phase = np.array([[3.0, 0], [0, 3.0]]), rng.uniform(0, 6, (5, 2))
    body = motion.Body(motion.random_outline(rng), np.full(5, 0.2), wave, phase, np.zeros(5))
    rest = body.outlines + body.bend(slice(None), body.outlines)
    np.testing.assert_allclose(rest, np.broadcast_to(body.shape, rest.shape), atol=5e-4)


def test_drift_starts_at_zero_and_reaches_its_swing() -> None:
    values = motion.drift(np.random.default_rng(1), 40, 10, 0.7, sign=-1)
    assert values[0] == 0
    assert values.min() == pytest.approx(-0.7)
    assert np.abs(values).max() == pytest.approx(0.7)
    assert motion.drift(np.random.default_rng(1), 1, 10, 0.7) == pytest.approx(0)


def test_fit_moves_and_shrinks_a_path_into_its_room() -> None:
    path = np.array([[0.0, 5], [10, 6], [40, 7]])
    np.testing.assert_allclose(
        motion.fit(path, np.array([10.0, 0]), np.array([20.0, 6])), [[10, 4], [12.5, 5], [20, 6]]
    )


def test_outlines_fill_their_square() -> None:
    rng = np.random.default_rng(2)
    for _ in range(30):
        shape = motion.random_outline(rng)
        np.testing.assert_allclose([shape.min(0), shape.max(0)], [[-1, -1], [1, 1]])


def test_light_by_hand() -> None:
    heading = np.array([1.0, 0])
    light = Light((100, 50), np.log([1.0, 2.0]), np.array([0.2, 0]), 0.5, heading, np.array([-1e4, 1e4]))
    points = np.array([[100.0, 25], [50, 25]])
    np.testing.assert_allclose(light.at(0, points), [1.1, 1.0])
    np.testing.assert_allclose(light.at(slice(None), points), [1.1, 1.0])  # doubled, then half in the shadow


# Determinism.


def test_frames_do_not_depend_on_the_order_they_are_asked_for() -> None:
    order = [0, 7, 3, 11, 5]
    first = digest(synthetic_sequence(3, length=12, size=(128, 96)).frames, order)
    second = digest(synthetic_sequence(3, length=12, size=(128, 96)).frames, order[::-1])
    assert first == second
    assert len(set(first.values())) == len(order)
    assert first != digest(synthetic_sequence(4, length=12, size=(128, 96)).frames, order)


def test_a_pickled_sequence_renders_the_same_bytes() -> None:
    sequence = synthetic_sequence(5, length=10, size=(96, 96))
    back = pickle.loads(pickle.dumps(sequence))
    np.testing.assert_array_equal(back.frames[4], sequence.frames[4])
    np.testing.assert_array_equal(back.boxes_xywh, sequence.boxes_xywh)


def test_global_random_state_plays_no_part() -> None:
    state = np.random.get_state()[1].tolist()  # type: ignore[index,union-attr]  # noqa: NPY002
    synthetic_sequence(1, length=3).frames[2]
    assert np.random.get_state()[1].tolist() == state  # type: ignore[index,union-attr]  # noqa: NPY002


def test_many_sequences_are_numbered_by_seed() -> None:
    sequences = synthetic_sequences(3, 7, length=5)
    assert [sequence.name for sequence in sequences] == ["synthetic-0007", "synthetic-0008", "synthetic-0009"]
    np.testing.assert_array_equal(sequences[1].boxes_xywh, synthetic_sequence(8, length=5).boxes_xywh)
    assert synthetic_sequences(0, 7) == []


# Truth against pixels.


@pytest.mark.parametrize("seed", range(12))
def test_box_is_tight_around_the_rendered_target(seed: int) -> None:
    sequence = synthetic_sequence(seed, length=20)
    scene = sequence.frames.scene
    sprite = paint_synthetic(scene, None).sprites[0]
    track = scene.target.track
    sprite = replace(sprite, skins=tuple(np.full_like(level, 255) for level in sprite.skins))
    whole = np.flatnonzero(
        scene.fractions[0] == 1
    )  # where the image cuts the target, the box is cut, not the outline
    for index in whole[:: len(whole) // 3]:
        black = np.zeros((240, 320, 3), np.uint8)
        stamp(black, sprite, track, index, np.zeros(2))
        y, x = np.nonzero(black.max(2) > 50)
        drawn = np.array([x.min(), y.min(), x.max() + 1, y.max() + 1])
        np.testing.assert_allclose(drawn, track.bounds_xyxy[index], atol=2)
        if sequence.visible[index]:
            np.testing.assert_allclose(xywh_to_xyxy(sequence.boxes_xywh[index]), track.bounds_xyxy[index])


def test_target_changes_the_pixels_inside_its_box_only() -> None:
    sequence = synthetic_sequence(11, length=4, challenges=())
    scene = sequence.frames.scene
    painting = paint_synthetic(scene, None)
    image = np.full((240, 320, 3), 90, np.uint8)
    stamp(image, painting.sprites[0], scene.target.track, 0, np.zeros(2))
    x, y, w, h = np.rint(sequence.boxes_xywh[0]).astype(int)
    changed = (image != 90).any(2)
    assert changed[y : y + h, x : x + w].mean() > 0.4
    changed[max(y - 2, 0) : y + h + 2, max(x - 2, 0) : x + w + 2] = False
    assert not changed.any()


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 2**32 - 1), st.integers(1, 50), st.sampled_from([(320, 240), (160, 200), (64, 64)]))
def test_truth_is_consistent(seed: int, length: int, size: tuple[int, int]) -> None:
    sequence = synthetic_sequence(seed, length, size)
    boxes, seen = sequence.boxes_xywh, sequence.visible
    scene = sequence.frames.scene
    bounds = scene.target.track.bounds_xyxy
    assert len(sequence) == length
    assert sequence.polygons is not None
    assert sequence.polygons.shape == (length, 4, 2)
    assert seen[0]
    assert scene.fractions[1][0] > 0.99  # uncovered
    assert (bounds[0, :2] >= 0).all()
    assert (bounds[0, 2:] <= size).all()
    assert np.isnan(boxes[~seen]).all()
    assert np.isnan(sequence.polygons[~seen]).all()
    assert (boxes[seen, :2] >= 0).all()
    assert (boxes[seen, 2:] > 0).all()
    assert (boxes[seen, :2] + boxes[seen, 2:] <= np.array(size) + 1e-9).all()
    assert set(sequence.attributes) <= set(CHALLENGES)
    np.testing.assert_array_equal(seen, scene.fractions[1] >= 0.1)


@pytest.mark.parametrize("name", sorted(CHALLENGES))
def test_a_chosen_challenge_shows_in_the_attributes(name: str) -> None:
    sequences = synthetic_sequences(15, 40, challenges=(name,))
    assert sum(name in sequence.attributes for sequence in sequences) >= 12


def test_without_challenges_nothing_happens() -> None:
    assert all(sequence.attributes == () for sequence in synthetic_sequences(15, 0, challenges=()))


def test_attributes_occur_about_as_often_as_in_otb() -> None:
    sequences = synthetic_sequences(150, 1000)
    for name, share in CHALLENGES.items():
        found = np.mean([name in sequence.attributes for sequence in sequences])
        assert abs(found - share) < 0.17, name
    absent = np.concatenate([~sequence.visible for sequence in sequences]).mean()
    assert 0.01 < absent < 0.12
    sides = [np.sqrt(sequence.boxes_xywh[0, 2:].prod()) for sequence in sequences]
    assert 30 < np.median(sides) < 75


def test_attributes_follow_their_definitions() -> None:
    for sequence in synthetic_sequences(40, 2000):
        scene = sequence.frames.scene
        boxes, seen = sequence.boxes_xywh, sequence.visible
        area = np.prod(scene.target.track.bounds_xyxy @ [[-1, 0], [0, -1], [1, 0], [0, 1]], 1)[seen]
        ratio = np.maximum(area / area[0], area[0] / area).max()
        assert ("SV" in sequence.attributes) == (ratio > 2)
        steps = np.linalg.norm(np.diff(boxes[:, :2] + boxes[:, 2:] / 2, axis=0), axis=1)
        assert ("FM" in sequence.attributes) == (np.nanmax(steps) > 20)
        assert ("LR" in sequence.attributes) == (area.min() < 400)
        assert ("OV" in sequence.attributes) == (scene.fractions[0].min() < 0.95)


# Look.


def test_images_are_textured_varied_and_moving() -> None:
    sequences = synthetic_sequences(6, 30, length=10)
    images = [sequence.frames[0] for sequence in sequences]
    for sequence, image in zip(sequences, images, strict=True):
        assert image.shape == (240, 320, 3)
        assert image.dtype == np.uint8
        grey = cv2.cvtColor(image, cv2.COLOR_RGB2GRAY).astype(float)
        assert grey.std() > 8
        x, y, w, h = np.rint(sequence.boxes_xywh[0]).astype(int)
        assert grey[y : y + h, x : x + w].std() > 4
        assert np.abs(sequence.frames[9].astype(int) - image).mean() > 2
    means = np.array([image.mean((0, 1)) for image in images])
    assert np.linalg.norm(means[:, None] - means, axis=2)[np.triu_indices(6, 1)].min() > 1


def test_blur_spreads_the_target_along_its_smear() -> None:
    scene = synthetic_sequence(11, length=4, challenges=()).frames.scene
    sprite = paint_synthetic(scene, None).sprites[0]
    sharp, smeared = (np.full((240, 320, 3), 90, np.uint8) for _ in range(2))
    stamp(sharp, sprite, scene.target.track, 0, np.zeros(2))
    stamp(smeared, sprite, scene.target.track, 0, np.array([16.0, 0]))
    columns = [np.flatnonzero((image != 90).any((0, 2))) for image in (sharp, smeared)]
    rows = [np.flatnonzero((image != 90).any((1, 2))) for image in (sharp, smeared)]
    assert 6 <= np.ptp(columns[1]) - np.ptp(columns[0]) <= 18
    assert abs(np.ptp(rows[1]) - np.ptp(rows[0])) <= 2


def test_photographs_are_used() -> None:
    red = np.zeros((200, 300, 3), np.uint8)
    red[..., 0] = 180
    plain = synthetic_sequences(8, 0, length=1)
    photos = synthetic_sequences(8, 0, length=1, textures=[red])
    share = np.mean([_reddish(photo.frames[0]) for photo in photos])
    assert 0.3 < share < 1
    np.testing.assert_array_equal(photos[0].boxes_xywh, plain[0].boxes_xywh)


def _reddish(image: np.ndarray) -> bool:
    return bool(np.median(image[..., 0]) > 100 and np.median(image[..., 1:]) < 20)


def test_photographs_from_the_shared_folder(shared_data: Path) -> None:
    paths = sorted((shared_data / "stills").glob("*.jpg"))[:2]
    stills = [cv2.imread(str(path))[..., ::-1] for path in paths]
    assert synthetic_sequence(1, length=2, textures=stills).frames[1].shape == (240, 320, 3)


# Bad input.


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"seed": -1}, r"seed must be in 0..4294967295, got -1"),
        ({"length": 0}, r"length must be 1 or more, got 0"),
        ({"size": (320, 63)}, r"64 px or more, got \(320, 63\)"),
        ({"challenges": ("XX",)}, r"challenges must be names from IV, SV.*got \('XX',\)"),
        ({"challenges": "OV"}, r"challenges must be names"),
        ({"textures": []}, r"at least one photograph"),
        ({"textures": [np.zeros((40, 40, 3))]}, r"texture 0 must be .* got float64 \(40, 40, 3\)"),
        ({"textures": [np.zeros((40, 40), np.uint8)]}, r"texture 0 must be"),
    ],
)
def test_bad_arguments_are_refused(arguments: dict, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        synthetic_sequence(**{"seed": 0, **arguments})


def test_frames_outside_the_video_are_refused() -> None:
    frames = synthetic_sequence(0, length=3).frames
    np.testing.assert_array_equal(frames[-1], frames[2])
    with pytest.raises(IndexError, match="frame 3 of a video with 3 frames"):
        frames[3]
    with pytest.raises(ValueError, match="count must be 0 or more, got -1"):
        synthetic_sequences(-1, 0)


@pytest.mark.parametrize("challenge", ["DEF", "OCC"])
def test_the_mask_is_the_visible_part_of_the_target(challenge: str) -> None:
    sequence = synthetic_sequence(16, 20, challenges=(challenge,))
    frames = sequence.frames
    covered = 0
    for index in np.flatnonzero(sequence.visible):
        mask = frames.mask(int(index))  # type: ignore[attr-defined]
        x, y, width, height = sequence.boxes_xywh[index]
        rows, columns = np.nonzero(mask)
        assert columns.min() >= x - 1
        assert columns.max() <= x + width + 1
        assert rows.min() >= y - 1
        assert rows.max() <= y + height + 1
        assert mask.sum() <= 1.05 * width * height
        covered += mask.sum() < 0.3 * width * height
        if challenge == "DEF":
            assert np.ptp(columns) + 1 == pytest.approx(width, abs=2.5)
            assert np.ptp(rows) + 1 == pytest.approx(height, abs=2.5)
    assert (covered > 0) == (challenge == "OCC")
    assert (frames.mask(-1) == frames.mask(19)).all()  # type: ignore[attr-defined]
