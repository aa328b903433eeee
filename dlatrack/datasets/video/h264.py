"""H.264 video files, which browsers play, written with PyAV where OpenCV has no encoder for them."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, cast

import cv2
import numpy as np

from dlatrack.datasets.video.capture import name_for_opencv
from dlatrack.errors import InputError

if TYPE_CHECKING:
    from av.container import OutputContainer
    from av.video.stream import VideoStream

#: Name of the encoder in FFmpeg.
ENCODER = "libx264"

#: Kinds of files that stay readable while they are written: fragments of one frame in MPEG-4 and QuickTime, and
#: clusters in Matroska, which needs no end.
GROWING = {
    ".mp4": {"movflags": "empty_moov+default_base_moof+frag_every_frame"},
    ".mov": {"movflags": "empty_moov+default_base_moof+frag_every_frame"},
    ".mkv": {"cluster_time_limit": "0"},
}

# Frames that refer to later ones ("B-frames") would come in another order than they are shown.
_WHOLE = {"preset": "veryfast", "crf": "20", "bf": "0"}
_WHILE_TRACKING = {"preset": "superfast", "crf": "23", "tune": "zerolatency"}

_BT601 = (
    6  # the matrix with which OpenCV makes YUV; players assume another for large frames unless they are told
)


class H264Writer:
    """A video file with the methods of `cv2.VideoWriter`; frames are RGB and may be numbered.

    Args:
        path: file ending in .mp4, .mkv or .mov.
        fps: frames per second.
        size: even width and height, px; what a frame has beyond them is cut off.
        growing: whether the file can be played while it is written and after a kill. Such a file is somewhat larger.
        named: path that messages name, where `path` is temporary; None: `path`.
    """

    def __init__(
        self,
        path: Path,
        fps: float,
        size: tuple[int, int],
        *,
        growing: bool = False,
        named: Path | None = None,
    ) -> None:
        self._named, self._size = named or path, size
        self._next = 0
        self._file: OutputContainer | None = None
        try:
            import av
        except ImportError:
            return
        if path.suffix.lower() not in GROWING or ENCODER not in av.codec.codecs_available:
            return
        options = {} if path.suffix.lower() == ".mkv" else {"movflags": "faststart"}  # the index comes first
        if growing:
            options = {**GROWING[path.suffix.lower()], "flush_packets": "1"}
        file = None
        try:
            with name_for_opencv(path) as name:  # whose FFmpeg has the same limits
                file = av.open(f"file:{name}", "w", format=_format(path), options=options)
            self._stream = _add_stream(file, fps, size, _WHILE_TRACKING if growing else _WHOLE)
        except (av.error.FFmpegError, ValueError, OverflowError):
            if file is not None:
                file.close()
            return
        self._file = file

    def isOpened(self) -> bool:  # noqa: N802  # as OpenCV
        """Whether frames can be written."""
        return self._file is not None

    def write(self, image_rgb: np.ndarray, number: int | None = None) -> None:
        """Append a frame.

        Args:
            image_rgb: (H, W, 3) uint8, at least of the size of the video.
            number: number of the frame at the rate of the video, larger than the last; None: the next.

        Raises:
            InputError: if the file takes no more.
        """
        import av

        assert self._file is not None
        width, height = self._size
        yuv = cv2.cvtColor(np.ascontiguousarray(image_rgb[:height, :width]), cv2.COLOR_RGB2YUV_I420)
        frame = av.VideoFrame.from_ndarray(yuv, format="yuv420p")
        frame.pts = self._next if number is None else number
        self._next = frame.pts + 1
        try:
            self._file.mux(self._stream.encode(frame))
        except av.error.FFmpegError as error:
            raise InputError(f"cannot write {self._named}: {error.strerror}") from error

    def release(self) -> None:
        """Finish the file."""
        if self._file is None:
            return
        import av

        file, self._file = self._file, None
        try:
            if self._next:
                file.mux(self._stream.encode(None))
            file.close()
        except av.error.FFmpegError as error:
            raise InputError(f"cannot write {self._named}: {error.strerror}") from error


def _format(path: Path) -> str:
    return {".mp4": "mp4", ".mov": "mov", ".mkv": "matroska"}[path.suffix.lower()]


def _add_stream(
    file: OutputContainer, fps: float, size: tuple[int, int], options: dict[str, str]
) -> VideoStream:
    """Add the stream of a video to a file, and open its encoder, which fails for sizes that it does not take."""
    rate = Fraction(fps).limit_denominator(1000)
    stream = cast("VideoStream", file.add_stream(ENCODER, rate=rate))
    stream.width, stream.height = size
    stream.pix_fmt = "yuv420p"
    context = stream.codec_context
    context.colorspace = _BT601
    # One thread: the others track. Two seconds between frames to which a player can jump.
    context.thread_count = 1
    context.gop_size = min(max(round(2 * fps), 1), 300)
    context.options = options
    context.open()
    return stream
