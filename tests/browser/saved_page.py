"""The saved laboratory in a headless Chromium, driven with mouse, fingers and keys; also by hand:

PYTHONPATH=. python tests/browser/saved_page.py shots    writes screenshots and prints speeds
"""

from __future__ import annotations

import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from laboratory_driver import Laboratory

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-component-update"]
FLAGS += ["--disable-background-networking", "--disable-sync", "--disable-dev-shm-usage"]


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


class SavedPage(Laboratory):
    """One page in the browser; `faults` holds errors and requests, which there must not be."""

    def __init__(
        self, browser: Any, path: Path, width: int = 1440, height: int = 900, **context: Any
    ) -> None:
        opened = browser.new_context(viewport={"width": width, "height": height}, **context)
        super().__init__(opened.new_page(), opened)
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
