"""Notebook 14 in the small preset."""

from __future__ import annotations

import json

import pandas as pd
import pytest
from executed import PATIENCE, outputs

from dlatrack.errors import InputError
from dlatrack.notebooks.run import run_notebook
from dlatrack.studies.label_assignment import RULES_OF_HEADS


@pytest.mark.slow
def test_14_counts_measures_and_compares_every_rule(figures, no_shared_data):
    path = run_notebook("14", preset="smoke", timeout=PATIENCE)
    table = pd.read_csv(figures / "14_positives_over_k_table.csv")
    counts = table.set_index(["mix", "head", "K"])["positives"]
    assert counts["as in LaSOT", "anchors", 23] == pytest.approx(18.6, abs=0.6)
    assert counts["as in LaSOT", "points", 9] == pytest.approx(2.9, abs=0.4)
    thresholds = pd.read_csv(figures / "14_thresholds_table.csv").set_index(["mix", "head"])
    assert thresholds.loc[("as in LaSOT", "anchors"), "95 %"] == pytest.approx(0.65, abs=0.01)
    purity = pd.read_csv(figures / "14_purity_table.csv")
    rules = sum(map(len, RULES_OF_HEADS.values()))
    assert len(purity) == 2 * rules, "photographic and synthetic videos, and no composed ones without footage"
    assert purity["purity"].dropna().between(0, 1).all()
    pairs = pd.read_csv(figures / "14_agreement_table.csv")
    assert len(pairs) == sum(len(names) * (len(names) - 1) for names in RULES_OF_HEADS.values())
    moved = pd.read_csv(figures / "14_trained_positives_table.csv")
    assert set(moved["network"]) == {"untrained", "trained"}
    assert set(moved["rule"]) == {"SimOTA", "OTA", "PAA", "TAL", "AutoAssign"}
    for name, imagery in {
        "14_positives_over_k": "synthetic",
        "14_thresholds": "synthetic",
        "14_fixed_thresholds": "synthetic",
        "14_purity": "synthetic",
        "14_agreement": "photographic",
        "14_trained_positives": "photographic",
    }.items():
        assert json.loads((figures / f"{name}.json").read_text())["imagery"] == imagery
    shown = json.loads((figures / "14_trained_positives.data.json").read_text())
    assert set(shown) == {"SimOTA", "OTA", "PAA", "TAL"}
    text = outputs(path)
    assert "threshold with as many positives as DLA" in text
    assert text.count("image/png") >= 6


@pytest.mark.usefixtures("no_kernel")
def test_14_names_footage_that_is_not_there(figures, tmp_path):
    with pytest.raises(InputError, match=r"^14_how_labels_are_chosen\.ipynb: .*stills has no photograph"):
        run_notebook("14", preset="smoke", parameters={"footage": str(tmp_path)}, timeout=PATIENCE)
