"""The plain referees of the fixed rules, and that every rule has one."""

from __future__ import annotations

import pytest
from referees import differing

from dlatrack.assign import ASSIGNERS
from dlatrack.assign.reference import REFERENCES

OPTIONS = [
    ("circle", {}),
    ("circle", {"inner": 12, "outer": 30}),
    ("rectangle", {"center_ratio": 0.6}),
    ("ellipse", {}),
    ("ellipse", {"inner": 1.0, "max_positives": 5, "max_samples": 12}),
    ("inside", {}),
    ("iou", {}),
    ("iou", {"positive_above": 0.4, "negative_below": 0.1, "max_positives": 8}),
    ("iou", {"negatives": "fill"}),
]


def test_every_rule_has_a_referee():
    assert set(REFERENCES) == set(ASSIGNERS)


@pytest.mark.parametrize(("name", "options"), OPTIONS, ids=str)
def test_fixed_rules_equal_their_referees(name, options):
    assert differing(name, 300, seed=1, **options) == []


@pytest.mark.slow
@pytest.mark.parametrize("name", ["circle", "rectangle", "ellipse", "inside", "iou"])
def test_three_thousand_targets_equal_the_referee(name):
    assert differing(name, 3000, seed=2) == []
