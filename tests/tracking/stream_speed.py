"""How a stream of 1280 x 720 px at 30 frames per second is kept up with.

`python tests/tracking/stream_speed.py [SECONDS]`: FFmpeg serves a moving square in its own pace on the loopback
interface, and `dlatrack track --live` follows two targets in it and writes the table, and then table and video.
Beside what the command says of dropped frames and lag, its processor time is told, which other work on the machine
changes little.
"""

from __future__ import annotations

import os
import resource
import subprocess
import sys
import tempfile
from pathlib import Path

if __name__ == "__main__":
    sys.path[:0] = [str(Path(__file__).parents[1]), str(Path(__file__).parents[2])]

from streams import free_port, http_server, killed_at_the_end, write_clip

if __name__ == "__main__":
    seconds = int(sys.argv[1]) if len(sys.argv) > 1 else 30
    with tempfile.TemporaryDirectory() as folder:
        clip = write_clip(Path(folder) / "clip.mp4", 30 * seconds, (1280, 720))
        for out in ([], ["--out", f"{folder}/out.mp4"]):
            port = free_port()
            command = [sys.executable, "-m", "dlatrack", "track", f"http://127.0.0.1:{port}/", "--live"]
            command += ["--box", "60,40,48,48", "--box", "600,300,120,90", "--patience", "0"]
            command += out or ["--table", f"{folder}/out.csv"]
            with killed_at_the_end(http_server(clip, port, "-re")):
                before = resource.getrusage(resource.RUSAGE_CHILDREN)
                told = subprocess.run(command, capture_output=True, text=True, check=True).stdout
                after = resource.getrusage(resource.RUSAGE_CHILDREN)
            spent = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
            print("with a video" if out else "table alone", "-", told.partition("; written")[0])
            print(
                f"  {spent:.1f} s of processor time for {seconds} s of stream, start of about 3 s included;",
                end=" ",
            )
            print(f"{os.cpu_count()} processors, load {os.getloadavg()[0]:.1f}")
