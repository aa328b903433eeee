"""The rules in JavaScript give the labels, thresholds and messages of those in Python."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from rules_page import Change, RulesPage, open_rules
from targets import any_targets, training_targets

from dlatrack.assign import build_assigner
from dlatrack.assign.sampling import draw_order
from dlatrack.grid import ScoreGrid
from dlatrack.viz.laboratory.rules import GEOMETRIC_RULES, GeometricRule

USUAL, COARSE = ScoreGrid(), ScoreGrid(size=17, stride=8.5, offset=59.3)
RULES = {rule.id: rule for rule in GEOMETRIC_RULES}

#: Options that are tried for each rule besides its defaults.
OPTIONS: dict[str, list[dict[str, Any]]] = {
    "circle": [{"inner": 10, "outer": 30}],
    "iou": [
        {"positive_above": 0.4, "negative_below": 0.1, "max_positives": 3, "max_samples": 20},
        {"negatives": "fill"},
    ],
    "rectangle": [{"center_ratio": 0.6}, {"center_ratio": 1}],
    "ellipse": [{"inner": 0.9, "max_positives": 5, "max_samples": 9}, {"inner": 1}],
    "inside": [],
    "dla_points": [
        {"candidates": 1},
        {"candidates": 40, "std": "biased", "negatives_per_positive": 2, "negative_pool": "outside_target"},
        {
            "positive_scope": "all",
            "negative_pool": "low_iou",
            "negative_pairs": "inside",
            "on_empty": "strict",
        },
        {"positive_centre": "anywhere", "negatives_per_positive": 0, "tolerance": 0.05},
        {"candidates": 40, "max_positives": 2, "max_negatives": 5, "negative_pool": "outside_target"},
    ],
    "dla_anchors": [
        {"candidates": 15, "on_empty": "strict", "negative_pairs": "inside"},
        {"positive_scope": "all", "negative_pool": "low_iou", "crop_centre": 120},
        {"candidates": 23, "max_positives": 16, "max_negatives": 48},
    ],
    "atss_points": [{"candidates": 1}, {"candidates": 25, "counted": "by_point", "tolerance": 0.01}],
    "atss_anchors": [
        {"candidates": 23},
        {"counted": "by_point"},
        {"anchor_shapes": ((70.5, 33), (20, 90))},
    ],
}
CASES = [
    pytest.param(rule, options, grid, id=f"{rule.id} {options} {grid.size}")
    for rule in GEOMETRIC_RULES
    for options, grid in [({}, USUAL), ({}, COARSE), *((each, USUAL) for each in OPTIONS[rule.id])]
]

#: How far the fields of an assignment may lie apart.
TOLERANCES = dict.fromkeys(
    ("labels", "eligible", "empty", "tied", "rescued", "candidates"), 0.0
) | dict.fromkeys(("threshold", "mean", "std", "iou", "distance"), 1e-9)

#: Mistakes that are planted in a module: the rule in which they must be seen, and its options.
MISTAKES: list[tuple[str, dict[str, Any], Change]] = [
    ("dla_points", {}, ("boxes.js", "squared[row] + near[0].squared[column]", "squared[row]")),
    ("dla_points", {}, ("boxes.js", "count).sort((a, b) => a - b)", "count)")),
    ("dla_anchors", {}, ("boxes.js", "(union > 0 ? union : 1)", "samples.area[sample]")),
    ("iou", {}, ("boxes.js", "index >= cell - 3", "index > cell - 3")),
    ("ellipse", {}, ("draws.js", "state ^= state >>> 15", "state ^= state >> 15")),
    ("ellipse", {}, ("draws.js", "[0, keyHigh]", "[keyHigh]")),
    ("dla_anchors", {}, ("rules.js", "scores.findIndex((score) => score >= best)", "0")),
    ("dla_points", {}, ("rules.js", "found.threshold - options.tolerance;", "found.threshold;")),
    ("dla_points", {}, ("rules.js", '=== "unbiased" ? 1 : 0', '=== "unbiased" ? 0 : 1')),
    ("dla_anchors", {}, ("rules.js", "isAllowed(sample) ? found.iou[index]", "true ? found.iou[index]")),
    ("dla_points", {"negative_pairs": "inside"}, ("rules.js", "target) > 0 }", "target) > 8 }")),
    (
        "circle",
        {"outer": 30},
        ("rules.js", "distance[sample] > options.outer", "distance[sample] > options.inner"),
    ),
    ("rectangle", {}, ("rules.js", "Math.abs(dy) / halfHeight)", "Math.abs(dy) / halfWidth)")),
    ("inside", {}, ("rules.js", "positivePair || distance[sample] < 1", "distance[sample] < 1")),
    ("ellipse", {}, ("rules.js", "distance[sample] > 1 :", "distance[sample] > inner :")),
    ("iou", {}, ("rules.js", "iou[sample] > options.positive_above", "iou[sample] > 0.61")),
    ("iou", {"negatives": "fill"}, ("rules.js", '=== "fill" ? positives : most', '=== "fill" ? most : most')),
    (
        "dla_points",
        {"max_positives": 1, "negatives_per_positive": 300},
        ("rules.js", "!positive.has(sample) && ", ""),
    ),
    ("dla_points", {"max_positives": 1}, ("rules.js", "options.max_positives || Infinity", "Infinity")),
    ("dla_points", {"max_negatives": 5}, ("rules.js", "options.max_negatives || Infinity", "Infinity")),
    ("atss_anchors", {}, ("rules.js", "near.slice(0, options.candidates)", "near")),
    ("atss_points", {}, ("rules.js", "positivePair &&\n", "")),
]


def built(rule: GeometricRule, options: dict[str, Any], grid: ScoreGrid = USUAL):
    shapes = {"anchor_shapes": rule.shapes} if rule.rule == "atss" else {}
    return build_assigner(rule.rule, grid, **{**shapes, **options})


def plain(grid: ScoreGrid) -> dict[str, float]:
    return {"size": grid.size, "stride": grid.stride, "offset": grid.offset}


def targets_of(count: int, seed: int = 0) -> torch.Tensor:
    """Targets of any size and place, and as many as in training, (count, 4)."""
    return torch.cat([any_targets(count // 2, seed), training_targets(count - count // 2, seed + 1)])


def differences(
    page: RulesPage, rule: GeometricRule, options: dict[str, Any], grid: ScoreGrid, count: int = 1000
) -> list[str]:
    """Fields that differ between Python and JavaScript for random targets, pairs and keys."""
    targets, generator = targets_of(count), torch.Generator().manual_seed(0)
    keys = torch.randint(-(2**63), 2**63 - 1, (count,), generator=generator)
    pairs = torch.rand(count, generator=generator) < (0.8 if rule.negative_pairs else 2)
    expected = built(rule, options, grid).assign(targets, pairs, generator=keys)
    found = page.labelled(
        id=rule.id,
        options=options,
        grid=plain(grid),
        targets=targets.tolist(),
        pairs=pairs.tolist(),
        keys=[[key & 0xFFFFFFFF, key >> 32] for key in keys.tolist()],
    )
    different = []
    for name, allowed in TOLERANCES.items():
        value = getattr(expected, name)
        if value is None:
            if not np.isnan(found[name]).all():
                different.append(name)
            continue
        wanted = value.numpy().reshape(count, -1)
        if found[name].shape != wanted.shape or not (abs(found[name] - wanted) <= allowed).all():
            different.append(name)
    return different


@pytest.mark.parametrize(("rule", "options", "grid"), CASES)
def test_labels_and_thresholds_are_those_of_python(page, rule, options, grid):
    assert differences(page, rule, options, grid) == []


@pytest.mark.parametrize(("rule", "options", "change"), MISTAKES, ids=str)
def test_a_mistake_would_be_seen(browser, rule, options, change):
    opened = open_rules(browser, change)
    assert differences(opened, RULES[rule], options, USUAL)
    opened.page.close()


@pytest.mark.parametrize("key", [0, 1, 42, -1, 2**40 + 5, -(2**63)])
def test_draws_have_the_order_of_python(page, key):
    ranks = page.call("drawOrder", key & 0xFFFFFFFF, key >> 32, 3125)
    assert np.array_equal(np.argsort(ranks), draw_order(torch.tensor([key]), 3125)[0].argsort().numpy())
    assert len(set(ranks)) == 3125


@pytest.mark.parametrize("seed", [0, 42, 2**31, 2**32 + 7, 2**53 - 1])
def test_the_seed_is_the_key(page, seed):
    low, high = page.call("keyOf", seed)
    assert (low & 0xFFFFFFFF) + (high << 32) == seed


@pytest.mark.parametrize("rule", GEOMETRIC_RULES, ids=lambda rule: rule.id)
@pytest.mark.parametrize("number", [0, 1])
def test_positives_along_a_sequence(page, rule, number):
    options = [{}, *OPTIONS[rule.id]][min(number, len(OPTIONS[rule.id]))]
    targets = targets_of(200)
    expected = built(rule, options).assign(targets, generator=torch.Generator().manual_seed(0))
    found = page.call("countPositives", rule.id, options, plain(USUAL), [None, *targets.tolist()])
    assert found["counts"] == [-1, *expected.positive.sum(1).tolist()]
    assert found["empty"] == [0, *expected.empty.int().tolist()]
    assert found["rescued"] == [0, *expected.rescued.int().tolist()]


@pytest.mark.parametrize(
    ("rule", "options"),
    [
        ("circle", {"inner": 5, "outer": 3}),
        ("circle", {"inner": -1.5}),
        ("iou", {"positive_above": 0.25}),
        ("iou", {"positive_above": 1.5}),
        ("iou", {"max_samples": 3}),
        ("rectangle", {"center_ratio": 0}),
        ("rectangle", {"center_ratio": 1.01}),
        ("rectangle", {"ratio": 1}),
        ("ellipse", {"inner": 2}),
        ("ellipse", {"max_positives": 0}),
        ("inside", {"inner": 1}),
        ("dla_points", {"candidates": 0}),
        ("dla_points", {"candidates": 626}),
        ("dla_anchors", {"candidates": 626}),
        ("dla_points", {"negatives_per_positive": -1}),
        ("dla_points", {"tolerance": -0.5}),
        ("dla_points", {"std": "sample"}),
        ("dla_points", {"negative_pool": 3}),
        ("dla_points", {"max_positives": -1}),
        ("dla_anchors", {"max_negatives": -2, "max_positives": 3}),
        ("iou", {"negatives": "all"}),
        ("atss_points", {"candidates": 626}),
        ("atss_anchors", {"candidates": 3126}),
        ("atss_anchors", {"candidates": 626, "counted": "by_point"}),
        ("atss_points", {"counted": "twice"}),
        ("atss_points", {"tolerance": -1}),
    ],
)
def test_bad_options_are_refused_in_the_words_of_python(page, rule, options):
    with pytest.raises(ValueError, match="label assigner") as refused:
        built(RULES[rule], options)
    said = page.refusal(rule, options, plain(USUAL), [80, 80, 160, 160], True, [0, 0])
    assert str(refused.value) == f"label assigner {RULES[rule].rule}: {said}"


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"candidates": 2.5}, "candidates must be a whole number, got 2.5"),
        ({"candidates": "many"}, "candidates must be a whole number, got 'many'"),
        ({"tolerance": float("nan")}, "tolerance must be a number, got nan"),
        (
            {"anchor_shapes": "64x64, <b>"},
            "anchor_shapes is a list of w x h in px such as 104x32, 64x64, got '64x64, <b>'",
        ),
    ],
)
def test_values_of_another_kind_are_refused(page, options, message):
    assert page.refusal("atss_points", options, plain(USUAL), [80, 80, 160, 160], True, [0, 0]) == message


@pytest.mark.parametrize(
    "target", [[5, 5, 5, 9], [9.5, 0, 3, 4], [0, 0, float("nan"), 4], [0, 0, float("inf"), 4]]
)
def test_bad_targets_are_refused_in_the_words_of_python(page, target):
    with pytest.raises(ValueError, match="finite corners") as refused:
        built(RULES["inside"], {}).assign(torch.tensor([target], dtype=torch.float64))
    assert page.refusal("inside", {}, plain(USUAL), target, True, [0, 0]) == str(refused.value)


@pytest.mark.parametrize(
    "rule", [rule for rule in GEOMETRIC_RULES if not rule.negative_pairs], ids=lambda rule: rule.id
)
def test_negative_pairs_are_refused_in_the_words_of_python(page, rule):
    target = [80.0, 80.0, 160.0, 160.0]
    with pytest.raises(ValueError, match="negative pairs") as refused:
        built(rule, {}).assign(torch.tensor([target]), torch.tensor([False]))
    assert page.refusal(rule.id, {}, plain(USUAL), target, False, [0, 0]) == str(refused.value)


def test_shapes_may_be_written_as_text(page):
    given = [plain(USUAL), [80, 80, 160, 160], True, [0, 0]]
    text = page.call("assign", "iou", {"anchor_shapes": "80x70, 30.5 × 60"}, *given)
    assert text["shapes"] == [[80, 70], [30.5, 60]]
    assert text == page.call("assign", "iou", {"anchor_shapes": [[80, 70], [30.5, 60]]}, *given)
