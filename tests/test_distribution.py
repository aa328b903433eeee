"""The wheel holds what works without the clone, and nothing else."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import tomllib
import zipfile
from importlib.metadata import version
from pathlib import Path
from typing import NamedTuple

import pytest

import dlatrack
from dlatrack import paths
from dlatrack.cli import app
from dlatrack.datasets.folder import write_folder
from dlatrack.datasets.synthetic import synthetic_sequences
from dlatrack.models.weights import shipped

ROOT = paths.root()
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
#: Folders beside the package, and their names in the wheel.
FOLDERS = {"data_manifests": "data_manifests", "notebooks": "notebook_files"}
_BUILD = "from setuptools.build_meta import build_wheel; build_wheel({!r})"


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Built from a copy, without a network, so that the clone stays as it is."""
    if int(version("setuptools").split(".")[0]) < 77:
        pytest.skip("building needs setuptools 77 or newer")
    copy, out = (tmp_path_factory.mktemp(name) for name in ("copy", "dist"))
    for name in ("dlatrack", *FOLDERS):
        shutil.copytree(ROOT / name, copy / name, ignore=shutil.ignore_patterns("__pycache__"))
    (copy / "notebooks" / ".ipynb_checkpoints").mkdir(exist_ok=True)
    (copy / "notebooks" / ".ipynb_checkpoints" / "01-checkpoint.ipynb").touch()
    for name in ("pyproject.toml", "setup.py", "README.md", "LICENSE", "NOTICE"):
        shutil.copy(ROOT / name, copy / name)
    done = subprocess.run(
        [sys.executable, "-c", _BUILD.format(str(out))], cwd=copy, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return next(out.glob("*.whl"))


def files_below(folder: str) -> set[str]:
    return {path.relative_to(ROOT).as_posix() for path in (ROOT / folder).rglob("*") if path.is_file()}


@pytest.mark.slow
def test_the_wheel_holds_the_package_and_what_it_reads(wheel: Path) -> None:
    assert wheel.name == f"dlatrack-{PROJECT['version']}-py3-none-any.whl"
    with zipfile.ZipFile(wheel) as archive:
        names = set(archive.namelist())
    info = f"dlatrack-{PROJECT['version']}.dist-info/"
    ours = {name for name in files_below("dlatrack") if "__pycache__" not in name}
    beside = {
        f"dlatrack/{there}{name.removeprefix(here)}"
        for here, there in FOLDERS.items()
        for name in files_below(here)
    }
    assert {name for name in names if not name.startswith(info)} == ours | beside
    assert {f"dlatrack/weights/{name}.safetensors" for name in shipped()} < names
    assert {"dlatrack/py.typed", "dlatrack/paper/published.json", "dlatrack/weights/NOTICE"} < names
    assert "dlatrack/models/onnx/example_files/track_onnx.py.txt" in names
    assert {f"{info}licenses/LICENSE", f"{info}licenses/NOTICE"} < names


class Away(NamedTuple):
    """The files of the wheel, and a folder away from the clone in which Python runs with them."""

    site: Path
    folder: Path

    def run(self, *arguments: str) -> str:
        """What Python prints with these arguments."""
        kept = {name: value for name, value in os.environ.items() if not name.startswith("DLATRACK_")}
        done = subprocess.run(
            [sys.executable, *arguments],
            cwd=self.folder,
            env={**kept, "PYTHONPATH": str(self.site)},
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout


@pytest.fixture(scope="module")
def away(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Away:
    site, folder = (tmp_path_factory.mktemp(name) for name in ("site", "away"))
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(site)
    return Away(site, folder)


@pytest.mark.slow
def test_the_wheel_works_away_from_the_clone(away: Away) -> None:
    code = (
        "import dlatrack\n"
        "from dlatrack import paths\n"
        "from dlatrack.datasets.manifests import names\n"
        "from dlatrack.evaluation.result_sets.sets import result_set, result_set_names\n"
        "from dlatrack.notebooks.run import find_notebook\n"
        "from dlatrack.notebooks.working_copy import write_working_copy\n"
        "sets = [result_set(name) for name in result_set_names()]\n"
        "print(dlatrack.__file__, paths.root(), len(names()) + len(sets), find_notebook('03'))\n"
        "print(write_working_copy('mine').written)"
    )
    place, root, manifests, notebook, copied = away.run("-c", code).split()
    package = away.site / "dlatrack"
    assert place == str(package / "__init__.py")
    assert root == str(away.folder)
    assert int(manifests) == len(list((ROOT / "data_manifests").glob("*.toml")))
    assert notebook == str(package / "notebook_files" / "03_train_dla_siamcar.ipynb")
    assert int(copied) == len(paths.notebook_files()) + 1


@pytest.mark.slow
@pytest.mark.parametrize("arguments", [("demo",), ("run", "05")], ids=" ".join)
def test_notebooks_run_from_the_wheel(away: Away, arguments: tuple[str, ...]) -> None:
    away.run("-m", "dlatrack", *arguments, "--preset", "smoke")
    runs = away.folder / "runs"
    assert {file.parent for file in runs.rglob("*.ipynb")} == {runs}
    assert str(ROOT) not in "".join(file.read_text() for file in runs.rglob("*.ipynb"))


@pytest.mark.slow
def test_a_video_is_tracked_from_the_wheel(away: Away) -> None:
    clip = write_folder(synthetic_sequences(1, seed=91, length=4, challenges=())[0], away.folder)
    away.run("-m", "dlatrack", "track", str(clip / "img"), "--box", "60,60,40,40", "--out", "tracked.mp4")
    assert len((away.folder / "tracked.csv").read_text().splitlines()) >= 4


def test_the_dockerfile_names_what_exists() -> None:
    """No container is built here: files, folders, the user and the command are checked against the project."""
    text = re.sub(r"^#.*\n", "", (ROOT / "Dockerfile").read_text(), flags=re.MULTILINE)
    steps = [line.split(maxsplit=1) for line in text.splitlines()]
    known = ["FROM", "RUN", "COPY", "RUN", "RUN", "USER", "WORKDIR", "EXPOSE", "CMD"]
    assert [step for step, _ in steps] == known
    said = dict(steps)
    tested = [
        line for line in PROJECT["classifiers"] if line.startswith("Programming Language :: Python :: 3.")
    ]
    assert said["FROM"].partition("-")[0] in {f"python:{line.rpartition(' ')[2]}" for line in tested}
    assert f"useradd --create-home {said['USER']}" in text
    assert said["WORKDIR"] == f"/home/{said['USER']}"
    (install,) = re.findall(r"pip install (.*?) &&", text)
    assert install.split() == ["--no-cache-dir", "--constraint", "/src/constraints.txt", "/src"]
    command, subcommand, *_ = json.loads(said["CMD"])
    assert command in PROJECT["scripts"]
    assert subcommand in {name.name or name.callback.__name__ for name in app.registered_commands}
    context = (ROOT / ".dockerignore").read_text().splitlines()
    sent = [line[1:] for line in context if line.startswith("!")]
    assert [name for name in sent if not (ROOT / name).exists()] == []
    needed = {"pyproject.toml", "setup.py", "constraints.txt", PROJECT["readme"], *PROJECT["license-files"]}
    assert {*needed, "dlatrack", *FOLDERS} == set(sent)
    assert context[context.index("*") + 1].startswith("!"), "nothing is sent that is not named"


def test_the_source_distribution_is_told_of_files_that_exist() -> None:
    for line in (ROOT / "MANIFEST.in").read_text().splitlines():
        command, *names = line.split()
        if command in ("include", "graft"):
            assert all((ROOT / name).exists() for name in names), line


def test_the_change_log_ends_with_this_version() -> None:
    versions = re.findall(r"^## \[(\d[\d.]*)\]", (ROOT / "CHANGELOG.md").read_text(), re.MULTILINE)
    assert versions[0] == dlatrack.__version__ == PROJECT["version"]
