"""One training step: labels, loss, gradients, and their row in the history."""

from __future__ import annotations

import math
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field, replace
from itertools import pairwise
from typing import cast

import torch
from torch import Tensor, nn
from torch.amp import GradScaler
from torch.nn.parallel import DistributedDataParallel

from dlatrack.assign import Assignment, LabelAssigner
from dlatrack.boxes import centre
from dlatrack.losses import LossTerms, loss_of
from dlatrack.losses.taught import taught_loss
from dlatrack.models.heads import HeadOutput
from dlatrack.models.predictions import predict
from dlatrack.models.preprocess import to_network_input
from dlatrack.recipes import Recipe
from dlatrack.sampling.pairs import PairBatch
from dlatrack.training.compute import Compute, Precision
from dlatrack.training.history import StepRow
from dlatrack.training.teacher import Answering, Teacher

_HALVES = {"bfloat16": torch.bfloat16, "float16": torch.float16}


class NotFiniteError(ArithmeticError):
    """The loss or the gradient of a step is not finite."""


@dataclass(frozen=True)
class Stepper:
    """Computes the gradients of a batch and applies them."""

    recipe: Recipe  #: loss, assigner and schedule
    assigner: LabelAssigner  #: label assigner built from the recipe
    scaler: GradScaler  #: scaler of the loss, see `loss_scaler`
    #: processes, parts and precision of the run; assignment and loss are always float32
    compute: Compute = field(default_factory=Compute)
    teacher: Teacher | None = None  #: network whose answers are learned beside the labels

    def gradients(
        self, net: nn.Module, optimizer: torch.optim.Optimizer, batch: PairBatch, pairs: int
    ) -> torch.Tensor:
        """Gradients of a batch, clipped as the schedule says, without the scale of the loss.

        The loss of a batch is the mean of the losses of its parts, weighted by their pairs. N processes with one part
        each thus learn what one process learns with N parts.

        Args:
            net: network wrapped by `Ranks.wrap`.
            optimizer: optimiser of the parameters that get gradients.
            batch: this process's share of the batch.
            pairs: number of pairs of the whole batch, all processes together.

        Returns:
            (12,) float64 on the CPU, the same in all processes: loss and its three terms, gradient norm before
            clipping, positives and negatives, quality of the positives, empty, tied and rescued pairs, and pairs, all
            summed over the batch.
        """
        optimizer.zero_grad(set_to_none=True)
        compute, ranks = self.compute, self.compute.ranks
        cuts = [len(batch.key) * part // compute.accumulate for part in range(compute.accumulate + 1)]
        # The mean over the processes has to become a sum. A scaled gradient is multiplied afterwards, in float32, so
        # that a part's gradient overflows float16 as soon as in one process with as many parts.
        scaled = self.scaler.is_enabled()
        totals = torch.zeros(11, dtype=torch.float64, device=next(net.parameters()).device)
        for part, (first, end) in enumerate(pairwise(cuts)):
            piece = PairBatch(*(column[first:end] for column in batch))
            share = (end - first) / pairs
            weight = share * compute.gradient_factor * (1 if scaled else ranks.world)
            with self._unsynchronised(net, part):
                terms, assignment = forward_loss(
                    net, piece, self.assigner, self.recipe, precision=compute.precision, teacher=self.teacher
                )
                self.scaler.scale(terms.total * weight).backward()
            totals += _figures(terms, assignment, share)
        self.scaler.unscale_(optimizer)
        parameters = [p for group in optimizer.param_groups for p in group["params"]]
        if scaled and ranks.world > 1:
            for parameter in parameters:
                if parameter.grad is not None:
                    parameter.grad *= ranks.world
        norm = torch.nn.utils.clip_grad_norm_(parameters, self.recipe.schedule.clip_norm or math.inf)
        totals = ranks.total(totals)
        return torch.cat([totals[:4], norm.detach().double().reshape(1), totals[4:]]).cpu()

    @property
    def scale(self) -> float | None:
        """Factor of the loss of the next step; None: it is not scaled."""
        return self.scaler.get_scale() if self.scaler.is_enabled() else None

    def apply(self, optimizer: torch.optim.Optimizer, skip: bool) -> None:
        """Make the step of `gradients`, or skip it, and adapt the scale of the loss.

        All processes have the same gradients, so their scales stay equal.
        """
        scale = self.scaler.get_scale()
        if not skip:
            self.scaler.step(optimizer)
        self.scaler.update()
        # The scaler checks single values; here they are finite and only their norm is not.
        if skip and self.scaler.get_scale() == scale:
            self.scaler.update(scale * self.scaler.get_backoff_factor())

    def _unsynchronised(self, net: nn.Module, part: int) -> AbstractContextManager[None]:
        """Context in which gradients are averaged over the processes only with the last part."""
        if isinstance(net, DistributedDataParallel) and part + 1 < self.compute.accumulate:
            return net.no_sync()
        return nullcontext()


def trunk_dtype(precision: Precision) -> torch.dtype:
    """Dtype in which a frozen trunk computes."""
    return _HALVES.get(precision, torch.float32)


def loss_scaler(precision: Precision, device: str) -> GradScaler:
    """Scaler of the loss before the backward pass, so that small gradients do not vanish in float16.

    The scale starts at 65536. A gradient that overflows halves it, and 2000 steps without one double it. In the other
    precisions the loss is not scaled.

    Source: Micikevicius et al., Mixed precision training, ICLR 2018, Sec. 3.2; PyTorch's `GradScaler`, its defaults.
    """
    return GradScaler(torch.device(device).type, enabled=precision == "float16")


def forward_loss(
    net: nn.Module,
    batch: PairBatch,
    assigner: LabelAssigner,
    recipe: Recipe,
    *,
    precision: Precision = "float32",
    teacher: Answering | None = None,
) -> tuple[LossTerms, Assignment]:
    """Network, label assignment and loss of one batch, on the device of the network.

    A rule that looks at predictions gets those of this very step, without gradient. With a teacher the total also
    holds what is learned from it, which is no term of its own.
    """
    device = next(net.parameters()).device
    template, search = (
        to_network_input(images.to(device), recipe.net.input_format)
        for images in (batch.template, batch.search)
    )
    target = batch.target_xyxy.to(device)
    anchors = assigner.grid.anchors(assigner.anchor_shapes).to(device, torch.float32)
    half = _HALVES.get(precision)
    with torch.autocast(device.type, half, enabled=half is not None):
        output: HeadOutput = net(template, search)
    cls, reg, centerness = (None if maps is None else maps.float() for maps in output)
    output = HeadOutput(cast(Tensor, cls), reg, centerness)
    assignment = assign_labels(assigner, batch, output, recipe, anchors)
    soft = assignment.quality, assignment.weight
    loss = loss_of(recipe)
    terms = loss(output, assignment.labels, target.float(), anchors, recipe.loss, *soft)
    if teacher is not None:
        taught = taught_loss(output, centre(anchors), teacher.answer(batch, recipe.grid))
        terms = replace(terms, total=terms.total + taught)
    return terms, assignment


def assign_labels(
    assigner: LabelAssigner, batch: PairBatch, output: HeadOutput, recipe: Recipe, anchors_xyxy: Tensor
) -> Assignment:
    """The labels of a batch, on the device of the network's answers.

    Args:
        assigner: rule of the recipe.
        batch: pairs, on any device.
        output: answers of the network for them, single precision.
        recipe: network that answered.
        anchors_xyxy: (A, 4) anchors of the score map, search-region px.
    """
    device = output.cls.device
    pairs = batch.target_xyxy.to(device), batch.positive.to(device), batch.key.to(device)
    if getattr(assigner, "needs_prediction", False):  # rules of others may not say
        return assigner.assign(*pairs, predict(recipe.net.head, output, anchors_xyxy))
    return assigner.assign(*pairs)


def _figures(terms: LossTerms, assignment: Assignment, share: float) -> torch.Tensor:
    """(11,) float64 on the device."""
    losses = [terms.total, terms.classification, terms.regression, terms.centerness]
    positive = assignment.positive
    quality = positive if assignment.quality is None else torch.where(positive, assignment.quality, 0)
    counts = [positive, assignment.negative, quality, assignment.empty, assignment.tied, assignment.rescued]
    values = [*(f.detach().double() * share for f in losses), *(c.sum().double() for c in counts)]
    return torch.stack([*values, values[0].new_tensor(float(len(assignment.labels)))])


def history_row(
    figures: torch.Tensor,
    recipe: Recipe,
    *,
    epoch: int,
    step: int,
    rate: float,
    seconds: float,
    scale: float | None = None,
) -> StepRow:
    """The history row of a step.

    With a scaled loss a gradient that is not finite is no fault as long as the scale can fall: the step is skipped.
    At a scale of 1 the gradient itself is beyond float16.

    Args:
        figures: (12,) result of `Stepper.gradients`.
        recipe: recipe of the run, for the norm to which gradients are clipped.
        epoch: number of the epoch, from 0.
        step: number of the step in the whole run, from 0.
        rate: learning rate.
        seconds: duration of the step.
        scale: scale of its loss; None: it was not scaled.

    Raises:
        NotFiniteError: if the loss is not finite, or the gradient is not and no scale can fall.
    """
    loss, classification, regression, centerness, norm, positives, negatives, quality, *flags = (
        figures.tolist()
    )
    overflow = not math.isfinite(norm)
    if not math.isfinite(loss) or (overflow and (scale is None or scale <= 1)):
        raise NotFiniteError(
            f"training stopped in epoch {epoch}, step {step}: loss {loss} (classification {classification}, "
            f"regression {regression}, centre-ness {centerness}), gradient norm {norm}"
            f"{'' if scale is None else f', loss scale {scale:g}'}"
        )
    empty, tied, rescued, pairs = (int(flag) for flag in flags)
    limit = recipe.schedule.clip_norm
    return StepRow(
        epoch=epoch,
        step=step,
        lr=rate,
        loss=loss,
        loss_classification=classification,
        loss_regression=regression,
        loss_centerness=centerness,
        gradient_norm=norm,
        clipped=int(limit is not None and norm > limit and not overflow),
        skipped=int(overflow),
        positives=positives / pairs,
        negatives=negatives / pairs,
        quality=quality / max(positives, 1),
        empty=empty,
        tied=tied,
        rescued=rescued,
        pairs_per_second=pairs / seconds,
    )
