"""Signals that ask a run to stop, and what the command `train` makes of them."""

from __future__ import annotations

import signal
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import typer
from torch import nn

from dlatrack.cli.train import train
from dlatrack.training import engine, interrupt
from dlatrack.training.interrupt import stop_signal
from dlatrack.training.run import CHECKPOINT, Training


@pytest.fixture
def clock(monkeypatch):
    """Seconds that pass when told to."""
    now = [100.0]
    monkeypatch.setattr(interrupt.time, "monotonic", lambda: now[0])
    return now


def test_signals_are_noticed_and_handlers_come_back():
    before = signal.getsignal(signal.SIGTERM), signal.getsignal(signal.SIGINT)
    with stop_signal(signal.SIGTERM, signal.SIGINT) as asked:
        assert asked() == 0
        signal.raise_signal(signal.SIGTERM)
        assert asked() == signal.SIGTERM
        signal.raise_signal(signal.SIGINT)
        assert asked() == signal.SIGTERM, "the first counts"
    assert (signal.getsignal(signal.SIGTERM), signal.getsignal(signal.SIGINT)) == before


def test_without_numbers_sigterm_alone_is_noticed():
    before = signal.getsignal(signal.SIGINT)
    with stop_signal() as asked:
        assert signal.getsignal(signal.SIGINT) is before
        signal.raise_signal(signal.SIGTERM)
        assert asked() == signal.SIGTERM


def test_ctrl_c_again_stops_at_once_but_not_what_a_launcher_passes_on(clock):
    with stop_signal(signal.SIGINT) as asked:
        signal.raise_signal(signal.SIGINT)
        clock[0] += 0.5
        signal.raise_signal(signal.SIGINT)
        assert asked() == signal.SIGINT
        clock[0] += 1
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(signal.SIGINT)


def test_outside_the_main_thread_nothing_is_noticed():
    def ask() -> int:
        with stop_signal() as asked:
            return asked()

    with ThreadPoolExecutor(1) as pool:
        assert pool.submit(ask).result() == 0


@pytest.mark.parametrize(("number", "status"), [(signal.SIGTERM, 143), (signal.SIGINT, 130)])
def test_train_stops_with_the_status_of_its_signal_and_says_how_to_go_on(
    number, status, tmp_path: Path, monkeypatch, capsys
):
    def stopped(*_, should_stop, **__):
        assert not should_stop()
        signal.raise_signal(number)
        assert should_stop()
        return Training(nn.Identity(), [], 0, stopped=True)

    monkeypatch.setattr(engine, "train", stopped)
    (tmp_path / CHECKPOINT).touch()
    with pytest.raises(typer.Exit) as stop:
        train("siamcar_small", tmp_path, sequences=1, epochs=1, pairs_per_epoch=32, backbone_weights="random")
    assert stop.value.exit_code == status
    text = capsys.readouterr().out
    assert f"resuming from {tmp_path / CHECKPOINT}" in text
    assert "stopped in epoch 0; the same command resumes from here" in text
