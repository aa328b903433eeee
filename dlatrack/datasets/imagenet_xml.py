"""Annotation files of ImageNet DET and VID: one XML per image, with the objects in it."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple
from xml.etree import ElementTree

import numpy as np

from dlatrack.datasets.box_text import LARGEST_PX, to_number
from dlatrack.datasets.faults import Fault
from dlatrack.datasets.layout import CheckedFiles

_CORNERS = ("xmin", "ymin", "xmax", "ymax")


class ImageObject(NamedTuple):
    """One annotated object."""

    row: int  #: position in the file, from 1
    synset: str  #: WordNet id of its class, e.g. "n02084071"
    box_xywh: tuple[float, float, float, float]  #: corner and size, px; size is the difference of the corners
    track: int = -1  #: number of the object in its video; -1 in DET
    occluded: int = 0  #: 0 or 1
    generated: int = 0  #: 0 or 1: the box was interpolated


class ImageAnnotation(NamedTuple):
    """The annotation of one image."""

    size: tuple[int, int]  #: width and height of the image, px, as the file states them
    objects: list[ImageObject]  #: its objects in the order of the file


def read_image_xml(file: Path, files: CheckedFiles, *, tracks: bool) -> ImageAnnotation | None:
    """Read the size and the objects of one image, corners by tag: VID writes xmax first, DET xmin.

    An object with a fault is reported and left out; a box that lies outside the size that the file states, or has no
    area, is a fault.

    Args:
        file: the annotation.
        files: the data set that it belongs to.
        tracks: whether objects have a trackid and flags, as in VID.

    Returns:
        The annotation; None if the file cannot be used.
    """
    text = files.read_text(file)
    if text is None:
        return None
    if "<!" in text.replace("<!--", ""):
        files.fault(file, "declares a document type or entities; plain XML is needed")
        return None
    try:
        tree = ElementTree.fromstring(text)
    except ElementTree.ParseError as error:
        files.fault(file, f"is not complete XML ({error})")
        return None
    try:
        width, height = (_number(file, None, tree.find("size"), tag) for tag in ("width", "height"))
    except _FaultyError as error:
        files.report(error.fault)
        return None
    objects = []
    for row, node in enumerate(tree.iter("object"), 1):
        try:
            objects.append(_object(file, row, node, (width, height), tracks))
        except _FaultyError as error:
            files.report(error.fault)
    return ImageAnnotation((int(width), int(height)), objects)


class _FaultyError(Exception):
    """Carries the fault of an object out of the functions that read its parts."""

    def __init__(self, fault: Fault) -> None:
        super().__init__(str(fault))
        self.fault = fault


def _object(
    file: Path, row: int, node: ElementTree.Element, size: tuple[float, float], tracks: bool
) -> ImageObject:
    """One object.

    Raises:
        _FaultyError: if a part is missing or is not what it must be.
    """

    def faulty(value: str, what: str) -> _FaultyError:
        return _FaultyError(Fault(file, what, row, value, "object"))

    x1, y1, x2, y2 = (_number(file, row, node.find("bndbox"), tag) for tag in _CORNERS)
    corners = f"{x1:g},{y1:g},{x2:g},{y2:g}"
    if x2 <= x1 or y2 <= y1:
        raise faulty(corners, f"has width {x2 - x1:g} and height {y2 - y1:g}; both must be above 0")
    if x2 <= 0 or y2 <= 0 or x1 >= size[0] or y1 >= size[1]:
        raise faulty(corners, f"lies outside the image of {size[0]:g} x {size[1]:g} px; it must overlap it")
    synset = (node.findtext("name") or "").strip()
    if not synset:
        raise faulty("", "is not a class name")
    box_xywh = (x1, y1, x2 - x1, y2 - y1)
    if not tracks:
        return ImageObject(row, synset, box_xywh)
    track, *flags = (int(_number(file, row, node, tag)) for tag in ("trackid", "occluded", "generated"))
    if track < 0 or set(flags) - {0, 1}:
        raise faulty(f"{track},{flags[0]},{flags[1]}", "are not a trackid from 0 and two flags 0 or 1")
    return ImageObject(row, synset, box_xywh, track, *flags)


def _number(file: Path, row: int | None, node: ElementTree.Element | None, tag: str) -> float:
    """The number in a child of an XML element, whole in all but corners.

    Raises:
        _FaultyError: if there is none.
    """
    text = (node.findtext(tag) if node is not None else None) or ""
    try:
        value = to_number(text.strip())
    except ValueError:
        value = np.nan
    if abs(value) <= LARGEST_PX and (tag in _CORNERS or value.is_integer()):
        return value
    raise _FaultyError(Fault(file, f"is not a number {tag}", row, text, "object"))
