"""What the notebooks do at each size: `smoke` for tests, `demo` for a laptop, `paper` for the full schedule."""

from __future__ import annotations

from dataclasses import dataclass, replace

from dlatrack.errors import InputError
from dlatrack.recipes import RECIPES, Recipe, Schedule, recipe


@dataclass(frozen=True)
class Plan:
    """A DLA tracker and its fixed twin, trained on the same pairs and run over the same held-out sequences.

    Args:
        twin: recipe of the fixed twin; its partner is `dla_<twin>`.
        schedule: of both; None keeps each recipe's own.
        train: number of synthetic training sequences, and frames in each.
        test: number of synthetic held-out sequences, and frames in each.
    """

    twin: str
    schedule: Schedule | None
    train: tuple[int, int]
    test: tuple[int, int]

    @property
    def recipes(self) -> tuple[Recipe, Recipe]:
        """The fixed twin and the DLA tracker with this plan's schedule."""
        fixed, dynamic = (
            entry if self.schedule is None else replace(entry, schedule=self.schedule)
            for entry in (recipe(self.twin), recipe(f"dla_{self.twin}"))
        )
        return fixed, dynamic


_SHORT = Schedule(
    epochs=5,
    pairs_per_epoch=1024,
    batch=16,
    warmup_epochs=1,
    warmup_from=0.004,
    rate=0.02,
    final_rate=0.002,
    unfreeze_epoch=5,
    backbone_start="random",
)

PLANS: dict[str, Plan] = {
    "smoke": Plan(
        "siamcar_small",
        replace(_SHORT, epochs=2, pairs_per_epoch=8, batch=4, unfreeze_epoch=1),
        train=(2, 4),
        test=(2, 12),
    ),
    "demo": Plan("siamcar_small", _SHORT, train=(60, 20), test=(12, 60)),
    "paper": Plan("siamcar", None, train=(0, 0), test=(40, 200)),
}

#: Shorter in `demo` than the plan's: the second pair of twins shows how anchors are trained, not how well.
_SHORTER = {("demo", "siamrpnpp"): replace(_SHORT, epochs=3, pairs_per_epoch=768)}


def plan(preset: str, *, tracker: str = "siamcar", epochs: int = 0, pairs_per_epoch: int = 0) -> Plan:
    """The plan of a preset, with a longer or shorter schedule if asked for.

    Args:
        preset: "smoke", "demo" or "paper".
        tracker: "siamcar" or "siamrpnpp"; with the preset "paper" any recipe that has a DLA twin.
        epochs: 0 keeps the preset's.
        pairs_per_epoch: 0 keeps the preset's.

    Raises:
        InputError: naming the presets, the trackers, or the number that is negative.
    """
    _check(preset)
    for name, value in (("epochs", epochs), ("pairs_per_epoch", pairs_per_epoch)):
        if value < 0:
            raise InputError(f"{name} must be 0 (the preset's) or more, got {value}")
    chosen = PLANS[preset]
    size = chosen.twin.removeprefix("siamcar")  # "_small" or nothing
    known = [name.removeprefix("dla_") for name in RECIPES if name.startswith("dla_")]
    trackers = [name.removesuffix("_small") for name in known if name.endswith("_small") == bool(size)]
    if tracker not in trackers:
        raise InputError(
            f"tracker must be one of {', '.join(trackers)} in the preset {preset}, got {tracker!r}"
        )
    chosen = replace(chosen, twin=tracker + size)
    schedule = _SHORTER.get((preset, tracker), chosen.schedule) or recipe(chosen.twin).schedule
    if epochs:
        schedule = replace(schedule, epochs=epochs, warmup_epochs=min(schedule.warmup_epochs, epochs - 1))
    if pairs_per_epoch:
        schedule = replace(schedule, pairs_per_epoch=pairs_per_epoch)
    return replace(chosen, schedule=schedule)


def frames_to_count(preset: str, length: int) -> list[int]:
    """Frame numbers that notebook 01 looks at: 6, 60 or all of a sequence, evenly spread.

    Raises:
        InputError: naming the presets.
    """
    _check(preset)
    most = {"smoke": 6, "demo": 60}.get(preset, length)
    count = min(most, length)
    return [index * length // count for index in range(count)]


def _check(preset: str) -> None:
    if preset not in PLANS:
        raise InputError(f"there is no preset {preset!r}; choose from {', '.join(PLANS)}")


#: The sizes in which every notebook runs: seconds, for tests; minutes on a laptop; the paper's schedule.
PRESETS = ("smoke", "demo", "paper")
