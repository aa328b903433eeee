"""Named protocols of one-pass evaluation: the rules in which the public toolkits differ.

Scores of the same result files differ by up to four points, because toolkits treat the first row, frames without a
true box, broken predictions and missing rows differently. A protocol is the set of rules that one toolkit follows.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from types import MappingProxyType
from typing import Any, Literal

from dlatrack.errors import InputError


@dataclass(frozen=True)
class Rules:
    """How one toolkit counts on one benchmark."""

    protocol: str  #: name of the protocol
    #: "written": as the tracker wrote it; "truth": replaced by the true box
    first_row: Literal["written", "truth"] = "truth"
    #: condition on a true box, without which a frame fails. "size": w > 0 and h > 0; "positive": x, y, w and h all >
    #: 0; "nothing": every box takes part.
    overlap_needs: Literal["size", "positive", "nothing"] = "positive"
    #: condition on a true box, without which no centre error is measured. "centre": a centre > 0 in x and y, before
    #: normalising or after it; otherwise as `overlap_needs`.
    error_needs: Literal["size", "positive", "nothing", "centre"] = "positive"
    #: what a frame without a measured centre error counts as
    unmeasured: Literal["precise", "imprecise"] = "precise"
    unmeasured_normalised: Literal["precise", "imprecise"] = "precise"  #: the same for the normalised error
    #: treatment of frames whose true box is NaN. "kept": like the others; "dropped": left out of numerator and
    #: denominator; "refused": the toolkit stops.
    missing_truth: Literal["kept", "dropped", "refused"] = "kept"
    #: whether frames marked absent (LaSOT) fail in every curve. They stay in the denominator.
    absence: bool = True
    #: treatment of predicted boxes without size. "kept", or "repeated": the row before it is taken, unless the true
    #: box is NaN.
    broken: Literal["kept", "repeated"] = "repeated"
    #: treatment of negative sides and NaN. "kept", or "refused": the toolkit stops.
    negative: Literal["kept", "refused"] = "kept"
    #: treatment of results with too few rows. "refused", "cut": the truth is cut; "padded" with zero rows.
    shorter: Literal["refused", "cut", "padded"] = "refused"
    #: treatment of results with too many rows. "refused" or "cut".
    longer: Literal["refused", "cut"] = "refused"
    #: whether normalised precision is its value at 0.2, the mean of its curve, or not defined
    normalised: Literal["value", "mean", "none"] = "value"

    def differences(self, other: Rules) -> dict[str, tuple[Any, Any]]:
        """Rules by name in which two protocols differ, with both values."""
        pairs = {f.name: (getattr(self, f.name), getattr(other, f.name)) for f in fields(self)}
        return {name: pair for name, pair in pairs.items() if name != "protocol" and pair[0] != pair[1]}


_PYSOT = Rules("pysot", first_row="written", overlap_needs="size", error_needs="centre", broken="kept")
_GOT10K = Rules(
    "got10k",
    overlap_needs="nothing",
    error_needs="nothing",
    absence=False,
    broken="kept",
    shorter="cut",
    longer="cut",
    normalised="mean",
)
_PYTRACKING = Rules(
    "pytracking",
    unmeasured="imprecise",
    missing_truth="refused",
    negative="refused",
    shorter="padded",
    longer="cut",
)

_RULES = (
    _PYSOT,
    replace(_PYSOT, protocol="pysot_toolkit", overlap_needs="positive"),
    _GOT10K,
    _PYTRACKING,
    Rules("otb_matlab", absence=False, normalised="none"),
    Rules("lasot_matlab", longer="cut"),
)

#: Rules that a toolkit changes on one benchmark.
_EXCEPTIONS: dict[tuple[str, str], dict[str, Any]] = {
    ("got10k", "UAV123"): {"missing_truth": "dropped"},
    ("got10k", "LaSOT"): {"missing_truth": "dropped"},
    ("pytracking", "UAV123"): {"missing_truth": "kept", "unmeasured": "precise"},
    ("pytracking", "LaSOT"): {"shorter": "refused"},
}

#: Protocols by name, with the toolkit that each follows.
PROTOCOLS: Mapping[str, str] = MappingProxyType(
    {
        "pysot": "STVIR/pysot, toolkit/evaluation/ope_benchmark.py",
        "pysot_toolkit": "StrangerZhang/pysot-toolkit, pysot/evaluation/ope_benchmark.py",
        "got10k": "got-10k/toolkit, got10k/experiments",
        "pytracking": "visionml/pytracking, pytracking/analysis/extract_results.py",
        "otb_matlab": "the MATLAB benchmark of OTB and UAV123, util/calcSeqErrRobust.m",
        "lasot_matlab": "HengLan/LaSOT_Evaluation_Toolkit, utils",
    }
)


#: How frames without the target count where no toolkit defines it; `ABSENT[0]` is the default.
ABSENT = ("fail", "drop")


def rules(protocol: str, benchmark: str = "", *, absent: str | None = None) -> Rules:
    """The rules of a protocol on a benchmark.

    Args:
        protocol: a name of `PROTOCOLS`.
        benchmark: e.g. "UAV123"; toolkits have exceptions for UAV123 and LaSOT.
        absent: replacement of the protocol's own rules for frames without the target. "fail": they fail in every
            curve, as in LaSOT's toolkit; "drop": frames whose true box is NaN are left out of numerator and
            denominator, as in got10k's toolkit. None: the rules of the protocol.

    Raises:
        InputError: for an unknown protocol or way to count absent frames, naming the known ones.
    """
    if protocol not in PROTOCOLS:
        raise InputError(f"there is no protocol {protocol!r}; choose from {', '.join(PROTOCOLS)}")
    chosen = next(entry for entry in _RULES if entry.protocol == protocol)
    chosen = replace(chosen, **_EXCEPTIONS.get((protocol, benchmark), {}))
    if absent is None:
        return chosen
    if absent not in ABSENT:
        raise InputError(f"absent frames are counted by {' or '.join(ABSENT)}, got {absent!r}")
    return replace(chosen, absence=True, missing_truth="kept" if absent == "fail" else "dropped")
