"""The command `tune`."""

from __future__ import annotations

from dataclasses import asdict
from functools import partial
from pathlib import Path

import torch

from dlatrack.cli.printing import print_line, print_table
from dlatrack.devices import check_device
from dlatrack.models.shipped import find_weights
from dlatrack.models.weights import read_weights_info
from dlatrack.training.identity import file_digest
from dlatrack.tuning.network import network_trackers
from dlatrack.tuning.record import TuningRecord
from dlatrack.tuning.source import validation_source
from dlatrack.tuning.space import FIELDS
from dlatrack.tuning.tune import tune
from dlatrack.tuning.tuned import read_tuned


def tune_command(
    weights: Path,
    root: Path,
    out: Path,
    *,
    name: str,
    split: str,
    trials: int,
    seed: int,
    workers: int,
    device: str,
    fast: bool,
    on_test_set: bool,
) -> None:
    """Tune the online hyper-parameters of a weight file, and print the best.

    Trial 0 is the recipe's setting for the data set, or for OTB100 where it has none.

    Raises:
        InputError: for unreadable weights or data, an unknown device, or as `tuning.tune.tune`.
    """
    check_device(device)
    source = validation_source(name, root, split)
    weights = find_weights(weights)
    trained = read_weights_info(weights).recipe
    own = next((key for key in trained.online if source.name.startswith(key.casefold())), "OTB100")
    record = tune(
        partial(network_trackers, weights, device, fast),
        source,
        out,
        recipe=trained,
        benchmark=own,
        weights_sha256=file_digest(weights),
        conditions={"device": torch.device(device).type, "fast": fast},
        trials=trials,
        seed=seed,
        workers=workers,
        on_test_set=on_test_set,
    )
    _print(record, trained.name)


def _print(record: TuningRecord, recipe: str) -> None:
    """The best setting beside the recipe's own, and what their difference amounts to."""
    if record.best is None or record.start is None or record.difference is None:
        return
    data, stopped = record.identity["data"], sum(trial.auc is None for trial in record.trials)
    chosen = (("recipe's own", record.start), (f"best, trial {record.best.trial}", record.best))
    rows = [
        (name, *(f"{value:g}" for value in asdict(scored.setting).values()), f"{scored.auc:.4f}")
        for name, scored in chosen
    ]
    title = f"{recipe} on {data['name']}: {len(record.trials)} trials, {stopped} stopped early"
    print_table(("setting", *FIELDS, "AUC"), rows, title=title)
    if record.best.trial != record.start.trial:
        found = record.difference
        print_line(
            f"best minus own: {found.value:+.4f} AUC, {100 * found.confidence:g} % interval {found.low:+.4f} to "
            f"{found.high:+.4f} over {found.sequences} sequences. These are the sequences it was chosen on, which "
            f"flatters it: score it on others."
        )
        use = f"use it with: dlatrack benchmark ... --hyper {record.path}"
    else:
        use = "no trial was better than the recipe's own setting"
    mark = read_tuned(record.path, recipe).mark()
    if mark is not None:
        print_line(mark, style="bold red")
    print_line(use)
