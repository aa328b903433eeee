"""Run commands under limits of memory: `python tests/memory_limits.py [--gigabytes 1.0 2.0] [--only train track]`.

The limit is RLIMIT_DATA, the private memory that a process may ask for, and holds for each process of a command. A
command has found something if it ends in anything but success or one line of `dlatrack:` with exit status 2, takes
longer than `SECONDS`, or harms the checkpoint that was there before. Each run is a line: its limit, time, largest
resident memory of one of its processes, and how it ended.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from tests.studies.shared_folder import DECLARATION, write_shared

#: Seconds that a command may take; `weights compare` takes the longest.
SECONDS = 600.0

LIMITS = (0.6, 1.0, 1.5, 2.0, 2.5)

#: Commands by name; {root} is a folder with the files of `prepare`, {out} one that is new for each run.
COMMANDS = {
    "train": "train dla_siamcar_small --out {out}/run --sequences 2 --epochs 1 --pairs-per-epoch 64",
    "train resumed": "train dla_siamcar_nano --out {root}/started --sequences 2 --epochs 2 --pairs-per-epoch 32",
    "train workers": "train siamcar_nano --out {out}/run --sequences 2 --epochs 1 --pairs-per-epoch 64 --workers 2",
    "train paper": "train dla_siamrpnpp --out {out}/run --sequences 2 --epochs 1 --pairs-per-epoch 120 "
    "--backbone-weights random",
    "track": "track {root}/clip.mp4 --box 30,30,30,30 --out {out}/tracked.mp4 --table {out}/t.csv",
    "track recover": "track {root}/clip.mp4 --box 30,30,30,30 --table {out}/t.csv --weights siamcar_small --recover",
    "benchmark": "benchmark folder --root {root}/otb --weights dla_nanotrack_v3 --out {out}/results",
    "benchmark workers": "benchmark folder --root {root}/otb --weights siamrpnpp_small --out {out}/r --workers 2",
    "evaluate": "evaluate folder --gt {root}/otb --results {root}/results --significance",
    "run 01": "run 01 --preset smoke --output {out}/01.ipynb",
    "run 03": "run 03 --preset smoke --output {out}/03.ipynb",
    "tune": "tune dla_nanotrack_v3 --root {root}/otb --out {out}/tuned.json --trials 2 --workers 2",
    "pack": "data pack got10k --root {root}/mini --out {out}/pack --workers 2",
    "study run": "study run {root}/tiny.toml --only siamcar_nano/dla/0",
    "figures": "figures --only fig01 --preset smoke",
    "weights compare": "weights compare --clips {root}/otb",
    "bench": "bench train --tracker siamcar_small --repeats 3",
}


class Run(NamedTuple):
    """How a command ended."""

    status: int | None  #: exit status; None: it took too long
    seconds: float  #: time that it took
    gigabytes: float  #: largest resident memory of one of its processes
    stderr: str  #: what it printed on standard error


def run(arguments: Sequence[str], folder: Path, gigabytes: float | None) -> Run:
    """Run a command in a session of its own, whose processes all end with it."""
    environment = os.environ | {
        "DLATRACK_RUNS": f"{folder}/runs",
        "DLATRACK_CACHE": f"{folder}/cache",
        "DLATRACK_FIGURES": f"{folder}/figures",
        "DLATRACK_SHARED_DATA": f"{folder.parent}/shared",
    }

    limit = (
        []
        if gigabytes is None
        else ["sh", "-c", 'ulimit -d "$0"; exec "$@"', str(int(gigabytes * 1e9 / 1024))]
    )
    start = time.monotonic()
    with (folder / "stdout").open("w") as out, (folder / "stderr").open("w") as err:
        process = subprocess.Popen(
            [*limit, sys.executable, "-m", "dlatrack", *arguments],
            env=environment,
            stdout=out,
            stderr=err,
            start_new_session=True,
        )
        late = threading.Timer(SECONDS, os.killpg, (process.pid, signal.SIGKILL))
        late.start()
        _, ended, used = os.wait4(process.pid, 0)
        in_time = late.is_alive()
        late.cancel()
    process.returncode = os.waitstatus_to_exitcode(ended)
    seconds = time.monotonic() - start
    peak = used.ru_maxrss * 1024 / 1e9
    return Run(process.returncode if in_time else None, seconds, peak, (folder / "stderr").read_text())


def verdict(status: int | None, stderr: str) -> str:
    """What a run ended in; begins with "ok" if that is as it should be."""
    if status == 0:
        return "ok"
    if status is None:
        return f"no end after {SECONDS:.0f} s"
    lines = [line for line in stderr.splitlines() if line.strip()]
    last = lines[-1] if lines else ""
    if status == 2 and last.startswith("dlatrack: ") and "Traceback" not in stderr:
        return f"ok, told: {last.removeprefix('dlatrack: ')}"
    return f"status {status}: {last}"


def prepare(root: Path) -> None:
    """Write the files that the commands read, without any limit."""
    from dlatrack.datasets.folder import write_folder
    from dlatrack.datasets.mini import write_mini
    from dlatrack.datasets.synthetic import synthetic_sequence
    from dlatrack.datasets.video.writer import record

    for number in range(3):
        write_folder(synthetic_sequence(number, 12, (320, 240)), root / "otb")
    write_mini("got10k", root / "mini", 0)
    write_shared(root / "shared")
    (root / "tiny.toml").write_text(DECLARATION)
    with record(root / "clip.mp4", 25) as recording:
        for image in synthetic_sequence(0, 12, (320, 240)).frames:
            recording.add(image)
    (root / "first").mkdir()
    for command in (
        f"benchmark folder --root {root}/otb --weights dla_nanotrack_v3 --out {root}/results",
        f"train dla_siamcar_nano --out {root}/started --sequences 2 --epochs 1 --pairs-per-epoch 32",
    ):
        ended = run(command.split(), root / "first", None)
        assert ended.status == 0, ended.stderr


def main() -> None:
    """Run the chosen commands under the chosen limits and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--gigabytes", type=float, nargs="+", default=LIMITS)
    parser.add_argument("--only", nargs="+", default=COMMANDS, choices=COMMANDS)
    chosen = parser.parse_args()
    count = bad = 0
    with tempfile.TemporaryDirectory(prefix="memory_limits_") as folder:
        root = Path(folder)
        prepare(root)
        checkpoint = root / "started" / "checkpoint.safetensors"
        for name in chosen.only:
            for gigabytes in chosen.gigabytes:
                before = hashlib.sha256(checkpoint.read_bytes()).hexdigest()
                place = Path(tempfile.mkdtemp(dir=root))
                arguments = COMMANDS[name].format(root=root, out=place).split()
                ended = run(arguments, place, gigabytes)
                found = verdict(ended.status, ended.stderr)
                if ended.status and hashlib.sha256(checkpoint.read_bytes()).hexdigest() != before:
                    found = f"checkpoint harmed; {found}"
                bad += not found.startswith("ok")
                count += 1
                used = f"{ended.seconds:6.1f} s, peak of {ended.gigabytes:.2f} GB"
                print(f"{name:18} {gigabytes:4g} GB {used}  {found[:400]}", flush=True)
    print(f"{count} runs, {bad} findings")
    sys.exit(bool(bad))


if __name__ == "__main__":
    main()
