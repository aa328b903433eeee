"""The JSON record of a tuning, rewritten after every trial, and the best setting that later runs read from it."""

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
from dlatrack.structured.json_files import read_json_object

#: Key that makes a JSON file one of these, and its version. Version 1 was written before Optuna chose the settings;
#: its best setting can be used, but its search is not resumed.
_KEY, _VERSION, _READABLE = "dlatrack_tuning", 2, (1, 2)

#: Parts of a difference that the record holds.
_DIFFERENCE = ("value", "low", "high", "p", "better", "worse", "sequences", "resamples", "confidence")


@dataclass(frozen=True, eq=False)
class Trial:
    """A setting and its scores."""

    number: int  #: number of the trial, from 0
    setting: OnlineConfig  #: the hyper-parameters that were tried
    #: (R,) AUC of the sequences in the order in which they were run: all, or fewer if it was stopped
    sequence_auc: np.ndarray
    #: mean AUC over all sequences; for a stopped trial an estimate, the AUC of the best trial before it minus the
    #: mean distance from it on the sequences that were run
    auc: float
    stopped: bool  #: whether it was stopped before the last sequence
    seconds: float  #: time since the trial before it was done


class TuningRecord:
    """The trials of a tuning, and the file that holds them. An existing file is resumed.

    Args:
        path: path of the file.
        identity: JSON values that decide the outcome, in the order in which differences are reported. Versions are
            added for people and not compared.
        names: names of the S sequences, in the order in which they are run.

    Raises:
        InputError: if the file is no record, is damaged, or is of another tuning, naming the first difference.
    """

    def __init__(self, path: str | Path, identity: Mapping[str, Any], names: list[str]) -> None:
        self.path = Path(path)
        self.identity: dict[str, Any] = json.loads(json.dumps(identity))  # as the file has it
        self.names = names
        self.trials: list[Trial] = []
        remove_leftovers(self.path)
        if self.path.exists():
            self._resume(read_json(self.path))

    @property
    def best(self) -> Trial | None:
        """The trial with the largest AUC on all sequences, the first one of equals; None before trial 0 is done."""
        return max((trial for trial in self.trials if not trial.stopped), key=lambda t: t.auc, default=None)

    @property
    def difference(self) -> Difference | None:
        """AUC of the best setting minus that of trial 0, paired by sequence; None before trial 0 is done."""
        if self.best is None:
            return None
        return paired_bootstrap(self.best.sequence_auc, self.trials[0].sequence_auc)

    def add(self, trial: Trial) -> None:
        """Append a trial, and write the file.

        Raises:
            InputError: if it cannot be written.
        """
        self.trials.append(trial)
        write_text(self.path, json.dumps(self.as_dict(), indent=2, allow_nan=False) + "\n")

    def as_dict(self) -> dict[str, Any]:
        """The content of the file."""
        rows, best, difference = [self._row(trial) for trial in self.trials], self.best, self.difference
        return {
            _KEY: _VERSION,
            **self.identity,
            "versions": versions(("dlatrack", "torch", "numpy", "scipy", "optuna")),
            "trials_done": len(rows),
            "best": None if best is None else rows[best.number],
            "start": rows[0] if rows else None,
            "best_minus_start": difference and {name: getattr(difference, name) for name in _DIFFERENCE},
            "trials": rows,
            "seconds": round(sum(trial.seconds for trial in self.trials), 3),
        }

    def _row(self, trial: Trial) -> dict[str, Any]:
        aucs = zip(self.names, trial.sequence_auc.tolist(), strict=False)
        return {
            "trial": trial.number,
            **asdict(trial.setting),
            "auc": None if trial.stopped else trial.auc,
            "estimated_auc": trial.auc if trial.stopped else None,
            "stopped": trial.stopped,
            "seconds": round(trial.seconds, 3),
            "sequence_auc": dict(sorted(aucs)),
        }

    def _resume(self, found: dict[str, Any]) -> None:
        if found[_KEY] != _VERSION:
            raise InputError(
                f"{self.path} was written by an earlier search (format version {found[_KEY]}), which cannot be "
                f"resumed, only used with --hyper; name another file"
            )
        for where, there, here in _differences(found, self.identity):
            raise InputError(f"{self.path} {_refusal(found, where, there, here)}; name another file")
        try:
            self.trials = [self._trial(number, row) for number, row in enumerate(found["trials"])]
        except (KeyError, TypeError, ValueError) as error:
            raise InputError(f"{self.path} is damaged ({error!r}); remove it or name another file") from error
        if self.trials and found["best"] != json.loads(json.dumps(self.as_dict()["best"])):
            raise InputError(
                f"{self.path} is damaged (its best setting is not that of its trials); remove it or name another file"
            )

    def _trial(self, number: int, row: dict[str, Any]) -> Trial:
        run = self.names[: len(row["sequence_auc"])] if row["stopped"] else self.names
        aucs = np.array([row["sequence_auc"][name] for name in run], np.float64)
        auc = float(row["estimated_auc" if row["stopped"] else "auc"])
        return Trial(number, setting_of(row), aucs, auc, row["stopped"], row["seconds"])


@dataclass(frozen=True)
class Tuned:
    """The best setting of a record, as later runs use it, with the mark that it may carry."""

    path: Path  #: path of the record
    recipe: str  #: name of the recipe that it was tuned for
    setting: OnlineConfig  #: the best setting
    origin: Mapping[str, str | None]  #: what the setting was tuned for and on, as a run record says it
    unfinished: str  #: how far the search has got, e.g. "best of 7 of 12 trials"; empty when it is done.

    def as_settings(self) -> dict[str, Any]:
        """What a run record says of the setting; the mark is a part of it, so that no score is without."""
        return asdict(self.setting) | dict(self.origin)

    def mark(self) -> str | None:
        """The warning that goes with every score; None where there is nothing to warn of."""
        if (test_set := self.origin["tuned_on_test_set"]) is None:
            return None
        return (
            f"TUNED ON A TEST SET: the setting of {self.path.name} was chosen on {test_set}; scores with it are "
            f"too good, and must not be compared with those of other trackers"
        )

    def notes(self, weights_sha256: str) -> list[str]:
        """Further warnings for a run with weights of this hash."""
        found = []
        if self.origin["tuned_for_weights_sha256"] != weights_sha256:
            found.append(f"{self.path.name} was tuned for other weights of recipe {self.recipe}")
        if self.unfinished:
            found.append(f"{self.path.name} is not finished: {self.unfinished}")
        return found


def read_tuned(path: str | Path, recipe: str) -> Tuned:
    """The best setting in a record of `tune`, of this or an earlier version.

    Args:
        path: path of the record.
        recipe: name of the recipe that it must be for.

    Raises:
        InputError: if the file is no such record, is damaged, has no trial yet, or is for another recipe.
    """
    path = Path(path)
    found = read_json(path)
    if found.get("best", "") is None:
        raise InputError(f"{path} has no trial yet; run dlatrack tune again")
    try:
        setting, tuned_for = setting_of(found["best"]), found["recipe"]
        done, planned = found["trials_done"], found["search"]["trials"]
        origin = {
            "tuned_on": found["data"]["name"],
            "tuned_on_test_set": found["tuned_on_test_set"],
            "tuned_for_weights_sha256": found["weights_sha256"],
            "truth_sha256": found["data"]["truth_sha256"],
        }
        unfinished = f"best of {done} of {planned} trials" if done < planned else ""
    except (KeyError, TypeError, InputError) as error:
        raise InputError(f"{path} is damaged ({error!r}); tune again, with another file") from error
    if tuned_for != recipe:
        raise InputError(f"{path} was tuned for recipe {tuned_for}; these weights are of {recipe}")
    return Tuned(path, recipe, setting, origin, unfinished)


def read_json(path: Path) -> dict[str, Any]:
    """The content of a record.

    Raises:
        InputError: if the file cannot be read, or is no record of a version that this program knows.
    """
    found = read_json_object(path)
    if _KEY not in found:
        raise InputError(f"{path} is no record of dlatrack tune")
    if found[_KEY] not in _READABLE:
        raise InputError(f"{path} has format version {found[_KEY]!r}, this program reads 1 and {_VERSION}")
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
    name, _, what = where.removeprefix("data.sequences.").rpartition(".")
    if not where.startswith("data.sequences."):
        return f"belongs to another tuning: {where} was {there!r} and is now {here!r}"
    if name not in found["data"]["sequences"]:
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
