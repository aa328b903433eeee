"""Notebooks saved by the server of `make lab`: through the real contents manager, without a browser."""

from __future__ import annotations

import asyncio
import copy
import shutil
import subprocess
from pathlib import Path
from typing import Any

import nbformat
import pytest
from traitlets.config import PyFileConfigLoader
from traitlets.utils.importstring import import_item

from dlatrack import paths

ROOT = paths.root()
NAMES = ("01_label_assignment", "02_data_and_architecture", "12_track_your_video")


class Server:
    """The contents manager that `notebooks/jupyter_server_config.py` asks for, over a copy of the notebooks."""

    def __init__(self, folder: Path) -> None:
        config = PyFileConfigLoader("jupyter_server_config.py", str(ROOT / "notebooks")).load_config()
        manager = import_item(config.ServerApp.contents_manager_class)
        self.folder, self._manager = folder, manager(config=config, root_dir=str(folder))

    def open(self, name: str) -> dict[str, Any]:
        return asyncio.run(self._manager.get(name, content=True))["content"]

    def listed(self) -> set[str]:
        folder = asyncio.run(self._manager.get("", content=True, type="directory"))
        return {entry["name"] for entry in folder["content"]}

    def save(self, name: str, content: dict[str, Any]) -> None:
        asyncio.run(self._manager.save({"type": "notebook", "format": "json", "content": content}, name))


@pytest.fixture
def server(tmp_path, monkeypatch):
    monkeypatch.setenv("JUPYTER_DATA_DIR", str(tmp_path / "data"))
    monkeypatch.setattr(paths, "root", lambda: tmp_path)
    folder = tmp_path / "notebooks"
    folder.mkdir()
    for file in (ROOT / "notebooks").glob("*.*"):
        if file.stem in (*NAMES, "jupytext"):
            shutil.copy2(file, folder)
    return Server(folder)


def run(content: dict[str, Any]) -> dict[str, Any]:
    """What JupyterLab sends after a run: outputs, counts, times, widgets, and the kernel as that machine calls it."""
    ran = copy.deepcopy(content)
    for number, cell in enumerate(ran["cells"]):
        cell["metadata"] |= {"trusted": True, "execution": {"iopub.status.busy": "today"}, "collapsed": False}
        if cell["cell_type"] == "code":
            picture = {"image/png": "iVBORw0KGgo=" * 1000}
            cell["outputs"] = [nbformat.v4.new_output("display_data", picture)]
            cell["execution_count"] = number + 1
    ran["metadata"] |= {
        "language_info": {"name": "python", "version": "3.14.1"},
        "widgets": {"application/vnd.jupyter.widget-state+json": {"state": {"a": 1}}},
        "kernelspec": {"display_name": "Python [conda env:mine]", "language": "python", "name": "python3"},
    }
    return ran


def written(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir() if path.is_file()}


@pytest.mark.parametrize("name", NAMES)
def test_a_notebook_that_was_run_is_saved_byte_for_byte_as_it_was(server, name):
    before = written(server.folder)
    for file in (f"{name}.ipynb", f"{name}.py", f"{name}.ipynb"):
        server.save(file, run(server.open(file)))
        assert written(server.folder) == before, file


def test_an_edit_is_kept_in_both_files_of_the_pair_and_nothing_else_changes(server):
    file = server.folder / "01_label_assignment.ipynb"
    before, text = file.read_text(), file.with_suffix(".py").read_text()
    content = run(server.open(file.name))
    edited = next(cell for cell in content["cells"] if cell["source"].startswith("preset"))
    edited["source"] = edited["source"].replace("candidates: int = 9", "candidates: int = 11")
    server.save(file.name, content)
    assert file.read_text() == before.replace("candidates: int = 9", "candidates: int = 11")
    assert file.with_suffix(".py").read_text() == text.replace("candidates: int = 9", "candidates: int = 11")


def test_a_new_cell_and_its_tags_are_kept(server):
    file = server.folder / "12_track_your_video.ipynb"
    content = run(server.open(file.name))
    cell = nbformat.v4.new_code_cell("mine = 1", metadata={"tags": ["mine"], "slideshow": {}})
    cell["outputs"] = [nbformat.v4.new_output("stream", name="stdout", text="1\n")]
    content["cells"].append(cell)
    server.save(file.name, content)
    last = nbformat.read(file, as_version=4).cells[-1]
    assert (last.source, last.metadata, last.outputs) == ("mine = 1", {"tags": ["mine"]}, [])
    assert file.with_suffix(".py").read_text().endswith('# %% tags=["mine"]\nmine = 1\n')


def test_the_browser_lists_the_notebook_of_each_pair_and_the_readers_own_files(server):
    (server.folder / "mine.py").touch()
    assert server.listed() == {*(f"{name}.ipynb" for name in NAMES), "jupytext.toml", "mine.py"}


@pytest.mark.parametrize("name", ["01_label_assignment-Copy1.ipynb", "my_trial.ipynb", "sub/01_mine.ipynb"])
def test_the_readers_own_notebooks_keep_their_outputs(server, name):
    (server.folder / "sub").mkdir()
    server.save(name, run(server.open("01_label_assignment.ipynb")))
    saved = nbformat.read(server.folder / name, as_version=4)
    assert any(cell.get("outputs") for cell in saved.cells)


def test_a_new_notebook_of_the_project_starts_without_outputs(server):
    content = run(server.open("01_label_assignment.ipynb"))
    server.save("14_new.ipynb", content)
    saved = nbformat.read(server.folder / "14_new.ipynb", as_version=4)
    assert not any(cell.get("outputs") for cell in saved.cells)
    assert set(saved.metadata) <= {"jupytext", "kernelspec"}


def test_files_that_are_no_notebooks_are_saved_as_they_are(server):
    model = {"type": "file", "format": "text", "content": "[1]"}
    asyncio.run(server._manager.save(model, "01_numbers.json"))
    assert (server.folder / "01_numbers.json").read_text() == "[1]"


@pytest.fixture
def lab(tmp_path, monkeypatch):
    """Output of `make lab` with a jupyter that prints its call and configuration path, for a user id."""
    programs = tmp_path / "venv" / "bin"
    programs.mkdir(parents=True)
    (tmp_path / "venv" / ".installed").touch()

    def call(user: int, *arguments: str) -> subprocess.CompletedProcess[str]:
        for name, line in (("jupyter", 'echo "$@; $JUPYTER_CONFIG_PATH"'), ("id", f"echo {user}")):
            (programs / name).write_text(f"#!/bin/sh\n{line}\n")
            (programs / name).chmod(0o755)
        monkeypatch.setenv("PATH", str(programs), prepend=":")
        monkeypatch.delenv("MAKEFLAGS", raising=False)  # of a `make test` that these tests run under
        command = ["make", "--silent", f"VENV={tmp_path / 'venv'}", "lab", *arguments]
        return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)

    return call


@pytest.mark.skipif(shutil.which("make") is None, reason="make is not installed")
def test_make_lab_adds_the_configuration_to_the_users_own(lab, monkeypatch):
    monkeypatch.delenv("JUPYTER_CONFIG_PATH", raising=False)
    assert lab(1000).stdout == f"lab notebooks; {ROOT}/notebooks\n"
    monkeypatch.setenv("JUPYTER_CONFIG_PATH", "/etc/mine")
    assert lab(1000, "ARGS=--port 9").stdout == f"lab notebooks --port 9; {ROOT}/notebooks:/etc/mine\n"


@pytest.mark.skipif(shutil.which("make") is None, reason="make is not installed")
def test_make_lab_as_root_says_what_to_do(lab):
    done = lab(0)
    assert done.returncode == 2
    assert "make lab ARGS=--allow-root" in done.stderr
    assert done.stdout == ""
    assert lab(0, "ARGS=--allow-root").stdout.startswith("lab notebooks --allow-root; ")
