"""Learning rates per epoch, and which parts of the network they apply to."""

from __future__ import annotations

import numpy as np
import torch

from dlatrack.models.siamese import SiameseNet
from dlatrack.recipes import Schedule


def learning_rates(schedule: Schedule) -> list[float]:
    """Rate of neck and head for every epoch, constant within it.

    The warm-up grows geometrically from `warmup_from` towards `rate`, which it does not reach; the remaining epochs
    fall from `rate` to `final_rate` in equal steps of the logarithm.

    Source: pysot and the public SiamCAR code; SiamDLA Sec. 4.1 names the warm-up only.
    """
    growth = (schedule.rate / schedule.warmup_from) ** (1 / max(schedule.warmup_epochs, 1))
    warmup = [schedule.warmup_from * growth**epoch for epoch in range(schedule.warmup_epochs)]
    decay = np.geomspace(schedule.rate, schedule.final_rate, schedule.epochs - schedule.warmup_epochs)
    return [*warmup, *decay.tolist()]


def build_optimizer(net: SiameseNet, schedule: Schedule, backbone_trains: bool) -> torch.optim.SGD:
    """SGD over what trains now. It is built anew, without momentum, when the backbone joins in."""
    groups = net.parameter_groups()
    parts = [{"params": groups.rest, "factor": 1.0}]
    if backbone_trains:
        parts.append({"params": groups.backbone, "factor": schedule.backbone_factor})
    return torch.optim.SGD(
        parts, lr=schedule.rate, momentum=schedule.momentum, weight_decay=schedule.weight_decay
    )


def set_rate(optimizer: torch.optim.Optimizer, rate: float) -> None:
    """Give every parameter group its factor times `rate`."""
    for group in optimizer.param_groups:
        group["lr"] = rate * group["factor"]
