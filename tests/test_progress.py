from __future__ import annotations

import io
import re
import sys
from types import ModuleType, SimpleNamespace

import pytest

from dlatrack.progress import Progress, duration


class Clock:
    """A clock that moves when told."""

    now = 100.0

    def __call__(self) -> float:
        return self.now


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def run(total: int | None, steps: list[tuple[int, float]], **figures: float) -> list[str]:
    """Lines of a log after steps of (units, seconds)."""
    stream, clock = io.StringIO(), Clock()
    with Progress(total, "training", unit="pairs", stream=stream, clock=clock) as progress:
        for n, seconds in steps:
            clock.now += seconds
            progress.step(n, **figures)
    return stream.getvalue().splitlines()


def test_a_line_has_count_rate_remaining_time_and_figures():
    first, last = run(9600, [(1280, 13.0), (8320, 9.0)], loss=1.8349)
    assert first == "training  1280/9600 pairs  13 %  98.5 pairs/s  1 min 24 s left  loss 1.83"
    assert last == "training  9600/9600 pairs  100 %  436 pairs/s  took 22 s  loss 1.83"


def test_a_quick_loop_writes_its_first_and_last_line_only():
    assert len(run(1000, [(1, 0.001)] * 1000)) == 2


def test_lines_are_ten_seconds_and_five_percent_apart():
    lines = run(100, [(1, 1.0)] * 100)
    assert [int(line.split()[1].split("/")[0]) for line in lines] == [1, *range(11, 100, 10), 100]


def test_a_slow_loop_writes_once_a_minute():
    lines = run(100_000, [(1, 1.0)] * 300)
    assert [int(line.split()[1].split("/")[0]) for line in lines] == [1, 61, 121, 181, 241, 300]


def test_a_failed_loop_says_how_far_it_came_and_lets_the_error_through():
    stream, clock = io.StringIO(), Clock()

    def track() -> None:
        with Progress(10, "tracking", stream=stream, clock=clock) as progress:
            clock.now += 2
            progress.step(4)
            raise RuntimeError("boom")

    with pytest.raises(RuntimeError, match="boom"):
        track()
    assert stream.getvalue().splitlines()[-1] == "tracking  4/10 steps  40 %  2 steps/s  stopped after 2.0 s"


def test_no_work_and_no_elapsed_time_are_fine():
    assert run(0, []) == ["training  0/0 pairs  100 %  took 0.0 s"]
    assert run(2, [(1, 0.0), (1, 0.0)])[0] == "training  1/2 pairs  50 %"


def test_figures_stay_until_new_ones_come():
    stream, clock = io.StringIO(), Clock()
    with Progress(2, "x", stream=stream, clock=clock) as progress:
        progress.step(1, loss=12345.6, where="val")
        clock.now += 1
        progress.step(1)
    assert stream.getvalue().splitlines()[-1].endswith("took 1.0 s  loss 12346  where val")


def test_a_terminal_gets_a_bar(monkeypatch):
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.setenv("COLUMNS", "120")
    stream, clock = Terminal(), Clock()
    with Progress(4, "training", unit="pairs", stream=stream, clock=clock) as progress:
        for _ in range(4):
            clock.now += 1
            progress.step(1, loss=0.5)
    assert "━" in stream.getvalue()
    assert "4/4 pairs  100 %  1 pairs/s  took 4.0 s  loss 0.5" in stream.getvalue()


def test_a_narrow_terminal_cuts_nothing(monkeypatch):
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.setenv("COLUMNS", "80")
    stream, clock = Terminal(), Clock()
    figures = {"loss": 3.21, "classification": 0.512, "regression": 0.434, "rate": 0.005, "positives": 7.25}
    with Progress(4, "training dla_siamcar", unit="pairs", stream=stream, clock=clock) as progress:
        clock.now += 1
        progress.step(4, **figures)
    shown = re.sub(r"\x1b\[[0-9;?]*[a-zA-Z]", "", stream.getvalue())
    bar, *text = [line.strip() for line in shown.rstrip().rsplit("\r", 1)[-1].splitlines()]
    assert bar == f"training dla_siamcar {'━' * 24}"
    assert " ".join(" ".join(text).split()) == (
        "4/4 pairs 100 % 4 pairs/s took 1.0 s loss 3.21 classification 0.512 regression 0.434 rate 0.005 "
        "positives 7.25"
    )


def test_what_was_done_before_counts_as_done_but_not_towards_the_rate():
    stream, clock = io.StringIO(), Clock()
    with Progress(1000, "training", unit="pairs", stream=stream, clock=clock) as progress:
        progress.skip(600)
        clock.now += 10
        progress.step(100)
        progress.skip(300)
    first, last = stream.getvalue().splitlines()
    assert first == "training  700/1000 pairs  70 %  10 pairs/s  30 s left"
    assert last == "training  1000/1000 pairs  100 %  10 pairs/s  took 10 s"


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0.04, "0.0 s"),
        (9.96, "10 s"),
        (59.4, "59 s"),
        (59.6, "1 min 00 s"),
        (85, "1 min 25 s"),
        (3599.7, "1 h 00 min"),
        (7500, "2 h 05 min"),
    ],
)
def test_durations(seconds, text):
    assert duration(seconds) == text


def test_without_a_total_there_is_neither_a_percentage_nor_an_end():
    first, second, last = run(None, [(10, 2.0), (16, 11.0)])
    assert first == "training  10 pairs  5 pairs/s"
    assert second == "training  26 pairs  2 pairs/s"
    assert last == "training  26 pairs  2 pairs/s  took 13 s"


def test_a_negative_total_is_refused():
    with pytest.raises(ValueError, match="at least 0, got -1"):
        Progress(-1, "training")


@pytest.mark.parametrize(
    ("shell", "stream"),
    [(None, "err"), (SimpleNamespace(), "err"), (SimpleNamespace(kernel=object()), "out")],
)
def test_only_a_kernel_gets_its_reports_on_standard_output(monkeypatch, capsys, shell, stream):
    """A terminal's IPython has no kernel; and importing ipykernel makes none."""
    monkeypatch.setitem(sys.modules, "ipykernel", ModuleType("ipykernel"))
    monkeypatch.setitem(sys.modules, "IPython", SimpleNamespace(get_ipython=lambda: shell))
    with Progress(1, "counting") as progress:
        progress.step()
    written = capsys.readouterr()
    assert getattr(written, stream).startswith("counting  1/1 steps")
    assert written.out == "" or written.err == ""


@pytest.mark.parametrize("name", ["[old] net", ":car:", "[/]", "long_" * 20])
def test_names_in_the_bar_stay_as_they_are(monkeypatch, name):
    monkeypatch.setenv("COLUMNS", "60")
    stream = Terminal()
    with Progress(2, f"tracking {name}", stream=stream, clock=Clock()) as progress:
        progress.step(2, tracker=name)
    text = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", stream.getvalue())
    label, figures = (
        "".join(part for line in text.splitlines() for part in line.split("━")[:1]).replace(" ", ""),
        text.replace("\n", "").replace(" ", ""),
    )
    assert f"tracking{name}".replace(" ", "") in label
    assert f"tracker{name}".replace(" ", "") in figures
