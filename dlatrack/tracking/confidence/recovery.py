"""Where a lost target is searched, and when a re-detection is believed."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple, Protocol

import numpy as np

from dlatrack.tracking.confidence.checks import checked_count, checked_share
from dlatrack.tracking.confidence.signals import Signals
from dlatrack.tracking.confidence.watch import Watch
from dlatrack.tracking.steps.state import TargetState

#: Smallest distance of neighbouring search regions as a share of their side; closer ones see the same.
_LEAST_SPACING = 0.1

#: Most places of a scan. Without a limit a target of 4 px in a frame of 3840 x 2160 px has 130,000.
MOST_PLACES = 1000


@dataclass(frozen=True)
class RecoveryConfig:
    """How a lost target is searched.

    Raises:
        InputError: naming a value that is out of its range.
    """

    #: smallest calibrated probability of a re-detection, 0..1; less than `Thresholds.tracking` never suffices
    probability: float = 0.7
    score: float = 0.5  #: smallest score of a re-detection, 0..1
    #: distance of neighbouring search regions as a share of their side, 0.1..1
    spacing: float = 0.5
    #: search regions in each frame, at least 3: that of the track, the last place, and the next ones of the scan
    regions: int = 4

    def __post_init__(self) -> None:
        for name, least in (("probability", 0.0), ("score", 0.0), ("spacing", _LEAST_SPACING)):
            object.__setattr__(self, name, checked_share(name, getattr(self, name), least))
        object.__setattr__(self, "regions", checked_count("regions", self.regions, 3))


def scan_places(last_xy: np.ndarray, step: float, image_wh: tuple[int, int]) -> np.ndarray:
    """Centres of search regions from the last place outwards, ring by ring.

    They cover the image, or as much of it around the last place as `MOST_PLACES` of them do.

    Args:
        last_xy: (2,) last place of the target, image px.
        step: distance of neighbouring centres, image px.
        image_wh: width and height of the image, px.

    Returns:
        (P, 2) image px, inside the image, nearest first: the first one is the last place.
    """
    steps = [
        (int(np.ceil(last / step)), int(np.ceil((extent - last) / step)))
        for last, extent in zip(last_xy, image_wh, strict=True)
    ]  # to the left and right border, and to the upper and lower one
    reach = _rings_within(MOST_PLACES, steps)
    axes = []
    for last, extent, (before, after) in zip(last_xy, image_wh, steps, strict=True):
        numbers = np.arange(-min(before, reach), min(after, reach) + 1)
        # Regions are centred at most half a step from the border, beyond which there is nothing to find.
        axes.append(np.unique(np.clip(last + step * numbers, 0, extent)))
    places = np.stack(np.meshgrid(*axes), -1).reshape(-1, 2)
    rings = np.abs(places - last_xy).max(1).round(6)
    return places[np.lexsort((places[:, 0], places[:, 1], rings))][:MOST_PLACES]


def _rings_within(most: int, steps: Sequence[tuple[int, int]]) -> int:
    """The first ring around the last place at which `most` places are reached, or the last one with any."""
    last = max(map(max, steps))
    sizes = (math.prod(sum(min(side, ring) for side in pair) + 1 for pair in steps) for ring in range(last))
    return next((ring for ring, size in enumerate(sizes) if size >= most), last)


class Sighting(NamedTuple):
    """What a tracker finds in one search region."""

    state: TargetState  #: place and size of the target, if it is there
    score: float  #: target probability of that place, 0..1
    signals: Signals  #: evidence that it is there


class LookAt(Protocol):
    """The tracking step of one frame around any place."""

    def __call__(self, last: TargetState, *, windowed: bool = True) -> Sighting:
        """Look around `last`; without the window, all places in the search region count alike."""
        ...


class Recovery:
    """Tracking of one target that is searched again when it is lost.

    While it is lost, the tracker goes on as if it were not, in case it only seemed so. It looks at the last place
    as well in which the target was known to be, and around it, for a target of the size that it had there. The
    template stays. A re-detection takes the place of the track if it is more probable. It is followed, but given
    up at the first frame that speaks against it before the track is "tracking" again.

    Args:
        config: settings.
        watch: confidence of the track.
        first: the target in the first frame.
        region: side of a search region in context sides of the target.
    """

    def __init__(self, config: RecoveryConfig, watch: Watch, first: TargetState, region: float) -> None:
        self._config, self._watch, self._region = config, watch, region
        self._known = first  # the last state that was believed
        self._doubted = False  # whether the track is a re-detection that is not yet confirmed
        self._places = np.empty((0, 2))  # of the scan; none while the target is tracked
        self._next = 0

    def step(self, look: LookAt, last: TargetState, image_wh: tuple[int, int]) -> Sighting:
        """Find the target in the next frame.

        Args:
            look: tracking step of the frame.
            last: target in the last frame.
            image_wh: width and height of the image, px.
        """
        found = look(last)
        self._watch.observe(found.signals)
        believed = self._watch.confidence.probability >= self._watch.thresholds.tracking
        if self._doubted and not believed:
            # The answer is what the known place shows in this frame, so that box, score and signals are of one place.
            found = look(self._known)
            self._watch.observe_lost(found.signals)
            self._doubted = False
            self._begin_scan(image_wh)
            return found
        state = self._watch.confidence.state
        if state == "tracking":
            self._doubted, self._places = False, np.empty((0, 2))
            self._known = found.state if believed else self._known
        elif state == "lost":
            if len(self._places):
                return self._searched(look, found)
            self._begin_scan(image_wh)
        return found

    def _begin_scan(self, image_wh: tuple[int, int]) -> None:
        step = self._config.spacing * self._region * self._known.side
        self._places, self._next = scan_places(self._known.centre_xy, step, image_wh), 0

    def _searched(self, look: LookAt, tracked: Sighting) -> Sighting:
        """What is found at the last known place or the next places of the scan, if it is better than the track.

        The scan begins anew at its end.
        """
        centres = [self._known.centre_xy]
        for _ in range(min(self._config.regions - 1, len(self._places)) - 1):
            self._next = self._next % (len(self._places) - 1) + 1
            centres.append(self._places[self._next])
        seen = [look(TargetState(centre, self._known.size_wh), windowed=False) for centre in centres]
        probabilities = [self._watch.probability_of(found.signals) for found in seen]
        best = int(np.argmax(probabilities))
        found, better = seen[best], probabilities[best] > self._watch.confidence.probability
        # What is followed must not be given up in the very next frame for the same probability.
        needed = max(self._config.probability, self._watch.thresholds.tracking)
        if not better or found.score < self._config.score or probabilities[best] < needed:
            return tracked
        self._watch.observe_found(found.signals)
        self._doubted, self._places = True, np.empty((0, 2))
        return found
