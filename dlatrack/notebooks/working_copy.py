"""A reader's own copy of the notebooks, with a page that leads to them."""

from __future__ import annotations

import re
from pathlib import Path
from typing import NamedTuple

import nbformat

from dlatrack import paths
from dlatrack.errors import InputError
from dlatrack.files import write_text
from dlatrack.ledger.makers import notebook_title
from dlatrack.paths import with_home
from dlatrack.version import __version__

#: File name of the page that leads to the notebooks.
WELCOME = "welcome.ipynb"

#: A link that leads out of the folder of the notebooks, to pages that only the clone has.
_OUTWARD = re.compile(r"\[([^\[\]]+)\]\(\.\./[^)]*\)")

_KERNEL = {"display_name": "Python 3 (ipykernel)", "language": "python", "name": "python3"}


class WorkingCopy(NamedTuple):
    """A folder of notebooks for a reader to run and change."""

    folder: Path  #: absolute path
    written: int  #: number of files that were written
    kept: tuple[str, ...]  #: names of the files that were there before and differ from those of this version


def write_working_copy(folder: str | Path) -> WorkingCopy:
    """Write the notebooks and `welcome.ipynb` to a folder; files that are there stay as they are.

    The copies are not paired with Python files, so the text twins that the project keeps are not among them. Links to
    pages that only the clone has become plain text.

    Args:
        folder: folder to write to; created when absent.

    Raises:
        InputError: if there are no notebooks to copy, `folder` is the one of the project's own notebooks, or a file
            cannot be written.
    """
    folder, sources = with_home(folder).absolute(), paths.notebook_files()
    if not sources:
        raise InputError(f"there are no notebooks in {paths.notebooks_dir()} to copy")
    if folder.resolve() == paths.notebooks_dir().resolve():
        raise InputError(f"{folder} holds the project's own notebooks; name another folder for your copy")
    texts = {source.name: _OUTWARD.sub(r"\1", source.read_text(encoding="utf-8")) for source in sources}
    texts[WELCOME] = _welcome([source.stem for source in sources])
    absent = [name for name in texts if not (folder / name).exists()]
    for name in absent:
        write_text(folder / name, texts[name])
    kept = [name for name in texts if name not in absent and not _holds(folder / name, texts[name])]
    return WorkingCopy(folder, len(absent), tuple(kept))


def _holds(file: Path, text: str) -> bool:
    return file.is_file() and file.read_bytes() == text.encode()


def _welcome(notebooks: list[str]) -> str:
    """The page that leads to notebooks of these stems, as a notebook with one cell of text."""
    links = [f"- [{notebook_title(stem)}]({stem}.ipynb)" for stem in notebooks]
    lines = [
        "# SiamDLA: dynamic label assignment for Siamese visual tracking",
        "",
        f"These are the notebooks of dlatrack {__version__}, the companion of the paper "
        "(doi 10.32604/cmc.2023.036177). They are your own copy: run and change what you like.",
        "",
        "Each runs in minutes with its preset `demo`, without a GPU and with nothing to download. `smoke` is a "
        "short try, `paper` the full size.",
        "",
        "**Begin with 01**, the laboratory of label assignment; 03 trains two trackers, 12 follows a target in a "
        "video of yours.",
        "",
        *links,
    ]
    cell = nbformat.v4.new_markdown_cell("\n".join(lines), id="welcome")
    page: str = nbformat.writes(nbformat.v4.new_notebook(cells=[cell], metadata={"kernelspec": _KERNEL}))
    return page + "\n"
