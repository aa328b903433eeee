"""The saved laboratory, open in a browser."""

from __future__ import annotations

import pytest
from saved_page import SavedPage, chromium

from dlatrack.viz.laboratory import write_page


@pytest.fixture(scope="module")
def path(tmp_path_factory):
    return write_page(tmp_path_factory.mktemp("page") / "lab.html", frame=40)


@pytest.fixture(scope="module")
def browser():
    with chromium() as opened:
        yield opened


@pytest.fixture
def lab(browser, path):
    shown = SavedPage(browser, path)
    yield shown
    shown.close()
    assert shown.faults == [], "no error, and no request to anywhere"
