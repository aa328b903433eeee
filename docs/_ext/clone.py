"""Extension of Sphinx for this project: the pages come from all over the clone.

They link to each other by their paths. Sphinx therefore reads a copy, `build/docs`, that has the layout of the clone:
a link that holds in one holds in the other.
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

from dlatrack import paths
from dlatrack.viz.laboratory.page import write_page

if TYPE_CHECKING:
    from sphinx.application import Sphinx
    from sphinx.config import Config
    from sphinx.environment import BuildEnvironment

ROOT = Path(__file__).resolve().parents[2]
#: What the site shows or links to. `docs/index.md` becomes the first page, all else keeps its path.
SOURCES = (
    "*.md",
    "docs/*.md",
    "docs/_static/*.webp",
    "notebooks/[0-9]*.ipynb",
    "figures/*",
    "dlatrack/weights/README.md",
)
#: Where a page or a folder is shown that has another place in the site than in the clone.
PLACES = {
    "README.md": "index",
    "notebooks/": "docs/notebooks",
    "figures/": "figures/README",
    "docs/": "docs/guides",
    "dlatrack/weights/": "dlatrack/weights/README",
}


def copy_sources(app: Sphinx, _config: Config) -> None:
    """Bring the copy up to date; files keep their times, so that Sphinx reads again only what has changed."""
    for old in app.srcdir.iterdir():
        if old.is_dir() and old.name != "api":  # its pages come from the package, see `autosummary`
            shutil.rmtree(old)
    modules = [ROOT.joinpath(*stub.stem.split(".")) for stub in app.srcdir.glob("api/*.rst")]
    if not all(
        module.with_suffix(".py").is_file() or (module / "__init__.py").is_file() for module in modules
    ):
        shutil.rmtree(app.srcdir / "api")  # the pages of packages name the modules that are gone
    for file in (file for pattern in SOURCES for file in ROOT.glob(pattern) if file.is_file()):
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
        defined = [value for value in values if inspect.isclass(value) or inspect.isfunction(value)]
        names = [f"{value.__module__}.{value.__name__}" for value in defined if value.__module__ != package]
        taken[package] = [name.removeprefix(f"{package}.") for name in names]
    config.autosummary_context = {"taken": taken}


def outdated(_app: Sphinx, env: BuildEnvironment, *_: object) -> list[str]:
    """Notebooks are read each time: Sphinx does not know of their runs."""
    return [page for page in env.found_docs if page.startswith("notebooks/")]


def read_source(app: Sphinx, page: str, content: list[str]) -> None:
    """Give a notebook the outputs of its run, and a table of `figures/` a heading."""
    folder, _, name = page.rpartition("/")
    if folder == "notebooks":
        shown = as_it_ran(nbformat.reads(content[0], 4), paths.runs_dir() / f"{name}.ipynb")
        content[0] = nbformat.writes(shown)
    elif folder == "figures" and name not in ("README", "REPRODUCE"):
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


def lead_to_the_first_page(_app: Sphinx, tree: nodes.document) -> None:
    """Let links to the README lead to the page that includes it."""
    for link in tree.findall(addnodes.pending_xref):
        if (link.get("refdomain"), link["reftarget"]) == ("doc", "README"):
            link["reftarget"] = "index"


def drop_long_values(_app: Sphinx, tree: nodes.document) -> None:
    """Leave out the value of a constant that would take more than one line, such as a table of classes."""
    for value in list(tree.findall(addnodes.desc_annotation)):
        if value.astext().startswith(" =") and len(value.astext()) > 80:
            value.parent.remove(value)


def link_paths(app: Sphinx, tree: nodes.document, page: str) -> None:
    """Turn code that is the path of something shown, from the clone, the package or the notebooks, into a link."""
    for code in list(tree.findall(nodes.literal)):
        text = code.astext()
        path = posixpath.splitext(text.rstrip("/"))[0]
        places = [PLACES.get(text, path), f"notebooks/{path}"]
        if "/" in text:
            places.append(f"api/dlatrack.{path.removeprefix('dlatrack/').replace('/', '.')}")
        place = next((place for place in places if place in app.env.found_docs), page)
        if place != page and not isinstance(code.parent, nodes.reference):
            link = nodes.reference("", "", refuri=app.builder.get_relative_uri(page, place))
            code.replace_self(link)
            link += code


def write_laboratory(app: Sphinx, error: Exception | None) -> None:
    """Write the page of the laboratory that needs no kernel."""
    if error is None:
        write_page(app.outdir / "laboratory.html", frame=40)


def setup(app: Sphinx) -> dict[str, bool]:
    """Take part in the build."""
    app.connect("config-inited", copy_sources)
    app.connect("config-inited", list_taken)
    app.connect("env-get-outdated", outdated)
    app.connect("source-read", read_source)
    app.connect("doctree-read", lead_to_the_first_page)
    app.connect("doctree-read", drop_long_values)
    app.connect("doctree-resolved", link_paths)
    app.connect("build-finished", write_laboratory)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
