"""Notebook 01 in a real JupyterLab: the slider, K and the rules reach the picture; screenshots stay in runs/."""

from __future__ import annotations

import json

import numpy as np
import papermill
import pytest
from dlatrack.viz.explorer import explain_frame
from lab_browser import ARTEFACTS, CHROMIUM, open_lab

from dlatrack import ScoreGrid, paths
from dlatrack.assign import build_assigner
from dlatrack.studies.label_assignment import study_sequence

pytest.importorskip("playwright", reason="playwright is not installed")
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(CHROMIUM is None, reason="no Chromium on the path"),
]

STEPS = 30
NAME = "01_label_assignment.ipynb"

#: Times from a key to the next picture on the screen, in ms, seen from inside the page.
_WATCH = """(picture) => {
  window.latencies = [];
  let pressed = null;
  document.addEventListener("keydown", () => { pressed = performance.now(); }, true);
  new MutationObserver(() => {
    if (pressed === null) { return; }
    const start = pressed;
    pressed = null;
    picture.decode().then(() => requestAnimationFrame(() => window.latencies.push(performance.now() - start)));
  }).observe(picture, { attributes: true, attributeFilter: ["src"] });
}"""


@pytest.fixture(scope="module")
def page(tmp_path_factory):
    """Notebook 01 in the small preset, all its cells run."""
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
    with open_lab(folder, private, places) as lab:
        page = lab.open(NAME)
        assert lab.run_all(page) == []
        yield page


def test_slider_k_and_rules_reach_the_picture(page):
    timeline, picture = (page.locator("img.widget-image").nth(number) for number in (0, 1))
    picture.wait_for()
    picture.scroll_into_view_if_needed()
    facts = page.locator(".widget-html-content", has_text="positive").filter(has_text="A:")
    slider = page.locator(".widget-slider").first
    handle = slider.locator(".noUi-handle")

    def changed(act, name):
        """Do something, and wait for another picture and another text of counts."""
        source, before, image = picture.get_attribute("src"), facts.inner_text(), picture.screenshot()
        act()
        page.wait_for_function(
            "([picture, source]) => picture.src !== source", arg=[picture.element_handle(), source]
        )
        page.wait_for_function(
            "([facts, before]) => facts.innerText !== before", arg=[facts.element_handle(), before]
        )
        picture.screenshot(path=ARTEFACTS / f"{name}.png")
        assert picture.screenshot() != image
        return facts.inner_text()

    page.get_by_text("more options, and what they mean").first.wait_for()
    page.screenshot(path=ARTEFACTS / "opened.png")
    rules = {"A": build_assigner("rectangle", ScoreGrid(), center_ratio=0.6)}
    rules["B"] = build_assigner("dla_points", ScoreGrid())
    view = explain_frame(study_sequence(), 40, rules)
    box = page.locator(".widget-text", has_text="box x, y, w, h").locator("input")
    assert box.input_value() == ", ".join(f"{value:.2f}" for value in view.box_xywh)
    assert "A: rectangle, center_ratio 0.6: 20 positive" in facts.inner_text()
    assert f"= {view.rules['B'].threshold:.3f}" in facts.inner_text(), "what the plain function says"
    start = timeline.screenshot()
    assert "frame 41 of" not in page.content()
    changed(lambda: handle.press("ArrowRight"), "next_frame")
    assert "frame 41 of 0..59" in page.content()
    assert timeline.screenshot() != start

    def drag_to(frame):
        drag(page, slider, handle, frame / 59)
        page.get_by_text(f"frame {frame} of 0..59").wait_for()

    changed(lambda: drag_to(10), "dragged_to_10")
    changed(lambda: drag_to(40), "dragged_to_40")

    k = page.locator(".widget-text", has_text="candidates").locator("input").first
    text = changed(lambda: (k.fill("4"), k.press("Enter")), "k_4")
    assert "dla_points, candidates 4" in text
    rule = page.locator(".widget-dropdown", has_text="rule A").locator("select")
    text = changed(lambda: rule.select_option("iou"), "iou_rule")
    assert "A: iou" in text

    source = picture.get_attribute("src")
    box.fill("1, 2, 3")
    box.press("Enter")
    page.get_by_role("alert").filter(has_text="a box is four numbers").wait_for()
    assert picture.get_attribute("src") == source
    page.screenshot(path=ARTEFACTS / "message.png")

    before = box.input_value()
    page.locator(".widget-slider .noUi-handle-lower").last.press("ArrowRight")
    page.wait_for_function("([box, before]) => box.value !== before", arg=[box.element_handle(), before])


def test_each_move_gives_one_picture_in_the_room_there_is(page):
    """Median and 95th percentile of the time from a key to the next picture are kept, not judged."""
    picture = page.locator("img.widget-image").nth(1)
    handle = page.locator(".widget-slider .noUi-handle").first
    laboratory = picture.locator("xpath=ancestor::*[contains(@class, 'jp-OutputArea-output')][1]")
    wide, room = laboratory.evaluate("(element) => [element.scrollWidth, element.clientWidth]")
    assert wide <= room, "no sideways scrolling at 1280 px"

    handle.press("End")
    page.get_by_text("frame 59 of 0..59").wait_for()
    picture.evaluate(_WATCH)
    for number in range(STEPS):
        handle.press("ArrowLeft")
        page.wait_for_function(f"() => window.latencies.length > {number}")
    page.get_by_text(f"frame {59 - STEPS} of 0..59").wait_for()
    latencies = page.evaluate("() => window.latencies")
    assert len(latencies) == STEPS
    median, p95 = np.percentile(latencies, [50, 95])
    report = {"key_to_picture_ms": {"median": round(median, 1), "p95": round(p95, 1), "steps": STEPS}}
    (ARTEFACTS / "latency.json").write_text(json.dumps(report) + "\n")


def drag(page, slider, handle, share: float) -> None:
    """Take the handle with the mouse, pull it to a share of the slider's length, and let it go."""
    bar, knob = slider.locator(".noUi-base").bounding_box(), handle.bounding_box()
    height = knob["y"] + knob["height"] / 2
    page.mouse.move(knob["x"] + knob["width"] / 2, height)
    page.mouse.down()
    page.mouse.move(bar["x"] + share * bar["width"], height, steps=12)
    page.mouse.up()
