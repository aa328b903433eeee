"""From signals to a calibrated probability that the box is on the target: a logistic model, and its file."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from operator import mul
from os.path import lexists
from pathlib import Path
from typing import Any, NamedTuple

from dlatrack.errors import InputError, shortened
from dlatrack.files import file_digest, write_text
from dlatrack.models.runtimes import weights_behind
from dlatrack.models.weights import shipped_with
from dlatrack.provenance import json_lines
from dlatrack.structured.json_files import read_json_object
from dlatrack.tracking.confidence.signals import Signals

#: Suffix of the calibration of a weight file NAME.safetensors.
SUFFIX = ".confidence.json"

#: Inputs of the model: transforms of a frame's signals, and running means of the first four.
INPUTS = (
    "logit of score",
    "log of 1 + peak_to_sidelobe",
    "margin",
    "likeness",
    "distance of size_change from 0",
    "mean logit of score",
    "mean log of 1 + peak_to_sidelobe",
    "mean margin",
    "mean likeness",
)

_FORMAT = 1

#: No weight or bias of a model is as large; products of larger ones may overflow.
_LARGEST = 1e6
_AVERAGED = 4

#: Smallest distance of a score from 0 and 1 in its logit.
_EDGE = 1e-4


def transformed(signals: Signals) -> list[float]:
    """The inputs of the model that come from one frame: the first five of `INPUTS`."""
    score, peak_to_sidelobe, margin, size_change, likeness = signals
    score = min(max(score, _EDGE), 1 - _EDGE)
    return [
        math.log(score / (1 - score)),
        math.log1p(peak_to_sidelobe),
        margin,
        likeness,
        abs(size_change),
    ]


class Memory(NamedTuple):
    """Running means of the first four inputs, over about the last 1 / (1 - `keep`) frames."""

    keep: float = 0.8  #: weight of the past, 0..1
    means: tuple[float, ...] = ()  #: empty before the first frame

    def after(self, inputs: list[float]) -> Memory:
        """The memory after a frame with these inputs; the first one is the mean of itself."""
        keep, means = self
        new = inputs[:_AVERAGED]
        if means:
            new = [keep * past + (1 - keep) * value for past, value in zip(means, new, strict=True)]
        return Memory(keep, tuple(new))


@dataclass(frozen=True)
class Calibration:
    """Logistic model of the probability that a box overlaps the target by an IoU of more than 0.5.

    Raises:
        InputError: if it has not one finite weight for each of `INPUTS`, or `keep` is out of range.
    """

    weights: tuple[float, ...]  #: weight of each of `INPUTS`
    bias: float  #: constant of the model
    keep: float = 0.8  #: weight of the past in the running means, 0..1
    weights_sha256: str = ""  #: SHA-256 of the weight file that it was fitted for
    card: Mapping[str, Any] = field(
        default_factory=dict
    )  #: JSON values: data, quality and versions of the fit

    def __post_init__(self) -> None:
        numbers = (*self.weights, self.bias, self.keep)
        if len(self.weights) != len(INPUTS) or not all(map(math.isfinite, numbers)):
            raise InputError(
                f"a calibration needs {len(INPUTS)} finite weights and a bias, got {numbers[:-1]}"
            )
        if not 0 <= self.keep < 1:
            raise InputError(f"keep must be in 0..1, without 1, got {self.keep}")

    def probability(self, inputs: list[float], memory: Memory) -> float:
        """Probability, 0..1, that the box of a frame is on the target.

        Args:
            inputs: inputs of the frame, of `transformed`.
            memory: running means that include the frame.
        """
        logit = self.bias + sum(map(mul, self.weights, (*inputs, *memory.means)))
        return 1 / (1 + math.exp(-max(min(logit, 30.0), -30.0)))

    def save(self, path: Path) -> None:
        """Write the file; the same calibration gives the same bytes.

        Raises:
            InputError: when it cannot be written.
        """
        content = {
            "format": _FORMAT,
            "weights_sha256": self.weights_sha256,
            "inputs": dict(zip(INPUTS, self.weights, strict=True)),
            "bias": self.bias,
            "keep": self.keep,
            "card": dict(self.card),
        }
        write_text(path, json_lines(content))


def read_calibration(path: Path, weights: Path) -> Calibration:
    """Read a calibration for a weight file.

    Raises:
        InputError: if it is missing, damaged, of another format, or fitted for other weights.
    """
    content = read_json_object(path)
    if content.get("format") is True or content.get("format") != _FORMAT:  # true equals 1
        raise InputError(f"{path} has format {content.get('format')!r}, this program reads {_FORMAT}")
    found = file_digest(weights)
    if content.get("weights_sha256") != found:
        raise InputError(
            f"{path} was fitted for weights with SHA-256 {content.get('weights_sha256')}, and {weights} has {found}; "
            f"fit it again with dlatrack.studies.lost_or_not_fit.calibrate, or move it away"
        )
    inputs, card = content.get("inputs"), content.get("card")
    if not isinstance(inputs, dict) or set(inputs) != set(INPUTS) or not isinstance(card, dict):
        raise InputError(f"{path} must have a card and weights of the inputs {', '.join(INPUTS)}")
    numbers = [inputs[name] for name in INPUTS] + [content.get("bias"), content.get("keep")]
    if not all(type(number) in (int, float) and abs(number) < _LARGEST for number in numbers):
        raise InputError(
            f"{path} has a weight, bias or keep that is no number below {_LARGEST:g}: {shortened(str(numbers))}"
        )
    *values, bias, keep = map(float, numbers)
    try:
        return Calibration(tuple(values), bias, keep, found, card)
    except InputError as error:
        raise InputError(f"{path}: {error}") from error


def calibration_beside(weights: Path) -> Calibration | None:
    """The calibration that lies beside a weight file; None if there is none.

    Raises:
        InputError: as `read_calibration`.
    """
    path = weights.with_suffix(SUFFIX)
    return read_calibration(path, weights) if lexists(path) else None


def calibration_for(place: str | Path) -> Calibration | None:
    """The calibration of a trained tracker; None if it has none.

    It lies beside the weights that `models.runtimes.weights_behind` finds. A copy of the weights of a shipped
    tracker, whatever its name and folder, has the calibration of that tracker if none lies beside it.

    Raises:
        InputError: as `weights_behind` and `read_calibration`.
    """
    weights = weights_behind(place)
    found = None if weights is None else calibration_beside(weights)
    if weights is None or found is not None:
        return found
    twin = shipped_with(file_digest(weights))
    return None if twin is None else calibration_beside(twin)
