"""Notebooks 05 to 08 in the small preset: our trackers on miniatures, published ones on the real truth."""

from __future__ import annotations

import json

import pandas as pd
import pytest
import torch
from executed import PATIENCE, outputs

from dlatrack.errors import InputError
from dlatrack.models.siamese import build_model
from dlatrack.models.weights import save_weights
from dlatrack.notebooks.run import run_notebook
from dlatrack.recipes import recipe

pytestmark = pytest.mark.usefixtures("no_shared_data")

OURS = ["SiamCAR small, fixed rule", "DLA-SiamCAR small", "static box"]


@pytest.fixture(scope="module")
def weights(tmp_path_factory):
    """Random weights: these tests are about the way to a score, not about scores."""
    folder = tmp_path_factory.mktemp("weights")
    for seed, name in enumerate(("siamcar_small", "dla_siamcar_small")):
        chosen = recipe(name)
        net = build_model(chosen, torch.Generator().manual_seed(seed))
        save_weights(folder / f"{name}.safetensors", net, chosen, {})
    return f"{folder / 'siamcar_small.safetensors'}; {folder / 'dla_siamcar_small.safetensors'}"


def record(folder, name) -> dict:
    return json.loads((folder / f"{name}.json").read_text())


def table(folder, name) -> pd.DataFrame:
    return pd.read_csv(folder / f"{name}.csv", index_col=0)


@pytest.mark.slow
def test_05_draws_otb100_and_published_trackers(figures, weights, shared_data, monkeypatch):
    monkeypatch.setenv("DLATRACK_SHARED_DATA", str(shared_data))
    run_notebook("05", preset="smoke", parameters={"weights": weights}, timeout=PATIENCE)
    scores = table(figures, "fig04_scores")
    assert list(scores.index) == OURS
    assert set(scores["measured on"]) == {"OTB100 miniature, synthetic"}
    for name in ("fig04_success", "fig04_precision", "fig05", "table02"):
        assert record(figures, name)["imagery"] == "synthetic"
    drawn = json.loads((figures / "fig04_success.data.json").read_text())
    assert sum(drawn["static box"]) / 21 == pytest.approx(scores.loc["static box", "AUC"])
    attributes = json.loads((figures / "fig05.data.json").read_text())
    assert attributes["sequences"]["IV"] == 3
    twins = table(figures, "table02").loc["SiamCAR small"]
    assert twins["difference"] == pytest.approx(twins["AUC, DLA"] - twins["AUC, fixed rule"])
    assert twins["low"] <= twins["difference"] <= twins["high"]
    paper = table(figures, "table02_paper")
    assert paper.loc["DLA-SiamRPN++", "AUC, paper"] == 0.706
    assert paper.loc["ATOM", "AUC, result files"] == pytest.approx(0.666978, abs=1e-6)
    for name in ("fig04_success_published", "fig05_published", "table02_paper"):
        assert record(figures, name)["imagery"] == "real"


@pytest.mark.slow
def test_06_goes_on_without_published_trackers(figures, weights):
    path = run_notebook("06", preset="smoke", parameters={"weights": weights}, timeout=PATIENCE)
    scores = table(figures, "table03")
    assert list(scores.index) == OURS
    assert (scores[["AUC", "precision at 20 px"]] > 0).all(axis=None)
    paper = table(figures, "table03_paper")
    assert list(paper.columns) == ["AUC, paper", "precision at 20 px, paper", "printed in"]
    assert paper.loc["DLA-SiamRPN++", "AUC, paper"] == 0.641
    assert "Published trackers are left out" in outputs(path)
    assert not list(figures.glob("*published*"))


@pytest.mark.slow
def test_07_ranks_by_expected_average_overlap(figures, weights, shared_data, monkeypatch):
    monkeypatch.setenv("DLATRACK_SHARED_DATA", str(shared_data))
    path = run_notebook("07", preset="smoke", parameters={"weights": weights}, timeout=PATIENCE)
    scores = table(figures, "fig07_scores")
    assert list(scores.index) == OURS
    drawn = json.loads((figures / "fig07a.data.json").read_text())
    assert drawn == pytest.approx(scores["EAO"].to_dict())
    accuracy, robustness = json.loads((figures / "fig07b.data.json").read_text())["static box"]
    assert accuracy == pytest.approx(scores.loc["static box", "accuracy"])
    assert robustness == pytest.approx(2 * scores.loc["static box", "failures"]), "50 frames"
    assert record(figures, "fig07a")["imagery"] == "synthetic"
    published = table(figures, "fig07_scores_published")
    assert published["EAO"].to_dict() == pytest.approx(
        {"LightTrack": 0.327701, "NanoTrack": 0.246986}, abs=1e-6
    )
    assert record(figures, "fig07a_published")["imagery"] == "real"
    assert "third in expected average overlap" in outputs(path)


@pytest.mark.slow
def test_08_draws_normalised_precision(figures, weights):
    path = run_notebook("08", preset="smoke", parameters={"weights": weights}, timeout=PATIENCE)
    scores = table(figures, "fig08_scores")
    assert list(scores.index) == OURS
    assert set(scores["protocol"]) == {"lasot_matlab"}
    drawn = json.loads((figures / "fig08_normalised_precision.data.json").read_text())
    assert drawn["static box"][20] == pytest.approx(scores.loc["static box", "normalised precision"])
    assert record(figures, "fig08_success")["imagery"] == "synthetic"
    text = outputs(path)
    assert "Published trackers are left out" in text
    assert "first in success" in text


@pytest.mark.parametrize("number", ["05", "06", "07", "08"])
def test_a_typo_in_a_parameter_fails(figures, number):
    with pytest.raises(InputError, match="has no parameter 'wieghts'; it takes preset, data, weights"):
        run_notebook(number, preset="smoke", parameters={"wieghts": "x"})
