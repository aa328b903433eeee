"""The command `dlatrack tune`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def tune(
    weights: Annotated[Path, typer.Argument(help="Weight file of dlatrack (.safetensors).")],
    root: Annotated[Path, typer.Option(help="Folder of the validation sequences, or of the data set.")],
    out: Annotated[Path, typer.Option(help="JSON file to write; a stopped tuning goes on.")],
    name: Annotated[
        str,
        typer.Option(help="folder: sequences in the OTB layout; or a data set, e.g. GOT10K."),
    ] = "folder",
    split: Annotated[
        str, typer.Option(help="Of the data set; empty: val, or train where there is none.")
    ] = "",
    trials: Annotated[int, typer.Option(help="Settings to try.", min=1)] = 40,
    seed: Annotated[int, typer.Option(min=0)] = 0,
    workers: Annotated[int, typer.Option(help="Processes; each uses one core.", min=1)] = 1,
    device: Annotated[str, typer.Option(help="cpu, cuda, cuda:1 ...")] = "cpu",
    fast: Annotated[
        bool, typer.Option("--fast", help="Allow slightly different answers where they are quicker.")
    ] = False,
    on_test_set: Annotated[
        bool,
        typer.Option(
            "--on-test-set",
            help="Tune on a test set all the same; the file says so, and so does every run that uses it.",
        ),
    ] = False,
) -> None:
    """Tune a tracker's online hyper-parameters on a validation set: penalty, window and rate.

    Use the file with: dlatrack benchmark ... --hyper FILE
    """
    from dlatrack.cli.tune import tune_command

    tune_command(
        weights,
        root,
        out,
        name=name,
        split=split,
        trials=trials,
        seed=seed,
        workers=workers,
        device=device,
        fast=fast,
        on_test_set=on_test_set,
    )
