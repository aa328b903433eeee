"""A reader's copy of the notebooks: complete, linked, and never written over what the reader has changed."""

from __future__ import annotations

import re
from pathlib import Path

import nbformat
import pytest

from dlatrack import paths
from dlatrack.errors import InputError
from dlatrack.notebooks.working_copy import WELCOME, write_working_copy


def test_the_copy_has_every_notebook_and_a_page_that_leads_to_each(tmp_path: Path) -> None:
    copy = write_working_copy(tmp_path / "mine")
    names = {path.name for path in paths.notebook_files()}
    assert {path.name for path in copy.folder.iterdir()} == {*names, WELCOME}, "no twins, no settings"
    assert (copy.written, copy.kept) == (len(names) + 1, ())
    page = nbformat.read(copy.folder / WELCOME, as_version=4)
    nbformat.validate(page)
    (cell,) = page.cells
    assert set(re.findall(r"\]\(([^)]+)\)", cell.source)) == names
    assert "- [01 · Which samples are positive?  (Fig. 1)](01_label_assignment.ipynb)" in cell.source


def test_no_link_of_the_copy_leads_to_what_it_lacks(tmp_path: Path) -> None:
    folder = write_working_copy(tmp_path).folder
    for file in folder.glob("*.ipynb"):
        cells = nbformat.read(file, as_version=4).cells
        text = "\n".join(cell.source for cell in cells if cell.cell_type == "markdown")
        links = re.findall(r"\]\(([^)#]+)\)", text)
        assert all((folder / link).exists() for link in links if ":" not in link), file.name
    assert "where it disagrees ·" in (folder / "00_paper_at_a_glance.ipynb").read_text()


def test_changed_files_are_kept_and_named_and_absent_ones_written(tmp_path: Path) -> None:
    write_working_copy(tmp_path)
    changed, absent = tmp_path / "03_train_dla_siamcar.ipynb", tmp_path / "12_track_your_video.ipynb"
    whole = absent.read_bytes()
    changed.write_text("mine")
    absent.unlink()
    copy = write_working_copy(tmp_path)
    assert (copy.written, copy.kept) == (1, (changed.name,))
    assert changed.read_text() == "mine"
    assert absent.read_bytes() == whole
    assert write_working_copy(tmp_path) == (tmp_path, 0, (changed.name,))


def test_the_projects_own_notebooks_are_no_copy(tmp_path: Path, monkeypatch) -> None:
    with pytest.raises(InputError, match=r"holds the project's own notebooks; name another folder"):
        write_working_copy(paths.notebooks_dir())
    monkeypatch.setattr(paths, "root", lambda: tmp_path)
    with pytest.raises(InputError, match=r"there are no notebooks in .* to copy"):
        write_working_copy(tmp_path / "mine")


def test_a_folder_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match=r"cannot write .*file"):
        write_working_copy(tmp_path / "file")
