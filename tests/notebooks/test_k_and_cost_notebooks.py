"""Notebooks 09 and 10 in the small preset."""

from __future__ import annotations

import json

import pandas as pd
import pytest
from executed import PATIENCE, outputs

from dlatrack.errors import InputError
from dlatrack.notebooks.run import run_notebook


def content(folder, name) -> dict:
    return json.loads((folder / f"{name}.json").read_text())


@pytest.mark.slow
def test_09_counts_positives_and_trains_for_every_k(figures):
    path = run_notebook("09", preset="smoke", parameters={"candidates": "7,9"}, timeout=PATIENCE)
    counts = pd.read_csv(figures / "fig09a_counts.csv")
    assert set(counts["K"]) == set(range(5, 24, 2))
    ours = counts[(counts["mix"] == "wide mix") & counts["reading"].str.startswith("DLA, default")]
    assert ours.set_index("K").loc[9, "positives"] == pytest.approx(3.43, abs=0.5)
    assert content(figures, "fig09a.data")["paper, least and largest"] == [3, 4]
    epochs = content(figures, "fig09b.data")
    assert epochs["epoch"] == list(range(1, 13))
    assert len(content(figures, "fig09a_pairs.data")["counts"]["K"]) == 2 * 2 * 10
    assert epochs["K = 5"] != epochs["K = 23"]
    scores = pd.read_csv(figures / "09_scores.csv", index_col=0)
    assert list(scores.index) == [7, 9]
    assert scores["AUC"].between(0, 1).all()
    assert content(figures, "fig09a")["imagery"] == "synthetic", "simulated targets without images"
    for name in ("fig09b", "09_scores_over_k", "09_scores"):
        assert content(figures, name)["imagery"] == "photographic"
    text = outputs(path)
    assert "another seed can turn any of these differences round" in text
    assert "95 % interval" in text


@pytest.mark.usefixtures("no_kernel")
def test_09_names_a_k_that_cannot_be(figures):
    with pytest.raises(InputError, match=r"^09_hyperparameter_k\.ipynb: .*in 1\.\.169, got \[0, 9\]"):
        run_notebook("09", preset="smoke", parameters={"candidates": [0, 9]}, timeout=PATIENCE)


@pytest.mark.slow
def test_10_measures_once_and_draws_the_same_again(figures):
    path = run_notebook("10", preset="smoke", timeout=PATIENCE)
    costs = pd.read_csv(figures / "10_training_cost_table.csv")
    assert set(costs["tracker"]) == {"SiamCAR small", "SiamRPN++ small"}
    assert (costs["DLA / fixed"].between(costs["low"], costs["high"])).all()
    paper = pd.read_csv(figures / "10_paper_costs.csv")
    assert paper["DLA / fixed"].round(2).tolist() == [0.96, 0.99, 0.8, 0.78]
    assert content(figures, "10_paper_costs")["imagery"] == "real"
    speeds = pd.read_csv(figures / "10_speed.csv", index_col=0)
    assert len(speeds) == 4
    assert (speeds["frames per second"] > 0).all()
    assert "processor" in content(figures, "fig11")["parameters"]["machine"]
    assert content(figures, "fig10.data")["iterations"] == 100_000
    text = outputs(path)
    assert "measured on" in text
    assert "this machine" in text
    before = {file.name: file.read_bytes() for file in figures.iterdir()}
    run_notebook("10", preset="smoke", timeout=PATIENCE)
    assert {file.name: file.read_bytes() for file in figures.iterdir()} == before


@pytest.mark.usefixtures("no_kernel")
def test_10_says_what_its_report_lacks(figures):
    figures.mkdir()
    (figures / "10_training_cost.report.json").write_text("[]")
    with pytest.raises(InputError, match=r"^10_training_cost\.ipynb: .*is no report of training costs"):
        run_notebook("10", preset="smoke", timeout=PATIENCE)
