"""Random kills of a reader of a stream and of its server: `python tests/tracking/stream_kills.py ROUNDS [SEED]`.

In each round FFmpeg serves a clip in its own pace on the loopback interface, and another process tracks it, reporting
each frame through a pipe once it counts as written. After a random number of frames and a random part of the next,
the reader, the server or both are killed by SIGKILL. A killed server may return.
"""

from __future__ import annotations

import os
import random
import select
import signal
import subprocess
import sys
import tempfile
from collections import Counter
from pathlib import Path
from typing import NamedTuple

import cv2
import pandas as pd
import psutil

if __name__ == "__main__":
    sys.path[:0] = [str(Path(__file__).parents[1]), str(Path(__file__).parents[2])]

from streams import DEADLINE, free_port, http_server, killed_at_the_end, write_clip

from dlatrack.datasets.sources import open_source
from dlatrack.studies.stream import track_stream

KINDS = ("reader", "server", "server that returns", "both")
_TARGETS = "60,40,48,48; 200,100,60,50"

#: Frames that the thread that writes the video may be behind: its queue, one in hand and one in the encoder.
_BEHIND = 10


class Round(NamedTuple):
    """What one round showed."""

    kind: str  #: one of `KINDS`
    reported: int  #: frames that the reader had reported when it ended
    rows: int  #: frames in the table
    cut: bool  #: whether the last line of the table was cut short
    missing: int  #: frames that were reported and are not in the video
    faults: list[str]  #: what must not be


def run_round(seed: int, clip: Path, folder: Path) -> Round:
    """Track, kill, and look at what is left."""
    rng = random.Random(seed)
    kind, port = KINDS[seed % len(KINDS)], free_port()
    others = set(psutil.Process().children(recursive=True))
    suffix = rng.choice([".mp4", ".mkv"])
    out = folder / f"{seed}{suffix}"
    kill_after, more = rng.randint(1, 25), rng.randint(5, 20)
    with killed_at_the_end(http_server(clip, port, "-re")) as servers:
        child = _start_reader(f"http://name:secret@127.0.0.1:{port}/", out)
        servers.append(child)
        assert child.stdout is not None
        reports = _Reports(child.stdout.fileno())
        reports.wait_for(kill_after)
        select.select([], [], [], rng.random() / 30)  # anywhere between two frames
        if kind != "reader":
            servers[0].send_signal(signal.SIGKILL)
            servers[0].wait()
        if kind == "server that returns":
            servers.append(http_server(clip, port, "-re"))
            reports.wait_for(reports.count + more)
        if kind != "server":
            child.kill()
        reports.wait_for_end()
        status = child.wait()
        child.stdout.close()
    faults = [] if kind != "server" or status == 0 else [f"the reader ended with status {status}"]
    return _judge(kind, out, reports.count, faults, others)


def _start_reader(address: str, out: Path) -> subprocess.Popen[bytes]:
    """Start a process that tracks, with a pipe on which it reports."""
    # A broken source is given up after a second, so that the round ends; a server that returns is quicker.
    patience = 1 if int(out.stem) % len(KINDS) == KINDS.index("server") else 30
    command = [sys.executable, __file__, "read", address, str(out), str(patience)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, bufsize=0)


def read(address: str, out: str, patience: str) -> int:
    """Track as the process of `_start_reader`; gives its exit status."""
    source = open_source(address, patience=float(patience))
    tracked = track_stream(source, _TARGETS, out, on_frame=lambda _: os.write(1, b".") == 1)
    ended = " broke off after " in tracked.summary or " was closed by its sender after " in tracked.summary
    return int(not ended or "secret" in tracked.summary)


class _Reports:
    """Counts frames as the reader reports them."""

    def __init__(self, pipe: int) -> None:
        self._pipe, self.count, self.ended = pipe, 0, False

    def wait_for(self, count: int) -> None:
        while self.count < count:
            self._read()
            assert not self.ended, f"the reader ended after {self.count} frames"

    def wait_for_end(self) -> None:
        while not self.ended:
            self._read()

    def _read(self) -> None:
        ready, _, _ = select.select([self._pipe], [], [], DEADLINE)
        assert ready, f"no frame within {DEADLINE:g} s"
        content = os.read(self._pipe, 4096)
        self.count += len(content)
        self.ended = not content


def _judge(kind: str, out: Path, reported: int, faults: list[str], others: set[psutil.Process]) -> Round:
    """Compare the table and the video with what was reported; `others` ran before."""
    table = out.with_suffix(".csv")
    text = table.read_text()
    whole = text[: text.rfind("\n") + 1]
    rows = pd.read_csv(table)
    frames = rows["frame"].value_counts()
    if text == whole and not ((frames == 2).all() and sorted(frames.index) == list(range(len(frames)))):
        faults.append("the table lacks rows")
    complete = Counter(int(line.split(",")[0]) for line in whole.splitlines()[1:])
    if [frame for frame in range(reported) if complete[frame] != 2]:
        faults.append(f"{reported} frames were reported, the table has {len(complete)}")
    video, count = cv2.VideoCapture(str(out)), 0
    while video.read()[0]:
        count += 1
    if count < reported - _BEHIND:
        faults.append(f"{reported} frames were reported, the video plays {count}")
    if set(psutil.Process().children(recursive=True)) - others:
        faults.append("a process is left")
    if "secret" in "".join(path.read_text("latin-1") for path in out.parent.glob(f".{out.stem}*")):
        faults.append("the password is in a file")
    return Round(kind, reported, len(frames), text != whole, max(reported - count, 0), faults)


def run_rounds(count: int, first_seed: int, folder: Path) -> list[Round]:
    """Several rounds, one after the other."""
    clip = write_clip(folder / "clip.mp4", 240)
    return [run_round(seed, clip, folder) for seed in range(first_seed, first_seed + count)]


if __name__ == "__main__" and sys.argv[1] == "read":
    sys.exit(read(*sys.argv[2:]))
if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as made:
        results = run_rounds(int(sys.argv[1]), int(sys.argv[2]) if len(sys.argv) > 2 else 0, Path(made))
    for of_kind in KINDS:
        found = [result for result in results if result.kind == of_kind]
        print(
            f"{of_kind}: {len(found)} kills, {sum(r.reported for r in found)} frames reported, "
            f"{sum(r.rows for r in found)} in tables, {sum(r.cut for r in found)} last lines cut, "
            f"at most {max((r.missing for r in found), default=0)} frames missing in a video, "
            f"faults: {[fault for r in found for fault in r.faults] or 'none'}"
        )
