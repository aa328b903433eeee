"""Training losses: what the labelled samples of a batch cost."""

from __future__ import annotations

from collections.abc import Callable

from torch import Tensor

from dlatrack.boxes import centre
from dlatrack.losses.siamban import siamban_loss
from dlatrack.losses.siamcar import siamcar_loss
from dlatrack.losses.siamfc import siamfc_loss
from dlatrack.losses.siamfcpp import siamfcpp_loss
from dlatrack.losses.siamrpn import siamrpn_loss
from dlatrack.losses.terms import (
    LossTerms,
    balanced_cross_entropy,
    centerness_targets,
    focal_loss,
    ltrb_iou_loss,
)
from dlatrack.models.heads import HeadOutput
from dlatrack.recipes import LossConfig

__all__ = [
    "LOSSES",
    "Loss",
    "LossTerms",
    "balanced_cross_entropy",
    "centerness_targets",
    "focal_loss",
    "ltrb_iou_loss",
    "siamban_loss",
    "siamcar_loss",
    "siamfc_loss",
    "siamfcpp_loss",
    "siamrpn_loss",
]

#: Maps of a head, labels (B, A), targets (B, 4), places of the samples, and weights, to the terms.
Loss = Callable[[HeadOutput, Tensor, Tensor, Tensor, LossConfig], LossTerms]


def _at_points(loss: Loss) -> Loss:
    """A loss that takes anchors (A, 4) and looks at their centres."""
    return lambda output, labels, target_xyxy, anchors_xyxy, weights: loss(
        output, labels, target_xyxy, centre(anchors_xyxy), weights
    )


#: The loss of each head, with anchors (A, 4) xyxy in search-region px as its fourth argument.
LOSSES: dict[str, Loss] = {
    "fc": _at_points(siamfc_loss),
    "rpn": siamrpn_loss,
    "car": _at_points(siamcar_loss),
    "ban": _at_points(siamban_loss),
    "fcpp": _at_points(siamfcpp_loss),
}
