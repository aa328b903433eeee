"""Sources of video without a known end: cameras, addresses and pipes."""

from __future__ import annotations

import re
import threading
import time
import zlib
from collections.abc import Callable, Iterator
from concurrent.futures import Future, wait
from urllib.parse import urlsplit

import numpy as np

from dlatrack.datasets.video.capture import check_same_size
from dlatrack.datasets.video.connection import BrokenError, CameraConnection, Connection, EncodedConnection
from dlatrack.errors import InputError, counted, without_secrets

#: Seconds for a source to show its first frame; with the start of the program, about 1.5 s, they stay below the 5 s
#: in which an error is promised.
ANSWER = 3.0

#: Seconds without data after which a source that has shown frames is broken.
SILENCE = 4.0

#: Seconds before the first attempt to reach a source again; the pause doubles with each, up to the longest.
FIRST_PAUSE = 0.5
LONGEST_PAUSE = 8.0

#: Seconds of attempts to reach a source again.
PATIENCE = 60.0

#: Beginnings of addresses that are read.
SCHEMES = ("rtsp", "rtsps", "http", "https")

_POLL = 0.1  # seconds between looks at whether the user wants to stop

#: A connection, the rest of its frames and the first one.
Opened = tuple[Connection, Iterator[np.ndarray], np.ndarray]


class LiveSource:
    """Frames of a source that may go on for ever, decoded as they come.

    The first frame is decoded when the source is made. A source that breaks off is connected again, after pauses of
    0.5, 1, 2, 4, 8, 8, ... seconds, until `patience` is over; frames are counted on. So is one that its sender
    closes, as at a restart, unless it has sent the same frames in two connections: it is a recording or a picture.

    Args:
        connect: function that connects and returns the connection.
        name: name for titles, without any secret.
        shown: the source as messages name it, without any secret.
        answer: seconds to wait for the first frame; None: as long as it takes.
        patience: seconds of attempts to connect again after a break; 0: none.
        stopped: function that says whether to stop waiting.

    Attributes:
        name: name for titles.
        fps: frames per second, nominally; 30 where the source does not say.
        expected: None, as nobody knows the number of frames.
        live: True; see `datasets.sources.Source`.
        breaks: number of breaks after which the source came back.
        note: why the frames ended, if the source did not say so itself; "" otherwise.

    Raises:
        InputError: in one line, if no frame comes.
        KeyboardInterrupt: if `stopped` says so meanwhile.
    """

    live = True
    expected = None

    def __init__(
        self,
        connect: Callable[[], Connection],
        name: str,
        shown: str,
        *,
        answer: float | None = ANSWER,
        patience: float = PATIENCE,
        stopped: Callable[[], object] = lambda: False,
    ) -> None:
        if not 0 <= patience < float("inf"):
            raise InputError(f"patience must be 0 or more seconds, got {patience:g}")
        self.name, self._shown = name, shown
        self._connect, self._patience = connect, patience
        self._closed = threading.Event()
        self._begun = threading.Lock()  # held from the iteration on, which then closes the connection
        self.breaks, self.note = 0, ""
        self._sent = self._sent_before = (0, 0)  # number and checksum of the frames of two connections
        try:
            self._connection, self._images, self._first = _in_time(self._open, answer, stopped)
        except BrokenError as error:
            raise InputError(f"{shown} cannot be read: {error}") from None
        self.fps = self._connection.fps

    def first(self) -> np.ndarray:
        """The first frame, (H, W, 3) uint8 RGB."""
        return self._first

    def close(self) -> None:
        """Ask the iteration to end; a connection ends with its next frame or when its data fails to come.

        Without an iteration the connection is closed at once.
        """
        self._closed.set()
        if self._begun.acquire(blocking=False):
            self._connection.close()

    def __iter__(self) -> Iterator[np.ndarray]:
        """The frames from the first on, (H, W, 3) uint8 RGB, all of one size; once.

        Raises:
            InputError: if the size changes, naming the frame.
        """
        if not self._begun.acquire(blocking=False):
            return  # it has been closed
        size = (self._first.shape[1], self._first.shape[0])
        image, frame = self._first, 0
        try:
            while not self._closed.is_set():
                check_same_size(f"{self._shown} frame {frame}", (image.shape[1], image.shape[0]), size)
                yield image
                following = self._next(frame + 1)
                if following is None:
                    return
                image, frame = following, frame + 1
        finally:
            self._connection.close()

    def _next(self, done: int) -> np.ndarray | None:
        """The next frame, after connecting again if need be; None at the end, with `done` frames."""
        after = f"after {counted(done, 'frame')}"
        try:
            if (image := next(self._images, None)) is not None:
                self._note_sent(image)
                return image
            if self._connection.ends:
                return None
            ended = f"{self._shown} was closed by its sender {after}"
            if self._sent == self._sent_before:
                self.note = f"{ended}, having sent the same {counted(self._sent[0], 'frame')} twice"
                return None
            self._sent_before = self._sent
        except BrokenError as error:
            ended = f"{self._shown} broke off {after} ({error})"
            self._sent_before = (0, 0)
        if not self._connection.ends and (image := self._again()) is not None:
            self.breaks += 1
            return image
        if not self._closed.is_set():
            whole = "" if self._connection.ends else f" and did not come back within {self._patience:g} s"
            self.note = f"{ended}{whole}"
        return None

    def _note_sent(self, image: np.ndarray) -> None:
        """Count a frame of this connection, and add a part of its pixels to the checksum."""
        count, checksum = self._sent
        self._sent = count + 1, zlib.crc32(image[::16, ::16].tobytes(), checksum)

    def _again(self) -> np.ndarray | None:
        """Connect again; the first frame of the new connection, None if there is none within the patience."""
        self._connection.close()
        until, pause = time.monotonic() + self._patience, FIRST_PAUSE
        while (left := until - time.monotonic()) > 0 and not self._closed.wait(min(pause, left)):
            try:
                self._connection, self._images, image = self._open()
            except BrokenError:
                pause = min(2 * pause, LONGEST_PAUSE)
            else:
                return image
        return None

    def _open(self) -> Opened:
        """Connect, and decode a frame."""
        connection = self._connect()
        images = connection.images()
        try:
            image = next(images, None)
            if image is None:
                raise BrokenError("no frame in it can be decoded")
        except BrokenError:
            connection.close()
            raise
        self._sent = (0, 0)
        self._note_sent(image)
        return connection, images, image


class CameraSource(LiveSource):
    """A camera of this computer; arguments as in `LiveSource`.

    Args:
        number: number of the camera, from 0.
        patience: seconds of attempts to connect again after a break.
        stopped: function that says whether to stop waiting.
    """

    def __init__(
        self, number: int, *, patience: float = PATIENCE, stopped: Callable[[], object] = lambda: False
    ) -> None:
        name = f"camera {number}"
        super().__init__(lambda: CameraConnection(number), name, name, patience=patience, stopped=stopped)


class AddressSource(LiveSource):
    """A video at an address; arguments as in `LiveSource`.

    Args:
        address: address that begins with rtsp://, rtsps://, http:// or https://; a name and password before an @
            are used, and never shown.
        patience: seconds of attempts to connect again after a break.
        stopped: function that says whether to stop waiting.

    Raises:
        InputError: for another address, or as `LiveSource`.
    """

    def __init__(
        self, address: str, *, patience: float = PATIENCE, stopped: Callable[[], object] = lambda: False
    ) -> None:
        address = address.strip()
        shown = without_secrets(address)
        try:
            parts = urlsplit(address)
            sound = parts.scheme.lower() in SCHEMES and bool(parts.hostname) and parts.port != 0
        except ValueError:
            sound = False
        hint = _encoding_hint(address)
        if not sound:
            known = ", ".join(f"{scheme}://" for scheme in SCHEMES)
            raise InputError(
                f"{shown} is no address of a video; one begins with {known} and the name of a host{hint}"
            )
        try:
            super().__init__(
                lambda: EncodedConnection(address, (ANSWER, SILENCE)),
                shown.partition("://")[2].rpartition("@")[2],
                shown,
                patience=patience,
                stopped=stopped,
            )
        except InputError as error:
            raise InputError(f"{error}{hint}") from None


class PipeSource(LiveSource):
    """An encoded video from a pipe, e.g. `ffmpeg ... -f matroska -`; it ends with the pipe.

    Args:
        descriptor: number of the file descriptor; 0: standard input.
        stopped: function that says whether to stop waiting; the first frame may take as long as the sender needs.
    """

    def __init__(self, descriptor: int = 0, *, stopped: Callable[[], object] = lambda: False) -> None:
        super().__init__(
            lambda: EncodedConnection(f"pipe:{descriptor}", None),
            "pipe",
            "the pipe",
            answer=None,
            patience=0,
            stopped=stopped,
        )


def _encoding_hint(address: str) -> str:
    """What to do about a name or password with characters that mean something in an address; "" without any."""
    secret, at, _ = address.partition("://")[2].rpartition("@")
    if at and re.search(r"[@/?#\s]|%(?![0-9A-Fa-f]{2})", secret):
        return (
            "; special characters in a name or password must be percent-encoded: %40 for @, %2F for /, %23 for #, "
            "%3F for ?, %25 for %"
        )
    return ""


def _in_time(make: Callable[[], Opened], seconds: float | None, stopped: Callable[[], object]) -> Opened:
    """Open a source in a thread of its own, since resolving a name or opening a camera cannot be interrupted.

    Raises:
        BrokenError: if it takes longer than `seconds`, or as `make`.
        KeyboardInterrupt: once `stopped` says so.
    """
    future: Future[Opened] = Future()

    def run() -> None:
        try:
            future.set_result(make())
        except Exception as error:  # raised in the thread that waits
            future.set_exception(error)

    threading.Thread(target=run, name="dlatrack connecting", daemon=True).start()
    until = float("inf") if seconds is None else time.monotonic() + seconds
    while not wait([future], _POLL).done:
        late = time.monotonic() > until
        if late or stopped():
            future.add_done_callback(lambda done: None if done.exception() else done.result()[0].close())
            raise BrokenError(f"no frame within {seconds:g} s") if late else KeyboardInterrupt
    return future.result()
