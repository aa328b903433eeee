"""The saved laboratory in a headless Chromium, driven with mouse, fingers and keys; also by hand:

PYTHONPATH=. python tests/browser/saved_page.py shots    writes screenshots and prints speeds
"""

from __future__ import annotations

import random
import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-component-update"]
FLAGS += ["--disable-background-networking", "--disable-sync", "--disable-dev-shm-usage"]

SIDES = ("", "n", "e", "s", "w", "nw", "ne", "sw", "se")

#: Times from a move of the pointer to the picture of the screen that shows the labels, in `window.moves`, ms.
_WATCH = """() => {
  window.moves = [];
  let moved = null;
  document.addEventListener("pointermove", () => { moved ??= performance.now(); }, true);
  const painted = () => {
    const start = moved;
    moved = null;
    if (start === null) return;
    const channel = new MessageChannel(); // its message comes after the picture of this moment
    channel.port1.onmessage = () => window.moves.push(performance.now() - start);
    requestAnimationFrame(() => channel.port2.postMessage(0));
  };
  new MutationObserver(painted).observe(document.querySelector(".dl-lab"), {
    attributes: true, attributeFilter: ["data-painted"],
  });
}"""


@contextmanager
def chromium() -> Iterator[Any]:
    """A headless browser."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, headless=True, args=FLAGS)
        try:
            yield browser
        finally:
            browser.close()


class SavedPage:
    """One page in the browser; `faults` holds errors and requests, which there must not be."""

    def __init__(
        self, browser: Any, path: Path, width: int = 1440, height: int = 900, **context: Any
    ) -> None:
        self.context = browser.new_context(viewport={"width": width, "height": height}, **context)
        self.page = self.context.new_page()
        self.page.set_default_timeout(20_000)
        self.faults: list[str] = []
        self.page.on("pageerror", lambda error: self.faults.append(str(error)))
        self.page.on("console", self._said)
        self.page.on("request", self._asked)
        self.page.goto(path.as_uri())
        self.page.locator(".dl-lab[data-painted] .dl-stage:not(.dl-missing)").first.wait_for()
        self.page.wait_for_timeout(150)

    def _said(self, message: Any) -> None:
        if message.type == "error":
            self.faults.append(message.text)

    def _asked(self, request: Any) -> None:
        if not request.url.startswith(("file:", "data:")):
            self.faults.append(request.url)

    def text(self, selector: str, number: int = 0) -> str:
        """Text of an element."""
        return self.page.locator(selector).nth(number).inner_text()

    def target(self) -> list[float]:
        """The box as its field writes it, xyxy in px of the search region."""
        return [
            float(value) for value in self.page.locator(".dl-shared input").first.input_value().split(",")
        ]

    def settle(self) -> None:
        """Wait until what was done is on the screen."""
        self.page.evaluate(
            "() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))"
        )

    def grip(self, picture: int, sides: str) -> tuple[float, float]:
        """Where a side or corner of the box, or its middle, is on the screen."""
        box = self.page.locator(".dl-box").nth(picture).bounding_box()
        x = 0 if "w" in sides else 1 if "e" in sides else 0.5
        y = 0 if "n" in sides else 1 if "s" in sides else 0.5
        return box["x"] + x * box["width"], box["y"] + y * box["height"]

    def drag(self, picture: int, sides: str, by: tuple[float, float]) -> float:
        """Drag the box, a side or a corner; how far it ended from where the mouse was released, px."""
        start = self.grip(picture, sides)
        goal = (start[0] + by[0], start[1] + by[1])
        self.page.mouse.move(*start)
        self.page.mouse.down()
        self.page.mouse.move(*goal, steps=8)
        self.page.mouse.up()
        self.settle()
        end = self.grip(picture, sides)
        free = (not sides or bool(set(sides) & set("ew")), not sides or bool(set(sides) & set("ns")))
        return max(abs(end[axis] - goal[axis]) for axis in (0, 1) if free[axis])

    def drags(self, count: int, seed: int = 0) -> list[float]:
        """Errors of drags of random sides and corners on random pictures; the box goes back before each, px."""
        rng, errors = random.Random(seed), []
        for number in range(count):
            self.page.locator(".dl-box").first.press("Escape")  # the same box before each drag
            self.settle()
            sides = SIDES[number % len(SIDES)]
            by = (rng.uniform(-40, 40), rng.uniform(-40, 40))
            errors.append(self.drag(rng.randrange(3), sides, by))
        return errors

    def move_times(self, moves: int) -> tuple[float, float]:
        """Median and 95th percentile of the time from a move of the mouse to new labels on the screen, ms."""
        self.page.evaluate(_WATCH)
        x, y = self.grip(0, "")
        self.page.mouse.move(x, y)
        self.page.mouse.down()
        for number in range(moves):
            self.page.mouse.move(x + 30 * np.sin(number / 9), y + 30 * np.cos(number / 7))
        self.page.mouse.up()
        self.settle()
        times = self.page.evaluate("() => window.moves")
        return float(np.median(times)), float(np.percentile(times, 95))

    def close(self) -> None:
        """Close the page."""
        self.context.close()


def main(folder: Path) -> None:
    """Write screenshots at three widths in both themes, and print speeds."""
    from dlatrack.viz.laboratory.page import write_page

    folder.mkdir(parents=True, exist_ok=True)
    path = write_page(folder.resolve() / "lab.html", frame=40)
    with chromium() as browser:
        for width, height in ((1440, 900), (900, 1000), (390, 844)):
            for theme in ("light", "dark"):
                phone = {"has_touch": True, "is_mobile": True} if width < 500 else {}
                shown = SavedPage(browser, path, width, height, color_scheme=theme, **phone)
                shown.page.screenshot(path=folder / f"{width}_{theme}.png", full_page=width < 500)
                shown.close()
        shown = SavedPage(browser, path)
        errors = shown.drags(50)
        print(f"50 drags, largest distance from the pointer: {max(errors):.2f} px")
        print("pointer to labels: p50 {:.1f} ms, p95 {:.1f} ms".format(*shown.move_times(500)))
        print("faults:", shown.faults or "none")


if __name__ == "__main__":
    main(Path(sys.argv[1] if len(sys.argv) > 1 else "shots"))
