"""The command `dlatrack bench`."""

from __future__ import annotations

from typing import Annotated

import typer


def bench(
    what: Annotated[str, typer.Argument(help="assign, evaluate, pairs, track, train, or all of them.")],
    repeats: Annotated[
        int | None, typer.Option(help="Timed repetitions; default 50, track and train 15.", min=3)
    ] = None,
    threads: Annotated[
        int | None, typer.Option(help="CPU threads; default 1, track and train all.", min=1)
    ] = None,
    json: Annotated[bool, typer.Option("--json", help="Print JSON instead of a table.")] = False,
    tracker: Annotated[
        str,
        typer.Option(
            help="track: recipe with random weights; train: one with a DLA twin, or all of them; "
            "default: siamrpnpp, siamcar_small."
        ),
    ] = "",
    batch: Annotated[
        str,
        typer.Option(help="train: pairs of a step; default: the recipe's for small trackers, 2 for others."),
    ] = "",
    device: Annotated[str, typer.Option(help="train: cpu, cuda ...; default cpu.")] = "",
    weights: Annotated[str, typer.Option(help="track: weight file or shipped tracker to take instead.")] = "",
    clips: Annotated[str, typer.Option(help="track: sequences in the OTB layout; default: synthetic.")] = "",
    pack: Annotated[str, typer.Option(help="pairs: folder of a pack; default: one of synthetic video.")] = "",
) -> None:
    """Measure speed: median and spread over repetitions, against a plain reference in the same run."""
    from dlatrack.bench import print_bench

    print_bench(
        what,
        repeats=repeats,
        threads=threads,
        as_json=json,
        tracker=tracker,
        batch=batch,
        device=device,
        weights=weights,
        clips=clips,
        pack=pack,
    )
