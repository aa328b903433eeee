"""Random targets as the training crops hold them."""

from __future__ import annotations

import torch
from torch import Tensor

from dlatrack import boxes


def training_targets(count: int, seed: int, aspect_std: float = 0.7) -> Tensor:
    """Targets after the search augmentation of the SiamRPN++ family, (count, 4) xyxy float64.

    ln(w / h) of the object is N(0, aspect_std); the crop gives it the scale of a 127-pixel template; width and height
    are stretched by 1 +- 0.18 independently and the window is shifted by up to 64 px.
    """
    generator = torch.Generator().manual_seed(seed)
    aspect = torch.exp(torch.randn(count, generator=generator, dtype=torch.float64) * aspect_std)
    width, height = aspect.sqrt(), 1 / aspect.sqrt()
    scale = 127 / boxes.context_side(width, height)
    stretch = 1 + 0.18 * (2 * torch.rand(count, 2, generator=generator, dtype=torch.float64) - 1)
    shift = 64 * (2 * torch.rand(count, 2, generator=generator, dtype=torch.float64) - 1)
    size = torch.stack([width * scale, height * scale], 1) / stretch
    return boxes.cxcywh_to_xyxy(torch.cat([127 - shift / stretch, size], 1))


def any_targets(count: int, seed: int) -> Tensor:
    """Targets of any size and place: 1 to 250 px, centres up to 60 px outside the grid, some on whole pixels."""
    generator = torch.Generator().manual_seed(seed)
    centre = -29 + 312 * torch.rand(count, 2, generator=generator, dtype=torch.float64)
    size = torch.exp(torch.rand(count, 2, generator=generator, dtype=torch.float64) * 5.52)
    target = boxes.cxcywh_to_xyxy(torch.cat([centre, size], 1))
    whole = torch.rand(count, 1, generator=generator) < 0.2
    low = target[:, :2].round()
    rounded = torch.cat([low, low + (target[:, 2:] - target[:, :2]).round().clip(1)], 1)
    return torch.where(whole, rounded, target)
