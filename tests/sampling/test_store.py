"""Stored training crops."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from dlatrack.datasets.sequence import Sequence
from dlatrack.datasets.synthetic import synthetic_sequences
from dlatrack.errors import InputError
from dlatrack.recipes import recipe
from dlatrack.sampling.crops import crop_511
from dlatrack.sampling.originals import OriginalCrops
from dlatrack.sampling.pairs import PairSource
from dlatrack.sampling.store import CropStore, cached_crops, crop_sequences


@pytest.fixture(scope="module")
def sequences():
    return synthetic_sequences(2, seed=30, length=4, challenges=())


@pytest.fixture(scope="module")
def store(sequences):
    return CropStore.build(sequences)


def test_crops_are_ordered_by_track_and_frame(store, sequences):
    assert len(store) == 8
    assert store.track_count == 2
    assert store.tracks.tolist() == [0, 4, 8]
    expected = crop_511(sequences[1].frames[2], sequences[1].boxes_xywh[2])
    difference = np.abs(store.image(6).astype(int) - expected)
    assert difference.mean() < 6, "JPEG of the same RGB picture"


def test_the_target_has_template_scale(store, sequences):
    width, height = sequences[0].boxes_xywh[0, 2:]
    margin = (width + height) / 2
    scale = 127 / np.sqrt((width + margin) * (height + margin))
    assert store.target_wh[0].tolist() == pytest.approx([width * scale, height * scale], rel=1e-6)


def test_a_store_round_trips_and_has_a_stable_digest(store, sequences, tmp_path):
    store.save(tmp_path / "crops.safetensors")
    loaded = CropStore.load(tmp_path / "crops.safetensors")
    assert loaded.digest() == store.digest() == CropStore.build(sequences).digest()
    assert (loaded.image(3) == store.image(3)).all()


def test_absent_frames_are_left_out(sequences):
    first = sequences[0]
    visible = np.array([True, False, True, True])
    boxes = np.where(visible[:, None], first.boxes_xywh, np.nan)
    assert len(CropStore.build([Sequence("gap", first.frames, boxes, visible)])) == 3


def test_the_only_visible_frame_is_template_and_search_region_at_once(sequences):
    first = sequences[0]
    alone = np.array([False, True, False, False])
    store = CropStore.build([Sequence("lonely", first.frames, first.boxes_xywh, alone)])
    assert store.tracks.tolist() == [0, 1]
    chosen = recipe("siamcar_small")
    source = PairSource(store, replace(chosen.sampling, negative_pairs=0), chosen.net)
    assert source.draw_frames(True, np.random.default_rng(0)) == (0, 0)
    assert source.pair(0, 0).search.std() > 3


def test_all_crops_of_a_data_set_with_its_videos(table, tmp_path, capsys):
    crops = OriginalCrops.of(table)
    store = CropStore.of(crops)
    assert f"{len(crops)}/{len(crops)} crops" in capsys.readouterr().err
    assert store.target_wh.tolist() == crops.target_wh.tolist()
    assert store.tracks.tolist() == crops.tracks.tolist()
    assert store.videos.tolist() == crops.videos.tolist()
    assert np.abs(store.image(6).astype(int) - crops.image(6)).mean() < 6
    together = replace(store, video_starts=np.array([0, store.track_count]))
    assert together.digest() != store.digest(), "other pairs are drawn from them"
    together.save(tmp_path / "crops.safetensors")
    loaded = CropStore.load(tmp_path / "crops.safetensors")
    assert loaded.videos.tolist() == [0, 3]
    assert loaded.digest() == together.digest()


def test_a_cache_is_written_where_cutting_takes_long(store, tmp_path):
    path = tmp_path / "crops.safetensors"
    assert cached_crops(path, lambda: store, patience=60) is store
    assert not path.exists()
    assert cached_crops(path, lambda: store).digest() == store.digest()
    assert cached_crops(path, lambda: pytest.fail("cut again"), patience=60).digest() == store.digest()


def test_progress_counts_every_track(sequences, store, capsys):
    assert crop_sequences(sequences).digest() == store.digest()
    assert "2/2 sequences" in capsys.readouterr().err


def test_bad_tracks_are_named(sequences):
    first = sequences[0]
    with pytest.raises(InputError, match="sequence empty shows its target in no frame; one is needed"):
        CropStore.build([Sequence("empty", first.frames, first.boxes_xywh, np.zeros(4, bool))])
    flat = first.boxes_xywh.copy()
    flat[2, 3] = 0
    with pytest.raises(InputError, match=r"sequence flat frame 2: box .* has no area"):
        CropStore.build([Sequence("flat", first.frames, flat, first.visible)])
    with pytest.raises(InputError, match="no sequences"):
        CropStore.build([])


def test_bad_files_are_named(store, tmp_path):
    path = tmp_path / "crops.safetensors"
    with pytest.raises(InputError, match=r"cannot read .*crops\.safetensors: No such file"):
        CropStore.load(path)
    store.save(path)
    path.write_bytes(path.read_bytes()[:-100])
    with pytest.raises(InputError, match=r"crops\.safetensors is not a complete crop store"):
        CropStore.load(path)


def test_a_damaged_crop_is_named(store):
    broken = CropStore(np.zeros_like(store.data), store.offsets, store.target_wh, store.tracks)
    with pytest.raises(InputError, match="stored crop 5 of 8 cannot be decoded"):
        broken.image(5)
