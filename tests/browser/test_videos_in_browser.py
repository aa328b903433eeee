"""What people see in a browser beside the laboratory: tracked videos, and the page on which targets are drawn."""

from __future__ import annotations

from pathlib import Path

import pytest
from saved_page import CHROMIUM, chromium
from served_page import served
from streams import moving_square

from dlatrack.datasets.video.writer import record

pytest.importorskip("playwright", reason="playwright is not installed")
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(CHROMIUM is None, reason="no Chromium on the path"),
]


@pytest.mark.parametrize(("name", "growing"), [("a.mp4", False), ("a.mp4", True), ("a.mkv", True)])
def test_a_video_plays(tmp_path: Path, name: str, growing: bool) -> None:
    with record(tmp_path / name, 25, growing=growing) as video:
        for image in moving_square(50):
            video.add(image)
        (tmp_path / "page.html").write_text(f"<video muted src={name}></video>")
        # A growing file is played while it is written, as a killed process would have left it.
        copied = (tmp_path / name).read_bytes() if growing else None
    if copied:
        (tmp_path / name).write_bytes(copied)
    with chromium() as browser:
        page = browser.new_page()
        page.goto((tmp_path / "page.html").as_uri())
        shown = page.evaluate(
            """() => new Promise((done) => {
              const video = document.querySelector("video");
              const say = () => done([video.videoWidth, video.videoHeight, video.error?.message ?? ""]);
              video.addEventListener("error", say);
              if (video.readyState >= 2) say(); else video.addEventListener("loadeddata", say);
            })"""
        )
        assert shown == [320, 240, ""]


def test_a_user_draws_two_targets(tmp_path: Path) -> None:
    with served() as (port, path, chosen), chromium() as browser:
        page = browser.new_page(viewport={"width": 900, "height": 700})
        errors: list[str] = []
        page.on("pageerror", lambda error: errors.append(str(error)))
        page.on("console", lambda message: errors.append(message.text) if message.type == "error" else None)
        page.goto(f"http://127.0.0.1:{port}{path}")
        page.wait_for_function("() => document.querySelector('image').getBoundingClientRect().width > 0")
        frame = page.locator("#frame").bounding_box()
        scale = frame["width"] / 320

        def drag(x: float, y: float, to_x: float, to_y: float) -> None:
            page.mouse.move(frame["x"] + x * scale, frame["y"] + y * scale)
            page.mouse.down()
            page.mouse.move(frame["x"] + to_x * scale, frame["y"] + to_y * scale, steps=4)
            page.mouse.up()

        drag(20, 30, 80, 90)
        drag(10, 10, 11, 160)  # no box
        drag(200, 100, 160, 60)
        assert page.locator("rect").count() == 2
        page.click("#undo")
        drag(200, 100, 150, 60)
        page.screenshot(path=str(tmp_path / "page.png"))
        page.click("#start")
        page.wait_for_function("() => document.body.textContent.includes('Tracking has started')")
        assert errors == []
    first, last = (box.tolist() for box in chosen)
    assert first == pytest.approx([20, 30, 60, 60], abs=1)
    assert last == pytest.approx([150, 60, 50, 40], abs=1)


@pytest.mark.parametrize(("width", "height"), [(1280, 720), (390, 844)])
def test_targets_are_drawn_with_the_keys_that_the_page_names(width: int, height: int) -> None:
    with served() as (port, path, chosen), chromium() as browser:
        page = browser.new_page(viewport={"width": width, "height": height})
        page.goto(f"http://127.0.0.1:{port}{path}")
        page.wait_for_function("() => document.querySelector('image').getBoundingClientRect().width > 0")
        assert "Backspace removes the last box, Enter starts" in page.inner_text("body")
        frame, button = page.locator("#frame").bounding_box(), page.locator("#start").bounding_box()
        assert frame["width"] > 0.9 * width or frame["height"] > 0.6 * height
        assert button["y"] + button["height"] < height, "the buttons are in sight"
        assert page.evaluate("() => document.documentElement.scrollWidth") == width

        def drag(left: float, top: float, right: float, bottom: float) -> None:
            page.mouse.move(frame["x"] + left * frame["width"], frame["y"] + top * frame["height"])
            page.mouse.down()
            page.mouse.move(
                frame["x"] + right * frame["width"], frame["y"] + bottom * frame["height"], steps=4
            )
            page.mouse.up()

        page.keyboard.press("Enter")
        assert page.inner_text("#message") == "There is no box yet; drag one around each target."
        assert page.locator("button:disabled").count() == 2
        drag(0.25, 0.25, 0.5, 0.5)
        drag(0.6, 0, 0.8, 0.5)
        drag(0.1, 0.6, 0.2, 0.9)
        assert page.locator("svg text").all_text_contents() == ["1", "2", "3"]
        page.keyboard.press("Backspace")
        assert page.locator("svg rect").count() == 2
        page.click("#undo")
        assert page.locator("li").all_inner_texts() == ["80 x 45 px at 80, 45"]
        page.keyboard.press("Enter")  # not on the button that was clicked
        page.wait_for_function("() => document.body.textContent.includes('Tracking has started')")
    assert [box.tolist() for box in chosen] == [pytest.approx([80, 45, 80, 45], abs=1)]
