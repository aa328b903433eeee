from __future__ import annotations

import pickle
from dataclasses import replace
from functools import partial
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn

from dlatrack.datasets.synthetic import synthetic_sequence
from dlatrack.errors import InputError
from dlatrack.models.heads import HeadOutput
from dlatrack.models.siamese import build_model
from dlatrack.models.weights import load_weights, save_weights
from dlatrack.recipes import NetConfig, recipe
from dlatrack.tracking.online import OnlineTracker


class CannedNet(nn.Module):
    """Answers step i with the numbers of generator 100 + i, and remembers what it was shown."""

    def __init__(self) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.zeros(1))
        self.templates: list[Tensor] = []
        self.searches: list[Tensor] = []

    def template(self, z: Tensor) -> list[Tensor]:
        self.templates.append(z)
        return [z + self.weight]

    def search(self, x: Tensor, features: list[Tensor]) -> HeadOutput:
        assert not self.training
        assert not torch.is_grad_enabled()
        rng = np.random.default_rng(100 + len(self.searches))
        self.searches.append(x)
        cls = rng.standard_normal((1, 2, 25, 25))
        reg = np.exp(3.2 + 0.3 * rng.standard_normal((1, 4, 25, 25)))
        centerness = rng.standard_normal((1, 1, 25, 25))
        return HeadOutput(*(torch.from_numpy(part).float() for part in (cls, reg, centerness)))


def noise(height: int, width: int) -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (height, width, 3), dtype=np.uint8)


def test_the_network_sees_crops_in_its_own_format() -> None:
    image = noise(300, 400)
    image[:] = (200, 100, 50)
    net = CannedNet().train()
    tracker = OnlineTracker(net, recipe("siamcar"))
    tracker.init(image, np.array([100, 100, 60, 40]))
    tracker.update(image)
    assert net.templates[0].shape == (1, 3, 127, 127)
    assert net.searches[0].shape == (1, 3, 255, 255)
    assert net.templates[0][0, :, 60, 60].tolist() == [50, 100, 200]  # BGR
    assert net.searches[0].unique().tolist() == [50, 100, 200]


def test_the_template_shows_the_context_square() -> None:
    image = noise(400, 400)
    net = CannedNet()
    OnlineTracker(net, recipe("siamcar")).init(image, np.array([168, 168, 63.5, 63.5]))  # square of 127 px
    expected = image[136:263, 136:263, ::-1].transpose(2, 0, 1)
    assert np.array_equal(net.templates[0][0].numpy(), expected)


@pytest.mark.parametrize("benchmark", ["OTB100", "UAV123", "LaSOT"])
def test_twenty_frames_agree_with_the_public_code(shared_data: Path, benchmark: str) -> None:
    answer = np.load(shared_data / "parity" / "siamcar_r50.npz")
    small = np.random.default_rng(7).integers(0, 256, (45, 60, 3)).astype(np.uint8)
    image = cv2.resize(small, (480, 360), interpolation=cv2.INTER_NEAREST)
    net = CannedNet()
    tracker = OnlineTracker(net, recipe("siamcar"), benchmark=benchmark)
    # The answers were made from the box 200, 150, 60, 40 with its centre at x + (w - 1)/2; ours is at x + w/2.
    tracker.init(image[..., ::-1], np.array([199.5, 149.5, 60, 40]))
    boxes = np.array([tracker.update(image[..., ::-1])[0] for _ in range(20)])
    assert np.abs(boxes - answer[f"traj_{benchmark}"]).max() < 1e-4
    assert np.abs(net.templates[0].numpy() - answer["z_crop"].astype(np.float32)).max() <= 1


def test_same_frames_same_answers_and_init_starts_anew() -> None:
    image, net = noise(200, 200), build_model(recipe("siamcar_small"))
    tracker = OnlineTracker(net, recipe("siamcar_small"))
    runs = []
    for box in ([50, 50, 40, 30], [120, 90, 20, 60], [50, 50, 40, 30]):
        tracker.init(image, np.array(box))
        runs.append([tracker.update(image[::step]) for step in (1, -1)])
    assert np.array_equal(runs[0][1][0], runs[2][1][0])
    assert runs[0][1][1] == runs[2][1][1]
    assert not np.array_equal(runs[0][1][0], runs[1][1][0])
    assert 0 <= runs[0][0][1] <= 1


@settings(max_examples=25, deadline=None)
@given(
    image_wh=st.sampled_from([(1, 1), (7, 300), (640, 360), (4000, 30)]),
    x=st.floats(-0.5, 1),
    y=st.floats(-0.5, 1),
    width=st.sampled_from([0.2, 1.0, 33.3, 4000.0]),
    height=st.sampled_from([0.2, 1.0, 33.3, 4000.0]),
    benchmark=st.sampled_from(sorted(recipe("siamcar").online)),
)
def test_any_box_that_touches_the_image_can_be_tracked(
    image_wh: tuple[int, int], x: float, y: float, width: float, height: float, benchmark: str
) -> None:
    image = np.full((image_wh[1], image_wh[0], 3), 90, np.uint8)
    left = min(max(x * image_wh[0], 0.01 - width), image_wh[0] - 0.01)
    top = min(max(y * image_wh[1], 0.01 - height), image_wh[1] - 0.01)
    tracker = OnlineTracker(CannedNet(), recipe("siamcar"), benchmark=benchmark)
    tracker.init(image, np.array([left, top, width, height]))
    for _ in range(3):
        box, score = tracker.update(image)
        assert box.shape == (4,)
        assert box.dtype == np.float64
        assert np.isfinite(box).all()
        assert (box[2:] >= 1).all()
        assert (box[2:] <= image_wh).all()
        assert 0 <= score <= 1


def test_a_target_as_large_as_a_4000_pixel_image() -> None:
    image = np.zeros((3000, 4000, 3), np.uint8)
    tracker = OnlineTracker(CannedNet(), recipe("siamcar"))
    tracker.init(image, np.array([0, 0, 4000, 3000]))
    assert np.isfinite(tracker.update(image)[0]).all()


@pytest.mark.parametrize(
    ("image", "found"),
    [
        (np.zeros((40, 50), np.uint8), r"\(40, 50\) uint8"),
        (np.zeros((40, 50, 1), np.uint8), r"\(40, 50, 1\) uint8"),
        (np.zeros((40, 50, 4), np.uint8), r"\(40, 50, 4\) uint8"),
        (np.zeros((40, 50, 3), np.float32), r"\(40, 50, 3\) float32"),
        ([[[0, 0, 0]]], "list"),
        (None, "NoneType"),
    ],
)
def test_images_of_another_form_are_refused(image: object, found: str) -> None:
    tracker = OnlineTracker(CannedNet(), recipe("siamcar"))
    with pytest.raises(InputError, match=rf"must be an \(H, W, 3\) uint8 RGB array, got {found}"):
        tracker.init(image, np.array([1, 1, 5, 5]))
    tracker.init(noise(40, 50), np.array([1, 1, 5, 5]))
    with pytest.raises(InputError, match="uint8 RGB array"):
        tracker.update(image)


def test_an_image_without_pixels_is_refused() -> None:
    with pytest.raises(InputError, match=r"at least one pixel, got \(0, 5, 3\)"):
        OnlineTracker(CannedNet(), recipe("siamcar")).init(noise(0, 5), np.array([1, 1, 5, 5]))


def test_a_refused_box_leaves_the_last_target() -> None:
    image = noise(60, 60)
    tracker = OnlineTracker(CannedNet(), recipe("siamcar"))
    tracker.init(image, np.array([10, 10, 20, 20]))
    with pytest.raises(InputError, match="lies outside the 60 x 60 image"):
        tracker.init(image, np.array([100, 10, 20, 20]))
    assert np.isfinite(tracker.update(image)[0]).all()


def test_update_needs_init() -> None:
    with pytest.raises(ValueError, match="call init"):
        OnlineTracker(CannedNet(), recipe("siamcar")).update(noise(9, 9))


def test_unusable_weights_are_named() -> None:
    class BrokenNet(CannedNet):
        def search(self, x: Tensor, features: list[Tensor]) -> HeadOutput:
            output = super().search(x, features)
            return output._replace(reg=output.reg * torch.inf)

    tracker = OnlineTracker(BrokenNet(), recipe("siamcar"))
    tracker.init(noise(60, 60), np.array([10, 10, 20, 20]))
    with pytest.raises(InputError, match="not finite; its weights are unusable"):
        tracker.update(noise(60, 60))


def boxes_of(tracker: OnlineTracker) -> np.ndarray:
    video = synthetic_sequence(5, 4, challenges=())
    tracker.init(video.frames[0], video.boxes_xywh[0])
    return np.array([tracker.update(video.frames[index])[0] for index in range(1, 4)])


def test_weights_are_taken_by_name_and_by_file(tmp_path: Path) -> None:
    net, chosen = load_weights("dla_siamcar_small")
    expected = boxes_of(OnlineTracker(net, chosen, benchmark="UAV123"))
    save_weights(tmp_path / "mine.safetensors", net, chosen, {})
    for place in ("dla_siamcar_small", tmp_path / "mine.safetensors", str(tmp_path / "mine.safetensors")):
        tracker = OnlineTracker.from_weights(place, benchmark="UAV123")
        assert tracker.recipe == chosen
        assert np.array_equal(boxes_of(tracker), expected)
    factory = pickle.loads(pickle.dumps(partial(OnlineTracker.from_weights, place, benchmark="UAV123")))
    assert np.array_equal(boxes_of(factory()), expected)
    with pytest.raises(
        InputError,
        match="no weights of that name come with dlatrack; it has dla_nanotrack_v3, dla_siamcar_small, ",
    ):
        OnlineTracker.from_weights("dla_siamcar")
    with pytest.raises(
        InputError, match=r"recipe dla_siamcar_small has no online settings for 'OTB'; it has "
    ):
        OnlineTracker.from_weights("dla_siamcar_small", benchmark="OTB")


def test_a_setting_takes_the_place_of_the_recipes() -> None:
    net, chosen = load_weights("dla_siamcar_small")
    setting = replace(chosen.online["OTB100"], rate=0.9)
    other = replace(chosen, online={"own": setting})
    usual = OnlineTracker.from_weights("dla_siamcar_small")
    before = boxes_of(usual)
    varied = usual.with_setting(setting)
    expected = boxes_of(OnlineTracker(net, other, benchmark="own"))
    assert not np.array_equal(before, expected)
    assert np.array_equal(
        boxes_of(OnlineTracker.from_weights("dla_siamcar_small", setting=setting)), expected
    )
    with pytest.raises(ValueError, match="call init"):
        varied.update(noise(9, 9))
    assert np.array_equal(boxes_of(varied), expected)
    assert np.array_equal(boxes_of(usual), before)


def test_unknown_benchmark_and_head_are_named() -> None:
    with pytest.raises(InputError, match=r"recipe siamcar has no online settings for 'OTB'; it has OTB100, "):
        OnlineTracker(CannedNet(), recipe("siamcar"), benchmark="OTB")
    other = replace(recipe("siamcar"), net=NetConfig(head="none"))
    with pytest.raises(ValueError, match="head 'none' has no tracking step; choose from fc, rpn, car"):
        OnlineTracker(CannedNet(), other)


@pytest.mark.parametrize("name", ["siamcar_small", "siamrpnpp_small"])
def test_a_box_changed_by_its_owner_after_init_does_not_move_the_target(name):
    chosen = recipe(name)
    net = build_model(chosen, torch.Generator().manual_seed(3))
    video = synthetic_sequence(5, 3, challenges=())
    answers = []
    for change in (lambda box: None, lambda box: box.__iadd__(50), lambda box: box.fill(0)):
        box = video.boxes_xywh[0].copy()
        tracker = OnlineTracker(net, chosen)
        tracker.init(video.frames[0], box)
        change(box)
        first = tracker.update(video.frames[1])[0]
        kept = first.copy()
        first[:] = 0  # what was answered belongs to the caller
        answers.append(np.stack([kept, tracker.update(video.frames[2])[0]]))
    assert (answers[0] == answers[1]).all()
    assert (answers[0] == answers[2]).all()


@pytest.mark.parametrize("device", ["foo", "meta", None, "cuda:99"])
def test_a_device_that_is_not_here_is_named(device: str) -> None:
    with pytest.raises(InputError, match=f"there is no device '{device}' here; choose from cpu"):
        OnlineTracker.from_weights("dla_siamcar_small", device=device)


def test_a_folder_does_not_hide_a_shipped_tracker(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "dla_siamcar_small").mkdir()
    assert OnlineTracker.from_weights("dla_siamcar_small").recipe.name == "dla_siamcar_small"
    for place in ("", "."):
        with pytest.raises(InputError, match="is a folder and no weight file"):
            OnlineTracker.from_weights(place)
    with pytest.raises(
        InputError, match=r"no file siamcar\.safetensors, and no weights of that name come with"
    ):
        OnlineTracker.from_weights("siamcar.safetensors")
