"""One connection to a camera, an address or a pipe, from its first frame until it ends or breaks."""

from __future__ import annotations

import errno
import os
import select
import stat
import time
from collections.abc import Iterator
from typing import TYPE_CHECKING, Protocol

import cv2
import numpy as np

from dlatrack.datasets.images import LARGEST_IMAGE
from dlatrack.datasets.video.address import fault_of_address
from dlatrack.datasets.video.capture import to_rgb
from dlatrack.errors import InputError

if TYPE_CHECKING:
    from av import Packet, VideoFrame

#: Rates that a camera or stream may plausibly have; others are taken for a unit of time.
_RATES = (1.0, 240.0)
_USUAL = 30.0

#: What an address may lead to: no file of this computer, whatever a playlist from elsewhere names.
_PROTOCOLS = "http,https,httpproxy,tls,tcp,udp,rtp,rtsp,rtsps,crypto"

_LATE = "no answer in time"

_INDEX_LAST = (
    "it holds an MP4 or QuickTime file whose index lies at its end, which a pipe cannot go back from; "
    "ffmpeg -i FILE -c copy -f matroska - sends one that can be read"
)


class BrokenError(Exception):
    """A connection that does not come about or breaks off; the text is the reason, without any address."""


class Connection(Protocol):
    """Frames of one connection."""

    fps: float  #: frames per second, nominally
    ends: bool  #: whether the source has an end, so that nothing comes after this connection

    def images(self) -> Iterator[np.ndarray]:
        """The frames, (H, W, 3) uint8 RGB, until the source says that it ends; `BrokenError` when it breaks off."""
        ...

    def close(self) -> None:
        """Close it, in the thread that reads."""
        ...


class CameraConnection:
    """A camera of this computer, through OpenCV, which knows the cameras of each system.

    Args:
        number: number of the camera, from 0.

    Raises:
        BrokenError: if there is none, or another program has it.
    """

    ends = False

    def __init__(self, number: int) -> None:
        self._capture = cv2.VideoCapture(number)
        if not self._capture.isOpened():
            raise BrokenError("there is no such camera, or another program uses it")
        self.fps = plausible_rate(self._capture.get(cv2.CAP_PROP_FPS))

    def images(self) -> Iterator[np.ndarray]:
        """As `Connection`."""
        while True:
            found, bgr = self._capture.read()
            if not found:
                raise BrokenError("the camera gives no more frames")
            yield to_rgb(bgr)

    def close(self) -> None:
        """As `Connection`."""
        self._capture.release()


class EncodedConnection:
    """An encoded video from an address or a pipe, through PyAV.

    PyAV is taken and not OpenCV, because OpenCV scales frames to the size of the first without a word when the size
    changes, does not tell the end of a stream from a break, and writes addresses with their passwords to the
    terminal. Both interrupt FFmpeg after a number of seconds; neither can interrupt the resolving of a name, so that
    `LiveSource` waits in another thread.

    Args:
        address: an address, or "pipe:N" with the number of a file descriptor.
        patience: seconds to wait for the answer, and later for the next data; None: as long as it takes.

    Raises:
        BrokenError: if there is no answer, or none with a video.
        InputError: if PyAV is missing.
    """

    def __init__(self, address: str, patience: tuple[float, float] | None) -> None:
        try:
            import av
        except ImportError as error:
            raise InputError("addresses and pipes are read with PyAV; pip install av") from error
        pipe = address.startswith("pipe:")
        if pipe and _is_empty(int(address.removeprefix("pipe:"))):
            raise BrokenError("it is empty; the program that should write to it has written nothing")
        options = {"protocol_whitelist": "pipe"} if pipe else {"protocol_whitelist": _PROTOCOLS}
        # FFmpeg looks at a stream for up to 5 s before it says what it is; patience ends before. No "nobuffer": it
        # throws away the frames that were looked at.
        options |= {"analyzeduration": "2000000"}
        if address.lower().startswith("rtsp"):
            options |= {"rtsp_flags": "prefer_tcp"}  # UDP loses packets, and firewalls stop it
        late = float("inf") if patience is None else time.monotonic() + 0.95 * patience[0]
        try:
            self._file = av.open(address, "r", container_options=options, timeout=patience)
        except (av.error.FFmpegError, UnicodeError) as error:  # another one for RTSP, if it is interrupted
            if time.monotonic() > late:
                raise BrokenError(_LATE) from None
            raise BrokenError(_reason(error, address)) from None
        if not self._file.streams.video:
            self._file.close()
            raise BrokenError("there is no video in it")
        self._stream = self._file.streams.video[0]
        width, height = self._stream.width, self._stream.height
        if width * height > LARGEST_IMAGE:
            self._file.close()
            raise BrokenError(
                f"its frames have {width} x {height} px; at most {LARGEST_IMAGE:,} px are decoded"
            )
        self._stream.thread_type = "SLICE"  # threads for whole frames would hold each frame back
        self.fps = plausible_rate(float(self._stream.average_rate or self._stream.guessed_rate or 0))
        self._no_frame = _INDEX_LAST if pipe and "mp4" in self._file.format.name else ""
        self.ends = pipe or self._file.duration is not None or self._file.size > 0
        self._over_http = address.lower().startswith("http")
        self._address = address  # until a frame has come

    def images(self) -> Iterator[np.ndarray]:
        """As `Connection`. Frames that are damaged on the way and cannot be decoded are left out."""
        import av

        packets = self._file.demux(self._stream)
        while True:
            try:
                packet = next(packets, None)
            except av.error.FFmpegError as error:
                yield from self._decoded(None)  # frames wait in the decoder for those that they refer to
                if self._over_http and _is_closed(error) and not self.ends:
                    return
                raise BrokenError(self._no_frame or _reason(error, self._address)) from None
            if packet is None and self._no_frame:
                raise BrokenError(self._no_frame)
            if packet is None:
                return
            yield from self._decoded(packet)

    def _decoded(self, packet: Packet | None) -> Iterator[np.ndarray]:
        """Frames that a packet completes; None: those that the decoder still holds."""
        import av

        try:
            frames = self._stream.codec_context.decode(packet)
        except av.error.FFmpegError:  # damaged, or the decoder has been emptied
            return
        for frame in frames:
            self._no_frame = self._address = ""
            yield _upright(frame)

    def close(self) -> None:
        """As `Connection`."""
        self._file.close()


def plausible_rate(fps: float) -> float:
    """A rate as a source declares it, frames per second; 30 where it declares none that a camera could have."""
    return float(fps) if _RATES[0] <= fps <= _RATES[1] else _USUAL


def _upright(frame: VideoFrame) -> np.ndarray:
    """A frame as RGB, turned as its display matrix says, which OpenCV does for files: telephones store them lying."""
    image, turns = frame.to_ndarray(format="rgb24"), round(frame.rotation / 90) % 4
    return np.ascontiguousarray(np.rot90(image, turns)) if turns else image


def _is_closed(error: Exception) -> bool:
    """Whether FFmpeg found a connection closed, for which it has the same error as for a host without an address."""
    return getattr(error, "errno", None) == errno.EIO


def _reason(error: Exception, address: str) -> str:
    """What FFmpeg says, without the address that it adds; more, if it comes from an address that gives no video."""
    import av

    if isinstance(error, av.error.ExitError):
        return _LATE
    if isinstance(error, (av.error.ProtocolNotFoundError, av.error.DemuxerNotFoundError)):
        return "this PyAV was built without support for such addresses; pip install --force-reinstall av"
    unclear = _is_closed(error) or isinstance(error, av.error.InvalidDataError)
    if unclear and "://" in address and (fault := fault_of_address(address)):
        return fault
    if _is_closed(error):
        return "the connection was closed before its end"
    return str(getattr(error, "strerror", None) or type(error).__name__).strip()


def _is_empty(descriptor: int) -> bool:
    """Whether a pipe ends without a byte, for which it is waited; False where the system cannot say."""
    try:
        status = os.fstat(descriptor)
        if os.path.samestat(status, os.stat(os.devnull)) or (
            stat.S_ISREG(status.st_mode) and not status.st_size
        ):
            return True
    except OSError:
        return False
    if not hasattr(select, "poll"):
        return False
    poll = select.poll()
    poll.register(descriptor, select.POLLIN)
    try:
        return not any(happened & select.POLLIN for _, happened in poll.poll())
    except OSError:
        return False
