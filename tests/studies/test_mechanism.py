"""Positives over K by head, the threshold T, and fixed thresholds: what the notebook says of them."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from dlatrack.assign import build_assigner
from dlatrack.boxes import iou
from dlatrack.errors import InputError
from dlatrack.grid import RPN_ANCHORS, ScoreGrid
from dlatrack.studies import mechanism


@pytest.fixture(scope="module")
def targets():
    return {mix: found[:300] for mix, found in mechanism.mechanism_targets("demo").items()}


def test_targets_of_a_preset_have_two_mixes_of_shapes():
    assert list(mechanism.mechanism_targets("smoke")) == ["as in LaSOT", "wide mix"]
    assert {len(found) for found in mechanism.mechanism_targets("smoke").values()} == {400}
    with pytest.raises(InputError, match="preset must be one of"):
        mechanism.mechanism_targets("big")


def test_positives_of_anchors_grow_with_k_and_those_of_points_hardly_do(targets):
    counts = mechanism.positives_by_head(targets, [5, 9, 15, 23])
    means = counts.set_index(["mix", "head", "K"])["positives"].sort_index()
    assert means["as in LaSOT", "anchors"].tolist() == pytest.approx([4.8, 7.9, 12.5, 18.6], abs=0.4)
    assert means["as in LaSOT", "points"].between(1.9, 4.5).all()
    slopes = mechanism.growth(counts)
    assert slopes.loc["as in LaSOT", "anchors"] == pytest.approx(0.77, abs=0.05)
    assert slopes["points"].max() < 0.15
    assert (counts["low"] <= counts["positives"]).all()
    anchors = counts[counts["head"] == "anchors"]
    assert anchors["share of candidates"].to_numpy() == pytest.approx(
        (anchors["positives"] / (5 * anchors["K"])).to_numpy()
    )


def test_t_is_narrow_for_anchors_and_wide_for_points(targets):
    table = mechanism.threshold_table(mechanism.dynamic_thresholds(targets)).set_index(["mix", "head"])
    anchors, points = table.loc["as in LaSOT", "anchors"], table.loc["as in LaSOT", "points"]
    assert anchors[["5 %", "95 %"]].tolist() == pytest.approx([0.583, 0.650], abs=0.02)
    assert points[["5 %", "95 %"]].tolist() == pytest.approx([0.376, 0.796], abs=0.04)
    assert anchors["standard deviation"] < points["standard deviation"] / 3


def test_shares_of_thresholds_count_every_target():
    shares = mechanism.threshold_shares(np.array([0.1, 0.215, 0.63, 0.99]))
    assert shares.sum() == 100
    assert shares[0] == 50, "0.1 is taken by the first bin"
    assert shares[-1] == 25
    assert shares[21] == 25, "0.62 to 0.64"


def test_fixed_thresholds_are_counted_as_the_rule_counts(targets):
    some = targets["as in LaSOT"][:60]
    table = mechanism.fixed_thresholds(some, [0.4, 0.6])
    row = table[(table["head"] == "anchors") & (table["threshold"] == 0.6)].iloc[0]
    rule = build_assigner("iou", ScoreGrid(), max_positives=3125, max_samples=3125, positive_above=0.6)
    found = rule.assign(some, generator=torch.Generator())
    assert row["positives"] == found.positive.sum(1).double().mean()
    assert row["empty"] == found.empty.double().mean()
    ours = build_assigner("dla_anchors", ScoreGrid()).assign(some, generator=torch.Generator()).positive
    above = iou(ScoreGrid().anchors(RPN_ANCHORS), some[:, None]) > 0.6
    assert row["of DLA"] == pytest.approx((above & ours).sum() / ours.sum())
    assert row["by DLA"] == pytest.approx((above & ours).sum() / above.sum())


def test_with_anchors_a_fixed_threshold_does_nearly_what_dla_does(targets):
    table = mechanism.fixed_thresholds(targets["as in LaSOT"])
    assert mechanism.equal_threshold(table)["anchors"] == pytest.approx(0.63, abs=0.01)
    fixed = table[table["threshold"] == 0.63].set_index("head")
    assert (fixed.loc["anchors", ["of DLA", "by DLA"]] > 0.85).all()
    assert (fixed.loc["points", ["of DLA", "by DLA"]] < 0.5).all()
    assert fixed.loc["points", "empty"] > 0.3
    ours = table[table["rule"] == "DLA"].set_index("head")
    assert ours.loc["anchors", "empty"] < 0.01


def test_a_threshold_without_any_positive_shares_nothing(targets):
    table = mechanism.fixed_thresholds(targets["as in LaSOT"][:5], [0.999])
    row = table[table["rule"] == "fixed"].iloc[0]
    assert row["positives"] == 0
    assert row["empty"] == 1
    assert np.isnan(row["by DLA"])
