"""Notebook 01 in a real JupyterLab: the slider, K and the rules reach the picture; screenshots stay in runs/."""

from __future__ import annotations

import json
import os
import secrets
import shutil
import socket
import subprocess
import sys
import urllib.request
from contextlib import contextmanager

import nbformat
import numpy as np
import pytest

from dlatrack import ScoreGrid, paths
from dlatrack.assign import build_assigner
from dlatrack.label_study import study_sequence
from dlatrack.viz.explorer import explain_frame

sync_api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(CHROMIUM is None, reason="no Chromium on the path"),
]

ARTEFACTS = paths.root() / "runs" / "laboratory_browser"
PATIENCE = 180_000  # ms, for everything that waits for a kernel
STEPS = 20

_FLAGS = (
    "--no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking "
    "--disable-component-update --disable-sync --disable-dev-shm-usage"
)

_RUN_ALL = """async () => {
  const app = window.jupyterapp;
  await app.restored;
  const panel = app.shell.currentWidget;
  await panel.context.ready;
  await panel.sessionContext.ready;
  await panel.sessionContext.session.kernel.info;
  await app.commands.execute("notebook:run-all-cells");
  return panel.content.widgets.filter((cell) => cell.model.type === "code").map((cell) => cell.model.executionCount);
}"""

#: Times from a key to the next picture, in ms, seen from inside the page.
_WATCH = """(picture) => {
  window.latencies = [];
  let pressed = null;
  document.addEventListener("keydown", () => { pressed = performance.now(); }, true);
  new MutationObserver(() => {
    if (pressed !== null) { window.latencies.push(performance.now() - pressed); pressed = null; }
  }).observe(picture, { attributes: true, attributeFilter: ["src"] });
}"""


@contextmanager
def jupyterlab(folder, environment):
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    token = secrets.token_hex(8)
    command = [
        sys.executable,
        "-m",
        "jupyterlab",
        "--no-browser",
        f"--port={port}",
        "--ServerApp.port_retries=0",
    ]
    command += [f"--IdentityProvider.token={token}", f"--ServerApp.root_dir={folder}"]
    command += ["--LabApp.expose_app_in_browser=True", "--allow-root"]
    with (ARTEFACTS / "server.log").open("w") as log:
        server = subprocess.Popen(command, env=environment, stdout=log, stderr=subprocess.STDOUT, cwd=folder)
        try:
            yield server, f"http://127.0.0.1:{port}", token
        finally:
            server.terminate()
            server.wait(timeout=30)


def answers(server, url, token) -> bool:
    """Wait until the server does."""
    request = urllib.request.Request(f"{url}/api/status", headers={"Authorization": f"token {token}"})
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    for _ in range(600):
        if server.poll() is not None:
            return False
        try:
            with opener.open(request, timeout=5):
                return True
        except OSError:
            try:
                server.wait(timeout=0.3)
            except subprocess.TimeoutExpired:
                continue
    return False


@pytest.fixture
def page(tmp_path):
    ARTEFACTS.mkdir(parents=True, exist_ok=True)
    folder = tmp_path / "notebooks"
    folder.mkdir()
    notebook = nbformat.read(paths.notebooks_dir() / "01_label_assignment.ipynb", as_version=4)
    (parameters,) = [cell for cell in notebook.cells if "parameters" in cell.metadata.get("tags", [])]
    assert 'preset: str = "demo"' in parameters.source
    parameters.source = parameters.source.replace('preset: str = "demo"', 'preset: str = "smoke"')
    nbformat.write(notebook, folder / "01_label_assignment.ipynb")

    environment = dict(os.environ)
    for name in ("JUPYTER_CONFIG_DIR", "JUPYTER_DATA_DIR", "JUPYTER_RUNTIME_DIR", "JUPYTERLAB_SETTINGS_DIR"):
        environment[name] = str(tmp_path / name.lower())
    environment |= {
        "JUPYTERLAB_WORKSPACES_DIR": str(tmp_path / "workspaces"),
        "IPYTHONDIR": str(tmp_path / "ipython"),
        "DLATRACK_FIGURES": str(tmp_path / "figures"),
        "DLATRACK_RUNS": str(tmp_path / "runs"),
    }
    extension = tmp_path / "jupyterlab_settings_dir" / "@jupyterlab" / "apputils-extension"
    extension.mkdir(parents=True)
    (extension / "notification.jupyterlab-settings").write_text(
        '{"fetchNews": "false", "checkForUpdates": false}'
    )

    with jupyterlab(folder, environment) as (server, url, token), sync_api.sync_playwright() as playwright:
        assert answers(server, url, token), (ARTEFACTS / "server.log").read_text()
        browser = playwright.chromium.launch_persistent_context(
            str(tmp_path / "profile"),
            executable_path=CHROMIUM,
            headless=True,
            args=_FLAGS.split(),
            viewport={"width": 1280, "height": 1400},
        )
        page = browser.pages[0] if browser.pages else browser.new_page()
        page.set_default_timeout(PATIENCE)
        page.goto(f"{url}/lab/tree/01_label_assignment.ipynb?token={token}&reset", timeout=PATIENCE)
        page.wait_for_function(
            "() => window.jupyterapp?.shell.currentWidget?.sessionContext?.session?.kernel"
        )
        yield page
        browser.close()


def test_slider_k_and_rules_reach_the_picture(page):
    counts = page.evaluate(_RUN_ALL)
    assert all(count is not None for count in counts), "every cell ran"
    timeline, picture = (page.locator("img.widget-image").nth(number) for number in (0, 1))
    picture.wait_for()
    picture.scroll_into_view_if_needed()
    facts = page.locator(".widget-html-content", has_text="positive").filter(has_text="A:")
    handle = page.locator(".widget-slider .noUi-handle").first

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
    assert "A: rectangle, center_ratio 0.6: 25 positive" in facts.inner_text()
    assert f"= {view.rules['B'].threshold:.3f}" in facts.inner_text(), "what the plain function says"
    start = timeline.screenshot()
    assert "frame 41 of" not in page.content()
    changed(lambda: handle.press("ArrowRight"), "next_frame")
    assert "frame 41 of 0..59" in page.content()
    assert timeline.screenshot() != start

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

    laboratory = picture.locator("xpath=ancestor::*[contains(@class, 'jp-OutputArea-output')][1]")
    wide, room = laboratory.evaluate("(element) => [element.scrollWidth, element.clientWidth]")
    assert wide <= room, "no sideways scrolling at 1280 px"

    measure(page, picture, handle)


def measure(page, picture, handle) -> None:
    """Keep median and 95th percentile of the time from a key to the next picture."""
    picture.evaluate(_WATCH)
    for number in range(STEPS):
        handle.press("ArrowLeft")
        page.wait_for_function(f"() => window.latencies.length > {number}")
    latencies = page.evaluate("() => window.latencies")
    median, p95 = np.percentile(latencies, [50, 95])
    report = {"key_to_picture_ms": {"median": round(median, 1), "p95": round(p95, 1), "steps": STEPS}}
    (ARTEFACTS / "latency.json").write_text(json.dumps(report) + "\n")
    assert median < 5_000, "a generous bound: the machine may be busy"
