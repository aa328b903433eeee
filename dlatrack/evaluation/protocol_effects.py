"""Why protocols disagree: the change of a tracker's score by each single rule."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from dlatrack.errors import InputError
from dlatrack.evaluation.ope import BoxRows, OPEResult, evaluate_by
from dlatrack.evaluation.protocols import PROTOCOLS, Rules, rules


@dataclass(frozen=True)
class Effect:
    """Change of the scores by one rule of another protocol, with all other rules those of the base protocol."""

    rule: str  #: name of a field of `protocols.Rules`
    value: Any  #: value of the rule in the other protocol
    auc: float  #: change of the AUC
    precision: float  #: change of the precision at 20 px


@dataclass(frozen=True, eq=False)
class Comparison:
    """One tracker under one protocol, compared with the base protocol."""

    protocol: str  #: name of the protocol
    result: OPEResult | None  #: curves and scores; None if the protocol refuses the results
    refusal: str  #: why the protocol refuses the results; empty if it does not
    effects: tuple[Effect, ...]  #: rules that change a score, the largest change of the AUC first


def compare_protocols(
    results: Mapping[str, BoxRows],
    truth: Mapping[str, np.ndarray],
    present: Mapping[str, np.ndarray] | None = None,
    *,
    benchmark: str = "",
    base: str = "pysot",
    absent: str | None = None,
) -> list[Comparison]:
    """Score a tracker under every protocol, and find the rules that make the difference.

    Rules act together: their single effects need not sum to the whole difference.

    Args:
        results: as `ope.evaluate`.
        truth: as `ope.evaluate`.
        present: as `ope.evaluate`.
        benchmark: e.g. "UAV123".
        base: name of the protocol that the others are compared with.
        absent: as in `protocols.rules`.

    Returns:
        A comparison per protocol, `base` first. If `base` refuses the results, the others have no effects.

    Raises:
        InputError: for an unknown protocol.
    """
    how = rules(base, benchmark, absent=absent)

    def scored(by: Rules) -> tuple[OPEResult | None, str]:
        try:
            return evaluate_by(by, results, truth, present), ""
        except InputError as error:
            return None, str(error)

    reference, refusal = scored(how)
    comparisons = [Comparison(base, reference, refusal, ())]
    for protocol in PROTOCOLS:
        if protocol == base:
            continue
        other = rules(protocol, benchmark, absent=absent)
        effects = []
        for rule, (_, value) in how.differences(other).items() if reference is not None else ():
            changed, _ = scored(replace(how, **{rule: value}))
            if reference is None or changed is None:
                continue  # the rule refuses the results; the refusal of the protocol says so
            auc, precision = changed.auc - reference.auc, changed.precision_score - reference.precision_score
            if abs(auc) > 5e-7 or abs(precision) > 5e-7:
                effects.append(Effect(rule, value, auc, precision))
        effects.sort(key=lambda effect: -abs(effect.auc))
        comparisons.append(Comparison(protocol, *scored(other), tuple(effects)))
    return comparisons
