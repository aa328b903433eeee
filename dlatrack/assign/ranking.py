"""The samples of largest value, of which equals come in the order of their numbers."""

from __future__ import annotations

import torch
from torch import Tensor


def largest(values: Tensor, count: int, among: Tensor) -> tuple[Tensor, Tensor]:
    """The `count` samples of largest value per target, largest first; ties by sample number.

    Only the samples that reach the value of the last place are sorted, which is much quicker than to sort all.

    Args:
        values: (B, A) float64, finite.
        count: number of samples to choose, 1..A.
        among: (B, A) bool, the samples to choose from.

    Returns:
        Sample numbers, (B, count) int64, and whether a place is filled, (B, count) bool. Where there are fewer
        samples than places, the others repeat the first one, or 0 if there is none.
    """
    values = values.masked_fill(~among, -torch.inf)
    # topk leaves open which of equal samples it finds; their value is the same.
    last = values.topk(count, dim=1).values[:, -1:]
    reached = among & (values >= last)
    per_target = reached.sum(1)
    rows, samples = reached.nonzero(as_tuple=True)  # by target, then by sample
    place = torch.arange(len(rows), device=rows.device) - (per_target.cumsum(0) - per_target)[rows]
    width = max(count, int(per_target.max())) if len(per_target) else count
    numbers = rows.new_zeros(len(values), width)
    numbers[rows, place] = samples
    found = values.new_full((len(values), width), -torch.inf)
    found[rows, place] = values[rows, samples]
    order = found.sort(dim=1, descending=True, stable=True).indices[:, :count]
    filled, numbers = order < per_target[:, None], numbers.gather(1, order)
    return torch.where(filled, numbers, numbers[:, :1]), filled
