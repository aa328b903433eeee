"""The gallery of figures, and the command that makes figures and gallery."""

from __future__ import annotations

import os
import re
import sys
from pathlib import Path

import jupytext
import pandas as pd
import pytest
from matplotlib.figure import Figure

from dlatrack import cli, paths
from dlatrack.errors import InputError
from dlatrack.imagery import Imagery
from dlatrack.ledger.gallery import write_gallery
from dlatrack.ledger.makers import made_by_notebooks, notebook_title, notebooks_for
from dlatrack.ledger.records import read_records
from dlatrack.notebooks.run import NotebookError
from dlatrack.provenance import save_table
from dlatrack.viz.save import save_figure

NOTEBOOK = """\
# %% [markdown]
# # 05 · OTB100: success
#
# Text.

# %% [markdown]
# ## Fig. 4: success and precision

# %% tags=["fig04_success", "table02"]
record.keep(figure, "fig04_success", curves)
record.keep(table, "table02")
"""


@pytest.fixture
def clone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A clone with three notebooks, of which one has text, and an empty folder of figures."""
    monkeypatch.setattr(paths, "root", lambda: tmp_path)
    monkeypatch.delenv("DLATRACK_FIGURES", raising=False)
    (tmp_path / "notebooks").mkdir()
    for stem in ("00_paper_at_a_glance", "05_evaluate_otb100", "09_hyperparameter_k"):
        (tmp_path / "notebooks" / f"{stem}.ipynb").write_text("{}")
    jupytext.write(
        jupytext.reads(NOTEBOOK, "py:percent"), tmp_path / "notebooks" / "05_evaluate_otb100.ipynb"
    )
    return tmp_path


def save(
    name: str, made_by: str, *, imagery: Imagery = "real", rows: int = 0, folder: Path | None = None
) -> None:
    folder = paths.published_figures_dir() if folder is None else folder
    parameters = {"preset": "demo", "data": "", "seed": 3, "hashes": {"a": "b"}}
    if rows:
        frame = pd.DataFrame({"AUC": range(rows)}, dtype=float)
        save_table(frame, name, made_by=made_by, parameters=parameters, imagery=imagery, folder=folder)
    else:
        figure = Figure(figsize=(1, 1))
        keep = {"made_by": made_by, "parameters": parameters, "imagery": imagery, "folder": folder}
        save_figure(figure, name, data={"x": 1}, **keep)


def test_a_gallery_by_hand(clone: Path):
    save("fig04_success", "notebooks/05_evaluate_otb100.py", imagery="synthetic")
    save("table02", "notebooks/05_evaluate_otb100.py", rows=3)
    save("long", "notebooks/05_evaluate_otb100.py", rows=21)
    save("small_trackers", "dlatrack weights compare", rows=1)
    text = write_gallery(clone / "figures").read_text()
    entry = """\
## 05 · OTB100: success

Made by [`05_evaluate_otb100`](../notebooks/05_evaluate_otb100.ipynb).

### fig04_success

Fig. 4: success and precision. **Synthetic data.**

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
    write_gallery(clone / "figures")
    assert (clone / "figures" / "README.md").read_bytes() == before


def test_an_empty_folder_has_a_gallery_too(clone: Path):
    assert "There is none yet" in write_gallery(clone / "figures").read_text()


def test_a_record_without_its_picture_is_named(clone: Path):
    save("fig04_success", "notebooks/05_evaluate_otb100.py")
    (clone / "figures" / "fig04_success.png").unlink()
    with pytest.raises(
        InputError,
        match=r"fig04_success\.json has neither a picture \(\.png, \.webp\) nor fig04_success\.md beside",
    ):
        write_gallery(clone / "figures")


def test_every_name_in_the_notebooks_is_found():
    made = made_by_notebooks()
    assert made["fig09a"].notebook == "09_hyperparameter_k"
    assert made["fig09a"].heading == "Fig. 9a: positives per target"
    assert made["00_ledger"].heading == "The claims ledger"
    assert (
        notebook_title("02_data_and_architecture")
        == "02 · What the networks are made of, and what they learn from"
    )
    assert notebook_title("99_none") == "99_none"


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
    for nothing in ("", " "):
        with pytest.raises(InputError, match="the name of a figure or table is empty"):
            notebooks_for(nothing, known)
    with pytest.raises(InputError, match="no notebook makes a figure or table 'f'"):
        notebooks_for("f", known)
    with pytest.raises(
        InputError,
        match=r"no notebook makes a figure or table 'fig2'; the nearest of 5 names are fig10, fig01, .*README\.md",
    ):
        notebooks_for("fig2", known)


@pytest.mark.parametrize(
    ("wanted", "nearest"), [("fig_07", "fig07"), ("tabel03", "table03"), ("fig13", "fig10")]
)
def test_an_unknown_figure_is_answered_with_the_few_that_are_most_like_it(wanted, nearest):
    known = [(f"{kind}{number:02}", "05_a") for kind in ("fig", "table") for number in range(1, 11)]
    with pytest.raises(InputError) as caught:
        notebooks_for(wanted, known)
    offered = str(caught.value).split("names are ")[1].split("; ")[0].split(", ")
    assert len(offered) == 5
    assert nearest in ", ".join(offered)


@pytest.fixture
def places() -> list[Path]:
    """Where the notebooks of `ran` would have saved."""
    return []


@pytest.fixture
def ran(clone: Path, places: list[Path], monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, str]]:
    """What would have been run, as stem and preset; notebook 05 fails, and 09 says that it lacks data."""
    calls = []

    def run_notebook(stem: str, *, preset: str) -> None:
        calls.append((stem, preset))
        places.append(paths.figures_dir())
        if stem.startswith("05"):
            raise NotebookError("05 stopped at In [2]: ValueError: broken")
        if preset == "paper":
            raise InputError(f"{stem}: this preset needs data")

    monkeypatch.setattr("dlatrack.notebooks.run.run_notebook", run_notebook)
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


def test_only_this_command_writes_the_figures_of_the_project(
    ran: list[tuple[str, str]],
    places: list[Path],
    clone: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
):
    monkeypatch.delenv("DLATRACK_RUNS", raising=False)
    assert paths.figures_dir() == clone / "runs" / "figures"
    call(monkeypatch, "--preset", "demo")
    assert set(places) == {clone / "figures"}
    assert "DLATRACK_FIGURES" not in os.environ
    places.clear()
    call(monkeypatch, "--preset", "smoke")
    assert set(places) == {clone / "runs" / "figures"}, "a try of seconds replaces nothing"
    assert (clone / "runs" / "figures" / "README.md").is_file()
    places.clear()
    monkeypatch.setenv("DLATRACK_FIGURES", str(tmp_path / "elsewhere"))
    call(monkeypatch, "--preset", "demo")
    assert set(places) == {tmp_path / "elsewhere"}
    assert os.environ["DLATRACK_FIGURES"] == str(tmp_path / "elsewhere")


def test_a_gallery_among_the_runs_links_to_the_notebooks(clone: Path):
    folder = clone / "runs" / "figures"
    save("fig04_success", "notebooks/05_evaluate_otb100.py", folder=folder)
    text = write_gallery(folder).read_text()
    assert "[`05_evaluate_otb100`](../../notebooks/05_evaluate_otb100.ipynb)" in text


def test_records_of_runs_stand_for_those_of_the_project_unless_they_are_of_a_try(
    clone: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.delenv("DLATRACK_RUNS", raising=False)
    runs, figure = paths.figures_dir(), Figure(figsize=(1, 1))
    for name in ("kept", "replaced", "other"):
        save(name, "notebooks/05_evaluate_otb100.py", rows=1)
    save("replaced", "notebooks/05_evaluate_otb100.py", rows=2, folder=runs)
    made = {"made_by": "notebooks/05_evaluate_otb100.py", "parameters": {"preset": "smoke"}, "folder": runs}
    for name in ("kept", "new"):
        save_figure(figure, name, data={"x": 1}, **made)
    found = read_records()
    assert {name: record.path.parent for name, record in found.items()} == {
        "kept": clone / "figures",
        "new": runs,
        "other": clone / "figures",
        "replaced": runs,
    }
    assert len(found["replaced"].table()) == 2
    assert read_records(clone / "figures").keys() == {"kept", "other", "replaced"}


def test_missing_data_fail_one_notebook_alone(ran: list[tuple[str, str]], monkeypatch: pytest.MonkeyPatch):
    assert call(monkeypatch, "--preset", "paper") == 1
    assert len(ran) == 3


def test_only_one_figure(ran: list[tuple[str, str]], monkeypatch: pytest.MonkeyPatch):
    save("fig09a", "notebooks/09_hyperparameter_k.py")
    assert call(monkeypatch, "--only", "fig09", "--preset", "smoke") == 0
    assert ran == [("09_hyperparameter_k", "smoke")], "known from its record alone"
    assert call(monkeypatch, "--only", "TABLE02") == 1
    assert ran[1:] == [("05_evaluate_otb100", "demo")], "known from the notebook's text"


def test_several_figures_are_all_made(ran: list[tuple[str, str]], monkeypatch: pytest.MonkeyPatch):
    save("fig09a", "notebooks/09_hyperparameter_k.py")
    assert call(monkeypatch, "--only", "table02", "--only", "fig9", "--preset", "smoke") == 1
    assert [stem for stem, _ in ran] == ["05_evaluate_otb100", "09_hyperparameter_k"]
    assert call(monkeypatch, "--only", "nosuch", "--only", "fig9") == 2, "an unknown one stops all"
    assert len(ran) == 2


def test_the_gallery_alone(ran: list[tuple[str, str]], clone: Path, monkeypatch: pytest.MonkeyPatch):
    assert call(monkeypatch, "--gallery-only") == 0
    assert ran == []
    assert (clone / "figures" / "README.md").is_file()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (
            ["--only", "fig99"],
            "no notebook makes a figure or table 'fig99'; none is near it; figures/README.md shows all",
        ),
        (
            ["--only", "fig04_sucess"],
            "'fig04_sucess'; the nearest of 2 names are fig04_success; figures/README.md shows all",
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


def test_the_committed_gallery_has_every_committed_figure(committed_figures: Path):
    text = (committed_figures / "README.md").read_text()
    shown = set(re.findall(r"^### ([\w-]+)$", text, re.MULTILINE))
    assert shown == read_records(committed_figures).keys()
