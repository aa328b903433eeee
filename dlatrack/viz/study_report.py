"""Every table and figure of a declared study, from its tables of scores alone."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from dlatrack.evaluation.statistics.hierarchical import HierarchicalDifference, VarianceParts
from dlatrack.provenance import save_table
from dlatrack.recipes import recipe
from dlatrack.studies.declared import analysis
from dlatrack.studies.declared.cell import COURSE_SET
from dlatrack.studies.declared.declaration import DLA_RULE, OWN_RULE, Cell, Question, StudyDeclaration
from dlatrack.studies.declared.tables import StudyTables, in_order
from dlatrack.studies.declared.words import in_words, state
from dlatrack.viz.declared import course_plot, forest_plot, rank_plot, variance_plot
from dlatrack.viz.save import save_figure

_MADE_BY = "dlatrack study report"


@dataclass(frozen=True, eq=False)
class Part:
    """A table or figure of the report."""

    name: str  #: file name, e.g. "study_families"
    shown: pd.DataFrame | Figure
    data: Mapping[str, Any]  #: numbers of a figure


@dataclass(frozen=True, eq=False)
class StudyReport:
    """The report of a declared study."""

    parts: tuple[Part, ...]
    words: str  #: how much has run, and what follows

    def show(self, name: str) -> pd.DataFrame | Figure | str:
        """The table or figure of a part, or a sentence if its cells have not run yet."""
        found = next((part.shown for part in self.parts if part.name == name), None)
        if found is None:
            return f"{name}: too few of its cells have run"
        return found.round(3) if isinstance(found, pd.DataFrame) else found


def study_report(declaration: StudyDeclaration, tables: StudyTables) -> StudyReport:
    """Compute every table and figure that the finished cells allow.

    Args:
        declaration: declaration of the study.
        tables: its tables; cells that the declaration does not name are left out.

    Raises:
        InputError: if no cell of the declaration is finished.
    """
    tables = in_order(tables, declaration)
    whole = state(declaration, tables)
    note = whole.partition(". ")[0].rstrip(".")  # short enough for a title
    parts: list[Part] = []
    words = [whole]
    main = analysis.main_comparisons(declaration, tables)
    if main:
        parts += _main_parts(main, note)
        if any(each.question == declaration.questions[0].name for each in main):
            conclusion = analysis.conclude(main, declaration.questions[0].name)
            words.append(in_words(main, conclusion))
            parts.append(Part("study_power", analysis.power_table(main, conclusion), {}))
    for question in declaration.questions:
        parts += _parts_of(declaration, tables, question, note)
    return StudyReport(tuple(parts), "\n\n".join(words))


def save_study_report(report: StudyReport, declaration: StudyDeclaration, folder: Path) -> None:
    """Save every part of a report with its record.

    Raises:
        InputError: if a file cannot be written.
    """
    parameters = {"study": declaration.name, "state": report.words.partition("\n")[0]}
    for part in report.parts:
        if isinstance(part.shown, pd.DataFrame):
            save_table(
                part.shown, part.name, made_by=_MADE_BY, parameters=parameters, imagery="real", folder=folder
            )
        else:
            save_figure(
                part.shown,
                part.name,
                data=part.data,
                made_by=_MADE_BY,
                parameters=parameters,
                folder=folder,
                imagery="real",
                vectors=False,
            )


def _main_parts(main: list[analysis.RuleComparison], note: str) -> Iterator[Part]:
    """Table, forest plot and parts of the variance of the main comparisons."""
    table = analysis.main_table(main)
    yield Part("study_families", table, {})
    rows = {f"{each.tracker}\n{each.regime.replace('_', ' ')}": each.difference for each in main}
    summaries = []
    nothing = [each.difference for each in main if each.question == main[0].question]
    if len(nothing) > 1:
        label = f"mean of {len(nothing)} families\nfrom nothing"
        rows[label] = analysis.mean_of(nothing)
        summaries.append(label)
    figure = forest_plot(
        rows,
        margin=analysis.MARGIN,
        summaries=summaries,
        title=f"DLA less the tracker's own rule, AUC on real targets. {note}",
    )
    yield Part("study_forest", figure, {"rows": _data_of(rows)})
    names = [part.name for part in fields(VarianceParts)]
    shares = pd.DataFrame(
        [[getattr(each.parts, name) for name in names] for each in rows.values()],
        index=[label.replace("\n", ", ") for label in rows],
        columns=[
            "other trainings",
            "other targets",
            "single trainings on single targets",
            "other first boxes",
        ],
    )
    figure = variance_plot(shares, title=f"What the uncertainty of each difference is made of. {note}")
    yield Part("study_variance", figure, {"shares": shares.to_dict()})


def _parts_of(
    declaration: StudyDeclaration, tables: StudyTables, question: Question, note: str
) -> Iterator[Part]:
    """Differences from the tracker's own rule, ranks where many rules are compared, and courses of a question."""
    word = question.name.lower().replace(" ", "_").replace("-", "_")
    found = analysis.all_comparisons(declaration, tables, question)
    if found and len(question.rules) > 1 and set(question.rules) != {OWN_RULE, DLA_RULE}:
        rows = {f"{each.tracker}: {each.rule}\nless {each.base}": each.difference for each in found}
        title = f"{question.name}: AUC on real targets. {note}"
        figure = forest_plot(rows, margin=analysis.MARGIN, title=title, direction=("worse", "better"))
        yield Part(f"study_{word}", figure, {"rows": _data_of(rows)})
    for tracker in question.trackers:
        own = word if len(question.trackers) == 1 else f"{word}_{tracker}"
        ranks = analysis.ranking(tables, question, tracker) if len(question.rules) > 4 else pd.DataFrame()
        if not ranks.empty:
            yield Part(
                f"study_{own}_ranks",
                rank_plot(ranks, title=f"{recipe(tracker).title}: {note}"),
                {"ranks": ranks.to_dict()},
            )
        courses = _courses(declaration, tables, question, tracker)
        if len(courses) > 1:
            regime = declaration.regimes[question.regime]
            figure = course_plot(
                courses,
                pairs_per_epoch=regime.pairs_per_epoch,
                start=_start(courses.values()),
                title=f"{recipe(tracker).title}, one run over the clips. {note}",
            )
            yield Part(
                f"study_{own}_course", figure, {name: frame.to_dict() for name, frame in courses.items()}
            )


def _courses(
    declaration: StudyDeclaration, tables: StudyTables, question: Question, tracker: str
) -> dict[str, pd.DataFrame]:
    """AUC by rule: a row for each scored epoch, the last one included, and a column for each seed."""
    if not (question.course or declaration.regimes[question.regime].course):
        return {}
    found = {}
    last = declaration.regimes[question.regime].epochs
    known = set(tables.course.index.get_level_values("cell"))
    for rule in question.rules:
        cells = [Cell(question.regime, tracker, rule, seed) for seed in range(question.seeds)]
        columns = {}
        for cell in cells:
            if cell.name in known:
                course = tables.course.xs(cell.name, level="cell")["auc"]
                end = float(tables.auc(cell, (COURSE_SET,))[:, 0].mean())  # in the same run as the course
                columns[cell.seed] = pd.concat([course, pd.Series([end], [last])])
        if columns:
            found[cells[0].label] = pd.DataFrame(columns)
    return found


def _start(courses: Iterable[pd.DataFrame]) -> float | None:
    """AUC before the training, the same for all rules; None if no cell has it."""
    found = [
        float(value) for course in courses if 0 in course.index for value in course.loc[[0]].to_numpy().flat
    ]
    return next((value for value in found if not np.isnan(value)), None)


def _data_of(rows: Mapping[str, HierarchicalDifference]) -> dict[str, dict[str, Any]]:
    """Numbers of a forest plot."""
    return {
        label.replace("\n", ", "): {
            "difference": each.value,
            "interval 95 %": each.interval(),
            "interval 90 %": each.interval(0.9),
        }
        for label, each in rows.items()
    }
