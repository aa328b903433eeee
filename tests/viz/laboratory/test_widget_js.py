"""The widget in a browser: sentences of rules that Python answers, boxes by hand, calls that draw the same picture."""

from __future__ import annotations

import re

import pytest
from widget_page import WidgetPage

from dlatrack.assign import ASSIGNERS, register_assigner
from dlatrack.assign.circle import CircleAssigner
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
