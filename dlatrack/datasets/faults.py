"""What is wrong with a data set: one clear line per fault, raised at once or collected."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Never

from dlatrack.errors import InputError, shortened


@dataclass(frozen=True)
class Fault:
    """One thing that is wrong in a data set.

    Its text reads "FILE row ROW: VALUE WHAT", e.g. "anno/bike1.txt row 7: '1,2,x,4' is not four numbers x,y,w,h".
    """

    path: Path | str  #: the file or folder
    what: str  #: predicate that completes the sentence and says what is allowed, e.g. "is missing; ...".
    row: int | None = None  #: row in the file, from 1
    value: object = None  #: the offending text or number, as it stands in the file
    unit: str = "row"  #: noun of what `row` counts where the file has no rows, e.g. "object"
    sequence: str = ""  #: name of a sequence that is missing as a whole; empty for all other faults

    def __str__(self) -> str:
        where = str(self.path) if self.row is None else f"{self.path} {self.unit} {self.row}"
        if self.value is None:
            separator = " " if self.row is None else ": "
            return f"{where}{separator}{self.what}"
        return f"{where}: {shortened(repr(self.value))} {self.what}"


#: A function that a reader calls with each fault. If it returns, the reader continues where it can.
Report = Callable[[Fault], None]


def stop_at_first(fault: Fault) -> Never:
    """Raise on the first fault.

    Raises:
        InputError: always, with the text of the fault.
    """
    raise InputError(str(fault))


@dataclass
class FaultLog:
    """Keep the first faults and count all of them."""

    keep: int = 1000  #: number of faults to keep; those of a lost disk could fill the memory
    faults: list[Fault] = field(default_factory=list)
    count: int = 0
    paths: set[str] = field(default_factory=set)  #: every file or folder that has been named
    _texts: set[int] = field(default_factory=set, repr=False)

    def __call__(self, fault: Fault) -> None:
        """Record a fault, once."""
        text = hash(str(fault))
        if text in self._texts:
            return
        self._texts.add(text)
        self.count += 1
        self.paths.add(str(fault.path))
        if len(self.faults) < self.keep:
            self.faults.append(fault)
