"""A browser for the tests of the laboratory, and the targets of the tests of label assignment."""

import sys
from pathlib import Path

import pytest

sys.path += [str(Path(__file__).parent), str(Path(__file__).parents[2] / "assign")]

from rules_page import open_browser, open_rules


@pytest.fixture(scope="module")
def browser():
    """A headless Chromium; a second one beside it would not start, so that it lives no longer than its tests."""
    with open_browser() as running:
        yield running


@pytest.fixture(scope="module")
def page(browser):
    """A page with the rules in JavaScript."""
    return open_rules(browser)
