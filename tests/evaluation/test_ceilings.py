"""The table of docs/evaluation.md: what the truth scores against itself."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from dlatrack import paths
from dlatrack.errors import InputError
from dlatrack.evaluation.protocols import PROTOCOLS
from dlatrack.evaluation.scoring import score_tracker
from dlatrack.evaluation.truth_source import read_truth

FILES = {"OTB100": "otb100", "UAV123": "uav123", "LaSOT": "lasot_test"}


def documented() -> dict[tuple[str, str], str]:
    """Cells by protocol and benchmark."""
    text = (paths.root() / "docs" / "evaluation.md").read_text().split("## What a perfect tracker scores")[1]
    rows = re.findall(r"^\| `(\w+)` \|(.*)\|$", text, re.MULTILINE)
    return {
        (protocol, benchmark): cell.strip()
        for protocol, cells in rows
        for benchmark, cell in zip(FILES, cells.split("|"), strict=True)
    }


def test_every_protocol_is_in_the_table():
    assert documented().keys() == {(p, b) for p in PROTOCOLS for b in FILES}


@pytest.mark.slow
@pytest.mark.parametrize("benchmark", FILES)
def test_the_truth_against_itself_scores_what_the_table_says(shared_data: Path, benchmark):
    truth = read_truth(benchmark, shared_data / "benchmarks" / "gt" / f"{FILES[benchmark]}_gt.json.gz")
    for protocol in PROTOCOLS:
        cell = documented()[protocol, benchmark]
        if cell.startswith("refused"):
            with pytest.raises(InputError, match=f"which {protocol} refuses"):
                score_tracker("truth", truth.boxes, truth, protocol)
            continue
        result = score_tracker("truth", truth.boxes, truth, protocol).as_dict()
        answers = [result[key] for key in ("auc", "precision", "norm_precision")]
        expected = [None if text == "-" else float(text) for text in cell.split(" / ")]
        for answer, value in zip(answers, expected, strict=True):
            assert answer == (None if value is None else pytest.approx(value, abs=1e-6)), (protocol, cell)
