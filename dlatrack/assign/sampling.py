"""Random draws of label assignment: caps, 4 : 1 negatives, and the negatives of negative pairs.

A draw is a pure function of one 64-bit key per target, by a counter-based hash on integers. A target therefore gets
the same samples alone, in any batch, on any rank and on any device, and a resumed run repeats them.
"""

from __future__ import annotations

import torch
from torch import Tensor

from dlatrack.grid import ScoreGrid

#: Source of random draws: a CPU generator (one key per target is drawn from it), the (B,) int64 keys themselves, or
#: None for rules that draw nothing.
KeySource = torch.Generator | Tensor | None

_GOLDEN_RATIO = 0x9E3779B9 - 2**32  # as a signed 32-bit integer
_INDEX_BITS = 24


def draw_keys(source: KeySource, count: int, device: torch.device) -> Tensor:
    """One key per target, (count,) int64 on `device`.

    Raises:
        ValueError: if there is no source, or keys of the wrong shape.
    """
    if source is None:
        raise ValueError(
            "this rule draws samples at random; pass a torch.Generator or one int64 key per target"
        )
    if isinstance(source, torch.Generator):
        return torch.randint(2**63 - 1, (count,), generator=source, device=source.device).to(device)
    if source.shape != (count,) or source.dtype != torch.int64:
        raise ValueError(
            f"keys must be int64 of shape ({count},), got {source.dtype} of {tuple(source.shape)}"
        )
    return source.to(device)


def draw_order(keys: Tensor, samples: int) -> Tensor:
    """Random ranks: (B, samples) distinct int64 values; the smallest few of a row are a uniform draw from it.

    The upper bits are a 32-bit hash of key and sample, two rounds of multiply and xor-shift (the public "lowbias32"
    mixer), the lower bits the sample's own number, which settles collisions.
    """
    number = torch.arange(samples, device=keys.device, dtype=torch.int32)
    state = (number * _GOLDEN_RATIO) ^ keys.to(torch.int32)[:, None]
    for word in (torch.zeros_like(keys), keys >> 32):
        state += word.to(torch.int32)[:, None]
        state ^= (state >> 16) & 0xFFFF  # the mask makes an arithmetic shift a logical one
        state *= 0x7FEB352D
        state ^= (state >> 15) & 0x1FFFF
        state *= 0x846CA68B - 2**32
        state ^= (state >> 16) & 0xFFFF
    return state.to(torch.int64).bitwise_left_shift_(_INDEX_BITS).add_(number.to(torch.int64))


def draw(pool: Tensor, count: Tensor, order: Tensor) -> Tensor:
    """Draw without replacement, uniformly, from a pool per target.

    Args:
        pool: (B, A) bool, samples that may be drawn.
        count: (B,) int64, number of samples to draw; a smaller pool is taken whole.
        order: (B, A) int64, result of `draw_order`.

    Returns:
        (B, A) bool, the drawn samples.
    """
    most = min(int(count.max()), pool.shape[1]) if len(count) else 0
    drawn = torch.zeros_like(pool)
    if most == 0:
        return drawn
    last = torch.iinfo(torch.int64).max
    ranks, index = torch.topk(order.masked_fill(~pool, last), most, dim=1, largest=False)
    chosen = (torch.arange(most, device=pool.device) < count[:, None]) & (ranks < last)
    return drawn.scatter_(1, index, chosen)


def distractor_window(
    grid: ScoreGrid, anchors_per_point: int, target_xyxy: Tensor, crop_centre: float
) -> Tensor:
    """Samples around a distractor from which a negative pair draws, (B, A) bool.

    A window of 7 x 7 cells, all anchors. The cell in its middle is the map's centre cell plus
    ceil((t - c) / stride + 0.5) with t the distractor's centre and c the crop's: about one cell to the lower right,
    as in the public SiamRPN++ code, whose labels this follows.
    """
    middle = (target_xyxy[:, :2] + target_xyxy[:, 2:]) / 2
    cell = grid.size // 2 + torch.ceil((middle - crop_centre) / grid.stride + 0.5)  # (B, 2)
    index = torch.arange(grid.size, device=target_xyxy.device)
    near = (index >= cell[..., None] - 3) & (index < cell[..., None] + 4)  # (B, 2, size), x then y
    window = near[:, 1, :, None] & near[:, 0, None, :]
    return window.flatten(1).repeat_interleave(anchors_per_point, 1)
