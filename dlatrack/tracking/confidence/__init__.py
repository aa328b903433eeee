"""Whether the target is lost: signals of each frame, a calibrated probability, a state, and recovery."""

from dlatrack.tracking.confidence.calibration import Calibration, calibration_beside, read_calibration
from dlatrack.tracking.confidence.hysteresis import Thresholds
from dlatrack.tracking.confidence.recovery import RecoveryConfig
from dlatrack.tracking.confidence.watch import Confidence

__all__ = [
    "Calibration",
    "Confidence",
    "RecoveryConfig",
    "Thresholds",
    "calibration_beside",
    "read_calibration",
]
