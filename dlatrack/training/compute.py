"""How a run is computed: device, processes, precision, checkpoints."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from dlatrack.errors import InputError
from dlatrack.recipes import Schedule
from dlatrack.training.ranks import Ranks
from dlatrack.training.step import Precision


@dataclass(frozen=True)
class Compute:
    """How a run is computed.

    Args:
        device: a torch device.
        ranks: the processes of the run, see `ranks.ranks`.
        accumulate: parts that each process cuts its share of a batch into, one after the other, to save memory. What
            is learned depends on the number of parts in all, processes times this.
        precision: in which the network computes; assignment, losses and weights are float32. With "float16" the loss
            is scaled, see `step.loss_scaler`.
        compile: compile the network's forward pass (`compiled.compiled`). It learns other bits.
        workers: processes that prepare pairs; 0: this one. Changes nothing else.
        save_every: steps between two checkpoints within an epoch; None: only as `save_minutes` says.
        save_minutes: minutes after which the next step is saved, by a clock that nobody can set.
        keep: weights of how many of the last epochs are kept beside the checkpoint, and the best one with them
            (`snapshots.keep_snapshot`); 0: none.
        gradients: "mean": the learning rate is for the mean gradient of a batch; "sum": for the sum over its parts,
            as pysot adds up the gradients of its GPUs. Clipping comes after that.

    Raises:
        ValueError: for a number that makes no sense.
    """

    device: str = "cpu"
    ranks: Ranks = field(default_factory=Ranks)
    accumulate: int = 1
    precision: Precision = "float32"
    compile: bool = False
    workers: int = 0
    save_every: int | None = None
    save_minutes: float = 10.0
    keep: int = 0
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
        """Refuse a schedule whose last batch has fewer pairs than there are parts.

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
        """Parts of every batch that are computed at once."""
        return self.ranks.world * self.accumulate
