"""JupyterLab in a headless Chromium, for the tests that use notebooks as a reader does."""

from __future__ import annotations

import os
import secrets
import shutil
import socket
import subprocess
import sys
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

import papermill
import pytest

from dlatrack import paths

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
ARTEFACTS = paths.root() / "runs" / "laboratory_browser"
PATIENCE = 600_000  # ms, a guard against hanging for everything that waits for a kernel

_FLAGS = (
    "--no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking "
    "--disable-component-update --disable-sync --disable-dev-shm-usage"
)

_KERNEL = "() => window.jupyterapp?.shell.currentWidget?.sessionContext?.session?.kernel"

#: Run all cells; afterwards `window.ran` has what each code cell left: its number and its errors.
_RUN_ALL = """async () => {
  window.ran = null;
  const app = window.jupyterapp;
  await app.restored;
  const panel = app.shell.currentWidget;
  await panel.context.ready;
  await panel.sessionContext.ready;
  await panel.sessionContext.session.kernel.info;
  app.commands.execute("notebook:run-all-cells").finally(() => {
    window.ran = panel.content.widgets.filter((cell) => cell.model.type === "code").map((cell) => ({
      count: cell.model.executionCount,
      errors: cell.model.outputs.toJSON().filter((output) => output.output_type === "error")
        .map((output) => `${output.ename}: ${output.evalue}`),
    }));
  });
}"""


class Lab:
    """A JupyterLab that serves a folder, seen in a browser."""

    def __init__(self, context, url: str, token: str) -> None:
        self.context, self._url, self._token = context, url, token

    def open(self, notebook: str):
        """The page of a notebook of the folder, once its kernel is there."""
        page = self.context.new_page()
        page.set_default_timeout(PATIENCE)
        page.goto(f"{self._url}/lab/tree/{notebook}?token={self._token}&reset", timeout=PATIENCE)
        page.wait_for_function(_KERNEL)
        return page

    def run_all(self, page) -> list[str]:
        """Run all cells of a page; the errors that they left."""
        page.evaluate(_RUN_ALL)
        page.wait_for_function("() => window.ran")
        cells = page.evaluate("() => window.ran")
        errors = [error for cell in cells for error in cell["errors"]]
        return errors or [f"cell {n} did not run" for n, cell in enumerate(cells) if cell["count"] is None]


@contextmanager
def open_lab(folder: Path, private: Path, variables: Mapping[str, str]) -> Iterator[Lab]:
    """Serve a folder of notebooks; settings, results and the browser's profile stay in `private`."""
    sync_api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    ARTEFACTS.mkdir(parents=True, exist_ok=True)
    environment = {**os.environ, **variables}
    for name in ("CONFIG_DIR", "DATA_DIR", "RUNTIME_DIR"):
        environment[f"JUPYTER_{name}"] = str(private / name.lower())
    environment["JUPYTERLAB_SETTINGS_DIR"] = str(private / "settings")
    environment["JUPYTERLAB_WORKSPACES_DIR"] = str(private / "workspaces")
    environment["IPYTHONDIR"] = str(private / "ipython")
    extension = private / "settings" / "@jupyterlab" / "apputils-extension"
    extension.mkdir(parents=True)
    (extension / "notification.jupyterlab-settings").write_text(
        '{"fetchNews": "false", "checkForUpdates": false}'
    )
    with _server(folder, environment) as (url, token), sync_api.sync_playwright() as playwright:
        context = playwright.chromium.launch_persistent_context(
            str(private / "profile"),
            executable_path=CHROMIUM,
            headless=True,
            args=_FLAGS.split(),
            viewport={"width": 1280, "height": 1400},
        )
        try:
            yield Lab(context, url, token)
        finally:
            context.close()


@contextmanager
def serve_notebooks(names: Sequence[str], private: Path) -> Iterator[Lab]:
    """Serve copies of notebooks of the project in the preset smoke; results stay in `private`."""
    folder = private / "notebooks"
    folder.mkdir()
    for name in names:
        papermill.execute_notebook(
            str(paths.notebooks_dir() / name),
            str(folder / name),
            {"preset": "smoke"},
            prepare_only=True,
            progress_bar=False,
        )
    places = {f"DLATRACK_{name}": str(private / name.lower()) for name in ("FIGURES", "RUNS", "CACHE")}
    with open_lab(folder, private, places) as lab:
        yield lab


@contextmanager
def _server(folder: Path, environment: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    token = secrets.token_hex(8)
    command = [sys.executable, "-m", "jupyterlab", "--no-browser", f"--port={port}"]
    command += ["--ServerApp.port_retries=0", f"--IdentityProvider.token={token}"]
    command += [f"--ServerApp.root_dir={folder}", "--LabApp.expose_app_in_browser=True", "--allow-root"]
    with (ARTEFACTS / "server.log").open("w") as log:
        server = subprocess.Popen(command, env=environment, stdout=log, stderr=subprocess.STDOUT, cwd=folder)
        try:
            url = f"http://127.0.0.1:{port}"
            assert _answers(server, url, token), (ARTEFACTS / "server.log").read_text()
            yield url, token
        finally:
            server.terminate()
            server.wait(timeout=300)


def _answers(server, url: str, token: str) -> bool:
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
