"""Kill commands at random moments: `python tests/kill_commands.py [--kills 100] [--seed 0] [--only train track]`.

In each round a command runs in a new folder, and SIGKILL ends it or one of its processes at a moment between its
start and its usual end, or the command just before it makes, secures or moves a file. A round has found something if

- a process of the command is left five seconds later,
- an input has changed,
- a file with a final name is neither that of an undisturbed run nor whole,
- a command that lost one of its processes ends in a traceback,
- or the same command, run again, fails, gives other bytes than an undisturbed run, or leaves another file.

Files that differ between two undisturbed runs, for they hold times, need only be there and be whole. The end is a
table; the exit status is 1 if there are findings.
"""

from __future__ import annotations

import argparse
import atexit
import csv
import hashlib
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import tarfile
import tempfile
import time
import traceback
import xml.etree.ElementTree
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import NamedTuple

import numpy as np
import psutil
import safetensors
from file_server import Handler, serving
from kills import die_before_operation
from toy_result_set import served, write_toy

if __name__ == "__main__":
    sys.path[:0] = [str(Path(__file__).parents[1])]

#: Seconds in which all processes of a killed command have to end, and after which a command is taken to hang.
LEAVE, HANGS = 5.0, 300.0

#: Commands by name; {root} has the files of `prepare`, {out} is the folder of the round, {server} the address of
#: `slow_server`.
COMMANDS = {
    "train": "train siamcar_nano --out {out}/run --sequences 2 --epochs 2 --pairs-per-epoch 32",
    "train workers": "train siamcar_nano --out {out}/run --sequences 2 --epochs 2 --pairs-per-epoch 32 --workers 2",
    "mini": "data mini got10k --out {out}/mini",
    "pack": "data pack got10k --root {root}/mini --out {out}/pack --workers 2",
    "benchmark": "benchmark folder --root {root}/otb --weights dla_nanotrack_v3 --out {out}/results --workers 2",
    "tune": "tune dla_nanotrack_v3 --root {root}/otb --out {out}/tuned.json --trials 2 --workers 2",
    "track": "track {root}/clip.mp4 --box 30,30,30,30 --out {out}/tracked.mp4 --table {out}/boxes.csv",
    "run": "run 01 --preset smoke --output {out}/01.ipynb",
    "figures": "figures --only fig01 --preset smoke",
    "study": "study run {root}/tiny.toml --only siamcar_nano/dla --jobs 2",
    "fetch": "results fetch toy --out {out} --mirror {server}",
    "export": "export folder --results {root}/results --gt {root}/otb --form got10k --out {out}/exported",
    "weights import": "weights import nanotrack_v3 {root}/public.pth --out {out}/weights.safetensors",
    "weights export": "weights export dla_nanotrack_v3 --out {out}/onnx",
    "lab": "lab --html {out}/lab.html",
}

#: Commands that refuse to write over what they have finished.
ONCE = {COMMANDS["mini"]}

#: Variable by which the processes of a command are known from all others, also after their parent has ended.
_MARK = "DLATRACK_KILLS_MARK"

#: Variable with the operation before which a command kills itself, and file with the number of those it has done.
_BEFORE, _COUNT = "DLATRACK_KILLS_BEFORE", "operations"


#: What is killed: the command, one of its processes, or the command before one of its operations on files.
VICTIMS = ("command", "process", "writer")


class Undisturbed(NamedTuple):
    """What a command does when nobody kills anything."""

    seconds: float  #: usual time
    operations: int  #: number of operations on files, as `kills` counts them
    files: dict[str, str]  #: SHA-256 by path below the folder of the round
    varying: set[str]  #: paths whose content differs from run to run


class Round(NamedTuple):
    """What one kill showed."""

    victim: str  #: one of `VICTIMS`
    leaving: float  #: seconds until the last process had ended
    faults: list[str]


class Scene(NamedTuple):
    """Where the rounds take place."""

    root: Path  #: inputs
    place: Path  #: folder of the round, the same path in all rounds, for files name it
    server: str  #: address of the server of results

    def start(self, command: str, mark: str, before: int | None = None) -> subprocess.Popen[bytes]:
        """Start a command in a session of its own; what it prints goes to a file beside the folder of the round.

        Args:
            command: one of `COMMANDS`.
            mark: value of `_MARK`.
            before: operation on a file before which it kills itself; 0: none, but they are counted.
        """
        for name in ("tmp", "jupyter"):
            (self.place / name).mkdir(parents=True, exist_ok=True)
        own = {
            "DLATRACK_RUNS": "runs",
            "DLATRACK_CACHE": "cache",
            "DLATRACK_FIGURES": "figures",
            "TMPDIR": "tmp",
            "JUPYTER_RUNTIME_DIR": "jupyter",
        }
        environment = os.environ | {name: f"{self.place}/{folder}" for name, folder in own.items()}
        environment |= {"DLATRACK_SHARED_DATA": f"{self.root}/shared", _MARK: mark}
        environment["PYTHONPATH"] = str(Path(__file__).parents[1])
        arguments = command.format(root=self.root, out=self.place, server=self.server).split()
        program = ["-m", "dlatrack"]
        if before is not None or arguments[0] == "results":
            program = [__file__, "inside", str(self.root)]
            environment[_BEFORE] = str(before or 0)
        with self.place.with_name("printed").open("wb") as printed:
            return subprocess.Popen(
                [sys.executable, *program, *arguments],
                env=environment,
                stdout=printed,
                stderr=printed,
                start_new_session=True,
            )

    def printed(self) -> str:
        """What the last command has printed."""
        return self.place.with_name("printed").read_text(errors="replace")

    def operations(self) -> int:
        """Number of operations on files of the last command that counted them."""
        return int(self.root.with_name(_COUNT).read_text())

    def run(self, command: str, before: int | None = None) -> tuple[int | None, float]:
        """Run a command to its end; gives its exit status, None if it hangs, and its seconds."""
        start = time.monotonic()
        process = self.start(command, f"{os.getpid()} undisturbed", before)
        try:
            return process.wait(HANGS), time.monotonic() - start
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
            return None, HANGS

    def clear(self) -> None:
        """Empty the folder of the round."""
        shutil.rmtree(self.place, ignore_errors=True)

    def undisturbed(self, command: str) -> Undisturbed:
        """Run a command twice in an empty folder, the second time counting its operations on files."""
        found, seconds = [], 0.0
        for before in (None, 0):
            self.clear()
            status, seconds = self.run(command, before)
            assert status == 0, self.printed()
            found.append(digests(self.place))
        first, second = found
        assert set(first) == set(second), set(first) ^ set(second)
        return Undisturbed(
            seconds, self.operations(), second, {name for name in first if first[name] != second[name]}
        )


def digests(folder: Path) -> dict[str, str]:
    """SHA-256 of all files below a folder by their paths."""
    return {
        path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def run_round(scene: Scene, command: str, usual: Undisturbed, rng: random.Random, mark: str) -> Round:
    """Start a command, kill it or one of its processes, look at what is left, and run it again."""
    before = digests(scene.root)
    share, victim = rng.random(), rng.choice(VICTIMS)
    if victim == "writer" and not usual.operations:
        victim = "command"
    while True:
        scene.clear()
        number = 1 + int(share * usual.operations) if victim == "writer" else None
        process = scene.start(command, mark, number)
        try:
            status = process.wait(HANGS if number else share * usual.seconds)
        except subprocess.TimeoutExpired:
            break
        if number and status == -signal.SIGKILL:
            break
        share *= 0.8  # it was quicker than usual, or had less to write
    children = psutil.Process(process.pid).children(recursive=True) if process.poll() is None else []
    victim = "command" if victim == "process" and not children else victim
    faults = []
    if victim == "process":
        rng.choice(children).kill()
        try:
            process.wait(HANGS)
        except subprocess.TimeoutExpired:
            faults.append(f"no end {HANGS:g} s after a process was killed")
        if "Traceback" in scene.printed():
            faults.append(f"a traceback: {scene.printed()[-300:]!r}")
    process.kill()
    process.wait()
    leaving = _leaving(mark, faults)
    faults += _halves(scene.place, usual)
    finished = command in ONCE and not _differences(scene.place, usual)
    if not finished and (status := scene.run(command)[0]) != 0:
        faults.append(f"the next run ends with {status}: {scene.printed()[-300:]!r}")
    faults += _differences(scene.place, usual)
    if digests(scene.root) != before:
        faults.append("an input has changed")
    return Round(victim, leaving, [f"{fault} ({victim} killed at {share:.2f})" for fault in faults])


def _halves(place: Path, usual: Undisturbed) -> list[str]:
    """Files with final names that are neither those of an undisturbed run nor whole.

    Hidden files, and those in a folder that a hidden file marks as begun, have no final names yet.
    """
    found = digests(place)
    begun = tuple(str(Path(name).parent) for name in found if name.endswith("-begun"))
    named = [
        name
        for name, digest in found.items()
        if digest != usual.files.get(name) and not name.startswith(begun) and "/." not in f"/{name}"
    ]
    return [f"{name} is not whole: {reason}" for name in named if (reason := broken(place / name))]


def _leaving(mark: str, faults: list[str]) -> float:
    """Seconds until no process of a command is left; those that stay too long are a fault, and killed."""
    start = time.monotonic()
    while left := list(marked(mark)):
        if time.monotonic() - start > LEAVE:
            faults.append(f"left after {LEAVE:g} s: {[' '.join(process.cmdline())[:80] for process in left]}")
            for process in left:
                process.kill()
            break
        time.sleep(0.1)
    return time.monotonic() - start


def marked(mark: str) -> Iterator[psutil.Process]:
    """Running processes whose mark begins like this."""
    for process in psutil.process_iter():
        try:
            if process.environ().get(_MARK, "").startswith(mark):
                yield process
        except psutil.Error:  # it has just ended, or belongs to someone else
            continue


def _differences(place: Path, usual: Undisturbed) -> list[str]:
    """How the files of a run differ from those of an undisturbed one."""
    found = digests(place)
    faults = [f"{name} is left" for name in found.keys() - usual.files.keys()]
    faults += [f"{name} is missing" for name in usual.files.keys() - found.keys()]
    for name in found.keys() & usual.files.keys():
        if name not in usual.varying and found[name] != usual.files[name]:
            faults.append(f"{name} has other bytes")
        elif name in usual.varying and (reason := broken(place / name)):
            faults.append(f"{name} is not whole after the next run: {reason}")
    return faults


def broken(path: Path) -> str:
    """Why a file cannot be read to its end; empty if it can."""
    for suffixes, read in _READERS.items():
        if path.suffix in suffixes.split():
            try:
                if read(path) is False:
                    return "its end is missing"
            except Exception as error:  # a reader may raise anything
                return traceback.format_exception_only(error)[-1].strip()
    return ""


def _read_rows(path: Path) -> bool:
    rows = [row for row in csv.reader(path.open()) if row and not row[0].startswith("#")]
    return len({len(row) for row in rows}) == 1 and path.read_bytes().endswith(b"\n")


def _read_archive(path: Path) -> bool:
    with tarfile.open(path) as archive:
        archive.getmembers()
    return path.read_bytes().endswith(bytes(512))


def _read_graph(path: Path) -> None:
    import onnx

    onnx.checker.check_model(onnx.load(path))


def _read_video(path: Path) -> bool:
    import cv2  # after the package, which keeps it from talking

    return bool(cv2.VideoCapture(str(path)).read()[0])


def _read_picture(path: Path) -> None:
    from PIL import Image

    Image.open(path).load()


#: Functions that read files with some suffixes; they raise, or return False, if the end is missing.
_READERS: dict[str, Callable[[Path], object]] = {
    ".json .ipynb": lambda path: json.loads(path.read_bytes()),
    ".jsonl": lambda path: [json.loads(line) for line in path.read_bytes().splitlines()],
    ".csv": _read_rows,
    ".safetensors": lambda path: safetensors.deserialize(path.read_bytes()),
    ".png .jpg .webp": _read_picture,
    ".svg": xml.etree.ElementTree.parse,
    ".tar": _read_archive,
    ".mp4": _read_video,
    ".onnx": _read_graph,
    ".npy .npz": np.load,
    ".html": lambda path: path.read_bytes().rstrip().endswith(b"</html>"),
    ".txt .md": lambda path: path.read_bytes().endswith(b"\n"),
}


def prepare(root: Path) -> None:
    """Write the files that the commands read."""
    import torch

    from dlatrack.datasets.folder import write_folder
    from dlatrack.datasets.mini import write_mini
    from dlatrack.datasets.synthetic import synthetic_sequence
    from dlatrack.datasets.video.writer import record
    from dlatrack.models.siamese import build_model
    from dlatrack.recipes import recipe
    from tests.nanotrack_checkpoints import public_state
    from tests.studies.shared_folder import DECLARATION, write_shared

    for number in range(3):
        clip = synthetic_sequence(number, 12, (320, 240))
        write_folder(clip, root / "otb")
        (root / "results" / "ours").mkdir(parents=True, exist_ok=True)
        rows = "".join(",".join(map(str, box)) + "\n" for box in clip.boxes_xywh.tolist())
        (root / "results" / "ours" / f"{clip.name}.txt").write_text(rows)
    write_mini("got10k", root / "mini", 0)
    write_shared(root / "shared")
    (root / "tiny.toml").write_text(DECLARATION)
    with record(root / "clip.mp4", 25) as recording:
        for image in synthetic_sequence(0, 40, (320, 240)).frames:
            recording.add(image)
    torch.save(public_state(build_model(recipe("nanotrack_v3"))), root / "public.pth")
    write_toy(root)


@contextmanager
def slow_server() -> Iterator[str]:
    """A server of the invented results that takes a second for each file; gives its address."""

    def slowly(handler: Handler, content: bytes) -> None:
        handler.begin(200, Content_Length=len(content))
        for half in (content[:7], content[7:]):
            handler.wfile.write(half)
            time.sleep(0.4)

    with serving() as server:
        server.files, server.answers = served(), [slowly] * 100_000
        yield server.address


def inside(root: Path) -> None:
    """Run `dlatrack` where the invented results of `prepare` are known, and count its operations on files."""
    from dlatrack.cli import main as dlatrack
    from dlatrack.evaluation.result_sets import sets

    done = die_before_operation(int(os.environ.pop(_BEFORE)))
    atexit.register(lambda: root.with_name(_COUNT).write_text(str(done())))
    sets.manifests_dir = lambda: root
    dlatrack()


def main() -> None:
    """Kill the chosen commands in turn, until Ctrl-C at the latest, and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--kills", type=int, default=100)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--only", nargs="+", default=list(COMMANDS), choices=COMMANDS)
    chosen = parser.parse_args()
    results: dict[str, list[Round]] = {name: [] for name in chosen.only}
    with (
        suppress(KeyboardInterrupt),
        tempfile.TemporaryDirectory(prefix="kill_commands_") as folder,
        slow_server() as server,
    ):
        scene = Scene(Path(folder) / "inputs", Path(folder) / "place", server)
        prepare(scene.root)
        usual = {}
        for number in range(chosen.kills):
            name = chosen.only[number % len(chosen.only)]
            usual[name] = usual.get(name) or scene.undisturbed(COMMANDS[name])
            seed = f"{chosen.seed} {number}"
            found = run_round(
                scene, COMMANDS[name], usual[name], random.Random(seed), f"{os.getpid()} {seed}"
            )
            results[name].append(found)
            outcome = "; ".join(found.faults) or f"ok, all ended after {found.leaving:.1f} s"
            print(f"{number:3} {name}: {found.victim} killed, {outcome}", flush=True)
    for process in marked(f"{os.getpid()} "):  # of the round in which Ctrl-C came
        process.kill()
    for name, rounds in results.items():
        victims = Counter(found.victim for found in rounds)
        counts = ", ".join(f"{victims[kind]:2} x {kind}" for kind in VICTIMS)
        slowest = max((found.leaving for found in rounds), default=0)
        print(
            f"{name:15} {counts}; all ended after {slowest:.1f} s; "
            f"{sum(bool(found.faults) for found in rounds)} with findings"
        )
    bad = sum(bool(found.faults) for rounds in results.values() for found in rounds)
    print(f"{sum(map(len, results.values()))} kills, {bad} with findings")
    sys.exit(bool(bad))


if __name__ == "__main__" and sys.argv[1:2] == ["inside"]:
    results = Path(sys.argv[2])
    del sys.argv[1:3]
    inside(results)
elif __name__ == "__main__":
    main()
