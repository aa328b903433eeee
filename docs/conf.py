"""Configuration of Sphinx; `make docs` builds README, docs, notebooks, figures and the API as one site.

What becomes a page lies all over the clone, and its parts link to each other by their paths. Sphinx therefore reads a
copy, `build/docs`, that has the layout of the clone: a link that holds in one holds in the other.
"""

from __future__ import annotations

import importlib
import inspect
import posixpath
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

import nbformat
from docutils import nodes
from nbformat.v4 import new_markdown_cell, new_output
from sphinx import addnodes

from dlatrack import __version__, paths
from dlatrack.assign import build_assigner
from dlatrack.grid import ScoreGrid
from dlatrack.studies.label_assignment import study_sequence
from dlatrack.viz.explorer import html_player

if TYPE_CHECKING:
    from sphinx.application import Sphinx
    from sphinx.config import Config
    from sphinx.environment import BuildEnvironment

ROOT = Path(__file__).resolve().parents[1]
#: What the site shows or links to. `docs/index.md` becomes the first page, all else keeps its path.
SOURCES = ("*.md", "docs/*.md", "notebooks/[0-9]*.ipynb", "figures/*", "dlatrack/weights/README.md")

project = "dlatrack"
author = copyright = "The dlatrack developers"
release = version = __version__
extensions = ["myst_nb", "sphinx.ext.autodoc", "sphinx.ext.autosummary", "sphinx.ext.napoleon"]
templates_path = [str(ROOT / "docs" / "_templates")]  # autosummary would look in the copy
exclude_patterns = ["README.md"]  # the first page includes it
suppress_warnings = ["ref.python"]  # a short name in a type that two modules define: it links to one of them

# Texts and notebooks. Notebooks are shown as they are or as they ran, and are not run here.
myst_enable_extensions = ["colon_fence"]
myst_heading_anchors = 4
nb_execution_mode = "off"
nb_ipywidgets_js: dict[str, dict[str, str]] = {}  # would come from a network

# The API: `name` in a docstring is a link where it names something, and code where it does not.
default_role = "py:obj"
add_module_names = False
autodoc_member_order = "bysource"
autodoc_typehints_format = "short"
autodoc_preserve_defaults = True
autodoc_default_options = {
    "members": True,
    "ignore-module-all": True,  # what a package takes from its modules is described there, see `list_taken`
    "exclude-members": "set",  # Matplotlib gives every figure one
}
napoleon_numpy_docstring = False
napoleon_custom_sections = [("Where they differ", "params_style")]
napoleon_use_ivar = True  # attributes of a data class, which are also its members, are described once
maximum_signature_line_length = 80
toc_object_entries_show_parents = "hide"

html_theme = "pydata_sphinx_theme"
html_title = "dlatrack"
html_static_path = ["_static"]
html_css_files = ["dlatrack.css"]
html_show_sourcelink = html_copy_source = False
html_show_search_summary = False  # is fetched, which browsers refuse to pages on a disk
html_context = {"default_mode": "auto"}  # light or dark, as the reader's system
html_sidebars = {
    page: [] for page in ("CHANGELOG", "docs/laboratory", "figures/*")
}  # they have no pages below
html_theme_options = {
    "collapse_navigation": True,  # one page per module: each page would list them all
    "header_links_before_dropdown": 7,
    "secondary_sidebar_items": ["page-toc"],
    "footer_start": ["copyright"],
    "footer_end": [],
}


def copy_sources(app: Sphinx, _config: Config) -> None:
    """Bring the copy up to date; files keep their times, so that Sphinx reads again only what has changed."""
    for old in app.srcdir.iterdir():
        if old.is_dir() and old.name != "api":  # its pages come from the package, see `autosummary`
            shutil.rmtree(old)
    for stub in app.srcdir.glob("api/*.rst"):
        module = ROOT.joinpath(*stub.stem.split("."))
        if not module.with_suffix(".py").is_file() and not (module / "__init__.py").is_file():
            stub.unlink()
    for file in (file for pattern in SOURCES for file in ROOT.glob(pattern)):
        place = file.relative_to(ROOT)
        copy = app.srcdir / ("index.md" if place == Path("docs/index.md") else place)
        copy.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(file, copy)


def list_taken(_app: Sphinx, config: Config) -> None:
    """Tell the template of the API which names each package offers that another module defines."""
    taken = {}
    for file in sorted(ROOT.glob("dlatrack/**/__init__.py")):
        package = ".".join(file.parent.relative_to(ROOT).parts)
        module = importlib.import_module(package)
        values = [getattr(module, name) for name in getattr(module, "__all__", ())]
        homes = [
            (value.__module__, value.__name__)
            for value in values
            if inspect.isclass(value) or inspect.isfunction(value)
        ]
        taken[package] = [
            f"{home}.{name}".removeprefix(f"{package}.") for home, name in homes if home != package
        ]
    config.autosummary_context = {"taken": taken}


def outdated(_app: Sphinx, env: BuildEnvironment, *_: object) -> list[str]:
    """Notebooks are read each time: Sphinx does not know of their runs."""
    return [page for page in env.found_docs if page.startswith("notebooks/")]


def read_source(app: Sphinx, page: str, content: list[str]) -> None:
    """Give a notebook the outputs of its run, and a table of `figures/` a heading."""
    folder, _, name = page.rpartition("/")
    if folder == "notebooks":
        content[0] = nbformat.writes(
            as_it_ran(nbformat.reads(content[0], 4), paths.runs_dir() / f"{name}.ipynb")
        )
    elif folder == "figures" and name != "README":
        content[0] = f"---\norphan: true\n---\n\n# {name}\n\n{content[0]}"


def as_it_ran(notebook: nbformat.NotebookNode, run: Path) -> nbformat.NotebookNode:
    """The notebook with the outputs of a run, if it came to its end with these cells, and a note that says which."""
    note = "Without outputs: no finished run of this notebook was there when these pages were built."
    ran = finished_run(run, [cell.source for cell in notebook.cells])
    if ran is not None:
        given = ran.metadata.get("papermill", {}).get("parameters") or {}
        values = ", ".join(f"`{name} = {value!r}`" for name, value in given.items())
        note, notebook = f"Outputs of a run with {values or 'the parameters as they stand'}.", ran
    notebook.metadata.pop("widgets", None)
    for cell in notebook.cells:
        outputs = cell.get("outputs", [])
        for number, output in enumerate(outputs):
            if "application/vnd.jupyter.widget-view+json" in output.get("data", {}):
                text = "Widgets need JupyterLab (`make lab`); [the laboratory](../docs/laboratory.md) is also here."
                outputs[number] = new_output("display_data", {"text/markdown": text})
    notebook.cells.insert(1, new_markdown_cell(f":::{{note}}\n{note}\n:::"))
    return notebook


def finished_run(run: Path, sources: list[str]) -> nbformat.NotebookNode | None:
    """The notebook as it ran; None if it did not, did not come to its end, or had other cells."""
    try:
        ran = nbformat.read(run, 4)
    except (OSError, ValueError):
        return None
    own = [cell for cell in ran.cells if "injected-parameters" not in cell.metadata.get("tags", [])]
    code = [cell for cell in ran.cells if cell.cell_type == "code"]
    failed = any(output.output_type == "error" for cell in code for output in cell.outputs)
    whole = [cell.source for cell in own] == sources and all(cell.execution_count for cell in code)
    return ran if whole and not failed else None


def drop_long_values(_app: Sphinx, tree: nodes.document) -> None:
    """Leave out the value of a constant that would take more than one line, such as a table of classes."""
    for value in list(tree.findall(addnodes.desc_annotation)):
        if value.astext().startswith(" =") and len(value.astext()) > 80:
            value.parent.remove(value)


def link_paths(app: Sphinx, tree: nodes.document, page: str) -> None:
    """Turn code that is the path of something shown, from the clone, the package or the notebooks, into a link."""
    for code in list(tree.findall(nodes.literal)):
        path = posixpath.splitext(code.astext().rstrip("/"))[0]
        module = path.removeprefix("dlatrack/").replace("/", ".")
        places = ["index" if path == "README" else path, f"notebooks/{path}"]
        if "/" in code.astext():
            places.append(f"api/dlatrack.{module}")
        for place in places:
            if place in app.env.found_docs and place != page and not isinstance(code.parent, nodes.reference):
                link = nodes.reference(
                    "", "", code.deepcopy(), refuri=app.builder.get_relative_uri(page, place)
                )
                code.replace_self(link)
                break


def write_player(app: Sphinx, error: Exception | None) -> None:
    """Write the page that plays the laboratory without a kernel."""
    if error is None:
        rules = {
            "SiamCAR: rectangle": build_assigner("rectangle", ScoreGrid(), center_ratio=0.6),
            "DLA, points": build_assigner("dla_points", ScoreGrid()),
        }
        html_player(app.outdir / "laboratory.html", study_sequence(), rules)


def setup(app: Sphinx) -> None:
    """Take part in the build."""
    app.connect("config-inited", copy_sources)
    app.connect("config-inited", list_taken)
    app.connect("env-get-outdated", outdated)
    app.connect("source-read", read_source)
    app.connect("doctree-read", drop_long_values)
    app.connect("doctree-resolved", link_paths)
    app.connect("build-finished", write_player)
