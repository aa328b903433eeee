"""Stored training crops."""

from __future__ import annotations

import numpy as np
import pytest

from dlatrack.datasets.sequence import Sequence
from dlatrack.datasets.synthetic import synthetic_sequences
from dlatrack.errors import InputError
from dlatrack.sampling.crops import crop_511
from dlatrack.sampling.store import CropStore, crop_sequences


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


def test_progress_counts_every_track(sequences, store, capsys):
    assert crop_sequences(sequences).digest() == store.digest()
    assert "2/2 sequences" in capsys.readouterr().err


def test_bad_tracks_are_named(sequences):
    first = sequences[0]
    alone = np.array([True, False, False, False])
    with pytest.raises(InputError, match="sequence lonely shows its target in 1 frames; a pair needs 2"):
        CropStore.build([Sequence("lonely", first.frames, first.boxes_xywh, alone)])
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
