"""Notebook 01 in a real JupyterLab: the mouse moves the box, rules ask Python, and what is set survives."""

from __future__ import annotations

import papermill
import pytest
from lab_browser import ARTEFACTS, CHROMIUM, open_lab

from dlatrack import paths

pytest.importorskip("playwright", reason="playwright is not installed")
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(CHROMIUM is None, reason="no Chromium on the path"),
]

NAME = "01_label_assignment.ipynb"


@pytest.fixture(scope="module")
def lab(tmp_path_factory):
    private = tmp_path_factory.mktemp("lab")
    folder = private / "notebooks"
    folder.mkdir()
    papermill.execute_notebook(
        str(paths.notebooks_dir() / NAME),
        str(folder / NAME),
        {"preset": "smoke"},
        prepare_only=True,
        progress_bar=False,
    )
    places = {f"DLATRACK_{name}": str(private / name.lower()) for name in ("FIGURES", "RUNS", "CACHE")}
    with open_lab(folder, private, places) as opened:
        yield opened


@pytest.fixture(scope="module")
def page(lab):
    """Notebook 01 in the small preset, all its cells run."""
    page = lab.open(NAME)
    assert lab.run_all(page) == []
    page.set_default_timeout(60_000)
    page.evaluate("() => { window.panel = window.jupyterapp.shell.currentWidget; }")
    page.locator(".dl-lab[data-painted]").first.scroll_into_view_if_needed()
    page.locator(".dl-stage:not(.dl-missing)").first.wait_for()
    page.wait_for_timeout(500)
    return page


def grip(page, picture: int, x: float = 0.5, y: float = 0.5) -> tuple[float, float]:
    """Where a part of the box is on the screen."""
    box = page.locator(".dl-box").nth(picture).bounding_box()
    return box["x"] + x * box["width"], box["y"] + y * box["height"]


def drag(page, picture: int, x: float, y: float, by: tuple[float, float]) -> float:
    """Drag a part of the box; how far it ended from where the mouse was released, px."""
    start = grip(page, picture, x, y)
    page.mouse.move(*start)
    page.mouse.down()
    page.mouse.move(start[0] + by[0], start[1] + by[1], steps=8)
    page.mouse.up()
    page.wait_for_timeout(60)
    end = grip(page, picture, x, y)
    return max(abs(end[axis] - start[axis] - by[axis]) for axis in (0, 1) if (x, y)[axis] != 0.5 or x == y)


def count(page, number: int, text: str) -> None:
    """Wait until a picture has so many positives."""
    page.locator(".dl-count").nth(number).filter(has_text=text).wait_for()


def test_drags_end_under_the_mouse(page):
    count(page, 0, "20 positive")
    errors = []
    for number in range(10):
        x, y = ((0.5, 0.5), (0, 0), (1, 1), (1, 0), (0, 1))[number % 5]
        errors.append(drag(page, number % 3, x, y, ((-1) ** number * 20, 12 - 4 * (number % 5))))
    assert max(errors) <= 1
    page.keyboard.press("Escape")
    count(page, 0, "20 positive")
    page.screenshot(path=ARTEFACTS / "opened.png")


def test_no_scroll_sideways(page):
    room = page.locator(".dl-lab").first.locator(
        "xpath=ancestor::*[contains(@class, 'jp-OutputArea-output')][1]"
    )
    wide, narrow = room.evaluate("(element) => [element.scrollWidth, element.clientWidth]")
    assert wide <= narrow


def test_rules_with_predictions_ask_python(page):
    page.get_by_label("rule A", exact=True).select_option("tal")
    count(page, 0, "13 positive")
    page.mouse.move(3, 3)
    page.get_by_label("network", exact=True).select_option("siamcar_small")
    line = page.locator(".dl-readout p").first
    line.filter(has_text="612 negative").wait_for()
    page.get_by_label("network", exact=True).select_option("untrained nanotrack_v3")
    line.filter(has_not_text="612 negative").wait_for()
    drag(page, 1, 0.5, 0.5, (15, 10))
    page.locator(".dl-count").first.wait_for()
    page.screenshot(path=ARTEFACTS / "predictions.png")
    page.get_by_label("rule A", exact=True).select_option("autoassign")
    page.get_by_label("network", exact=True).select_option("siamrpnpp_small")
    message = page.locator(".dl-message.dl-wrong")
    message.filter(has_text="the rule is defined for points").wait_for()
    page.get_by_label("rule A", exact=True).select_option("rectangle")


def test_a_second_view_and_a_reload_show_what_is_set(lab, page):
    page.get_by_label("K", exact=True).first.fill("5")
    page.locator(".dl-strip").press("Home")
    page.locator(".dl-where").filter(has_text="frame 0 of 0..59").wait_for()
    page.wait_for_timeout(400)
    page.evaluate(
        """async () => {
          const sources = panel.content.widgets.map((each) => each.model.sharedModel.source);
          panel.content.activeCellIndex = sources.findIndex((source) => source.startsWith("compared"));
          await window.jupyterapp.commands.execute("notebook:create-output-view");
        }"""
    )
    page.locator(".dl-lab").nth(1).locator(".dl-where").filter(has_text="frame 0 of 0..59").wait_for()
    assert page.locator(".dl-lab").nth(1).get_by_label("K", exact=True).first.input_value() == "5"


def test_it_lives_on_without_the_kernel(page):
    """Frames that were seen and geometric rules need no kernel; a restart is said in one line."""
    page.evaluate("() => window.panel.sessionContext.session.kernel.restart()")
    page.wait_for_timeout(1500)
    shown = page.locator(".dl-lab").first
    shown.scroll_into_view_if_needed()
    before = shown.locator(".dl-count").nth(1).inner_text()
    shown.get_by_label("K", exact=True).first.fill("30")
    page.wait_for_timeout(300)
    assert shown.locator(".dl-count").nth(1).inner_text() != before
    assert shown.locator(".dl-stage").count() == 3
    shown.locator(".dl-strip").press("PageUp")  # a frame that was not seen yet
    shown.locator(".dl-stage.dl-missing").first.wait_for()
    assert shown.locator(".dl-box:visible").count() == 0, "no labels on the picture of another frame"
    shown.locator(".dl-message.dl-wrong").wait_for()
