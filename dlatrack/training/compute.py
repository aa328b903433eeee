"""How a run is computed: device, processes, precision, compilation, checkpoints."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal, cast, get_args

import torch
from torch import nn

from dlatrack.errors import InputError
from dlatrack.models.siamese import SiameseNet
from dlatrack.recipes import Schedule
from dlatrack.training.ranks import Ranks

Precision = Literal["float32", "bfloat16", "float16"]
PRECISIONS: tuple[Precision, ...] = get_args(Precision)


@dataclass(frozen=True)
class Compute:
    """Everything about a run that is not its recipe, data or seed.

    Raises:
        ValueError: for a number out of range.
    """

    device: str = "cpu"  #: torch device
    ranks: Ranks = field(default_factory=Ranks)  #: processes of the run, see `ranks.ranks`
    #: parts into which each process cuts its share of a batch, one after the other, to save memory. What the network
    #: learns depends on the number of parts in all, processes times this.
    accumulate: int = 1
    #: precision of the network; assignment, losses and weights are float32. With "float16" the loss is scaled, see
    #: `step.loss_scaler`.
    precision: Precision = "float32"
    #: whether the forward pass is compiled (`compile_network`), which changes the bits of the result
    compile: bool = False
    workers: int = 0  #: processes that prepare pairs; 0: this one. Their number changes nothing else.
    #: steps between two checkpoints within an epoch; None: only as `save_minutes` says
    save_every: int | None = None
    save_minutes: float = 10.0  #: minutes after which the next step is saved, by a monotonic clock
    #: number of last epochs whose weights stay beside the checkpoint, together with those of the best epoch
    #: (`snapshots.keep_snapshot`); 0: none
    keep: int = 0
    #: "mean": the learning rate is for the mean gradient of a batch; "sum": for the sum over its parts, as pysot adds
    #: up the gradients of its GPUs. Clipping comes after that.
    gradients: Literal["mean", "sum"] = "mean"

    def __post_init__(self) -> None:
        if self.save_every is not None and self.save_every < 1:
            raise ValueError(f"save_every must be 1 or more, got {self.save_every}")
        if self.accumulate < 1 or self.keep < 0 or not self.save_minutes > 0:
            raise ValueError(
                f"accumulate must be 1 or more, keep 0 or more and save_minutes more than 0, got {self.accumulate}, "
                f"{self.keep} and {self.save_minutes}"
            )

    def check_batches(self, schedule: Schedule) -> None:
        """Raise if the last batch of a schedule has fewer pairs than there are parts.

        Raises:
            InputError: naming both numbers.
        """
        least = schedule.pairs_per_epoch % schedule.batch or schedule.batch
        if least < self.parts:
            raise InputError(
                f"a batch of {least} pairs cannot be cut into {self.parts} parts (processes times accumulate); "
                f"choose another batch or pairs_per_epoch"
            )

    @property
    def parts(self) -> int:
        """Number of parts of every batch, over all processes."""
        return self.ranks.world * self.accumulate

    @property
    def gradient_factor(self) -> int:
        """Factor of the mean gradient of a batch: 1, or the number of parts where gradients are summed."""
        return self.parts if self.gradients == "sum" else 1


def compile_network(net: SiameseNet) -> nn.Module:
    """Compile the forward pass of a network; it happens in the first call with images of a size.

    Parameters are shared with `net`, whose names do not change. Call it again when other parameters begin to train:
    code compiled before in this process is forgotten, so that a run and its resumption compile the same.

    Args:
        net: network in training mode.
    """
    torch.compiler.reset()  # after eight variants of a function PyTorch would quietly compile no more
    # With shapes that may vary, the code for a size would depend on the sizes that came before.
    return cast("nn.Module", torch.compile(net, dynamic=False))


def check_compiler(device: str) -> None:
    """Raise before long work if nothing can be compiled, by compiling one line.

    Raises:
        InputError: without a C++ compiler, and on a GPU without Triton or of a kind that Triton lacks.
    """
    try:
        torch.compile(_line, dynamic=False)(torch.ones(8, device=device))
    except RuntimeError as error:
        reason = next((line for line in str(error).splitlines() if not line.endswith("raised:")), "")
        raise InputError(
            f"the network cannot be compiled for {device} ({reason}); install a C++ compiler, for GPUs triton too, "
            f"or leave out --compile"
        ) from error


def _line(x: torch.Tensor) -> torch.Tensor:
    return 2 * x + 1
