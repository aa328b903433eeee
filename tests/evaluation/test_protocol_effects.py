"""Every protocol side by side, and the rules that make the difference."""

from __future__ import annotations

import numpy as np
import pytest

from dlatrack.errors import InputError
from dlatrack.evaluation.ope import evaluate
from dlatrack.evaluation.protocol_effects import compare_protocols
from dlatrack.evaluation.protocols import PROTOCOLS

BOXES = np.array([[10.0, 20, 40, 20]] * 4)


def test_a_bad_first_row_explains_the_whole_difference():
    predicted = BOXES.copy()
    predicted[0] = [197, 213, 231, 294]
    compared = compare_protocols({"a": predicted}, {"a": BOXES})
    assert [c.protocol for c in compared] == list(PROTOCOLS)
    assert compared[0].effects == ()
    for comparison in compared[1:]:
        if comparison.protocol == "pysot_toolkit":
            assert comparison.effects == ()
            continue
        (effect,) = comparison.effects
        assert (effect.rule, effect.value) == ("first_row", "truth")
        assert effect.auc == pytest.approx(20 / 21 / 4)
        assert effect.precision == 0.25
        assert comparison.result.auc - compared[0].result.auc == pytest.approx(effect.auc)


def test_refusals_are_told_and_the_largest_effect_comes_first():
    truth, predicted = np.tile(BOXES, (3, 1)), np.tile(BOXES, (3, 1))
    truth[5] = np.nan
    predicted[0] = [300, 300, 5, 5]
    predicted[7:10, 2] = 0
    compared = {c.protocol: c for c in compare_protocols({"a": predicted}, {"a": truth}, benchmark="OTB100")}
    assert compared["pytracking"].result is None
    assert "row 6 is NaN, which pytracking refuses" in compared["pytracking"].refusal
    effects = compared["otb_matlab"].effects
    assert [effect.rule for effect in effects][:2] == ["broken", "first_row"]
    assert [abs(effect.auc) for effect in effects] == sorted((abs(e.auc) for e in effects), reverse=True)


def test_another_base():
    predicted = BOXES + np.array([3, 0, 0, 0])
    first, *_ = compare_protocols({"a": predicted}, {"a": BOXES}, base="got10k")
    assert first.protocol == "got10k"
    assert first.result.auc == evaluate({"a": predicted}, {"a": BOXES}, protocol="got10k").auc


def test_a_base_that_refuses_does_not_hide_the_others():
    """Two of four rows, 3 px off: got10k cuts the truth, pytracking adds zero rows and repeats the last one."""
    first, *others = compare_protocols({"a": (BOXES + np.array([3, 0, 0, 0]))[:2]}, {"a": BOXES})
    assert (first.protocol, first.result) == ("pysot", None)
    assert first.refusal == "sequence a: result has 2 rows, the truth has 4; pysot refuses that"
    found = {c.protocol: c for c in others}
    assert found["got10k"].result.precision_score == 1
    assert found["pytracking"].result.precision_score == 1
    assert "lasot_matlab refuses that" in found["lasot_matlab"].refusal
    assert all(c.effects == () for c in others)
    with pytest.raises(InputError, match="there is no protocol 'pysto'"):
        compare_protocols({"a": BOXES}, {"a": BOXES}, base="pysto")
