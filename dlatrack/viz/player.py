"""A page that plays pictures without a kernel: all of them in one self-contained file."""

from __future__ import annotations

import base64
import json
from collections.abc import Sequence as Indices
from html import escape
from pathlib import Path
from string import Template

import cv2
import numpy as np
from IPython.display import HTML

from dlatrack.datasets.video.h264 import ENCODER
from dlatrack.datasets.video.writer import codec_of
from dlatrack.errors import InputError
from dlatrack.files import write_text
from dlatrack.imagery import MARKS, Imagery

#: Largest size of a page, bytes.
LARGEST_PAGE = 8_000_000

#: Kinds of files and their codecs that browsers play, and their media types.
_PLAYED = {
    (".mp4", "avc1"): "video/mp4",
    (".mp4", ENCODER): "video/mp4",
    (".webm", "VP80"): "video/webm",
}

_QUALITIES = (75, 60, 45, 30)  # of JPEG; the first that keeps the page small enough is taken

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


def show_page(path: Path, height: int = 640) -> HTML:
    """A page as the output of a notebook cell, self-contained, so that it is saved with the notebook."""
    page = escape(path.read_text(encoding="utf-8"), quote=True)
    frame = (
        f'<iframe srcdoc="{page}" title="player" style="width: 100%; height: {height}px; border: 0"></iframe>'
    )
    return HTML(f"<div>{frame}</div>")


def show_video(video: Path, page: Path) -> HTML:
    """A video as the output of a notebook cell, self-contained; its page of pictures where that cannot be.

    Args:
        video: video file of `datasets.video.writer`; H.264 in MP4 and VP8 in WebM play in browsers, and up to 8 MB
            are kept in a notebook.
        page: page of pictures of the video, as `viz.video.video_player` writes it.
    """
    kind = _PLAYED.get((video.suffix.lower(), codec_of(video)))
    if kind is None or video.stat().st_size > LARGEST_PAGE:
        return show_page(page)
    content = base64.b64encode(video.read_bytes()).decode()
    return HTML(
        f'<video controls muted playsinline style="max-width: 100%" src="data:{kind};base64,{content}"></video>'
    )


def encode_picture(image_rgb: np.ndarray, quality: int = 85) -> bytes:
    """A picture as JPEG with full colour resolution, so that thin lines stay clean."""
    options = [cv2.IMWRITE_JPEG_QUALITY, quality]
    options += [cv2.IMWRITE_JPEG_SAMPLING_FACTOR, cv2.IMWRITE_JPEG_SAMPLING_FACTOR_444]
    return cv2.imencode(".jpg", cv2.cvtColor(image_rgb, cv2.COLOR_RGB2BGR), options)[1].tobytes()
