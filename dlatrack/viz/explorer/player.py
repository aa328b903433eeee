"""A page that shows frames under several rules without a kernel: all pictures in one self-contained file."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from collections.abc import Sequence as Indices
from html import escape
from pathlib import Path
from string import Template

import numpy as np

from dlatrack.assign import LabelAssigner
from dlatrack.datasets.sequence import Sequence
from dlatrack.errors import InputError
from dlatrack.files import write_text
from dlatrack.imagery import MARKS, Imagery
from dlatrack.studies.presets import evenly_spread
from dlatrack.viz.explorer.picture import draw_frame, encode_picture, facts
from dlatrack.viz.laboratory.study import explain_frame

#: Largest size of a page, bytes.
LARGEST_PAGE = 8_000_000

_FRAMES = 60  # number of frames by default
_QUALITIES = (75, 60, 45, 30)  # of JPEG; the first that keeps the page small enough is taken

_LEGEND = (
    "Green discs are positive samples, orange diamonds negative, pale dots ignored; blue rings are the candidates of "
    "dynamic label assignment, and the yellow box is the target. The plot shows what a rule compares with its "
    "threshold, positives hatched."
)

_PAGE = Template("""<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy"
 content="default-src 'none'; img-src data:; style-src 'unsafe-inline'; script-src 'unsafe-inline'">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>$title</title>
<style>
body { font: 15px/1.45 sans-serif; color: #202020; max-width: 800px; margin: 1em auto; padding: 0 1em; }
img { width: 100%; max-width: ${width}px; height: auto; display: block; }
input { width: 100%; max-width: ${width}px; }
button { font: inherit; padding: 0.2em 1em; }
</style>
</head>
<body>
<h1>$title</h1>
<p>$note Move the slider, or use the arrow keys once it has the focus. $legend</p>
<p><button id="play" type="button">Play</button> <label for="frame">frame</label> <output id="number"></output></p>
<input id="frame" type="range" min="0" max="$last" value="0" aria-label="frame">
<img id="picture" alt="">
<ul id="facts" aria-live="polite"></ul>
<script id="data" type="application/json">$data</script>
<script>
const shots = JSON.parse(document.getElementById("data").textContent);
const [slider, picture, facts, number, play] =
  ["frame", "picture", "facts", "number", "play"].map((id) => document.getElementById(id));
let timer = null;
function show() {
  const shot = shots[slider.value];
  picture.src = "data:image/jpeg;base64," + shot.picture;
  picture.alt = shot.facts.join(". ");
  number.textContent = shot.frame;
  facts.replaceChildren(...shot.facts.map((text) => {
    const item = document.createElement("li");
    item.textContent = text;
    return item;
  }));
}
function step() {
  slider.value = (Number(slider.value) + 1) % shots.length;
  show();
}
slider.addEventListener("input", show);
play.addEventListener("click", () => {
  if (timer === null) { timer = setInterval(step, $interval); } else { clearInterval(timer); timer = null; }
  play.textContent = timer === null ? "Play" : "Stop";
});
show();
</script>
</body>
</html>
""")


def html_player(
    path: str | Path,
    sequence: Sequence,
    rules: Mapping[str, LabelAssigner],
    *,
    frames: Indices[int] | None = None,
    seed: int = 0,
) -> Path:
    """Write a page with a slider over frames under the given rules; it works from a disk, offline.

    Args:
        path: the file to write, ending in .html.
        sequence: a video.
        rules: rules by title; two side by side fit a page.
        frames: numbers of the frames; None: 60 evenly spread ones of those that show the target, or all of fewer.
        seed: seed of the shift of the search region and the draw of negatives.

    Returns:
        The path.

    Raises:
        InputError: for another suffix, no rule, a frame out of range or without target, so many frames that the page
            would have more than 8 MB, or a file that cannot be written.
    """
    path = Path(path)
    if path.suffix.lower() != ".html":
        raise InputError(f"the page must be a file ending in .html, got {path}")
    chosen = _spread(sequence) if frames is None else list(frames)
    if not chosen or not rules:
        raise InputError(f"the page {path} needs at least one frame that shows the target, and one rule")
    views = [explain_frame(sequence, frame, rules, seed=seed) for frame in chosen]
    pictures = [draw_frame(view, ("overlaps",)) for view in views]
    texts = [[f"{title}: {'; '.join(facts(rule))}" for title, rule in view.rules.items()] for view in views]
    return write_player(
        path,
        f"Label assignment: {sequence.name}",
        chosen,
        pictures,
        texts,
        legend=_LEGEND,
        imagery=views[0].imagery,
    )


def write_player(
    path: Path,
    title: str,
    frames: Indices[int],
    pictures: Indices[np.ndarray],
    facts: Indices[Indices[str]],
    *,
    legend: str = "",
    imagery: Imagery = "real",
    interval: int = 250,
) -> Path:
    """Write a page with a slider over pictures and the facts about each; it works from a disk, offline.

    Args:
        path: the file to write.
        title: title of the page.
        frames: number of each picture's frame.
        pictures: (H, W, 3) uint8 RGB each, of one size.
        facts: lines of text about each.
        legend: meaning of the marks in the pictures.
        imagery: where the frames come from; the page says so unless they are real.
        interval: ms between pictures while it plays.

    Returns:
        The path.

    Raises:
        InputError: for so many pictures that the page would have more than 8 MB, or a file that cannot be written.
    """
    for quality in _QUALITIES:
        shots = [
            {
                "frame": frame,
                "picture": base64.b64encode(encode_picture(picture, quality)).decode(),
                "facts": list(text),
            }
            for frame, picture, text in zip(frames, pictures, facts, strict=True)
        ]
        page = _PAGE.substitute(
            title=escape(title),
            note=f"These frames: {MARKS[imagery]}." if MARKS[imagery] else "",
            legend=escape(legend),
            interval=interval,
            width=pictures[0].shape[1],
            last=len(shots) - 1,
            data=json.dumps(shots).replace("<", "\\u003c"),
        )
        if len(page.encode()) <= LARGEST_PAGE:
            write_text(path, page)
            return path
    raise InputError(
        f"a page with {len(frames)} frames is larger than {LARGEST_PAGE // 10**6} MB; choose fewer frames"
    )


def _spread(sequence: Sequence) -> list[int]:
    shown = [int(frame) for frame in sequence.visible.nonzero()[0]]
    return [shown[index] for index in evenly_spread(len(shown), _FRAMES)]
