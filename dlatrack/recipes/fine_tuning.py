"""The schedule with which a trained tracker is trained further on other data."""

from __future__ import annotations

from dataclasses import replace

from dlatrack.errors import InputError
from dlatrack.recipes.config import Schedule

#: What the backbone may do: stay as it is, or train from the first epoch at a tenth of the rate.
TRUNKS = ("frozen", "tenth")

#: What the statistics of batch norm may do: stay as they are, or be those of the batches.
BATCH_NORM = ("frozen", "trains")

#: Largest learning rate of neck and head.
RATE = 1e-3

_EPOCHS, _PAIRS, _BATCH = 8, 4000, 32


def fine_tuning(
    schedule: Schedule,
    *,
    epochs: int = 0,
    pairs_per_epoch: int = 0,
    batch: int = 0,
    trunk: str = TRUNKS[0],
    batch_norm: str = BATCH_NORM[0],
    rate: float = RATE,
) -> Schedule:
    """A short schedule that keeps what trained weights know.

    The rate grows over the first epoch from a tenth of `rate` and falls along a cosine to a hundredth of it.
    Momentum, weight decay and clipping are those of `schedule`.

    Args:
        schedule: schedule of the recipe.
        epochs: number of epochs; 0: 8.
        pairs_per_epoch: pairs of an epoch; 0: 4,000.
        batch: pairs of a batch; 0: 32.
        trunk: "frozen", or "tenth": the backbone trains from the start, at a tenth of the rate.
        batch_norm: "frozen" keeps all running statistics; "trains" uses and gathers those of the batches, which small
            batches of a few clips estimate badly.
        rate: largest learning rate of neck and head.

    Raises:
        InputError: for another word, a rate that is not positive, or a negative number.
    """
    for name, value, allowed in (("trunk", trunk, TRUNKS), ("batch_norm", batch_norm, BATCH_NORM)):
        if value not in allowed:
            raise InputError(f"{name} must be {' or '.join(allowed)}, got {value!r}")
    if not 0 < rate < float("inf"):
        raise InputError(f"rate must be a positive number, got {rate}")
    epochs = epochs or _EPOCHS
    return replace(
        schedule,
        epochs=epochs,
        pairs_per_epoch=pairs_per_epoch or _PAIRS,
        batch=batch or _BATCH,
        shape="cosine",
        warmup_epochs=min(1, epochs - 1),
        warmup_from=rate / 10,
        rate=rate,
        final_rate=rate / 100,
        backbone_factor=0.1,
        unfreeze_epoch=0 if trunk == "tenth" else epochs,
        frozen_batch_norm=batch_norm == "frozen",
    )
