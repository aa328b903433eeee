"""Notebook 00: the ledger from the records that are there, none or the committed ones."""

from __future__ import annotations

import json
import re
import shutil

import pandas as pd
import pytest
from executed import PATIENCE, outputs

from dlatrack import paths
from dlatrack.errors import InputError
from dlatrack.notebooks.run import run_notebook

NOTEBOOKS = paths.notebooks_dir()


@pytest.mark.slow
def test_without_records_nothing_is_shown(figures):
    path = run_notebook("00", preset="smoke", timeout=PATIENCE)
    rows = pd.read_csv(figures / "00_ledger.csv", keep_default_na=False)
    assert set(rows["ours"]) == {""}
    evidence = pd.read_csv(figures / "00_ledger_evidence.csv")
    assert set(evidence["record"]) == {"elsewhere.json"}, "what others publish needs no record of ours"
    assert json.loads((figures / "00_ledger.json").read_text())["parameters"] == {"records": {}}
    text = outputs(path)
    assert "**Table 3** · 6 of 22" in text
    assert "600,000 / 256 = 2,343.75" in text
    before = {file.name: file.read_bytes() for file in figures.iterdir()}
    run_notebook("00", preset="demo", timeout=PATIENCE)
    assert {file.name: file.read_bytes() for file in figures.iterdir()} == before


@pytest.mark.slow
def test_with_the_committed_records(figures):
    shutil.copytree(
        paths.root() / "figures", figures, ignore=shutil.ignore_patterns("*.png", "*.svg", "*.webp")
    )
    path = run_notebook("00", preset="smoke", parameters={"everything": True}, timeout=PATIENCE)
    rows = pd.read_csv(figures / "00_ledger.csv", index_col="id")
    car = rows.loc["fig11/siamcar/parameters-million"]
    assert (car["ours"], car["state"], car["record"]) == (5.585, "measured", "02_parameters.json")
    assert rows.loc["fig10/siamrpnpp/parameters-million", "state"] == "contradicted"
    assert (rows["ours"].notna() == rows["record"].notna()).all()
    recorded = json.loads((figures / "00_ledger.json").read_text())["parameters"]["records"]
    evidence = pd.read_csv(figures / "00_ledger_evidence.csv")
    assert {f"{name}.json" for name in recorded} == set(evidence["record"]) - {"elsewhere.json"}
    settings = pd.read_csv(figures / "00_ledger_settings.csv")
    assert len(settings) > 40
    text = outputs(path)
    assert "in no unit is it the paper" in text
    assert "| **ECO**, AUC | 0.525 |" in text


def test_its_links_lead_somewhere():
    text = (NOTEBOOKS / "00_paper_at_a_glance.py").read_text()
    links = set(re.findall(r"\]\(([^)]+)\)", text))
    assert len(links) >= 16
    missing = [link for link in links if not (NOTEBOOKS / link).exists()]
    assert not missing


@pytest.mark.slow
def test_a_typo_in_a_parameter_fails(figures):
    with pytest.raises(InputError, match="has no parameter 'everthing'; it takes preset, everything"):
        run_notebook("00", preset="smoke", parameters={"everthing": True})
