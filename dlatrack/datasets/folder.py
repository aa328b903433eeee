"""Videos in the folder layout of OTB: `img/` with numbered images and `groundtruth_rect.txt` beside it.

The files count pixels from 1, as OTB's MATLAB code does, and the library from 0. The reader subtracts 1 from x and y,
the writer adds it.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Literal

import cv2
import numpy as np

from dlatrack.datasets.box_text import decode_text, fault_of_box, split_lines, split_numbers
from dlatrack.datasets.image_folder import image_files, upright_sizes, utf8_name
from dlatrack.datasets.images import ImageFiles
from dlatrack.datasets.layout import folders_in
from dlatrack.datasets.sequence import Sequence
from dlatrack.errors import InputError, shortened
from dlatrack.files import atomic_path, same_file, write_text

_ANNOTATION = re.compile(r"groundtruth_rect(?:\.([1-9][0-9]*))?\.txt")


def read_folder(path: str | Path, *, needs_first_box: bool = True) -> list[Sequence]:
    """Read one sequence folder of OTB's layout.

    `groundtruth_rect.txt` holds one row x, y, w, h per image, separated by commas, blanks or both, in px counted
    from 1; a row of four NaN says that the target is absent. Further targets have files `groundtruth_rect.1.txt`,
    `groundtruth_rect.2.txt`, ...: these become sequences `<folder>-1`, `<folder>-2`. An empty file is skipped if
    another one has rows (OTB's Human4 has one).

    Images are those of `image_folder.image_files`, as they are stored: an image that an EXIF tag would turn is
    refused, because the boxes may be those before or after the turn.

    Args:
        path: the folder, with `img/` in it.
        needs_first_box: whether the target must be in the first frame, as for tracking; training needs it in any one.

    Returns:
        One sequence for each annotation file that has rows, by number.

    Raises:
        InputError: naming file, row (from 1) and value. An annotation or `img/` is missing; a row is not four
            numbers, is no box (`box_text.fault_of_box`) or lies outside its own image; there are more or fewer rows
            than images; or the target is absent in row 1, or in every row. And naming the image, if it is no frame or
            cannot be read (`image_folder`), or has an orientation tag; or the folder, if its name is not UTF-8.
    """
    path = Path(path)
    folder = utf8_name(path.absolute())
    images = image_files(path / "img")
    annotations = _annotations(path, folder)
    sizes = upright_sizes(images)
    sequences = []
    for name, file in annotations.items():
        boxes_xywh = read_target_boxes(file, sizes, needs_first_box=needs_first_box)
        sequences.append(Sequence(name, images, boxes_xywh, ~np.isnan(boxes_xywh[:, 0])))
    return sequences


def read_folders(root: str | Path, *, needs_first_box: bool = True) -> list[Sequence]:
    """All sequences in the folders directly below `root`, sorted by folder name, then by target.

    A folder counts as a sequence when it has an `img` folder or an annotation file; others are ignored.

    Args:
        root: folder of the sequence folders.
        needs_first_box: as in `read_folder`.

    Raises:
        InputError: if `root` is not a folder or holds no sequence, or as `read_folder`.
    """
    root = Path(root)
    if not root.is_dir():
        raise InputError(f"{root} is not a folder; the folder that holds the sequence folders is needed")
    folders = sequence_folders(root)
    if not folders:
        raise InputError(f"{root} holds no sequence folder (one with img/ and groundtruth_rect.txt)")
    return [
        sequence for folder in folders for sequence in read_folder(folder, needs_first_box=needs_first_box)
    ]


def sequence_folders(root: Path) -> list[Path]:
    """Folders directly below `root` that have an `img` folder or an annotation file, sorted; no hidden ones."""
    return [
        folder
        for folder in folders_in(root)
        if (folder / "img").is_dir() or any(folder.glob("groundtruth_rect*.txt"))
    ]


def read_true_boxes(folder: Path) -> dict[str, np.ndarray]:
    """Read the true boxes of a sequence folder, with or without images.

    Args:
        folder: folder as in `read_folder`; if it has no `img`, boxes are not compared with images.

    Returns:
        (T, 4) float64 xywh by name, in px counted from 1 as in the files; NaN rows where the target is absent.

    Raises:
        InputError: as `read_folder`.
    """
    if (folder / "img").exists():
        read_folder(folder)
    return {
        name: read_annotation_boxes(file)
        for name, file in _annotations(folder, utf8_name(folder.absolute())).items()
    }


def is_annotated(folder: Path) -> bool:
    """Whether a folder has an annotation file of OTB's layout."""
    return any(_ANNOTATION.fullmatch(path.name) for path in folder.iterdir())


def read_target_boxes(file: Path, sizes: np.ndarray, *, needs_first_box: bool = True) -> np.ndarray:
    """Read and check the annotation of one target.

    Args:
        file: rows x, y, w, h in px counted from 1.
        sizes: (T, 2) width and height of each image, px; there must be a row for each, and each box must overlap its
            image.
        needs_first_box: as in `read_folder`.

    Returns:
        (T, 4) float64 xywh, 0-based px; NaN rows where the target is absent.

    Raises:
        InputError: as `read_folder`.
    """
    boxes_xywh = read_annotation_boxes(file, needs_first_box=needs_first_box)
    if len(boxes_xywh) != len(sizes):
        raise InputError(
            f"{file} has {len(boxes_xywh)} rows for {len(sizes)} images; one row per image is needed"
        )
    boxes_xywh[:, :2] -= 1
    low, high = boxes_xywh[:, :2], boxes_xywh[:, :2] + boxes_xywh[:, 2:]
    bad = (high <= 0).any(1) | (low >= sizes).any(1)
    if bad.any():
        row = int(bad.argmax())
        text = split_lines(_text(file))[row].strip()
        width, height = sizes[row]
        raise InputError(
            f"{file} row {row + 1}: box {text} lies outside the image of {width} x {height} px; "
            f"it must overlap it, or be NaN,NaN,NaN,NaN where the target is absent"
        )
    return boxes_xywh


def read_annotation_boxes(file: Path, *, needs_first_box: bool = True) -> np.ndarray:
    """Read the boxes of a text file as they are.

    Args:
        file: rows x, y, w, h; four NaN say that the target is absent.
        needs_first_box: as in `read_folder`.

    Returns:
        (T, 4) float64 xywh, coordinates as in the file; NaN rows where the target is absent.

    Raises:
        InputError: naming file, row and value. There is no row; a row is not four numbers, is NaN in part or has a
            size that is not positive; or the target is absent in row 1, or in every row.
    """
    rows = split_lines(_text(file))
    if not rows:
        raise InputError(f"{file} is empty; one row x,y,w,h per image is needed")
    boxes_xywh = np.array([_row(file, number, row) for number, row in enumerate(rows, 1)])
    absent = np.isnan(boxes_xywh[:, 0])
    if needs_first_box and absent[0]:
        raise InputError(
            f"{file} row 1: the target is absent (NaN); a tracker needs a box in the first frame"
        )
    if absent.all():
        raise InputError(
            f"{file}: the target is absent (NaN) in every row; training needs a box in one or more"
        )
    return boxes_xywh


def write_folder(sequence: Sequence, root: str | Path, images: Literal["jpg", "png"] = "jpg") -> Path:
    """Write a sequence as a folder `root`/`sequence.name` that `read_folder` reads.

    Args:
        sequence: sequence whose name, boxes and images are written; the layout has no attributes or polygons.
        root: folder in which the sequence's folder is created.
        images: "jpg" (quality 95) or "png" (exact).

    Returns:
        The sequence's folder.

    Raises:
        ValueError: if `images` is neither.
        InputError: if the sequence was read from this folder, as its images would be overwritten by a second
            encoding; or if a file cannot be written. Each file is written whole or not at all, the annotation last.
    """
    if images not in ("jpg", "png"):
        raise ValueError(f'images must be "jpg" or "png", got {images!r}')
    folder = Path(root) / sequence.name
    if isinstance(sequence.frames, ImageFiles) and same_file(sequence.frames.paths[0].parent, folder / "img"):
        raise InputError(f"{folder} is where {sequence.name} was read from; it must be written elsewhere")
    digits = max(4, len(str(len(sequence))))
    for number in range(len(sequence)):
        bgr = cv2.cvtColor(sequence.frames[number], cv2.COLOR_RGB2BGR)
        encoded = cv2.imencode(f".{images}", bgr, [cv2.IMWRITE_JPEG_QUALITY, 95])[1]
        with atomic_path(folder / "img" / f"{number + 1:0{digits}d}.{images}") as temporary:
            temporary.write_bytes(encoded.tobytes())
    boxes = np.where(sequence.visible[:, None], sequence.boxes_xywh + np.array([1, 1, 0, 0]), np.nan)
    rows = [",".join("NaN" if np.isnan(value) else f"{value:.4f}" for value in box) for box in boxes]
    write_text(folder / "groundtruth_rect.txt", "\n".join(rows) + "\n")
    return folder


def _row(file: Path, number: int, row: str) -> list[float]:
    where = f"{file} row {number}: {shortened(row.strip())!r}"
    try:
        box = split_numbers(row)
    except ValueError as error:
        raise InputError(f"{where} is not four numbers x,y,w,h; {error}") from None
    if len(box) != 4:
        raise InputError(f"{where} is not four numbers x,y,w,h; it has {len(box)}")
    if fault := fault_of_box(box):
        raise InputError(f"{where} {fault}")
    return box


def _annotations(folder: Path, name: str) -> dict[str, Path]:
    """Annotation files that have rows, by the names of their sequences, in the order of their numbers.

    Args:
        folder: folder of the sequence.
        name: name of the sequence if it has one target, and the beginning of its targets' names otherwise.
    """
    found = [(match, file) for file in folder.iterdir() if (match := _ANNOTATION.fullmatch(file.name))]
    numbered = {int(match[1] or 0): file for match, file in found}
    if not numbered:
        raise InputError(f"{folder} has no groundtruth_rect.txt, nor groundtruth_rect.1.txt and so on")
    filled = {
        f"{name}-{number}" if number else name: numbered[number]
        for number in sorted(numbered)
        if _text(numbered[number]).strip()
    }
    if not filled:
        raise InputError(f"{min(numbered.values())} is empty; one row x,y,w,h per image is needed")
    return filled


def _text(file: Path) -> str:
    try:
        return decode_text(file.read_bytes())
    except (OSError, ValueError) as error:
        raise InputError(f"{file} cannot be read as text with one row x,y,w,h per image ({error})") from error
