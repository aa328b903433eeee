"""Files that must agree do agree."""

from __future__ import annotations

import re
import tomllib

import pytest
import yaml

import dlatrack
from dlatrack import paths

ROOT = paths.root()
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]


def test_conda_and_pip_ask_for_the_same():
    conda = yaml.safe_load((ROOT / "environment.yml").read_text())["dependencies"]
    pip = next(entry["pip"] for entry in conda if isinstance(entry, dict))
    assert [entry for entry in pip if not entry.startswith("-")] == PROJECT["dependencies"]
    assert f"python{PROJECT['requires-python']}" in conda


def test_every_dependency_is_pinned_within_its_range():
    pins = dict(
        line.split("==") for line in (ROOT / "constraints.txt").read_text().splitlines() if "==" in line
    )
    pins = {name.lower().replace("_", "-"): version for name, version in pins.items()}
    extras = PROJECT["optional-dependencies"]
    for requirement in PROJECT["dependencies"] + extras["dev"] + extras["toolkits"]:
        name, least = re.fullmatch(r"([\w-]+)[>=]=([\d.]+)", requirement).groups()
        assert name in pins, f"constraints.txt lacks {name}"
        assert tuple(map(int, re.findall(r"\d+", pins[name])[:2])) >= tuple(map(int, least.split(".")[:2]))


def test_versions_agree():
    assert dlatrack.__version__ == PROJECT["version"]
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text())
    assert citation["version"] == PROJECT["version"]
    assert citation["license"] == PROJECT["license"]


@pytest.mark.parametrize("name", [name for name in dlatrack.__all__ if name != "__version__"])
def test_public_names_load(name):
    assert getattr(dlatrack, name).__name__ == name


def test_an_unknown_name_is_an_attribute_error():
    with pytest.raises(AttributeError, match="module 'dlatrack' has no attribute 'track'"):
        dlatrack.track  # noqa: B018
