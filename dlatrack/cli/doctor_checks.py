"""What `dlatrack doctor` finds: what works, what is missing, what that is needed for, and how to get it."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

from dlatrack import paths
from dlatrack.cli.doctor_packages import Finding, extras, imports, packages, system
from dlatrack.errors import InputError


def examine() -> list[Finding]:
    """Look at packages, devices, video, weights, folders, data sets, notebooks and optional parts, in this order."""
    return [finding for check in _CHECKS for finding in _found(check)]


def _found(check: Callable[[], Iterator[Finding]]) -> list[Finding]:
    """What a check finds, whole even where the check fails: the rest of the report must follow."""
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
        return "set that right, and ask again"
    if isinstance(error, RuntimeError) and "home directory" in str(error):
        return "set HOME to a folder that you can write"
    if isinstance(error, OSError):
        return (
            "the system refuses that: look at the file or folder, its permissions and the space that is left"
        )
    return "install dlatrack anew in a fresh environment"


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
        yield Finding(
            name, "ok" if there else "missing", "yes" if there else "no", "" if there else f"for {gain}"
        )
    names = [torch.cuda.get_device_name(number) for number in range(torch.cuda.device_count())]
    advice = "" if names else "for training at the paper's scale; a CUDA build of torch sees NVIDIA's GPUs"
    yield Finding("CUDA devices", "ok" if names else "missing", ", ".join(names) or "none", advice)


def _video() -> Iterator[Finding]:
    """Two frames are written and read, as no list of codecs tells what works."""
    import cv2
    import numpy as np

    with tempfile.TemporaryDirectory() as folder:
        file = str(Path(folder) / "two.mp4")
        writer = cv2.VideoWriter(file, cv2.VideoWriter.fourcc(*"mp4v"), 25, (64, 48))
        for _ in range(2):
            writer.write(np.zeros((48, 64, 3), np.uint8))
        writer.release()
        works = cv2.VideoCapture(file).read()[0]
    advice = "for videos; folders of images work. pip install opencv-python has FFmpeg inside"
    found = f"OpenCV {cv2.__version__} {'writes and reads' if works else 'cannot write and read'} MP4"
    yield Finding("video", "ok" if works else "missing", found, "" if works else advice)
    there = hasattr(cv2, "TrackerCSRT_create")
    advice = "" if there else "for dlatrack weights compare; opencv-contrib-python in place of opencv-python"
    yield Finding(
        "OpenCV's CSRT and KCF", "ok" if there else "missing", "there" if there else "not there", advice
    )


def _weights() -> Iterator[Finding]:
    """Every shipped file is whole and says which tracker it is; no network is built, which takes seconds."""
    from dlatrack.models.weights import read_weights_info, shipped

    for name in shipped():
        read_weights_info(name)
    there = bool(shipped())
    yield Finding(
        "shipped weights",
        "ok" if there else "broken",
        ", ".join(shipped()) or "none",
        "" if there else "the package is not whole; install it anew",
    )


def _folders() -> Iterator[Finding]:
    for name, folder in (
        ("RUNS", paths.runs_dir()),
        ("FIGURES", paths.figures_dir()),
        ("CACHE", paths.cache_dir()),
    ):
        nearest = next(place for place in (folder, *folder.parents) if os.path.exists(place))
        writable = os.path.isdir(nearest) and _can_make_files(nearest)
        advice = "" if writable else f"not writable; set DLATRACK_{name} to a folder that is"
        yield Finding(f"folder of {name.lower()}", "ok" if writable else "missing", str(folder), advice)


def _can_make_files(folder: Path) -> bool:
    """Try it: for the administrator, every folder looks writable."""
    try:
        with tempfile.TemporaryDirectory(dir=folder):
            return True
    except OSError:
        return False


def _data() -> Iterator[Finding]:
    from dlatrack.datasets.manifests import locate, names

    known, home = names(), paths.data_dir()
    yield Finding("manifests of data sets", "ok", ", ".join(known))
    places = {}
    for name in known if home is not None and os.path.isdir(home) else ():
        try:
            places[name] = locate(name, home or Path()).root
        except InputError:
            continue
    found = ", ".join(f"{name} in {place}" for name, place in places.items()) or "none"
    looked = "DLATRACK_DATA is not set" if home is None else f"looked in {home}"
    if home is not None and not os.path.isdir(home):
        looked = f"DLATRACK_DATA is {home}, which is no folder"
    advice = (
        ""
        if places
        else (
            "for benchmarks and training on real video; set DLATRACK_DATA or name folders with --root; "
            "dlatrack data info NAME says where to get one, dlatrack data mini makes small synthetic ones"
        )
    )
    yield Finding("data sets", "ok" if places else "missing", f"{found} ({looked})", advice)
    shared = paths.shared_data()
    advice = "" if shared else "for tests against official answers; set DLATRACK_SHARED_DATA"
    yield Finding("shared data", "ok" if shared else "missing", str(shared or "none"), advice)


def _notebooks() -> Iterator[Finding]:
    folder = paths.notebooks_dir()
    count = len(list(folder.glob("[0-9]*.ipynb")))
    advice = "" if count else "for dlatrack run; they are in the clone and not in the installed package"
    yield Finding("notebooks", "ok" if count else "missing", f"{count} in {folder}", advice)
    from dlatrack.notebooks.run import kernels

    try:
        found = kernels()
    except InputError as error:
        fault, _, advice = str(error).partition("; ")
        yield Finding("Jupyter kernel", "broken", fault, advice)
        return
    there = "python3" in found
    advice = (
        ""
        if there
        else "for running notebooks; pip install ipykernel, python -m ipykernel install --sys-prefix"
    )
    yield Finding("Jupyter kernel", "ok" if there else "missing", ", ".join(found) or "none", advice)


_CHECKS: tuple[Callable[[], Iterator[Finding]], ...] = (
    system,
    packages,
    imports,
    _devices,
    _video,
    _weights,
    _folders,
    _data,
    _notebooks,
    extras,
)
