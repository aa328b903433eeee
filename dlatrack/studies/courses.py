"""Trainings of twins side by side: the time and the loss of every step (SiamDLA Figs. 10 and 11).

Like the costs of single steps, a measurement is kept in a file beside the figures, and drawn from there.
"""

from __future__ import annotations

import json
import os
from dataclasses import asdict, dataclass, replace
from itertools import accumulate
from statistics import median

import torch

from dlatrack import paths
from dlatrack.bench.measure import machine
from dlatrack.bench.train import SIDES
from dlatrack.errors import InputError
from dlatrack.files import check_writable, write_text
from dlatrack.progress import Progress
from dlatrack.recipes import Twins, recipe
from dlatrack.sampling.mixture import Mixture
from dlatrack.sampling.sources import CropSource
from dlatrack.structured.json_files import read_json_as
from dlatrack.studies.presets import CostSizes, plan, sizes
from dlatrack.studies.twins import training_crops
from dlatrack.training.compute import Compute
from dlatrack.training.engine import train_side_by_side

COURSES = "10_courses.report.json"

#: Decimals of seconds and losses in the file.
_DECIMALS = 4


@dataclass(frozen=True)
class Course:
    """The steps of one training of each twin, made in turn on the same pairs in one process."""

    tracker: str  #: recipe of the fixed twin
    batch: int  #: pairs of a step
    unfrozen_from: int  #: first step, from 0, in which the backbone trains
    seconds: dict[str, list[float]]  #: of each step, with its pairs, by side: "fixed" and "DLA"
    losses: dict[str, list[float]]  #: total loss of each step by side

    def elapsed(self, side: str) -> list[float]:
        """Seconds from the first step to the end of each step."""
        return list(accumulate(self.seconds[side]))

    def ratio(self, unfrozen: bool) -> float:
        """Time of a step under DLA over that of the same step under the fixed rule: the median over the steps.

        The steps are those with a frozen or an unfrozen backbone. It is no ratio of sums, because the first step of a
        kind can take many times as long in the twin that makes it first: memory that both then use is taken in it.
        """
        part = slice(self.unfrozen_from, None) if unfrozen else slice(self.unfrozen_from)
        return median(
            dla / fixed for fixed, dla in zip(*(self.seconds[side][part] for side in SIDES), strict=True)
        )


@dataclass(frozen=True)
class CourseReport:
    """Courses that were measured on one machine."""

    courses: list[Course]
    device: str  #: device of the trainings
    threads: int  #: number of threads of torch on the CPU
    load: float  #: load average of the machine before; above 0, other processes took their part
    machine: dict[str, str]  #: processor and versions

    def of(self, tracker: str) -> Course:
        """The course of a tracker of the paper, e.g. "SiamRPN++", or of its small version.

        Raises:
            InputError: if there is none.
        """
        for course in self.courses:
            if recipe(course.tracker).title in (tracker, f"{tracker} small"):
                return course
        raise InputError(f"no training of {tracker} or {tracker} small was measured")


def training_courses(preset: str, *, measure: bool = False, device: str = "cpu") -> CourseReport:
    """The first report of `paths.figure_sources()`; measured, and put beside the figures, if there is none.

    Args:
        preset: "smoke", "demo" or "paper": how long the trainings are.
        measure: whether they are measured again.
        device: device of the trainings.

    Raises:
        InputError: for an unknown preset, or a file that is no report.
    """
    sizes(preset)
    found = next((path for folder in paths.figure_sources() if (path := folder / COURSES).exists()), None)
    if found is None or measure:
        found = paths.figures_dir() / COURSES
        check_writable(found)
        report = _measured(preset, device)
        write_text(found, json.dumps(asdict(report), sort_keys=True) + "\n")
    return read_json_as(found, CourseReport)


def course_verdict(course: Course) -> str:
    """What a course says of time and loss, in a sentence."""
    fixed, dla = (sum(values[-(len(values) // 4) :]) / (len(values) // 4) for values in _both(course.losses))
    return (
        f"{recipe(course.tracker).title}, {len(course.losses['DLA'])} steps of {course.batch} pairs: a DLA step "
        f"takes {course.ratio(False):.3f} times the time of a fixed one with a frozen backbone and "
        f"{course.ratio(True):.3f} times with an unfrozen one (medians); the mean total loss of the last quarter is "
        f"{dla:.2f} under DLA and {fixed:.2f} under the fixed rule, each of its own labels."
    )


def _both(by_side: dict[str, list[float]]) -> list[list[float]]:
    return [by_side[side] for side in SIDES]


def _measured(preset: str, device: str) -> CourseReport:
    load = os.getloadavg()[0]
    size = sizes(preset).cost
    crops = training_crops(plan("smoke" if preset == "smoke" else "demo"))
    courses = [_course(tracker, size, crops, device) for tracker in size.followed]
    return CourseReport(courses, device, torch.get_num_threads(), load, machine())


def _course(tracker: str, size: CostSizes, crops: CropSource | Mixture, device: str) -> Course:
    epochs, pairs = size.course
    twins = Twins.of(tracker)
    schedule = twins.fixed.schedule.resized(epochs=epochs, pairs_per_epoch=pairs, batch=size.batch)
    schedule = replace(schedule, unfreeze_epoch=epochs // 2)
    batch, compute = schedule.batch, Compute(device=device, save_minutes=1e6)
    with (
        paths.scratch_folder(name="courses") as folder,
        Progress(2 * epochs * pairs, f"training both twins of {tracker}", unit="pairs") as progress,
    ):
        trained = train_side_by_side(
            list(twins.with_schedule(schedule)),
            crops,
            [folder / side for side in SIDES],
            compute=compute,
            on_step=lambda step, _: progress.step(batch, loss=step.loss),
            share=False,
        )
    steps = {side: training.steps for side, training in zip(SIDES, trained, strict=True)}
    return Course(
        tracker,
        batch,
        schedule.unfreeze_epoch * -(-pairs // batch),
        {
            side: [round(batch / row.pairs_per_second, _DECIMALS) for row in rows]
            for side, rows in steps.items()
        },
        {side: [round(row.loss, _DECIMALS) for row in rows] for side, rows in steps.items()},
    )
