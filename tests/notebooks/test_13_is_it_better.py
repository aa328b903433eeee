"""Notebooks 04 and 13 in the small preset."""

from __future__ import annotations

import json

import pandas as pd
import pytest
from executed import PATIENCE, outputs

from dlatrack.errors import InputError
from dlatrack.notebooks.run import run_notebook


def content(folders, name) -> dict:
    return json.loads((folders / "figures" / f"{name}.json").read_text())


@pytest.mark.slow
def test_04_trains_anchor_twins_and_scores_them(folders):
    path = run_notebook("04", preset="smoke", timeout=PATIENCE)
    table = pd.read_csv(folders / "figures" / "04_scores.csv", index_col=0)
    assert list(table.index) == ["SiamRPN++ nano, fixed rule", "DLA-SiamRPN++ nano", "static box"]
    assert ((table >= 0) & (table <= 1)).all(axis=None)
    assert "On photographs, simulated camera" in (folders / "figures" / "04_scores.md").read_text()
    weights = {p.name for p in (folders / "runs" / "weights").iterdir()}
    assert weights == {"siamrpnpp_nano.safetensors", "dla_siamrpnpp_nano.safetensors"}
    history = content(folders, "04_training.data")["DLA-SiamRPN++ nano"]
    assert set(history["loss_centerness"]) == {0}
    assert max(history["positives"]) > 1
    for name in ("04_training", "04_success", "04_filmstrip", "04_scores"):
        assert content(folders, name)["imagery"] == "photographic"
        assert content(folders, name)["made_by"] == "notebooks/04_train_dla_siamrpnpp.py"
    text = outputs(path)
    assert "One training run with one seed" in text
    assert text.count("image/png") >= 6, "pairs, two live curves and three figures"


@pytest.mark.slow
def test_13_asks_targets_seeds_and_choices(folders):
    path = run_notebook("13", preset="smoke", timeout=PATIENCE)
    needed = pd.read_csv(folders / "figures" / "13_targets_needed.csv")
    assert set(needed["twins"]) == {"DLA-NanoTrack V3", "DLA-SiamCAR small", "DLA-SiamRPN++ small"}
    assert (needed["low"].lt(needed["targets"]) & needed["targets"].lt(needed["high"])).all()
    of_one = needed.set_index(["twins", "difference"])["targets"]
    assert of_one["DLA-SiamCAR small", 0.01] > 3 * of_one["DLA-SiamCAR small", 0.02]
    for name, imagery in {
        "13_targets": "real",
        "13_power": "real",
        "13_targets_needed": "real",
        "13_seeds": "photographic",
        "13_seeds_table": "photographic",
        "13_choices": "synthetic",
        "13_choices_table": "synthetic",
    }.items():
        assert content(folders, name)["imagery"] == imagery
    seeds = pd.read_csv(folders / "figures" / "13_seeds_table.csv", index_col=0)
    assert list(seeds.index) == ["seed 0", "seed 1", "mean", "standard deviation"]
    assert content(folders, "13_seeds.data")["all"]["seeds"] == [2, 2]
    choices = pd.read_csv(folders / "figures" / "13_choices_table.csv", keep_default_na=False)
    rows = choices[(choices["head"] == "points") & choices["targets"].str.contains("LaSOT")]
    strict = rows.set_index("choice").loc["no labels"]
    assert 0.1 < strict["unlabelled"] < 0.5
    text = outputs(path)
    assert text.count("95 % interval") >= 3
    assert "with a chance of 80 %" in text
    assert "2 and 2 training seeds" in text


@pytest.mark.usefixtures("no_kernel")
def test_13_refuses_one_seed(folders):
    with pytest.raises(
        InputError, match=r"^13_is_it_better\.ipynb: seeds must be 0 .* at least 2.*got seeds 1, first seed 0"
    ):
        run_notebook("13", preset="smoke", parameters={"seeds": 1}, timeout=PATIENCE)
