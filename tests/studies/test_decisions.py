"""What open choices change in labels: by hand, against the referee, and row by row."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from dlatrack.assign.reference import ReferenceDLA
from dlatrack.datasets.synthetic import synthetic_sequence
from dlatrack.errors import InputError
from dlatrack.grid import RPN_ANCHORS
from dlatrack.studies.decisions import CHOICES, DEFAULT, compare_choices, label_materials
from dlatrack.studies.hyperparameter_k import simulated_targets

SQUARE, TALL, NOBODY = (95, 95, 159, 159), (100, 90, 150, 170), (60.5, 70.25, 103.25, 156)


def rows_of(targets, head="points", **changes):
    table = compare_choices({"some": torch.tensor(targets, dtype=torch.float64)}, **changes)
    return table[table["head"] == head].set_index(["question", "choice"])


def test_three_targets_by_hand():
    """On points SQUARE has one positive, TALL has four, and NOBODY satisfies the rule of the third."""
    rows = rows_of([SQUARE, TALL, NOBODY])
    ours = rows.loc["", DEFAULT]
    assert ours["positives"] == pytest.approx((1 + 4 + 1) / 3)
    assert ours["negatives"] == pytest.approx(4 * 6 / 3)
    assert (ours["other positives"], ours["other labels"], ours["unlabelled"]) == (0, 0, 0)
    strict = rows.loc["no sample satisfies", "no labels"]
    assert strict["positives"] == pytest.approx(5 / 3)
    assert (strict["other positives"], strict["unlabelled"]) == pytest.approx((1 / 3, 1 / 3))
    outside = rows.loc["negatives from", "outside the target"]
    assert (outside["positives"], outside["other positives"], outside["negatives inside"]) == (2, 0, 0)
    assert rows.loc["centre of a positive", "anywhere"]["other labels"] == 0


def test_every_choice_has_a_row_for_its_heads():
    table = compare_choices({"a": torch.tensor([SQUARE]), "b": torch.tensor([TALL])})
    assert len(table) == 2 * (1 + len(CHOICES) + len(CHOICES))
    assert set(table.loc[table["question"] == "first point", "head"]) == {"points"}
    assert table["targets"].unique().tolist() == ["a", "b"]
    others = table[table["question"] != ""]
    assert (others["other positives"] <= others["other labels"]).all()


@pytest.mark.parametrize(("head", "shapes"), [("points", ((64, 64),)), ("anchors", RPN_ANCHORS)])
@pytest.mark.parametrize(
    ("row", "options"),
    [
        (("standard deviation", "over n"), {"std": "biased"}),
        (("no sample satisfies", "no labels"), {"on_empty": "strict"}),
        (("positives from", "all samples"), {"positive_scope": "all"}),
    ],
)
def test_shares_are_those_of_the_referee(head, shapes, row, options):
    targets = simulated_targets(60, 2, mean=0.15, std=0.57)
    keys = torch.randint(2**63 - 1, (60,), generator=torch.Generator().manual_seed(5)).tolist()
    usual, other = ReferenceDLA(anchor_shapes=shapes), ReferenceDLA(anchor_shapes=shapes, **options)
    differ = positive = 0
    for box, key in zip(targets.numpy(), keys, strict=True):
        ours, theirs = usual.assign(box, key).labels, other.assign(box, key).labels
        differ += int((ours != theirs).any())
        positive += int((theirs == 1).sum())
    found = rows_of(targets.tolist(), head, seed=5).loc[row]
    assert found["other labels"] == pytest.approx(differ / 60)
    assert found["positives"] == pytest.approx(positive / 60)


@given(st.integers(0, 50), st.floats(-0.5, 0.5), st.floats(0, 0.8))
@settings(max_examples=6, deadline=None)
def test_properties(seed: int, mean: float, std: float):
    targets = simulated_targets(40, seed, mean=mean, std=std)
    table = compare_choices({"some": targets}, seed=seed).set_index(["head", "question", "choice"])
    for head in ("points", "anchors"):
        rows = table.loc[head]
        ours = rows.loc["", DEFAULT]
        assert ours["negatives"] == pytest.approx(4 * ours["positives"])
        for pool in ("outside the target", "IoU below 0.3"):
            assert rows.loc["negatives from", pool]["other positives"] == 0
        strict = rows.loc["no sample satisfies", "no labels"]
        assert strict["other positives"] == pytest.approx(strict["unlabelled"])
        assert rows.loc["positives from", "all samples"]["positives"] >= ours["positives"] - 1e-9
        assert rows.loc["centre of a positive", "anywhere"]["positives"] >= ours["positives"] - 1e-9
        assert (
            rows.loc["standard deviation", "over n"]["positives"] >= ours["positives"] - strict["unlabelled"]
        )
    again = compare_choices({"some": targets}, seed=seed)
    assert again.equals(table.reset_index()[again.columns.tolist()])


def test_materials_are_a_sequence_and_many_shapes():
    video = synthetic_sequence(21, 20)
    materials = label_materials("smoke", video)
    assert [len(targets) for targets in materials.values()] == [6, 400]
    assert list(materials) == ["6 frames of synthetic-0021", "400 simulated targets, shapes as in LaSOT"]
    again = label_materials("smoke", video)
    assert all(torch.equal(again[title], targets) for title, targets in materials.items())
    size = (
        materials["6 frames of synthetic-0021"][:, 2:] - materials["6 frames of synthetic-0021"][:, :2]
    ).numpy()
    assert np.log(size[:, 0] / size[:, 1]).std() < 0.6
    with pytest.raises(InputError, match="preset must be one of smoke, demo, paper, got 'big'"):
        label_materials("big", video)
