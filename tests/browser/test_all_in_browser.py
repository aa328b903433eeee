"""Every notebook, opened in JupyterLab and run from top to bottom; on request, as it takes minutes.

`DLATRACK_BROWSER_ALL=1` asks for it.
"""

from __future__ import annotations

import os

import papermill
import pytest
from lab_browser import ARTEFACTS, CHROMIUM, open_lab

from dlatrack import paths

pytest.importorskip("playwright", reason="playwright is not installed")
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(CHROMIUM is None, reason="no Chromium on the path"),
    pytest.mark.skipif(not os.environ.get("DLATRACK_BROWSER_ALL"), reason="DLATRACK_BROWSER_ALL is not set"),
]

NOTEBOOKS = sorted(path.name for path in paths.notebooks_dir().glob("[0-9]*.ipynb"))


@pytest.fixture(scope="module")
def lab(tmp_path_factory):
    private = tmp_path_factory.mktemp("lab")
    folder = private / "notebooks"
    folder.mkdir()
    for name in NOTEBOOKS:
        papermill.execute_notebook(
            str(paths.notebooks_dir() / name),
            str(folder / name),
            {"preset": "smoke"},
            prepare_only=True,
            progress_bar=False,
        )
    places = {f"DLATRACK_{name}": str(private / name.lower()) for name in ("FIGURES", "RUNS", "CACHE")}
    with open_lab(folder, private, places) as lab:
        yield lab


@pytest.mark.parametrize("name", NOTEBOOKS)
def test_a_notebook_runs_from_top_to_bottom(lab, name):
    page = lab.open(name)
    errors = lab.run_all(page)
    page.screenshot(path=ARTEFACTS / f"{name.removesuffix('.ipynb')}.png")
    page.evaluate("() => window.jupyterapp.shell.currentWidget.sessionContext.shutdown()")
    page.close()
    assert errors == []
