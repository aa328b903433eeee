"""Learning rates over a run, and the optimiser with one group of parameters per rate."""

from __future__ import annotations

import math
from functools import lru_cache
from typing import Any

import numpy as np
import torch

from dlatrack.models.siamese import SiameseNet
from dlatrack.recipes import Schedule


def learning_rate(schedule: Schedule, epoch: int, share: float = 0.0) -> float:
    """Learning rate of neck and head.

    A logarithmic schedule grows geometrically from `warmup_from` towards `rate`, which the warm-up does not reach;
    the remaining epochs fall from `rate` to `final_rate` in equal steps of the logarithm. A cosine schedule grows
    linearly to `rate` and falls to `final_rate` along half a wave. Epochs beyond the last one of the schedule keep
    `final_rate`.

    Args:
        schedule: shape and values.
        epoch: number of the epoch, from 0; it may lie beyond the schedule.
        share: finished share of the epoch, 0..1; matters to a cosine schedule only.

    Source: pysot and the public SiamCAR code (logarithmic), video_analyst (cosine); SiamDLA Sec. 4.1 names the
    warm-up only.
    """
    if epoch >= schedule.epochs:
        return schedule.final_rate
    if schedule.shape == "logarithmic":
        return _logarithmic(schedule)[epoch]
    done, warmup = epoch + share, schedule.warmup_epochs
    if done < warmup:
        return schedule.warmup_from + (schedule.rate - schedule.warmup_from) * done / warmup
    wave = (1 + math.cos(math.pi * (done - warmup) / (schedule.epochs - warmup))) / 2
    return schedule.final_rate + (schedule.rate - schedule.final_rate) * wave


def continuation(schedule: Schedule, epochs: int) -> dict[str, Any]:
    """Description of the epochs that a run has done beyond its schedule, for the model card.

    Args:
        schedule: schedule that the run began with.
        epochs: number of its epochs in all.

    Returns:
        The entry `continued`, with the number and the learning rate of the further epochs; nothing if there are none.
    """
    further = epochs - schedule.epochs
    return {"continued": {"epochs": further, "rate": schedule.final_rate}} if further > 0 else {}


@lru_cache(maxsize=8)
def _logarithmic(schedule: Schedule) -> tuple[float, ...]:
    growth = (schedule.rate / schedule.warmup_from) ** (1 / max(schedule.warmup_epochs, 1))
    warmup = [schedule.warmup_from * growth**epoch for epoch in range(schedule.warmup_epochs)]
    decay = np.geomspace(schedule.rate, schedule.final_rate, schedule.epochs - schedule.warmup_epochs)
    return (*warmup, *decay.tolist())


def build_optimizer(net: SiameseNet, schedule: Schedule) -> torch.optim.SGD:
    """SGD over the parameters that train now (`SiameseNet.train_mode`); at the unfreezing a new one is built."""
    rest = [*net.neck.parameters(), *net.head.parameters()]
    backbone = [parameter for parameter in net.backbone.trainable_parameters() if parameter.requires_grad]
    groups = [
        {"params": parameters, "factor": factor}
        for parameters, factor in ((rest, 1.0), (backbone, schedule.backbone_factor))
        if parameters
    ]
    return torch.optim.SGD(
        groups, lr=schedule.rate, momentum=schedule.momentum, weight_decay=schedule.weight_decay
    )


def set_rate(optimizer: torch.optim.Optimizer, rate: float) -> None:
    """Set the learning rate of every parameter group to its factor times `rate`."""
    for group in optimizer.param_groups:
        group["lr"] = rate * group["factor"]
