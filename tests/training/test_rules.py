"""Training under every rule beyond the paper: the loss falls, a stopped run resumes, two processes agree."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from dlatrack import losses
from dlatrack.assign import assigner_of
from dlatrack.datasets.synthetic import synthetic_sequences
from dlatrack.recipes import Recipe, Schedule, recipe
from dlatrack.sampling.pairs import PairSource
from dlatrack.sampling.store import CropStore
from dlatrack.training.engine import train
from dlatrack.training.history import read_history
from dlatrack.training.run import CHECKPOINT

SHORT = Schedule(
    epochs=2,
    pairs_per_epoch=48,
    batch=4,
    warmup_epochs=0,
    rate=0.01,
    final_rate=0.01,
    unfreeze_epoch=2,
    backbone_start="random",
)
HARD, SOFT = ("atss", "paa", "ota", "simota"), ("tal", "autoassign")
CASES = [("siamcar_small", rule) for rule in (*HARD, *SOFT)]
CASES += [("siamrpnpp_small", rule) for rule in (*HARD, "tal")]

SCRIPT = """
import sys
from dataclasses import replace
from pathlib import Path
import torch
from safetensors.torch import save_file
from dlatrack.datasets.synthetic import synthetic_sequences
from dlatrack.recipes import Schedule, recipe
from dlatrack.sampling.store import CropStore
from dlatrack.training.compute import Compute
from dlatrack.training.engine import train
from dlatrack.training.ranks import ranks

torch.set_num_threads(1)
store = CropStore.build(synthetic_sequences(2, seed=50, length=4, challenges=()))
schedule = Schedule(epochs=1, pairs_per_epoch=10, batch=4, warmup_epochs=0, rate=0.01, unfreeze_epoch=1,
                    backbone_start="random")
with ranks("cpu") as (processes, device):
    for case in sys.argv[3:]:
        name, rule = case.split("+")
        small = recipe(name).with_assigner(rule)
        chosen = replace(small, schedule=schedule, net=replace(small.net, channels=16, tower_depth=1))
        out = Path(sys.argv[1]) / case
        compute = Compute(device=device, ranks=processes, accumulate=int(sys.argv[2]))
        done = train(chosen, store, out, seed=3, compute=compute)
        state = {n: p.detach().contiguous().clone() for n, p in done.net.state_dict().items()}
        save_file(state, out / f"rank{processes.rank}.safetensors")
"""


def tiny(name: str, rule: str) -> Recipe:
    chosen = recipe(name).with_assigner(rule)
    return replace(chosen, schedule=SHORT, net=replace(chosen.net, channels=16, tower_depth=1))


@pytest.fixture(scope="module")
def store():
    return CropStore.build(synthetic_sequences(2, seed=50, length=4, challenges=()))


@pytest.mark.parametrize(("name", "rule"), CASES)
def test_the_loss_falls_and_a_stopped_run_ends_with_the_same_bits(store, tmp_path, name, rule):
    chosen = tiny(name, rule)
    whole = train(chosen, store, tmp_path / "whole", seed=3)
    calls: list[int] = []
    stopped = train(
        chosen, store, tmp_path / "parts", seed=3, should_stop=lambda: calls.append(0) or len(calls) == 7
    )
    assert stopped.stopped
    train(chosen, store, tmp_path / "parts", seed=3)
    both = [(tmp_path / part / CHECKPOINT).read_bytes() for part in ("whole", "parts")]
    assert both[0] == both[1]
    fallen = [step.loss for step in whole.steps]
    assert sum(fallen[-6:]) < sum(fallen[:6])
    for step in read_history(tmp_path / "whole/history.csv", len(fallen)):
        assert step.positives > 0 or step.empty
        assert (step.quality == 1) == (rule in HARD), "hard labels ask the classifier for 1"
        assert 0 < step.quality <= 1


def launch(folder: Path, processes: int, accumulate: int) -> Path:
    script, out = folder / "script.py", folder / f"{processes}x{accumulate}"
    script.write_text(SCRIPT)
    cases = [f"{name}+{rule}" for name, rule in CASES]
    for case in cases:
        (out / case).mkdir(parents=True)
    command = [sys.executable, str(script), str(out), str(accumulate), *cases]
    if processes > 1:
        start = ["-m", "torch.distributed.run", "--standalone", f"--nproc-per-node={processes}"]
        command = [sys.executable, *start, *command[1:]]
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-3000:]
    return out


@pytest.mark.slow
def test_two_processes_agree_with_each_other_and_with_one_of_two_parts(tmp_path):
    two, one = launch(tmp_path, 2, 1), launch(tmp_path, 1, 2)
    for name, rule in CASES:
        case = f"{name}+{rule}"
        first, second = (load_file(two / case / f"rank{rank}.safetensors") for rank in (0, 1))
        assert all(torch.equal(first[key], second[key]) for key in first), case
        single = load_file(one / case / "rank0.safetensors")
        learned = [key for key in first if "running_" not in key and "num_batches" not in key]
        for key in learned:
            assert torch.allclose(first[key], single[key], rtol=1e-4, atol=2e-5), (case, key)


def test_without_quality_and_weight_a_loss_is_the_familys_own(store, tmp_path, monkeypatch):
    """Bit for bit, for a rule with hard labels: the two arguments are None, and as if they were not there."""
    chosen = tiny("siamcar_small", "atss")
    before = train(chosen, store, tmp_path / "before", seed=3, until_epoch=1)
    monkeypatch.setitem(losses.LOSSES, "car", _without_soft(losses.LOSSES["car"]))
    after = train(chosen, store, tmp_path / "after", seed=3, until_epoch=1)
    assert [step[:-1] for step in after.steps] == [step[:-1] for step in before.steps]
    states = (run.net.state_dict().values() for run in (before, after))
    assert all(torch.equal(a, b) for a, b in zip(*states, strict=True))


def _without_soft(loss):
    def family(output, labels, target, anchors, weights, quality, weight):
        assert quality is None
        assert weight is None
        return loss(output, labels, target, anchors, weights)

    return family


def test_a_rule_that_needs_no_prediction_gets_none(store, tmp_path, monkeypatch):
    def fail(*_):
        raise AssertionError("nothing may be predicted for a geometric rule")

    monkeypatch.setattr("dlatrack.training.step.predict", fail)
    train(tiny("siamcar_small", "atss"), store, tmp_path, seed=3, until_epoch=1)
    with pytest.raises(AssertionError):
        train(tiny("siamcar_small", "simota"), store, tmp_path / "other", seed=3, until_epoch=1)


@pytest.mark.parametrize("rule", ["simota", "tal", "autoassign"])
def test_a_negative_pair_has_no_positive(store, rule):
    chosen = tiny("siamcar_small", rule)
    chosen = replace(chosen, sampling=replace(chosen.sampling, negative_pairs=0.5))
    from dlatrack.models.siamese import build_model
    from dlatrack.training.step import forward_loss

    batch = PairSource(store, chosen.sampling, chosen.net, 1).batch(0, 0, 12)
    assert 0 < int(batch.positive.sum()) < 12
    terms, found = forward_loss(build_model(chosen), batch, assigner_of(chosen), chosen)
    assert torch.isfinite(terms.total)
    assert not found.positive[~batch.positive].any()
    assert found.negative[~batch.positive].all()
    assert found.positive[batch.positive].any(1).all()
