"""Training of a recipe, or of several recipes side by side on the same pairs."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, nullcontext
from pathlib import Path
from typing import NamedTuple

import torch

from dlatrack.memory import reuse_freed_memory
from dlatrack.models.inference.frozen import TrunkMaps
from dlatrack.models.memory import training_errors
from dlatrack.models.siamese import SiameseNet
from dlatrack.processes import check_may_start
from dlatrack.recipes import Recipe
from dlatrack.sampling.mixture import Mixture
from dlatrack.sampling.pairs import CommonPairs, PairSource, check_seed
from dlatrack.sampling.sources import CropSource
from dlatrack.training.checkpoints import epochs_done
from dlatrack.training.compute import Compute
from dlatrack.training.history import StepRow
from dlatrack.training.run import CHECKPOINT, Run, Training
from dlatrack.training.teacher import Teacher


def train(
    recipe: Recipe,
    crops: CropSource | Mixture,
    folder: str | Path,
    *,
    seed: int = 0,
    backbone_weights: str | Path | None = None,
    until_epoch: int | None = None,
    init: str | Path | None = None,
    teacher: str | Path | None = None,
    compute: Compute | None = None,
    on_step: Callable[[StepRow, int], None] | None = None,
    should_stop: Callable[[], bool] | None = None,
) -> Training:
    """Train a recipe, or resume an interrupted run in the same folder.

    After every epoch, and within it as `compute` says, the folder holds `checkpoint.safetensors` and `history.csv`. A
    second call with the same arguments resumes from them, across the unfreezing of the backbone too, and ends with
    the same bits as an uninterrupted run; a finished run is only read, unless `until_epoch` asks for further epochs.
    The number of workers and the times of saving do not change the result either.

    A step whose loss or gradient is not finite is not made but kept in `failed_step.safetensors`, which
    `replay.replay` repeats. In float16 a gradient that overflows first halves the scale of the loss, and the step is
    skipped and counted; the run stops once that has brought the scale to 1.

    Args:
        recipe: network, assigner, loss, sampling and schedule.
        crops: training crops of one set, or a mixture of sets.
        folder: folder of the run; created when absent.
        seed: seed of initial weights, pairs and label draws.
        backbone_weights: initial weights of the backbone: "shipped", "imagenet", "random", or a file
            (`models.initial.load_initial_backbone`); None: as the recipe says (`Schedule.backbone_start`).
        init: weights of the whole network to start from, instead of random ones and `backbone_weights`: see
            `models.initial.load_initial_weights`. The schedule is the recipe's: `recipes.fine_tuning` has one for it.
        teacher: weights of a tracker whose answers are learned too (`losses.taught`, `Teacher.of`); None: none.
        until_epoch: number of epochs in all after which the call returns; None: those of the schedule. More of them
            continue a run beyond its schedule: at its final rate, with its momentum, and with the backbone frozen or
            training as in its last epoch. How often a run is continued does not change its bits.
        compute: device, processes, precision and checkpoints; None: this process on the CPU.
        on_step: called with each step and the number of steps of the whole run, in rank 0.
        should_stop: called after each step; when it returns True in any process, all save and return.

    Returns:
        The trained network and its history.

    Raises:
        InputError: if the folder belongs to another run, another process trains in it, or it cannot be written; for a
            seed that is not in 0..2^64 - 1, or one track where negative pairs need two; for a teacher that cannot
            teach this recipe; if weights or crops cannot be read, the loss stops being finite, memory is short, or
            nothing can be compiled. The last checkpoint stays usable.

    Source: SiamDLA Sec. 4.1; optimiser, groups and freezing as in pysot.
    """
    compute = _started(seed, compute)
    last = recipe.schedule.epochs if until_epoch is None else until_epoch
    with _owned(recipe, compute, Path(folder), last):
        source = PairSource(crops, recipe.sampling, recipe.net, seed)
        common = source, backbone_weights, init, compute, teacher
        (run,) = _runs([recipe], [folder], *common, share=teacher is not None)
        return _finish_in_turn({run: run.train_until(last, on_step, should_stop)})[0]


@contextmanager
def _owned(recipe: Recipe, compute: Compute, folder: Path, last: int) -> Iterator[None]:
    """Own the folder of a run inside the block, unless it is finished, and say what is needed if memory is short."""
    # A finished run is only read, and several processes may read it at the same time.
    only_read = compute.ranks.world == 1 and epochs_done(folder / CHECKPOINT) >= last
    pairs = -(-recipe.schedule.batch // compute.parts)
    with nullcontext() if only_read else compute.ranks.owned_folder(folder), training_errors(recipe, pairs):
        yield


def train_side_by_side(
    recipes: Sequence[Recipe],
    crops: CropSource | Mixture,
    folders: Sequence[str | Path],
    *,
    seed: int = 0,
    backbone_weights: str | Path | None = None,
    until_epoch: int | None = None,
    init: str | Path | None = None,
    teacher: str | Path | None = None,
    compute: Compute | None = None,
    on_step: Callable[[StepRow, int], None] | None = None,
    share: bool = True,
) -> list[Training]:
    """Train recipes that see the same pairs, one step of each in turn; the bits are those of `train`.

    What they have in common is computed once: a batch, if no workers prepare it, and on a CPU the maps of frozen
    trunks that have the same weights. Speeds in the histories are then not those of single runs. Runs that were
    interrupted at different steps resume, the one that is behind first.

    Args:
        recipes: recipes with the same sampling, sizes of images, and numbers of epochs and pairs.
        crops: as `train`.
        folders: folder of each run.
        seed: as `train`.
        backbone_weights: as `train`.
        until_epoch: as `train`.
        init: as `train`.
        teacher: as `train`, the same for all.
        compute: as `train`; one process.
        on_step: as `train`, called for the steps of all runs.
        share: whether what they have in common is computed once; False: each run computes all that it needs, so that
            their speeds can be compared.

    Returns:
        The trainings in the order of the recipes.

    Raises:
        InputError: as `train`; the last checkpoints of all runs stay usable.
        ValueError: if the recipes do not see the same pairs, or there is not one folder for each.
    """
    compute = _started(seed, compute)
    _check_same_pairs(recipes)
    last = recipes[0].schedule.epochs if until_epoch is None else until_epoch
    source = (CommonPairs if share else PairSource)(crops, recipes[0].sampling, recipes[0].net, seed)
    with ExitStack() as stack:
        for recipe, folder in zip(recipes, folders, strict=True):
            stack.enter_context(_owned(recipe, compute, Path(folder), last))
        common = source, backbone_weights, init, compute, teacher
        runs = _runs(recipes, folders, *common, share=share)
        return _finish_in_turn({run: run.train_until(last, on_step, None) for run in runs})


def _finish_in_turn(runs: Mapping[Run, Generator[None, None, Training]]) -> list[Training]:
    """Make all steps of some runs, the next one of the run that has made the fewest."""
    going, trained = dict(runs), dict[Run, Training]()
    while going:
        run = min(going, key=lambda run: len(run.steps))
        try:
            next(going[run])
        except StopIteration as end:
            trained[run] = end.value
            del going[run]
    return [trained[run] for run in runs]


def _check_same_pairs(recipes: Sequence[Recipe]) -> None:
    """Raise ValueError if recipes, of which there is at least one, do not see the same pairs."""

    def pairs(recipe: Recipe) -> tuple[object, ...]:
        net, schedule = recipe.net, recipe.schedule
        sizes = net.template_size, net.search_size
        return recipe.sampling, sizes, schedule.epochs, schedule.pairs_per_epoch, schedule.batch

    for recipe in recipes:
        if pairs(recipe) != pairs(recipes[0]):
            raise ValueError(f"{recipe.name} and {recipes[0].name} do not see the same pairs")


def _started(seed: int, compute: Compute | None) -> Compute:
    """Check what every training needs before it begins; how it is computed."""
    check_may_start()
    check_seed(seed)
    reuse_freed_memory()
    return compute or Compute()


def _runs(
    recipes: Sequence[Recipe],
    folders: Sequence[str | Path],
    source: PairSource,
    backbone_weights: str | Path | None,
    init: str | Path | None,
    compute: Compute,
    weights_of_teacher: str | Path | None,
    *,
    share: bool,
) -> list[Run]:
    """The runs of recipes with their teacher; `share`: frozen trunks of the same weights share their maps."""
    teacher = None if weights_of_teacher is None else Teacher.of(weights_of_teacher, *recipes)
    runs = [
        Run(recipe, source, Path(folder), backbone_weights, init, compute, teacher)
        for recipe, folder in zip(recipes, folders, strict=True)
    ]
    trunks = [_Trunk(run.net, run.recipe) for run in runs]
    if teacher is not None and compute.precision == "float32":  # it computes in no other
        trunks.append(_Trunk(teacher.net, teacher.recipe))
    if share:
        _share_maps(trunks)
    if teacher is not None:
        teacher.prepare(compute.device)
    return runs


class _Trunk(NamedTuple):
    net: SiameseNet
    recipe: Recipe

    def equals(self, other: _Trunk) -> bool:
        """Whether both have the same backbone with the same weights, whatever levels they return."""
        one, two = self.recipe.net, other.recipe.net
        if (one.backbone, one.levels[-1]) != (two.backbone, two.levels[-1]):
            return False
        weights = (trunk.net.backbone.state_dict().values() for trunk in (self, other))
        return all(torch.equal(a.cpu(), b.cpu()) for a, b in zip(*weights, strict=True))


def _share_maps(trunks: Sequence[_Trunk]) -> None:
    """Let networks whose backbones have the same weights share the maps that these compute while they are frozen."""
    groups: list[tuple[_Trunk, TrunkMaps]] = []
    for trunk in trunks:
        maps = next((maps for other, maps in groups if trunk.equals(other)), None)
        if maps is None:
            maps = TrunkMaps()
            groups.append((trunk, maps))
        trunk.net.trunk_maps = maps
