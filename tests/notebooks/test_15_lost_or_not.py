"""Notebook 15 in the small preset."""

from __future__ import annotations

import json

import pandas as pd
import pytest
from executed import PATIENCE, outputs

from dlatrack.errors import InputError
from dlatrack.notebooks.run import run_notebook


@pytest.mark.slow
def test_15_measures_calibration_and_recovery(folders, no_shared_data):
    path = run_notebook("15", preset="smoke", timeout=PATIENCE)
    figures = folders / "figures"
    table = pd.read_csv(figures / "15_reliability_table.csv").set_index("videos")
    assert table.loc["all", "calibration error"] < 0.1
    assert "real" not in table.index
    found = pd.read_csv(figures / "15_recovery.csv").set_index("confidence")
    assert found.loc["probability, recovery", "F"] > found.loc["probability", "F"]
    states = pd.read_csv(figures / "15_states.csv")
    assert states[["tracking", "uncertain", "lost"]].sum(axis=1).to_numpy() == pytest.approx(1, abs=1e-3)
    assert len(pd.read_csv(figures / "15_models.csv")) == 3
    for name, imagery in {
        "15_reliability": "mixed",
        "15_timeline": "photographic",
        "15_precision_recall": "mixed",
    }.items():
        record = json.loads((figures / f"{name}.json").read_text())
        assert (record["imagery"], record["made_by"]) == (imagery, "notebooks/15_lost_or_not.py")
        assert (figures / f"{name}.png").stat().st_size < 120_000
        assert {"weights_sha256", "calibrations_sha256"} <= set(record["parameters"])
    assert "DLA, with recovery" not in path.read_text()
    assert (figures / "15_states.md").read_text().endswith("On videos of several kinds.\n")
    assert outputs(path).count("image/png") >= 4


@pytest.mark.slow
def test_15_names_trackers_and_footage_that_are_not_there(folders, tmp_path):
    for parameters, message in (
        ({"trackers": "siamfc"}, "no weights of that name come with dlatrack"),
        ({"footage": str(tmp_path)}, ""),
    ):
        with pytest.raises(InputError, match=rf"^15_lost_or_not\.ipynb: .*{message}"):
            run_notebook("15", preset="smoke", parameters=parameters, timeout=PATIENCE)
