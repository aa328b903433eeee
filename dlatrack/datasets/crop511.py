"""Training sets that were prepared for pysot and its descendants: a folder of 511-pixel crops and a JSON of boxes.

Files are CROPS/VIDEO/FRAME.TRACK.x.jpg, and the JSON is {VIDEO: {TRACK: {FRAME: box}}}. A box is [x1, y1, x2, y2]
or [w, h] in px of the image that the crop was cut from. Where it was does not matter: its centre lies on pixel 255 of
the crop, and its size there is (w, h) * 127 / s_z, with s_z the side of the context square.

Source: pysot, `gen_json.py` and `par_crop.py` of its training sets, and its data loader.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from json import JSONDecodeError
from pathlib import Path
from typing import Any

import numpy as np

from dlatrack.boxes import context_side
from dlatrack.datasets.box_text import MOST_PIXELS
from dlatrack.datasets.faults import Report, stop_at_first
from dlatrack.datasets.images import decode_image
from dlatrack.datasets.index.builder import TrackTableBuilder, literal
from dlatrack.datasets.index.tracks import TrackTable
from dlatrack.datasets.layout import CheckedFiles, is_plain_name, scan
from dlatrack.errors import InputError
from dlatrack.paths import with_home
from dlatrack.structured.json_files import LARGE, parse_json

_SIDE, _CENTRE, _TEMPLATE = 511, 255, 127  # px of a crop
_NO_TABLE = "is not a JSON table {video: {track: {frame: box}}}"
_DIGITS = 12  # of a frame number


@dataclass(frozen=True, eq=False)
class CropFolder:
    """N crops of T tracks in V videos as files; a crop source, so that pairs can be drawn from it as it is."""

    table: TrackTable  #: the crops as images, with boxes in crop px; tracks are named VIDEO/TRACK
    videos: np.ndarray  #: (V + 1,) int64, where each video starts among the tracks

    def __len__(self) -> int:
        """N."""
        return len(self.table)

    @property
    def target_wh(self) -> np.ndarray:
        """(N, 2) float32, target width and height in crop px."""
        return self.table.boxes_xywh[:, 2:]

    @property
    def tracks(self) -> np.ndarray:
        """(T + 1,) int64, where each track starts among the crops."""
        return self.table.starts

    @property
    def track_count(self) -> int:
        """T."""
        return self.table.track_count

    def image(self, index: int, needed: tuple[int, int, int, int] | None = None) -> np.ndarray:
        """Decode crop `index`, (511, 511, 3) uint8 RGB, whatever is needed of it.

        Raises:
            InputError: naming the file, if it is missing, cut short or of another size.
        """
        path = self.table.path(range(len(self))[index])
        try:
            image = decode_image(path.read_bytes())
            if image.shape == (_SIDE, _SIDE, 3):
                return image
        except (OSError, ValueError):
            pass
        raise InputError(f"{path} is not a readable, complete JPEG image of {_SIDE} x {_SIDE} px")

    def digest(self) -> str:
        """SHA-256 of names, frames and boxes."""
        return self.table.digest()


def read_crop511(
    annotation: str | Path, crops: str | Path | None = None, *, report: Report = stop_at_first
) -> CropFolder:
    """Import crops and boxes that were prepared for pysot.

    Keys that are not digits are no frames and ignored, as in pysot. It also drops boxes without an area silently;
    this reader reports each, and with a `FaultLog` as `report` they are counted and left out.

    Args:
        annotation: train.json or val.json.
        crops: folder of the crops; by default the folder crop511 beside `annotation`.
        report: called with each fault; by default the first one is raised.

    Returns:
        Videos and tracks in the order of the JSON, the frames of each track in that of their numbers; a video or
        track of which nothing can be used is left out.

    Raises:
        InputError: as `report`; and if nothing can be used.
    """
    file = with_home(annotation).absolute()
    root = with_home(crops).resolve() if crops is not None else (file.parent / "crop511").resolve()
    builder = TrackTableBuilder(root, np.float32)
    files = CheckedFiles(root, report)
    videos, count = [0], 0
    if files.has_folders(root):
        for video in _videos(file, files):
            added = sum(_add(track, frames, video, builder) for track, frames in video.tracks())
            if added:
                count += added
                videos.append(count)
    if not count:
        raise InputError(f"{file} has no box whose crop is in {root}")
    return CropFolder(builder.build(), np.array(videos, np.int64))


@dataclass(frozen=True)
class _Video:
    name: str
    content: dict[str, Any]
    file: Path
    files: CheckedFiles
    is_link: dict[str, bool]  #: by the names of the files in its folder

    def fault(self, where: str, what: str, value: object = None) -> None:
        """Report a fault in the JSON; `where` is the path of keys below the video."""
        self.files.fault(f"{self.file} {self.name}/{where}", what, value=value)

    def has_crop(self, name: str) -> bool:
        """Whether a crop exists and lies in the folder of crops; reported if not."""
        path = self.files.root / self.name / name
        if name in self.is_link:
            return not self.is_link[name] or self.files.is_inside(path)
        self.files.fault(path, f"is missing; {self.file} has a box for it")
        return False

    def tracks(self) -> Iterator[tuple[str, dict[str, Any]]]:
        """Tracks with names that may be part of a file's."""
        for track, frames in self.content.items():
            if not is_plain_name(track):
                self.fault(track, "is not a name of a track like 00")
            elif not isinstance(frames, dict):
                self.fault(track, "is not a table of frames", frames)
            else:
                yield track, frames


def _videos(file: Path, files: CheckedFiles) -> Iterator[_Video]:
    """Videos of the JSON whose folder exists."""
    for name, tracks in _load(file, CheckedFiles(file.parent.resolve(), files.report)).items():
        if not all(is_plain_name(part) for part in name.split("/")):
            files.fault(file, f"does not name a folder below {files.root}", value=name)
        elif not isinstance(tracks, dict):
            files.fault(file, "is not a table of tracks", value=name)
        elif files.has_folders(files.root / name):
            links = {entry.name: entry.is_symlink() for entry in scan(files.root / name)}
            yield _Video(name, tracks, file, files, links)


def _load(file: Path, files: CheckedFiles) -> dict[str, Any]:
    """The table in a JSON file; empty if there is none."""
    repeated: list[str] = []

    def table(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        found = dict(pairs)
        if len(found) < len(pairs):
            keys = [key for key, _ in pairs]
            repeated.append(next(key for key in keys if keys.count(key) > 1))
        return found

    text = files.read_text(file)
    if text is None:
        return {}
    try:
        content = parse_json(text, str(file), **LARGE, object_pairs_hook=table)
    except InputError as error:
        if isinstance(cause := error.__cause__, JSONDecodeError):
            line = text.split("\n")[cause.lineno - 1].strip()
            files.fault(file, f"is not JSON ({cause.msg})", cause.lineno, line)
            return {}
        files.fault(file, f"{_NO_TABLE}: {str(error).removeprefix(f'{file} ')}")
        return {}
    for key in repeated:
        files.fault(file, "comes twice in a table; each video, track and frame once", value=key)
    if not isinstance(content, dict):
        files.fault(file, _NO_TABLE)
        return {}
    return content


def _add(track: str, frames: dict[str, Any], video: _Video, builder: TrackTableBuilder) -> bool:
    """Add the usable frames of a track; whether there are any."""
    sizes: dict[int, tuple[float, float]] = {}
    for key, box in frames.items():
        if not (key.isascii() and key.isdigit()):
            continue
        if len(key) > _DIGITS:
            video.fault(f"{track}/{key[:_DIGITS]}...", f"has more than {_DIGITS} digits")
            continue
        size = _size(f"{track}/{key}", box, video)
        if size is None:
            continue
        number = int(key)
        if number in sizes:
            video.fault(f"{track}/{key}", f"is frame {number}, which comes twice; each frame once")
        elif video.has_crop(f"{number:06d}.{track}.x.jpg"):
            sizes[number] = size
    if not sizes:
        return False
    numbers = np.array(sorted(sizes))
    sides = np.array([sizes[number] for number in numbers.tolist()])
    target_wh = sides * (_TEMPLATE / context_side(sides[:, 0], sides[:, 1]))[:, None]
    boxes_xywh = np.concatenate([_CENTRE - target_wh / 2, target_wh], 1)
    template = f"{literal(video.name)}/%06d.{literal(track)}.x.jpg"
    builder.add(f"{video.name}/{track}", template, numbers, boxes_xywh)
    return True


def _size(where: str, box: object, video: _Video) -> tuple[float, float] | None:
    """Width and height of a box; None if it has no area or is none."""
    what = "is not a box of finite numbers [w, h] or [x1, y1, x2, y2]"
    if (
        not isinstance(box, list)
        or not all(type(value) in (int, float) and abs(value) < MOST_PIXELS for value in box)
        or len(box) not in (2, 4)
    ):
        video.fault(where, what, box)
        return None
    width, height = box if len(box) == 2 else (box[2] - box[0], box[3] - box[1])
    if width <= 0 or height <= 0:
        video.fault(where, f"has width {width:g} and height {height:g}; both must be above 0", box)
    else:
        return float(width), float(height)
    return None
