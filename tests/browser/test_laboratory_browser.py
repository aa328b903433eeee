"""Notebook 01 in a real JupyterLab: the mouse moves the box, rules ask Python, and what is set survives."""

from __future__ import annotations

import numpy as np
import pytest
from jupyter_page import JupyterPage
from lab_browser import ARTEFACTS, CHROMIUM, serve_notebooks

pytest.importorskip("playwright", reason="playwright is not installed")
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(CHROMIUM is None, reason="no Chromium on the path"),
]

NAME = "01_label_assignment.ipynb"


@pytest.fixture(scope="module")
def lab(tmp_path_factory):
    with serve_notebooks([NAME], tmp_path_factory.mktemp("lab")) as opened:
        yield opened


@pytest.fixture(scope="module")
def shown(lab):
    """Notebook 01 in the small preset, all its cells run."""
    opened = JupyterPage(lab, NAME)
    assert opened.errors == []
    return opened


@pytest.fixture(scope="module")
def page(shown):
    return shown.page


def count(page, number: int, text: str) -> None:
    """Wait until a picture has so many positives."""
    page.locator(".dl-count").nth(number).filter(has_text=text).wait_for()


def test_fifty_drags_end_under_the_mouse(shown):
    count(shown.page, 0, "20 positive")
    assert max(shown.drags(50)) <= 1
    shown.page.keyboard.press("Escape")
    count(shown.page, 0, "20 positive")
    shown.page.screenshot(path=ARTEFACTS / "opened.png")


def test_keys_move_the_box(shown):
    before = shown.target()
    shown.root.locator(".dl-box").first.focus()
    for key in ("ArrowRight", "Shift+ArrowDown", "Alt+ArrowRight"):
        shown.page.keyboard.press(key)
    shown.settle()
    assert shown.target() == pytest.approx(np.add(before, [1, 8, 2, 8]), abs=0.11)
    shown.page.keyboard.press("Escape")
    shown.settle()
    assert shown.target() == before


def test_wheel_and_fingers_zoom_and_a_finger_drags(shown):
    before = shown.target()
    wide = shown.root.locator(".dl-box").first.bounding_box()["width"]
    shown.page.mouse.click(*shown.grip(0, ""))
    shown.page.mouse.wheel(0, -300)
    shown.settle()
    assert shown.root.locator(".dl-box").first.bounding_box()["width"] > 1.4 * wide
    assert shown.drag(1, "", (25, -15)) <= 1
    shown.page.keyboard.press("Escape")
    shown.settle()
    shown.pinch(2)
    assert shown.root.locator(".dl-box").first.bounding_box()["width"] == pytest.approx(2 * wide, rel=0.1)
    assert shown.target() == before
    shown.page.keyboard.press("Escape")
    start = shown.grip(0, "")
    shown.fingers("touchStart", start)
    for far in (6, 12, 18):
        shown.fingers("touchMove", (start[0] + far, start[1] + far / 2))
    shown.fingers("touchEnd")
    assert np.abs(np.subtract(shown.grip(0, ""), (start[0] + 18, start[1] + 9))).max() <= 1
    shown.root.locator(".dl-box").first.press("Escape")
    shown.settle()


def test_it_plays_and_steps(shown):
    shown.root.locator(".dl-play").click()
    shown.page.wait_for_function("() => document.querySelector('.dl-lab').dataset.shown === '43'")
    shown.root.locator(".dl-play").click()
    shown.root.locator(".dl-strip").press("Home")
    shown.page.wait_for_function("() => document.querySelector('.dl-lab').dataset.shown === '0'")
    assert len(shown.frame_times(5)) == 5
    shown.page.wait_for_function("() => document.querySelector('.dl-lab').dataset.shown === '5'")


def test_the_theme_can_change_and_nothing_scrolls_sideways(shown):
    before = shown.root.locator(".dl-box").first.bounding_box()
    for theme in ("JupyterLab Dark", "JupyterLab Light"):
        shown.theme(theme)
        ink = shown.root.evaluate("(lab) => getComputedStyle(lab).color")
        assert (int(ink.split("(")[1].split(",")[0]) > 128) == (theme == "JupyterLab Dark"), ink
        shown.page.screenshot(path=ARTEFACTS / f"{theme}.png")
    assert shown.root.locator(".dl-box").first.bounding_box() == before
    room = shown.root.locator("xpath=ancestor::*[contains(@class, 'jp-OutputArea-output')][1]")
    wide, narrow = room.evaluate("(element) => [element.scrollWidth, element.clientWidth]")
    assert wide <= narrow


def test_rules_with_predictions_ask_python(shown, page):
    page.get_by_label("rule A", exact=True).select_option("tal")
    count(page, 0, "13 positive")
    page.mouse.move(3, 3)
    page.get_by_label("network", exact=True).select_option("siamcar_small")
    line = page.locator(".dl-readout p").first
    line.filter(has_text="612 negative").wait_for()
    page.get_by_label("network", exact=True).select_option("untrained nanotrack_v3")
    line.filter(has_not_text="612 negative").wait_for()
    shown.drag(1, "", (15, 10))
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


def test_a_reloaded_page_shows_what_is_set(lab, shown, page):
    page.evaluate("() => window.jupyterapp.commands.execute('docmanager:save')")
    again = JupyterPage(lab, NAME, run=False)
    again.root.locator(".dl-where").filter(has_text="frame 0 of 0..59").wait_for()
    assert again.root.get_by_label("K", exact=True).first.input_value() == "5"
    assert again.drag(0, "", (10, 5)) <= 1
    again.root.locator(".dl-box").first.press("Escape")
    again.page.close()


def test_it_lives_on_without_the_kernel(page):
    """Frames that were seen and geometric rules need no kernel; a restart is said in one line."""
    page.evaluate("() => window.panel.sessionContext.session.kernel.restart()")
    page.wait_for_timeout(1500)
    shown = page.locator(".dl-lab").first
    shown.scroll_into_view_if_needed()
    before = shown.locator(".dl-readout p").nth(1).inner_text()
    shown.get_by_label("K", exact=True).first.fill("30")
    page.wait_for_timeout(300)
    assert shown.locator(".dl-readout p").nth(1).inner_text() != before
    assert shown.locator(".dl-stage").count() == 3
    shown.locator(".dl-strip").press("PageUp")  # a frame that was not seen yet
    shown.locator(".dl-stage.dl-missing").first.wait_for()
    assert shown.locator(".dl-box:visible").count() == 0, "no labels on the picture of another frame"
    shown.locator(".dl-message.dl-wrong").wait_for()
