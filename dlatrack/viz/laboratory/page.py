"""The laboratory as one page that needs no kernel and makes no request: frames, rules and drawing in one file."""

from __future__ import annotations

import base64
import json
from html import escape
from pathlib import Path
from string import Template
from typing import Any

from dlatrack.errors import InputError
from dlatrack.files import write_text
from dlatrack.grid import ScoreGrid
from dlatrack.studies.presets import evenly_spread
from dlatrack.viz.laboratory.assets import script, style
from dlatrack.viz.laboratory.contents import Contents
from dlatrack.viz.laboratory.menus import (
    USUAL_GRID,
    USUAL_RULES,
    NamedRule,
    described_grids,
    described_rules,
    first_setting,
)
from dlatrack.viz.laboratory.region import REGION_SIZE
from dlatrack.viz.laboratory.sequences import SequenceChoice, choice_in_python, open_sequence
from dlatrack.viz.laboratory.study import check_frame

#: Largest size of a page, bytes.
MOST_BYTES = 3_000_000

_MOST_FRAMES = 240
_QUALITIES = (80, 65, 50)  # of WebP; the first that keeps the page small enough is taken

_PAGE = Template("""<!DOCTYPE html>
<html lang="en" class="dl-page">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy"
 content="default-src 'none'; img-src data:; style-src 'unsafe-inline'; script-src 'unsafe-inline'">
<meta name="viewport" content="width=device-width, initial-scale=1">
<link rel="icon" href="data:,">
<title>$title</title>
<style>
$style</style>
</head>
<body class="dl-page">
<main>
<h1>Which samples are positive?</h1>
<p class="dl-intro">Choose two rules of label assignment, move the target on the picture, and see which samples of the
search region each of them calls positive, and why.</p>
<div id="laboratory"></div>
</main>
<script id="data" type="application/json">$data</script>
<script type="module">
$script
openPage(document.getElementById("laboratory"), JSON.parse(document.getElementById("data").textContent));
</script>
</body>
</html>
""")


def write_page(
    path: str | Path,
    choice: SequenceChoice = None,
    *,
    rules: tuple[NamedRule, NamedRule] = USUAL_RULES,
    frame: int = 0,
    seed: int = 0,
    grid: ScoreGrid = USUAL_GRID,
) -> Path:
    """Write the laboratory with the frames of a sequence as one self-contained page of at most 3 MB.

    The geometric rules run in the page; it works from a disk, offline. Of a long sequence it has as many evenly
    spread frames as fit.

    Args:
        path: the file to write, ending in .html.
        choice: sequence, see `open_sequence`.
        rules: the two rules with which it opens, each a name that `build_assigner` knows, and options.
        frame: number of the frame with which it opens, or the nearest one in the page.
        seed: seed of the shift of the search regions and the draw of negatives.
        grid: score grid of both rules.

    Returns:
        The path.

    Raises:
        InputError: for another suffix, a sequence, frame, rule or option that cannot be used, a sequence that shows
            its target in no frame, or a file that cannot be written.
    """
    path = Path(path)
    if path.suffix.lower() != ".html":
        raise InputError(f"the page must be a file ending in .html, got {path}")
    sequence = open_sequence(choice)
    check_frame(sequence, frame)
    if not sequence.visible.any():
        raise InputError(f"sequence {sequence.name} has no frame with an annotated, visible target")
    contents = Contents(sequence, choice_in_python(choice, sequence), seed)
    menus: dict[str, Any] = {
        "rules": described_rules(kernel=False),
        "grids": described_grids([grid]),
    }
    for quality in _QUALITIES:
        for most in (_MOST_FRAMES, 120, 60):
            frames = evenly_spread(len(sequence), most)
            shown = min(range(len(frames)), key=lambda place: abs(frames[place] - frame))
            data = contents.data(frames) | menus
            data["setting"] = first_setting(rules, (grid, grid), menus, frame=shown, seed=seed)
            data["pictures"] = [
                base64.b64encode(contents.picture(number, quality, REGION_SIZE)).decode() for number in frames
            ]
            page = _PAGE.substitute(
                title=escape(f"Label assignment: {sequence.name}"),
                style=style(),
                script=script(),
                data=json.dumps(data, allow_nan=False).replace("<", "\\u003c"),
            )
            if len(page.encode()) <= MOST_BYTES:
                write_text(path, page)
                return path
    raise InputError(f"a page with the frames of {sequence.name} would have more than 3 MB")
