"""Findings beyond the paper's numbers come from records alone."""

from __future__ import annotations

import pandas as pd
import pytest

from dlatrack import paths
from dlatrack.errors import InputError
from dlatrack.ledger.findings import FINDING_COLUMNS, findings
from dlatrack.provenance import save_table


def write(folder, name: str, rows: dict) -> None:
    made_by = "notebooks/14_how_labels_are_chosen.py"
    save_table(pd.DataFrame(rows), name, made_by=made_by, parameters={}, imagery="synthetic", folder=folder)


def test_numbers_are_those_of_the_record(tmp_path):
    rows = {
        "mix": ["as in LaSOT"] * 6 + ["wide mix"],
        "head": ["points"] * 3 + ["anchors"] * 3 + ["anchors"],
        "K": [5, 9, 23, 5, 9, 23, 9],
        "positives": [2.0, 3.0, 4.0, 5.0, 8.0, 19.04, 99.0],
    }
    write(tmp_path, "14_positives_over_k_table", rows)
    found = findings(tmp_path)
    assert list(found.columns) == list(FINDING_COLUMNS)
    assert list(found["ours"]) == [
        "anchors: 5.0 at K = 5, 8.0 at K = 9, 19.0 at K = 23; points: 2.0 at K = 5, 3.0 at K = 9, 4.0 at K = 23"
    ]
    assert list(found["record"]) == ["14_positives_over_k_table.json"]
    assert list(found["data"]) == ["synthetic"]


def test_the_threshold_is_told_for_both_heads(tmp_path):
    rows = {"mix": ["as in LaSOT"] * 2, "head": ["points", "anchors"]}
    rows |= {"5 %": [0.38, 0.585], "50 %": [0.676, 0.628], "95 %": [0.796, 0.649]}
    write(tmp_path, "14_thresholds_table", rows)
    (ours,) = findings(tmp_path)["ours"]
    assert ours == "anchors: 0.585 to 0.649, median 0.628; points: 0.380 to 0.796, median 0.676"


def test_without_a_record_there_is_no_finding(tmp_path):
    assert findings(tmp_path).empty
    assert list(findings(tmp_path).columns) == list(FINDING_COLUMNS)


def test_a_record_of_another_version_is_named(tmp_path):
    write(tmp_path, "14_thresholds_table", {"mix": ["as in LaSOT"], "head": ["points"]})
    with pytest.raises(InputError, match="has no column '5 %'"):
        findings(tmp_path)


def test_the_readme_names_both_with_their_numbers():
    """The sentences of the README against the records beside the figures."""
    growth, threshold = findings(paths.root() / "figures")["ours"]
    text = " ".join((paths.root() / "README.md").read_text().split())
    assert "from 4.8 at K = 5 to 18.6 at K = 23" in text
    assert growth.startswith("anchors: 4.8 at K = 5, 7.9 at K = 9, 18.6 at K = 23")
    assert "0.585 to 0.649 for nine targets in ten" in text
    assert threshold.startswith("anchors: 0.585 to 0.649, ")
