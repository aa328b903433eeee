"""The page on streams: its loop runs, and its commands have options that exist."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest
from streams import write_clip
from typer.main import get_command

from dlatrack import paths
from dlatrack.cli import app
from dlatrack.datasets.video import live
from dlatrack.tracking.table import CSV_HEADER

PAGE = (paths.root() / "docs" / "deploy_streams.md").read_text()
FIRST_PAGE = (paths.root() / "docs" / "deploy.md").read_text()
LOOP = next(
    block for block in re.findall(r"```python\n(.*?)```", FIRST_PAGE, re.DOTALL) if "VideoCapture" in block
)


@pytest.mark.slow
def test_the_loop_follows_a_file_in_place_of_a_camera(tmp_path: Path) -> None:
    clip = write_clip(tmp_path / "clip.mp4", 12)
    assert len([line for line in LOOP.splitlines() if line]) <= 15
    code = LOOP.replace("cv2.VideoCapture(0)", f"cv2.VideoCapture({str(clip)!r})")
    code = f"import cv2\ncv2.selectROI = lambda *_: (60, 40, 48, 48)\n{code}"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert len(done.stdout.splitlines()) == 11


def test_the_page_names_options_and_figures_that_hold() -> None:
    command = get_command(app).commands["track"]  # type: ignore[attr-defined]
    options = {option for parameter in command.params for option in parameter.opts}
    assert set(re.findall(r"--[a-z]+", PAGE)) - options == set()
    assert CSV_HEADER in PAGE
    assert f"no frame within {live.ANSWER:g} s" in PAGE
    assert f"default {live.PATIENCE:g}" in PAGE
