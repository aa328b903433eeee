"""The command `dlatrack lab`."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated, Any

import typer
from typer.core import TyperCommand

from dlatrack.errors import InputError, listed

#: Options of JupyterLab that take no value.
_FLAGS = (
    "--no-browser",
    "--allow-root",
    "--debug",
    "-y",
    "--core-mode",
    "--dev-mode",
    "--expose-app-in-browser",
)


#: Our own options, each with a value.
_OURS = ("--html", "--sequence")


class LabCommand(TyperCommand):
    """A command whose options belong to JupyterLab, but for our own and those of help."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Keep all that follows the folder as `ctx.obj`; typer reads the folder and our own options."""
        if {"-h", "--help"} & set(args):
            return super().parse_args(ctx, ["--help"])
        args, own = _own_options(args)
        folder = 1 if args and not args[0].startswith("-") else 0
        ctx.obj = args[folder:]
        ctx.meta["folder given"] = bool(folder)
        if folder and not args[0]:
            raise InputError("the folder of the copy has no name; give one, e.g. dlatrack-notebooks")
        for option, value in zip(ctx.obj, ctx.obj[1:], strict=False):
            if option in _FLAGS and not value.startswith("-"):
                raise InputError(f"the folder comes before all options: dlatrack lab {value} {option} ...")
        return super().parse_args(ctx, args[:folder] + own)


def _own_options(args: list[str]) -> tuple[list[str], list[str]]:
    """Arguments without our own options, and those options with their values."""
    rest, own = [], []
    queue = list(args)
    while queue:
        word = queue.pop(0)
        if word.partition("=")[0] not in _OURS:
            rest.append(word)
            continue
        own.append(word)
        if "=" not in word and queue:
            own.append(queue.pop(0))
    return rest, own


def lab(
    context: typer.Context,
    folder: Annotated[Path, typer.Argument(help="Folder of the copy; it comes before all options.")] = Path(
        "dlatrack-notebooks"
    ),
    html: Annotated[
        Path | None,
        typer.Option(help="Write the laboratory as one page that needs no kernel, and stop.", metavar="FILE"),
    ] = None,
    sequence: Annotated[
        str,
        typer.Option(
            help="What the page shows: a folder in the OTB layout, a video, a seed; the example of notebook 01."
        ),
    ] = "",
) -> None:
    """Open JupyterLab on a copy of the notebooks of your own, which is written first.

    Files that are in the folder already are kept. All other options go to JupyterLab, e.g. --no-browser, --port=8889,
    --ip=0.0.0.0 or --allow-root.
    """
    options: list[str] = context.obj
    if html is not None:
        unused = [str(folder)] * context.meta["folder given"] + options
        if unused:
            raise InputError(
                f"--html writes a page and opens no JupyterLab, so it does not take {unused[0]}; "
                f"--sequence says what the page shows"
            )
        _write_page(html, sequence)
        return
    if sequence:
        raise InputError("--sequence says what the page of --html shows; give --html FILE, too")
    from dlatrack.notebooks.working_copy import WELCOME, write_working_copy

    if _is_root() and not any("allow_root" in option.replace("-", "_") for option in options):
        # Jupyter refuses root as well, in a line of its own among others.
        again = " ".join(["dlatrack lab", str(folder), *options, "--allow-root"])
        raise InputError(f"JupyterLab does not run as root unasked; in a container: {again}")
    copy = write_working_copy(folder)
    print(f"notebooks in {copy.folder}: {copy.written} written")
    if copy.kept:
        print(f"kept, as they differ from those of this version: {listed(copy.kept, 20)}")
    from jupyterlab.labapp import LabApp

    first = [f"--ServerApp.root_dir={copy.folder}", f"--LabApp.default_url=/lab/tree/{WELCOME}"]
    LabApp.launch_instance([*first, *options])


def _write_page(path: Path, sequence: str) -> None:
    from dlatrack.viz.laboratory.page import write_page

    # What FFmpeg says of damaged files becomes an InputError.
    os.environ.setdefault("OPENCV_FFMPEG_LOGLEVEL", "-8")
    size = write_page(path, sequence).stat().st_size
    print(f"{path}: the laboratory as a page, {size / 1e6:.1f} MB; it opens in any browser, offline")


def _is_root() -> bool:
    return hasattr(os, "geteuid") and os.geteuid() == 0
