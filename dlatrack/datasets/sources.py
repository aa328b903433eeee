"""Where frames to track may come from: files, folders of images, cameras, addresses and pipes."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Protocol

import numpy as np

from dlatrack.datasets.stream import FrameStream
from dlatrack.datasets.video.live import PATIENCE, AddressSource, CameraSource, LiveSource, PipeSource
from dlatrack.errors import InputError, without_secrets


class Source(Protocol):
    """Frames in order, each decoded when it is needed; read by iteration."""

    name: str  #: name for titles, without any secret
    fps: float  #: frames per second, nominally

    @property
    def expected(self) -> int | None:
        """Number of frames that there should be; None where nobody knows."""
        ...

    @property
    def live(self) -> bool:
        """Whether frames come at their own pace, so that they may be left out."""
        ...

    def first(self) -> np.ndarray:
        """The first frame, (H, W, 3) uint8 RGB."""
        ...

    def __iter__(self) -> Iterator[np.ndarray]:
        """The frames, (H, W, 3) uint8 RGB, all of one size."""
        ...


def open_source(
    source: str | Path, *, patience: float = PATIENCE, stopped: Callable[[], object] = lambda: False
) -> FrameStream | LiveSource:
    """Open the frames that a text stands for.

    Args:
        source: a video file, a folder of images, or a sequence folder with `img/`; the number of a camera, unless a
            file has that name; an address that begins with rtsp:// or http://, or the same with an s; or "-" for an
            encoded video on standard input.
        patience: seconds of attempts to reach a camera or an address again after a break.
        stopped: function that says whether to stop waiting for the first frame.

    Returns:
        The source, which has shown its first frame if it is live.

    Raises:
        InputError: in one line and for live sources within 5 s, if it cannot be read.
        KeyboardInterrupt: if `stopped` says so meanwhile.
    """
    text = str(source)
    if text == "-":
        return PipeSource(stopped=stopped)
    # Also misspelt addresses, such as rtsp:/host, since a path would be quoted with its password.
    if re.match(r"\s*[A-Za-z][A-Za-z0-9+.-]+:/", text) and not Path(source).exists():
        return AddressSource(text, patience=patience, stopped=stopped)
    if re.fullmatch(r"[0-9]{1,4}", text) and not Path(source).exists():
        return CameraSource(int(text), patience=patience, stopped=stopped)
    if (shown := without_secrets(text)) != text and not Path(source).exists():
        raise InputError(
            f"{shown} is neither a file nor an address; an address begins with rtsp:// or http://"
        )
    return FrameStream(source)
