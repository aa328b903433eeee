"""Files of a run that is killed: its notebook is whole, its connection file is written over by the next run."""

from __future__ import annotations

from pathlib import Path

import pytest
from papermill.iorw import papermill_io

from dlatrack.notebooks.jupyter_files import connection_of, written_whole


def place(target: Path) -> Path:
    return Path(connection_of(target)["KernelManager"]["connection_file"])


def test_each_output_has_its_own_file_and_the_same_one_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("JUPYTER_RUNTIME_DIR", str(tmp_path / "jupyter" / "runtime"))
    first = place(tmp_path / "a.ipynb")
    assert first.parent == tmp_path / "jupyter" / "runtime"
    assert first.parent.stat().st_mode & 0o777 == 0o700
    monkeypatch.chdir(tmp_path)
    assert place(Path("a.ipynb")) == first
    assert place(tmp_path / "b.ipynb") != first


def test_where_jupyter_has_no_folder_it_chooses_itself(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("JUPYTER_RUNTIME_DIR", str(tmp_path / "file" / "runtime"))
    assert connection_of(tmp_path / "a.ipynb") == {}


def test_papermill_writes_whole_files_through_links(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real, link = tmp_path / "real.ipynb", tmp_path / "link.ipynb"
    real.write_text("old")
    link.symlink_to(real)
    before = list(papermill_io._handlers)
    with written_whole(link):
        papermill_io.write("new", str(link))
        assert (link.is_symlink(), real.read_text()) == (True, "new")

        def refuse(_: int) -> None:
            raise OSError(28, "No space left on device")

        monkeypatch.setattr("dlatrack.files.os.fsync", refuse)
        with pytest.raises(OSError, match="No space left on device"):
            papermill_io.write("half", str(link))
    assert real.read_text() == "new"
    assert {path.name for path in tmp_path.iterdir()} == {"real.ipynb", "link.ipynb"}
    assert papermill_io._handlers == before
