"""What the notebooks do in each preset: `smoke` for tests, `demo` for a laptop, `paper` for the full schedule."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from dlatrack.errors import InputError
from dlatrack.recipes import Recipe, Schedule, Twins, recipe
from dlatrack.recipes.config import SMALL_SIZES
from dlatrack.recipes.twins import all_twins

_SMALL = ("siamcar_small", "siamrpnpp_small")


@dataclass(frozen=True)
class CostSizes:
    """What notebook 10 times."""

    trackers: tuple[str, ...]  #: recipes with a fixed rule that have a DLA twin
    turns: int  #: turns of the training steps of a tracker, with four steps in each
    frames: int  #: tracked frames
    course: tuple[int, int]  #: epochs and pairs per epoch of the trainings that are timed as a whole
    batch: int = 0  #: pairs of a training step; 0: the usual number of the recipe
    followed: tuple[str, ...] = _SMALL  #: recipes of these trainings, with a fixed rule


@dataclass(frozen=True)
class Sizes:
    """How much the notebooks do in one preset; the numbers in brackets are those of the notebooks.

    Schedules are numbers of epochs and of pairs per epoch, (0, 0) for those of notebook 03; videos are numbers of
    photographic sequences and of frames in each; None sets no limit.
    """

    user_data: bool  #: (02, 05 to 08) whether `DLATRACK_DATA` is searched before miniatures are made
    labelled_frames: int | None  #: (01, 13) frames of a sequence that are labelled at most
    size: str  #: (03, 04, 09, 13) end of the names of the trained recipes: "_nano", "" for those of the paper
    schedule: Schedule | None  #: (03) training schedule; None: that of the recipe
    train: tuple[int, int]  #: (03, 04, 09, 13) training videos
    test: tuple[int, int]  #: (03, 04) held-out videos
    first_box: tuple[int, int, int]  #: (03, 16) runs from perturbed first boxes, videos, frames
    anchors: tuple[
        int, int
    ]  #: (04) schedule of trackers with anchors: it shows how anchors are trained, not how well
    trackers: int | None  #: (05 to 08) trackers that are scored at most, ours and published ones each
    miniature_length: int  #: (05 to 08) length of the videos of a miniature, in those of the shortest ones
    k_targets: int  #: (09, 14) simulated targets
    k_trained: tuple[int, ...]  #: (09) every K that is trained with
    k_schedule: tuple[int, int]  #: (09) schedule
    k_test: tuple[int, int]  #: (09) held-out videos
    cost: CostSizes  #: (10) timed trackers
    pictured: tuple[int, int]  #: (11) photographic videos
    pictured_of_set: int | None  #: (11) sequences of a data set at most
    video: tuple[int, int, int]  #: (12) frames, width and height of the photographic video
    tuned: tuple[int, int]  #: (16) epochs and pairs per epoch of the fine-tuning
    tuned_test: tuple[int, int]  #: (16) held-out videos, each of which is run several times
    seeds: int  #: (13) trainings of each twin
    seed_schedule: tuple[int, int]  #: (13) schedule
    seed_test: tuple[int, int]  #: (13) held-out videos
    choice_targets: int  #: (13) simulated targets whose labels are compared
    masked: tuple[
        int, int, int
    ]  #: (14) videos of a kind, frames in each, and those of them that are labelled
    #: (15) photographic videos, those that show something else after their middle, long videos of each kind, frames
    #: in each of these, and frames of a real clip at most
    lost: tuple[int, int, int, int, int]


_SHORT = Schedule(
    epochs=5,
    pairs_per_epoch=1024,
    batch=16,
    warmup_epochs=1,
    warmup_from=0.004,
    rate=0.02,
    final_rate=0.002,
    unfreeze_epoch=5,
    backbone_start="shipped",
)
_SHORTEST = replace(_SHORT, epochs=2, pairs_per_epoch=8, batch=4, unfreeze_epoch=1)
_PAPER = ("siamrpnpp", "siamcar", "cosiamrpn", "siamfcpp")

#: Every size for smoke (seconds, for tests), demo (minutes on a laptop) and paper (the full schedule).
_TABLE: dict[str, tuple[Any, Any, Any]] = {
    "user_data": (False, True, True),
    "labelled_frames": (6, 60, None),
    "size": ("_nano", "_nano", ""),
    "schedule": (_SHORTEST, _SHORT, None),
    "train": ((2, 4), (60, 20), (0, 0)),
    "test": ((2, 12), (24, 60), (40, 200)),
    "first_box": ((2, 2, 6), (6, 8, 20), (8, 40, 60)),
    "anchors": ((0, 0), (3, 768), (0, 0)),
    "trackers": (2, None, None),
    "miniature_length": (1, 5, 5),
    "k_targets": (400, 3000, 40_000),
    "k_trained": ((5, 9), (5, 9, 19), tuple(range(5, 24, 2))),
    "k_schedule": ((0, 0), (3, 384), (0, 0)),
    "k_test": ((2, 12), (8, 40), (40, 200)),
    "cost": (
        CostSizes(_SMALL, 2, 3, (2, 4), batch=2),
        CostSizes(_SMALL, 10, 40, (8, 800)),
        CostSizes(_SMALL + _PAPER, 15, 40, (8, 3200)),
    ),
    "pictured": ((3, 10), (12, 60), (40, 120)),
    "pictured_of_set": (3, 12, None),
    "video": ((12, 320, 240), (150, 640, 360), (300, 640, 360)),
    "tuned": ((1, 32), (4, 1024), (8, 4000)),
    "tuned_test": ((2, 12), (12, 60), (40, 200)),
    "seeds": (2, 3, 3),
    "seed_schedule": ((1, 8), (3, 384), (0, 0)),
    "seed_test": ((2, 12), (12, 40), (40, 200)),
    "choice_targets": (400, 4000, 40_000),
    "masked": ((3, 12, 2), (30, 24, 4), (200, 40, 8)),
    "lost": ((2, 3, 1, 240, 20), (12, 6, 1, 600, 60), (12, 6, 2, 600, 60)),
}

PRESETS = {
    preset: Sizes(**{name: row[column] for name, row in _TABLE.items()})
    for column, preset in enumerate(("smoke", "demo", "paper"))
}


def sizes(preset: str) -> Sizes:
    """Look up a preset.

    Raises:
        InputError: naming the presets.
    """
    if preset not in PRESETS:
        raise InputError(f"preset must be one of {', '.join(PRESETS)}, got {preset!r}")
    return PRESETS[preset]


@dataclass(frozen=True)
class Plan:
    """Twins that are trained on the same pairs and run over the same held-out sequences."""

    tracker: str  #: recipe of the fixed twin
    schedule: Schedule  #: training schedule of both
    train: tuple[int, int]  #: number of photographic training sequences, and frames in each
    test: tuple[int, int]  #: number of photographic held-out sequences, and frames in each

    @property
    def twins(self) -> Twins:
        """The two recipes with this plan's schedule."""
        return Twins.of(self.tracker).with_schedule(self.schedule)

    @property
    def recipes(self) -> dict[str, Recipe]:
        """The two recipes by label, the fixed one first."""
        return dict(zip(self.twins.labels, self.twins, strict=True))


def plan(preset: str, *, tracker: str = "siamcar", epochs: int = 0, pairs_per_epoch: int = 0) -> Plan:
    """The plan of a preset, with a longer or shorter schedule if asked for.

    Args:
        preset: "smoke", "demo" or "paper".
        tracker: "siamcar", "siamrpnpp", "siamfcpp" or "cosiamrpn"; with the preset "paper" any recipe that has a DLA
            twin.
        epochs: 0 keeps the preset's.
        pairs_per_epoch: 0 keeps the preset's.

    Raises:
        InputError: naming the presets, the trackers, or the number that is negative.
    """
    size = sizes(preset)
    for name, value in (("epochs", epochs), ("pairs_per_epoch", pairs_per_epoch)):
        if value < 0:
            raise InputError(f"{name} must be 0 (the preset's) or more, got {value}")
    names = [twins.fixed.name for twins in all_twins()]
    if size.size:
        known = [name.removesuffix(size.size) for name in names if name.endswith(size.size)]
    else:
        known = [name for name in names if not name.endswith(SMALL_SIZES)]
    if tracker not in known:
        raise InputError(f"tracker must be one of {', '.join(known)} in the preset {preset}, got {tracker!r}")
    name = tracker + size.size
    own = recipe(name).schedule
    schedule = replace(size.schedule or own, backbone_start=own.backbone_start)
    if recipe(name).net.head == "rpn":
        epochs, pairs_per_epoch = epochs or size.anchors[0], pairs_per_epoch or size.anchors[1]
    schedule = schedule.resized(epochs=epochs, pairs_per_epoch=pairs_per_epoch)
    return Plan(name, schedule, size.train, size.test)


def frames_to_label(preset: str, length: int) -> list[int]:
    """Frame numbers of a sequence that are labelled, evenly spread.

    Raises:
        InputError: naming the presets.
    """
    return evenly_spread(length, sizes(preset).labelled_frames)


def evenly_spread(length: int, most: int | None) -> list[int]:
    """At most `most` of the numbers 0..length - 1, evenly spread; None: all."""
    count = length if most is None else min(most, length)
    return [index * length // count for index in range(count)]
