"""A mixture of two Gaussians on the line, fitted to a few values per target by expectation-maximisation."""

from __future__ import annotations

import math
from typing import NamedTuple

import torch
from torch import Tensor

#: Added to variances, so that a component of equal values keeps a width.
_LEAST_VARIANCE = 1e-6
#: The fit of a target ends once its mean log likelihood changes by less than this, or after so many rounds.
_TOLERANCE, _MOST_ROUNDS = 1e-3, 100


class TwoGaussians(NamedTuple):
    """Two weighted Gaussians per target; component 0 started at the smallest value, component 1 at the largest."""

    weights: Tensor  #: (B, 2) float64, sum 1
    means: Tensor  #: (B, 2) float64
    variances: Tensor  #: (B, 2) float64
    rounds: Tensor  #: (B,) int64, rounds until the fit ended

    def log_joint(self, values: Tensor) -> Tensor:
        """Logarithm of weight times density of both components at values, (B, K) -> (B, K, 2)."""
        weights, means, variances = (each[:, None] for each in self[:3])
        distance = (values[..., None] - means).square() / variances
        return weights.log() - 0.5 * (math.log(2 * math.pi) + variances.log() + distance)


def fit_mixture(values: Tensor, valid: Tensor) -> TwoGaussians:
    """Fit two Gaussians to the values of each target.

    Weights start at 1/2, means at the smallest and the largest value, variances at 1. A round computes
    responsibilities and the mean log likelihood of the present mixture (E step), then weights, means and variances
    from them (M step). Targets whose fit has ended keep their mixture while the others run.

    Args:
        values: (B, K) float64.
        valid: (B, K) bool, the values that count; at least one per target.

    Source: PAA (Kim and Lee 2020) Sec. 3.1, with the settings of its public code and of mmdet for scikit-learn's
    GaussianMixture, whose rounds and stopping rule these are.
    """
    start = [
        values.masked_fill(~valid, torch.inf).amin(1),
        values.masked_fill(~valid, -torch.inf).amax(1),
    ]
    means = torch.stack(start, 1)
    values = torch.where(valid, values, 0)
    count = valid.sum(1)
    mixture = TwoGaussians(
        torch.full_like(means, 0.5), means, torch.ones_like(means), torch.zeros_like(count)
    )
    running = count > 0
    likelihood = torch.full_like(means[:, 0], -torch.inf)
    for _ in range(_MOST_ROUNDS):
        joint = mixture.log_joint(values)
        total = torch.logaddexp(joint[..., 0], joint[..., 1])
        before, likelihood = likelihood, _in_order(torch.where(valid, total, 0)) / count
        share = torch.where(valid[..., None], (joint - total[..., None]).exp(), 0)
        mixture = _update(mixture, share, values[..., None], running)
        running = running & ~((likelihood - before).abs() < _TOLERANCE)
        if not running.any():
            break
    return mixture


def _update(mixture: TwoGaussians, share: Tensor, values: Tensor, running: Tensor) -> TwoGaussians:
    """The M step for the targets that are running: (B, K, 2) responsibilities and (B, K, 1) values."""
    size = _in_order(share) + 10 * torch.finfo(share.dtype).eps
    means = _in_order(share * values) / size
    variances = _in_order(share * values.square()) / size - means.square() + _LEAST_VARIANCE
    weights = size / (size[:, :1] + size[:, 1:])
    run = running[:, None]
    return TwoGaussians(
        torch.where(run, weights, mixture.weights),
        torch.where(run, means, mixture.means),
        torch.where(run, variances, mixture.variances),
        mixture.rounds + running,
    )


def _in_order(values: Tensor) -> Tensor:
    """Sum over the second dimension, first to last: the order in which `sum` adds depends on the batch."""
    return values.cumsum(1)[:, -1]
