"""The widget in a browser: sentences of rules that Python answers, boxes by hand, and calls in Python."""

from __future__ import annotations

import re

import numpy as np
import pytest
from widget_page import WidgetPage

from dlatrack.assign import ASSIGNERS, register_assigner
from dlatrack.assign.circle import CircleAssigner
from dlatrack.datasets.sequence import Sequence
from dlatrack.models.weights import find_weights
from dlatrack.viz.laboratory import explore

pytestmark = pytest.mark.slow


@pytest.fixture
def opened(browser):
    """A function that opens a laboratory; no page may have an error."""
    pages = []

    def show(laboratory, views=1):
        pages.append(WidgetPage(browser, laboratory, views))
        return pages[-1]

    yield show
    for shown in pages:
        shown.close()
        assert shown.faults == []


def middle(shown):
    """Point at the middle of the target on picture A, and return the line about rule A."""
    box = shown.page.locator(".dl-box").first.bounding_box()
    shown.page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    shown.page.wait_for_timeout(100)
    return shown.text(".dl-readout p", 0)


@pytest.mark.parametrize(
    ("rule", "number"),
    [
        ("simota", r"its cost -?[\d.]+ is number \d+ of the \d+ cheapest: positive"),
        ("ota", "the cheapest transport plan gives it to the target: positive"),
        (
            "paa",
            r"it is number \d+ by loss, and the mixture puts it (not )?on the side of the positives: \w+",
        ),
        ("tal", r"t = [\d.]+ is number \d+ of the 13 largest: positive"),
        ("autoassign", r"inside the target it weighs [\d.]+ by its distance from the centre: positive"),
    ],
)
def test_rules_with_predictions_say_why(opened, rule, number):
    shown = opened(explore(frame=40, rules=((rule, {}), ("dla_points", {}))))
    shown.field("network").select_option("siamcar_small")
    shown.see(".dl-count", "positive")
    shown.page.wait_for_timeout(500)
    said = middle(shown)
    seen = r"The network answers [\d.]+ here, with a box of IoU [\d.]+; "
    assert re.search(f"{seen}{number}\\.$", said), said
    for x in (0.2, 0.35, 0.5, 0.65, 0.8):
        shown.page.mouse.move(*shown.place(x, 0.45))
        shown.page.wait_for_timeout(40)
        said = shown.text(".dl-readout p", 0)
        assert re.search(rf"{seen}.*: (positive|negative)\.$", said), said
        assert not re.search("NaN|undefined|null|Infinity", said), said


def test_rules_of_the_reader_say_what_they_label(opened):
    before = dict(ASSIGNERS)
    try:
        register_assigner("wide_circle", CircleAssigner)
        shown = opened(explore(rules=(("wide_circle", {"inner": 30.0, "outer": 40.0}), ("dla_points", {}))))
        shown.see(".dl-count", "positive")
        assert middle(shown).endswith("The rule itself decides: positive.")
    finally:
        ASSIGNERS.clear()
        ASSIGNERS.update(before)


def bare():
    """A video without boxes."""
    frames = np.random.default_rng(1).integers(0, 255, (3, 120, 200, 3), np.uint8)
    return Sequence("bare", frames, np.full((3, 4), np.nan), np.zeros(3, bool))


def test_boxes_by_hand_are_there_in_a_reloaded_page_and_a_second_view(opened):
    lab = explore(bare())
    shown = opened(lab, 2)
    shown.drag((0.4, 0.4), (0.6, 0.6))
    shown.see(".dl-count", "positive")
    box = shown.field("box x1, y1, x2, y2, px of the search region").input_value()
    call = shown.python_call()
    assert "box_xywh=(" in call
    shown.see(".dl-count", "positive", 3)
    assert shown.field("box x1, y1, x2, y2, px of the search region", 1).input_value() == box
    reloaded = opened(lab)
    reloaded.see(".dl-count", "positive")
    assert reloaded.field("box x1, y1, x2, y2, px of the search region").input_value() == box
    assert reloaded.python_call() == call


def test_two_views_follow_each_other(opened):
    shown = opened(explore(frame=40), 2)
    shown.field("K").fill("5")
    shown.page.wait_for_timeout(400)
    assert shown.field("K", 1).input_value() == "5"
    assert shown.text(".dl-count", 1) == shown.text(".dl-count", 4)
    shown.page.locator(".dl-strip").nth(1).press("Home")
    shown.see(".dl-where", "frame 0 of 0..59", 0)
    shown.page.wait_for_timeout(400)
    shown.page.locator(".dl-strip").nth(0).focus()
    for _ in range(5):
        shown.page.keyboard.press("ArrowRight")
        shown.page.wait_for_timeout(60)
    shown.see(".dl-where", "frame 5 of 0..59", 1)
    shown.page.wait_for_timeout(400)
    assert shown.text(".dl-where", 0).startswith("frame 5 ")
    assert shown.page.evaluate("() => document.activeElement.className.includes('dl-strip')"), (
        "the view that is used stays as it is"
    )


def test_a_dead_kernel_is_told_in_a_sentence(opened):
    shown = opened(explore(frame=40))
    shown.page.evaluate("() => { window.broken = true; }")
    shown.page.locator(".dl-strip").press("Home")
    message = "Python does not answer; run the cell again once its kernel is there."
    shown.see(".dl-message", message)
    shown.page.evaluate("() => { window.broken = false; }")
    shown.page.locator(".dl-strip").press("End")
    shown.see(".dl-where", "frame 59 of")


def test_a_kernel_that_was_busy_with_other_cells_is_waited_for(opened):
    shown = opened(explore(frame=40))
    shown.page.clock.install()
    shown.page.evaluate("() => { window.busy = []; }")
    shown.page.locator(".dl-strip").press("Home")
    shown.page.clock.fast_forward(21_000)
    shown.see(".dl-message.dl-wrong", "Python does not answer")
    shown.page.locator(".dl-stage.dl-missing").nth(2).wait_for()
    shown.page.evaluate("() => { const open = window.busy; window.busy = null; open.forEach(model.send); }")
    shown.see(".dl-message", "Drag the box")
    shown.page.locator(".dl-stage:not(.dl-missing)").nth(2).wait_for()


def ink(figure) -> list[str]:
    """What stands below the pictures of a figure."""
    return [ax.get_xlabel() for ax in figure.axes]


def drawn_again(shown) -> list[str]:
    """Run what "Copy as Python" gives, and read the figure."""
    names: dict = {}
    lines = shown.python_call().replace("\npicture(", "\nfigure = picture(")
    exec(lines, names)
    return ink(names["figure"])


def test_a_call_names_the_run_of_a_snapshot(opened, tmp_path):
    (tmp_path / "epochs").mkdir()
    content = find_weights("siamcar_small").read_bytes()
    (tmp_path / "epochs" / "epoch_003.safetensors").write_bytes(content)
    shown = opened(explore(frame=40, run=tmp_path, rules=(("simota", {}), ("dla_points", {}))))
    shown.see(".dl-count", "positive")
    count = shown.text(".dl-count").removesuffix(" positive")
    assert f'run="{tmp_path}"' in shown.python_call()
    assert drawn_again(shown)[0].startswith(f"P {count} ")


def test_a_call_has_shapes_as_tuples(opened):
    shown = opened(explore(frame=40))
    shown.field("rule B").select_option("atss_anchors")
    shown.page.get_by_role("button", name="options of rule B").click()
    shown.field("anchors, w x h px").fill("104x32, 64x64")
    shown.page.keyboard.press("Enter")
    shown.page.keyboard.press("Escape")
    shown.page.wait_for_timeout(100)
    assert '("atss", {"anchor_shapes": ((104, 32), (64, 64))})' in shown.python_call()
    count = shown.text(".dl-count", 1).removesuffix(" positive")
    assert drawn_again(shown)[1].startswith(f"P {count} ")


def test_a_box_is_typed_removed_and_drawn_again(opened):
    shown = opened(explore(bare()))
    field = shown.field("box x1, y1, x2, y2, px of the search region")
    field.fill("(30, 20, 0, 14)")
    field.press("Enter")
    shown.see(".dl-message.dl-wrong", "box 30, 20, 0, 14 has width 0 and height 14; both must be above 0")
    field.fill("30, 20, 40, 30")
    field.press("Enter")
    shown.see(".dl-count", "positive")
    assert shown.laboratory.contents["drawn"] == {"0": [30, 20, 40, 30]}
    shown.page.get_by_role("button", name="remove the box that was drawn").click()
    shown.see(".dl-message", "No target is annotated in this frame")
    assert shown.laboratory.contents["drawn"] == {"0": None}
    assert shown.laboratory.contents["targets"][0] is None
    shown.page.locator(".dl-stage.dl-drawing").wait_for()
    shown.drag((0.4, 0.4), (0.6, 0.6))
    shown.see(".dl-count", "positive")
    assert shown.laboratory.contents["drawn"]["0"] is not None


def test_drawing_a_box_ends_playing(opened):
    shown = opened(explore(bare()))
    shown.page.locator(".dl-play").click()
    shown.see(".dl-where", "frame 2 of")
    shown.page.mouse.move(*shown.place(0.4, 0.4))
    shown.page.mouse.down()
    frame = re.match(r"frame (\d+)", shown.text(".dl-where"))[1]
    shown.page.mouse.move(*shown.place(0.6, 0.6), steps=4)
    shown.page.wait_for_timeout(400)
    shown.page.mouse.up()
    shown.see(".dl-count", "positive")
    assert list(shown.laboratory.contents["drawn"]) == [frame]
    assert shown.page.locator(".dl-play").get_attribute("aria-label") == "play"


def test_labels_of_another_frame_or_network_are_not_shown(opened):
    shown = opened(explore(frame=0, rules=(("autoassign", {}), ("dla_points", {}))))
    shown.field("network").select_option("siamcar_small")
    shown.see(".dl-count", "positive")
    shown.page.evaluate("() => { window.busy = []; }")
    shown.page.locator(".dl-strip").press("End")
    shown.see(".dl-where", "frame 59 of")
    shown.page.wait_for_timeout(300)
    assert shown.text(".dl-count", 0) == shown.text(".dl-count", 2) == ""
    assert shown.text(".dl-readout p", 0) == ""
    shown.page.evaluate("() => { const open = window.busy; window.busy = null; open.forEach(model.send); }")
    shown.see(".dl-count", "positive")
    shown.field("network").select_option("siamrpnpp_small")
    shown.see(".dl-message.dl-wrong", "the rule is defined for points")
    assert shown.text(".dl-count", 0) == ""


def test_playing_waits_for_the_labels(opened):
    shown = opened(explore(frame=0, rules=(("simota", {}), ("dla_points", {}))))
    shown.field("network").select_option("siamcar_small")
    shown.see(".dl-count", "positive")
    shown.page.evaluate("() => { window.busy = []; }")
    shown.page.locator(".dl-play").click()
    shown.page.wait_for_timeout(600)
    assert shown.text(".dl-where").startswith("frame 1 "), "the next one comes with its labels"
    shown.page.locator(".dl-play").click()
    shown.page.evaluate("() => { const open = window.busy; window.busy = null; open.forEach(model.send); }")
    shown.see(".dl-count", "positive")


def test_messages_name_the_fields_as_the_page_does(opened):
    shown = opened(explore(frame=40, rules=(("circle", {}), ("dla_points", {}))))
    shown.field("R1, px").fill("20")
    shown.see(".dl-message", "needs 0 < R1 ≤ R2, got 20 and 16")
    shown.field("K").fill("0")
    shown.see(".dl-message", "Rule B: K must be in 1..625 (grid points), got 0")
    shown.field("rule A").select_option("paa")
    shown.see(".dl-readout p", "T =", 1)
    shown.see(".dl-count", re.compile("^2 positive"))
    shown.field("K").fill("0")
    shown.see(".dl-message", "Rule A: PAA: K must be in 1..225 (samples), got 0")
    shown.page.wait_for_timeout(300)
    shown.see(".dl-message", "Rule A: PAA: K must be in 1..225 (samples), got 0")
    # Options that Python has refused are not kept.
    assert shown.laboratory.setting["sides"][0] == {"id": "paa", "options": {}, "grid": 0}


def test_options_of_rules_with_predictions_can_be_stepped(opened):
    shown = opened(explore(frame=40, rules=(("tal", {}), ("dla_points", {}))))
    shown.field("more: α").click()
    assert float(shown.field("α").input_value()) == 1.5
