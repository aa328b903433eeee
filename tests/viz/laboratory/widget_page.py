"""The widget of the laboratory in a headless Chromium, without JupyterLab: a model in the page, Python behind it."""

from __future__ import annotations

import base64
from typing import Any

from dlatrack.viz.laboratory import Laboratory
from dlatrack.viz.laboratory.assets import style

_ORIGIN = "http://widget.invalid"

#: A model as anywidget gives it. `window.ask` is a question to Python, `window.keep` what the page has saved.
_OPEN = """async ({ contents, setting, views }) => {
  const { default: widget } = await import("/widget.js");
  const listeners = new Map();
  const state = { contents, setting };
  const emit = (event, ...given) => (listeners.get(event) ?? []).forEach((act) => act(...given));
  const bytes = (text) => new DataView(Uint8Array.from(atob(text), (each) => each.charCodeAt(0)).buffer);
  window.model = {
    get: (name) => state[name],
    set(name, value) { state[name] = value; emit(`change:${name}`); },
    save_changes: () => window.keep(state.setting),
    on: (event, act) => listeners.set(event, [...(listeners.get(event) ?? []), act]),
    off: (event, act) => listeners.set(event, (listeners.get(event) ?? []).filter((each) => each !== act)),
    send(question) {
      if (window.broken) throw new Error("Cannot send");
      if (window.busy) return window.busy.push(question);
      window.ask(question).then(([answer, buffers, contents]) => {
        emit("msg:custom", answer, buffers.map(bytes));
        if (contents) window.model.set("contents", contents);
      });
    },
  };
  for (let view = 0; view < views; view += 1) {
    const el = document.body.appendChild(document.createElement("div"));
    widget.render({ model: window.model, el });
  }
}"""


class WidgetPage:
    """Views of one laboratory.

    Args:
        browser: a running browser.
        laboratory: the widget in Python, which answers.
        views: how many views stand below each other.
    """

    def __init__(self, browser: Any, laboratory: Laboratory, views: int = 1) -> None:
        self.laboratory = laboratory
        self.page = browser.new_page(viewport={"width": 1440, "height": 900 * views})
        self.page.set_default_timeout(10_000)
        self.faults: list[str] = []
        self.page.on("pageerror", lambda error: self.faults.append(str(error)))
        self.page.expose_function("ask", self._ask)
        self.page.expose_function("keep", self._keep)
        self.page.route("**/*", self._serve)
        self.page.goto(f"{_ORIGIN}/")
        given = {"contents": laboratory.contents, "setting": laboratory.setting, "views": views}
        self.page.evaluate(_OPEN, given)
        self.page.locator(".dl-lab[data-painted]").nth(views - 1).wait_for()
        self.page.wait_for_timeout(200)

    def _serve(self, route: Any) -> None:
        if route.request.url.endswith("/widget.js"):
            route.fulfill(body=self.laboratory._esm, content_type="text/javascript")
        else:
            route.fulfill(body=f"<!doctype html><style>{style()}</style>", content_type="text/html")

    def _ask(self, question: dict[str, Any]) -> list[Any]:
        sent: list[Any] = []
        before = self.laboratory.contents

        def send(answer: dict[str, Any], buffers: list[bytes]) -> None:
            sent.extend([answer, [base64.b64encode(each).decode() for each in buffers]])

        self.laboratory.send = send
        self.laboratory._answer(None, question, [])
        changed = self.laboratory.contents is not before
        return [*sent, self.laboratory.contents if changed else None]

    def _keep(self, setting: dict[str, Any]) -> None:
        self.laboratory.setting = setting

    def field(self, label: str, view: int = 0) -> Any:
        """A field by its name."""
        return self.page.locator(".dl-lab").nth(view).get_by_label(label, exact=True).first

    def text(self, selector: str, number: int = 0) -> str:
        """Text of an element."""
        return self.page.locator(selector).nth(number).evaluate("(element) => element.textContent")

    def see(self, selector: str, text: str, number: int = 0) -> None:
        """Wait for a text in an element."""
        self.page.locator(selector).nth(number).filter(has_text=text).wait_for()

    def place(self, x: float, y: float) -> tuple[float, float]:
        """A place of picture A, as parts of its size, on the screen."""
        box = self.page.locator(".dl-stage").first.bounding_box()
        return box["x"] + x * box["width"], box["y"] + y * box["height"]

    def drag(self, start: tuple[float, float], end: tuple[float, float]) -> None:
        """Press the mouse at a place of picture A, and release it at another."""
        self.page.mouse.move(*self.place(*start))
        self.page.mouse.down()
        self.page.mouse.move(*self.place(*end), steps=6)
        self.page.mouse.up()

    def python_call(self) -> str:
        """What "Copy as Python" gives."""
        self.page.get_by_role("button", name="Copy as Python").first.click()
        text = self.page.locator(".dl-panel pre").first.text_content()
        self.page.keyboard.press("Escape")
        return text

    def close(self) -> None:
        """Close the page."""
        self.page.close()
