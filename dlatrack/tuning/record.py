"""The JSON record of a tuning: what was tried on what, and what came of it; written anew after every trial."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from dlatrack.errors import InputError
from dlatrack.evaluation.statistics.compare import paired_bootstrap
from dlatrack.evaluation.statistics.difference import Difference
from dlatrack.files import remove_leftovers, write_text
from dlatrack.provenance import versions
from dlatrack.recipes import OnlineConfig
from dlatrack.tuning.trials import Outcome, first_part

#: Key that makes a JSON file one of these, and its version.
_KEY, _VERSION = "dlatrack_tuning", 1

#: Parts of a difference that the record holds.
_DIFFERENCE = ("value", "low", "high", "p", "better", "worse", "sequences", "resamples", "confidence")


@dataclass(frozen=True)
class Trial:
    """One row of the record.

    Args:
        trial: number, from 0.
        setting: that was tried.
        first_auc: mean AUC on the first part of the sequences.
        auc: mean AUC on all; None for a trial that was stopped.
        seconds: it took.
    """

    trial: int
    setting: OnlineConfig
    first_auc: float
    auc: float | None
    seconds: float


@dataclass(frozen=True, eq=False)
class Scored:
    """A trial that ran on all sequences.

    Args:
        trial: number, from 0.
        setting: that was tried.
        sequence_auc: (S,) AUC of each sequence, in the order in which they were run.
    """

    trial: int
    setting: OnlineConfig
    sequence_auc: np.ndarray

    @property
    def auc(self) -> float:
        """Mean over the sequences."""
        return float(self.sequence_auc.mean())


class TuningRecord:
    """A record in a file, as far as it has got.

    Args:
        path: of the file. If it is there, it is gone on with.
        identity: JSON values that decide the outcome, in the order in which differences are told. Versions are added
            for people and not compared.
        names: S sequences, in the order in which they are run.

    Raises:
        InputError: if the file is no record, is damaged, or is of another tuning, naming the first difference.
    """

    def __init__(self, path: str | Path, identity: Mapping[str, Any], names: list[str]) -> None:
        self.path = Path(path)
        self.identity: dict[str, Any] = json.loads(json.dumps(identity))  # as the file has it
        self.names = names
        self.trials: list[Trial] = []
        self.start: Scored | None = None
        self.best: Scored | None = None
        remove_leftovers(self.path)
        if self.path.exists():
            self._go_on(read_json(self.path))

    @property
    def difference(self) -> Difference | None:
        """AUC of the best setting minus that of trial 0, paired by sequence; None before trial 0 is done."""
        if self.start is None or self.best is None:
            return None
        return paired_bootstrap(self.best.sequence_auc, self.start.sequence_auc)

    def best_before(self, number: int) -> OnlineConfig | None:
        """Best setting of the trials before trial `number`; None if there is none."""
        done = [(trial.auc, -trial.trial) for trial in self.trials[:number] if trial.auc is not None]
        return self.trials[-max(done)[1]].setting if done else None

    def add(self, outcome: Outcome) -> None:
        """Take in a trial, and write the file.

        Raises:
            InputError: if it cannot be written.
        """
        first = outcome.sequence_auc[: first_part(len(self.names))]
        scored = None if outcome.stopped else Scored(outcome.number, outcome.setting, outcome.sequence_auc)
        auc = None if scored is None else scored.auc
        self.trials.append(
            Trial(outcome.number, outcome.setting, float(first.mean()), auc, round(outcome.seconds, 3))
        )
        if scored is not None:
            self.start = self.start or scored
            self.best = scored if self.best is None or scored.auc > self.best.auc else self.best
        write_text(self.path, json.dumps(self.as_dict(), indent=2, allow_nan=False) + "\n")

    def as_dict(self) -> dict[str, Any]:
        """The content of the file."""
        difference = self.difference
        return {
            _KEY: _VERSION,
            **self.identity,
            "versions": versions(("dlatrack", "torch", "numpy", "scipy")),
            "trials_done": len(self.trials),
            "best": self._scored(self.best),
            "start": self._scored(self.start),
            "best_minus_start": difference and {name: getattr(difference, name) for name in _DIFFERENCE},
            "trials": [
                {
                    "trial": trial.trial,
                    **asdict(trial.setting),
                    "auc": trial.auc,
                    "first_part_auc": trial.first_auc,
                    "stopped": trial.auc is None,
                    "seconds": trial.seconds,
                }
                for trial in self.trials
            ],
            "seconds": round(sum(trial.seconds for trial in self.trials), 3),
        }

    def _scored(self, scored: Scored | None) -> dict[str, Any] | None:
        if scored is None:
            return None
        aucs = dict(zip(self.names, scored.sequence_auc.tolist(), strict=True))
        return {
            "trial": scored.trial,
            **asdict(scored.setting),
            "auc": scored.auc,
            "sequence_auc": {name: aucs[name] for name in sorted(aucs)},
        }

    def _go_on(self, found: dict[str, Any]) -> None:
        for where, there, here in _differences(found, self.identity):
            raise InputError(f"{self.path} {_refusal(found, where, there, here)}; name another file")
        try:
            self.trials = [
                Trial(row["trial"], setting_of(row), row["first_part_auc"], row["auc"], row["seconds"])
                for row in found["trials"]
            ]
            self.start, self.best = (self._read_scored(found[key]) for key in ("start", "best"))
        except (KeyError, TypeError, ValueError) as error:
            raise InputError(f"{self.path} is damaged ({error!r}); remove it or name another file") from error

    def _read_scored(self, row: dict[str, Any]) -> Scored:
        aucs = np.array([row["sequence_auc"][name] for name in self.names])
        return Scored(row["trial"], setting_of(row), aucs)


def read_json(path: Path) -> dict[str, Any]:
    """The content of a record.

    Raises:
        InputError: if the file cannot be read, or is no record of this version.
    """
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise InputError(f"cannot read {path}: {error}") from error
    if not isinstance(found, dict) or _KEY not in found:
        raise InputError(f"{path} is no record of dlatrack tune")
    if found[_KEY] != _VERSION:
        raise InputError(f"{path} has format version {found[_KEY]!r}, this program reads {_VERSION}")
    return found


def setting_of(row: Mapping[str, Any]) -> OnlineConfig:
    """The setting in a row of a record.

    Raises:
        KeyError: if a hyper-parameter is missing.
        TypeError: or no number.
    """
    values = {name: row[name] for name in OnlineConfig.__dataclass_fields__}
    for name, value in values.items():
        if not isinstance(value, float | int) or isinstance(value, bool):
            raise TypeError(f"{name} is {value!r}")
    return OnlineConfig(**values)


def _refusal(found: Mapping[str, Any], where: str, there: Any, here: Any) -> str:
    """Why a record is not resumed, given the first difference."""
    if not where.startswith("data.sequences."):
        return f"belongs to another tuning: {where} is {there!r} there and {here!r} here"
    name, _, what = where.removeprefix("data.sequences.").rpartition(".")
    recorded = found["data"]["sequences"]
    if not isinstance(recorded, dict):
        return (
            "does not say which images and boxes it is of, as earlier versions of dlatrack wrote it, and old trials "
            "must not pass for new ones"
        )
    if name not in recorded:
        return f"belongs to another tuning: sequence {name} is not in it"
    return f"belongs to another tuning: the {what} of sequence {name} have changed since"


def _differences(found: Any, wanted: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any, Any]]:
    """Entries of `wanted` that `found` lacks or has otherwise: dotted name, value there, value here."""
    for key, here in wanted.items():
        there = found.get(key) if isinstance(found, dict) else None
        if isinstance(here, dict):
            yield from _differences(there, here, f"{prefix}{key}.")
        elif there != here:
            yield f"{prefix}{key}", there, here
