"""Tables and sentences of a benchmark study: hand-made scores, and what the paper prints."""

from __future__ import annotations

import math

import numpy as np
import pytest

from dlatrack.errors import InputError
from dlatrack.evaluation.ope import OPEResult
from dlatrack.evaluation.truth import BenchmarkTruth, SequenceTruth
from dlatrack.evaluation.vot.scores import VOTResult
from dlatrack.studies.benchmark_tables import (
    attribute_scores,
    benchmark_table,
    failures_per_100,
    paper_claims,
    paper_table,
    twin_table,
    verdicts,
)
from dlatrack.studies.benchmarks import BenchmarkStudy

FIXED, DYNAMIC = "SiamCAR small, fixed rule", "DLA-SiamCAR small"


def curves(*levels: float) -> OPEResult:
    """A sequence per level, all of whose curves are flat at it."""
    rows = np.array(levels)[:, None]
    wide = np.repeat(rows, 51, axis=1)
    return OPEResult(tuple("abc"[: len(levels)]), np.repeat(rows, 21, axis=1), wide, wide)


def study(scores, *, imagery="synthetic") -> BenchmarkStudy:
    sequences = {
        name: SequenceTruth(name, np.ones((2, 4)), attributes=frozenset(attributes.split()))
        for name, attributes in (("a", "SV OCC"), ("b", "SV"), ("c", ""))
    }
    return BenchmarkStudy(
        title="OTB100 miniature, synthetic" if imagery == "synthetic" else "OTB100",
        imagery=imagery,
        protocol="pysot",
        truth=BenchmarkTruth("OTB100", sequences),
        results={},
        scores=scores,
        origin={},
    )


TWINS = study({FIXED: curves(0.2, 0.4, 0.6), DYNAMIC: curves(0.3, 0.5, 0.7)})


def test_scores_say_what_they_were_measured_on():
    table = benchmark_table(TWINS)
    assert table.loc[FIXED, "AUC"] == pytest.approx(0.4)
    assert table.loc[DYNAMIC, "precision at 20 px"] == pytest.approx(0.5)
    assert set(table["measured on"]) == {"OTB100 miniature, synthetic"}
    assert set(table["protocol"]) == {"pysot"}


def test_a_constant_gain_is_certain():
    row = twin_table(TWINS).loc["SiamCAR small"]
    assert (row["AUC, fixed rule"], row["AUC, DLA"]) == pytest.approx((0.4, 0.5))
    assert (row["difference"], row["low"], row["high"]) == pytest.approx((0.1, 0.1, 0.1))
    assert row["p"] == 2 / 2**3, "two of the eight patterns of signs"
    assert (row["precision at 20 px, fixed rule"], row["precision at 20 px, DLA"]) == pytest.approx(
        (0.4, 0.5)
    )
    text = verdicts(TWINS)
    assert (
        f"{DYNAMIC} minus {FIXED} is 0.100 AUC (95 % interval 0.100 to 0.100, p = 0.250, 3 sequences, too"
        in text
    )
    assert "says nothing about real video" in text
    assert "fewer than 30 sequences intervals are Student's t" in text


def test_real_data_and_lone_trackers_get_other_words():
    text = verdicts(study({DYNAMIC: curves(0.3, 0.5, 0.7)}, imagery="real"))
    assert "none can be compared" in text
    assert "miniature" not in text
    assert twin_table(study({DYNAMIC: curves(0.3, 0.5, 0.7)})).empty


def test_attributes_average_their_own_sequences():
    scores, counts = attribute_scores(TWINS)
    assert counts == {"SV": 2, "OCC": 1}
    assert scores[FIXED] == pytest.approx({"SV": 0.3, "OCC": 0.2})
    assert scores[DYNAMIC] == pytest.approx({"SV": 0.4, "OCC": 0.3})


def test_a_reset_based_study_counts_failures():
    result = VOTResult(
        "vot_toolkit", "VOT2019", (5, 10), ("a", "b"), np.array([10, 30]), np.array([0.5, 0.6]),
        np.array([1.0, 2.0]), 0.575, np.zeros(4), 0.25, {},
    )  # fmt: skip
    assert failures_per_100(result) == pytest.approx(100 * 3 / 40)
    row = benchmark_table(study({"x": result})).loc["x"]
    assert (row["EAO"], row["accuracy"], row["failures"]) == (0.25, 0.575, 3)


def test_the_papers_numbers_stand_in_their_own_columns():
    alone = paper_table("OTB100")
    assert list(alone.columns) == ["AUC, paper", "precision at 20 px, paper", "printed in"]
    assert alone.loc["DLA-SiamRPN++", "AUC, paper"] == 0.706
    assert math.isnan(alone.loc["CoSiamRPN", "precision at 20 px, paper"])
    measured = study({"SiamRPN++": curves(0.7, 0.7, 0.7), "ATOM": curves(0.1, 0.2, 0.3)}, imagery="real")
    table = paper_table("OTB100", measured)
    assert table.loc["SiamRPN++", "AUC, paper"] == 0.696
    assert table.loc["SiamRPN++", "AUC, result files"] == pytest.approx(0.7)
    assert math.isnan(table.loc["ATOM", "AUC, paper"])
    assert table.loc["ATOM", "precision at 20 px, result files"] == pytest.approx(0.2)
    assert math.isnan(table.loc["DLA-SiamCAR", "AUC, result files"])
    assert table.loc["DLA-SiamCAR", "printed in"] == "SiamDLA Table 2"


def test_claims_keep_their_figure():
    table = paper_claims("SiamDLA Fig. 7a", "SiamDLA Fig. 7b")
    assert list(table.index) == ["Fig. 7a"] * 2 + ["Fig. 7b"] * 4
    assert table["the paper says"].iloc[0] == "third in expected average overlap"
    assert table["the paper says"].iloc[1].startswith("5.9 %: ")


def test_bad_input_is_named():
    with pytest.raises(InputError, match="VOT2019"):
        paper_table("VOT2019")
    with pytest.raises(InputError, match=r"SiamDLA Fig\. 99"):
        paper_claims("SiamDLA Fig. 99")
