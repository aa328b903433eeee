"""Fine-tuning: twins start from the same bits, a killed run ends with the same bits, processes agree."""

from __future__ import annotations

import json
import multiprocessing
import os
import signal
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from kills import die_before_operation
from safetensors import safe_open
from safetensors.torch import load_file

from dlatrack.datasets.synthetic import synthetic_sequences
from dlatrack.errors import InputError
from dlatrack.models.siamese import SiameseNet, build_model
from dlatrack.models.weights import load_weights, save_weights
from dlatrack.recipes import Recipe, recipe
from dlatrack.recipes.fine_tuning import fine_tuning
from dlatrack.sampling.store import CropStore
from dlatrack.training.compute import Compute
from dlatrack.training.engine import train
from dlatrack.training.run import CHECKPOINT

TWINS = ("nanotrack_v3", "dla_nanotrack_v3")


def gentle(name: str = "dla_nanotrack_v3", **options: str) -> Recipe:
    """A recipe with two epochs of three steps of fine-tuning."""
    chosen = recipe(name)
    schedule = fine_tuning(chosen.schedule, epochs=2, pairs_per_epoch=6, batch=2, rate=0.01, **options)
    return replace(chosen, schedule=schedule)


def crops() -> CropStore:
    return CropStore.build(synthetic_sequences(3, seed=50, length=4, challenges=()))


@pytest.fixture(scope="module")
def store() -> CropStore:
    return crops()


@pytest.fixture(scope="module")
def start(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Weights of the fixed twin, with batch statistics that are not 0 and 1."""
    file = tmp_path_factory.mktemp("start") / "start.safetensors"
    net, generator = (
        build_model(recipe(TWINS[0]), torch.Generator().manual_seed(5)),
        torch.Generator().manual_seed(6),
    )
    with torch.no_grad():
        for name, value in net.state_dict().items():
            if name.endswith("running_mean"):
                value.normal_(std=0.1, generator=generator)
    save_weights(file, net, recipe(TWINS[0]), {})
    return file


def changed(net: SiameseNet, start: Path) -> set[str]:
    """Names of the weights and statistics that training has changed."""
    before = load_file(start)
    return {name for name, value in net.state_dict().items() if not torch.equal(value, before[name])}


def test_twins_start_from_the_same_bits(start: Path, store: CropStore, tmp_path: Path) -> None:
    for init in (None, start):
        nets = []
        for name in TWINS:
            chosen = recipe(name)
            chosen = replace(chosen, schedule=replace(chosen.schedule, backbone_start="random"))
            folder = tmp_path / f"{name}-{init is None}"
            nets.append(train(chosen, store, folder, seed=4, init=init, until_epoch=0).net)
        fixed, dla = (net.state_dict() for net in nets)
        assert list(fixed) == list(dla)
        assert all(torch.equal(fixed[name], dla[name]) for name in fixed)
        assert (changed(nets[0], start) == set()) == (init is not None)


def test_twins_see_the_same_pairs_and_differ_in_their_labels(
    start: Path, store: CropStore, tmp_path: Path
) -> None:
    runs = [train(gentle(name), store, tmp_path / name, seed=4, init=start) for name in TWINS]
    assert runs[0].steps[0].lr == runs[1].steps[0].lr
    assert [step.positives for step in runs[0].steps] != [step.positives for step in runs[1].steps]
    assert changed(runs[0].net, start) == changed(runs[1].net, start)


@pytest.mark.slow
@pytest.mark.parametrize("trunk", ["frozen", "tenth"])
@pytest.mark.parametrize("batch_norm", ["frozen", "trains"])
def test_what_is_frozen_keeps_every_bit(
    start: Path, store: CropStore, tmp_path: Path, trunk: str, batch_norm: str
) -> None:
    chosen = gentle(trunk=trunk, batch_norm=batch_norm)
    names = changed(train(chosen, store, tmp_path, seed=3, init=start, until_epoch=1).net, start)
    learned = {name for name in names if not name.endswith(("mean", "var", "tracked"))}
    assert any(name.startswith("head.") for name in learned)
    assert any(name.startswith("backbone.") for name in learned) == (trunk == "tenth")
    gathered = names - learned
    assert any(name.startswith("head.") for name in gathered) == (batch_norm == "trains")
    assert any(name.startswith("backbone.") for name in gathered) == (
        (trunk, batch_norm) == ("tenth", "trains")
    )


def run(start: Path, folder: Path, save_every: int | None = 1) -> None:
    torch.set_num_threads(1)
    train(gentle(trunk="tenth"), crops(), folder, seed=3, init=start, compute=Compute(save_every=save_every))


def run_until(number: int, start: Path, folder: Path) -> None:
    """Train, and be killed before the file operation of this number, if there are so many."""
    die_before_operation(number)
    run(start, folder)


def position(checkpoint: Path) -> tuple[int, int] | None:
    """Finished epochs and steps; None without a checkpoint."""
    if not checkpoint.exists():
        return None
    with safe_open(checkpoint, framework="numpy") as file:
        content = json.loads(file.metadata()["dlatrack-training"])
    return content["epoch"], content["step"]


@pytest.mark.slow
def test_a_run_that_is_killed_within_and_between_epochs_ends_with_the_same_bits(
    start: Path, tmp_path: Path
) -> None:
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["dlatrack.training.engine", "dlatrack.sampling.store"])
    codes, places = [], []
    for number in (9, 11, 17, 13, 10_000):
        process = context.Process(target=run_until, args=(number, start, tmp_path / "killed"))
        process.start()
        process.join()
        codes.append(process.exitcode)
        places.append(position(tmp_path / "killed" / CHECKPOINT))
    assert codes == [-signal.SIGKILL] * 4 + [0]
    assert places == [None, (0, 1), (1, 0), (1, 2), (2, 0)], "epochs, and steps of the next one"
    run(start, tmp_path / "whole", None)
    assert (tmp_path / "killed" / CHECKPOINT).read_bytes() == (tmp_path / "whole" / CHECKPOINT).read_bytes()


def test_a_run_resumes_with_the_same_weights_alone(start: Path, store: CropStore, tmp_path: Path) -> None:
    whole = train(gentle(), store, tmp_path / "whole", seed=3, init=start)
    train(gentle(), store, tmp_path / "parts", seed=3, init=start, until_epoch=1)
    with pytest.raises(InputError, match="belongs to another run"):
        train(gentle(), store, tmp_path / "parts", seed=3, backbone_weights="random")
    other = tmp_path / "other.safetensors"
    save_weights(other, build_model(recipe(TWINS[0])), recipe(TWINS[0]), {})
    with pytest.raises(InputError, match="belongs to another run: init is "):
        train(gentle(), store, tmp_path / "parts", seed=3, init=other)
    moved = tmp_path / "moved.safetensors"
    moved.write_bytes(start.read_bytes())
    resumed = train(gentle(), store, tmp_path / "parts", seed=3, init=moved)
    assert changed(resumed.net, start) == changed(whole.net, start)
    states = (resumed.net.state_dict().values(), whole.net.state_dict().values())
    assert all(torch.equal(a, b) for a, b in zip(*states, strict=True))


SCRIPT = """
import sys
from pathlib import Path
import torch
sys.path.insert(0, {here!r})
from test_fine_tuning import crops, gentle
from dlatrack.models.weights import save_weights
from dlatrack.training.compute import Compute
from dlatrack.training.engine import train
from dlatrack.training.ranks import ranks

torch.set_num_threads(1)
start, out, accumulate = Path(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3])
with ranks("cpu") as (processes, device):
    compute = Compute(device=device, ranks=processes, accumulate=accumulate)
    for batch_norm in ("frozen", "trains"):
        chosen = gentle(trunk="tenth", batch_norm=batch_norm)
        done = train(chosen, crops(), out / batch_norm, seed=3, init=start, compute=compute)
        save_weights(out / f"{{batch_norm}}{{processes.rank}}.safetensors", done.net, chosen, {{}})
"""


def launch(start: Path, out: Path, processes: int) -> Path:
    """Train in one or two processes, in two parts of a batch either way."""
    out.mkdir()
    (out / "script.py").write_text(SCRIPT.format(here=str(Path(__file__).parent)))
    command = [str(out / "script.py"), str(start), str(out), str(3 - processes)]
    if processes > 1:
        command = ["-m", "torch.distributed.run", "--standalone", f"--nproc-per-node={processes}", *command]
    places = os.pathsep.join([*sys.path, str(Path(__file__).parents[1])])
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "PYTHONPATH": places}
    done = subprocess.run(
        [sys.executable, *command], env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr[-3000:]
    return out


@pytest.mark.slow
def test_two_processes_agree_with_each_other_and_with_one_of_two_parts(start: Path, tmp_path: Path) -> None:
    two, one = launch(start, tmp_path / "two", 2), launch(start, tmp_path / "one", 1)
    for batch_norm in ("frozen", "trains"):
        first, second = (load_file(two / f"{batch_norm}{rank}.safetensors") for rank in (0, 1))
        assert all(torch.equal(first[name], second[name]) for name in first), "same bits in both"
        single = load_file(one / f"{batch_norm}0.safetensors")
        for name in first:  # rounding of sums in another order, grown over six steps
            if "running_" not in name and "num_batches" not in name:
                assert torch.allclose(first[name], single[name], rtol=1e-4, atol=2e-5), (batch_norm, name)
    net, _ = load_weights(two / "frozen0.safetensors")
    assert not any("running_" in name for name in changed(net, start))
