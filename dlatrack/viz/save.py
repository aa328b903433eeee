"""Figures, saved with their numbers and a record of what made them; the same data gives the same bytes."""

from __future__ import annotations

import io
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar
from xml.sax.saxutils import escape

import matplotlib as mpl
import pandas as pd
from matplotlib.figure import Figure
from matplotlib.image import AxesImage
from PIL import Image

from dlatrack.files import atomic_path, remove_leftovers, write_text
from dlatrack.imagery import Imagery
from dlatrack.provenance import (
    destination,
    figure_record,
    holds,
    json_lines,
    plain_value,
    save_table,
    text_digest,
    write_record,
)
from dlatrack.viz.alternative_text import figure_description, figure_title
from dlatrack.viz.moving import MovingPicture
from dlatrack.viz.style import FIGURE_DPI, imagery_mark
from dlatrack.viz.tidy import shows_numbers, tidy

_Shown = TypeVar("_Shown", Figure, MovingPicture, pd.DataFrame)

# The picture must not depend on the reader's matplotlibrc: text stays text, which can be searched and read aloud,
# and sizes stay as drawn.
_SAVE_STYLE: Any = {"svg.hashsalt": "dlatrack", "svg.fonttype": "none", "savefig.bbox": None}

#: Fonts of the text in an SVG: Matplotlib's own, and those of about its width, for readers without it.
_FONTS = ["DejaVu Sans", "Verdana", "Arial"]

#: What an SVG says of its making: nothing, so that its bytes depend on the drawing alone.
_NAMELESS = {"Date": None, "Creator": None}

#: Suffixes of the picture to look at: that of a plot, and that of a figure with photographs.
PICTURE_SUFFIXES = (".png", ".webp")

_WEBP = {"quality": 85, "method": 6}  # an image in an SVG would make it ten times as large


def save_figure(
    fig: Figure | MovingPicture,
    name: str,
    *,
    data: Mapping[str, Any],
    made_by: str,
    parameters: Mapping[str, Any],
    folder: Path | None = None,
    imagery: Imagery | None = None,
    vectors: bool = True,
) -> Path:
    """Save a figure, with the numbers it shows and a record of where they come from.

    Writes the picture, name.data.json (the numbers) and, last, name.json (the record: maker, parameters, hash of
    the data file, versions, which stay those that first gave these bytes). Nothing in them depends on the time or the
    folder. The picture of a plot is name.png, with at most 256 colours, and name.svg with a title and a description,
    and name.csv has what it shows with its axes and units (`tidy.tidy`). That of a moving picture, or of a figure
    with colour images in it, is name.webp alone, compressed as photographs are.

    Args:
        fig: the figure, whose width and height are kept, or a moving picture. A figure is marked with what its images
            are, unless they are real.
        name: file name without suffix, e.g. "fig09".
        data: every number that the figure shows; arrays and tensors are fine, NaN becomes null.
        made_by: path of the maker, e.g. "notebooks/09_hyperparameter_k.py".
        parameters: the maker's parameters; of absolute paths only the part below the clone, or the last name,
            is kept.
        folder: output folder; None: `paths.figures_dir()`.
        imagery: images that the numbers come from; None: from none.
        vectors: whether a plot comes as SVG too, which for one with much text takes twice the bytes of the PNG.

    Returns:
        The path of the PNG or WebP.

    Raises:
        ValueError: for a name with a path or suffix in it, an absolute `made_by`, or a value that JSON cannot
            hold, naming its field.
        InputError: when a file cannot be written.
    """
    folder = destination(folder, name)
    data_text = json_lines(plain_value(data, "data"))
    record = figure_record(made_by, parameters, imagery, ("dlatrack", "torch", "numpy", "matplotlib"))
    record |= {"data": f"{name}.data.json", "data_sha256": text_digest(data_text)}
    if imagery is not None and isinstance(fig, Figure):
        imagery_mark(fig, imagery)
    pictures = _pictures(fig, name, vectors)
    if isinstance(fig, Figure) and ".png" in pictures and shows_numbers(fig):
        pictures[".csv"] = tidy(fig).encode()
    contents = {f"{name}{suffix}": content for suffix, content in pictures.items()}
    contents[f"{name}.data.json"] = data_text.encode()
    known = holds(folder, contents)
    write_text(folder / f"{name}.data.json", data_text)
    _write(pictures, name, folder)
    write_record(folder / f"{name}.json", record, known=known)
    return next(path for suffix in PICTURE_SUFFIXES if (path := folder / f"{name}{suffix}").is_file())


def write_pictures(fig: Figure, name: str, folder: Path) -> Path:
    """Write the pictures of a plot without numbers and record, as they are drawn again from a table.

    Returns:
        The path of the PNG.

    Raises:
        InputError: when a file cannot be written.
    """
    _write(_pictures(fig, name, vectors=True), name, folder)
    return folder / f"{name}.png"


def _write(contents: Mapping[str, bytes], name: str, folder: Path) -> None:
    """Write the files of a figure by suffix, and remove those of the same figure with other contents."""
    for suffix in (".png", ".svg", ".webp", ".csv"):
        path = folder / f"{name}{suffix}"
        remove_leftovers(path)
        if suffix in contents:
            with atomic_path(path) as temporary:
                temporary.write_bytes(contents[suffix])
        else:
            path.unlink(missing_ok=True)


def _pictures(fig: Figure | MovingPicture, name: str, vectors: bool) -> dict[str, bytes]:
    """Contents of the picture files by suffix."""
    if isinstance(fig, MovingPicture):
        return {".webp": fig.webp}
    with mpl.rc_context(_SAVE_STYLE):
        fig.draw_without_rendering()  # settles the layout, so that all files and a second call show the same
        if _shows_images(fig):
            return {".webp": _drawn(fig, "webp", pil_kwargs=_WEBP)}
        svg = {".svg": _vectors(fig, name)} if vectors else {}
        return {".png": _few_colours(_drawn(fig, "png", metadata={"Software": None}))} | svg


def _shows_images(fig: Figure) -> bool:
    """Whether any axes, insets too, show a colour image."""
    arrays = (image.get_array() for image in fig.findobj(AxesImage))
    return any(array is not None and array.ndim == 3 for array in arrays)


def _drawn(fig: Figure, kind: str, **options: Any) -> bytes:
    written = io.BytesIO()
    fig.savefig(written, format=kind, dpi=FIGURE_DPI, facecolor="white", edgecolor="none", **options)
    return written.getvalue()


def _vectors(fig: Figure, name: str) -> bytes:
    """An SVG with a title, and a description of what the figure shows."""
    with mpl.rc_context({"font.sans-serif": _FONTS}):
        svg = _drawn(fig, "svg", metadata=_NAMELESS | {"Title": figure_title(fig, name)})
    description = f"</title>\n <desc>{escape(figure_description(fig))}</desc>"
    return svg.replace(b"</title>", description.encode(), 1)


def _few_colours(png: bytes) -> bytes:
    """A PNG with at most 256 colours: a third of the bytes, and the same lines."""
    written = io.BytesIO()
    with Image.open(io.BytesIO(png)) as image:
        few = image.convert("RGB").quantize(dither=Image.Dither.NONE)
    few.save(written, format="PNG", optimize=True, dpi=(FIGURE_DPI, FIGURE_DPI))
    return written.getvalue()


@dataclass(frozen=True)
class NotebookRecord:
    """What the figures and tables of a notebook are made from."""

    #: stem of the notebook, e.g. "09_hyperparameter_k". The cell that keeps a figure or table has its name as a tag,
    #: from which the gallery knows where it is made.
    notebook: str
    parameters: Mapping[str, Any]  #: parameters that decide the numbers
    imagery: Imagery  #: images that the numbers come from
    folder: Path | None = None  #: folder to write; None: `paths.figures_dir()`

    def __post_init__(self) -> None:
        """Raise ValueError if `notebook` has a path or a suffix in it."""
        if not re.fullmatch(r"\w+", self.notebook):
            raise ValueError(f"notebook must be a name without folder and suffix, got {self.notebook!r}")

    def keep(
        self,
        shown: _Shown,
        name: str,
        data: Mapping[str, Any] | None = None,
        *,
        parameters: Mapping[str, Any] | None = None,
        imagery: Imagery | None = None,
        vectors: bool = True,
    ) -> _Shown:
        """Save a figure as `save_figure` does, or a table as `provenance.save_table` does.

        Args:
            shown: figure, moving picture or table.
            name: file name without suffix, e.g. "fig09".
            data: every number that the figure shows; None for a table, which shows its own.
            parameters: parameters in place of those of the notebook.
            imagery: images in place of those of the notebook.
            vectors: whether a plot comes as SVG too, as in `save_figure`.

        Returns:
            `shown`, so that a cell can end with this call.

        Raises:
            ValueError: as `save_figure`; for a figure without data, a table with some, or anything else.
            InputError: as `save_figure`.
        """
        drawn = isinstance(shown, Figure | MovingPicture)
        if (not drawn and not isinstance(shown, pd.DataFrame)) or (data is None) == drawn:
            raise ValueError(
                f"{name}: a figure is kept with its data and a table without, got {type(shown).__name__} and "
                f"{'no data' if data is None else 'data'}"
            )
        record: dict[str, Any] = {
            "made_by": f"notebooks/{self.notebook}.py",
            "parameters": self.parameters if parameters is None else parameters,
            "imagery": self.imagery if imagery is None else imagery,
            "folder": self.folder,
        }
        if isinstance(shown, pd.DataFrame):
            save_table(shown, name, **record)
        else:
            save_figure(shown, name, data=data or {}, vectors=vectors, **record)
        return shown
