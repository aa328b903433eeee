"""The command line: every command is one call into the library."""

from __future__ import annotations

import errno
import io
import os
import sys
from pathlib import Path
from typing import Annotated, Any

import typer
from typer.core import TyperCommand

from dlatrack import __version__
from dlatrack.cli_bench import bench
from dlatrack.cli_data import data_app
from dlatrack.cli_doctor import doctor
from dlatrack.cli_figures import figures
from dlatrack.cli_track import track
from dlatrack.cli_tune import tune
from dlatrack.cli_weights import weights_app
from dlatrack.errors import InputError

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _print_version(wanted: bool) -> None:
    if wanted:
        print(f"dlatrack {__version__}")
        raise typer.Exit()


@app.callback()
def _root(
    version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    """SiamDLA: dynamic label assignment for Siamese visual tracking."""


class _Run(TyperCommand):
    """A command whose option -p takes two values, as often as it is given; typer knows no such option."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Take -p NAME VALUE out of the arguments and keep them as `ctx.obj`; typer reads the others."""
        ctx.obj, others = _parameters(args)
        return super().parse_args(ctx, others)


Weights = Annotated[
    Path,
    typer.Option(
        help="Weight file of dlatrack (.safetensors), or a shipped tracker, e.g. dla_siamcar_small."
    ),
]


#: Errors of a standard output that takes no more: a full disk, a quota, a reader that has gone.
_NOT_WRITTEN = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO, errno.EPIPE)


def main() -> None:
    """Run the command line; bad input is one line on standard error and exit status 2.

    `--debug`, anywhere, shows the traceback instead. A notebook that fails half-way exits with status 1. Output that
    cannot be written is an error, too; if its reader has gone, the command ends without a word.
    """
    if isinstance(sys.stdout, io.TextIOWrapper):
        # A name that the terminal cannot show must not fail what is done.
        sys.stdout.reconfigure(errors="replace")
    debug = "--debug" in sys.argv
    arguments = [argument for argument in sys.argv[1:] if argument != "--debug"]
    try:
        try:
            app(arguments, prog_name="dlatrack")
        finally:
            if sys.stdout is not None:
                sys.stdout.flush()  # here, as at the exit of Python an error could not be told in one line
    except InputError as error:
        _stop(error, 2, debug)
    except OSError as error:
        if error.errno not in _NOT_WRITTEN or error.filename is not None:
            raise
        sys.stdout = open(os.devnull, "w", encoding="utf-8")  # noqa: SIM115  # takes what Python writes at its exit
        if error.errno == errno.EPIPE:
            sys.exit(1)
        _stop(InputError(f"cannot write the output: {error.strerror}"), 2, debug)
    except RuntimeError as error:
        if type(error).__name__ != "NotebookError":
            raise
        _stop(error, 1, debug)
    except KeyboardInterrupt:
        print("dlatrack: interrupted", file=sys.stderr)
        sys.exit(130)


def _stop(error: Exception, status: int, debug: bool) -> None:
    if debug:
        raise error
    print(f"dlatrack: {' '.join(str(error).split())}", file=sys.stderr)
    sys.exit(status)


@app.command(cls=_Run, context_settings={"allow_extra_args": True, "ignore_unknown_options": True})
def run(
    context: typer.Context,
    notebook: Annotated[str, typer.Argument(help="Number or name, e.g. 03.")],
    preset: Annotated[
        str | None, typer.Option(help="smoke (a try), demo (minutes, the default) or paper (full size).")
    ] = None,
    output: Annotated[
        Path | None, typer.Option(help="Where the executed notebook goes; default runs/.")
    ] = None,
    timeout: Annotated[int | None, typer.Option(help="Seconds one cell may take.", min=1)] = None,
    parameter: Annotated[
        list[str] | None,
        typer.Option(
            "-p",
            "--parameter",
            metavar="NAME VALUE",
            help="A parameter of the notebook and its value, as often as needed; an unknown name lists them all.",
        ),
    ] = None,
) -> None:
    """Run a notebook without a browser, with its parameters set by -p NAME VALUE.

    Figures go to runs/figures/, or where DLATRACK_FIGURES says; `dlatrack figures` writes those of the project.

    Unknown or ill-typed parameters are refused before anything runs.
    """
    from dlatrack.notebooks import run_notebook

    if context.args:
        raise InputError(f"cannot read {' '.join(context.args)!r}; {_AS_PARAMETER}")
    run_notebook(notebook, preset=preset, parameters=context.obj, output=output, timeout=timeout)


_AS_PARAMETER = "a parameter is given as -p NAME VALUE"


def _parameters(arguments: list[str]) -> tuple[dict[str, str], list[str]]:
    """NAME and VALUE after each -p, and the other arguments."""
    values: dict[str, str] = {}
    others, rest = [], list(arguments)
    while rest:
        if rest[0] not in ("-p", "--parameter"):
            others.append(rest.pop(0))
            continue
        if len(rest) < 3:
            raise InputError(f"cannot read {' '.join(rest)!r}; {_AS_PARAMETER}")
        _, name, value = rest[:3]
        if name in values:
            raise InputError(f"parameter {name} is given twice, as {values[name]!r} and as {value!r}")
        values[name], rest = value, rest[3:]
    return values, others


@app.command()
def train(
    recipe: Annotated[
        str, typer.Argument(help="E.g. dla_siamcar; an unknown name lists them all. Not with --replay.")
    ] = "",
    out: Annotated[
        Path | None,
        typer.Option(help="Folder of the run: checkpoint, history, weights; needed, but with --replay."),
    ] = None,
    data: Annotated[
        list[str] | None,
        typer.Option(
            help="NAME=FOLDER, a pack or the root of a training set, once for each set to mix; or a folder of "
            "sequences in the OTB layout; or footage=FOLDER, clips with masks and photographs; default: synthetic "
            "sequences."
        ),
    ] = None,
    sequences: Annotated[int, typer.Option(help="Number of synthetic training sequences.")] = 60,
    epochs: Annotated[int, typer.Option(help="0: the recipe's.")] = 0,
    pairs_per_epoch: Annotated[int, typer.Option(help="0: the recipe's.")] = 0,
    batch: Annotated[int, typer.Option(help="Of all processes together; 0: the recipe's.")] = 0,
    seed: Annotated[int, typer.Option(min=0)] = 0,
    device: Annotated[str, typer.Option(help="cpu, cuda, cuda:1 ...; under torchrun cpu or cuda.")] = "cpu",
    backbone_weights: Annotated[
        str,
        typer.Option(
            help="What the backbone starts from: imagenet (torchvision's weights, fetched once), random, or a file; "
            "empty: the recipe's."
        ),
    ] = "",
    workers: Annotated[
        int,
        typer.Option(
            help="Processes that prepare pairs, for each training process; 0: it does so itself.", min=0
        ),
    ] = 0,
    accumulate: Annotated[
        int, typer.Option(help="Parts of a batch computed one after the other, to save memory.", min=1)
    ] = 1,
    precision: Annotated[
        str,
        typer.Option(help="float32, bfloat16, or float16 with a scaled loss (GPUs before Ampere)."),
    ] = "float32",
    compile: Annotated[
        bool, typer.Option("--compile", help="Compile the network; needs a C++ compiler, on GPUs triton too.")
    ] = False,
    gradients: Annotated[
        str, typer.Option(help="mean or sum of a batch's parts (pysot: sum); the learning rate is for that.")
    ] = "mean",
    keep: Annotated[int, typer.Option(help="Last epochs whose weights stay, with the best one.", min=0)] = 3,
    save_minutes: Annotated[float, typer.Option(help="Minutes between checkpoints within an epoch.")] = 10.0,
    tensorboard: Annotated[
        bool, typer.Option("--tensorboard", help="Write event files for TensorBoard to OUT/tensorboard.")
    ] = False,
    replay: Annotated[
        Path | None, typer.Option(help="Repeat a failed step from its file, and train nothing.")
    ] = None,
) -> None:
    """Train a recipe, or go on where a run in the same folder stopped.

    On several GPUs: torchrun --nproc-per-node 4 -m dlatrack train RECIPE --device cuda ...
    Ctrl-C and SIGTERM save and stop, with exit status 130 and 143; the same command goes on. Ctrl-C again: at once.
    """
    from dlatrack.commands import replay_command, train_command
    from dlatrack.training.compute import Compute
    from dlatrack.training.step import PRECISIONS

    if replay is not None:
        replay_command(replay)
        return
    if not recipe or out is None:
        raise InputError("train needs a recipe and a folder: dlatrack train RECIPE --out FOLDER")
    if precision not in PRECISIONS:
        raise InputError(f"there is no precision {precision!r}; choose from {', '.join(PRECISIONS)}")
    if gradients not in ("mean", "sum"):
        raise InputError(f"gradients are taken as mean or sum, got {gradients!r}")
    if not save_minutes > 0:
        raise InputError(f"save_minutes must be more than 0, got {save_minutes}")
    changes = {"epochs": epochs, "pairs_per_epoch": pairs_per_epoch, "batch": batch}
    status = train_command(
        recipe,
        out,
        data=data or [],
        sequences=sequences,
        changes={name: value for name, value in changes.items() if value},
        seed=seed,
        backbone_weights=backbone_weights,
        compute=Compute(
            device=device,
            accumulate=accumulate,
            precision=precision,
            compile=compile,
            workers=workers,
            save_minutes=save_minutes,
            keep=keep,
            gradients="sum" if gradients == "sum" else "mean",
        ),
        tensorboard=tensorboard,
    )
    if status:
        raise typer.Exit(status)


@app.command()
def benchmark(
    name: Annotated[
        str, typer.Argument(help="OTB100, UAV123, LaSOT, VOT2019, or folder: sequences in the OTB layout.")
    ],
    root: Annotated[Path, typer.Option(help="The data set's folder, or the one of the sequences.")],
    weights: Weights,
    out: Annotated[Path, typer.Option(help="Result files go here; a stopped run goes on.")],
    recipe: Annotated[str, typer.Option(help="Refuse weights of another recipe; empty: take them all.")] = "",
    hyper: Annotated[
        str,
        typer.Option(
            help="Benchmark whose online hyper-parameters are used, or a JSON file of `dlatrack tune`; empty: this "
            "one's, or OTB100's."
        ),
    ] = "",
    device: Annotated[str, typer.Option(help="cpu, cuda, cuda:1 ...")] = "cpu",
    fast: Annotated[
        bool, typer.Option("--fast", help="Allow slightly different answers where they are quicker.")
    ] = False,
    workers: Annotated[
        int, typer.Option(help="Processes that track, each on one core; 1: this one.", min=1)
    ] = 1,
    shard: Annotated[str, typer.Option(help="k/n: the k-th of n parts, for several machines.")] = "1/1",
    allow_missing: Annotated[
        bool, typer.Option("--allow-missing", help="Score the sequences that are there, and mark the scores.")
    ] = False,
) -> None:
    """Run a tracker over a benchmark, in one pass or with resets (VOT), and print its scores."""
    from dlatrack.commands import benchmark_command

    benchmark_command(
        name,
        root,
        weights,
        out,
        expect=recipe,
        hyper=hyper,
        device=device,
        fast=fast,
        workers=workers,
        shard=shard,
        allow_missing=allow_missing,
    )


@app.command()
def evaluate(
    name: Annotated[str, typer.Argument(help="OTB100, UAV123, LaSOT, VOT2019, VOT2018 or folder.")],
    results: Annotated[
        list[Path],
        typer.Option(help="Folder or archive (.zip, .tar.xz) of result files, as often as needed."),
    ],
    gt: Annotated[
        Path | None,
        typer.Option(
            help="Truth: JSON file, folder of text files, or the data set; default: below DLATRACK_DATA."
        ),
    ] = None,
    protocol: Annotated[
        str,
        typer.Option(
            help="pysot, pysot_toolkit, got10k, pytracking, otb_matlab, lasot_matlab; in VOT pysot, vot_toolkit."
        ),
    ] = "pysot",
    compare: Annotated[
        bool, typer.Option("--compare", help="All protocols, and the rules that make the difference.")
    ] = False,
    attributes: Annotated[bool, typer.Option("--attributes", help="Add scores by attribute or tag.")] = False,
    significance: Annotated[
        bool,
        typer.Option("--significance", help="Say of each pair of trackers whether the difference is noise."),
    ] = False,
    json: Annotated[bool, typer.Option("--json", help="Print JSON at full precision.")] = False,
    csv: Annotated[bool, typer.Option("--csv", help="Print CSV at full precision.")] = False,
    absent: Annotated[
        str | None,
        typer.Option(help="In folder, frames without the target: fail in every curve (default), or drop."),
    ] = None,
    allow_missing: Annotated[
        bool, typer.Option("--allow-missing", help="Score the sequences that are there, and mark the scores.")
    ] = False,
) -> None:
    """Score result files of any tracker; no images are needed."""
    from dlatrack.evaluation.commands import evaluate_command

    if json and csv:
        raise InputError("scores are printed as --json or as --csv; choose one")
    evaluate_command(
        name,
        results,
        gt=gt,
        protocol=protocol,
        compare=compare,
        attributes=attributes,
        significance=significance,
        form="json" if json else "csv" if csv else "table",
        absent=absent,
        allow_missing=allow_missing,
    )


@app.command()
def export(
    name: Annotated[str, typer.Argument(help="OTB100, UAV123, LaSOT or folder.")],
    results: Annotated[Path, typer.Option(help="Folder or archive of result files.")],
    out: Annotated[Path, typer.Option(help="Folder to write below.")],
    form: Annotated[
        str,
        typer.Option(
            help="pysot, got10k, got10k_server, pytracking, lasot_matlab, trackingnet or otb_matlab."
        ),
    ],
    gt: Annotated[Path | None, typer.Option(help="Truth, as in evaluate; it names the sequences.")] = None,
) -> None:
    """Write the results of all trackers in a folder in the form of another toolkit."""
    from dlatrack.evaluation.commands import export_command

    export_command(name, results, out, form=form, gt=gt)


app.command()(tune)
app.command()(figures)
app.command()(track)
app.command()(bench)
app.command()(doctor)

app.add_typer(weights_app, name="weights")
app.add_typer(data_app, name="data")
