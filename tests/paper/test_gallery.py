"""The gallery of figures, and the command that makes figures and gallery."""

from __future__ import annotations

import re
import sys
from pathlib import Path

import pandas as pd
import pytest
from matplotlib.figure import Figure

from dlatrack import cli, paths
from dlatrack.errors import InputError
from dlatrack.notebooks import NotebookError
from dlatrack.paper import commands
from dlatrack.paper.gallery import write_gallery
from dlatrack.paper.makers import made_by_notebooks, notebooks_for, title
from dlatrack.paper.records import read_records
from dlatrack.provenance import save_figure, save_table

NOTEBOOK = """\
# %% [markdown]
# # 05 · OTB100: success
#
# Text.

# %% [markdown]
# ## Fig. 4: success and precision

# %%
save_figure(
    figure, "fig04_success", data=curves, **keep)
save_table(table.round(2), "table02", **keep)
"""


@pytest.fixture
def clone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A clone with three notebooks, of which one has text, and an empty folder of figures."""
    monkeypatch.setattr(paths, "root", lambda: tmp_path)
    monkeypatch.delenv("DLATRACK_FIGURES", raising=False)
    (tmp_path / "notebooks").mkdir()
    for stem in ("00_paper_at_a_glance", "05_evaluate_otb100", "09_hyperparameter_k"):
        (tmp_path / "notebooks" / f"{stem}.ipynb").write_text("{}")
    (tmp_path / "notebooks" / "05_evaluate_otb100.py").write_text(NOTEBOOK)
    return tmp_path


def save(name: str, made_by: str, *, synthetic: bool = False, rows: int = 0) -> None:
    parameters = {"preset": "demo", "data": "", "seed": 3, "hashes": {"a": "b"}}
    if rows:
        frame = pd.DataFrame({"AUC": range(rows)}, dtype=float)
        save_table(frame, name, made_by=made_by, parameters=parameters, synthetic=synthetic)
    else:
        figure = Figure(figsize=(1, 1))
        save_figure(figure, name, data={"x": 1}, made_by=made_by, parameters=parameters, synthetic=synthetic)


def test_a_gallery_by_hand(clone: Path):
    save("fig04_success", "notebooks/05_evaluate_otb100.py", synthetic=True)
    save("table02", "notebooks/05_evaluate_otb100.py", rows=3)
    save("long", "notebooks/05_evaluate_otb100.py", rows=21)
    save("small_trackers", "dlatrack weights compare", rows=1)
    text = write_gallery().read_text()
    entry = """\
## 05 · OTB100: success

Made by [`05_evaluate_otb100`](../notebooks/05_evaluate_otb100.ipynb).

### fig04_success

Fig. 4: success and precision. **Synthetic.**

![Fig. 4: success and precision, fig04_success](fig04_success.png)

[SVG](fig04_success.svg) · [numbers](fig04_success.data.json) · [record](fig04_success.json)

Parameters: `preset "demo", seed 3`
"""
    assert entry in text
    assert "| AUC |\n| ---: |\n| 0.000 |\n| 1.000 |\n| 2.000 |\n" in text
    assert "### long\n\nLong.\n\n21 rows.\n\n[CSV](long.csv)" in text
    assert text.index("## 05") < text.index("## `dlatrack weights compare`")
    order = [text.index(f"### {name}") for name in ("fig04_success", "table02", "long", "small_trackers")]
    assert order == sorted(order)
    before = (clone / "figures" / "README.md").read_bytes()
    write_gallery()
    assert (clone / "figures" / "README.md").read_bytes() == before


def test_an_empty_folder_has_a_gallery_too(clone: Path):
    assert "There is none yet" in write_gallery().read_text()


def test_a_record_without_its_picture_is_named(clone: Path):
    save("fig04_success", "notebooks/05_evaluate_otb100.py")
    (clone / "figures" / "fig04_success.png").unlink()
    with pytest.raises(
        InputError, match=r"fig04_success\.json has neither fig04_success\.png nor fig04_success\.md"
    ):
        write_gallery()


def test_every_name_in_the_notebooks_is_found():
    made = made_by_notebooks()
    assert made["fig09a"].notebook == "09_hyperparameter_k"
    assert made["fig09a"].heading == "Fig. 9a: positives per target"
    assert made["00_ledger"].heading == "The claims ledger"
    assert title("02_data_and_architecture") == "02 · What the networks are made of, and what they learn from"
    assert title("99_none") == "99_none"


def test_a_figure_is_found_by_its_name_or_the_beginning_of_it():
    known = [
        ("fig01", "01_a"),
        ("fig10", "10_b"),
        ("fig09a", "09_c"),
        ("fig09b", "09_c"),
        ("09_scores", "09_c"),
    ]
    for wanted in ("fig09", "fig9", "fig09b", "fig9b", "09_scores"):
        assert notebooks_for(wanted, known) == ["09_c"]
    assert notebooks_for("fig1", known) == ["01_a"], "and not fig10"
    assert notebooks_for("fig10", known) == ["10_b"]
    with pytest.raises(
        InputError, match="no notebook makes a figure or table 'fig2'; choose from 09_scores, fig01"
    ):
        notebooks_for("fig2", known)


@pytest.fixture
def ran(clone: Path, monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, str]]:
    """What would have been run, as stem and preset; notebook 05 fails, and 09 says that it lacks data."""
    calls = []

    def run_notebook(stem: str, *, preset: str) -> None:
        calls.append((stem, preset))
        if stem.startswith("05"):
            raise NotebookError("05 stopped at In [2]: ValueError: broken")
        if preset == "paper":
            raise InputError(f"{stem}: this preset needs data")

    monkeypatch.setattr(commands, "run_notebook", run_notebook)
    return calls


def call(monkeypatch: pytest.MonkeyPatch, *arguments: str) -> int:
    monkeypatch.setattr(sys, "argv", ["dlatrack", "figures", *arguments])
    with pytest.raises(SystemExit) as stop:
        cli.main()
    return int(stop.value.code or 0)


def test_a_failing_notebook_does_not_stop_the_others(
    ran: list[tuple[str, str]],
    clone: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
):
    assert call(monkeypatch) == 1
    order = ["05_evaluate_otb100", "09_hyperparameter_k", "00_paper_at_a_glance"]
    assert ran == [(stem, "demo") for stem in order], "the ledger reads what the others left"
    captured = capsys.readouterr()
    assert captured.err == "dlatrack: 1 failed: 05 stopped at In [2]: ValueError: broken\n"
    for line in (
        "[1/3] 05_evaluate_otb100, preset demo",
        "[1/3] 05_evaluate_otb100 FAILED after 0.0 s; 2 left",
        "[3/3] 00_paper_at_a_glance took 0.0 s; 0 left",
        "2 of 3 notebooks ran, in 0.0 s",
        f"gallery written to {clone / 'figures' / 'README.md'}",
    ):
        assert line in captured.out.splitlines()
    assert (clone / "figures" / "README.md").is_file()


def test_missing_data_fail_one_notebook_alone(ran: list[tuple[str, str]], monkeypatch: pytest.MonkeyPatch):
    assert call(monkeypatch, "--preset", "paper") == 1
    assert len(ran) == 3


def test_only_one_figure(ran: list[tuple[str, str]], monkeypatch: pytest.MonkeyPatch):
    save("fig09a", "notebooks/09_hyperparameter_k.py")
    assert call(monkeypatch, "--only", "fig09", "--preset", "smoke") == 0
    assert ran == [("09_hyperparameter_k", "smoke")], "known from its record alone"
    assert call(monkeypatch, "--only", "table02") == 1
    assert ran[1:] == [("05_evaluate_otb100", "demo")], "known from the notebook's text"


def test_the_gallery_alone(ran: list[tuple[str, str]], clone: Path, monkeypatch: pytest.MonkeyPatch):
    assert call(monkeypatch, "--gallery-only") == 0
    assert ran == []
    assert (clone / "figures" / "README.md").is_file()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (
            ["--only", "fig99"],
            "no notebook makes a figure or table 'fig99'; choose from fig04_success, table02",
        ),
        (["--preset", "huge"], "preset must be one of smoke, demo, paper, got 'huge'"),
        (["--only", "fig09", "--gallery-only"], "--only fig09 runs a notebook and --gallery-only runs none"),
    ],
)
def test_what_cannot_be_asked_for(
    ran: list[tuple[str, str]],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    arguments: list[str],
    message: str,
):
    assert call(monkeypatch, *arguments) == 2
    assert message in capsys.readouterr().err
    assert ran == []


def test_the_committed_gallery_has_every_committed_figure():
    folder = paths.root() / "figures"
    shown = set(re.findall(r"^### ([\w-]+)$", (folder / "README.md").read_text(), re.MULTILINE))
    assert shown == read_records(folder).keys()
