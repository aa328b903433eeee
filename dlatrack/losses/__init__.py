"""Training losses of every head, computed from the labelled samples of a batch."""

from __future__ import annotations

from dlatrack.boxes import centre
from dlatrack.errors import InputError
from dlatrack.losses.autoassign import autoassign_loss
from dlatrack.losses.siamban import siamban_loss
from dlatrack.losses.siamcar import siamcar_loss
from dlatrack.losses.siamfc import siamfc_loss
from dlatrack.losses.siamfcpp import siamfcpp_loss
from dlatrack.losses.siamrpn import siamrpn_loss
from dlatrack.losses.terms import Loss, LossTerms
from dlatrack.recipes import Recipe

__all__ = [
    "LOSSES",
    "RULE_LOSSES",
    "Loss",
    "LossTerms",
    "autoassign_loss",
    "loss_of",
    "siamban_loss",
    "siamcar_loss",
    "siamfc_loss",
    "siamfcpp_loss",
    "siamrpn_loss",
]


def _at_points(loss: Loss) -> Loss:
    """Turn a loss at points into one that takes anchors (A, 4) and uses their centres."""
    return lambda output, labels, target_xyxy, anchors_xyxy, weights, quality=None, weight=None: loss(
        output, labels, target_xyxy, centre(anchors_xyxy), weights, quality, weight
    )


#: The loss of each head, with anchors (A, 4) xyxy in search-region px as its fourth argument.
LOSSES: dict[str, Loss] = {
    "fc": _at_points(siamfc_loss),
    "rpn": siamrpn_loss,
    "car": _at_points(siamcar_loss),
    "ban": _at_points(siamban_loss),
    "fcpp": _at_points(siamfcpp_loss),
    "nano": _at_points(siamban_loss),
}

#: Rules that are a loss of their own, by name in `assign.ASSIGNERS`: it stands in the place of the head's.
RULE_LOSSES: dict[str, Loss] = {"autoassign": _at_points(autoassign_loss)}


def loss_of(recipe: Recipe) -> Loss:
    """The loss of a recipe: that of its label assigner if the rule has one of its own, else that of its head.

    Raises:
        InputError: if the recipe asks for Eq. 3 and the loss is no cross-entropy.
    """
    rule, head = recipe.assign.name, recipe.net.head
    if recipe.loss.classification_form == "eq3":
        soft = rule in RULE_LOSSES or rule == "tal" or recipe.assign.options.get("soft") is True
        if soft or head == "fcpp":
            whose = f"label assigner {rule} with soft labels" if soft else f"head {head!r}"
            raise InputError(
                f"recipe {recipe.name}: classification=eq3 is a cross-entropy, and the loss of the {whose} is none"
            )
    return RULE_LOSSES.get(rule) or LOSSES[head]
