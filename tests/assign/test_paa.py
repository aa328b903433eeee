"""Probabilistic anchor assignment: published numbers, the mixture, the referee, properties, bad input."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from cases import CASE_G, CASE_T, Case, Given, disagreements, random_predictions, some_targets
from hypothesis import given, settings
from hypothesis import strategies as st

from dlatrack import boxes
from dlatrack.assign import Assignment, Prediction, build_assigner
from dlatrack.assign.mixture import fit_mixture
from dlatrack.assign.reference.paa import ReferencePaa, fit_plainly, log_joint
from dlatrack.grid import POINT_ANCHOR, RPN_ANCHORS, ScoreGrid

GRID = ScoreGrid()
#: Labels may differ where a posterior log ratio is smaller than the first, or another difference than the second.
UNDECIDED, NEAR = 1e-6, 1e-9


def one(case: Case, **options) -> Assignment:
    rule = build_assigner("paa", case.grid, anchor_shapes=case.anchor_shapes, **options)
    return rule.assign(case.target_xyxy, prediction=case.prediction)


def plain_of(case: Case) -> tuple[np.ndarray, np.ndarray]:
    referee = ReferencePaa(case.grid.size, case.grid.stride, case.grid.offset, case.anchor_shapes)
    probability, predicted = (each[0].numpy() for each in vars(case.prediction).values())
    return referee.second_stage(case.target_xyxy[0].double().numpy(), probability, predicted)


PUBLISHED = {
    "T": (
        CASE_T,
        [8, 11, 13, 12, 17, 6, 7, 22, 3],
        [0.201186, 0.252664, 0.287583, 0.29151, 0.294004, 0.332498, 0.423948, 0.428342, 0.444982],
        ([0.499669, 0.500331], [0.327701, 0.329346], [0.006524, 0.006556]),
        [0.356346, 1.156021, 1.467814, 1.491217, 1.504853, 1.594726, 0.899796, 0.834221, 0.559103],
    ),
    "G": (
        CASE_G,
        [311, 288, 263, 286, 313, 336, 362, 334, 338],
        [0.114221, 0.160793, 0.167908, 0.17231, 0.199764, 0.260075, 0.264068, 0.269858, 0.277877],
        ([0.499443, 0.500557], [0.209384, 0.209921], [0.003173, 0.003165]),
        [0.521302, 1.58156, 1.683282, 1.738211, 1.942801, 1.557102, 1.491047, 1.386343, 1.223844],
    ),
}


@pytest.mark.parametrize("name", PUBLISHED)
def test_losses_and_mixture_are_those_of_the_public_code(name):
    case, candidates, losses, mixture, density = PUBLISHED[name]
    assert one(case).candidates[0].tolist() == candidates
    samples, plain = plain_of(case)
    assert samples.tolist() == candidates
    assert plain.tolist() == pytest.approx(losses, abs=1e-5)
    values = torch.from_numpy(plain)[None]
    fitted = fit_mixture(values, torch.ones_like(values, dtype=torch.bool))
    for got, expected in zip(fitted, mixture, strict=False):
        assert got[0].tolist() == pytest.approx(expected, abs=1e-5)
    assert fitted.rounds.item() == 3
    found = fitted.log_joint(values)[0].logsumexp(-1)
    assert found.tolist() == pytest.approx(density, abs=1e-5)


def test_the_membership_of_the_larger_case_is_that_of_the_public_code():
    """In the smaller one a posterior log ratio of 0.0001 decides, which single precision does not resolve."""
    answer = one(CASE_G)
    assert answer.positive[0].nonzero()[:, 0].tolist() == [263, 286, 288, 311]
    assert answer.eligible.item() == 4
    assert answer.threshold.item() == pytest.approx(0.17231, abs=1e-5)
    assert not answer.empty.item()
    assert not answer.tied.item()


def test_a_mixture_is_the_one_of_scikit_learn():
    gaussian_mixture = pytest.importorskip("sklearn.mixture").GaussianMixture
    rng = np.random.default_rng(0)
    for size in (2, 5, 9, 9, 20):
        values = np.sort(rng.gamma(1.0, 1.0, (size, 1)), axis=0)
        public = gaussian_mixture(
            2,
            covariance_type="diag",
            weights_init=[0.5, 0.5],
            means_init=values[[0, -1]],
            precisions_init=np.ones((2, 1)),
        ).fit(values)
        batch = torch.from_numpy(values.T)
        ours = fit_mixture(batch, torch.ones_like(batch, dtype=torch.bool))
        assert ours.means[0].numpy() == pytest.approx(public.means_[:, 0], abs=1e-7)
        assert ours.variances[0].numpy() == pytest.approx(public.covariances_[:, 0], abs=1e-7)
        assert ours.weights[0].numpy() == pytest.approx(public.weights_, abs=1e-7)
        assert ours.rounds.item() == public.n_iter_


def test_clear_groups_are_told_apart_and_padding_does_not_count():
    values = torch.tensor(
        [[0.1, 0.11, 0.12, 9.0, 9.1], [0.1, 0.11, 0.12, 9.0, 9.1], [5.0, 1.0, 1.0, 1.0, 1.0]]
    )
    valid = torch.tensor([[True] * 5, [True, True, True, False, False], [True, False, False, False, False]])
    fitted = fit_mixture(values.double(), valid)
    assert fitted.means[0].tolist() == pytest.approx([0.11, 9.05])
    assert fitted.weights[0].tolist() == pytest.approx([0.6, 0.4])
    weights, means, variances, rounds = fit_plainly(np.array([0.1, 0.11, 0.12]))
    assert fitted.means[1].numpy() == pytest.approx(means, abs=1e-7)
    assert fitted.variances[1].numpy() == pytest.approx(variances, abs=1e-7)
    assert fitted.weights[1].numpy() == pytest.approx(weights, abs=1e-7)
    assert fitted.rounds[1].item() == rounds
    assert fitted.means[2].tolist() == pytest.approx([5, 5])


def undecided(referee: ReferencePaa, given: Given) -> bool:
    """Whether rounding may decide a label of this target."""
    one_more = replace(referee, candidates=referee.candidates + 1)
    _, loss = one_more.second_stage(*given)
    near = [*abs(boxes.iou(referee.anchors, given.target) - referee.iou_above), *np.diff(loss)]
    loss = loss[: referee.candidates]
    first, second = log_joint(loss, *fit_plainly(loss)[:3])
    near += list(np.diff(np.sort(np.logaddexp(first, second))))
    return abs(first - second).min() < UNDECIDED or min(near) < NEAR


@pytest.mark.parametrize(
    ("shapes", "count", "options"),
    [
        (POINT_ANCHOR, 1000, {}),
        (RPN_ANCHORS, 300, {}),
        (POINT_ANCHOR, 500, {"candidates": 23, "iou_above": 0.4, "iou_weight": 0.5}),
        (POINT_ANCHOR, 500, {"candidates": 1}),
        (POINT_ANCHOR, 500, {"candidates": 5, "on_empty": "candidates", "iou_above": 0.0}),
        pytest.param(POINT_ANCHOR, 3000, {}, marks=pytest.mark.slow),
        pytest.param(RPN_ANCHORS, 1000, {}, marks=pytest.mark.slow),
    ],
    ids=str,
)
def test_a_batch_equals_the_referee_target_by_target(shapes, count, options):
    referee = ReferencePaa(anchor_shapes=shapes, **options)
    rule = build_assigner("paa", GRID, anchor_shapes=shapes, **options)
    different = disagreements(rule, referee, count, seed=1)
    assert all(undecided(referee, given) for given in different)
    assert len(different) <= count / 1000


def test_a_target_without_foreground_is_empty_or_gets_all_candidates():
    """Foreground by loss comes after none: the component of small losses is nowhere the more probable."""
    target = some_targets(4000, seed=5)
    prediction = random_predictions(target, 1, seed=6)
    strict, all_of_them = (
        build_assigner("paa", GRID, on_empty=name).assign(target, prediction=prediction)
        for name in ("strict", "candidates")
    )
    empty = strict.empty
    assert 0 < empty.sum() < 200
    assert torch.equal(empty, ~strict.positive.any(1))
    assert torch.equal(empty, all_of_them.empty)
    assert torch.equal(all_of_them.rescued, empty)
    assert strict.threshold.isnan().equal(empty)
    assert not all_of_them.threshold.isnan().any()
    assert (all_of_them.positive.sum(1)[empty] >= 2).all()
    assert torch.equal(strict.labels[~empty], all_of_them.labels[~empty])


def test_a_single_candidate_is_positive_as_it_is():
    """A target of 3 x 3 px overlaps no anchor by a tenth; (98, 98) lies in several, of which the first is taken."""
    target = torch.tensor([[96.0, 96.0, 99.0, 99.0]])
    prediction = Prediction(torch.full((1, 625), 0.5), target[:, None].expand(1, 625, 4))
    answer = build_assigner("paa", GRID).assign(target, prediction=prediction)
    assert answer.positive.sum() == 1
    overlap = boxes.iou(GRID.anchors(POINT_ANCHOR), target.double())
    assert answer.positive[0].nonzero().item() == overlap.argmax()
    assert set(answer.candidates[0].tolist()) == {int(overlap.argmax())}
    assert not answer.tied.item()


def test_equal_losses_are_marked_as_tied():
    target = torch.tensor([[95.0, 95.0, 159.0, 159.0]])
    prediction = Prediction(torch.full((1, 625), 0.5), target[:, None].expand(1, 625, 4))
    answer = build_assigner("paa", GRID).assign(target, prediction=prediction)
    assert answer.tied.item()
    first_stage = boxes.iou(GRID.anchors(POINT_ANCHOR), target.double()) >= 0.1
    assert answer.candidates[0].tolist() == first_stage.nonzero()[:9, 0].tolist()
    assert answer.positive[0].nonzero()[:, 0].tolist() == answer.candidates[0, :1].tolist()


def test_certain_and_impossible_samples_have_finite_losses():
    target = some_targets(8, seed=7)
    prediction = random_predictions(target, 1, seed=8)
    for value in (0.0, 1.0):
        answer = build_assigner("paa", GRID).assign(
            target, prediction=Prediction(torch.full((8, 625), value), prediction.boxes_xyxy)
        )
        assert (answer.threshold[answer.positive.any(1)] < 30).all()


@given(st.integers(0, 10_000), st.integers(1, 40), st.floats(0, 0.9))
@settings(max_examples=20)
def test_positives_are_candidates_of_the_smallest_losses(seed, candidates, iou_above):
    target = some_targets(30, seed)
    pair = torch.arange(30) % 3 > 0
    rule = build_assigner("paa", GRID, candidates=candidates, iou_above=iou_above)
    answer = rule.assign(target, pair, prediction=random_predictions(target, 1, seed))
    among = torch.zeros_like(answer.positive).scatter_(1, answer.candidates, True)
    assert (among | ~answer.positive).all()
    assert torch.equal(answer.positive | answer.negative, torch.ones_like(among))
    assert torch.equal(answer.positive.sum(1), torch.where(pair, answer.eligible, 0))
    overlap = boxes.iou(GRID.anchors(POINT_ANCHOR), target[:, None])
    assert ((overlap >= iou_above) | (overlap == overlap.amax(1, keepdim=True)) | ~among).all()
    for flag in (answer.empty, answer.tied, answer.rescued):
        assert not flag[~pair].any()


def test_single_precision_predictions_are_compared_in_double():
    target = some_targets(50, seed=9)
    prediction = random_predictions(target, 1, seed=10)
    single = Prediction(*(each.float() for each in vars(prediction).values()))
    double = Prediction(*(each.double() for each in vars(single).values()))
    rule = build_assigner("paa", GRID)
    assert torch.equal(
        rule.assign(target, prediction=single).labels, rule.assign(target, prediction=double).labels
    )


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"candidates": 0}, r"candidates must be in 1\.\.625 \(samples\), got 0"),
        ({"candidates": 626}, "got 626"),
        ({"candidates": 3126, "anchor_shapes": RPN_ANCHORS}, r"1\.\.3125 \(samples\), got 3126"),
        ({"iou_above": 1.5}, r"iou_above must be in 0\.\.1, got 1.5"),
        ({"iou_weight": -1}, "iou_weight must be a number that is not negative, got -1"),
        ({"on_empty": "best"}, "on_empty must be one of strict, candidates, got 'best'"),
        ({"topk": 9}, "label assigner paa: .*topk"),
    ],
)
def test_bad_options_are_named(options, message):
    with pytest.raises(ValueError, match=message):
        build_assigner("paa", GRID, **options)
