"""A trained tracker as the teacher of others: what it answers for the pairs of a batch."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

import torch
from torch import Tensor

from dlatrack.assign import Prediction
from dlatrack.errors import InputError
from dlatrack.grid import ScoreGrid
from dlatrack.models.predictions import predict
from dlatrack.models.preprocess import to_network_input
from dlatrack.models.siamese import SiameseNet
from dlatrack.models.weights import find_weights, load_weights
from dlatrack.recipes import Recipe
from dlatrack.sampling.pairs import PairBatch

#: Heads that predict one box, by its distances to the four sides, at each point.
POINT_HEADS = ("car", "ban", "fcpp", "nano")


class Answering(Protocol):
    """Something that has answers for the pairs of a batch: a teacher, or what one answered."""

    def answer(self, batch: PairBatch, grid: ScoreGrid) -> Prediction:
        """See `Teacher.answer`."""


@dataclass(frozen=True, eq=False)
class KeptAnswers:
    """What a teacher answered for one batch at the points of one student."""

    prediction: Prediction

    def answer(self, batch: PairBatch, grid: ScoreGrid) -> Prediction:
        """The answers, whatever is asked."""
        return self.prediction


@dataclass(eq=False)
class Teacher:
    """A trained network whose score map has all points of its students'."""

    net: SiameseNet  #: network, which does not train
    recipe: Recipe  #: its recipe
    weights: Path  #: file of its weights
    _latest: tuple[tuple[Tensor, Tensor], Prediction] | None = field(default=None, repr=False)

    @classmethod
    def of(cls, weights: str | Path, *students: Recipe) -> Teacher:
        """Read a teacher, and check that it can teach recipes.

        Args:
            weights: weight file of this package, or name of a tracker that comes with it (`weights.find_weights`).
            students: recipes that learn.

        Raises:
            InputError: if the weights cannot be read, a head predicts no box at each point, the images of teacher and
                student differ in size, or the teacher lacks a point of the student.
        """
        file = find_weights(weights)
        net, recipe = load_weights(file)
        for student in students:
            _check(recipe, student)
        return cls(net, recipe, file)

    def prepare(self, device: str) -> None:
        """Put the network on a device, frozen; its trunk computes as a frozen one in training (`train_mode`)."""
        self.net.to(device).to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        self.net.train_mode(False, frozen_batch_norm=True)
        self.net.requires_grad_(False)

    @torch.no_grad()
    def answer(self, batch: PairBatch, grid: ScoreGrid) -> Prediction:
        """What the teacher predicts for a batch at the points of a student; it must be prepared.

        Students that train side by side ask for the same batch in turn, and it is answered once.

        Args:
            batch: B pairs, on any device.
            grid: points of the student, N.

        Returns:
            Probabilities (B, N) and boxes (B, N, 4), search-region px, on the device of the teacher.
        """
        images = batch.template, batch.search
        if self._latest is None or not all(map(torch.equal, self._latest[0], images)):
            # Copies, as the memory of the images may be used again.
            self._latest = (batch.template.clone(), batch.search.clone()), self._predict(batch)
        found = self._latest[1]
        cells = _cells(self.recipe.grid, grid).to(found.probability.device)
        return Prediction(found.probability[:, cells], found.boxes_xyxy[:, cells])

    def _predict(self, batch: PairBatch) -> Prediction:
        device = next(self.net.parameters()).device
        template, search = (
            to_network_input(images.to(device), self.recipe.net.input_format)
            for images in (batch.template, batch.search)
        )
        points = self.recipe.grid.points.float().to(device)
        return predict(self.recipe.net.head, self.net(template, search), torch.cat([points, points], 1))


def _check(teacher: Recipe, student: Recipe) -> None:
    """Raise InputError if a teacher cannot teach a student."""
    who = f"{teacher.name} cannot teach {student.name}"
    for each in (teacher, student):
        if each.net.head not in POINT_HEADS:
            raise InputError(
                f"{who}: the head {each.net.head!r} of {each.name} does not predict one box at each point; heads "
                f"that do are {', '.join(POINT_HEADS)}"
            )
    theirs, own = ((each.net.template_size, each.net.search_size) for each in (teacher, student))
    if theirs != own:
        raise InputError(
            f"{who}: its images have {theirs[0]} and {theirs[1]} px, the student's {own[0]} and {own[1]} px"
        )
    columns, size = _columns(teacher.grid, student.grid), teacher.grid.size
    if not torch.equal(columns, columns.round()) or columns.min() < 0 or columns.max() >= size:
        raise InputError(
            f"{who}: a teacher needs all points of its student, whose columns lie at {_described(student.grid)}; the "
            f"teacher's lie at {_described(teacher.grid)}"
        )


def _columns(teacher: ScoreGrid, student: ScoreGrid) -> Tensor:
    """(size,) float64, where each column of the student lies between those of the teacher, which are 0, 1, ..."""
    return (student.axis - teacher.offset) / teacher.stride


def _cells(teacher: ScoreGrid, student: ScoreGrid) -> Tensor:
    """(N,) int64, the number of the teacher's cell at each point of the student."""
    along = _columns(teacher, student).long()
    return (along[:, None] * teacher.size + along).flatten()


def _described(grid: ScoreGrid) -> str:
    last = grid.offset + grid.stride * (grid.size - 1)
    return f"{grid.offset:g}, {grid.offset + grid.stride:g} to {last:g} px"
