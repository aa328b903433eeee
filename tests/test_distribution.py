"""The wheel holds what works without the clone, and nothing else."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import tomllib
import zipfile
from importlib.metadata import version
from pathlib import Path

import pytest

import dlatrack
from dlatrack import paths
from dlatrack.models.weights import shipped

ROOT = paths.root()
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
_BUILD = "from setuptools.build_meta import build_wheel; build_wheel({!r})"


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Built from a copy, without a network, so that the clone stays as it is."""
    if int(version("setuptools").split(".")[0]) < 77:
        pytest.skip("building needs setuptools 77 or newer")
    copy, out = (tmp_path_factory.mktemp(name) for name in ("copy", "dist"))
    for name in ("dlatrack", "data_manifests"):
        shutil.copytree(ROOT / name, copy / name, ignore=shutil.ignore_patterns("__pycache__"))
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
    manifests = {f"dlatrack/{name}" for name in files_below("data_manifests")}
    assert {name for name in names if not name.startswith(info)} == ours | manifests
    assert {f"dlatrack/weights/{name}.safetensors" for name in shipped()} < names
    assert {"dlatrack/py.typed", "dlatrack/paper/published.json", "dlatrack/weights/NOTICE"} < names
    assert {f"{info}licenses/LICENSE", f"{info}licenses/NOTICE"} < names


@pytest.mark.slow
def test_the_wheel_works_away_from_the_clone(wheel: Path, tmp_path: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(tmp_path / "site")
    code = (
        f"import sys; sys.path.insert(0, {str(tmp_path / 'site')!r})\n"
        "import dlatrack\n"
        "from dlatrack import paths\n"
        "from dlatrack.datasets.manifests import names\n"
        "from dlatrack.notebooks.run import find_notebook\n"
        "print(dlatrack.__file__, paths.root(), len(names()))\n"
        "find_notebook('03')\n"
    )
    away = tmp_path / "away"
    away.mkdir()
    done = subprocess.run([sys.executable, "-c", code], cwd=away, capture_output=True, text=True, check=False)
    place, root, manifests = done.stdout.split()
    assert place == str(tmp_path / "site" / "dlatrack" / "__init__.py")
    assert root == str(away)
    assert int(manifests) == len(list((ROOT / "data_manifests").glob("*.toml")))
    assert "none in" in done.stderr
    assert "notebooks are part of the clone" in done.stderr


def test_the_source_distribution_is_told_of_files_that_exist() -> None:
    for line in (ROOT / "MANIFEST.in").read_text().splitlines():
        command, *names = line.split()
        if command in ("include", "graft"):
            assert all((ROOT / name).exists() for name in names), line


def test_the_change_log_ends_with_this_version() -> None:
    versions = re.findall(r"^## \[(\d[\d.]*)\]", (ROOT / "CHANGELOG.md").read_text(), re.MULTILINE)
    assert versions[0] == dlatrack.__version__ == PROJECT["version"]
