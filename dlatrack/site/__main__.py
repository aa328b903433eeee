"""`python -m dlatrack.site [FOLDER]`: build the site in `site/` of the clone, or in a folder."""

from __future__ import annotations

import sys

from dlatrack import paths
from dlatrack.errors import InputError
from dlatrack.site import build_site

if __name__ == "__main__":
    try:
        print(build_site(sys.argv[1] if len(sys.argv) > 1 else paths.root() / "site"))
    except InputError as error:
        sys.exit(f"dlatrack: {error}")
