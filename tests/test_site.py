"""The static site: every link leads somewhere, nothing comes from a network, and runs show what they gave."""

from __future__ import annotations

import posixpath
import shutil
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

import nbformat
import pytest
from nbformat.v4 import new_output

from dlatrack import paths
from dlatrack.errors import InputError
from dlatrack.site import build_site
from dlatrack.site.links import Links
from dlatrack.site.pages import Page, read_page

pytest.importorskip("pdoc", reason="pdoc is not installed")

ROOT = paths.root()
NOTEBOOKS = sorted(path.stem for path in (ROOT / "notebooks").glob("[0-9]*.ipynb"))
LOADS = {"img": "src", "script": "src", "iframe": "src", "source": "src", "link": "href", "object": "data"}


class Seen(HTMLParser):
    """Identities, links and loaded files of a page."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.ids: set[str] = set()
        self.links: set[str] = set()
        self.loads: set[str] = set()
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        found = dict(attrs)
        self.ids.update(found[name] for name in ("id", "name") if found.get(name))
        if tag == "a" and found.get("href"):
            self.links.add(found["href"])
        if found.get(LOADS.get(tag, "-")):
            self.loads.add(found[LOADS[tag]])


def executed(name: str, text: str) -> nbformat.NotebookNode:
    """A notebook as a run leaves it, each cell having printed `text`."""
    notebook = nbformat.read(ROOT / "notebooks" / f"{name}.ipynb", as_version=4)
    for number, cell in enumerate(notebook.cells):
        if cell.cell_type == "code":
            cell.execution_count = number + 1
            cell.outputs = [new_output("stream", name="stdout", text=text)]
    return notebook


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    """The site, with one finished run, one whose notebook has changed since, and one that failed."""
    runs = tmp_path_factory.mktemp("runs")
    whole, changed, failed = (executed(name, f"printed by {name}") for name in NOTEBOOKS[:3])
    widget = {"application/vnd.jupyter.widget-view+json": {"model_id": "x"}, "text/plain": "Laboratory()"}
    whole.cells[-1].outputs = [new_output("display_data", widget)]
    whole.metadata["papermill"] = {"parameters": {"preset": "smoke"}}
    changed.cells[0].source += " A later sentence."
    failed.cells[-1].outputs = [new_output("error", ename="E", evalue="", traceback=[])]
    for name, notebook in zip(NOTEBOOKS, (whole, changed, failed), strict=False):
        nbformat.write(notebook, runs / f"{name}.ipynb")
    (runs / f"{NOTEBOOKS[3]}.ipynb").write_text("{ half a file")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DLATRACK_RUNS", str(runs))
        return build_site(tmp_path_factory.mktemp("built") / "site").parent


@pytest.fixture(scope="module")
def pages(site):
    return {path.relative_to(site).as_posix(): Seen(path.read_text("utf-8")) for path in site.rglob("*.html")}


@pytest.mark.slow
def test_readme_docs_notebooks_figures_and_modules_have_pages(pages):
    wanted = {"index.html", "laboratory.html", "api/dlatrack.html", "api/dlatrack/assign/dla.html"}
    wanted |= {f"docs/{path.stem}.html" for path in (ROOT / "docs").glob("*.md")}
    wanted |= {f"notebooks/{name}.html" for name in NOTEBOOKS}
    assert wanted <= set(pages)
    assert ("figures/index.html" in pages) == (ROOT / "figures" / "README.md").is_file()
    assert {"docs/decisions.html", "figures/fixed_against_dla.png", "notebooks/01_label_assignment.html"} <= (
        pages["index.html"].links | pages["index.html"].loads
    )
    assert "../api/dlatrack/recipes/trackers.html" in pages["docs/decisions.html"].links


@pytest.mark.slow
def test_every_link_leads_to_a_file_and_an_anchor_that_is_there(site, pages):
    broken = []
    for place, page in pages.items():
        for link in page.links | page.loads:
            parts = urlsplit(link)
            if parts.scheme or parts.netloc:
                continue
            target = posixpath.normpath(posixpath.join(posixpath.dirname(place), unquote(parts.path)))
            other = place if not parts.path else target
            anchor = unquote(parts.fragment)
            if not (site / other).is_file() or (anchor and anchor not in pages[other].ids):
                broken.append(f"{place}: {link}")
    assert not broken
    assert sum(len(page.links) for page in pages.values()) > 1000


@pytest.mark.slow
def test_nothing_is_loaded_from_a_network(site, pages):
    loads = {load for page in pages.values() for load in page.loads}
    assert {urlsplit(load).scheme for load in loads} <= {"", "data"}
    assert not any(load.startswith("//") for load in loads)
    for path in site.rglob("*"):
        if path.suffix in (".html", ".css"):
            text = path.read_text("utf-8")
            for sign in ("url(http", "url(//", "@import", "cdn.jsdelivr", "cdnjs", "unpkg.com"):
                assert sign not in text, f"{path}: {sign}"


@pytest.mark.slow
def test_a_finished_run_shows_its_outputs_and_no_other(site):
    texts = [(site / "notebooks" / f"{name}.html").read_text("utf-8") for name in NOTEBOOKS[:5]]
    assert f"printed by {NOTEBOOKS[0]}" in texts[0]
    assert "Outputs of a run with preset = &#x27;smoke&#x27;." in texts[0]
    assert 'href="../laboratory.html">what the laboratory shows</a>' in texts[0]
    assert "widget-view" not in texts[0]
    for text in texts[1:]:
        assert "printed by" not in text
        assert "Without outputs: no finished run of this notebook" in text


@pytest.mark.slow
def test_docstrings_have_their_sections(site):
    text = (site / "api" / "dlatrack" / "boxes.html").read_text("utf-8")
    assert ">Arguments:</h" in text
    assert 'href="../../index.html"' in text


@pytest.mark.slow
def test_a_site_is_replaced_and_nothing_else_is(site, tmp_path, monkeypatch):
    monkeypatch.setattr(
        "dlatrack.site._fill", lambda folder, _root: shutil.copytree(tmp_path / "new", folder)
    )
    (tmp_path / "new").mkdir()
    (tmp_path / "new" / "index.html").write_text("new")
    copy = shutil.copytree(site, tmp_path / "site")
    assert build_site(copy).read_text() == "new"
    assert not (copy / "api").exists()
    assert {path.name for path in tmp_path.iterdir()} == {"new", "site"}, "nothing is left beside it"
    other = tmp_path / "photographs"
    other.mkdir()
    (other / "one.jpg").write_text("")
    for place in (other, other / "one.jpg"):
        with pytest.raises(InputError, match="is not an earlier site; choose a new or an empty folder"):
            build_site(place)


@pytest.fixture
def clone(tmp_path):
    """The files of a small clone."""
    for name in ("notebooks", "figures", "docs", "dlatrack/assign"):
        (tmp_path / "clone" / name).mkdir(parents=True)
    for name in (
        "LICENSE",
        "notebooks/01_a.ipynb",
        "docs/b.md",
        "dlatrack/assign/__init__.py",
        "figures/c.png",
    ):
        (tmp_path / "clone" / name).write_text("")
    return tmp_path / "clone"


@pytest.mark.parametrize(
    ("place", "body", "answer"),
    [
        ("index.html", '<a href="docs/b.md#x">b</a>', '<a href="docs/b.html#x">b</a>'),
        ("index.html", '<img alt="" src="figures/c.png">', '<img alt="" src="figures/c.png">'),
        ("index.html", "<code>docs/b.md</code>", '<a href="docs/b.html"><code>docs/b.md</code></a>'),
        ("index.html", "<code>01_a</code>", '<a href="notebooks/01_a.html"><code>01_a</code></a>'),
        ("index.html", "<code>assign/</code>", '<a href="api/dlatrack/assign.html"><code>assign/</code></a>'),
        ("index.html", "<code>assign</code>", "<code>assign</code>"),
        ("index.html", "<pre><code>docs/b.md</code></pre>", "<pre><code>docs/b.md</code></pre>"),
        ("index.html", '<a href="https://a.b/c">c</a>', '<a href="https://a.b/c">c</a>'),
        ("docs/b.html", '<a href="../notebooks/01_a.py">a</a>', '<a href="../notebooks/01_a.html">a</a>'),
        (
            "docs/b.html",
            '<a href="#x">x</a> <code>docs/b.md</code>',
            '<a href="#x">x</a> <code>docs/b.md</code>',
        ),
        ("docs/b.html", '<a href="../README.md">r</a>', '<a href="../index.html">r</a>'),
    ],
)
def test_links_of_the_clone_become_those_of_the_site(clone, tmp_path, place, body, answer):
    source = {"index.html": "README.md", "docs/b.html": "docs/b.md"}[place]
    assert Links(clone, tmp_path / "out").rewrite(Page(source, place, "", body)) == answer


def test_a_file_that_has_no_page_is_copied(clone, tmp_path):
    page = Page("docs/b.md", "docs/b.html", "", '<a href="../LICENSE">licence</a>')
    assert Links(clone, tmp_path / "out").rewrite(page) == '<a href="../LICENSE">licence</a>'
    assert Path(tmp_path / "out" / "LICENSE").is_file()


@pytest.mark.parametrize("link", ["nowhere.md", "../../outside", "../docs"])
def test_a_link_that_leads_nowhere_is_named(clone, tmp_path, link):
    page = Page("docs/b.md", "docs/b.html", "", f'<a href="{link}">b</a>')
    with pytest.raises(InputError, match=rf"^docs/b\.md links to {link}, but there is no file "):
        Links(clone, tmp_path / "out").rewrite(page)


def test_a_text_without_a_heading_is_named(clone):
    with pytest.raises(InputError, match=r"^docs/b\.md has no first heading, '# \.\.\.', to name its page"):
        read_page(clone, "docs/b.md", "docs/b.html")
