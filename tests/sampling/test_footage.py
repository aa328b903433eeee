"""The mixture of real, composed and synthetic crops from a small folder of footage."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest

from dlatrack.datasets.folder import read_folder, write_folder
from dlatrack.datasets.synthetic import synthetic_sequence
from dlatrack.datasets.synthetic.textures import landscape
from dlatrack.errors import InputError
from dlatrack.recipes import recipe
from dlatrack.sampling.footage import footage_mixture, mirrored
from dlatrack.sampling.mixture import Mixture
from dlatrack.sampling.pairs import PairSource


@pytest.fixture(scope="module")
def footage(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two clips with masks, one without, and two photographs."""
    root = tmp_path_factory.mktemp("footage")
    for seed in range(3):
        clip = synthetic_sequence(seed, 4, (128, 96), challenges=())
        folder = write_folder(replace(clip, name=f"clip{seed}"), root / "video", images="png")
        if seed == 2:
            continue
        (folder / "mask").mkdir()
        for frame, (x, y, w, h) in enumerate(np.rint(clip.boxes_xywh).astype(int)):
            mask = np.zeros((96, 128), np.uint8)
            mask[y : y + h, x : x + w] = 255
            cv2.imwrite(str(folder / "mask" / f"{frame + 1:04d}.png"), mask)
    (root / "stills").mkdir()
    for seed in range(2):
        cv2.imwrite(str(root / "stills" / f"{seed}.png"), landscape(np.random.default_rng(seed), 128, 160))
    return root


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    folder = tmp_path_factory.mktemp("cache")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DLATRACK_CACHE", str(folder))
        yield folder


@pytest.fixture(scope="module")
def mixture(footage: Path, cache: Path) -> Mixture:
    return footage_mixture(footage, composed=3, length=3)


def test_three_sets_with_documented_shares(mixture: Mixture) -> None:
    assert mixture.proportions() == {"real": 0.3, "composed": 0.55, "synthetic": 0.15}
    assert mixture.frame_ranges == (60, 3, 40)
    real, composed, synthetic = mixture.sets
    assert len(real) == 16, (
        "2 clips with masks, mirrored too, 4 frames each; the clip without masks is not used"
    )
    assert real.track_count == 4
    assert composed.track_count == 3
    assert len(composed) <= 9
    assert synthetic.track_count == 1


def test_a_pair_can_be_drawn_from_each(mixture: Mixture) -> None:
    chosen = recipe("dla_siamrpnpp_small")
    source = PairSource(mixture, chosen.sampling, chosen.net, seed=1)
    parts = {mixture.set_of_pair(1, 0, index) for index in range(12)}
    assert parts == {0, 1, 2}
    for index in range(12):
        assert source.pair(0, index).search.std() > 3


def test_a_second_call_reads_the_cache(mixture: Mixture, footage: Path, cache: Path) -> None:
    files = {file: file.stat().st_mtime_ns for file in cache.iterdir()}
    assert len(files) == 3
    again = footage_mixture(footage, composed=3, length=3)
    assert again.digest() == mixture.digest()
    assert {file: file.stat().st_mtime_ns for file in cache.iterdir()} == files


def test_crops_follow_their_inputs(mixture: Mixture, footage: Path, cache: Path) -> None:
    other = footage_mixture(footage, seed=1, composed=3, length=3)
    assert other.sets[0].digest() == mixture.sets[0].digest(), "real clips have no seed"
    assert other.sets[1].digest() != mixture.sets[1].digest()
    assert other.sets[2].digest() != mixture.sets[2].digest()
    before = set(cache.iterdir())
    extra = footage / "stills" / "extra.png"
    cv2.imwrite(str(extra), np.full((64, 64, 3), 90, np.uint8))
    try:
        changed = footage_mixture(footage, composed=3, length=3)
    finally:
        extra.unlink()
    assert len(set(cache.iterdir()) - before) == 3
    assert changed.sets[1].digest() != mixture.sets[1].digest()


def test_a_mirrored_track_by_hand(footage: Path) -> None:
    track = read_folder(footage / "video" / "clip0")[0]
    other = mirrored(track)
    assert other.name == "clip0-mirrored"
    np.testing.assert_array_equal(other.frames[1], track.frames[1][:, ::-1])
    x, y, w, h = track.boxes_xywh[1]
    np.testing.assert_allclose(other.boxes_xywh[1], [128 - x - w, y, w, h])
    np.testing.assert_allclose(mirrored(other).boxes_xywh, track.boxes_xywh)


def test_bad_folders_are_named(footage: Path, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"video has no clip with masks \(a folder with img/, mask/"):
        footage_mixture(tmp_path)
    (tmp_path / "video").symlink_to(footage / "video")
    with pytest.raises(InputError, match=r"stills has no photograph; files ending in \.jpg"):
        footage_mixture(tmp_path)
    stills = tmp_path / "stills"
    shutil.copytree(footage / "stills", stills)
    (stills / "holiday.heic").write_bytes(b"a photograph of a telephone")
    with pytest.raises(
        InputError, match=r"stills has holiday\.heic; only images ending in \.jpg, \.jpeg, \.png"
    ):
        footage_mixture(tmp_path)


def test_notes_of_systems_are_no_footage(footage: Path, tmp_path: Path) -> None:
    copy = tmp_path / "copy"
    shutil.copytree(footage, copy)
    before = footage_mixture(copy, composed=1, length=2).digest()
    for path in sorted(copy.rglob("*")):
        path.with_name(f"._{path.name}").write_bytes(b"\0\5\x16\7")
    assert footage_mixture(copy, composed=1, length=2).digest() == before


@pytest.mark.parametrize("arguments", [{"composed": 0}, {"length": 1}, {"seed": -1}, {"seed": 100_001}])
def test_numbers_out_of_range_are_refused(footage: Path, arguments: dict[str, int]) -> None:
    with pytest.raises(ValueError, match="composed must be 1 or more, length 2 or more and seed 0 to 100000"):
        footage_mixture(footage, **arguments)  # type: ignore[arg-type]


@pytest.mark.slow
def test_the_shared_footage(shared_data: Path, cache: Path) -> None:
    mixture = footage_mixture(shared_data, composed=7, length=4)
    assert mixture.sets[0].track_count == 22
    built = {file: file.stat().st_mtime_ns for file in cache.iterdir()}
    assert footage_mixture(shared_data, composed=7, length=4).digest() == mixture.digest()
    assert {file: file.stat().st_mtime_ns for file in cache.iterdir()} == built, "read, not built again"
