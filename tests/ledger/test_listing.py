"""The list of figures with command, minutes and data, and the times of notebooks that it reads."""

from __future__ import annotations

import json
from pathlib import Path

import pandas as pd
import pytest

from dlatrack import paths
from dlatrack.errors import InputError
from dlatrack.imagery import Imagery
from dlatrack.ledger.listing import MINUTES, Took, checklist, keep_minutes, listed_figures, read_minutes
from dlatrack.provenance import save_table
from tests.command import call


@pytest.fixture
def figures(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of figures, the only one."""
    folder = tmp_path / "figures"
    folder.mkdir()
    monkeypatch.setattr(paths, "figure_sources", lambda: (folder,))
    return folder


def save(name: str, made_by: str, folder: Path, imagery: Imagery = "real") -> None:
    frame = pd.DataFrame({"AUC": [0.5]})
    save_table(frame, name, made_by=made_by, parameters={}, imagery=imagery, folder=folder)


def test_each_has_its_command_the_time_of_its_notebook_and_its_data(figures: Path) -> None:
    save("study_families", "dlatrack study report", figures)
    save("table02", "notebooks/05_evaluate_otb100.py", figures, "synthetic")
    keep_minutes(figures, {"05_evaluate_otb100": 93.0}, "demo")
    table, study = listed_figures()
    assert (table.name, table.command) == ("table02", "dlatrack figures --only table02")
    assert table.took is not None
    assert (table.took.minutes, table.took.preset) == (1.6, "demo")
    assert table.data == "rendered or simulated here"
    assert (study.command, study.took) == ("dlatrack study report", None)
    assert study.data == "no images, real ones, or what is published"
    assert (study.needs, table.needs) == ("", "")


def test_what_an_outsider_needs_is_told(figures: Path) -> None:
    frame, keep = (
        pd.DataFrame({"AUC": [0.5]}),
        {"made_by": "notebooks/05_evaluate_otb100.py", "folder": figures},
    )
    save_table(frame, "fig04_published", parameters={"results_sha256": {}}, imagery="real", **keep)
    save_table(frame, "small_trackers", parameters={"clips": "video"}, imagery="real", **keep)
    keep_minutes(figures, {"05_evaluate_otb100": 60.0}, "demo")
    needs = {one.name: one.needs for one in listed_figures(figures)}
    assert needs == {
        "fig04_published": "public result files: `dlatrack results fetch`",
        "small_trackers": "a folder of real clips",
    }
    page = checklist(figures)
    digest = listed_figures(figures)[0].sha256
    assert (
        f"| 1 | no images, real ones, or what is published | a folder of real clips | `{digest[:12]}` |"
        in page
    )


def test_times_of_other_notebooks_stay(figures: Path) -> None:
    keep_minutes(figures, {"01_a": 60.0, "02_b": 120.0}, "demo")
    keep_minutes(figures, {"02_b": 30.0}, "paper")
    found = read_minutes()
    assert {stem: (took.minutes, took.preset) for stem, took in found.items()} == {
        "01_a": (1.0, "demo"),
        "02_b": (0.5, "paper"),
    }
    assert isinstance(found["01_a"], Took)
    (figures / MINUTES).write_text(json.dumps({"01_a": {"minutes": "soon"}}))
    with pytest.raises(InputError, match=r"notebooks\.report\.json"):
        keep_minutes(figures, {"02_b": 30.0}, "demo")


def test_the_command(
    figures: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    save("table02", "notebooks/05_evaluate_otb100.py", figures)
    status, out, _ = call(monkeypatch, capsys, "figures", "--list")
    assert status == 0
    assert "dlatrack figures --only table02" in out
    assert out.rstrip().endswith("minutes are those of the whole notebook")
    keep_minutes(figures, {"05_evaluate_otb100": 600.0}, "demo")
    _, out, _ = call(monkeypatch, capsys, "figures", "--list", "--only", "table02")
    assert " 10 " in out
    assert "preset demo" in out
