"""Tracking with NanoTrack V3 as its public code does: canned answers, and real clips with the published weights."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest
import torch

from dlatrack.datasets.folder import read_folder
from dlatrack.models.heads import HeadOutput
from dlatrack.models.official import load_official
from dlatrack.models.siamese import build_model
from dlatrack.recipes import OnlineConfig, recipe
from dlatrack.tracking.online import OnlineTracker

RECIPE = recipe("nanotrack_v3")


class CannedNet(torch.nn.Module):
    """Answers of the golden data, whatever the image."""

    def __init__(self) -> None:
        super().__init__()
        self.step = 0

    def template(self, z: torch.Tensor) -> list[torch.Tensor]:
        return [z]

    def search(self, x: torch.Tensor, features: list[torch.Tensor]) -> HeadOutput:
        assert x.shape == (1, 3, 255, 255)
        rng = np.random.default_rng(100 + self.step)
        self.step += 1
        cls = rng.standard_normal((1, 2, 15, 15)).astype(np.float32)
        loc = np.exp(3.2 + 0.3 * rng.standard_normal((1, 4, 15, 15))).astype(np.float32)
        return HeadOutput(torch.from_numpy(cls), torch.from_numpy(loc), None)


def test_the_online_setting_is_the_public_one() -> None:
    setting = OnlineConfig(penalty_k=0.138, window_influence=0.455, rate=0.348)
    assert set(RECIPE.online.values()) == {setting}
    assert recipe("dla_nanotrack_v3").online == RECIPE.online


def test_twenty_steps_equal_the_public_code(shared_data: Path) -> None:
    official = np.load(shared_data / "parity/nanotrack_v3.npz")
    small = np.random.default_rng(7).integers(0, 256, (45, 60, 3)).astype(np.uint8)
    image = cv2.resize(small, (480, 360), interpolation=cv2.INTER_NEAREST)
    tracker = OnlineTracker(CannedNet(), RECIPE)
    tracker.init(image[..., ::-1], np.array([200, 150, 60, 40]))
    steps = [tracker.update(image[..., ::-1]) for _ in range(20)]
    assert np.abs(np.array([box for box, _ in steps]) - official["traj_boxes"]).max() < 0.01
    assert np.abs(np.array([score for _, score in steps]) - official["traj_scores"]).max() < 1e-5


@pytest.mark.slow
@pytest.mark.parametrize("name", ["tld_jumping", "davis_libby", "seg_girl"])
def test_real_clips_equal_the_public_code(shared_data: Path, name: str) -> None:
    official = np.load(shared_data / "parity/nanotrack_v3.npz")
    net = build_model(RECIPE)
    load_official(net, shared_data / "weights/nanotrack_v3.safetensors")
    clip = read_folder(shared_data / "video" / name)[0]
    tracker = OnlineTracker(net, RECIPE)
    tracker.init(clip.frames[0], clip.boxes_xywh[0])
    count = len(official[f"clip_{name}"])
    assert count >= 20
    steps = [tracker.update(clip.frames[frame]) for frame in range(1, count + 1)]
    assert np.abs(np.array([box for box, _ in steps]) - official[f"clip_{name}"]).max() < 0.01
    assert np.abs(np.array([score for _, score in steps]) - official[f"score_{name}"]).max() < 1e-4
