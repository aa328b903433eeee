"""The shipped twins compared: records, clips, and what a verdict may say."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from dlatrack import paths
from dlatrack.datasets.folder import write_folder
from dlatrack.datasets.synthetic import synthetic_sequence
from dlatrack.errors import InputError
from dlatrack.evaluation.statistics.power import sequences_needed
from dlatrack.files import file_digest
from dlatrack.models.weights import find_weights, shipped
from dlatrack.studies import power
from dlatrack.studies.power import (
    TwinScores,
    shipped_scores,
    targets_needed,
)

TARGETS = ["car", "dogs-1", "dogs-2", "dogs-3", "girl", "worm"]
DIFFERENCES = np.array([0.03, 0.1, 0.11, 0.09, 0.0, -0.02])


def scores_of(differences: np.ndarray, targets: list[str]) -> TwinScores:
    columns = {"static box": 0.2, "T, fixed rule": 0.5, "DLA-T": 0.5 + differences}
    return TwinScores(pd.DataFrame(columns, pd.Index(targets, name="target")), "toys", True, {})


def test_needed_targets_follow_from_the_spread():
    (found,) = scores_of(DIFFERENCES, TARGETS).compare()
    table = targets_needed([found])
    assert list(table["difference"]) == [0.01, 0.02]
    assert list(table["targets"]) == [sequences_needed(d, DIFFERENCES.std(ddof=1)) for d in (0.01, 0.02)]
    assert (table["low"] < table["targets"]).all()
    assert (table["targets"] < table["high"]).all()


def test_the_record_of_the_clone_is_read():
    scores = shipped_scores("smoke")
    assert scores.imagery == "real"
    assert scores.source == f"{len(scores.auc)} targets of real clips"
    pairs = [(pair.dynamic, pair.fixed) for pair in scores.compare()]
    assert pairs == [
        ("DLA-NanoTrack V3", "NanoTrack V3, fixed rule"),
        ("DLA-SiamCAR small", "SiamCAR small, fixed rule"),
        ("DLA-SiamRPN++ small", "SiamRPN++ small, fixed rule"),
    ]


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Figures with a record of toy scores; the clone has none."""
    monkeypatch.setenv("DLATRACK_FIGURES", str(tmp_path))
    monkeypatch.setattr(paths, "root", lambda: tmp_path / "elsewhere")
    table = scores_of(DIFFERENCES, TARGETS).auc.to_csv().encode()
    (tmp_path / "small_trackers_targets.csv").write_bytes(table)
    weights = {name: file_digest(find_weights(name)) for name in shipped()}
    record = {"data_sha256": hashlib.sha256(table).hexdigest(), "parameters": {"weights_sha256": weights}}
    (tmp_path / "small_trackers_targets.json").write_text(json.dumps(record))
    return tmp_path


def test_a_record_beside_the_figures_goes_before(folder: Path):
    assert list(shipped_scores("smoke").auc.index) == TARGETS


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"data_sha256": "0"}, r"targets\.csv is not the table that small_trackers_targets\.json describes"),
        (
            {"parameters": {"weights_sha256": {}}},
            r"is of other weights than those of this package; run `dlatrack",
        ),
        ({"parameters": None}, "is no record of the small trackers"),
    ],
)
def test_a_record_that_does_not_fit_is_refused(folder: Path, change: dict, message: str):
    path = folder / "small_trackers_targets.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | change))
    with pytest.raises(InputError, match=message):
        shipped_scores("smoke")
    (folder / "small_trackers_targets.csv").unlink()
    with pytest.raises(InputError, match=r"^cannot read .*small_trackers_targets\.csv"):
        shipped_scores("smoke")


def test_trackers_run_where_there_is_no_record(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("DLATRACK_FIGURES", str(tmp_path))
    monkeypatch.setattr(paths, "root", lambda: tmp_path)
    monkeypatch.setattr(power, "shipped", lambda: ("siamcar_small", "dla_siamcar_small"))
    synthetic = shipped_scores("smoke")
    assert synthetic.imagery == "photographic"
    assert synthetic.source == "2 photographic videos"
    for seed in (3, 4):
        write_folder(synthetic_sequence(seed, 3, challenges=()), tmp_path / "clips")
    real = shipped_scores("smoke", clips=str(tmp_path / "clips"))
    assert real.imagery == "real"
    assert list(real.auc.index) == ["synthetic-0003", "synthetic-0004"]
    assert list(real.auc) == ["SiamCAR small, fixed rule", "DLA-SiamCAR small"]
    assert real.auc.gt(0).all(axis=None)


def test_twins_are_needed():
    lonely = TwinScores(pd.DataFrame({"static box": [0.1, 0.2], "DLA-T": [0.1, 0.2]}), "toys", True, {})
    with pytest.raises(InputError, match="no pair of twins among static box, DLA-T"):
        lonely.compare()
