"""Composed videos: truth against pixels, determinism, variety, cut-outs, and what is refused."""

from __future__ import annotations

import hashlib
import pickle
from pathlib import Path

import cv2
import numpy as np
import pytest

from dlatrack.boxes import xywh_to_xyxy
from dlatrack.datasets.composed import composed_sequences
from dlatrack.datasets.composed.appearance import Appearance, draw_appearances, draw_outline, draw_patch
from dlatrack.datasets.composed.camera import CameraEffects
from dlatrack.datasets.composed.cutouts import read_cutouts, read_photographs
from dlatrack.datasets.composed.painting import paint_composed
from dlatrack.datasets.synthetic.render import MASK_REACH, SKIN_REACH, stamp
from dlatrack.datasets.synthetic.textures import landscape
from dlatrack.errors import InputError


def save(path: Path, rgb: np.ndarray) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    assert cv2.imwrite(str(path), rgb[..., ::-1] if rgb.ndim == 3 else rgb)
    return path


@pytest.fixture(scope="module")
def photographs(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    folder = tmp_path_factory.mktemp("photographs")
    sizes = [(160, 240), (240, 160), (128, 192)]
    return [
        save(folder / f"{number}.png", landscape(np.random.default_rng(number), *size))
        for number, size in enumerate(sizes)
    ]


@pytest.fixture(scope="module")
def clips(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A red box of 40 x 24 px with a speck beside it, in four frames of two clips; a third clip has no masks."""
    folder = tmp_path_factory.mktemp("clips")
    for clip in ("first", "second", "without"):
        for frame in range(4):
            image = np.full((90, 120, 3), 70, np.uint8)
            mask = np.zeros((90, 120), np.uint8)
            mask[30:54, 20 + frame : 60 + frame] = 255
            mask[2:5, 2:5] = 255
            image[mask > 0] = (200, 30, 20)
            save(folder / clip / "img" / f"{frame + 1:04d}.png", image)
            if clip != "without":
                save(folder / clip / "mask" / f"{frame + 1:04d}.png", mask)
    return folder


# Cut-outs.


def test_a_cutout_is_the_largest_piece_without_its_border(clips: Path) -> None:
    cutouts = read_cutouts(clips, every=2)
    assert [(c.clip, c.frame) for c in cutouts] == [("first", 0), ("first", 2), ("second", 0), ("second", 2)]
    rgba = cutouts[0].rgba
    assert rgba.shape == (22, 38, 4)
    assert (rgba[..., :3] == (200, 30, 20)).all()
    assert (rgba[1:-1, 1:-1, 3] == 255).all()
    assert (rgba[0, 1:-1, 3] == 191).all(), "three quarters: the edge of a binomial blur"


def test_small_and_empty_masks_are_passed_over(tmp_path: Path) -> None:
    for frame, size in enumerate((0, 17, 18)):
        mask = np.zeros((64, 64), np.uint8)
        mask[10 : 10 + size, 10:50] = 255
        save(tmp_path / "clip" / "img" / f"{frame}.png", np.full((64, 64, 3), 90, np.uint8))
        save(tmp_path / "clip" / "mask" / f"{frame}.png", mask)
    assert [cutout.frame for cutout in read_cutouts(tmp_path, every=1)] == [2]


def test_cutouts_that_cannot_be_read_are_named(clips: Path, tmp_path: Path) -> None:
    with pytest.raises(
        InputError, match="nowhere is not a folder; the folder that holds the clips is needed"
    ):
        read_cutouts(tmp_path / "nowhere")
    with pytest.raises(ValueError, match="every must be 1 or more, got 0"):
        read_cutouts(clips, every=0)
    image = np.zeros((20, 30, 3), np.uint8)
    save(tmp_path / "clip" / "img" / "1.png", image)
    (tmp_path / "clip" / "mask").mkdir()
    with pytest.raises(InputError, match=r"cannot read .*mask/1\.png: No such file"):
        read_cutouts(tmp_path)
    save(tmp_path / "clip" / "mask" / "1.png", np.zeros((10, 30), np.uint8))
    with pytest.raises(InputError, match=r"mask/1\.png is 30 x 10 px, but its image 30 x 20"):
        read_cutouts(tmp_path)


# Appearances.


def test_outlines_fill_their_square() -> None:
    rng = np.random.default_rng(0)
    for _ in range(40):
        shape = draw_outline(rng)
        np.testing.assert_allclose([shape.min(0), shape.max(0)], [[-1, -1], [1, 1]])


def test_a_patch_wears_its_outline() -> None:
    rng = np.random.default_rng(1)
    photograph = landscape(rng, 100, 150)
    corner = np.array([[-1.0, -1], [1, -1], [-1, 1]])
    appearance = draw_patch(rng, photograph, corner, (60, 30))
    assert appearance.rgba.shape == (30, 60, 4)
    assert appearance.rgba[..., 3].mean() == pytest.approx(127.5, rel=0.03), "half of the rectangle"
    assert appearance.log_aspect == pytest.approx(np.log(2))
    windows = np.lib.stride_tricks.sliding_window_view(photograph, (30, 60, 3))
    assert (windows == appearance.rgba[..., :3]).all((-1, -2, -3)).any(), "a piece of the photograph"


def test_a_patch_is_not_larger_than_its_photograph() -> None:
    appearance = draw_patch(
        np.random.default_rng(2),
        np.zeros((64, 80, 3), np.uint8),
        draw_outline(np.random.default_rng(2)),
        (200, 30),
    )
    assert appearance.rgba.shape == (30, 80, 4)


def test_look_alikes_share_their_source(clips: Path) -> None:
    green = np.zeros((100, 100, 3), np.uint8)
    green[..., 1] = 200
    cutouts = read_cutouts(clips)
    kinds = set()
    for seed in range(20):
        family = draw_appearances(np.random.default_rng(seed), [green], cutouts, 3)
        assert len(family) == 3
        channels = {int(member.rgba[..., :3].mean((0, 1)).argmax()) for member in family}
        assert len(channels) == 1, "one change of colour for all"
        sizes = {member.rgba.shape for member in family}
        assert len(sizes) == 1
        kinds.add(sizes.pop() == (22, 38, 4))
    assert kinds == {True, False}, "cut-outs and patches"


# Truth against pixels.


@pytest.mark.parametrize("seed", range(12))
def test_the_box_is_tight_around_the_painted_target(seed: int, photographs: list[Path], clips: Path) -> None:
    sequence = composed_sequences(photographs, read_cutouts(clips), 1, seed, 12)[0]
    composed = sequence.frames.draw_scene()  # type: ignore[attr-defined]
    first = composed.appearances[0].rgba.copy()
    first[..., :3] = 255
    appearances = (Appearance(first, composed.appearances[0].shape), *composed.appearances[1:])
    sprite = paint_composed(composed.scene, appearances, composed.backdrop).sprites[0]
    track = composed.scene.target.track
    width, height = composed.scene.size
    for index in np.flatnonzero(composed.scene.fractions[0] == 1)[::4]:
        black = np.zeros((height, width, 3), np.uint8)
        stamp(black, sprite, track, int(index), np.zeros(2))
        y, x = np.nonzero(black.max(2) > 50)
        drawn = np.array([x.min(), y.min(), x.max() + 1, y.max() + 1])
        tolerance = 2 + 0.03 * np.ptp(drawn[[0, 2]])
        np.testing.assert_allclose(drawn, track.bounds_xyxy[index], atol=tolerance)
        if sequence.visible[index]:
            np.testing.assert_allclose(xywh_to_xyxy(sequence.boxes_xywh[index]), track.bounds_xyxy[index])


def test_a_sprite_covers_its_object_exactly(photographs: list[Path]) -> None:
    composed = composed_sequences(photographs, [], 1, 3, 2)[0].frames.draw_scene()  # type: ignore[attr-defined]
    ramp = np.tile(np.linspace(0, 255, 256).astype(np.uint8)[None, :, None], (256, 1, 4))
    ramp[..., 3] = 255
    appearances = (Appearance(ramp, composed.appearances[0].shape), *composed.appearances[1:])
    sprite = paint_composed(composed.scene, appearances, composed.backdrop).sprites[0]
    cover, skin = sprite.masks[0][..., 0], sprite.skins[0]
    x = ((np.arange(cover.shape[1]) + 0.5) / cover.shape[1] * 2 - 1) * MASK_REACH
    assert (cover[cover.shape[0] // 2, np.abs(x) < 0.95] == 255).all()
    assert (cover[cover.shape[0] // 2, np.abs(x) > 1.05] < 128).all()
    x = ((np.arange(skin.shape[1]) + 0.5) / skin.shape[1] * 2 - 1) * SKIN_REACH
    inside = np.abs(x) < 0.9
    expected = (x[inside] + 1) / 2 * 255
    np.testing.assert_allclose(skin[skin.shape[0] // 2, inside, 0], expected, atol=6)


def test_truth_is_consistent(photographs: list[Path], clips: Path) -> None:
    sequences = composed_sequences(photographs, read_cutouts(clips), 25, 100, 12)
    assert [sequence.name for sequence in sequences[:2]] == ["composed-0100", "composed-0101"]
    for sequence in sequences:
        boxes, seen = sequence.boxes_xywh, sequence.visible
        assert len(sequence) == 12
        assert seen.sum() >= 2, "a pair can be drawn"
        assert np.isnan(boxes[~seen]).all()
        assert (boxes[seen, :2] >= 0).all()
        assert (boxes[seen, 2:] > 0).all()
        size = sequence.frames.draw_scene().scene.size  # type: ignore[attr-defined]
        assert (boxes[seen, :2] + boxes[seen, 2:] <= np.array(size) + 1e-9).all()
        bounds = sequence.frames.draw_scene().scene.target.track.bounds_xyxy  # type: ignore[attr-defined]
        assert ((bounds[:, 2:] - bounds[:, :2]) <= 0.6 * np.array(size) + 1e-9).all()


def test_videos_differ_in_what_they_show(photographs: list[Path], clips: Path) -> None:
    sequences = composed_sequences(photographs, read_cutouts(clips), 50, 500, 12)
    scenes = [sequence.frames.draw_scene().scene for sequence in sequences]  # type: ignore[attr-defined]
    assert {len(scene.distractors) for scene in scenes} == {1, 2, 3}
    assert 0.15 < np.mean([bool(scene.occluders) for scene in scenes]) < 0.45
    assert len({scene.size for scene in scenes}) > 1
    sides = np.array([np.sqrt(np.nanprod(sequence.boxes_xywh[0, 2:])) for sequence in sequences])
    assert sides.min() < 30
    assert sides.max() > 90
    extents = np.array([np.ptp(scene.target.track.outlines[0], axis=0) for scene in scenes])
    aspects = extents[:, 0] / extents[:, 1]
    assert aspects.min() < 0.6
    assert aspects.max() > 1.7


def test_images_are_textured_and_move(photographs: list[Path], clips: Path) -> None:
    for sequence in composed_sequences(photographs, read_cutouts(clips), 5, 900, 12):
        first, last = sequence.frames[0], sequence.frames[11]
        assert first.dtype == np.uint8
        assert first.std() > 8
        assert np.abs(first.astype(int) - last).mean() > 2


# Camera effects.


def test_camera_effects_by_hand() -> None:
    image = np.full((8, 8, 3), (200, 100, 50), np.uint8)
    plain = CameraEffects(np.zeros(1), np.ones((1, 3)), np.ones(1), 1.0, 0)
    assert (plain.apply(image, 0) == image).all()
    flat = CameraEffects(np.zeros(1), np.ones((1, 3)), np.full(1, 0.5), 1.0, 0)
    assert flat.apply(image, 0)[0, 0].tolist() == [164, 114, 89]
    grey = CameraEffects(np.zeros(1), np.ones((1, 3)), np.ones(1), 0.0, 0)
    assert grey.apply(image, 0)[0, 0].tolist() == [
        124,
        124,
        124,
    ]  # 0.299 * 200 + 0.587 * 100 + 0.114 * 50 = 124.2


def test_defocus_and_compression_change_edges_only() -> None:
    image = np.zeros((32, 32, 3), np.uint8)
    image[:, 16:] = 255
    soft = CameraEffects(np.full(1, 1.5), np.ones((1, 3)), np.ones(1), 1.0, 30).apply(image, 0)
    assert 60 < soft[16, 15, 0] < 200
    assert soft[16, 0, 0] < 10
    assert soft[16, 31, 0] > 245


# Determinism.


def test_frames_do_not_depend_on_the_order_they_are_asked_for(photographs: list[Path], clips: Path) -> None:
    def digests(order: list[int]) -> dict[int, str]:
        frames = composed_sequences(photographs, read_cutouts(clips), 1, 7, 12)[0].frames
        return {index: hashlib.sha256(frames[index].tobytes()).hexdigest() for index in order}

    order = [0, 7, 3, 11, 5]
    assert digests(order) == digests(order[::-1])
    assert len(set(digests(order).values())) == len(order)


def test_a_video_depends_on_its_own_seed_alone(photographs: list[Path]) -> None:
    many, one = composed_sequences(photographs, [], 3, 20, 6), composed_sequences(photographs, [], 1, 22, 6)
    assert many[2].name == one[0].name == "composed-0022"
    np.testing.assert_array_equal(many[2].boxes_xywh, one[0].boxes_xywh)
    np.testing.assert_array_equal(many[2].frames[4], one[0].frames[4])
    assert (many[1].boxes_xywh[0] != one[0].boxes_xywh[0]).any()
    back = pickle.loads(pickle.dumps(one[0]))
    np.testing.assert_array_equal(back.frames[5], one[0].frames[5])
    np.testing.assert_array_equal(one[0].frames[-1], one[0].frames[5])


def test_global_random_state_plays_no_part(photographs: list[Path]) -> None:
    state = np.random.get_state()[1].tolist()  # type: ignore[index,union-attr]  # noqa: NPY002
    composed_sequences(photographs, [], 1, 1, 12)[0].frames[2]
    assert np.random.get_state()[1].tolist() == state  # type: ignore[index,union-attr]  # noqa: NPY002


# Bad input.


def test_bad_photographs_are_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="there is no photograph"):
        composed_sequences([], [], 1, 0)
    with pytest.raises(InputError, match=r"cannot read .*none\.jpg: No such file"):
        read_photographs([tmp_path / "none.jpg"])
    (tmp_path / "text.jpg").write_text("no picture")
    with pytest.raises(InputError, match=r"text\.jpg is not a readable, complete JPEG or PNG image"):
        read_photographs([tmp_path / "text.jpg"])
    small = save(tmp_path / "small.png", np.zeros((63, 80, 3), np.uint8))
    with pytest.raises(InputError, match=r"small\.png is 80 x 63 px; a photograph needs 64 px a side"):
        read_photographs([small])


@pytest.mark.parametrize("arguments", [(-1, 0, 20), (1, -1, 20), (1, 0, 1), (2, 2**32 - 1, 20)])
def test_numbers_out_of_range_are_refused(photographs: list[Path], arguments: tuple[int, int, int]) -> None:
    with pytest.raises(ValueError, match="count must be 0 or more, length 2 or more and seed 0 or more, got"):
        composed_sequences(photographs, [], *arguments)


def test_frames_outside_the_video_are_refused(photographs: list[Path]) -> None:
    frames = composed_sequences(photographs, [], 1, 0, 3)[0].frames
    with pytest.raises(IndexError):
        frames[3]
    assert composed_sequences(photographs, [], 0, 0) == []
