"""Progress of long loops: a bar in a terminal, and a line from time to time in a log or a notebook."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterable, Mapping
from types import TracebackType
from typing import Self, TextIO

from rich.console import Console, RenderableType
from rich.progress import BarColumn, TaskID, TextColumn
from rich.progress import Progress as RichProgress
from rich.table import Column
from rich.text import Text

_QUIET_SECONDS = 10.0  # lines are at least this far apart
_LONGEST_SILENCE = 60.0  # after this long a line comes even when little has happened
_SHARE = 0.05  # before that, a line covers at least this share of the work


class Progress:
    """Count steps, and show their rate and, where the total is known, the remaining time.

    A terminal gets a bar with the figures below it. Elsewhere each report is a flushed line: one after the first
    step, one at the end, and between them at most one in ten seconds, once 5 % more is done or a minute has passed,
    so that logs stay short.

    Args:
        total: number of units to do, at least 0; None: not known.
        description: what is being done, e.g. "training".
        unit: plural noun of what is counted, e.g. "pairs".
        stream: stream to write to; by default standard error, and in a notebook standard output, because standard
            error looks like a failure there.
        clock: seconds from any starting point, not going backwards.

    Raises:
        ValueError: if `total` is negative.

    Example:
        with Progress(9600, "training", unit="pairs") as progress:
            for batch in batches:
                progress.step(len(batch), loss=train(batch))
    """

    def __init__(
        self,
        total: int | None,
        description: str,
        *,
        unit: str = "steps",
        stream: TextIO | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        if total is not None and total < 0:
            raise ValueError(f"progress needs a total of at least 0, got {total}")
        self.total = total or 0
        self._known = total is not None
        self.done = 0
        self._earlier = 0
        self._description = description
        self._unit = unit
        self._stream = stream if stream is not None else _default_stream()
        self._clock = clock
        self._figures: Mapping[str, float | str] = {}
        self._bar: _Bar | None = None
        self._task = TaskID(0)
        self._start = 0.0
        self._reported_at: float | None = None
        self._reported_done = 0

    def __enter__(self) -> Self:
        """Start the clock, and in a terminal the bar."""
        self._start = self._clock()
        if self._stream.isatty():
            console = Console(file=self._stream)
            whole = Column(overflow="fold")
            label = TextColumn("{task.description}", markup=False, table_column=whole)
            self._bar = _Bar(label, BarColumn(24), console=console)
            self._bar.start()
            self._task = self._bar.add_task(
                printable(self._description), total=self.total if self._known else None
            )
            self._bar.show(self._task, self.done, self._text())
        return self

    def skip(self, n: int) -> None:
        """Count `n` more units that were done at another time, so that they say nothing about the rate."""
        self.done += n
        self._earlier += n

    def step(self, n: int = 1, **figures: float | str) -> None:
        """Count `n` more units done, and remember the latest figures, e.g. the loss."""
        self.done += n
        self._figures = figures or self._figures
        if self._bar is not None:
            self._bar.show(self._task, self.done, self._text())
        elif (self.done < self.total or not self._known) and self._due():
            self._write()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Write the last line: the time it took, and whether the loop stopped early."""
        if self._bar is not None:
            self._bar.show(self._task, self.done, self._text(ended=True))
            self._bar.stop()
        else:
            self._write(ended=True)

    def _due(self) -> bool:
        if self._reported_at is None:
            return True
        silence = self._clock() - self._reported_at
        further = self.done - self._reported_done >= _SHARE * self.total
        return silence >= _LONGEST_SILENCE or (silence >= _QUIET_SECONDS and further)

    def _write(self, ended: bool = False) -> None:
        print(printable(f"{self._description}  {self._text(ended)}"), file=self._stream, flush=True)
        self._reported_at, self._reported_done = self._clock(), self.done

    def _text(self, ended: bool = False) -> str:
        elapsed = self._clock() - self._start
        parts = [f"{self.done} {self._unit}"]
        if self._known:
            percent = 100 * self.done // self.total if self.total else 100
            parts = [f"{self.done}/{self.total} {self._unit}", f"{percent} %"]
        rate = (self.done - self._earlier) / elapsed if elapsed > 0 else 0.0
        if rate > 0:
            parts.append(f"{_rounded(rate)} {self._unit}/s")
        if ended:
            early = self._known and self.done < self.total
            parts.append(f"{'stopped after' if early else 'took'} {duration(elapsed)}")
        elif rate > 0 and self._known:
            parts.append(f"{duration(max(self.total - self.done, 0) / rate)} left")
        parts += [f"{name} {_rounded(value)}" for name, value in self._figures.items()]
        return "  ".join(parts)


def tell(text: str) -> None:
    """Write a line about a step that takes long and cannot be counted, where a progress would be written."""
    print(printable(text), file=_default_stream(), flush=True)


class _Bar(RichProgress):
    """A bar with a text below it, which a narrow terminal wraps instead of cutting it."""

    _text = Text()

    def show(self, task: TaskID, done: int, text: str) -> None:
        self._text = Text(printable(text), overflow="fold")
        self.update(task, completed=done)

    def get_renderables(self) -> Iterable[RenderableType]:
        yield from super().get_renderables()
        yield self._text


def duration(seconds: float) -> str:
    """A duration in readable units: "0.4 s", "45 s", "1 min 25 s", "2 h 05 min"."""
    if seconds < 9.95:
        return f"{seconds:.1f} s"
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60:02d} s"
    minutes = round(seconds / 60)
    return f"{minutes // 60} h {minutes % 60:02d} min"


def _rounded(value: float | str) -> str:
    """Three significant digits without an exponent for everyday sizes; text as it is."""
    if isinstance(value, str):
        return value
    return f"{value:.0f}" if 100 <= abs(value) < 1e15 else f"{value:.3g}"


def _default_stream() -> TextIO:
    return sys.stdout if in_notebook() else sys.stderr


def in_notebook() -> bool:
    """Whether this code runs in a Jupyter kernel; having imported IPython is not enough."""
    ipython = sys.modules.get("IPython")
    return ipython is not None and hasattr(ipython.get_ipython(), "kernel")


def printable(text: str) -> str:
    """A text with escapes such as `\\x1b` in place of all that cannot be seen.

    That is control characters, line ends, bytes that are not text, invisible characters and unusual blanks.
    """
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)
