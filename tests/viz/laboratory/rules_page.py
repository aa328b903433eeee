"""The rules in JavaScript, in a headless Chromium."""

from __future__ import annotations

import base64
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from dlatrack.viz import laboratory
from dlatrack.viz.laboratory.rules import rule_descriptions

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
STATIC = Path(laboratory.__file__).parent / "static"

#: Name of a module, a text that stands in it once, and its replacement.
Change = tuple[str, str, str]

_ORIGIN = "http://laboratory.invalid"

#: Loads the modules; `window.labelled` answers for many targets with the numbers of all of them as base64.
_LOAD = """async (descriptions) => {
  for (const name of ["options", "rules", "reasons", "draws"]) Object.assign(window, await import(`/${name}.js`));
  describeRules(descriptions);
  const packed = (array) => {
    const bytes = new Uint8Array(array.buffer, array.byteOffset, array.byteLength);
    let text = "";
    for (let at = 0; at < bytes.length; at += 8192) {
      text += String.fromCharCode(...bytes.subarray(at, at + 8192));
    }
    return btoa(text);
  };
  window.labelled = ({ id, options, grid, targets, pairs, keys }) => {
    const all = targets.map((target, n) => assign(id, options, grid, target, pairs[n], keys[n]));
    const labels = new Int8Array(all.length * all[0].labels.length);
    all.forEach((each, n) => labels.set(each.labels, n * each.labels.length));
    const numbers = (name) => packed(Float64Array.from(all, (each) => each[name] ?? NaN));
    const flat = (name) => packed(Float64Array.from(all.flatMap((each) => Array.from(each[name] ?? []))));
    return {
      labels: packed(labels),
      ...Object.fromEntries(
        ["eligible", "threshold", "empty", "tied", "rescued", "mean", "std"].map((name) => [name, numbers(name)]),
      ),
      ...Object.fromEntries(["candidates", "iou", "distance"].map((name) => [name, flat(name)])),
    };
  };
}"""


class RulesPage:
    """A page that has loaded the modules of the rules."""

    def __init__(self, page: Any) -> None:
        self.page = page

    def labelled(self, **given: Any) -> dict[str, np.ndarray]:
        """What `assign` of rules.js answers for B targets: (B, A) int8 labels, and (B, ...) float64 numbers."""
        found = self.page.evaluate("(given) => labelled(given)", given)
        kinds = {name: np.int8 if name == "labels" else np.float64 for name in found}
        count = len(given["targets"])
        read = {name: np.frombuffer(base64.b64decode(text), kinds[name]) for name, text in found.items()}
        return {name: each.reshape(count, -1) for name, each in read.items()}

    def call(self, function: str, *arguments: Any) -> Any:
        """The answer of an exported function, with typed arrays as lists."""
        return self.page.evaluate(
            """([name, values]) => JSON.parse(JSON.stringify(window[name](...values), (key, value) =>
              ArrayBuffer.isView(value) ? Array.from(value) : value))""",
            [function, list(arguments)],
        )

    def refusal(self, *arguments: Any) -> str:
        """The message with which `assign` refuses its arguments, "" if it does not."""
        return self.page.evaluate(
            "(given) => { try { assign(...given); return ''; } catch (error) { return error.message; } }",
            list(arguments),
        )


@contextmanager
def open_browser() -> Iterator[Any]:
    """A headless Chromium; the test is skipped where there is none."""
    sync_api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    if CHROMIUM is None:
        pytest.skip("there is no Chromium")
    with sync_api.sync_playwright() as playwright:
        flags = ["--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run"]
        browser = playwright.chromium.launch(executable_path=CHROMIUM, headless=True, args=flags)
        try:
            yield browser
        finally:
            browser.close()


def open_rules(browser: Any, change: Change | None = None) -> RulesPage:
    """Open a page with the rules.

    Args:
        browser: a running browser.
        change: a mistake that is planted.
    """
    texts = {file.name: file.read_text(encoding="utf-8") for file in STATIC.glob("*.js")}
    if change is not None:
        name, old, new = change
        assert texts[name].count(old) == 1, f"{old!r} stands {texts[name].count(old)} times in {name}"
        texts[name] = texts[name].replace(old, new)

    def serve(route: Any) -> None:
        name = route.request.url.removeprefix(f"{_ORIGIN}/")
        if name in texts:
            route.fulfill(body=texts[name], content_type="text/javascript")
        else:
            route.fulfill(body="<!doctype html>", content_type="text/html")

    page = browser.new_page()
    page.route("**/*", serve)
    page.goto(f"{_ORIGIN}/")
    page.evaluate(_LOAD, rule_descriptions())
    return RulesPage(page)
