"""Markdown and notebooks as the HTML of a page, before its links are those of the site."""

from __future__ import annotations

import re
from dataclasses import dataclass
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING

from dlatrack import paths
from dlatrack.errors import InputError

if TYPE_CHECKING:
    from nbformat import NotebookNode

PLAYER = "laboratory.html"

_WIDGET = "application/vnd.jupyter.widget-view+json"
_NO_KERNEL = (
    f'<p class="note">Widgets live in JupyterLab (<code>make lab</code>); '
    f'<a href="../{PLAYER}">what the laboratory shows</a> can be played here.</p>'
)


@dataclass(frozen=True)
class Page:
    """A text of the clone and its place in the site.

    Attributes:
        source: path of the file in the clone, with slashes.
        place: path of the page in the site, with slashes.
        title: its first heading.
        body: HTML, with links as the source has them.
    """

    source: str
    place: str
    title: str
    body: str


def read_page(root: Path, source: str, place: str) -> Page:
    """Read a Markdown file or a notebook; for a notebook, with the outputs of its last run if there is one.

    Args:
        root: the clone.
        source: path of the file in it.
        place: path of its page in the site.

    Raises:
        InputError: for a text without a heading.
    """
    if source.endswith(".ipynb"):
        text, body = _from_notebook(root / source)
    else:
        text = (root / source).read_text("utf-8")
        body = _from_markdown(text)
    found = re.search(r"^# (.+)$", text, re.MULTILINE)
    if found is None:
        raise InputError(f"{source} has no first heading, '# ...', to name its page")
    return Page(source, place, " ".join(found[1].replace("`", "").split()), body)


def code_style() -> str:
    """Style sheet of the colours of code."""
    from pygments.formatters import HtmlFormatter

    return str(HtmlFormatter().get_style_defs(".highlight")) + "\n"


def _from_markdown(text: str) -> str:
    """Markdown as code hosts show it: with tables, coloured code, and anchors at headings."""
    from markdown_it import MarkdownIt
    from mdit_py_plugins.anchors import anchors_plugin
    from nbconvert.filters.highlight import Highlight2HTML

    highlight = Highlight2HTML()
    reader = MarkdownIt("commonmark").enable("table").use(anchors_plugin, max_level=4)
    reader.add_render_rule(
        "fence",
        lambda _self, tokens, index, *_: highlight(tokens[index].content, tokens[index].info or "text"),
    )
    return str(reader.render(text))


def _from_notebook(path: Path) -> tuple[str, str]:
    """Text and HTML of a notebook, which says whose outputs it shows."""
    import nbformat
    from nbconvert import HTMLExporter

    notebook = nbformat.read(path, as_version=4)
    ran = _finished_run(paths.runs_dir() / path.name, notebook)
    note = "Without outputs: no finished run of this notebook was there when the site was built."
    if ran is not None:
        given = ran.metadata.get("papermill", {}).get("parameters") or {}
        values = ", ".join(f"{name} = {value!r}" for name, value in given.items())
        note = f"Outputs of a run with {values or 'the parameters as they stand'}."
        notebook = ran
    notebook.metadata.pop("widgets", None)
    for cell in notebook.cells:
        for output in cell.get("outputs", []):
            if _WIDGET in output.get("data", {}):
                output["data"] = {"text/html": _NO_KERNEL}
    exporter = HTMLExporter(
        template_name="basic",
        filters={"markdown2html": _from_markdown},
        exclude_input_prompt=True,
        exclude_output_prompt=True,
    )
    body, _ = exporter.from_notebook_node(notebook)
    text = "\n".join(cell.source for cell in notebook.cells if cell.cell_type == "markdown")
    return text, f'<p class="note">{escape(note)}</p>\n{body}'


def _finished_run(path: Path, notebook: NotebookNode) -> NotebookNode | None:
    """The notebook as it ran; None if it did not, did not come to its end, or ran with other cells."""
    import nbformat

    try:
        ran = nbformat.read(path, as_version=4)
    except (OSError, ValueError):
        return None
    cells = [cell for cell in ran.cells if "injected-parameters" not in cell.metadata.get("tags", [])]
    if [cell.source for cell in cells] != [cell.source for cell in notebook.cells]:
        return None
    code = [cell for cell in ran.cells if cell.cell_type == "code"]
    failed = any(output.output_type == "error" for cell in code for output in cell.outputs)
    return None if failed or not all(cell.execution_count for cell in code) else ran
