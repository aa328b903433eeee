"""Miniature of OTB100: eight folders, nine targets, and the traps of the real one."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from dlatrack.datasets.mini import Declaration
from dlatrack.datasets.mini.videos import joined_videos, mini_video, save_images, save_rows, save_text

_LENGTH = 12
_CUT = 6  # px of Biker's target that are above the image in its first frame


def write(root: Path, seed: int, longer: int = 1) -> Declaration:
    """Write the files below `root`, videos `longer` times as long.

    Commas in Basketball; tabs, one blank and images from 247 in BlurCar1; five digits and a last box of zeros in
    Board; images before the annotation in David; five skipped rows in Tiger1; boxes above the image in Biker; two
    targets in Jogging; an empty file for the first target of Human4; stray files.
    """
    length = _LENGTH * longer
    entries = [
        _basketball(root, seed, length),
        _biker(root, seed, length),
        _blur_car(root, seed, length),
        _board(root, seed, length),
        _david(root, seed, length),
        _human4(root, seed, length),
        *_jogging(root, seed, length),
        _tiger1(root, seed, length),
    ]
    for name in ("Basketball", "Board"):
        (root / name / "cfg.mat").write_bytes(b"\0stray")
    splits = {"test": _counts(entries)}
    for subset in ("otb2013", "tb50"):
        splits[subset] = _counts([entry for entry in entries if subset in str(entry["subsets"])])
    return Declaration(splits, entries)


def _counts(entries: list[dict[str, str | int]]) -> dict[str, int]:
    rows = sum(int(entry["last"]) - int(entry["first"]) + 1 for entry in entries)
    return {"tracks": len(entries), "rows": rows, "boxes": rows}


def _basketball(root: Path, seed: int, length: int) -> dict[str, str | int]:
    video = mini_video("otb100/Basketball", seed, length)
    _save(root / "Basketball", video.images, _rows(video.boxes_xywh))
    return _entry("Basketball", 1, length, attributes="IV OCC", subsets="otb2013 tb50")


def _biker(root: Path, seed: int, length: int) -> dict[str, str | int]:
    """Cut the top of the view off, so that the target begins above it."""
    video = mini_video("otb100/Biker", seed, length)
    top = int(video.boxes_xywh[0, 1]) + _CUT
    _save(root / "Biker", [image[top:] for image in video.images], _rows(video.boxes_xywh - [0, top, 0, 0]))
    return _entry("Biker", 1, length, attributes="SV OV", subsets="tb50")


def _blur_car(root: Path, seed: int, length: int) -> dict[str, str | int]:
    video = mini_video("otb100/BlurCar1", seed, length, challenges=("MB", "FM"))
    folder = root / "BlurCar1"
    _save(folder, video.images, _rows(video.boxes_xywh), first=247, separator="\t")
    file = folder / "groundtruth_rect.txt"
    lines = file.read_text().splitlines()
    lines[7] = lines[7].replace("\t", " ")
    save_text(file, "".join(f"{line}\n" for line in lines))
    return _entry("BlurCar1", 247, 246 + length, attributes="MB FM")


def _board(root: Path, seed: int, length: int) -> dict[str, str | int]:
    video = mini_video("otb100/Board", seed, length)
    rows = _rows(video.boxes_xywh)
    rows[-1] = 0
    _save(root / "Board", video.images, rows, pattern="%05d.jpg")
    return _entry("Board", 1, length, images="img/%05d.jpg", attributes="SV FM OPR", empty_rows=str(length))


def _david(root: Path, seed: int, length: int) -> dict[str, str | int]:
    """Four images before the first row and none after the last."""
    video = mini_video("otb100/David", seed, length, challenges=("IV",))
    _save(root / "David", video.images, _rows(video.boxes_xywh)[4:], first=296)
    last = 295 + length
    columns = {"attributes": "IV SV", "subsets": "otb2013 tb50", "images_on_disk": f"296-{last}"}
    return _entry("David", 300, last, **columns)


def _human4(root: Path, seed: int, length: int) -> dict[str, str | int]:
    video = mini_video("otb100/Human4", seed, length)
    place = {"folder": "Human4", "annotation": "groundtruth_rect.2.txt"}
    _save(root / "Human4", video.images, _rows(video.boxes_xywh), annotation=place["annotation"])
    save_text(root / "Human4" / "groundtruth_rect.1.txt", "")
    return _entry("Human4-2", 1, length, **place, attributes="DEF", subsets="tb50")


def _jogging(root: Path, seed: int, length: int) -> list[dict[str, str | int]]:
    left, right = (mini_video(f"otb100/Jogging-{n}", seed, length, (112, 120)) for n in (1, 2))
    images, *targets = joined_videos(left, right)
    entries = []
    for number, boxes_xywh in enumerate(targets, 1):
        place = {"folder": "Jogging", "annotation": f"groundtruth_rect.{number}.txt"}
        shown = images if number == 1 else []
        _save(root / "Jogging", shown, _rows(boxes_xywh), annotation=place["annotation"])
        entry = _entry(f"Jogging-{number}", 1, length, **place, attributes="OCC", subsets="otb2013")
        entries.append(entry)
    return entries


def _tiger1(root: Path, seed: int, length: int) -> dict[str, str | int]:
    video = mini_video("otb100/Tiger1", seed, length)
    _save(root / "Tiger1", video.images, _rows(video.boxes_xywh), separator="\t")
    entry = _entry("Tiger1", 6, length, skip_rows=5, attributes="IV", subsets="otb2013")
    return entry | {"images_on_disk": f"1-{length}"}


def _rows(boxes_xywh: np.ndarray) -> np.ndarray:
    """Boxes as the files have them: whole numbers that count pixels from 1."""
    return np.rint(boxes_xywh + np.array([1, 1, 0, 0]))


def _save(
    folder: Path,
    images: list[np.ndarray],
    rows: np.ndarray,
    *,
    first: int = 1,
    pattern: str = "%04d.jpg",
    annotation: str = "groundtruth_rect.txt",
    separator: str = ",",
) -> None:
    save_images(folder / "img", pattern, range(first, first + len(images)), images)
    save_rows(folder / annotation, rows, separator=separator)


def _entry(name: str, first: int, last: int, **columns: str | int) -> dict[str, str | int]:
    """A row of the sequence list."""
    common = {"name": name, "folder": name, "annotation": "groundtruth_rect.txt", "images": "img/%04d.jpg"}
    numbers = {"first": first, "last": last}
    return {**common, **numbers, "object_class": "other", "attributes": "", "subsets": "", **columns}
