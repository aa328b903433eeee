"""The command `dlatrack tune`."""

from __future__ import annotations

from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from dlatrack.cli.options import MOST_PROCESSES, MOST_TURNS, Device, Fast, Seed
from dlatrack.cli.printing import print_line, print_table

if TYPE_CHECKING:
    from dlatrack.tuning.record import TuningRecord


def tune(
    weights: Annotated[Path, typer.Argument(help="Weight file, or the name of a shipped tracker.")],
    root: Annotated[Path, typer.Option(help="Folder of the validation sequences, or of the data set.")],
    out: Annotated[Path, typer.Option(help="JSON file to write; an interrupted tuning resumes.")],
    name: Annotated[
        str, typer.Option(help="folder: sequences in the OTB layout; or a data set, e.g. GOT10K.")
    ] = "folder",
    split: Annotated[
        str, typer.Option(help="Split of the data set; empty: val, or train where there is none.")
    ] = "",
    trials: Annotated[int, typer.Option(help="Settings to try.", min=1, max=MOST_TURNS)] = 40,
    seed: Seed = 0,
    workers: Annotated[
        int, typer.Option(help="Processes; each uses one core.", min=1, max=MOST_PROCESSES)
    ] = 1,
    device: Device = "cpu",
    fast: Fast = False,
    on_test_set: Annotated[
        bool,
        typer.Option(
            "--on-test-set",
            help="Accept a test set; the file says so, and so does every run that uses it.",
        ),
    ] = False,
) -> None:
    """Tune a tracker's online hyper-parameters on a validation set: penalty, window and rate.

    Use the file with: dlatrack benchmark ... --hyper FILE
    """
    import torch

    import dlatrack.tuning.tune as tuning
    from dlatrack.devices import check_device
    from dlatrack.files import file_digest
    from dlatrack.models.weights import find_weights, read_weights_info
    from dlatrack.tuning.guard import validation_source
    from dlatrack.tuning.trials import network_trackers

    check_device(device)
    source = validation_source(name, root, split)
    weights = find_weights(weights)
    trained = read_weights_info(weights).recipe
    # Trial 0 is the recipe's setting for the data set, or for OTB100 where it has none.
    own = next((key for key in trained.online if source.name.startswith(key.casefold())), "OTB100")
    record = tuning.tune(
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
    _print_best(record, trained.name)


def _print_best(record: TuningRecord, recipe: str) -> None:
    """The best setting beside the recipe's own, and what their difference amounts to."""
    from dlatrack.tuning.record import read_tuned
    from dlatrack.tuning.search import FIELDS

    own, best, found = record.trials[0], record.best, record.difference
    if best is None or found is None:
        return
    data, stopped = record.identity["data"], sum(trial.stopped for trial in record.trials)
    chosen = (("recipe's own", own), (f"best, trial {best.number}", best))
    rows = [
        (name, *(f"{value:g}" for value in asdict(trial.setting).values()), f"{trial.auc:.4f}")
        for name, trial in chosen
    ]
    title = f"{recipe} on {data['name']}: {len(record.trials)} trials, {stopped} stopped early"
    print_table(("setting", *FIELDS, "AUC"), rows, title=title)
    if best is not own:
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
