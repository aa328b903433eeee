"""Every sample has its numbers and a sentence that says why it has its label."""

from __future__ import annotations

import itertools
import re

import pytest
import torch

from dlatrack import boxes
from dlatrack.assign import build_assigner
from dlatrack.grid import RPN_ANCHORS, ScoreGrid
from dlatrack.viz.laboratory.rules import GEOMETRIC_RULES

GRID = {"size": 25, "stride": 8, "offset": 31}
TARGET = [99.0, 95.0, 155.0, 159.0]  # its centre is point 312
EMPTY = [100.0, 100.0, 102.0, 102.0]  # no point is inside
CENTRE = 312


def sentence(page, rule, options, sample, target=TARGET, positive_pair=True):
    assignment = page.call("assign", rule, options, GRID, target, positive_pair, [0, 0])
    return page.call("reason", rule, options, GRID, target, assignment, sample)


@pytest.mark.parametrize(
    ("rule", "options", "sample", "expected"),
    [
        (
            "circle",
            {},
            CENTRE + 2,
            "The point is 16.0 px from the target's centre, within R = 16 px: positive.",
        ),
        (
            "circle",
            {},
            CENTRE + 3,
            "The point is 24.0 px from the target's centre, beyond R = 16 px: negative.",
        ),
        (
            "circle",
            {"outer": 30},
            CENTRE + 3,
            "The point is 24.0 px from the target's centre, between R1 = 16 px and R2 = 30 px: ignored.",
        ),
        (
            "rectangle",
            {},
            CENTRE + 1,
            "The point is 0.29 half sides from the target's centre, inside the central 0.4: positive.",
        ),
        (
            "inside",
            {},
            CENTRE + 4,
            "The point is 1.14 half sides from the target's centre, outside the target: negative.",
        ),
        (
            "ellipse",
            {"max_positives": 1},
            CENTRE + 3,
            "The point is 0.86 radii from the target's centre, between the inner ellipse of 0.5 and the outer one: "
            "ignored.",
        ),
        ("iou", {"max_positives": 20}, 5 * CENTRE + 2, "IoU 0.88 is above 0.6: positive."),
        ("iou", {}, 5 * CENTRE, "IoU 0.35 is between 0.3 and 0.6: ignored."),
        (
            "dla_points",
            {},
            CENTRE,
            "IoU 0.88 reaches T = 0.69 + 0.09 = 0.79 and its centre is inside the target: positive.",
        ),
        (
            "dla_points",
            {"negative_pool": "outside_target"},
            CENTRE + 1,
            "IoU 0.76 misses T = 0.69 + 0.09 = 0.79; inside the target it cannot be a negative either: ignored.",
        ),
        (
            "atss_points",
            {},
            CENTRE + 2,
            "The point is number 12 by distance from the target's centre, and only the first K = 9 are candidates: "
            "negative.",
        ),
    ],
)
def test_sentences(page, rule, options, sample, expected):
    assert sentence(page, rule, options, sample) == expected


def test_a_rescued_target_is_said_to_be_one(page):
    labels = page.call("assign", "dla_points", {}, GRID, EMPTY, True, [0, 0])["labels"]
    said = sentence(page, "dla_points", {}, labels.index(1), EMPTY)
    assert said == "No candidate has its centre inside the target, and this one is the nearest: positive."


def test_the_draw_is_told(page):
    labels = page.call("assign", "ellipse", {"max_positives": 2}, GRID, TARGET, True, [0, 0])["labels"]
    assert sentence(page, "ellipse", {"max_positives": 2}, labels.index(1)).endswith(
        "; 2 of the 9 positives are kept, and it was drawn: positive."
    )
    assert re.search(
        r"outer ellipse; it was drawn as one of 62 negatives from \d+ samples: negative\.$",
        sentence(page, "ellipse", {"max_positives": 2}, labels.index(0)),
    )


@pytest.mark.parametrize("pool", ["rest", "outside_target", "low_iou"])
def test_a_positive_beyond_the_cap_of_dla_is_told(page, pool):
    options = {"candidates": 25, "positive_scope": "all", "max_positives": 1, "negative_pool": pool}
    free = page.call("assign", "dla_points", {**options, "max_positives": 0}, GRID, TARGET, True, [0, 0])[
        "labels"
    ]
    labels = page.call("assign", "dla_points", options, GRID, TARGET, True, [0, 0])["labels"]
    chosen = [sample for sample, label in enumerate(free) if label == 1]
    assert len(chosen) > 1
    dropped = next(sample for sample in chosen if labels[sample] != 1)
    end = f"is inside the target; 1 of the {len(chosen)} positives are kept, and it was not drawn: ignored."
    assert sentence(page, "dla_points", options, dropped).endswith(end)


@pytest.mark.parametrize("rule", GEOMETRIC_RULES, ids=lambda rule: rule.id)
def test_every_sentence_is_whole(page, rule):
    words = {1: "positive", 0: "negative", -1: "ignored"}
    pairs = [True, False] if rule.negative_pairs else [True]
    for target, pair in itertools.product((TARGET, EMPTY), pairs):
        given = [rule.id, {}, GRID, target]
        assignment = page.call("assign", *given, pair, [3, 0])
        for sample in range(0, len(assignment["labels"]), 97):
            said = page.call("reason", *given, assignment, sample)
            assert said.endswith(f": {words[assignment['labels'][sample]]}."), said
            assert not re.search("NaN|undefined|null|function|  |Infinity", said), said


def test_facts_are_those_of_python(page):
    grid, target = ScoreGrid(), torch.tensor([TARGET], dtype=torch.float64)
    assigner = build_assigner("dla_anchors", grid)
    found = assigner.assign(target, generator=torch.tensor([0]))
    assignment = page.call("assign", "dla_anchors", {}, GRID, TARGET, True, [0, 0])
    overlap = boxes.iou(grid.anchors(RPN_ANCHORS), target)
    for place, sample in [*enumerate(found.candidates[0].tolist()), (None, 3), (None, 3124)]:
        facts = page.call("facts", "dla_anchors", {}, GRID, TARGET, assignment, sample)
        point = grid.points[sample // 5]
        assert [facts["x"], facts["y"]] == point.tolist()
        assert facts["shape"] == list(RPN_ANCHORS[sample % 5])
        assert facts["iou"] == pytest.approx(float(overlap[sample]), abs=1e-12)
        assert facts["distance"] == pytest.approx(float((point - torch.tensor([127, 127])).norm()), abs=1e-9)
        assert facts["threshold"] == pytest.approx(float(found.threshold[0]), abs=1e-9)
        assert place is None or facts["rank"] == place // 5 + 1
        assert place is not None or facts["rank"] > 9


@pytest.mark.parametrize(
    ("rule", "rank"), [("atss_points", 1), ("atss_anchors", 3), ("dla_anchors", 1), ("iou", None)]
)
def test_a_rank_counts_what_the_rule_counts(page, rule, rank):
    assignment = page.call("assign", rule, {}, GRID, TARGET, True, [0, 0])
    per_point = len(assignment["shapes"])
    sample = CENTRE * per_point + min(2, per_point - 1)
    assert page.call("facts", rule, {}, GRID, TARGET, assignment, sample)["rank"] == rank
