"""The paper's inconsistencies: all are listed, and those that its own numbers show are computed again."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from dlatrack import paths
from dlatrack.datasets.manifests import manifest
from dlatrack.ledger.ledger import ledger
from dlatrack.paper.elsewhere import elsewhere
from dlatrack.paper.inconsistencies import inconsistencies, inconsistencies_markdown
from dlatrack.paper.numbers import printed_value
from dlatrack.paper.published import claims, published, scores_of, trackers_in_figure
from dlatrack.paper.table1 import table1

PAGE = (paths.root() / "docs" / "inconsistencies.md").read_text()


def test_the_page_has_all_of_them(shared_data: Path):
    known = json.loads((shared_data / "paper_numbers.json").read_text())["inconsistencies_in_the_paper"]
    rows = inconsistencies()
    assert len(known) == 13, "those that the paper's numbers show by themselves, or beside public code"
    assert len(rows) == 13 + 5
    assert f"in {len(rows)} places" in PAGE
    assert rows.index.is_unique
    assert (rows != "").all(axis=None)
    assert inconsistencies_markdown() in PAGE


def told(name: str) -> str:
    return " ".join(inconsistencies().loc[name])


def test_gains_are_points_and_not_relative():
    auc = scores_of("OTB100", "auc")
    for claim in claims("SiamDLA Table 2"):
        fixed, dla = auc[claim.over or ""], auc[claim.tracker]
        assert 100 * (dla - fixed) == pytest.approx(claim.gain_percent)
        relative = 100 * (dla / fixed - 1)
        assert relative > 1.2 * (claim.gain_percent or 0)
        if claim.tracker in ("DLA-SiamRPN++", "DLA-SiamCAR"):
            assert f"{fixed} to {dla} is {claim.gain_percent} points and {relative:.1f} % relative" in told(
                "relative-gains"
            )


def test_only_the_relative_reading_of_the_gain_in_eao_is_third():
    (gain,) = (claim.gain_percent for claim in claims("SiamDLA Fig. 7a") if claim.gain_percent)
    base, siamban = 0.287, 0.327
    assert f"{base * (1 + gain / 100):.3f}" == "0.304"
    assert f"{base + gain / 100:.3f}" == "0.346"
    assert base * (1 + gain / 100) < siamban < base + gain / 100
    for number in ("0.287", "0.304", "0.327", "0.346"):
        assert number in told("vot-gain")


def test_more_trackers_are_named_than_counted():
    assert len(trackers_in_figure("Fig. 7a")) == 9
    assert "eight" in told("eight-trackers")
    names = list(scores_of("UAV123", "auc"))
    assert len(names) == 9
    assert sum(not name.startswith("DLA-") for name in names) == 7
    assert "four" in told("four-trackers")


def test_epochs_and_iterations():
    training = {(row.tracker, row.metric): row.value for row in published("training")}
    of_rpn = {
        metric: training["SiamRPN++", metric] for metric in ("iterations_per_epoch", "inflection_iteration")
    }
    assert of_rpn["inflection_iteration"] / of_rpn["iterations_per_epoch"] == 10
    assert len(range(0, 11)) + len(range(11, 21)) == 21
    assert training["SiamRPN++", "epochs"] == 20
    assert 600_000 / training["SiamCAR", "batch"] == 2343.75
    assert training["SiamCAR", "iterations_per_epoch"] == 2343
    assert 600_000 / training["SiamRPN++", "batch"] == training["SiamRPN++", "iterations_per_epoch"]


def test_table_1_counts_frames():
    printed = table1()["paper"]
    for dataset, name in (("OTB100", "otb100"), ("UAV123", "uav123"), ("VOT2019", "vot2019")):
        frames = manifest(name).splits["test"].counts["rows"]
        assert f"{frames:,}" in told("object-instances")
        assert frames == pytest.approx(printed_value(printed[dataset, "instances"]), rel=0.01)
    boxes = sum(manifest("coco").splits[split].counts["boxes"] for split in ("train", "val"))
    assert f"{boxes / 1e6:.2f} million" in told("object-instances")
    assert printed_value(printed["COCO", "instances"]) == 500_000


def test_comparators_of_the_paper_are_those_that_are_told():
    assert str(scores_of("UAV123", "precision")["DiMP"]) in told("mixed-toolkits")
    car = [scores_of("OTB100", metric)["SiamCAR"] for metric in ("auc", "precision")]
    dla = [scores_of("OTB100", metric)["DLA-SiamCAR"] for metric in ("auc", "precision")]
    for value in (*car, *dla):
        assert str(value) in told("siamcar-baseline")
    assert dla[0] < 0.700
    assert dla[1] < 0.914


def test_scores_of_others_are_those_of_the_ledger():
    for name, tracker, benchmark, metric in (
        ("siamcar-uav123", "SiamCAR", "UAV123", "auc"),
        ("dimp-18", "DiMP", "UAV123", "auc"),
        ("siamfcpp-toolkit", "SiamFC++", "OTB100", "precision"),
        ("other-training", "SiamRPN++", "OTB100", "auc"),
    ):
        scores = elsewhere(tracker, benchmark, metric)
        assert scores
        assert any(f"{score.value:.3f}" in told(name) for score in scores), name


def test_what_the_ledger_contradicts_is_on_the_page(committed_figures: Path):
    rows = ledger(committed_figures).claims
    for row in rows[rows["state"] == "contradicted"].itertuples():
        assert row.paper.removesuffix("M") in PAGE, f"{row.where} {row.paper}"
        text = f"{row.ours:,.0f}" if row.ours > 1000 else f"{row.ours:.3g}"
        assert text in PAGE, f"{row.where} {text}"
