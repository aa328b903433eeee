"""Settings of Sphinx; `make docs` builds README, docs, notebooks, figures and the API as one site."""

from __future__ import annotations

import sys
from pathlib import Path

from dlatrack import __version__

DOCS = Path(__file__).resolve().parent
sys.path.insert(0, str(DOCS / "_ext"))

project = "dlatrack"
author = copyright = "The dlatrack developers"
release = version = __version__
extensions = ["clone", "myst_nb", "sphinx.ext.autodoc", "sphinx.ext.autosummary", "sphinx.ext.napoleon"]
templates_path = [str(DOCS / "_templates")]  # autosummary would look in the copy
exclude_patterns = ["README.md"]  # the first page includes it
suppress_warnings = ["ref.python"]  # a short name in a type that two modules define: it links to one of them

# Texts and notebooks. Notebooks are shown as they are or as they ran, and are not run here.
myst_enable_extensions = ["colon_fence"]
myst_heading_anchors = 4
nb_execution_mode = "off"
nb_render_markdown_format = "myst"  # links in outputs hold as well
nb_ipywidgets_js: dict[str, dict[str, str]] = {}  # would come from a network

# The API: `name` in a docstring is a link where it names something, and code where it does not.
default_role = "py:obj"
add_module_names = False
autodoc_member_order = "bysource"
autodoc_typehints_format = "short"
autodoc_preserve_defaults = True
autodoc_default_options = {
    "members": True,
    "ignore-module-all": True,  # what a package takes from its modules is described there, see `clone.list_taken`
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
# No pages below these.
html_sidebars = {page: [] for page in ("CHANGELOG", "docs/commands", "docs/laboratory", "figures/*")}
html_theme_options = {
    "collapse_navigation": True,  # one page per module: each page would list them all
    "header_links_before_dropdown": 7,
    "secondary_sidebar_items": ["page-toc"],
    "footer_start": ["copyright"],
    "footer_end": [],
}
