"""The best setting of a tuning, as later runs use it, with the mark that it may carry."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from dlatrack.errors import InputError
from dlatrack.recipes import OnlineConfig
from dlatrack.tuning.record import read_json, setting_of


@dataclass(frozen=True)
class Tuned:
    """What a record of `tune` gives to later runs.

    Args:
        path: of the record.
        setting: the best one.
        recipe: of the tracker it was tuned for.
        weights_sha256: of the weights it was tuned for.
        data: name of the data it was tuned on.
        truth_sha256: of the true boxes there.
        test_set: name of the test set that it was tuned on; None: of none.
        done: trials that the record holds.
        planned: trials that it should hold.
    """

    path: Path
    setting: OnlineConfig
    recipe: str
    weights_sha256: str | None
    data: str
    truth_sha256: str
    test_set: str | None
    done: int
    planned: int

    def as_settings(self) -> dict[str, Any]:
        """What a run record says of the setting; the mark is a part of it, so that no score is without."""
        return {
            **asdict(self.setting),
            "tuned_on": self.data,
            "tuned_on_test_set": self.test_set,
            "tuned_for_weights_sha256": self.weights_sha256,
            "truth_sha256": self.truth_sha256,
        }

    def mark(self) -> str | None:
        """The warning that goes with every score; None where there is nothing to warn of."""
        if self.test_set is None:
            return None
        return (
            f"TUNED ON A TEST SET: the setting of {self.path.name} was chosen on {self.test_set}; scores with it are "
            f"too good, and must not be compared with those of other trackers"
        )

    def notes(self, weights_sha256: str) -> list[str]:
        """What else whoever uses the setting should know.

        Args:
            weights_sha256: of the weights it is used with.
        """
        found = []
        if self.weights_sha256 != weights_sha256:
            found.append(f"{self.path.name} was tuned for other weights of recipe {self.recipe}")
        if self.done < self.planned:
            found.append(f"{self.path.name} is not finished: best of {self.done} of {self.planned} trials")
        return found


def read_tuned(path: str | Path, recipe: str) -> Tuned:
    """The best setting in a record of `tune`.

    Args:
        path: of the record.
        recipe: name of the recipe that it must be for.

    Raises:
        InputError: if the file is no such record, is damaged, has no trial yet, or is for another recipe.
    """
    path = Path(path)
    found = read_json(path)
    try:
        if found["best"] is None:
            raise InputError(f"{path} has no trial yet; let dlatrack tune go on")
        tuned = Tuned(
            path,
            setting_of(found["best"]),
            found["recipe"],
            found["weights_sha256"],
            found["data"]["name"],
            found["data"]["truth_sha256"],
            found["tuned_on_test_set"],
            found["trials_done"],
            found["search"]["trials"],
        )
    except (KeyError, TypeError) as error:
        raise InputError(f"{path} is damaged ({error!r}); tune anew, with another file") from error
    if tuned.recipe != recipe:
        raise InputError(f"{path} was tuned for recipe {tuned.recipe}; these weights are of {recipe}")
    return tuned
