"""Weight files of the last few epochs and of the best one."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from dlatrack.models.siamese import SiameseNet
from dlatrack.models.weights import save_weights
from dlatrack.recipes import Recipe
from dlatrack.training.history import StepRow
from dlatrack.training.schedule import continuation

EPOCHS = "epochs"


def keep_snapshot(
    folder: Path,
    net: SiameseNet,
    recipe: Recipe,
    steps: list[StepRow],
    run: Mapping[str, Any],
    *,
    keep: int,
) -> Path:
    """Write the weights of the epoch that has just ended, and remove those of older epochs.

    Args:
        folder: folder of the run; weights go to `epochs/epoch_007.safetensors` in it.
        net: network after the epoch.
        recipe: recipe of the run.
        steps: history of the run up to the end of the epoch.
        run: identity of the run (`identity.describe_run`), for the model card.
        keep: number of last epochs that stay, at least 1; the one with the smallest mean loss stays, too.

    Returns:
        The file.

    Raises:
        InputError: if it cannot be written.
    """
    epoch = steps[-1].epoch
    losses = mean_losses(steps)
    path = snapshot(folder, epoch)
    card = {"run": dict(run), "epoch": epoch + 1, "mean_loss": losses[epoch]}
    card |= continuation(recipe.schedule, epoch + 1)
    save_weights(path, net, recipe, card)
    stay = {snapshot(folder, number) for number in range(max(epoch - keep + 1, 0), epoch + 1)}
    stay.add(snapshot(folder, min(losses, key=lambda number: (losses[number], number))))
    for file in path.parent.glob("epoch_*.safetensors"):
        if file not in stay:
            file.unlink()
    return path


def snapshot(folder: Path, epoch: int) -> Path:
    """File of the weights after an epoch, whose number counts from 0; the file name counts from 1."""
    return folder / EPOCHS / f"epoch_{epoch + 1:03d}.safetensors"


def mean_losses(steps: list[StepRow]) -> dict[int, float]:
    """Mean loss by epoch, over its steps."""
    sums: dict[int, list[float]] = {}
    for step in steps:
        sums.setdefault(step.epoch, []).append(step.loss)
    return {epoch: sum(losses) / len(losses) for epoch, losses in sums.items()}
