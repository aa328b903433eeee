"""Run damaged inputs through the readers: `python tests/fuzz/fuzz_run.py --inputs 50000 [--only truth]`.

An input has found something if its reader raises anything but an InputError of one line, takes longer than ten
seconds, or needs more than 1.5 GB. Each is printed once per kind, with the number that brings it back.
"""

from __future__ import annotations

import argparse
import os
import resource
import shutil
import signal
import sys
import tempfile
import traceback
import zlib
from collections import Counter
from pathlib import Path
from random import Random
from types import FrameType
from typing import Any, NoReturn

from fuzz_readers import READERS, Reader

from dlatrack.errors import InputError

SECONDS, BYTES = 10.0, 1_500_000_000


class TooSlow(BaseException):
    """An input took longer than `SECONDS`; no reader catches this."""


def _too_slow(signum: int, frame: FrameType | None) -> None:
    raise TooSlow


def input_of(name: str, sound: Any, number: int) -> bytes:
    """Damaged input `number` of a reader."""
    return READERS[name].damage(sound, Random(zlib.crc32(f"{name} {number}".encode())))


def finding(reader: Reader, folder: Path, data: bytes) -> str:
    """What is wrong with the answer to an input: kind and place of an error; empty if nothing is.

    An input that took too long is tried again, as a busy machine may have stood still.
    """
    first = _finding(reader, folder, data)
    return _finding(reader, folder, data) if first.startswith(TooSlow.__name__) else first


def _finding(reader: Reader, folder: Path, data: bytes) -> str:
    signal.signal(signal.SIGALRM, _too_slow)
    signal.setitimer(signal.ITIMER_REAL, SECONDS)
    try:
        reader.read(folder, data)
    except InputError as error:
        lines = str(error).splitlines()
        return "" if len(lines) <= 1 else f"a message of {len(lines)} lines: {lines[0][-80:]}"
    except BaseException as error:
        if isinstance(error, KeyboardInterrupt):
            raise
        own = [step for step in traceback.extract_tb(error.__traceback__) if "/dlatrack/" in step.filename]
        place = f"{Path(own[-1].filename).name}:{own[-1].lineno} {own[-1].name}" if own else "?"
        return f"{type(error).__name__} at {place}"
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
    return ""


def fuzz(name: str, inputs: int, folder: Path, start: int = 0) -> dict[str, tuple[int, int]]:
    """Findings of a reader by kind: number of the first input, and how many there are.

    The inputs run in a child process, which is started again after an input that kills it.
    """
    folder.mkdir(parents=True)
    sound = READERS[name].prepare(folder)
    found: dict[str, tuple[int, int]] = {}
    number, end = start, start + inputs
    while number < end:
        reading, writing = os.pipe()
        child = os.fork()
        if child == 0:
            os.close(reading)
            _answer(name, sound, folder, range(number, end), writing)
        os.close(writing)
        with os.fdopen(reading) as answers:
            for line in answers:
                number = int(line.partition(" ")[0])
                _note(found, line.rstrip("\n").partition(" ")[2], number)
        status = os.waitpid(child, 0)[1]
        if status:
            _note(found, f"the process ended with {os.waitstatus_to_exitcode(status)}", number)
        number += 1
    return found


def _note(found: dict[str, tuple[int, int]], what: str, number: int) -> None:
    if what:
        first, count = found.get(what, (number, 0))
        found[what] = (first, count + 1)


def _answer(name: str, sound: Any, folder: Path, numbers: range, writing: int) -> NoReturn:
    """Read inputs in a child process: a line with the number of each before it, and one more with what was found."""
    limit_memory()
    silent = os.open(os.devnull, os.O_WRONLY)
    os.dup2(silent, 1)
    os.dup2(silent, 2)
    status = 70
    try:
        for number in numbers:
            os.write(writing, f"{number}\n".encode())
            data = input_of(name, sound, number)
            if what := finding(READERS[name], folder, data):
                os.write(writing, f"{number} {what}\n".encode("utf-8", "replace"))
        status = 0
    finally:
        os._exit(status)


def limit_memory() -> None:
    """Let this process allocate `BYTES` beyond what it has now."""
    with open("/proc/self/status") as status:
        data = next(int(line.split()[1]) * 1024 for line in status if line.startswith("VmData"))
    resource.setrlimit(resource.RLIMIT_DATA, (data + BYTES, resource.RLIM_INFINITY))


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--inputs", type=int, default=50_000)
    parser.add_argument("--start", type=int, default=0)
    parser.add_argument("--only", nargs="*", default=list(READERS), choices=list(READERS))
    chosen = parser.parse_args()
    share, total = -(-chosen.inputs // len(chosen.only)), Counter[str]()
    for name in chosen.only:
        folder = Path(tempfile.mkdtemp(prefix="dlatrack-fuzz-"))
        try:
            found = fuzz(name, share, folder / "x", chosen.start)
        finally:
            shutil.rmtree(folder)
        for what, (first, count) in sorted(found.items()):
            print(f"{name}: {count} inputs, first {first}: {what}", flush=True)
            total[name] += count
    kib = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
    print(f"{share * len(chosen.only)} inputs, {total.total()} findings, peak of {kib / 2**20:.2f} GiB")
    return min(total.total(), 1)


if __name__ == "__main__":
    sys.exit(main())
