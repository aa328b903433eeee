"""The declaration of a study: data, measure, regimes of training, questions, and the cells that follow from them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

from msgspec import Struct

from dlatrack.assign import with_rule
from dlatrack.errors import InputError
from dlatrack.models.backbones import shipped_trunks
from dlatrack.recipes import Recipe, recipe
from dlatrack.recipes.config import DLA_NAME
from dlatrack.recipes.fine_tuning import fine_tuning
from dlatrack.recipes.twins import rule_name
from dlatrack.structured.toml_files import read_toml
from dlatrack.studies.declared.materials import TestSets, TrainingSets

#: The study that comes with the package.
OURS = Path(__file__).with_name("is_dla_better.toml")

#: Words for the rule of a tracker itself, and for that of its DLA twin.
OWN_RULE, DLA_RULE = "own", "dla"

#: What a regime starts from if it trains heads from random weights on the trunk of the recipe.
TRUNK = "trunk"


class Regime(Struct, frozen=True, forbid_unknown_fields=True):
    """How the cells of a regime are trained."""

    #: "trunk": random heads on the trunk of the recipe's backbone that comes with the package, or on ImageNet's where
    #: there is none; the name of another regime: the weights of its cell with the same tracker, rule and seed; any
    #: other word: weights of a tracker to start from
    start: str
    epochs: int
    pairs_per_epoch: int
    batch: int
    rate: float  #: largest learning rate; it falls along a cosine to a hundredth of it
    unfreeze_epoch: int = 0  #: with "trunk": 0-based epoch at which the trunk joins; 0: it never does
    trunk_trains: bool = False  #: with weights to start from: the trunk trains too, at a tenth of the rate
    trunk: str = ""  #: with "trunk": a shipped tracker whose backbone the trunk starts from; "": as above
    teacher: str = ""  #: weights of a tracker whose answers are learned beside the labels; "": there is none
    negative_pairs: float | None = None  #: share of negative pairs; None: the recipe's
    course: tuple[int, ...] = ()  #: epochs after which the network is also scored; 0: before the first

    def of(self, chosen: Recipe) -> Recipe:
        """A recipe with the schedule and the pairs of this regime."""
        sampling = chosen.sampling
        if self.negative_pairs is not None:
            sampling = replace(sampling, negative_pairs=self.negative_pairs)
        schedule = fine_tuning(
            chosen.schedule,
            epochs=self.epochs,
            pairs_per_epoch=self.pairs_per_epoch,
            batch=self.batch,
            rate=self.rate,
            trunk="tenth" if self.trunk_trains else "frozen",
        )
        if self.start == TRUNK:
            schedule = replace(
                schedule,
                unfreeze_epoch=self.unfreeze_epoch or self.epochs,
                frozen_batch_norm=False,
                backbone_factor=0.5,
                backbone_start="shipped" if chosen.net.backbone in shipped_trunks() else "imagenet",
            )
        return replace(chosen, sampling=sampling, schedule=schedule)


class Question(Struct, frozen=True, forbid_unknown_fields=True):
    """Cells that are compared with each other: every tracker under every rule, with several seeds."""

    name: str
    regime: str
    trackers: tuple[str, ...]
    rules: tuple[str, ...]
    seeds: int  #: number of seeds, from 0
    course: tuple[int, ...] = ()  #: epochs after which its cells are scored beside those of the regime


class _TestSizes(Struct, frozen=True, forbid_unknown_fields=True):
    photographic: tuple[int, int]
    runs: int
    seed: int


class _File(Struct, frozen=True, forbid_unknown_fields=True):
    training: TrainingSets
    testing: _TestSizes
    regimes: dict[str, Regime]
    questions: tuple[Question, ...]


@dataclass(frozen=True)
class Cell:
    """One training of one tracker under one rule with one seed."""

    regime: str
    tracker: str  #: recipe of the tracker with its own rule
    rule: str  #: "own", "dla", or a rule as on the command line
    seed: int  #: seed of initial weights, pairs and label draws
    course: tuple[int, ...] = ()  #: epochs after which it is also scored

    @property
    def name(self) -> str:
        """Name of the cell, which is also that of its folder: REGIME/TRACKER/RULE/SEED."""
        return f"{self.regime}/{self.tracker}/{self.rule}/{self.seed}"

    @property
    def pairs(self) -> str:
        """REGIME/TRACKER/SEED, the same for all cells that see the same pairs."""
        return f"{self.regime}/{self.tracker}/{self.seed}"

    @property
    def recipe(self) -> Recipe:
        """Tracker with its rule, before the regime.

        Raises:
            InputError: for an unknown tracker, or a rule that it cannot have.
        """
        own = recipe(self.tracker)
        if self.rule == OWN_RULE:
            return own
        return recipe(DLA_NAME + self.tracker) if self.rule == DLA_RULE else with_rule(own, self.rule)

    @property
    def label(self) -> str:
        """Name of the rule in tables and figures, with its options."""
        return rule_name(self.recipe)


@dataclass(frozen=True)
class StudyDeclaration:
    """A whole study."""

    name: str  #: name of the file without its suffix
    training: TrainingSets  #: what the cells are trained on
    tests: TestSets  #: what they are scored on
    regimes: dict[str, Regime]
    questions: tuple[Question, ...]

    def cells(self) -> list[Cell]:
        """Every cell once, by seed, then in the order of the questions: the first seeds touch all questions."""
        found: dict[str, Cell] = {}
        for question in self.questions:
            own = self.regimes[question.regime].course
            for cell in cells_of(question):
                known = found.get(cell.name, cell)
                course = tuple(sorted({*own, *question.course, *known.course}))
                found[cell.name] = replace(cell, course=course)
        return sorted(found.values(), key=lambda cell: cell.seed)

    def recipe(self, cell: Cell) -> Recipe:
        """Recipe that a cell is trained with."""
        return self.regimes[cell.regime].of(cell.recipe)


def cells_of(question: Question) -> list[Cell]:
    """The cells of a question, by tracker, then rule, then seed."""
    return [
        Cell(question.regime, tracker, rule, seed)
        for tracker in question.trackers
        for rule in question.rules
        for seed in range(question.seeds)
    ]


def read_declaration(path: str | Path = OURS) -> StudyDeclaration:
    """Read the declaration of a study.

    Args:
        path: TOML file with the tables `training`, `testing`, `regimes.NAME` and `questions`, like the one that comes
            with the package.

    Raises:
        InputError: naming the file and the entry that is missing, unknown, of another kind or out of range.
    """
    path = Path(path)
    content = read_toml(path, _File)
    for question in content.questions:
        regime = content.regimes.get(question.regime)
        if regime is None:
            known = ", ".join(content.regimes)
            raise InputError(
                f"{path}: question {question.name!r} names the regime {question.regime!r}; there are {known}"
            )
        if question.seeds < 1 or not all(
            0 <= epoch < regime.epochs for epoch in (*question.course, *regime.course)
        ):
            raise InputError(
                f"{path}: question {question.name!r} needs a seed or more, and a course of epochs from 0 to "
                f"{regime.epochs - 1}; got seeds {question.seeds}, course {question.course or regime.course}"
            )
    tests = TestSets(
        content.training.held_out, *content.testing.photographic, content.testing.runs, content.testing.seed
    )
    return StudyDeclaration(path.stem, content.training, tests, content.regimes, content.questions)
