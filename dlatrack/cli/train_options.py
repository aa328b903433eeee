"""The options of `dlatrack train`, and the reading of those that are lists or files."""

from __future__ import annotations

import sys
import traceback
from importlib.machinery import SourceFileLoader
from pathlib import Path
from types import ModuleType
from typing import Annotated

import typer

from dlatrack.cli.options import MOST_PROCESSES
from dlatrack.errors import InputError

RecipeName = Annotated[
    str, typer.Argument(help="E.g. dla_siamcar; an unknown name lists them all. Not with --replay.")
]
RunFolder = Annotated[
    Path | None,
    typer.Option(help="Folder of the run: checkpoint, history, weights; needed, but with --replay."),
]
Assigner = Annotated[
    str,
    typer.Option(
        help="Another label assigner than the recipe's, with options: NAME:option=value,... e.g. simota, "
        "dla_points:candidates=13, atss:candidates=15,counted=by_point. Two more are for any rule: point_offset=32 "
        "(px, first point of the grid) and classification=eq3 (Eq. 3 as printed, as far as it can be trained)."
    ),
]
Import = Annotated[
    Path | None,
    typer.Option(
        "--import", help="A Python file of yours that registers label assigners; it is executed at the start."
    ),
]
Data = Annotated[
    list[str] | None,
    typer.Option(
        help="A folder of clips in the OTB layout, or of pictures with boxes.csv (picture,class,x,y,w,h); or "
        "NAME=FOLDER, a pack or the root of a training set; or footage=FOLDER, clips with masks and photographs; "
        "once for each place to mix; default: photographic sequences."
    ),
]
Shares = Annotated[
    str,
    typer.Option(
        help="Relative number of pairs from each --data, in their order, e.g. 3,1,1; default: training sets as for "
        "the paper, own folders in equal parts."
    ),
]
Epochs = Annotated[
    int,
    typer.Option(
        help="Number of epochs in all; 0: the recipe's. A finished run that is given more is continued at its final "
        "learning rate.",
    ),
]
ScheduleNumber = Annotated[int, typer.Option(help="0: the recipe's.")]
Batch = Annotated[int, typer.Option(help="Pairs of a batch, of all processes together; 0: the recipe's.")]
TrainingDevice = Annotated[str, typer.Option(help="cpu, cuda, cuda:1 ...; under torchrun cpu or cuda.")]
Backbone = Annotated[
    str,
    typer.Option(
        help="What the backbone starts from: shipped (the trunk that comes with dlatrack, for small backbones), "
        "imagenet (torchvision's weights, fetched once; for EfficientNet-Lite0 those of an installed package), "
        "random, or a file; empty: the recipe's."
    ),
]
Teacher = Annotated[
    str,
    typer.Option(
        help="Weights of a tracker whose answers are learned beside the labels: a weight file or a shipped tracker, "
        "e.g. nanotrack_v3. Both predict one box at each point, and the teacher has all points of the recipe."
    ),
]

Init = Annotated[
    str,
    typer.Option(
        help="Weights to train further: a weight file, a shipped tracker, or a public checkpoint, of a tracker with "
        "the same network. The schedule is then short and gentle: see --trunk, --batch-norm and --rate."
    ),
]
InitBackbone = Annotated[
    str,
    typer.Option(
        help="Weights that the backbone alone starts from: a weight file or a shipped tracker with the same "
        "backbone. Neck and head start anew, with the recipe's schedule."
    ),
]
Trunk = Annotated[
    str,
    typer.Option(help="With --init: the backbone stays frozen, or trains at a tenth of the rate (tenth)."),
]
BatchNorm = Annotated[
    str, typer.Option(help="With --init: statistics of batch norm are kept (frozen), or gathered (trains).")
]
Rate = Annotated[float, typer.Option(help="With --init: largest learning rate; 0: 0.001.", min=0)]
PairWorkers = Annotated[
    int,
    typer.Option(
        help="Processes that prepare pairs, for each training process; 0: it does so itself.",
        min=0,
        max=MOST_PROCESSES,
    ),
]
Accumulate = Annotated[
    int, typer.Option(help="Parts of a batch computed one after the other, to save memory.", min=1)
]
Precision = Annotated[
    str, typer.Option(help="float32, bfloat16, or float16 with a scaled loss (GPUs before Ampere).")
]
Compile = Annotated[
    bool, typer.Option("--compile", help="Compile the network; needs a C++ compiler, on GPUs triton too.")
]
Gradients = Annotated[
    str, typer.Option(help="mean or sum of a batch's parts (pysot: sum); the learning rate is for that.")
]
Keep = Annotated[int, typer.Option(help="Last epochs whose weights stay, with the best one.", min=0)]
Tensorboard = Annotated[
    bool, typer.Option("--tensorboard", help="Write event files for TensorBoard to OUT/tensorboard.")
]
Replay = Annotated[Path | None, typer.Option(help="Repeat a failed step from its file, and train nothing.")]


def read_shares(text: str, data: list[str] | None) -> list[float] | None:
    """The numbers of --shares; None where it is not given.

    Raises:
        InputError: naming what is not a number, or if there is no `data` that they could be for.
    """
    from dlatrack.datasets.box_text import to_number

    if text and not data:
        raise InputError("--shares are for --data, of which there is none")
    try:
        return [to_number(part.strip()) for part in text.split(",")] if text else None
    except ValueError as error:
        raise InputError(f"--shares takes numbers separated by commas, e.g. 3,1,1; {error}") from None


def import_file(path: Path) -> None:
    """Execute a Python file, which registers label assigners of its own.

    Its folder is searched for the modules that it imports.

    Raises:
        InputError: if it is missing or raises, naming its line.
    """
    if not path.is_file():
        raise InputError(f"--import: there is no file {path}")
    sys.path.insert(0, str(path.parent.resolve()))
    # It stays among the loaded modules, where annotations of its classes are looked up.
    name = f"imported_{path.stem}"
    loader = SourceFileLoader(name, str(path))
    module = sys.modules[name] = ModuleType(name)
    try:
        module.__file__ = str(path)
        loader.exec_module(module)
    except (Exception, SystemExit) as error:
        del sys.modules[name]
        frames = traceback.extract_tb(error.__traceback__)
        lines = [frame.lineno for frame in frames if Path(frame.filename) == path]
        line = error.lineno if isinstance(error, SyntaxError) else lines[-1] if lines else None
        raise InputError(f"--import {path}, line {line}: {type(error).__name__}: {error}") from error
