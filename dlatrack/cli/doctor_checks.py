"""What `dlatrack doctor` looks at: what works, what is missing, what that is needed for, and how to get it."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

from dlatrack import paths
from dlatrack.cli.data import place_in
from dlatrack.cli.doctor_packages import Finding, extras, imports, packages, system
from dlatrack.errors import InputError
from dlatrack.memory import amount_of, usable_memory


def examine() -> list[Finding]:
    """Look at packages, memory, devices, video, weights, folders, data, notebooks and optional parts, in order."""
    return [finding for check in _CHECKS for finding in _found(check)]


def _found(check: Callable[[], Iterator[Finding]]) -> list[Finding]:
    """What a check finds; that it fails is a finding, too, so that the rest of the report follows."""
    findings: list[Finding] = []
    try:
        findings.extend(check())
    except Exception as error:  # a broken installation fails in any way
        name = check.__name__.strip("_")
        findings.append(Finding(name, "broken", f"{type(error).__name__}: {error}", _advice(error)))
    return findings


def _advice(error: Exception) -> str:
    """What can be done about an error that no check expects."""
    if isinstance(error, InputError):
        return "correct that, and run dlatrack doctor again"
    if isinstance(error, RuntimeError) and "home directory" in str(error):
        return "set HOME to a folder that you can write"
    if isinstance(error, OSError):
        return "the system refuses that: look at the file or folder, its permissions and the free space"
    return "install dlatrack again in a fresh environment"


def _memory() -> Iterator[Finding]:
    there = usable_memory()
    size = "not known" if there is None else f"{amount_of(there)} for a process"
    yield Finding("memory", "ok", f"{size} (dlatrack doctor --memory says what each recipe needs)")


def _devices() -> Iterator[Finding]:
    import torch

    from dlatrack.models.inference.cpu_convolution import has_native_bfloat16, onednn_available

    threads = torch.get_num_threads()
    used = f"{threads} thread{'s' * (threads != 1)} (OMP_NUM_THREADS changes that)"
    yield Finding("CPU", "ok", f"{os.cpu_count()} cores, torch uses {used}")
    for name, there, gain in (
        ("oneDNN in torch", onednn_available(), "tracking on a CPU at full speed; take torch's own wheel"),
        (
            "bfloat16 in this CPU",
            has_native_bfloat16(),
            "--fast and --precision bfloat16, which gain nothing without",
        ),
    ):
        yield Finding.optional(name, there, "yes" if there else "no", f"for {gain}")
    names = [torch.cuda.get_device_name(number) for number in range(torch.cuda.device_count())]
    advice = "for training at the paper's scale; a CUDA build of torch sees NVIDIA's GPUs"
    yield Finding.optional("CUDA devices", bool(names), ", ".join(names) or "none", advice)


def _video() -> Iterator[Finding]:
    """Two frames are written and read, as no list of codecs tells what works."""
    import cv2
    import numpy as np

    from dlatrack.datasets.video.writer import record

    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "two.mp4"
        try:
            with record(file, 25) as recording:
                for _ in range(2):
                    recording.add(np.zeros((48, 64, 3), np.uint8))
        except InputError:
            pass  # it is missing then
        capture = cv2.VideoCapture(str(file))
        works = capture.read()[0]
        code = int(capture.get(cv2.CAP_PROP_FOURCC)).to_bytes(4, "little").decode("latin-1") if works else ""
    advice = "for videos; folders of images work. pip install opencv-python has FFmpeg inside"
    found = f"OpenCV {cv2.__version__} {'writes and reads' if works else 'cannot write and read'} MP4"
    yield Finding.optional("video", works, found, advice)
    plays = code.lower() in ("h264", "avc1")
    advice = "for videos that browsers play, for addresses and pipes; pip install av"
    yield Finding.optional("H.264", plays, "written" if plays else "not written", advice)
    there = hasattr(cv2, "TrackerCSRT_create")
    advice = "for dlatrack weights compare; opencv-contrib-python in place of opencv-python"
    yield Finding.optional("OpenCV's CSRT and KCF", there, "there" if there else "not there", advice)


def _weights() -> Iterator[Finding]:
    """Every shipped file is whole and says which tracker it is; no network is built, which takes seconds."""
    from dlatrack.models.weights import read_weights_info, shipped

    names = shipped()
    for name in names:
        read_weights_info(name)
    if names:
        yield Finding("shipped weights", "ok", ", ".join(names))
    else:
        yield Finding("shipped weights", "broken", "none", "the package is not whole; install it again")


def _folders() -> Iterator[Finding]:
    for name, folder in (
        ("RUNS", paths.runs_dir()),
        ("FIGURES", paths.figures_dir()),
        ("CACHE", paths.cache_dir()),
    ):
        nearest = next(place for place in (folder, *folder.parents) if os.path.exists(place))
        writable = os.path.isdir(nearest) and _can_make_files(nearest)
        advice = f"not writable; set DLATRACK_{name} to a folder that is"
        yield Finding.optional(f"folder of {name.lower()}", writable, str(folder), advice)


def _can_make_files(folder: Path) -> bool:
    """Try it: for the administrator, every folder looks writable."""
    try:
        with tempfile.TemporaryDirectory(dir=folder):
            return True
    except OSError:
        return False


def _data() -> Iterator[Finding]:
    from dlatrack.datasets.manifests import names

    known, home = names(), paths.data_dir()
    yield Finding("manifests of data sets", "ok", ", ".join(known))
    places = []
    if home is None:
        looked = "DLATRACK_DATA is not set"
    elif os.path.isdir(home):
        looked = f"looked in {home}"
        places = [f"{name} in {place.root}" for name in known if (place := place_in(home, name)) is not None]
    else:
        looked = f"DLATRACK_DATA is {home}, which is no folder"
    advice = (
        "for benchmarks and training on real video; set DLATRACK_DATA or name folders with --root; "
        "dlatrack data info NAME says where to get one, dlatrack data mini makes small synthetic ones"
    )
    yield Finding.optional("data sets", bool(places), f"{', '.join(places) or 'none'} ({looked})", advice)
    shared = paths.shared_data()
    advice = "for tests against official answers; set DLATRACK_SHARED_DATA"
    yield Finding.optional("shared data", shared is not None, str(shared or "none"), advice)


def _broken(what: str, error: InputError) -> Finding:
    """What an error says is wrong, and after its semicolon what can be done."""
    fault, _, advice = str(error).partition("; ")
    return Finding(what, "broken", fault, advice)


def _photographs() -> Iterator[Finding]:
    from dlatrack.datasets.photographic import photographs

    try:
        found = photographs()
    except InputError as error:
        yield _broken("photographs", error)
        return
    yield Finding("photographs", "ok", f"{len(found)} of scikit-image, for videos under a simulated camera")


def _notebooks() -> Iterator[Finding]:
    count = len(paths.notebook_files())
    advice = "for dlatrack demo, run and lab; they are in the clone and in the wheel"
    yield Finding.optional("notebooks", count > 0, f"{count} in {paths.notebooks_dir()}", advice)
    from dlatrack.notebooks.run import kernels

    try:
        found = kernels()
    except InputError as error:
        yield _broken("Jupyter kernel", error)
        return
    advice = "for running notebooks; pip install ipykernel, python -m ipykernel install --sys-prefix"
    yield Finding.optional("Jupyter kernel", "python3" in found, ", ".join(found) or "none", advice)


_CHECKS: tuple[Callable[[], Iterator[Finding]], ...] = (
    system,
    packages,
    imports,
    _memory,
    _devices,
    _video,
    _weights,
    _folders,
    _data,
    _photographs,
    _notebooks,
    extras,
)
