"""Amounts of the augmentation over many draws: ranges, means, distributions. Fixed seeds leave nothing to luck.

Expected: the template moves by U(-4, 4) px and is stretched by 1 + U(-0.05, 0.05), the search region by U(-64, 64)
and 1 + U(-0.18, 0.18), both axes on their own; all pairs change colour by R n with n ~ N(0, 1); a fifth of the search
regions is blurred by an odd kernel of 5 to 45 px.
"""

from __future__ import annotations

from dataclasses import replace

import cv2
import numpy as np
import pytest
from scipy import stats

from dlatrack.recipes import AugmentConfig, SamplingConfig, recipe
from dlatrack.sampling import augment as module
from dlatrack.sampling.augment import augment, draw_window
from dlatrack.sampling.pairs import PairSource

COUNT = 20_000
CONFIG = SamplingConfig()
SIDES = {"template": 127, "search": 255}
ROWS = np.array(  # blue, green, red in the public code, which subtracts the reverse of R n from BGR images
    [
        [-0.55919361, 0.98062831, -0.41940627],
        [1.72091413, 0.19879334, -1.82968581],
        [4.64467907, 4.73710203, 4.88324118],
    ]
)


def uniform(values: np.ndarray, reach: float) -> bool:
    return stats.kstest(values, stats.uniform(-reach, 2 * reach).cdf).pvalue > 0.01


@pytest.fixture(scope="module", params=["template", "search"])
def windows(request):
    """Amounts, shift (N, 2) px and stretch (N, 2) of many windows."""
    config: AugmentConfig = getattr(CONFIG, request.param)
    side, rng = SIDES[request.param] - 1, np.random.default_rng(11)
    drawn = np.array([draw_window(np.ones(2), config, side + 1, 511, rng) for _ in range(COUNT)])
    return config, drawn[:, :2] + drawn[:, 2:] / 2 - 255, drawn[:, 2:] / side


def test_shift_is_uniform(windows):
    config, shift, _ = windows
    for axis in shift.T:
        assert np.abs(axis).max() <= config.shift
        assert axis.mean() == pytest.approx(0, abs=0.02 * config.shift)
        assert axis.std() == pytest.approx(config.shift / np.sqrt(3), rel=0.02)
        assert uniform(axis, config.shift)


def test_stretch_is_uniform(windows):
    config, _, stretch = windows
    for axis in stretch.T - 1:
        assert np.abs(axis).max() <= config.scale + 1e-12
        assert axis.mean() == pytest.approx(0, abs=0.02 * config.scale)
        assert uniform(axis, config.scale)


def test_axes_shift_and_stretch_are_independent(windows):
    _, shift, stretch = windows
    correlation = np.corrcoef(np.hstack([shift, stretch]).T) - np.eye(4)
    assert np.abs(correlation).max() < 0.025


def test_targets_move_as_far_as_the_windows_allow():
    """Centre of the target at 127 - shift / stretch: at most 64 / 0.82 = 78 px from the middle."""
    crop, still = np.zeros((511, 511, 3), np.uint8), replace(CONFIG.search, color=0, blur=0)
    rng = np.random.default_rng(12)
    boxes = np.array(
        [augment(crop, np.array([64, 64]), still, 255, False, rng).target_xyxy for _ in range(3000)]
    )
    offset = (boxes[:, :2] + boxes[:, 2:]) / 2 - 127
    assert 74 < np.abs(offset).max() <= 64 / 0.82
    side = boxes[:, 2:] - boxes[:, :2]
    assert (side.min(), side.max()) == pytest.approx((64 / 1.18, 64 / 0.82), abs=0.3)
    assert uniform(64 / side[:, 0] - 1, 0.18)


def test_colour_jitter_is_normal_with_the_covariance_of_the_table():
    crop, config = np.full((511, 511, 3), 128, np.uint8), AugmentConfig(color=1)
    rng = np.random.default_rng(13)
    shift = np.array(
        [128 - augment(crop, np.ones(2), config, 3, False, rng).image[:, 1, 1] for _ in range(COUNT)]
    )
    assert shift.mean(0) == pytest.approx(np.zeros(3), abs=0.15)
    assert np.cov(shift.T) == pytest.approx(ROWS @ ROWS.T, rel=0.05, abs=0.5)
    for channel, row in zip(shift.T, ROWS, strict=True):
        assert stats.kstest(channel, stats.norm(0, np.linalg.norm(row)).cdf).pvalue > 0.01


def test_blur_kernels_are_odd_and_uniform(monkeypatch):
    sides, shares = [], []
    monkeypatch.setattr(cv2, "blur", lambda plane, size: sides.append(max(size)) or plane)
    monkeypatch.setattr(cv2, "addWeighted", lambda a, share, b, rest, gamma, dst: shares.append(share))
    rng = np.random.default_rng(14)
    for _ in range(8000):
        module._blur(np.zeros((1, 2, 2), np.float32), rng)
    counts = np.bincount(sides)[5::2]
    assert (min(sides), max(sides), len(counts)) == (5, 45, 21)
    assert stats.chisquare(counts).pvalue > 0.01
    assert stats.kstest(shares, "uniform").pvalue > 0.01


def test_shares_of_blur_and_of_single_changes(monkeypatch):
    """A fifth of the search regions is blurred, no template; nothing is mirrored."""
    blurred = []
    monkeypatch.setattr(module, "_blur", lambda image, rng: blurred.append(image.shape[1]))
    crop, rng = np.zeros((511, 511, 3), np.uint8), np.random.default_rng(15)
    for config, side in ((CONFIG.template, 9), (CONFIG.search, 11)):
        for _ in range(COUNT // 2):
            augment(crop, np.ones(2), config, side, False, rng)
    assert set(blurred) == {11}
    assert stats.binomtest(len(blurred), COUNT // 2, 0.2).pvalue > 0.01
    assert CONFIG.template.flip == CONFIG.search.flip == 0
    assert CONFIG.template.color == CONFIG.search.color == 1


def test_shares_of_gray_and_of_negative_pairs(packed, monkeypatch):
    """Gray holds for both images of a pair."""
    grays = []

    def note(crop, target_wh, config, out_size, gray, rng, window):
        grays.append(gray)
        return module.View(np.zeros(1), np.zeros(4))

    monkeypatch.setattr("dlatrack.sampling.pairs.augment", note)
    sampling = replace(CONFIG, gray=0.2, negative_pairs=0.2)
    source = PairSource(packed, sampling, recipe("dla_siamcar").net, 16)
    positive = [source.pair(0, index).positive for index in range(COUNT // 2)]
    gray = np.array(grays).reshape(-1, 2)
    assert (gray[:, 0] == gray[:, 1]).all()
    assert stats.binomtest(int(gray[:, 0].sum()), len(gray), 0.2).pvalue > 0.01
    assert stats.binomtest(positive.count(False), len(positive), 0.2).pvalue > 0.01
    assert recipe("dla_siamrpnpp").sampling.negative_pairs == 0.2
    assert recipe("dla_siamcar").sampling.negative_pairs == 0
