"""Notebook 16 in the small preset."""

from __future__ import annotations

import json

import pandas as pd
import pytest
from executed import PATIENCE, outputs

from dlatrack.errors import InputError
from dlatrack.models.weights import read_weights_info
from dlatrack.notebooks.run import run_notebook

NAMES = ["NanoTrack V3, start", "NanoTrack V3, fixed rule", "DLA-NanoTrack V3"]


@pytest.mark.slow
def test_16_trains_both_twins_from_one_start_and_scores_all_three(folders):
    path = run_notebook("16", preset="smoke", timeout=PATIENCE)
    figures, weights = folders / "figures", folders / "runs" / "weights"
    scores = pd.read_csv(figures / "16_scores.csv", index_col=0)
    assert list(scores.index) == NAMES
    assert (scores["least"].le(scores["mean"]) & scores["mean"].le(scores["largest"])).all()
    runs = json.loads((figures / "16_first_box.data.json").read_text())
    assert set(runs) == set(NAMES)
    assert {len(values) for values in runs.values()} == {2}
    counted = pd.read_csv(figures / "16_positives_table.csv", index_col=0)
    assert list(counted.index) == NAMES[1:]
    assert counted.loc[NAMES[1], "mean positives"] > counted.loc[NAMES[2], "mean positives"] > 1
    cards = [
        read_weights_info(weights / f"{name}nanotrack_v3.safetensors").card["run"] for name in ("", "dla_")
    ]
    assert cards[0]["init"] == cards[1]["init"]
    assert {key for key in cards[0] if cards[0][key] != cards[1][key]} == {"recipe"}
    for name in ("16_positives", "16_training", "16_scores", "16_first_box"):
        record = json.loads((figures / f"{name}.json").read_text())
        assert record["imagery"] == "photographic"
        assert record["made_by"] == "notebooks/16_a_tracker_that_works.py"
    assert outputs(path).count("95 % interval") == 3


@pytest.mark.usefixtures("no_kernel")
@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"runs": 1}, r"runs must be 0 \(the preset's number\) or at least 2, got 1"),
        (
            {"weights": "siamcar_small"},
            r"siamcar_small, not of the network of nanotrack_v3: backbone\.features\.0",
        ),
        ({"weights": "none.pth"}, r"there is no file none\.pth"),
    ],
)
def test_16_refuses_what_it_cannot_use(folders, parameters, message):
    with pytest.raises(InputError, match=rf"^16_a_tracker_that_works\.ipynb: .*{message}"):
        run_notebook("16", preset="smoke", parameters=parameters, timeout=PATIENCE)
