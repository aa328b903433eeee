"""Estimates of memory are within a quarter of what training and tracking take."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from dlatrack.models.memory import tracking_bytes, training_bytes
from dlatrack.recipes import recipe

pytestmark = pytest.mark.skipif(
    sys.platform != "linux", reason="the peak of a process is read as Linux tells it"
)

#: A process that works and prints its peak, MiB.
_TRAIN = """
import tempfile
from dataclasses import replace
from dlatrack.bench.measure import peak_mib
from dlatrack.datasets.synthetic import synthetic_sequences
from dlatrack.recipes import recipe
from dlatrack.sampling.store import CropStore
from dlatrack.training.engine import train

name, pairs, crops = "{name}", {pairs}, CropStore.build(synthetic_sequences(4, seed=0, length=6, challenges=()))
schedule = replace(recipe(name).schedule, epochs=1, unfreeze_epoch={unfreeze}, pairs_per_epoch=2 * pairs, batch=pairs,
                   warmup_epochs=0, backbone_start="random")
with tempfile.TemporaryDirectory() as folder:
    train(replace(recipe(name), schedule=schedule), crops, folder)
print(peak_mib())
"""
_TRACK = """
import numpy as np
from dlatrack.bench.measure import peak_mib
from dlatrack.models.siamese import build_model
from dlatrack.recipes import recipe
from dlatrack.tracking.online import OnlineTracker

tracker = OnlineTracker(build_model(recipe("{name}")), recipe("{name}"))
image = np.random.default_rng(0).integers(0, 255, (240, 320, 3), dtype=np.uint8)
tracker.init(image, np.array([100, 100, 40, 40.0]))
tracker.update(image)
print(peak_mib())
"""


def peak(script: str) -> float:
    """Largest resident memory of a script's process, bytes."""
    environment = os.environ | {"OMP_NUM_THREADS": "1"}
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True, env=environment
    )
    return float(done.stdout.splitlines()[-1]) * 2**20


@pytest.mark.slow
@pytest.mark.parametrize(("name", "pairs", "unfreeze"), [("siamcar_small", 16, 0), ("nanotrack_v3", 32, 0)])
def test_training(name: str, pairs: int, unfreeze: int) -> None:
    measured = peak(_TRAIN.format(name=name, pairs=pairs, unfreeze=unfreeze))
    assert training_bytes(recipe(name), pairs) == pytest.approx(measured, rel=0.25)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["siamrpnpp", "dla_nanotrack_v3"])
def test_tracking(name: str) -> None:
    assert tracking_bytes(recipe(name)) == pytest.approx(peak(_TRACK.format(name=name)), rel=0.25)


def test_the_need_grows_with_the_pairs_and_what_trains() -> None:
    small = recipe("siamcar_nano")
    one, two, three = (training_bytes(small, pairs) for pairs in (1, 2, 3))
    assert three - two == pytest.approx(two - one)
    assert training_bytes(recipe("siamcar_small"), 8) > 1.5 * training_bytes(small, 8), "its backbone trains"
