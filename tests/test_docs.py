"""The pages that `make docs` builds: links lead somewhere, nothing comes from a network, runs show what they gave."""

from __future__ import annotations

import importlib.util
import os
import shutil
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

from dlatrack import paths

pytest.importorskip("sphinx", reason="Sphinx is not installed")

ROOT = paths.root()
LOADS = {"img": "src", "script": "src", "iframe": "src", "source": "src", "link": "href", "object": "data"}
WIDGET = {"application/vnd.jupyter.widget-view+json": {"model_id": "x"}, "text/plain": "Laboratory()"}


class Seen(HTMLParser):
    """Identities, links and loaded files of a page."""

    def __init__(self, page: Path) -> None:
        super().__init__()
        self.ids: set[str] = set()
        self.links: set[str] = set()
        self.loads: set[str] = set()
        self.feed(page.read_text("utf-8"))

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = dict(attrs)
        self.ids.update(value for name in ("id", "name") if (value := found.get(name)))
        if tag == "a" and (link := found.get("href")):
            self.links.add(link)
        if load := found.get(LOADS.get(tag, "")):
            self.loads.add(load)


def build(clone: Path, out: Path, runs: Path) -> subprocess.CompletedProcess[str]:
    """Run Sphinx as `make docs` does, with folders of its own."""
    (out / "source").mkdir(parents=True, exist_ok=True)
    folders = ["-c", clone / "docs", "-d", out / "doctrees", out / "source", out / "site"]
    environment = {**os.environ, "DLATRACK_RUNS": str(runs), "PYTHONPATH": str(ROOT)}
    return subprocess.run(
        [sys.executable, "-m", "sphinx", "--quiet", "--fail-on-warning", *map(str, folders)],
        capture_output=True,
        text=True,
        env=environment,
        check=False,
    )


def pages_of(site: Path) -> list[Path]:
    """All pages; the theme puts one of its templates beside its scripts."""
    return [page for page in site.rglob("*.html") if "_static" not in page.relative_to(site).parts]


def broken_links(site: Path) -> list[str]:
    """Links between files of the site to what is not there."""
    pages = {page: Seen(page) for page in pages_of(site)}
    broken = []
    for page, seen in pages.items():
        for link in sorted(seen.links | seen.loads):
            parts = urlsplit(link)
            target = Path(os.path.normpath(page.parent / unquote(parts.path))) if parts.path else page
            anchor = unquote(parts.fragment)
            missing = not target.is_file() or (anchor and target in pages and anchor not in pages[target].ids)
            if not parts.scheme and not parts.netloc and missing:
                broken.append(f"{page.relative_to(site)}: {link}")
    return broken


def loaded_from_a_network(site: Path) -> list[str]:
    """What pages and style sheets would load from elsewhere."""
    found = []
    for page in pages_of(site):
        away = [
            load for load in Seen(page).loads if urlsplit(load).scheme not in ("", "data") or "//" in load[:2]
        ]
        found += [f"{page.relative_to(site)}: {load}" for load in away]
    for sheet in site.rglob("*.css"):
        text = sheet.read_text("utf-8")
        found += [
            f"{sheet.relative_to(site)}: {sign}"
            for sign in ("url(http", "url(//", "@import url", '@import "http')
            if sign in text
        ]
    return found


@pytest.mark.slow
def test_the_site_is_whole_and_needs_no_network(tmp_path: Path) -> None:
    done = build(ROOT, tmp_path, tmp_path / "runs")
    assert done.returncode == 0, done.stderr
    site = tmp_path / "site"
    assert broken_links(site) == []
    assert loaded_from_a_network(site) == []
    names = {page.relative_to(site).as_posix() for page in pages_of(site)}
    sources = [
        *ROOT.glob("docs/*.md"),
        *ROOT.glob("notebooks/*.ipynb"),
        ROOT / "CHANGELOG.md",
        ROOT / "CONTRIBUTING.md",
    ]
    wanted = {source.relative_to(ROOT).with_suffix(".html").as_posix() for source in sources} - {
        "docs/index.html"
    }
    wanted |= {"index.html", "laboratory.html", "figures/README.html", "dlatrack/weights/README.html"}
    modules = [file.relative_to(ROOT).with_suffix("").parts for file in ROOT.glob("dlatrack/**/*.py")]
    public = [".".join(parts).removesuffix(".__init__") for parts in modules if parts[-1] != "__main__"]
    wanted |= {f"api/{name}.html" for name in public if "._" not in name}
    assert wanted - names == set()
    for page, links in {
        "index.html": {
            "docs/decisions.html",
            "docs/commands.html",
            "docs/notebooks.html",
            "CONTRIBUTING.html",
        },
        "docs/notebooks.html": {"../notebooks/01_label_assignment.html"},
        "CONTRIBUTING.html": {"api/dlatrack.assign.html"},
    }.items():
        assert links <= Seen(site / page).links, page
    text = (site / "api" / "dlatrack.boxes.html").read_text("utf-8")
    assert "Parameters" in text
    assert "Returns" in text


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    """A clone of some texts, a notebook and a table, with the settings of this one."""
    clone = tmp_path / "clone"
    for name in ("notebooks", "figures"):
        (clone / name).mkdir(parents=True)
    shutil.copytree(ROOT / "docs", clone / "docs", ignore=shutil.ignore_patterns("*.md"))
    (clone / "README.md").write_text(
        "# One\n\n`docs/b.md`, `01_a`, [row](figures/t.csv), [table](figures/t.md)\n"
    )
    pages = "docs/b\nnotebooks/01_a\n"
    (clone / "docs" / "index.md").write_text(f"```{{include}} README.md\n```\n\n```{{toctree}}\n{pages}```\n")
    (clone / "docs" / "b.md").write_text("# Two\n\n[a](../notebooks/01_a.ipynb), [one](../README.md)\n")
    (clone / "docs" / "laboratory.md").write_text("---\norphan: true\n---\n\n# Laboratory\n")
    (clone / "figures" / "t.csv").write_text("k\n9\n")
    (clone / "figures" / "t.md").write_text("| k |\n|---|\n| 9 |\n")
    nbformat.write(a_notebook(), clone / "notebooks" / "01_a.ipynb")
    return clone


def a_notebook() -> nbformat.NotebookNode:
    cells = [new_markdown_cell("# A"), new_code_cell("1", id="one"), new_code_cell("2", id="two")]
    return new_notebook(cells=cells, metadata={"language_info": {"name": "python"}})


def executed(text: str) -> nbformat.NotebookNode:
    """The notebook as a run leaves it."""
    notebook = a_notebook()
    notebook.metadata["papermill"] = {"parameters": {"preset": "smoke"}}
    notebook.cells[1].update(execution_count=1, outputs=[new_output("stream", name="stdout", text=text)])
    notebook.cells[2].update(execution_count=2, outputs=[new_output("display_data", WIDGET)])
    return notebook


@pytest.mark.slow
def test_a_run_shows_on_the_next_build_and_links_hold(clone: Path, tmp_path: Path) -> None:
    site, runs = tmp_path / "out" / "site", tmp_path / "runs"
    runs.mkdir()
    for text in (None, "printed by the run"):
        if text:
            nbformat.write(executed(text), runs / "01_a.ipynb")
        done = build(clone, tmp_path / "out", runs)
        assert done.returncode == 0, done.stderr
        shown = (site / "notebooks" / "01_a.html").read_text("utf-8")
        assert (text or "Without outputs: no finished run of this notebook") in shown
    assert "Without outputs" not in shown
    assert "widget-view" not in shown
    assert "../docs/laboratory.html" in Seen(site / "notebooks" / "01_a.html").links
    assert broken_links(site) == []
    links = Seen(site / "index.html").links
    assert {"docs/b.html", "notebooks/01_a.html", "figures/t.html"} <= links
    assert [link for link in links if link.startswith("_downloads/") and link.endswith("/t.csv")]


@pytest.mark.slow
def test_a_link_that_leads_nowhere_is_an_error(clone: Path, tmp_path: Path) -> None:
    links = ["nowhere.md", "../../outside.txt", "../README.md#nothing"]
    (clone / "docs" / "b.md").write_text("# Two\n\n" + "\n".join(f"[two]({link})" for link in links))
    done = build(clone, tmp_path / "out", tmp_path / "runs")
    assert done.returncode != 0
    assert done.stderr.count("docs/b.md") == len(links), done.stderr
    for link in links:
        assert link.rpartition("#")[2] in done.stderr


@pytest.fixture(scope="module")
def pages():
    """The extension that reads the notebooks."""
    spec = importlib.util.spec_from_file_location("clone", ROOT / "docs" / "_ext" / "clone.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_a_finished_run_is_named_with_its_parameters(pages, tmp_path: Path) -> None:
    nbformat.write(executed("seen"), tmp_path / "01_a.ipynb")
    shown = pages.as_it_ran(a_notebook(), tmp_path / "01_a.ipynb")
    assert "Outputs of a run with `preset = 'smoke'`." in shown.cells[1].source
    assert shown.cells[2].outputs[0].text == "seen"
    assert "(../docs/laboratory.md)" in shown.cells[3].outputs[0].data["text/markdown"]


@pytest.mark.parametrize("fault", ["absent", "half a file", "other cells", "failed", "stopped"])
def test_no_other_run_is_shown(pages, tmp_path: Path, fault: str) -> None:
    run = executed("seen")
    if fault == "other cells":
        run.cells[0].source += " A later sentence."
    elif fault == "failed":
        run.cells[2].outputs = [new_output("error", ename="E", evalue="", traceback=[])]
    elif fault == "stopped":
        run.cells[2].execution_count = None
    if fault != "absent":
        nbformat.write(run, tmp_path / "01_a.ipynb")
    if fault == "half a file":
        (tmp_path / "01_a.ipynb").write_text("{ half a file")
    shown = pages.as_it_ran(a_notebook(), tmp_path / "01_a.ipynb")
    assert "Without outputs" in shown.cells[1].source
    assert not any(cell.get("outputs") for cell in shown.cells)
