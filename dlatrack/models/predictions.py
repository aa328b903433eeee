"""What a network answers for each sample of the score map, as label assigners look at it."""

from __future__ import annotations

import torch
from torch import Tensor

from dlatrack.assign import Prediction
from dlatrack.boxes import centre, decode_deltas
from dlatrack.models.heads import HeadOutput

# Bounds of a predicted box: an untrained head may answer anything, and exp() of that is 0 or infinite.

#: Distance from a point to a side of its box, px.
_SIDES = (0.01, 10_000.0)

#: Logarithm of the size of a box over that of its anchor.
_LARGEST_LOGARITHM = 6.0

#: Distance of the centres of box and anchor, over the size of the anchor.
_FARTHEST = 100.0


@torch.no_grad()
def predict(head: str, output: HeadOutput, anchors_xyxy: Tensor) -> Prediction:
    """Probabilities and boxes of B search regions, without gradient.

    Boxes are kept within bounds that no target of a search region reaches, so that all have an area. A value that is
    not a number counts as 0: the loss reads the same maps and reports it, with the step that made it.

    Args:
        head: name of the head, a key of `models.heads.HEADS`.
        output: its maps for H x W cells with m samples each.
        anchors_xyxy: (H * W * m, 4), search-region px, the samples of a cell together; of a point head, any boxes
            around the points.

    Returns:
        The answers, float32, on the device of the maps.

    Raises:
        ValueError: if the head predicts no boxes (SiamFC).
    """
    if output.reg is None:
        raise ValueError(f"the head {head!r} predicts no boxes, which a rule with predictions looks at")
    cls, reg = (torch.nan_to_num(maps.detach().float()) for maps in (output.cls, output.reg))
    # One logit, or background and foreground, of which the softmax is the sigmoid of the difference.
    background, foreground = cls.chunk(2, 1) if cls.shape[1] > 1 else (torch.zeros_like(cls), cls)
    values = _by_sample(reg, 4)  # (B, A, 4)
    anchors = anchors_xyxy.to(reg)
    if head == "rpn":
        shift = values[..., :2].clamp(-_FARTHEST, _FARTHEST)
        logarithm = values[..., 2:].clamp(-_LARGEST_LOGARITHM, _LARGEST_LOGARITHM)
        boxes = decode_deltas(anchors, torch.cat([shift, logarithm], -1))
    else:
        points, sides = centre(anchors), values.clamp(*_SIDES)
        boxes = torch.cat([points - sides[..., :2], points + sides[..., 2:]], -1)
    return Prediction(_by_sample(foreground - background, 1).squeeze(-1).sigmoid(), boxes)


def _by_sample(maps: Tensor, values: int) -> Tensor:
    """(B, values * m, H, W), all anchors of a value together -> (B, H * W * m, values), those of a cell together."""
    return maps.unflatten(1, (values, -1)).permute(0, 3, 4, 2, 1).flatten(1, 3)
