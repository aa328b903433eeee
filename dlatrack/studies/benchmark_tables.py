"""Tables and sentences of a benchmark study, and what the paper prints beside them."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from dlatrack.evaluation.ope import OPEResult
from dlatrack.evaluation.statistics.compare import paired_bootstrap
from dlatrack.evaluation.statistics.difference import Estimate, sentence
from dlatrack.evaluation.statistics.few_sequences import ENOUGH, TOO_FEW
from dlatrack.evaluation.vot.difference import eao_differences
from dlatrack.evaluation.vot.scores import VOTResult, measure_runs
from dlatrack.paper.published import claims, published
from dlatrack.recipes.twins import title_of
from dlatrack.studies.benchmarks import BenchmarkStudy

#: Metrics that the paper prints: what our tables and an `OPEResult` call them.
_PRINTED = {"auc": ("AUC", "auc"), "precision": ("precision at 20 px", "precision_score")}


def benchmark_table(study: BenchmarkStudy) -> pd.DataFrame:
    """Scores by tracker, and in the last columns what they were measured on and how.

    Returns:
        AUC, precision at 20 px and normalised precision in 0..1 (NaN where the protocol knows none), or in VOT
        accuracy, robustness, number of failures and EAO.
    """
    rows: list[dict[str, Any]] = []
    for result in study.scores.values():
        if isinstance(result, OPEResult):
            row = {
                "AUC": result.auc,
                "precision at 20 px": result.precision_score,
                "normalised precision": result.normalised_precision_score,
            }
        else:
            unit = "failures per 100 frames" if study.protocol == "pysot" else "failures per sequence"
            row = {
                "EAO": result.eao,
                "accuracy": result.accuracy,
                f"robustness ({unit})": result.robustness,
                "failures": result.lost,
            }
        rows.append(row | {"measured on": study.title, "protocol": study.protocol})
    return pd.DataFrame(rows, index=pd.Index(study.scores, name="tracker"))


def twin_table(study: BenchmarkStudy, *, seed: int = 0) -> pd.DataFrame:
    """Each pair of trackers: score with the fixed rule, with DLA, the difference, its 95 % interval and p-value.

    The score is the AUC, with the precision beside it, or in VOT the EAO.

    Args:
        study: scores of our trackers.
        seed: seed of the bootstrap.

    Raises:
        InputError: as `paired_bootstrap` and `eao_differences`, e.g. for a benchmark of one sequence.
    """
    rows = []
    for fixed, dynamic in study.pairs:
        found = _difference(study, fixed, dynamic, seed)
        row = {
            "tracker": title_of(dynamic),
            f"{_metric(study)}, fixed rule": _headline(study, fixed),
            f"{_metric(study)}, DLA": _headline(study, dynamic),
            "difference": found.value,
            "low": found.low,
            "high": found.high,
            "p": found.p,
        }
        for tracker, rule in ((fixed, "fixed rule"), (dynamic, "DLA")) if study.one_pass else ():
            row[f"precision at 20 px, {rule}"] = study.one_pass[tracker].precision_score
        rows.append(row | {"measured on": study.title})
    return pd.DataFrame(rows).set_index("tracker") if rows else pd.DataFrame()


def verdicts(study: BenchmarkStudy, *, seed: int = 0) -> str:
    """A sentence for each pair on whether DLA is better than the fixed rule, and what that is worth.

    Args and errors as in `twin_table`.
    """
    lines = []
    for fixed, dynamic in study.pairs:
        found = _difference(study, fixed, dynamic, seed)
        lines.append(sentence(found, dynamic, fixed, metric=_metric(study)))
    if not lines:
        lines.append(
            "No tracker is there both with its fixed rule and with DLA, so that none can be compared."
        )
    count = len(study.truth.sequences)
    if study.imagery == "synthetic":
        lines.append(
            f"All on a miniature, {count} short synthetic sequences: it shows the way from images to scores, and "
            "says nothing about real video."
        )
    lines.append("One training run with one seed: the interval covers the choice of sequences alone.")
    if count < ENOUGH:
        lines.append(TOO_FEW)
    return "\n".join(lines)


def failures_per_100(result: VOTResult) -> float:
    """Failures per 100 frames, whatever robustness means in the protocol."""
    return 100 * result.lost / result.frames


def attribute_scores(study: BenchmarkStudy) -> tuple[dict[str, dict[str, float]], dict[str, int]]:
    """AUC by tracker and attribute, and the number of sequences of each attribute, as `attribute_bars` takes them."""
    members = {attribute: study.truth.with_attribute(attribute) for attribute in study.truth.attributes}
    scores = {
        tracker: {attribute: result.subset(names).auc for attribute, names in members.items()}
        for tracker, result in study.one_pass.items()
    }
    return scores, {attribute: len(names) for attribute, names in members.items()}


def paper_table(benchmark: str, measured: BenchmarkStudy | None = None) -> pd.DataFrame:
    """The paper's scores on a benchmark, and in other columns those of the same trackers' public result files.

    Args:
        benchmark: "OTB100" or "UAV123", on which the paper prints scores.
        measured: published trackers on the real truth; None: the paper's columns alone.

    Returns:
        A row per tracker, the paper's in its order and then others. NaN where there is no number.

    Raises:
        InputError: for a benchmark without printed scores.
    """
    entries = published(benchmark)
    printed = {(entry.tracker, entry.metric): entry.value for entry in entries}
    sources = {entry.tracker: entry.source for entry in reversed(entries)}
    found = measured.one_pass if measured is not None else {}
    trackers = list(dict.fromkeys([*(entry.tracker for entry in entries), *found]))
    columns: dict[str, list[Any]] = {}
    for metric, (name, _) in _PRINTED.items():
        columns[f"{name}, paper"] = [printed.get((tracker, metric), np.nan) for tracker in trackers]
    for name, attribute in _PRINTED.values() if found else ():
        columns[f"{name}, result files"] = [
            getattr(found.get(tracker), attribute, np.nan) for tracker in trackers
        ]
    columns["printed in"] = [sources.get(tracker) for tracker in trackers]
    return pd.DataFrame(columns, index=pd.Index(trackers, name="tracker"))


def paper_claims(*sources: str) -> pd.DataFrame:
    """What the paper's text says of some of its figures and tables, in our words.

    Args:
        sources: e.g. "SiamDLA Fig. 4".

    Raises:
        InputError: for a source without claims.
    """
    rows = [
        {
            "paper": claim.source.removeprefix("SiamDLA "),
            "tracker": claim.tracker,
            "metric": claim.metric or "",
            "over": claim.over or "",
            "the paper says": claim.text
            if claim.gain_percent is None
            else f"{claim.gain_percent:g} %: {claim.text}",
        }
        for source in sources
        for claim in claims(source)
    ]
    return pd.DataFrame(rows).set_index("paper")


def _metric(study: BenchmarkStudy) -> str:
    return "AUC" if study.one_pass else "EAO"


def _headline(study: BenchmarkStudy, tracker: str) -> float:
    result = study.scores[tracker]
    return result.auc if isinstance(result, OPEResult) else result.eao


def _difference(study: BenchmarkStudy, fixed: str, dynamic: str, seed: int) -> Estimate:
    """DLA minus fixed."""
    if study.one_pass:
        one, other = (study.one_pass[name].sequence_auc for name in (dynamic, fixed))
        return paired_bootstrap(one, other, seed=seed)
    result = study.reset_based[fixed]
    runs = {
        name: measure_runs(study.results[name], study.truth, result.protocol) for name in (dynamic, fixed)
    }
    found = eao_differences(runs, study.truth, result.interval, protocol=result.protocol, seed=seed)
    return found[dynamic, fixed]
