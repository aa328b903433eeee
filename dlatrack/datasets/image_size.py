"""The size of a JPEG image from its header, for data sets whose boxes are relative to it."""

from __future__ import annotations

from pathlib import Path

#: Markers of a frame header, which holds the size: SOF0 to SOF15 without tables (C4, CC) and the reserved C8.
_FRAME_HEADERS = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}


def jpeg_size(path: Path) -> tuple[int, int] | None:
    """Width and height as stored, px; None if the file is no JPEG image or ends before it says.

    Only the header is read, some microseconds for a file at hand. A tag that asks viewers to turn the image is not
    looked at; frames cut from videos have none.

    Raises:
        OSError: if the file cannot be opened; FileNotFoundError if it is missing.
    """
    with path.open("rb") as stream:
        if stream.read(2) != b"\xff\xd8":
            return None
        while True:
            head = stream.read(4)
            if len(head) < 4 or head[0] != 0xFF:
                return None
            if head[1] == 0xFF:  # a fill byte before the marker
                stream.seek(-3, 1)
                continue
            length = int.from_bytes(head[2:], "big")
            if head[1] in _FRAME_HEADERS:
                body = stream.read(5)
                height, width = int.from_bytes(body[1:3], "big"), int.from_bytes(body[3:5], "big")
                return (width, height) if len(body) == 5 and width and height else None
            if head[1] == 0xDA or length < 2:  # the image data begins
                return None
            stream.seek(length - 2, 1)
