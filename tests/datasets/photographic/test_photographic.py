"""Photographic clips: truth against pixels, determinism, attributes, and what is refused."""

from __future__ import annotations

import hashlib
import pickle
from dataclasses import replace

import cv2
import numpy as np
import pytest

from dlatrack.boxes import xywh_to_xyxy
from dlatrack.datasets.photographic import photographic_sequence, photographic_sequences, photographs
from dlatrack.datasets.photographic.camera import Pose, framed, mapped, moved, seen
from dlatrack.datasets.photographic.painting import (
    paint_photographic,
    photograph_points,
    render_photographic,
)
from dlatrack.datasets.photographic.parallax import parallax_around
from dlatrack.datasets.photographic.scene import PhotographicScene
from dlatrack.datasets.photographic.surfaces import outlined_surface
from dlatrack.datasets.photographic.targets import diagonal, still_body
from dlatrack.datasets.synthetic.motion import projected
from dlatrack.datasets.synthetic.render import object_points
from dlatrack.datasets.synthetic.scene import CHALLENGES
from dlatrack.datasets.synthetic.truth import coverage

SPLIT_OF = ("train", "test")


def clip_of(seed: int, length: int = 20) -> PhotographicScene:
    sequence = photographic_sequence(seed // 2, length, split=SPLIT_OF[seed % 2])
    clip: PhotographicScene = sequence.frames.draw_scene()  # type: ignore[attr-defined]
    return clip


def tight(mask: np.ndarray, cell: float = 1) -> np.ndarray:
    """Box x, y, x, y of the pixels of a mask, each `cell` px wide."""
    y, x = np.nonzero(mask)
    return np.array([x.min(), y.min(), x.max() + 1, y.max() + 1]) * cell


# By hand.


def upright(length: int) -> Pose:
    return Pose(np.zeros(length), np.zeros(length), np.zeros(length))


@pytest.mark.parametrize("name", ["head", "patch"])
def test_a_camera_that_pans_moves_the_box_of_an_outline_by_exactly_that(name: str) -> None:
    photograph = photographs()["astronaut"]
    outline, surface = photograph.outlines[name], outlined_surface(photograph, name)
    place = np.array([[160.0, 120], [163, 118.5]])
    views = framed(upright(2), np.ones(2), surface.middle, place, (320, 240), photograph.size)
    objects = diagonal(surface.half, 2)
    objects[:, :2, 2] = surface.middle
    track = projected(still_body(surface, 2), views @ objects)
    corner = np.clip(surface.middle - place, 0, photograph.size - [320, 240])  # of the view in the photograph
    expected = np.concatenate([outline.min(0) - corner, outline.max(0) - corner], 1)
    np.testing.assert_allclose(track.bounds_xyxy, expected, atol=1e-9)
    np.testing.assert_allclose(mapped(views, corner[:, None]), 0, atol=1e-9)


def test_a_plane_turned_about_the_vertical_axis_by_hand() -> None:
    pose = replace(upright(1), yaw=np.array([0.5]))
    views = seen(pose, np.full(1, 2.0), (200, 100))
    focal, (sin, cos) = 1.3 * 200, (np.sin(0.5), np.cos(0.5))
    point = np.array([[10.0, 4.0]])
    expected = focal * np.array([20 * cos, 8]) / (focal - 20 * sin)
    np.testing.assert_allclose(mapped(views, point)[0, 0], expected)


def test_a_track_in_perspective_is_the_homography_it_was_made_of() -> None:
    pose = Pose(np.array([0.2, -0.4]), np.array([0.6, -0.5]), np.array([-0.3, 0.5]))
    matrices = moved(np.array([[90.0, 60], [100, 70]])) @ seen(pose, np.full(2, 30.0), (200, 150))
    surface = outlined_surface(photographs()["coffee"], "cup")
    track = projected(still_body(surface, 2), matrices)
    np.testing.assert_allclose(track.outlines, mapped(matrices, surface.shape))
    low, high = np.array([80, 50]), np.array([101, 71])
    points = object_points(track, 1, low, high)
    np.testing.assert_allclose(mapped(matrices[1:], points[3])[0, :, 1], 53.5, atol=1e-4)
    np.testing.assert_allclose(mapped(matrices[1:], points[3])[0, :, 0], np.arange(80.5, 101), atol=1e-4)
    sides = track.polygons - np.roll(track.polygons, -1, axis=1)
    np.testing.assert_allclose((sides[:, 0] * sides[:, 1]).sum(1), 0, atol=1e-9)  # a rectangle ...
    np.testing.assert_allclose(sides[:, 0] + sides[:, 2], 0, atol=1e-9)
    x_axis = sides[:, 0] / np.linalg.norm(sides[:, 0], axis=1, keepdims=True)
    along = np.einsum("tpc,tc->tp", track.outlines, x_axis)
    np.testing.assert_allclose(
        np.ptp(along, axis=1), np.linalg.norm(sides[:, 0], axis=1)
    )  # ... that is tight


def test_the_view_stays_in_the_photograph() -> None:
    rng = np.random.default_rng(0)
    size, photograph = (320, 240), np.array([500, 400])
    for _ in range(30):
        pose = Pose(*rng.uniform(-0.7, 0.7, (3, 4)))
        place = rng.uniform(-200, 600, (4, 2))
        views = framed(pose, np.full(4, 0.3), np.array([250.0, 200]), place, size, photograph, margin=5)
        corners = mapped(np.linalg.inv(views), np.array([[0.0, 0], [320, 0], [320, 240], [0, 240]]))
        assert (corners >= 5 - 1e-6).all()
        assert (corners <= photograph - 5 + 1e-6).all()


def test_parallax_moves_the_target_as_a_plane_and_the_far_background_the_other_way() -> None:
    disparity = np.full((120, 160), 10, np.float32)
    disparity[40:80, 60:100] = 30
    outline = np.array([[65.0, 45], [95, 45], [95, 75], [65, 75]])
    parallax = parallax_around(disparity, outline, np.array([0.0, 0.1]))
    np.testing.assert_allclose(parallax.plane, 0, atol=1e-6)
    places = np.stack(np.meshgrid(np.arange(160) + 0.5, np.arange(120) + 0.5), -1).astype(np.float32)
    np.testing.assert_allclose(parallax.sources(0, places), places)
    moved = parallax.sources(1, places)
    np.testing.assert_allclose(moved[45:75, 65:95], places[45:75, 65:95], atol=5e-3)
    np.testing.assert_allclose(moved[5, 5] - places[5, 5], [20 * parallax.step[1], 0], atol=1e-3)
    assert (np.diff(moved[..., 0], axis=1) > 0).all(), "no points change places"


# Truth against pixels.


@pytest.mark.parametrize("seed", range(60))
def test_the_box_is_that_of_the_drawn_mask_through_all_motions(seed: int) -> None:
    """The mask is found as the renderer finds it: by looking up quarters of pixels in photograph or cut-out."""
    clip = clip_of(seed)
    track, shape = clip.scene.target.track, clip.surfaces[0].shape
    width, height = clip.scene.size
    for index in np.flatnonzero(clip.scene.fractions[0] == 1)[::6].tolist():
        bounds = track.bounds_xyxy[index]
        low, high = np.floor(bounds[:2] * 4).astype(int) - 8, np.ceil(bounds[2:] * 4).astype(int) + 8
        if clip.in_place:
            x, y = np.arange(low[0], high[0]) / 4 + 0.125, np.arange(low[1], high[1]) / 4 + 0.125
            places = np.stack(np.meshgrid(x, y), -1)
            points = (photograph_points(clip, index, places) - clip.surfaces[0].middle) / clip.surfaces[
                0
            ].half
        else:
            fine = replace(track, centre=track.centre * 4, axes=track.axes * 4)
            points = object_points(fine, index, low, high)
        table = np.zeros((2000, 2000), np.uint8)  # the outline at rest, 800 cells per object unit
        cv2.fillPoly(table, [np.rint((shape + 1.25) * 800).astype(np.int32)], 1)
        cells = np.clip(np.rint((points + 1.25) * 800), 0, 1999).astype(int)
        drawn = tight(table[cells[..., 1], cells[..., 0]], 0.25) + np.tile(low / 4, 2)
        np.testing.assert_allclose(drawn, bounds, atol=0.5)
        mask = coverage(track, index, np.zeros(2, int), np.array([width, height]))
        np.testing.assert_allclose(tight(mask > 64), bounds, atol=1)


@pytest.mark.parametrize("seed", range(12))
def test_the_rendered_pixels_are_those_of_the_target(seed: int) -> None:
    """A white target in a black photograph, without other objects, noise and light, is white inside its mask."""
    clip = clip_of(seed, 12)
    photograph = clip.photograph
    image = np.zeros_like(photograph.image)
    if clip.in_place:
        outline = clip.surfaces[0].shape * clip.surfaces[0].half + clip.surfaces[0].middle
        cv2.fillPoly(image, [np.rint((outline - 0.5) * 16).astype(np.int32)], (255, 255, 255), cv2.LINE_8, 4)
    light = replace(clip.scene.light, log_gain=np.zeros(12), slope=np.zeros(2), shadow=0.0)
    scene = replace(clip.scene, distractors=(), occluders=(), exposure=0.0, sensor_noise=0.0, light=light)
    white = replace(clip.surfaces[0], texture=np.full_like(clip.surfaces[0].texture, 255))
    effects = replace(
        clip.camera_effects,
        softness=np.zeros(12),
        gain=np.ones((12, 3)),
        contrast=np.ones(12),
        saturation=1.0,
        quality=0,
    )
    plain = replace(
        clip,
        scene=scene,
        photograph=replace(photograph, image=image),
        surfaces=(white,),
        camera_effects=effects,
    )
    painted = paint_photographic(plain)
    for index in range(0, 12, 4):
        drawn = render_photographic(plain, painted, index)[..., 0]
        mask = coverage(scene.target.track, index, np.zeros(2, int), np.array(scene.size))
        inside, outside = cv2.erode(mask, np.ones((5, 5))) == 255, cv2.dilate(mask, np.ones((5, 5))) == 0
        assert drawn[inside].min(initial=255) > 200
        assert drawn[outside].max(initial=0) < 50


def test_other_objects_pass_behind_a_target_in_its_photograph() -> None:
    checked = 0
    for seed in range(60):
        clip = clip_of(seed)
        if not clip.in_place or not clip.scene.distractors:
            continue
        alone = replace(clip, scene=replace(clip.scene, distractors=()))
        painted = paint_photographic(clip)
        effects = replace(clip.camera_effects, softness=np.zeros(20), quality=0)
        frames = [render_photographic(replace(c, camera_effects=effects), painted, 9) for c in (clip, alone)]
        mask = coverage(clip.scene.target.track, 9, np.zeros(2, int), np.array(clip.scene.size))
        inside = cv2.erode(mask, np.ones((3, 3))) == 255
        np.testing.assert_array_equal(frames[0][inside], frames[1][inside])
        checked += bool((frames[0] != frames[1]).any())
    assert checked >= 5


def test_the_first_frame_shows_the_whole_target() -> None:
    for seed in range(120):
        clip = clip_of(seed)
        inside, shown = (share[0] for share in clip.scene.fractions)
        assert inside == shown == 1
        bounds, extents = clip.scene.target.track.bounds_xyxy[0], clip.scene.target.track.extents[0]
        assert (bounds[:2] >= 1).all()
        assert (bounds[2:] <= np.array(clip.scene.size) - 1).all()
        assert np.sqrt(extents.prod()) >= 12
        assert (extents <= 0.7 * np.array(clip.scene.size)).all()


def test_the_target_is_absent_when_less_than_a_tenth_is_visible() -> None:
    absent = 0
    for seed in range(40):
        sequence = photographic_sequence(seed, 40, split=SPLIT_OF[seed % 2])
        clip = sequence.frames.draw_scene()  # type: ignore[attr-defined]
        for index in range(0, 40, 3):
            visible = sequence.frames.mask(index).sum()  # type: ignore[attr-defined]
            track = clip.scene.target.track
            low = np.floor(track.bounds_xyxy[index, :2]).astype(int) - 1
            high = np.ceil(track.bounds_xyxy[index, 2:]).astype(int) + 1
            share = visible / max((coverage(track, index, low, high) > 127).sum(), 1)
            if abs(share - 0.1) > 0.03:
                assert sequence.visible[index] == (share > 0.1)
            absent += not sequence.visible[index]
        assert np.isnan(sequence.boxes_xywh[~sequence.visible]).all()
        boxes = xywh_to_xyxy(sequence.boxes_xywh[sequence.visible])
        assert (boxes >= 0).all()
        assert (boxes <= [320, 240, 320, 240]).all()
    assert absent > 20


# What clips show.


def test_attributes_hold_what_they_say_and_all_occur() -> None:
    found: set[str] = set()
    for seed in range(60):
        sequence = photographic_sequence(seed, 40, split=SPLIT_OF[seed % 2])
        clip, boxes = sequence.frames.draw_scene(), sequence.boxes_xywh  # type: ignore[attr-defined]
        steps = np.hypot(*np.diff(boxes[:, :2] + boxes[:, 2:] / 2, axis=0).T)
        area = clip.scene.target.track.extents.prod(1)[sequence.visible]
        inside, shown = clip.scene.fractions
        assert ("FM" in sequence.attributes) == bool((steps > 20).any())
        assert ("LR" in sequence.attributes) == bool((area < 400).any())
        assert ("SV" in sequence.attributes) == bool((area > 2 * area[0]).any() or (area < area[0] / 2).any())
        assert ("OV" in sequence.attributes) == bool((inside < 0.95).any())
        assert ("OCC" in sequence.attributes) == bool((shown < 0.9 * inside)[sequence.visible].any())
        if "BC" in sequence.attributes:
            copies = [
                clip.surfaces[layer.number] for layer in clip.scene.distractors if layer.skin == "target"
            ]
            assert copies
            assert all(copy is clip.surfaces[0] for copy in copies)
        found |= set(sequence.attributes)
    assert found == set(CHALLENGES)


def test_clips_of_both_kinds_show_many_objects() -> None:
    for split, least in (("train", 12), ("test", 9)):
        clips = [s.frames.draw_scene() for s in photographic_sequences(80, 0, 4, split=split)]  # type: ignore[attr-defined]
        assert 0.3 < np.mean([clip.in_place for clip in clips]) < 0.7
        assert len({tuple(clip.surfaces[0].middle) for clip in clips}) >= least
        assert {clip.photograph.split for clip in clips} == {split}
        assert any(clip.parallax is not None for clip in clips) == (split == "train")


def test_a_cut_out_does_not_move_over_its_own_photograph() -> None:
    for split in SPLIT_OF:
        for sequence in photographic_sequences(60, 0, 2, split=split):
            clip = sequence.frames.draw_scene()  # type: ignore[attr-defined]
            middles = [
                outlined_surface(clip.photograph, name).middle.tolist() for name in clip.photograph.outlines
            ]
            assert clip.in_place == (clip.surfaces[0].middle.tolist() in middles)


# Determinism.


def digests(seed: int, order: list[int], **options: object) -> dict[int, str]:
    frames = photographic_sequence(seed, 12, (128, 96), **options).frames  # type: ignore[arg-type]
    return {index: hashlib.sha256(frames[index].tobytes()).hexdigest() for index in order}


def test_frames_do_not_depend_on_the_order_they_are_asked_for() -> None:
    order = [0, 7, 3, 11, 5]
    for seed in (3, 4):
        assert digests(seed, order) == digests(seed, order[::-1])
        assert len(set(digests(seed, order).values())) == len(order)
    assert digests(3, [0]) != digests(3, [0], split="test")
    assert digests(3, [0]) != digests(4, [0])


def test_a_pickled_sequence_renders_the_same_bytes() -> None:
    sequence = photographic_sequence(5, 10, split="test")
    data = pickle.dumps(sequence)
    assert len(data) < 10_000, "no pixels in it"
    back = pickle.loads(data)
    np.testing.assert_array_equal(back.frames[4], sequence.frames[4])
    np.testing.assert_array_equal(back.frames[-1], sequence.frames[9])
    np.testing.assert_array_equal(back.boxes_xywh, sequence.boxes_xywh)


def test_many_sequences_are_numbered_by_seed() -> None:
    sequences = photographic_sequences(3, 7, 5, split="test")
    assert [sequence.name for sequence in sequences] == [f"photographic-{seed:04d}" for seed in (7, 8, 9)]
    one = photographic_sequence(8, 5, split="test")
    np.testing.assert_array_equal(sequences[1].boxes_xywh, one.boxes_xywh)
    assert photographic_sequences(0, 7) == []


def test_global_random_state_plays_no_part() -> None:
    state = np.random.get_state()[1].tolist()  # type: ignore[index,union-attr]  # noqa: NPY002
    photographic_sequence(1, 3).frames[2]
    assert np.random.get_state()[1].tolist() == state  # type: ignore[index,union-attr]  # noqa: NPY002


@pytest.mark.parametrize("size", [(64, 64), (64, 200), (480, 270)])
@pytest.mark.parametrize("length", [1, 2, 25])
def test_other_sizes_and_lengths(size: tuple[int, int], length: int) -> None:
    for split in SPLIT_OF:
        for sequence in photographic_sequences(4, 0, length, size, split=split):
            assert len(sequence) == length
            assert sequence.frames[length - 1].shape == (size[1], size[0], 3)
            assert sequence.visible[0]


# Bad input.


def test_numbers_out_of_range_are_refused() -> None:
    with pytest.raises(ValueError, match=r"seed must be in 0\.\.4294967295, got -1"):
        photographic_sequence(-1)
    with pytest.raises(ValueError, match="length must be 1 or more, got 0"):
        photographic_sequence(0, 0)
    with pytest.raises(
        ValueError, match=r"size must be a width and a height of 64 px or more, got \(63, 240\)"
    ):
        photographic_sequence(0, 5, (63, 240))
    with pytest.raises(ValueError, match="split must be train or test, got 'val'"):
        photographic_sequence(0, 5, split="val")
    with pytest.raises(ValueError, match="count must be 0 or more, got -1"):
        photographic_sequences(-1, 0)
    with pytest.raises(IndexError):
        photographic_sequence(0, 5).frames[5]


def test_challenges_that_are_not_drawn():
    """Copies and occluders come from their challenges alone; the same draws decide the rest."""
    plain = photographic_sequences(40, 900, 12, split="test")
    mild = photographic_sequences(40, 900, 12, split="test", without=("BC", "OCC"))
    assert any({"BC", "OCC"} & set(one.attributes) for one in plain)
    assert not any({"BC", "OCC"} & set(one.attributes) for one in mild)
    untouched = [(a, b) for a, b in zip(plain, mild, strict=True) if (a.boxes_xywh == b.boxes_xywh).all()]
    assert untouched
    same = photographic_sequence(900, 12, split="test", without=())
    np.testing.assert_array_equal(same.boxes_xywh, plain[0].boxes_xywh)


@pytest.mark.parametrize("without", ["BC", ("BC", "XY")])
def test_a_challenge_that_is_none_is_named(without):
    with pytest.raises(ValueError, match=r"without must hold names from IV, SV, OCC"):
        photographic_sequence(0, 4, without=without)
