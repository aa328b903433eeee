"""Notebook 11 in the small preset: the figure, its numbers, and the same bytes again."""

from __future__ import annotations

import json

import pandas as pd
import pytest
from executed import PATIENCE, outputs

from dlatrack.errors import InputError
from dlatrack.notebooks.run import run_notebook

pytestmark = pytest.mark.usefixtures("no_shared_data")


@pytest.mark.slow
def test_11_draws_sequences_chosen_by_a_rule_and_the_same_again(figures):
    path = run_notebook("11", preset="smoke", parameters={"columns": 2}, timeout=PATIENCE)
    data = json.loads((figures / "fig06.data.json").read_text())
    record = json.loads((figures / "fig06.json").read_text())
    assert record["imagery"] == "photographic"
    assert record["parameters"]["photographic_seed"] == 7_000_000
    assert set(record["parameters"]["weights_sha256"]) == {"siamcar_small", "dla_siamcar_small"}
    assert [row["rank"] for row in data["rows"]] == [1, 2, 3]
    gains = [row["gain"] for row in data["rows"]]
    assert gains == sorted(gains, reverse=True)
    scores = pd.read_csv(figures / "fig06_scores.csv", index_col=0)
    assert list(scores.columns) == ["SiamCAR small, fixed rule", "DLA-SiamCAR small", "static box"]
    for row in data["rows"]:
        fixed, dla, _ = scores.loc[row["sequence"]]
        assert row["gain"] == pytest.approx(dla - fixed)
        assert 1 <= len(row["frames"]) <= 2, "a target may be out of view in some of ten frames"
        assert row["iou"]["static box"][0] == pytest.approx(1, abs=1e-3), (
            "the box of the first frame was given"
        )
    text = outputs(path)
    assert "from the largest gain to the largest loss" in text
    assert "95 % interval" in text
    before = {file.name: file.read_bytes() for file in figures.iterdir()}
    run_notebook("11", preset="smoke", parameters={"columns": 2}, timeout=PATIENCE)
    assert {file.name: file.read_bytes() for file in figures.iterdir()} == before


@pytest.mark.usefixtures("no_kernel")
def test_11_says_what_it_cannot_use(figures):
    with pytest.raises(InputError, match=r"^11_qualitative\.ipynb: .*got 'best'"):
        run_notebook("11", preset="smoke", parameters={"choose": "best"}, timeout=PATIENCE)


def test_a_typo_is_refused(figures):
    with pytest.raises(InputError, match="has no parameter 'colums'; it takes preset, data, weights, rows"):
        run_notebook("11", preset="smoke", parameters={"colums": 2})
