"""The state of a track: tracking, uncertain or lost, which changes only when several frames agree."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from dlatrack.errors import InputError
from dlatrack.tracking.confidence.checks import checked_count, checked_share

State = Literal["tracking", "uncertain", "lost"]


@dataclass(frozen=True)
class Thresholds:
    """When the state of a track changes.

    Raises:
        InputError: naming a value that is out of its range.
    """

    tracking: float = 0.5  #: probability from which a frame speaks for the target, 0..1
    lost: float = 0.1  #: probability below which a frame speaks against it, 0..1, at most `tracking`
    found_after: int = 3  #: frames for the target, one after the other, that end "uncertain" or "lost"
    lost_after: int = 10  #: frames against it, one after the other, that make a track lost

    def __post_init__(self) -> None:
        for name in ("tracking", "lost"):
            object.__setattr__(self, name, checked_share(name, getattr(self, name)))
        if self.lost > self.tracking:
            raise InputError(f"lost must be at most tracking, {self.tracking}, got {self.lost}")
        for name in ("found_after", "lost_after"):
            object.__setattr__(self, name, checked_count(name, getattr(self, name), 1))


@dataclass
class Hysteresis:
    """State machine of one track.

    A track that is `tracking` becomes `uncertain` in the first frame below `thresholds.tracking`. From there, and
    from `lost`, `found_after` frames in a row at or above it lead back to `tracking`; `lost_after` frames in a row
    below `thresholds.lost` make it `lost`, from whatever state.
    """

    thresholds: Thresholds = Thresholds()
    state: State = "tracking"
    _for: int = 0  # frames in a row that speak for the target
    _against: int = 0  # and against it

    def observe(self, probability: float) -> State:
        """The state after one more frame, whose box is on the target with a probability of 0..1."""
        limits = self.thresholds
        self._for = self._for + 1 if probability >= limits.tracking else 0
        self._against = self._against + 1 if probability < limits.lost else 0
        if self._against >= limits.lost_after:
            self.state = "lost"
        elif self._for >= limits.found_after:
            self.state = "tracking"
        elif self.state == "tracking" and not self._for:
            self.state = "uncertain"
        return self.state
