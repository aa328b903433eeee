"""Where each file of the clone is shown in the site, and how its links follow."""

from __future__ import annotations

import posixpath
import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote, unquote, urlsplit

from dlatrack.errors import InputError
from dlatrack.site.pages import PLAYER, Page

API = "api/dlatrack.html"


class Links:
    """Turns what a text of the clone refers to into what the site has.

    Args:
        root: the clone.
        folder: the site, which takes a copy of every file that a page links to and the site does not show.
    """

    def __init__(self, root: Path, folder: Path) -> None:
        self._root, self._folder = root, folder
        self._places = dict(_places(root))

    def texts(self) -> dict[str, str]:
        """Paths of the Markdown files and notebooks that become pages, each with its place in the site."""
        texts = {
            source: place for source, place in self._places.items() if source.endswith((".md", ".ipynb"))
        }
        return {source: place for source, place in texts.items() if place.endswith(".html")}

    def modules(self) -> list[str]:
        """Names of the modules that have a page."""
        found = {place for place in self._places.values() if place.startswith("api/")}
        return sorted(place[len("api/") : -len(".html")].replace("/", ".") for place in found)

    def rewrite(self, page: Page) -> str:
        """The body of a page with links that hold in the site; paths in the text become links.

        Raises:
            InputError: for a link to a file that is not there, naming page and link.
        """
        body = re.sub(
            r'(<(?:a|img)\b[^>]*?\b(?:href|src)=")([^"]+)"',
            lambda found: f'{found[1]}{self._refer(page, found[2])}"',
            page.body,
        )
        return re.sub(
            r"<a\b.*?</a>|<pre\b.*?</pre>|<code>([\w./-]+)</code>",
            lambda found: self._named(page, found[1], found[0]) if found[1] else found[0],
            body,
            flags=re.DOTALL,
        )

    def _refer(self, page: Page, reference: str) -> str:
        parts = urlsplit(reference)
        if parts.scheme or parts.netloc or not parts.path:
            return reference
        wanted = posixpath.normpath(posixpath.join(posixpath.dirname(page.source), unquote(parts.path)))
        if wanted not in self._places:
            file = self._root / wanted
            if wanted.startswith("..") or not file.is_file():
                raise InputError(f"{page.source} links to {reference}, but there is no file {wanted}")
            (self._folder / wanted).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(file, self._folder / wanted)
            self._places[wanted] = wanted
        return between(page.place, self._places[wanted]) + (f"#{parts.fragment}" if parts.fragment else "")

    def _named(self, page: Page, text: str, code: str) -> str:
        """Code that is the path of something shown, from the clone, the package or the notebooks, as a link."""
        names = [f"notebooks/{text}"]
        if "/" in text or text.endswith((".py", ".md")):
            names += [text, f"dlatrack/{text}"]
        for name in names:
            place = self._places.get(posixpath.normpath(name))
            if place is not None and place != page.place:
                return f'<a href="{between(page.place, place)}">{code}</a>'
        return code


def between(place: str, other: str) -> str:
    """The link from one page of the site to another; both are paths in the site."""
    return quote(posixpath.relpath(other, posixpath.dirname(place) or "."))


def _places(root: Path) -> Iterator[tuple[str, str]]:
    """Paths in the clone, each with its place in the site; several paths may name one page."""
    yield "README.md", "index.html"
    for file in sorted((root / "notebooks").glob("[0-9]*.ipynb")):
        for name in (file.name, f"{file.stem}.py", file.stem):
            yield f"notebooks/{name}", f"notebooks/{file.stem}.html"
    for file in sorted((root / "figures").iterdir()):
        if file.name == "README.md":
            yield from ((name, "figures/index.html") for name in ("figures/README.md", "figures"))
        else:
            yield f"figures/{file.name}", f"figures/{file.name}"
    for file in sorted((root / "docs").glob("*.md")):
        yield f"docs/{file.name}", f"docs/{file.stem}.html"
    for file in sorted(root.glob("[A-Z]*.md")):
        if file.name != "README.md":
            yield file.name, f"docs/{file.stem.lower()}.html"
    yield "dlatrack/weights/README.md", "docs/weights.html"
    yield PLAYER, PLAYER
    for file in sorted((root / "dlatrack").rglob("*.py")):
        path = file.relative_to(root)
        if file.name == "__init__.py":
            yield path.parent.as_posix(), f"api/{path.parent.as_posix()}.html"
        elif not file.name.startswith("_"):
            yield path.as_posix(), f"api/{path.with_suffix('.html').as_posix()}"
