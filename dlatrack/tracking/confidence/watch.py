"""One track under observation: its confidence after each frame."""

from __future__ import annotations

from typing import NamedTuple

from dlatrack.tracking.confidence.calibration import Calibration, Memory, transformed
from dlatrack.tracking.confidence.hysteresis import Hysteresis, State, Thresholds
from dlatrack.tracking.confidence.signals import FIRST, Signals


class Confidence(NamedTuple):
    """How sure a tracker is of its last box."""

    score: float  #: target probability as the network states it, 0..1; not calibrated
    peak_to_sidelobe: float  #: see `signals.Signals`, as the next three
    margin: float
    size_change: float
    probability: (
        float  #: calibrated probability that the box overlaps the target by an IoU of more than 0.5, 0..1
    )
    state: State  #: "tracking", "uncertain" or "lost"
    likeness: float = float("nan")


class Watch:
    """Confidence of one track.

    Args:
        calibration: calibration of the tracker.
        thresholds: when the state changes.

    Attributes:
        confidence: confidence in the last box; after the first frame it is certain.
    """

    def __init__(self, calibration: Calibration, thresholds: Thresholds) -> None:
        self._calibration = calibration
        self._hysteresis = Hysteresis(thresholds)
        self._memory = Memory(calibration.keep)
        self.confidence = self._told(FIRST, 1.0)

    @property
    def thresholds(self) -> Thresholds:
        """When the state changes."""
        return self._hysteresis.thresholds

    def observe(self, signals: Signals) -> None:
        """Take in the signals of the next frame."""
        inputs = transformed(signals)
        self._memory = self._memory.after(inputs)
        probability = self._calibration.probability(inputs, self._memory)
        self._hysteresis.observe(probability)
        self.confidence = self._told(signals, probability)

    def probability_of(self, signals: Signals) -> float:
        """Probability of a box that continues no track, such as a re-detection."""
        inputs = transformed(signals)
        return self._calibration.probability(inputs, Memory(self._calibration.keep).after(inputs))

    def observe_found(self, signals: Signals) -> None:
        """Begin anew with a re-detected target, which stays uncertain until enough frames speak for it."""
        self._begin("uncertain", signals)

    def observe_lost(self, signals: Signals) -> None:
        """Begin anew with a lost target, where a re-detected one was given up."""
        self._begin("lost", signals)

    def _begin(self, state: State, signals: Signals) -> None:
        self._memory = Memory(self._calibration.keep)
        self._hysteresis = Hysteresis(self.thresholds, state)
        self.observe(signals)

    def _told(self, signals: Signals, probability: float) -> Confidence:
        score, ratio, margin, change, likeness = signals
        return Confidence(score, ratio, margin, change, probability, self._hysteresis.state, likeness)
