"""The commands `dlatrack data ...`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

data_app = typer.Typer(
    help="Data sets: what is here, is it whole, and miniatures of them.", no_args_is_help=True
)

DataSet = Annotated[str, typer.Argument(help="A name of `dlatrack data list`, e.g. got10k.")]
Workers = Annotated[int | None, typer.Option(help="Processes; default: one per core.", min=1)]


@data_app.command("list")
def data_list(
    root: Annotated[
        list[Path] | None, typer.Option(help="Folder to look in, as often as needed; default: DLATRACK_DATA.")
    ] = None,
) -> None:
    """Say which data sets are known, which are here and what they lack."""
    from dlatrack import paths
    from dlatrack.cli.data import data_list_command

    here = paths.data_dir()
    data_list_command(root if root is not None else [here] if here is not None else [])


@data_app.command("info")
def data_info(name: DataSet) -> None:
    """Say where to get a data set, how its folder must look, what is in it, its terms and its oddities."""
    from dlatrack.cli.data import data_info_command

    data_info_command(name)


@data_app.command("check")
def data_check(
    name: DataSet,
    root: Annotated[Path, typer.Option(help="The data set's folder, or the one that holds it.")],
    deep: Annotated[bool, typer.Option("--deep", help="Decode and hash every image.")] = False,
    workers: Workers = None,
) -> None:
    """Compare a data set on disk with its manifest; every fault is named, and any makes the command fail."""
    from dlatrack.cli.data import data_check_command

    data_check_command(name, root, deep, workers)


@data_app.command("pack")
def data_pack(
    name: DataSet,
    root: Annotated[Path, typer.Option(help="The data set's folder, or the one that holds it.")],
    out: Annotated[Path, typer.Option(help="Folder of the pack; a stopped packing goes on.")],
    split: Annotated[str, typer.Option(help="Which split to pack.")] = "train",
    workers: Workers = None,
) -> None:
    """Check a data set, cut its training crops once and write them to tar shards that training reads quickly."""
    from dlatrack.cli.train import pack_command

    pack_command(name, root, out, split, workers)


@data_app.command("mini")
def data_mini(
    name: Annotated[str, typer.Argument(help="A name of `dlatrack data list`, or all.")],
    out: Annotated[Path, typer.Option(help="Folder to write below.")],
    seed: Annotated[int, typer.Option(min=0)] = 0,
) -> None:
    """Write a synthetic miniature of a data set in its official layout, for trying things out."""
    from dlatrack.cli.data import data_mini_command

    data_mini_command(name, out, seed)
