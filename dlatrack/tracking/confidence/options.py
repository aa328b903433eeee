"""What a user may choose of the confidence of a tracker, checked."""

from __future__ import annotations

from dlatrack.errors import InputError
from dlatrack.models.weights import shipped
from dlatrack.tracking.confidence.calibration import Calibration
from dlatrack.tracking.confidence.hysteresis import Thresholds
from dlatrack.tracking.confidence.recovery import RecoveryConfig


def checked_options(
    recipe: str,
    calibration: Calibration | None,
    thresholds: Thresholds | None,
    recover: bool,
    recovery: RecoveryConfig | None,
) -> tuple[Thresholds, RecoveryConfig | None]:
    """The thresholds of a tracker, and how it searches a lost target; None: it does not.

    Args:
        recipe: name of the recipe of the tracker, for messages.
        calibration: calibration of the tracker, if it has one.
        thresholds: when the state of a track changes; None: the defaults.
        recover: whether a lost target is searched.
        recovery: how it is searched; None: the defaults.

    Raises:
        InputError: if an option has another type, `thresholds` or `recover` has no calibration to go by, or
            `recovery` is given without `recover`, which alone would change nothing.
    """
    for name, value, kind in (("thresholds", thresholds, Thresholds), ("recovery", recovery, RecoveryConfig)):
        if value is not None and not isinstance(value, kind):
            raise InputError(
                f"{name} must be a dlatrack.tracking.confidence.{kind.__name__} or None, got {value!r}"
            )
    if recovery is not None and not recover:
        raise InputError("recovery says how a lost target is searched, which needs recover=True as well")
    if calibration is None and (recover or thresholds is not None):
        raise InputError(
            f"{'recover' if recover else 'thresholds'} needs a calibration beside the weights, and there is none for "
            f"these of {recipe}: dlatrack.studies.lost_or_not_fit.calibrate fits one, graphs of other "
            f"weights than the shipped have none, and "
            f"the weights of {', '.join(shipped())} come with one"
        )
    return thresholds or Thresholds(), (recovery or RecoveryConfig()) if recover else None
