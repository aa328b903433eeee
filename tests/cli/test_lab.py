"""`dlatrack lab` and `dlatrack demo`: what they hand to JupyterLab and to the notebooks, and the server itself."""

from __future__ import annotations

import os
import secrets
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import pytest
from jupyterlab.labapp import LabApp

from dlatrack import cli
from dlatrack.cli import lab
from dlatrack.notebooks import run as runner
from dlatrack.notebooks.working_copy import WELCOME


def call(monkeypatch, capsys, *arguments: str) -> tuple[int, str, str]:
    monkeypatch.setattr(sys, "argv", ["dlatrack", *arguments])
    with pytest.raises(SystemExit) as stop:
        cli.main()
    captured = capsys.readouterr()
    return stop.value.code or 0, captured.out, captured.err


@pytest.fixture
def launched(monkeypatch, tmp_path) -> list[list[str]]:
    """Arguments of the JupyterLabs that would have been started, in a folder of their own, not as root."""
    calls: list[list[str]] = []
    monkeypatch.setattr(LabApp, "launch_instance", calls.append)
    monkeypatch.setattr(lab, "_is_root", lambda: False)
    monkeypatch.chdir(tmp_path)
    return calls


@pytest.mark.parametrize(
    ("arguments", "folder", "passed"),
    [
        ([], "dlatrack-notebooks", []),
        (["mine"], "mine", []),
        (["--no-browser", "--port", "9"], "dlatrack-notebooks", ["--no-browser", "--port", "9"]),
        (["mine", "--port", "9", "--allow-root"], "mine", ["--port", "9", "--allow-root"]),
    ],
)
def test_options_go_to_jupyterlab(monkeypatch, capsys, tmp_path, launched, arguments, folder, passed):
    status, out, _ = call(monkeypatch, capsys, "lab", *arguments)
    assert status == 0
    first = [f"--ServerApp.root_dir={tmp_path / folder}", f"--LabApp.default_url=/lab/tree/{WELCOME}"]
    assert launched == [[*first, *passed]]
    assert (tmp_path / folder / WELCOME).is_file()
    assert f"notebooks in {tmp_path / folder}: " in out.replace("\n", " ")


def test_kept_files_are_named(monkeypatch, capsys, tmp_path, launched):
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "12_track_your_video.ipynb").write_text("mine")
    _, out, _ = call(monkeypatch, capsys, "lab", "mine")
    assert out.endswith("kept, as they differ from those of this version: 12_track_your_video.ipynb\n")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--no-browser", "mine"], "the folder comes before all options: dlatrack lab mine --no-browser ..."),
        ([""], "the folder of the copy has no name; give one, e.g. dlatrack-notebooks"),
    ],
)
def test_a_folder_that_is_none_is_named(monkeypatch, capsys, tmp_path, launched, arguments, message):
    status, _, err = call(monkeypatch, capsys, "lab", *arguments)
    assert status == 2
    assert message in err
    assert not launched
    assert not list(tmp_path.iterdir())


def test_root_is_told_what_to_do_before_anything_is_written(monkeypatch, capsys, tmp_path, launched):
    monkeypatch.setattr(lab, "_is_root", lambda: True)
    status, _, err = call(monkeypatch, capsys, "lab", "mine", "--no-browser")
    assert status == 2
    assert err.endswith("in a container: dlatrack lab mine --no-browser --allow-root\n")
    assert launched == []
    assert not (tmp_path / "mine").exists()
    for option in ("--allow-root", "--ServerApp.allow_root=True"):
        assert call(monkeypatch, capsys, "lab", "mine", option)[0] == 0


def test_help_is_ours(monkeypatch, capsys, launched):
    for arguments in (["--help"], ["mine", "-h"]):
        status, out, _ = call(monkeypatch, capsys, "lab", *arguments)
        assert (status, launched) == (0, [])
        assert "All other options go to JupyterLab" in " ".join(out.split())


def test_the_demo_is_notebooks_01_and_03(monkeypatch, capsys):
    calls = []
    monkeypatch.setattr(runner, "run_notebook", lambda number, **options: calls.append((number, options)))
    assert call(monkeypatch, capsys, "demo", "--preset", "smoke", "-p", "seed", "2")[0] == 0
    assert calls == [
        ("01", {"preset": "smoke"}),
        ("03", {"preset": "smoke", "parameters": {"seed": "2"}}),
    ]


def test_the_demo_refuses_what_notebook_03_does_not_have_before_it_begins(monkeypatch, capsys):
    monkeypatch.setattr(runner, "run_notebook", lambda *_, **__: pytest.fail("nothing may run"))
    status, _, err = call(monkeypatch, capsys, "demo", "-p", "sed", "2")
    assert status == 2
    assert "03_train_dla_siamcar.ipynb has no parameter 'sed'" in err
    status, _, err = call(monkeypatch, capsys, "demo", "seed=2")
    assert status == 2
    assert "cannot read 'seed=2'" in err


@pytest.mark.slow
def test_jupyterlab_opens_the_welcome_page_of_the_copy(tmp_path: Path):
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    token = secrets.token_hex(8)
    environment = {
        **os.environ,
        "HOME": str(tmp_path / "home"),
        "PYTHONPATH": str(Path(cli.__file__).parents[2]),
    }
    options = ["--no-browser", f"--port={port}", "--allow-root", f"--IdentityProvider.token={token}"]
    server = subprocess.Popen(
        [sys.executable, "-m", "dlatrack", "lab", "copy", *options],
        cwd=tmp_path,
        env=environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))

    def get(place: str):
        request = urllib.request.Request(
            f"http://127.0.0.1:{port}{place}", headers={"Authorization": f"token {token}"}
        )
        return opener.open(request, timeout=30)

    try:
        for _ in range(600):
            assert server.poll() is None, server.stderr.read()
            try:
                first = get("/")
                break
            except OSError:
                time.sleep(0.2)
        assert first.url.partition("?")[0] == f"http://127.0.0.1:{port}/lab/tree/{WELCOME}"
        assert b"JupyterLab" in get("/lab").read()
        listed = get("/api/contents").read().decode()
        assert "03_train_dla_siamcar.ipynb" in listed
        assert ".py" not in listed.replace(".ipynb", "")
    finally:
        server.terminate()
        server.communicate(timeout=300)


def test_a_page_of_the_laboratory(monkeypatch, capsys, tmp_path, launched):
    status, out, _ = call(monkeypatch, capsys, "lab", "--html", "lab.html", "--sequence=synthetic-7")
    assert status == 0
    assert "lab.html: the laboratory as a page, 0." in out.replace("\n", " ")
    assert "synthetic-0007" in (tmp_path / "lab.html").read_text()
    assert launched == [], "JupyterLab is not opened"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--sequence", "7"], "--sequence says what the page of --html shows; give --html FILE, too"),
        (["--html", "lab.html", "--no-browser"], "opens no JupyterLab, so it does not take --no-browser"),
        (["--html", "lab.txt"], "must be a file ending in .html, got lab.txt"),
        (["--html", "lab.html", "--sequence", "none"], "none is neither a folder nor a file"),
    ],
)
def test_pages_that_cannot_be_written(monkeypatch, capsys, launched, arguments, message):
    status, _, error = call(monkeypatch, capsys, "lab", *arguments)
    assert status == 2
    assert message in " ".join(error.split())
    assert launched == []
