"""Every notebook, opened in JupyterLab and run from top to bottom; on request, as it takes minutes.

`DLATRACK_BROWSER_ALL=1` asks for it.
"""

from __future__ import annotations

import os

import pytest
from lab_browser import ARTEFACTS, CHROMIUM, serve_notebooks

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
    with serve_notebooks(NOTEBOOKS, tmp_path_factory.mktemp("lab")) as opened:
        yield opened


@pytest.mark.parametrize("name", NOTEBOOKS)
def test_a_notebook_runs_from_top_to_bottom(lab, name):
    page = lab.open(name)
    errors = lab.run_all(page)
    page.screenshot(path=ARTEFACTS / f"{name.removesuffix('.ipynb')}.png")
    page.evaluate("() => window.jupyterapp.shell.currentWidget.sessionContext.shutdown()")
    page.close()
    assert errors == []
