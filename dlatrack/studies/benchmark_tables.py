"""Tables and sentences of a benchmark study, and what the paper prints beside them."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from dlatrack.evaluation.ope import OPEResult
from dlatrack.evaluation.statistics.compare import paired_bootstrap
from dlatrack.evaluation.statistics.difference import ENOUGH, TOO_FEW, Estimate, sentence
from dlatrack.evaluation.vot.difference import eao_differences
from dlatrack.evaluation.vot.scores import VOTResult, measure_runs
from dlatrack.paper.published import PublishedScore, claims, published
from dlatrack.studies.benchmarks import BenchmarkStudy

#: Metrics that the paper prints, and what our tables call them.
_PRINTED = {"auc": "AUC", "precision": "precision at 20 px"}


def score_table(study: BenchmarkStudy) -> pd.DataFrame:
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
        study: of our trackers.
        seed: of the bootstrap.

    Raises:
        InputError: as `paired_bootstrap` and `eao_differences`, e.g. for a benchmark of one sequence.
    """
    rows = []
    for fixed, dynamic in study.pairs:
        found = _difference(study, fixed, dynamic, seed)
        row = {
            "tracker": dynamic.removeprefix("DLA-"),
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
    if study.synthetic:
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
    printed: dict[str, dict[str, PublishedScore]] = {}
    for entry in published(benchmark):
        printed.setdefault(entry.tracker, {})[entry.metric] = entry
    found = measured.one_pass if measured is not None else {}
    trackers = list(dict.fromkeys([*printed, *found]))
    columns: dict[str, Any] = {}
    for metric, name in _PRINTED.items():
        columns[f"{name}, paper"] = [
            printed[tracker][metric].value if metric in printed.get(tracker, {}) else np.nan
            for tracker in trackers
        ]
    for metric, name in _PRINTED.items() if found else ():
        columns[f"{name}, result files"] = [_of(found.get(tracker), metric) for tracker in trackers]
    columns["printed in"] = [
        next((entry.source for entry in printed.get(tracker, {}).values()), None) for tracker in trackers
    ]
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
            "the paper says": _told(claim.gain_percent, claim.text),
        }
        for source in sources
        for claim in claims(source)
    ]
    return pd.DataFrame(rows).set_index("paper")


def _told(gain: float | None, text: str) -> str:
    return text if gain is None else f"{gain:g} %: {text}"


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


def _of(result: OPEResult | None, metric: str) -> float:
    if result is None:
        return float("nan")
    return result.auc if metric == "auc" else result.precision_score
