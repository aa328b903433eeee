"""Event files hold what the history holds, every step once, after a resumption too."""

from __future__ import annotations

import sys
from dataclasses import replace

import pytest

from dlatrack import cli
from dlatrack.datasets.synthetic import synthetic_sequences
from dlatrack.errors import InputError
from dlatrack.recipes import Schedule, recipe
from dlatrack.sampling.store import CropStore
from dlatrack.training.compute import Compute
from dlatrack.training.engine import train
from dlatrack.training.history import StepRow, read_history
from dlatrack.training.run import HISTORY
from dlatrack.training.tensorboard import EVENTS, SCALARS, EventFiles

accumulator = pytest.importorskip("tensorboard.backend.event_processing.event_accumulator")

STEP = StepRow(0, 0, 0.01, 2.0, 0.5, 0.4, 0.3, 1.5, 0, 0, 3.0, 12.0, 1.0, 1, 0, 1, 50.0)


def read(folder) -> dict[str, list[tuple[int, float]]]:
    """Step and value by tag, as TensorBoard itself reads the files."""
    events = accumulator.EventAccumulator(str(folder), size_guidance={"scalars": 0})
    events.Reload()
    return {tag: [(e.step, e.value) for e in events.Scalars(tag)] for tag in events.Tags()["scalars"]}


def test_a_step_by_hand(tmp_path):
    with EventFiles(tmp_path) as events:
        events("A", STEP._replace(step=7), 10)
        seen = read(tmp_path)
    assert seen["loss/total"] == [(7, 2.0)]
    assert seen["loss/regression"] == [(7, pytest.approx(0.4))]
    assert seen["optimiser/learning rate"] == [(7, pytest.approx(0.01))]
    assert seen["optimiser/gradient norm"] == [(7, 1.5)]
    assert seen["labels/positives per target"] == [(7, 3.0)]
    assert seen["speed/pairs per second"] == [(7, 50.0)]
    assert set(seen) == set(SCALARS.values())


def test_the_norm_of_a_skipped_step_is_left_out(tmp_path):
    with EventFiles(tmp_path) as events:
        for number, norm in enumerate((1.0, float("inf"), float("nan"), 2.0)):
            events("A", STEP._replace(step=number, gradient_norm=norm), 4)
    seen = read(tmp_path)
    assert seen["optimiser/gradient norm"] == [(0, 1.0), (3, 2.0)]
    assert len(seen["loss/total"]) == 4


def test_a_run_that_was_killed_and_goes_on_has_every_step_once(tmp_path):
    """It is saved after two steps and killed after three, so that the third is made twice."""
    schedule = Schedule(
        epochs=2, pairs_per_epoch=5, batch=2, warmup_epochs=0, unfreeze_epoch=2, backbone_start="random"
    )
    chosen = replace(recipe("siamcar_small"), schedule=schedule)
    store = CropStore.build(synthetic_sequences(2, seed=50, length=4, challenges=()))

    def go(until: int) -> list[int]:
        made = []
        with EventFiles(tmp_path / EVENTS) as events:

            def hear(step, total):
                events("A", step, total)
                made.append(step.step)
                if step.step == until:
                    raise KeyboardInterrupt

            train(chosen, store, tmp_path, compute=Compute(save_every=2), on_step=hear)
        return made

    with pytest.raises(KeyboardInterrupt):
        go(2)
    assert go(99) == [2, 3, 4, 5]
    history = read_history(tmp_path / HISTORY, 6)
    seen = read(tmp_path / EVENTS)
    for column, tag in SCALARS.items():
        assert seen[tag] == [(s.step, pytest.approx(getattr(s, column), rel=1e-6)) for s in history], tag
    assert len(list((tmp_path / EVENTS).iterdir())) == 2


def test_a_run_that_makes_no_step_leaves_no_files(tmp_path):
    with EventFiles(tmp_path / EVENTS):
        pass
    assert not (tmp_path / EVENTS).exists()


def test_a_missing_package_is_named_with_its_remedy(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "torch.utils.tensorboard", None)
    with pytest.raises(InputError, match=r'package tensorboard: pip install "dlatrack\[tensorboard\]"'):
        EventFiles(tmp_path)


def test_a_folder_that_cannot_be_is_named(tmp_path):
    (tmp_path / "file").write_text("")
    with (
        EventFiles(tmp_path / "file" / EVENTS) as events,
        pytest.raises(InputError, match=r"cannot write .*file"),
    ):
        events("A", STEP, 1)


def test_the_command_writes_history_and_event_files(tmp_path, monkeypatch, capsys):
    size = ["--sequences", "2", "--epochs", "1", "--pairs-per-epoch", "4", "--batch", "2"]
    command = [
        "train",
        "siamcar_small",
        "--out",
        str(tmp_path),
        *size,
        "--precision",
        "float16",
        "--tensorboard",
    ]
    monkeypatch.setattr(sys, "argv", ["dlatrack", *command])
    with pytest.raises(SystemExit) as stop:
        cli.main()
    assert not stop.value.code
    assert "float16, cpu" in capsys.readouterr().out
    steps = read_history(tmp_path / HISTORY, 2)
    assert read(tmp_path / EVENTS)["loss/total"] == [(s.step, pytest.approx(s.loss, rel=1e-6)) for s in steps]
