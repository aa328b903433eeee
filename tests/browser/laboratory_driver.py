"""The laboratory in a browser page, used with mouse, fingers and keys, wherever the page comes from."""

from __future__ import annotations

import random
from typing import Any

import numpy as np

SIDES = ("", "n", "e", "s", "w", "nw", "ne", "sw", "se")

#: Times from a move of the pointer to the picture of the screen that shows the labels, in `window.moves`, ms.
_WATCH = """() => {
  window.moves = [];
  let moved = null;
  window.stopped?.();
  const move = () => { moved ??= performance.now(); };
  document.addEventListener("pointermove", move, true);
  const painted = () => {
    const start = moved;
    moved = null;
    if (start === null) return;
    const channel = new MessageChannel(); // its message comes after the picture of this moment
    channel.port1.onmessage = () => window.moves.push(performance.now() - start);
    requestAnimationFrame(() => channel.port2.postMessage(0));
  };
  const watcher = new MutationObserver(painted);
  watcher.observe(document.querySelector(".dl-lab"), { attributes: true, attributeFilter: ["data-painted"] });
  window.stopped = () => {
    watcher.disconnect();
    document.removeEventListener("pointermove", move, true);
  };
}"""


class Laboratory:
    """The first laboratory of a page.

    Args:
        page: a page of playwright.
        context: the context of the page.
    """

    def __init__(self, page: Any, context: Any) -> None:
        self.page, self.context = page, context
        self.root = page.locator(".dl-lab").first

    def text(self, selector: str, number: int = 0) -> str:
        """Text of an element."""
        return self.root.locator(selector).nth(number).inner_text()

    def target(self) -> list[float]:
        """The box as its field writes it, xyxy in px of the search region."""
        return [
            float(value) for value in self.root.locator(".dl-shared input").first.input_value().split(",")
        ]

    def settle(self) -> None:
        """Wait until what was done is on the screen."""
        self.page.evaluate(
            "() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))"
        )

    def grip(self, picture: int, sides: str) -> tuple[float, float]:
        """Where a side or corner of the box, or its middle, is on the screen."""
        box = self.root.locator(".dl-box").nth(picture).bounding_box()
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
            self.root.locator(".dl-box").first.press("Escape")  # the same box before each drag
            self.settle()
            sides = SIDES[number % len(SIDES)]
            by = (rng.uniform(-40, 40), rng.uniform(-40, 40))
            errors.append(self.drag(rng.randrange(3), sides, by))
        return errors

    def fingers(self, kind: str, *places: tuple[float, float]) -> None:
        """Put fingers on the screen, move them, or lift them ("touchStart", "touchMove", "touchEnd")."""
        if not hasattr(self, "_touch"):
            self._touch = self.context.new_cdp_session(self.page)
        points = [{"x": x, "y": y, "id": number} for number, (x, y) in enumerate(places)]
        self._touch.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": points})
        self.settle()

    def pinch(self, factor: float, picture: int = 0) -> None:
        """Zoom with two fingers, one of them on the box."""
        x, y = self.grip(picture, "")
        self.fingers("touchStart", (x, y))
        self.fingers("touchStart", (x, y), (x + 50, y + 50))
        for far in np.linspace(50, 50 * factor, 5)[1:]:
            self.fingers("touchMove", (x, y), (x + far, y + far))
        self.fingers("touchEnd")

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
