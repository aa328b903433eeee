"""The documentation as a static site: README, docs, notebooks, figures and the API, readable from a disk, offline.

`make docs` builds it. Texts and notebooks are those of the clone; the API comes from the docstrings.
"""

from __future__ import annotations

import posixpath
import shutil
import tempfile
import warnings
from html import escape
from pathlib import Path
from string import Template

import dlatrack
from dlatrack import paths
from dlatrack.errors import InputError
from dlatrack.files import write_text
from dlatrack.site.links import API, PLAYER, Links, between
from dlatrack.site.pages import Page, code_style, read_page

__all__ = ["build_site"]

#: The parts of the navigation, by the folder that a page lies in.
_PARTS = {"": "Overview", "notebooks": "Notebooks", "figures": "Figures", "docs": "Documentation"}


def build_site(out: str | Path) -> Path:
    """Build the site, or replace an earlier one.

    A notebook shows the outputs of its last finished run in `paths.runs_dir()`, unless it has changed since.

    Args:
        out: folder of the site; it comes into being whole or not at all.

    Returns:
        The path of its first page.

    Raises:
        InputError: outside a clone, for a folder with anything but a site in it, a link that leads nowhere, a
            missing package, or a folder that cannot be written.
    """
    out, root = Path(out).absolute(), paths.root()
    if not (root / "docs" / "site").is_dir():
        raise InputError(f"the site is built from a clone of the project, and {root} is none")
    if out.exists() and not ((out / API).is_file() or (out.is_dir() and not any(out.iterdir()))):
        raise InputError(f"{out} is not an earlier site; choose a new or an empty folder")
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=out.parent, prefix=f".{out.name}-") as temporary:
            folder = Path(temporary) / "site"
            _fill(folder, root)
            if out.exists():
                out.replace(Path(temporary) / "earlier")
            folder.replace(out)
    except ModuleNotFoundError as error:
        raise InputError(f'the site needs the package {error.name}: pip install "dlatrack[dev]"') from error
    except OSError as error:
        raise InputError(f"cannot write {out}: {error.strerror or error}") from error
    return out / "index.html"


def _fill(folder: Path, root: Path) -> None:
    """Write all pages, and what they show."""
    links, material = Links(root, folder), root / "docs" / "site"
    pages = [read_page(root, source, place) for source, place in links.texts().items()]
    shutil.copytree(root / "figures", folder / "figures", ignore=shutil.ignore_patterns("README.md"))
    template = Template((material / "page.html").read_text("utf-8"))
    for page in pages:
        parts = {
            "title": escape(page.title),
            "root": "../" * page.place.count("/"),
            "navigation": _navigation(page.place, pages),
            "body": links.rewrite(page),
        }
        write_text(folder / page.place, template.substitute(parts))
    write_text(folder / "style.css", (material / "style.css").read_text("utf-8") + code_style())
    _write_api(folder / "api", material, links.modules())
    _write_player(folder / PLAYER)


def _navigation(place: str, pages: list[Page]) -> str:
    """The list of all pages, as one of them links to it."""
    entries = [(posixpath.dirname(page.place), page.place, page.title) for page in pages]
    entries += [("", PLAYER, "Label assignment, frame by frame"), ("", API, "API reference")]
    lines = []
    for part, heading in _PARTS.items():
        inside = [entry for entry in entries if entry[0] == part]
        if inside:
            lines += [f"<h2>{heading}</h2>", "<ul>"]
            for _, other, title in inside:
                here = ' aria-current="page"' if other == place else ""
                lines.append(f'<li><a href="{between(place, other)}"{here}>{escape(title)}</a></li>')
            lines.append("</ul>")
    return "\n".join(lines)


def _write_api(folder: Path, templates: Path, names: list[str]) -> None:
    """Pages of modules, from their docstrings."""
    from pdoc import doc, render

    for name in dlatrack.__all__:  # these load on first use, and pdoc looks without using them
        vars(dlatrack)[name] = getattr(dlatrack, name)
    render.configure(docformat="google", search=False, show_source=False, template_directory=templates)
    modules = {name: doc.Module.from_name(name) for name in names}
    with warnings.catch_warnings():
        # Of the constructors that NamedTuple makes; it leaves these annotations as they are written.
        warnings.filterwarnings("ignore", "Error parsing type annotation")
        for name, module in modules.items():
            write_text(folder / f"{name.replace('.', '/')}.html", render.html_module(module, modules))


def _write_player(path: Path) -> None:
    from dlatrack.assign import build_assigner
    from dlatrack.grid import ScoreGrid
    from dlatrack.studies.label_assignment import study_sequence
    from dlatrack.viz.explorer import html_player

    rules = {
        "SiamCAR: rectangle": build_assigner("rectangle", ScoreGrid(), center_ratio=0.6),
        "DLA, points": build_assigner("dla_points", ScoreGrid()),
    }
    html_player(path, study_sequence(), rules)
