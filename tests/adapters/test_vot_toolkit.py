"""The page on the VOT toolkit, followed word for word with the real toolkit and TraX on three composed clips."""

from __future__ import annotations

import json
import os
import re
import shlex
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
import pytest

from dlatrack import OnlineTracker, paths
from dlatrack.datasets.composed import composed_sequences
from dlatrack.datasets.images import read_image
from dlatrack.datasets.mini.videos import save_images, save_rows, save_text
from dlatrack.datasets.sequence import Sequence
from dlatrack.datasets.synthetic.textures import landscape
from dlatrack.datasets.vot2019 import around
from dlatrack.evaluation.vot.results import VOTRun, read_vot_run
from dlatrack.tracking.reset import run_with_resets

PAGE = (paths.root() / "docs" / "official_clients.md").read_text().partition("## VOT\n")[2]
LENGTH = 60

#: Corners of a polygon within a box, in its width and height.
CORNERS = np.array([[0.2, 0.0], [1.0, 0.1], [0.8, 1.0], [0.0, 0.9]])


def block(language: str, holding: str) -> str:
    """The only fenced block of the page in a language ("" for none) with some text."""
    (found,) = [b for b in re.findall(rf"```{language}\n(.*?)```", PAGE, re.DOTALL) if holding in b]
    return found


def commands() -> list[str]:
    """The command lines of the page, in their order."""
    return [line.strip() for line in re.findall(r"^    ((?:pip|vot|dlatrack) .*)$", PAGE, re.MULTILINE)]


def run(line: str, folder: Path) -> str:
    """Run a command line of the page in a folder, with the programs beside this Python."""
    program, *arguments = shlex.split(line)
    tools = str(Path(sys.executable).parent)
    environment = os.environ | {"PATH": f"{tools}:{os.environ['PATH']}", "OMP_NUM_THREADS": "1"}
    module = {"dlatrack": "dlatrack", "vot": "vot"}[program]
    done = subprocess.run(
        [sys.executable, "-m", module, *arguments],
        cwd=folder,
        env=environment | {"PYTHONPATH": str(paths.root())},
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )
    assert done.returncode == 0, f"{line}\n{done.stdout}\n{done.stderr}"
    return done.stdout


def clips(folder: Path) -> Iterator[tuple[str, list[np.ndarray], np.ndarray]]:
    """Name, images and boxes of three clips; the target of the second is lost, as is that of the third at its cut."""
    photographs = []
    for number, size in enumerate([(240, 320), (200, 300), (260, 260)]):
        photographs.append(folder / f"{number}.png")
        picture = landscape(np.random.default_rng(number), *size)
        assert cv2.imwrite(str(photographs[-1]), picture[..., ::-1])
    composed = {each.name: each for each in composed_sequences(photographs, [], 24, 0, LENGTH)}

    def part(number: int, frames: int) -> tuple[list[np.ndarray], np.ndarray]:
        video = composed[f"composed-{number:04d}"]
        assert video.visible.all()
        return [video.frames[frame] for frame in range(frames)], video.boxes_xywh[:frames]

    yield "plain", *part(0, LENGTH)
    yield "lost", *part(12, LENGTH)
    (before, first), (after, second) = part(11, LENGTH // 2), part(23, LENGTH // 2)
    yield "cut", before + after, np.concatenate([first, second])


def fill(workspace: Path, photographs: Path) -> None:
    """Put clips and a tracker into a workspace, as the page says; the first clip has boxes, the others polygons."""
    assert "sequences/NAME/color/00000001.jpg" in block("", "workspace/config.yaml")
    names = []
    for name, images, boxes_xywh in clips(photographs):
        folder = workspace / "sequences" / name
        polygons = boxes_xywh[:, None, :2] + CORNERS * boxes_xywh[:, None, 2:]
        rows = boxes_xywh if name == "plain" else polygons.reshape(-1, 8)
        save_images(folder / "color", "%08d.jpg", range(1, LENGTH + 1), images)
        save_rows(folder / "groundtruth.txt", rows, number=".4f")
        save_text(folder / "sequence", block("", "channels.color").replace("NAME", name))
        names.append(name)
    save_text(workspace / "sequences" / "list.txt", "".join(f"{name}\n" for name in names))
    trackers = block("ini", "[dla_nanotrack]").replace("/full/path/to/python", sys.executable)
    save_text(workspace / "trackers.ini", trackers)


def sequence_of(folder: Path) -> Sequence:
    rows = np.loadtxt(folder / "groundtruth.txt", delimiter=",")
    polygons = rows.reshape(-1, 4, 2) if rows.shape[1] == 8 else None
    boxes_xywh = rows if polygons is None else around(polygons)
    images = [read_image(path) for path in sorted((folder / "color").iterdir())]
    return Sequence(folder.name, images, boxes_xywh, np.ones(len(rows), bool), polygons=polygons)


@pytest.fixture(scope="module")
def workspace(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, float]]:
    """The workspace after all commands of the page, and the scores of `dlatrack evaluate`."""
    for package in ("trax", "vot"):
        pytest.importorskip(package, reason=f"the VOT toolkit is not installed: {commands()[0]}")
    folder = tmp_path_factory.mktemp("vot")
    initialize, *others = commands()[1:]
    run(initialize, folder)
    fill(folder / "workspace", folder)
    for line in others[:-1]:
        run(line, folder)
    (scores,) = json.loads(run(f"{others[-1]} --json", folder))
    return folder / "workspace", scores


def test_the_page_installs_what_is_tested() -> None:
    extra, *packages = shlex.split(commands()[0])[2:]
    pinned = tomllib.loads((paths.root() / "pyproject.toml").read_text())["project"]["optional-dependencies"]
    assert extra == "dlatrack[vot]"
    assert set(packages) | set(pinned["vot"]) <= set(pinned["toolkits"])
    assert [line.split()[0] for line in commands()] == ["pip", "vot", "vot", "vot", "dlatrack"]


@pytest.mark.slow
def test_boxes_and_failures_are_ours(workspace: tuple[Path, dict[str, float]]) -> None:
    place, _ = workspace
    tracker = OnlineTracker.from_weights("dla_nanotrack_v3", benchmark="VOT2019")
    failures = 0
    for name in ("plain", "lost", "cut"):
        ours = run_with_resets(tracker, sequence_of(place / "sequences" / name)).run
        files = sorted((place / "results" / "dla_nanotrack" / "baseline" / name).glob("*.bin"))
        assert [path.name for path in files] == [f"{name}_{number:03d}.bin" for number in (1, 2, 3)]
        for file in files:
            theirs: VOTRun = read_vot_run(file, LENGTH)
            np.testing.assert_array_equal(theirs.codes, ours.codes)
            np.testing.assert_allclose(theirs.regions, ours.regions, atol=1e-3, rtol=0)
        failures += int((ours.codes == 2).sum())
    assert failures == 2


@pytest.mark.slow
def test_the_probability_reaches_the_client(workspace: tuple[Path, dict[str, float]]) -> None:
    place, _ = workspace
    tracker = OnlineTracker.from_weights("dla_nanotrack_v3", benchmark="VOT2019")
    sequence = sequence_of(place / "sequences" / "plain")
    tracker.init(sequence.frames[0], sequence.boxes_xywh[0])
    expected = []
    for frame in sequence.frames[1:]:
        tracker.update(frame)
        assert tracker.confidence is not None
        expected.append(tracker.confidence.probability)
    file = place / "results" / "dla_nanotrack" / "baseline" / "plain" / "plain_001_confidence.value"
    written = [float(row) for row in file.read_text().splitlines() if row]
    np.testing.assert_allclose(written, expected, atol=1e-5)


@pytest.mark.slow
def test_scores_are_ours(workspace: tuple[Path, dict[str, float]]) -> None:
    place, ours = workspace
    report = json.loads((place / "analysis" / "scores.json").read_text())
    ((accuracy, failures, *_),), ((eao,),), *_ = report["results"]["baseline"]["results"]
    assert ours["tracker"] == "dla_nanotrack"
    assert ours["accuracy"] == pytest.approx(accuracy, abs=1e-6)
    assert ours["robustness"] == pytest.approx(failures, abs=1e-6)
    assert ours["eao"] == pytest.approx(eao, abs=1e-6)
    assert ours["lost"] == 2
