"""Notebooks: pairs agree, nothing is stored in them, and the small preset runs from top to bottom."""

from __future__ import annotations

import ast
import json

import jupytext
import nbformat
import pandas as pd
import pytest
from executed import PATIENCE, outputs

from dlatrack import paths
from dlatrack.errors import InputError
from dlatrack.notebooks.run import run_notebook

ROOT = paths.root()
NOTEBOOKS = sorted((ROOT / "notebooks").glob("[0-9]*.py"))


def cells(notebook):
    return [(c.cell_type, c.source.strip(), sorted(c.metadata.get("tags", []))) for c in notebook.cells]


@pytest.mark.parametrize("py", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_pair_agrees_and_is_clean(py):
    notebook = nbformat.read(py.with_suffix(".ipynb"), as_version=4)
    assert cells(jupytext.read(py)) == cells(notebook)
    assert not any(c.get("outputs") or c.get("execution_count") for c in notebook.cells)
    assert set(notebook.metadata) <= {"jupytext", "kernelspec"}
    assert py.with_suffix(".ipynb").stat().st_size < 40_000


@pytest.mark.parametrize("py", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_notebook_tells_and_the_library_does(py):
    for cell in jupytext.read(py).cells:
        if cell.cell_type == "code":
            lines = cell.source.splitlines()
            assert not any(line.startswith(("def ", "class ")) for line in lines)
            assert len(lines) <= 20, "a cell is a sentence"


@pytest.mark.parametrize("py", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_notebook_checks_its_parameters_before_it_uses_them(py):
    code = [cell for cell in jupytext.read(py).cells if cell.cell_type == "code"]
    assert "parameters" in code[0].metadata["tags"]
    statements = [ast.unparse(statement) for statement in ast.parse(code[1].source).body]
    others = [text for text in statements if not text.startswith(("import ", "from "))]
    assert others[0] == "check_injected(globals())"


@pytest.mark.parametrize("py", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_cell_has_the_names_of_what_it_keeps_as_tags(py):
    for cell in jupytext.read(py).cells[1:]:
        if cell.cell_type == "code" and "parameters" not in cell.metadata.get("tags", []):
            calls = [node for node in ast.walk(ast.parse(cell.source)) if isinstance(node, ast.Call)]
            kept = [call.args[1].value for call in calls if getattr(call.func, "attr", "") == "keep"]
            assert sorted(kept) == sorted(cell.metadata.get("tags", []))
            made = [call.args[0].value for call in calls if getattr(call.func, "id", "") == "NotebookRecord"]
            assert set(made) <= {py.stem}


def test_every_notebook_has_its_pair():
    assert {p.stem for p in NOTEBOOKS} == {p.stem for p in (ROOT / "notebooks").glob("*.ipynb")}
    assert {p.stem[:2] for p in NOTEBOOKS} >= {"01", "02", "03", "05", "06", "07", "08"}


@pytest.mark.slow
def test_01_shows_every_rule_on_one_frame(folders):
    path = run_notebook("01", preset="smoke", parameters={"candidates": 7}, timeout=PATIENCE)
    record = json.loads((folders / "figures" / "fig01.json").read_text())
    assert record["parameters"]["candidates"] == 7
    assert record["imagery"] == "photographic"
    data = json.loads((folders / "figures" / "fig01.data.json").read_text())
    assert data["positives"]["SiamCAR: rectangle 0.6, paper"] > data["positives"]["DLA, points, K = 7"] >= 1
    table = pd.read_csv(folders / "figures" / "fig01_counts.csv", index_col=0)
    assert table.loc["SiamFC: circle", "mean positives"] == pytest.approx(12.6, abs=2)
    assert "image/png" in outputs(path)


@pytest.mark.slow
def test_02_counts_parameters_beside_the_papers(folders):
    path = run_notebook("02", preset="smoke", parameters={"tracker": "siamcar"}, timeout=PATIENCE)
    counts = pd.read_csv(folders / "figures" / "02_parameters.csv", index_col=0)
    assert counts.loc["SiamCAR", "without backbone"] == 5_856_775
    assert counts["paper, M"].dropna().to_dict() == {"SiamRPN++": 17.25, "SiamCAR": 5.58}
    shapes = pd.read_csv(folders / "figures" / "02_shapes.csv", index_col=0)
    assert shapes.loc["centre-ness", "search, training"] == "1x25x25"
    assert "17.25" in outputs(path)
    found = pd.read_csv(folders / "figures" / "table01.csv")
    assert set(found["found_in"].dropna()) == {"miniature"}
    assert found.loc[found["dataset"].str.contains("OTB"), "paper"].notna().any()
    assert "no fault" in outputs(path)
    assert json.loads((folders / "figures" / "02_pairs.json").read_text())["imagery"] == "photographic"


@pytest.mark.slow
def test_03_trains_twins_and_scores_them(folders):
    path = run_notebook("03", preset="smoke", timeout=PATIENCE)
    table = pd.read_csv(folders / "figures" / "03_scores.csv", index_col=0)
    assert list(table.index) == ["SiamCAR nano, fixed rule", "DLA-SiamCAR nano", "static box"]
    assert ((table >= 0) & (table <= 1)).all(axis=None)
    assert "On photographs, simulated camera" in (folders / "figures" / "03_scores.md").read_text()
    weights = {p.name for p in (folders / "runs" / "weights").iterdir()}
    assert weights == {"siamcar_nano.safetensors", "dla_siamcar_nano.safetensors"}
    text = outputs(path)
    assert "photographic sequences" in text
    assert "One training run with one seed" in text


@pytest.mark.slow
def test_03_runs_on_folders_of_real_layout(folders):
    from dlatrack.datasets.folder import write_folder
    from dlatrack.datasets.synthetic import synthetic_sequences

    for sequence in synthetic_sequences(2, seed=70, length=8, challenges=()):
        write_folder(sequence, folders / "clips")
    clips = str(folders / "clips")
    run_notebook(
        "03", preset="smoke", parameters={"data": clips, "test_data": clips, "epochs": 1}, timeout=PATIENCE
    )
    record = json.loads((folders / "figures" / "03_scores.json").read_text())
    assert record["imagery"] == "real"
    assert record["parameters"]["data"] == "clips", "no absolute path in a record"


@pytest.mark.slow
def test_bad_input_inside_a_notebook_is_one_line(folders):
    with pytest.raises(InputError, match=r"^03_train_dla_siamcar\.ipynb: .*nowhere"):
        run_notebook("03", preset="smoke", parameters={"data": str(folders / "nowhere")}, timeout=PATIENCE)
