"""Several processes learn what one process learns with as many parts."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path

import psutil
import pytest
import torch
from safetensors.torch import load_file

from dlatrack.datasets.synthetic import synthetic_sequences
from dlatrack.errors import InputError
from dlatrack.files import owned_folder
from dlatrack.recipes import recipe
from dlatrack.sampling.store import CropStore
from dlatrack.training.compute import Compute
from dlatrack.training.engine import train
from dlatrack.training.history import read_history
from dlatrack.training.ranks import Ranks, ranks
from dlatrack.training.run import CHECKPOINT

SCRIPT = """
import sys
from dataclasses import replace
from pathlib import Path
import torch
from safetensors.torch import save_file
from dlatrack.datasets.synthetic import synthetic_sequences
from dlatrack.errors import InputError
from dlatrack.recipes import Schedule, recipe
from dlatrack.sampling.store import CropStore
from dlatrack.training.compute import Compute
from dlatrack.training.engine import train
from dlatrack.training.ranks import ranks

torch.set_num_threads(1)
small = recipe("dla_siamrpnpp_small")
store = CropStore.build(synthetic_sequences(3, seed=50, length=4, challenges=()))
with ranks("cpu") as (processes, device):
    for precision in ("float32", "float16"):
        half = precision == "float16"
        schedule = Schedule(epochs=3, pairs_per_epoch=6 if half else 10, batch=4, warmup_epochs=0, rate=0.02,
                            final_rate=0.01, unfreeze_epoch=3 if half else 1, backbone_start="random")
        net = replace(small.net, channels=16) if half else small.net  # float16 is slow on a CPU
        chosen = replace(small, schedule=schedule, net=net)
        out = Path(sys.argv[1]) / precision
        compute = Compute(device=device, ranks=processes, accumulate=int(sys.argv[2]), precision=precision)
        for epoch in (1, 2, 3):
            done = train(chosen, store, out, seed=3, compute=compute, until_epoch=epoch)
            state = {n: p.detach().contiguous().clone() for n, p in done.net.state_dict().items()}
            save_file(state, out / f"rank{processes.rank}_epoch{epoch}.safetensors")
    if processes.world > 1:  # as on machines without a shared disk
        apart = out if processes.first else out / "elsewhere"
        try:
            train(chosen, store, apart, seed=3, compute=compute, until_epoch=3)
        except InputError as error:
            (out / f"apart{processes.rank}.txt").write_text(str(error))
"""


def launch(folder: Path, processes: int, accumulate: int) -> Path:
    script, out = folder / "script.py", folder / f"{processes}x{accumulate}"
    script.write_text(SCRIPT)
    for precision in ("float32", "float16"):
        (out / precision).mkdir(parents=True)
    command = [sys.executable, str(script), str(out), str(accumulate)]
    if processes > 1:
        start = ["-m", "torch.distributed.run", "--standalone", f"--nproc-per-node={processes}"]
        command = [sys.executable, *start, *command[1:]]
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-3000:]
    return out


@pytest.fixture(scope="module")
def runs(tmp_path_factory) -> tuple[Path, Path]:
    """Folders of two processes and of one process with as many parts, each with a run in float32 and float16."""
    folder = tmp_path_factory.mktemp("ranks")
    return launch(folder, 2, 1), launch(folder, 1, 2)


@pytest.mark.slow
def test_two_processes_agree_with_each_other_and_with_one_of_two_parts(runs):
    two, one = (folder / "float32" for folder in runs)
    for epoch in (1, 2, 3):  # the backbone joins in the second
        first, second = (load_file(two / f"rank{rank}_epoch{epoch}.safetensors") for rank in (0, 1))
        assert all(torch.equal(first[name], second[name]) for name in first), "same bits in both"
        single = load_file(one / f"rank0_epoch{epoch}.safetensors")
        learned = [name for name in first if "running_" not in name and "num_batches" not in name]
        for name in learned:  # rounding of sums in another order, grown over at most 9 steps
            assert torch.allclose(first[name], single[name], rtol=1e-4, atol=2e-5), (epoch, name)
    steps = [(folder / "history.csv").read_text().splitlines() for folder in (two, one)]
    assert len(steps[0]) == len(steps[1]) == 10
    assert steps[0][1].split(",")[8:16] == steps[1][1].split(",")[8:16], (
        "clipped, skipped, positives, quality and flags"
    )


@pytest.mark.slow
def test_two_processes_skip_the_same_steps_in_float16(runs):
    two, one = (folder / "float16" for folder in runs)
    first, second = (load_file(two / f"rank{rank}_epoch3.safetensors") for rank in (0, 1))
    assert all(torch.equal(first[name], second[name]) for name in first), "same bits in both"
    steps = [read_history(folder / "history.csv", 6) for folder in (two, one)]
    assert [s.skipped for s in steps[0]] == [s.skipped for s in steps[1]]
    assert 0 < sum(s.skipped for s in steps[0]) < 6
    assert [s.loss for s in steps[0]] == pytest.approx([s.loss for s in steps[1]], rel=1e-3)


@pytest.mark.slow
def test_processes_that_see_different_checkpoints_are_refused(runs):
    for rank in (0, 1):
        text = (runs[0] / "float16" / f"apart{rank}.txt").read_text()
        assert "rank 0 resumes from epoch 3, step 0, but rank 1 from epoch 0, step 0" in text
        assert "all processes must see the same folder" in text


def test_all_processes_return_when_the_checkpoint_is_written(tmp_path):
    """Else a second call of a fast process reads what the slow rank 0 has not written yet."""
    written = []

    class Watched(Ranks):
        def wait(self) -> None:
            written.append((tmp_path / CHECKPOINT).exists())

    small = recipe("dla_siamcar_small")
    schedule = replace(small.schedule, epochs=1, pairs_per_epoch=2, batch=2, backbone_start="random")
    store = CropStore.build(synthetic_sequences(1, seed=50, length=4, challenges=()))
    train(replace(small, schedule=schedule), store, tmp_path, compute=Compute(ranks=Watched()))
    assert written == [True]


@pytest.mark.parametrize("rank", [0, 1])
def test_all_processes_are_refused_a_folder_that_another_run_owns(tmp_path, rank):
    class Other(Ranks):
        def gather(self, value):
            return [value, None] if self.first else ["out is being written by another run", value]

    with ThreadPoolExecutor(1) as pool, ExitStack() as stack:
        pool.submit(stack.enter_context, owned_folder(tmp_path)).result()
        with (
            pytest.raises(InputError, match="is being written by another run"),
            Other(rank, 2).owned_folder(tmp_path),
        ):
            pass
        pool.submit(stack.close).result()


def test_without_torchrun_there_is_one_process(monkeypatch):
    monkeypatch.delenv("WORLD_SIZE", raising=False)
    with ranks("cuda:1") as (processes, device):
        assert (processes, device) == (Ranks(0, 1), "cuda:1")
        assert processes.first
    assert Compute(ranks=Ranks(1, 4), accumulate=2).parts == 8


def test_processes_cannot_share_one_named_device(monkeypatch):
    monkeypatch.setenv("WORLD_SIZE", "2")
    with (
        pytest.raises(InputError, match="2 processes cannot share device cuda:1; use cuda, or cpu"),
        ranks("cuda:1"),
    ):
        pass


READ_ERROR = (
    "[/__w/pytorch/third_party/gloo/gloo/transport/tcp/pair.cc:537] Read error [127.0.0.1]:5505: Connection reset by "
    "peer. This is typically caused by a remote worker hanging or bugs in the application."
)
NOT_CONNECTED = f"Gloo connectFullMesh failed with {READ_ERROR.replace('Read error', 'timed out connecting')}"


@pytest.mark.parametrize(
    ("error", "what"),
    [
        (RuntimeError(READ_ERROR), r"Read error \[127.0.0.1\]:5505: Connection reset by peer"),
        (RuntimeError(NOT_CONNECTED), r"timed out connecting \[127.0.0.1\]:5505: Connection reset by peer"),
        (torch.distributed.DistBackendError("NCCL error\nin: x.cpp"), "NCCL lost a connection"),
    ],
)
def test_a_dead_partner_is_one_line_with_the_command_that_resumes(monkeypatch, error, what):
    def fail(backend):
        raise error

    for name, value in {"WORLD_SIZE": "4", "RANK": "3", "LOCAL_WORLD_SIZE": "4"}.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(sys, "argv", ["/x/dlatrack/__main__.py", "train", "siamcar", "--out", "my run"])
    monkeypatch.setattr(torch.distributed, "init_process_group", fail)
    command = r"torchrun --nproc-per-node 4 -m dlatrack train siamcar --out 'my run'$"
    with (
        pytest.raises(InputError, match=rf"^rank 3: another process .* \({what}\); .* {command}"),
        ranks("cpu"),
    ):
        pass
    monkeypatch.setenv("LOCAL_WORLD_SIZE", "2")
    monkeypatch.setattr(sys, "argv", ["own.py", "a"])
    with pytest.raises(InputError, match=r"torchrun --nnodes 2 .*--nproc-per-node 2 own.py a$"), ranks("cpu"):
        pass


def test_another_error_stays_as_it_is(monkeypatch):
    def fail(backend):
        raise RuntimeError("mat1 and mat2 shapes cannot be multiplied")

    monkeypatch.setenv("WORLD_SIZE", "2")
    monkeypatch.setattr(torch.distributed, "init_process_group", fail)
    with pytest.raises(RuntimeError, match="shapes cannot be multiplied"), ranks("cpu"):
        pass


@pytest.mark.slow
def test_a_killed_rank_leaves_one_line_and_the_checkpoint(tmp_path):
    out = tmp_path / "run"
    train = ["train", "siamcar_small", "--sequences", "2", "--out", str(out), "--save-minutes", "0.01"]
    start = ["-m", "torch.distributed.run", "--standalone", "--nproc-per-node=2", "-m", "dlatrack", *train]
    with (tmp_path / "errors.txt").open("w") as errors:
        torchrun = subprocess.Popen([sys.executable, *start], stdout=subprocess.DEVNULL, stderr=errors)
        try:
            wait_for((out / "checkpoint.safetensors").exists, 200)
            processes = {p.environ().get("RANK"): p for p in psutil.Process(torchrun.pid).children()}
            processes["1"].kill()
            torchrun.wait(60)
        finally:
            torchrun.terminate()
            torchrun.wait(60)
    assert not processes["0"].is_running()
    lines = (tmp_path / "errors.txt").read_text().splitlines()
    (line,) = [line for line in lines if line.startswith("dlatrack: ")]
    assert "rank 0: another process of this run has ended" in line
    assert line.endswith(f"torchrun --nproc-per-node 2 -m dlatrack {' '.join(train)}")
    assert not any(line.startswith("[rank0]: Traceback") for line in lines)
    assert (out / "checkpoint.safetensors").exists()


def wait_for(condition, seconds):
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.1)
