"""Options that several commands have in common, each with one text of help."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

#: Limit of the numbers of processes and threads that may be asked for.
MOST_PROCESSES = 1024

#: Limit of repetitions and of seconds that may be asked for.
MOST_TURNS = 1_000_000

Device = Annotated[str, typer.Option(help="cpu, cuda, cuda:1 ...")]
Fast = Annotated[
    bool, typer.Option("--fast", help="Allow slightly different answers where they are quicker.")
]
Runtime = Annotated[
    str,
    typer.Option(
        help="What computes the network: torch, onnx, openvino, onnx-int8 or openvino-int8; all but torch on the CPU."
    ),
]
Seed = Annotated[int, typer.Option(min=0)]
Json = Annotated[bool, typer.Option("--json", help="Print JSON instead of a table.")]
AllowMissing = Annotated[
    bool, typer.Option("--allow-missing", help="Score the sequences that are there, and mark the scores.")
]
Weights = Annotated[
    Path,
    typer.Option(help="Weight file of dlatrack (.safetensors), or a shipped tracker, e.g. dla_nanotrack_v3."),
]
WeightFile = Annotated[Path, typer.Argument(help="Weight file, or the name of a shipped tracker.")]
DataSetRoot = Annotated[Path, typer.Option(help="The data set's folder, or the one that holds it.")]
