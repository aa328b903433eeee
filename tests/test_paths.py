from __future__ import annotations

from pathlib import Path

import pytest

from dlatrack import paths
from dlatrack.errors import InputError

CLONE = Path(__file__).parents[1]


def test_root_is_the_clone_from_any_directory(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert paths.root() == CLONE
    assert paths.notebooks_dir() == CLONE / "notebooks"


def test_root_without_a_clone_is_the_current_directory(tmp_path, monkeypatch):
    monkeypatch.setattr(paths, "_PACKAGE_PARENT", tmp_path / "site-packages")
    monkeypatch.chdir(tmp_path)
    assert paths.root() == tmp_path


def test_defaults_lie_in_the_clone(monkeypatch):
    for name in ("FIGURES", "RUNS", "CACHE"):
        monkeypatch.delenv(f"DLATRACK_{name}", raising=False)
    assert paths.figures_dir() == CLONE / "runs" / "figures", "a run changes no file that git tracks"
    assert paths.published_figures_dir() == CLONE / "figures"
    assert paths.figure_sources() == (CLONE / "runs" / "figures", CLONE / "figures")
    assert paths.runs_dir() == CLONE / "runs"
    assert paths.cache_dir() == CLONE / "runs" / "cache"


@pytest.mark.parametrize("name", ["figures", "runs", "cache"])
def test_environment_moves_a_folder_without_making_it(name, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv(f"DLATRACK_{name.upper()}", "elsewhere")
    assert getattr(paths, f"{name}_dir")() == tmp_path / "elsewhere"
    assert not (tmp_path / "elsewhere").exists()


def test_a_named_folder_of_figures_is_the_only_source(tmp_path, monkeypatch):
    monkeypatch.setenv("DLATRACK_FIGURES", str(tmp_path))
    assert paths.figure_sources() == (tmp_path,)


def test_figures_follow_the_folder_of_runs(tmp_path, monkeypatch):
    monkeypatch.delenv("DLATRACK_FIGURES", raising=False)
    monkeypatch.setenv("DLATRACK_RUNS", str(tmp_path))
    assert paths.figures_dir() == tmp_path / "figures"


@pytest.mark.parametrize(
    ("variable", "folder"),
    [("DLATRACK_RUNS", "runs_dir"), ("DLATRACK_DATA", "data_dir"), ("DLATRACK_CACHE", "cache_dir")],
)
def test_a_folder_below_a_home_that_is_not_there(variable, folder, monkeypatch):
    def expanduser(path):
        raise RuntimeError("Could not determine home directory.")

    monkeypatch.setattr(Path, "expanduser", expanduser)
    monkeypatch.setenv(variable, "~/below")
    with pytest.raises(
        InputError, match=rf"^{variable} is '~/below', and there is no home folder; set HOME$"
    ):
        getattr(paths, folder)()


def test_data_sets_lie_where_the_environment_says(tmp_path, monkeypatch):
    monkeypatch.delenv("DLATRACK_DATA", raising=False)
    assert paths.data_dir() is None
    monkeypatch.setenv("DLATRACK_DATA", str(tmp_path / "sets"))
    assert paths.data_dir() == tmp_path / "sets"


def test_shared_data_lie_beside_the_clone_or_where_the_environment_says(tmp_path, monkeypatch):
    monkeypatch.setattr(paths, "root", lambda: tmp_path / "clone")
    monkeypatch.delenv("DLATRACK_SHARED_DATA", raising=False)
    assert paths.shared_data() is None
    (tmp_path / "shared" / "data").mkdir(parents=True)
    assert paths.shared_data() == tmp_path / "shared" / "data"
    monkeypatch.setenv("DLATRACK_SHARED_DATA", str(tmp_path / "absent"))
    assert paths.shared_data() is None
    monkeypatch.setenv("DLATRACK_SHARED_DATA", str(tmp_path))
    assert paths.shared_data() == tmp_path
