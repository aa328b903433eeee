"""A compiled network learns nearly what the plain one learns, under the same names."""

from __future__ import annotations

import shutil
from dataclasses import replace

import pytest
import torch
from safetensors.torch import load_file

from dlatrack.datasets.synthetic import synthetic_sequences
from dlatrack.errors import InputError
from dlatrack.models.siamese import build_model
from dlatrack.recipes import Schedule, recipe
from dlatrack.sampling.store import CropStore
from dlatrack.training.compute import Compute
from dlatrack.training.engine import train
from dlatrack.training.identity import describe_run
from dlatrack.training.run import CHECKPOINT

SHORT = Schedule(
    epochs=2,
    pairs_per_epoch=4,
    batch=2,
    warmup_epochs=0,
    unfreeze_epoch=2,  # neck and head alone take half a minute to compile
    backbone_start="random",
)
SMALL = recipe("siamcar_small")
RECIPE = replace(SMALL, schedule=SHORT, net=replace(SMALL.net, channels=16, tower_depth=1))


@pytest.fixture(scope="module")
def store():
    return CropStore.build(synthetic_sequences(2, seed=50, length=4, challenges=()))


@pytest.mark.slow
@pytest.mark.skipif(not any(map(shutil.which, ("g++", "clang++"))), reason="no C++ compiler")
def test_two_compiled_steps_are_near_two_plain_ones(store, tmp_path):
    plain = train(RECIPE, store, tmp_path / "plain", seed=3, until_epoch=1)
    quick = train(RECIPE, store, tmp_path / "quick", seed=3, until_epoch=1, compute=Compute(compile=True))
    for ours, theirs in zip(quick.steps, plain.steps, strict=True):
        assert ours.loss == pytest.approx(theirs.loss, rel=1e-4)
        assert ours.gradient_norm == pytest.approx(theirs.gradient_norm, rel=1e-3)
    files = [load_file(tmp_path / name / CHECKPOINT) for name in ("quick", "plain")]
    assert files[0].keys() == files[1].keys()
    moved = [name for name in files[0] if name.startswith("momentum.")]
    assert moved
    assert all(torch.allclose(files[0][name], files[1][name], rtol=1e-2, atol=1e-4) for name in moved)
    build_model(RECIPE).load_state_dict(quick.net.state_dict())
    with pytest.raises(InputError, match="compile is True there and None here"):
        train(RECIPE, store, tmp_path / "quick", seed=3)


def test_only_a_compiled_run_says_so(store):
    plain, quick = (describe_run(RECIPE, store, 3, None, Compute(compile=chosen)) for chosen in (False, True))
    assert quick == {**plain, "compile": True}


def test_without_a_compiler_nothing_begins(store, tmp_path, monkeypatch):
    from torch._inductor import config

    monkeypatch.setattr(config.cpp, "cxx", (None, "no-such-compiler"))
    torch.compiler.reset()
    with pytest.raises(
        InputError, match=r"cannot be compiled for cpu \(.*no-such-compiler.*\); install a C\+\+ compiler"
    ):
        train(RECIPE, store, tmp_path / "run", compute=Compute(compile=True))
    assert not (tmp_path / "run").exists()
