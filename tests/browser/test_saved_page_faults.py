"""The saved laboratory where something is wrong, on a phone, hidden, and without a mouse."""

from __future__ import annotations

import json
import re

import numpy as np
import pytest
from saved_page import CHROMIUM, SavedPage

from dlatrack.viz.laboratory.assets import script, style

pytest.importorskip("playwright", reason="playwright is not installed")
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(CHROMIUM is None, reason="no Chromium on the path"),
]


@pytest.fixture
def phone(browser, path):
    shown = SavedPage(browser, path, 390, 844, has_touch=True, is_mobile=True)
    yield shown
    shown.close()
    assert shown.faults == []


def edited(path, folder, change):
    """The page with other data."""
    text = path.read_text()
    found = re.search(r'(<script id="data" type="application/json">)(.*?)(</script>)', text, re.DOTALL)
    data = json.loads(found[2])
    change(data)
    other = folder / "edited.html"
    other.write_text(text[: found.start(2)] + json.dumps(data).replace("<", "\\u003c") + text[found.end(2) :])
    return other


def test_no_labels_on_the_picture_of_another_frame(browser, path, tmp_path):
    def spoil(data):
        data["pictures"][0] = "AAAA"

    shown = SavedPage(browser, edited(path, tmp_path, spoil))
    shown.page.locator(".dl-strip").press("Home")
    shown.page.locator(".dl-stage.dl-missing").first.wait_for()
    drawn = "(all) => all.map((one) => one.getContext('2d').getImageData(0, 0, one.width, one.height)"
    drawn += ".data.some((value) => value > 0))"
    assert shown.page.locator(".dl-stage canvas").evaluate_all(drawn) == [False] * 3
    assert not shown.page.locator(".dl-box:visible").count()
    message = shown.text(".dl-message")
    assert "dl-wrong" in shown.page.locator(".dl-message").get_attribute("class")
    shown.page.locator(".dl-chief input").nth(1).fill("12")
    shown.settle()
    assert shown.text(".dl-message") == message, "it stays as long as the fault"
    shown.page.locator(".dl-strip").press("End")
    shown.page.locator(".dl-box:visible").first.wait_for()
    assert shown.page.locator(".dl-stage.dl-missing").count() == 0
    assert shown.text(".dl-message").startswith("Drag the box")
    shown.close()


def test_a_field_shows_the_value_in_force(lab):
    k = lab.page.locator(".dl-chief input").nth(1)
    seed = lab.page.get_by_label("seed of the draw of negatives", exact=True)
    box = lab.page.locator(".dl-shared input").first
    before = box.input_value()
    for field, bad, good in ((k, ("0", "1.5", ""), "9"), (seed, ("-1", "1.5", "2147483648", ""), "0")):
        for value in bad:
            field.fill(value)
            lab.settle()
            message = lab.text(".dl-message")
            assert "dl-wrong" in lab.page.locator(".dl-message").get_attribute("class"), value
            field.blur()
            lab.settle()
            assert field.input_value() == good
            assert lab.text(".dl-message") == message
            field.fill(good)
            lab.settle()
            assert lab.text(".dl-message").startswith("Drag the box")
    box.fill("1, 2, 3")
    box.press("Enter")
    box.blur()
    lab.settle()
    assert box.input_value() == before
    assert lab.text(".dl-message").startswith("A box is")
    assert lab.page.get_by_label("less: seed").count() == 1


def test_the_box_outlives_being_hidden_and_a_change_of_theme(lab):
    before = lab.page.locator(".dl-box").first.bounding_box()
    room = lab.page.locator("main, body").first
    room.evaluate("(element) => { element.style.display = 'none'; }")
    lab.page.evaluate(
        "() => document.querySelector('.dl-strip').dispatchEvent("
        "new KeyboardEvent('keydown', { key: '+', bubbles: true }))"
    )
    lab.page.evaluate(
        "() => document.querySelector('.dl-strip').dispatchEvent("
        "new KeyboardEvent('keydown', { key: '0', bubbles: true }))"
    )
    lab.settle()
    assert "0px" not in lab.page.locator(".dl-box").first.evaluate("(box) => box.style.width")
    room.evaluate("(element) => { element.style.display = ''; }")
    lab.settle()
    assert lab.page.locator(".dl-box").first.bounding_box() == before
    painted = int(lab.page.locator(".dl-lab").get_attribute("data-painted"))
    lab.page.emulate_media(color_scheme="dark")
    lab.page.wait_for_function(
        "(before) => Number(document.querySelector('.dl-lab').dataset.painted) > before", arg=painted
    )


def test_two_fingers_zoom_though_one_is_on_the_box(phone):
    target = phone.target()
    x, y = phone.grip(0, "")
    wide = phone.page.locator(".dl-box").first.bounding_box()["width"]
    phone.fingers("touchStart", (x, y))
    phone.fingers("touchStart", (x, y), (x + 60, y + 60))
    for far in (70, 85, 100, 120):
        phone.fingers("touchMove", (x, y), (x + far, y + far))
    phone.fingers("touchEnd")
    assert phone.target() == target, "the box stays"
    assert phone.page.locator(".dl-box").first.bounding_box()["width"] == pytest.approx(2 * wide, rel=0.1)
    phone.fingers("touchStart", phone.grip(0, ""))
    phone.fingers("touchMove", np.add(phone.grip(0, ""), (12, 8)).tolist())
    phone.fingers("touchEnd")
    assert phone.target() != target, "one finger moves it again"


def test_a_tap_says_why_where_it_is_seen(phone):
    phone.page.touchscreen.tap(*phone.grip(0, ""))
    phone.settle()
    line = phone.page.locator(".dl-readout p").first
    assert line.inner_text().rstrip().endswith((": positive.", ": negative.", ": ignored."))
    seen = phone.page.locator(".dl-readout").bounding_box()
    assert seen["y"] + seen["height"] <= 844
    phone.page.mouse.wheel(0, 500)
    phone.page.wait_for_timeout(300)
    legend = phone.page.locator(".dl-legend").bounding_box()
    assert legend["y"] >= -1
    assert legend["y"] < 40


def test_keys_point_at_samples(lab):
    lab.page.locator(".dl-box").first.focus()
    target = lab.target()
    lab.page.keyboard.press("Alt+Shift+ArrowRight")
    lab.settle()
    line = lab.page.locator(".dl-readout p").nth(1)
    first = line.inner_text()
    assert "IoU" in first
    lab.page.keyboard.press("Alt+Shift+ArrowRight")
    lab.settle()
    assert line.inner_text() != first
    assert lab.target() == target
    sentence = line.locator("span").nth(1).inner_text()
    lab.page.locator("[aria-live]").filter(has_text=sentence).wait_for(state="attached")


@pytest.mark.parametrize("side", [4, 8, 12])
def test_small_targets_can_be_moved_and_enlarged(lab, side):
    lab.page.locator(".dl-shared input").first.fill(f"100, 100, {100 + side}, {100 + side}")
    lab.page.keyboard.press("Enter")
    lab.settle()
    before = lab.target()
    assert lab.drag(0, "", (40, 30)) <= 1
    moved = lab.target()
    assert moved[2] - moved[0] == pytest.approx(side, abs=0.11)
    assert moved[0] > before[0] + 20
    lab.page.locator(".dl-box").first.hover(force=True)
    handle = lab.page.locator(".dl-box").first.locator(".dl-se").bounding_box()
    x, y = handle["x"] + handle["width"] / 2, handle["y"] + handle["height"] / 2
    lab.page.mouse.move(x, y)
    lab.page.mouse.down()
    lab.page.mouse.move(x + 30, y + 30, steps=4)
    lab.page.mouse.up()
    lab.settle()
    assert lab.target()[2] - lab.target()[0] > side + 10


def test_options_hide_neither_message_nor_readout(lab):
    for letter in "AB":
        lab.page.get_by_role("button", name=f"options of rule {letter}").click()
        panel = lab.page.locator(".dl-panel:popover-open").bounding_box()
        assert panel["y"] >= 0
        assert panel["y"] + panel["height"] <= lab.page.locator(".dl-message").bounding_box()["y"]
        assert panel["x"] + panel["width"] <= 1440
        grid = lab.page.get_by_label(f"grid of rule {letter}")
        assert grid.evaluate("(menu) => menu.clientWidth") >= 150
        lab.page.keyboard.press("Escape")


def test_a_negative_pair_has_no_threshold(lab):
    lab.page.get_by_label("rule A", exact=True).select_option("dla_anchors")
    lab.page.locator(".dl-check input").check()
    lab.page.mouse.move(3, 3)
    lab.settle()
    assert lab.text(".dl-count", 1) == "0 positive"
    assert "T =" not in lab.text(".dl-readout")


def test_choices_are_words(lab):
    lab.page.get_by_role("button", name="options of rule B").click()
    words = lab.page.locator(".dl-panel:popover-open option").all_inner_texts()
    assert words
    assert not [word for word in words if "_" in word]
    assert "outside the target" in words


def test_curves_are_seen_on_white(lab):
    least = lab.page.evaluate(
        """() => {
          const linear = (v) => (v / 255 <= 0.04045 ? v / 255 / 12.92 : ((v / 255 + 0.055) / 1.055) ** 2.4);
          const canvas = document.querySelector(".dl-strip canvas");
          const { data } = canvas.getContext("2d").getImageData(40, 0, canvas.width - 60, canvas.height);
          const seen = new Map(); // colours by how many px have them
          for (let i = 0; i < data.length; i += 4) {
            const bands = data.slice(i, i + 3);
            if (data[i + 3] < 255 || Math.max(...bands) - Math.min(...bands) < 40) continue;
            const light = 0.2126 * linear(data[i]) + 0.7152 * linear(data[i + 1]) + 0.0722 * linear(data[i + 2]);
            const ratio = (1.05 / (light + 0.05)).toFixed(2);
            seen.set(ratio, (seen.get(ratio) ?? 0) + 1);
          }
          return [...seen].filter(([, count]) => count > 40).map(([ratio]) => Number(ratio));
        }"""
    )
    assert len(least) >= 1
    assert min(least) >= 2.95


_PICKER = """<style>{style}</style><div id="root" style="width: 600px"></div><script type="module">{script}
window.boxes = [[20, 20, 40, 30]];
const picture = Object.assign(document.createElement("canvas"), {{ width: 200, height: 100 }});
const host = {{ image: Promise.resolve(picture), extent: picture, colours: ["#f0e442"], boxes: () => window.boxes }};
Object.assign(host, {{ message: () => "", keep: (boxes) => {{ window.boxes = boxes; }} }});
mountPicker(document.getElementById("root"), host);
</script>"""


def test_the_picker_shows_the_boxes_in_force(browser, tmp_path):
    path = tmp_path / "picker.html"
    path.write_text(_PICKER.format(style=style(), script=script()))
    page = browser.new_page()
    page.goto(path.as_uri())
    field, message = page.locator(".dl-picker input"), page.locator(".dl-message")
    for bad in ("1, 2", "", "a, b, c, d"):
        field.fill(bad)
        field.press("Enter")
        field.blur()
        assert field.input_value() == "20, 20, 40, 30"
        assert message.inner_text().endswith(f"got {bad or 'nothing'}.")
    field.fill("10, 10, 30, 30; 100, 20, 20, 20")
    field.press("Enter")
    assert page.evaluate("() => window.boxes") == [[10, 10, 30, 30], [100, 20, 20, 20]]
    assert message.inner_text().startswith("Drag a box")
    page.close()
