"""One cell of a declared study: its training, its scores, and the file that keeps them."""

from __future__ import annotations

import json
import shutil
from collections import defaultdict
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any, cast

import numpy as np

from dlatrack.bench.measure import machine
from dlatrack.datasets.content import content_of
from dlatrack.datasets.sequence import Sequence
from dlatrack.errors import InputError
from dlatrack.evaluation.ope import evaluate
from dlatrack.files import file_digest, write_text
from dlatrack.models.siamese import SiameseNet
from dlatrack.models.weights import find_weights, save_weights
from dlatrack.provenance import sha256_of
from dlatrack.recipes import Recipe
from dlatrack.sampling.mixture import Mixture
from dlatrack.structured.json_files import read_json_as, read_json_object
from dlatrack.studies.declared.declaration import TRUNK, Cell, StudyDeclaration
from dlatrack.studies.declared.materials import training_mixture
from dlatrack.tracking.online import OnlineTracker
from dlatrack.tracking.perturbation import Perturbation
from dlatrack.tracking.run import run_one_pass
from dlatrack.training.compute import Compute
from dlatrack.training.engine import train_side_by_side
from dlatrack.training.history import StepRow
from dlatrack.training.identity import describe_run
from dlatrack.training.run import Training

#: Files of a cell, in the folder of its name: weights, and all that tables and figures need.
WEIGHTS, RESULT = "weights.safetensors", "cell.json"

#: Set that the course over the epochs is scored on.
COURSE_SET = "video"

#: Decimals of a stored score.
_DECIMALS = 6

#: Columns of the history that are kept, as means over an epoch.
_HISTORY = (
    "loss",
    "loss_classification",
    "loss_regression",
    "loss_centerness",
    "gradient_norm",
    "positives",
    "negatives",
    "quality",
    "empty",
)


@dataclass(frozen=True)
class _CropsIdentity:
    """What identifies crops in the description of a run."""

    value: str
    origin: dict[str, Any]

    def digest(self) -> str:
        """Hash of the crops."""
        return self.value


@dataclass(frozen=True)
class Workshop:
    """What all cells of a study are trained and scored on."""

    declaration: StudyDeclaration
    folder: Path  #: shared data
    home: Path  #: folder of all cells; each has `home / cell.name`

    @cached_property
    def crops(self) -> Mixture:
        """Training crops."""
        return training_mixture(self.folder, self.declaration.training)

    @cached_property
    def sets(self) -> dict[str, list[Sequence]]:
        """Test sequences by set."""
        return self.declaration.tests.open(self.folder)

    @cached_property
    def _tests(self) -> dict[str, Any]:
        """JSON values that identify the test."""
        content = {name: content_of(sequences) for name, sequences in self.sets.items()}
        return {"content": content, "perturbation": self.declaration.tests.perturbation.as_json()}

    @cached_property
    def _identity(self) -> _CropsIdentity:
        return _CropsIdentity(self.crops.digest(), self.crops.origin)

    def start(self, cell: Cell) -> str | None:
        """Weights of the whole network that a cell starts from; they may be those of another cell."""
        start = self.declaration.regimes[cell.regime].start
        if start in self.declaration.regimes:
            return str(self.home / replace(cell, regime=start).name / WEIGHTS)
        return None if start == TRUNK else start

    def trunk(self, cell: Cell) -> Path | None:
        """Weights that the backbone of a cell starts from; None: as the recipe says."""
        trunk = self.declaration.regimes[cell.regime].trunk
        return find_weights(trunk) if trunk else None

    def teacher(self, cell: Cell) -> str | None:
        """Weights of the tracker that teaches a cell."""
        return self.declaration.regimes[cell.regime].teacher or None

    def run_of(self, cell: Cell) -> dict[str, Any]:
        """Description of the training of a cell, as `describe_run`; the crops are hashed once for all cells."""
        crops = cast("Mixture", self._identity)
        recipe, trunk, teacher = self.declaration.recipe(cell), self.trunk(cell), self.teacher(cell)
        return describe_run(recipe, crops, cell.seed, trunk, init=self.start(cell), teacher=teacher)

    def decided_by(self, cell: Cell) -> str:
        """SHA-256 of all that decides the result of a cell: recipe, data, seed, start, test, version."""
        return sha256_of({"run": self.run_of(cell), "tests": self._tests, "course": list(cell.course)})


def run_cells(
    workshop: Workshop,
    cells: list[Cell],
    on_step: Callable[[StepRow, int], None] | None = None,
) -> list[dict[str, Any]]:
    """Train and score cells that see the same pairs, or read their results; interrupted cells resume.

    The cells are trained side by side, with the bits that each of them has alone.

    Args:
        workshop: data of the study.
        cells: cells of the same regime, tracker and seed.
        on_step: called as by `training.engine.train_side_by_side`.

    Returns:
        The content of each `cell.json`: identity, machine, hash of the weights, means of the history by epoch, and
        AUC by set, target and run.

    Raises:
        InputError: as `train` and `run_one_pass`.
    """
    todo = [_Begun(workshop, cell) for cell in cells if not is_finished(workshop, cell)]
    if todo:
        for epoch in sorted({epoch for begun in todo for epoch in begun.cell.course}):
            _score_course(todo, epoch, on_step)
        for begun, trained in zip(todo, _train(todo, None, on_step), strict=True):
            begun.finish(trained)
    return [read_json_object(workshop.home / cell.name / RESULT) for cell in cells]


@dataclass(frozen=True, eq=False)
class _Begun:
    """A cell that is not finished."""

    workshop: Workshop
    cell: Cell

    @property
    def home(self) -> Path:
        """Folder of the cell."""
        return self.workshop.home / self.cell.name

    @cached_property
    def decided_by(self) -> str:
        return self.workshop.decided_by(self.cell)

    @property
    def run(self) -> Path:
        """Folder of the training."""
        return self.home / f"training-{self.decided_by[:12]}"

    @property
    def recipe(self) -> Recipe:
        return self.workshop.declaration.recipe(self.cell)

    def course_file(self, epoch: int) -> Path:
        """File with the mean AUC after an epoch."""
        return self.run / f"course_{epoch}.json"

    def finish(self, trained: Training) -> None:
        """Keep weights and result, and drop the checkpoint."""
        workshop, cell = self.workshop, self.cell
        described = {"run": workshop.run_of(cell), "cell": cell.name}
        save_weights(self.home / WEIGHTS, trained.net, self.recipe, described)
        perturbation = workshop.declaration.tests.perturbation
        result = {
            "cell": cell.name,
            "decided_by": self.decided_by,
            "machine": machine(),
            "weights_sha256": file_digest(self.home / WEIGHTS),
            "history": history_by_epoch(trained.steps),
            "course": {str(epoch): read_json_as(self.course_file(epoch), float) for epoch in cell.course},
            "scores": {
                name: score(trained.net, self.recipe, sequences, perturbation)
                for name, sequences in workshop.sets.items()
            },
        }
        write_text(self.home / RESULT, json.dumps(result, indent=1) + "\n")
        shutil.rmtree(self.run)


def _train(
    todo: list[_Begun], until_epoch: int | None, on_step: Callable[[StepRow, int], None] | None
) -> list[Training]:
    workshop, cell = todo[0].workshop, todo[0].cell
    return train_side_by_side(
        [begun.recipe for begun in todo],
        workshop.crops,
        [begun.run for begun in todo],
        seed=cell.seed,
        backbone_weights=workshop.trunk(cell),
        init=workshop.start(cell),
        teacher=workshop.teacher(cell),
        until_epoch=until_epoch,
        compute=Compute(save_minutes=2),
        on_step=on_step,
    )


def _score_course(todo: list[_Begun], epoch: int, on_step: Callable[[StepRow, int], None] | None) -> None:
    """Train until an epoch is finished, and keep the mean AUC of the networks then, in one run over `COURSE_SET`."""
    asked = [begun for begun in todo if epoch in begun.cell.course and not begun.course_file(epoch).exists()]
    if not asked:
        return
    workshop = todo[0].workshop
    one_run = replace(workshop.declaration.tests.perturbation, runs=1)
    for begun, trained in zip(todo, _train(todo, epoch, on_step), strict=True):
        if begun in asked:
            scores = score(trained.net, begun.recipe, workshop.sets[COURSE_SET], one_run)
            mean = float(np.mean([auc for (auc,) in scores.values()]))
            write_text(begun.course_file(epoch), json.dumps(round(mean, _DECIMALS)))


def is_finished(workshop: Workshop, cell: Cell) -> bool:
    """Whether the folder of a cell holds a result of this very declaration, data and version."""
    result = read_result(workshop.home / cell.name)
    return result is not None and result["decided_by"] == workshop.decided_by(cell)


def read_result(home: Path) -> dict[str, Any] | None:
    """The result in the folder of a cell; None if it is not finished, or its file is damaged."""
    try:
        content = read_json_object(home / RESULT)
    except InputError:
        return None
    return content if {"decided_by", "scores"} <= content.keys() else None


def score(
    net: SiameseNet, recipe: Recipe, sequences: list[Sequence], perturbation: Perturbation
) -> dict[str, list[float]]:
    """AUC of a network by target and run, with the recipe's settings for OTB100.

    Args:
        net: network in evaluation mode.
        recipe: its recipe.
        sequences: targets to follow; the images of one are decoded once for all runs.
        perturbation: first boxes of the runs.
    """
    tracker = OnlineTracker(net, recipe)
    found = {}
    for sequence in sequences:
        images = [sequence.frames[index] for index in range(len(sequence))]
        in_memory = replace(sequence, frames=images)
        height, width = images[0].shape[:2]
        first, _ = perturbation.first_boxes(sequence.name, sequence.boxes_xywh[0], (width, height))
        runs = [run_one_pass(tracker, in_memory, box).boxes_xywh for box in first]
        result = evaluate({sequence.name: runs}, {sequence.name: sequence.boxes_xywh})
        found[sequence.name] = [round(float(auc), _DECIMALS) for auc in result.run_auc[:, 0]]
    return found


def history_by_epoch(steps: list[StepRow]) -> list[dict[str, float]]:
    """Means over the steps of each epoch: losses, gradient norm, positives, negatives, quality, empty pairs."""
    by_epoch: Mapping[int, list[StepRow]] = defaultdict(list)
    for step in steps:
        by_epoch[step.epoch].append(step)
    return [
        {name: float(f"{np.mean([getattr(row, name) for row in rows]):.6g}") for name in _HISTORY}
        for rows in by_epoch.values()
    ]
