"""The JavaScript and CSS of the laboratory, joined from the files of `static`."""

from __future__ import annotations

import re
from functools import lru_cache
from importlib.resources import files

#: Modules in the order in which they are joined: each stands behind those that it uses when it is loaded.
MODULES = (
    *(
        "dom",
        "boxes",
        "draws",
        "options",
        "rules",
        "reasons",
        "canvas",
        "pointer",
        "marks",
        "controls",
        "python",
    ),
    *("session", "legend", "readout", "setting", "strip", "laboratory", "picker", "hosts"),
)

_IMPORT = re.compile(r"^import\b[^;]*;\n", re.MULTILINE)
_EXPORT = re.compile(r"^export (?=(?:async )?(?:function|class|const)\b)", re.MULTILINE)


@lru_cache
def read_static(name: str) -> str:
    """Text of a file of `static`."""
    return files("dlatrack.viz.laboratory").joinpath("static", name).read_text(encoding="utf-8")


@lru_cache
def script() -> str:
    """All modules as one, without imports and exports; their names are unique over all of them."""
    joined = "\n".join(read_static(f"{name}.js") for name in MODULES)
    return _EXPORT.sub("", _IMPORT.sub("", joined))


def widget_module(opened_by: str) -> str:
    """The module of an anywidget.

    Args:
        opened_by: function of `static/hosts.js` that renders it.
    """
    return f"{script()}\nexport default {{ render: {opened_by} }};\n"


def style() -> str:
    """The style sheet."""
    return read_static("laboratory.css")
