"""The paper's printed numbers: what they are, and that measured ones never mix with them."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from dlatrack.errors import InputError
from dlatrack.paper.published import (
    PublishedScore,
    claims,
    published,
    scores_of,
    trackers_in_figure,
)


def test_a_row_of_table_2():
    assert PublishedScore(
        "DLA-SiamCAR", "OTB100", "auc", 0.682, "SiamDLA Table 2", "ResNet-50", "anchor-free"
    ) in published("OTB100")
    assert {score.metric for score in published("OTB100", "precision")} == {"precision"}
    assert scores_of("OTB100", "auc")["SiamRPN++"] == 0.696
    assert "CoSiamRPN" not in scores_of("OTB100", "precision")


def test_every_number_of_tables_2_and_3(shared_data: Path):
    printed = json.loads((shared_data / "paper_numbers.json").read_text())
    expected: dict[tuple[str, str, str], tuple[Any, ...]] = {}
    for tracker, group, backbone, auc, _, precision in printed["table2"]["rows"]:
        for metric, value in (("auc", auc), ("precision", precision)):
            if value is not None:
                expected[tracker, "OTB100", metric] = (value, backbone, group)
    for tracker, auc, precision in printed["table3"]["rows"]:
        expected[tracker, "UAV123", "auc"] = (auc, None, None)
        expected[tracker, "UAV123", "precision"] = (precision, None, None)
    found = [score for benchmark in ("OTB100", "UAV123") for score in published(benchmark)]
    assert len(found) == len(expected)
    assert {
        (score.tracker, score.benchmark, score.metric): (score.value, score.backbone, score.group)
        for score in found
    } == expected
    tables = {"OTB100": "SiamDLA Table 2", "UAV123": "SiamDLA Table 3"}
    assert all(score.source == tables[score.benchmark] for score in found)


def test_every_number_of_figures_10_and_11(shared_data: Path):
    figures = json.loads((shared_data / "paper_numbers.json").read_text())["figures"]
    expected = {}
    for number in ("10", "11"):
        figure = figures[f"fig{number}"]
        for tracker in figure["pair"]:
            seconds = figure["seconds_per_iteration"][tracker]
            facts = {
                "seconds_per_iteration_frozen": seconds["epochs_0_10"],
                "seconds_per_iteration_unfrozen": seconds["epochs_11_20"],
                "parameters_million": figure["parameters_M"],
            }
            for key in ("batch", "iterations_per_epoch", "epochs", "inflection_iteration"):
                if key in figure:
                    facts[key] = figure[key]
            expected |= {
                (tracker, metric): (value, f"SiamDLA Fig. {number}") for metric, value in facts.items()
            }
    found = published("training")
    assert {(score.tracker, score.metric): (score.value, score.source) for score in found} == expected
    assert len(found) == len(expected)


def test_ranks_and_gains_of_the_figures(shared_data: Path):
    printed = json.loads((shared_data / "paper_numbers.json").read_text())
    figures = printed["figures"]
    ranks = {(claim.source, claim.metric): claim.rank for claim in claims() if claim.rank is not None}
    accuracy, robustness = (
        figures["fig7b"]["claims"][f"DLA-SiamRPN++ {metric} rank"] for metric in ("accuracy", "robustness")
    )
    assert ranks == {
        ("SiamDLA Fig. 4", None): figures["fig4"]["claims"]["DLA-SiamRPN++ rank"],
        ("SiamDLA Fig. 7a", "eao"): figures["fig7a"]["claims"]["DLA-SiamRPN++ rank"],
        ("SiamDLA Fig. 7b", "accuracy"): accuracy,
        ("SiamDLA Fig. 7b", "robustness"): robustness,
        ("SiamDLA Fig. 8", "auc"): 1,
        ("SiamDLA Fig. 8", "precision"): 1,
    }
    gains = {
        (claim.source, claim.tracker, claim.over, claim.metric): f"{claim.gain_percent:g}%"
        for claim in claims()
        if claim.gain_percent is not None
    }
    expected = {
        ("SiamDLA Table 2", row[0], row[0].removeprefix("DLA-"), "auc"): row[4].removeprefix("+")
        for row in printed["table2"]["rows"]
        if row[4] is not None
    }
    for tracker in ("SiamRPN++", "SiamCAR"):
        of_figure = figures["fig4"]["claims"][f"DLA-{tracker} gain over {tracker} (success, precision)"]
        for metric, gain in zip(("auc", "precision"), of_figure, strict=True):
            expected["SiamDLA Fig. 4", f"DLA-{tracker}", tracker, metric] = gain
    for tracker, of_table in printed["derived"]["uav123_gain_points"].items():
        for metric, points in zip(("auc", "precision"), of_table, strict=True):
            expected["SiamDLA Table 3", tracker, tracker.removeprefix("DLA-"), metric] = f"{100 * points:g}%"
    gain = figures["fig7a"]["claims"]["gain over SiamRPN++"]
    expected["SiamDLA Fig. 7a", "DLA-SiamRPN++", "SiamRPN++", "eao"] = gain
    assert gains == expected
    assert len(claims("SiamDLA Fig. 5")) == len(figures["fig5"]["claims"])


def test_trackers_of_the_figures(shared_data: Path):
    figures = json.loads((shared_data / "paper_numbers.json").read_text())["figures"]
    for figure, key in {"Fig. 4": "fig4", "Fig. 5": "fig4", "Fig. 6": "fig6", "Fig. 7a": "fig7a"}.items():
        assert list(trackers_in_figure(figure)) == figures[key]["trackers"]


def test_gains_of_table_2_follow_from_its_scores():
    auc = scores_of("OTB100", "auc")
    for claim in claims("SiamDLA Table 2"):
        assert 100 * (auc[claim.tracker] - auc[claim.over or ""]) == pytest.approx(claim.gain_percent)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (
            lambda: published("LaSOT"),
            "the paper prints nothing for benchmark 'LaSOT'; it does for OTB100, UAV123, training",
        ),
        (
            lambda: scores_of("UAV123", "eao"),
            "the paper on UAV123 prints nothing for metric 'eao'; it does for auc, precision",
        ),
        (
            lambda: claims("Fig. 9"),
            "prints nothing for source 'Fig. 9'; it does for SiamDLA Table 2, SiamDLA Fig. 4",
        ),
        (
            lambda: trackers_in_figure("Fig. 8"),
            "no trackers for 'Fig. 8'; it does for Fig. 4, Fig. 5, Fig. 6, Fig. 7a",
        ),
    ],
)
def test_what_the_paper_does_not_print(call: Callable[[], Any], message: str):
    with pytest.raises(InputError, match=message):
        call()
