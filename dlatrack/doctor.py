"""What this machine offers: what works, what is missing, what that is needed for, and how to get it."""

from __future__ import annotations

import json
import os
import platform
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from importlib import import_module
from importlib.metadata import PackageNotFoundError, requires, version
from importlib.util import find_spec
from pathlib import Path
from typing import Literal

from packaging.requirements import Requirement

from dlatrack import __version__, paths
from dlatrack.errors import InputError
from dlatrack.printing import print_line

#: What each optional package is for, by the name it is imported by; with the extra that has it.
_OPTIONAL = {
    "onnx": ("dlatrack weights export", "onnx"),
    "onnxscript": ("dlatrack weights export", "onnx"),
    "onnxruntime": ("dlatrack weights export, and tracking with its graphs", "onnx"),
    "got10k": ("our trackers inside the got10k toolkit", "got10k"),
    "trax": ("our trackers inside the VOT toolkit", "vot"),
    "tensorboard": ("dlatrack train --tensorboard", "tensorboard"),
    "playwright": ("the tests in a browser", "dev"),
    "pytest": ("the tests", "dev"),
}

_BROWSERS = ("chromium", "chromium-browser", "google-chrome")


@dataclass(frozen=True)
class Finding:
    """One line of the report.

    Args:
        what: what was looked at.
        state: "ok"; "missing": something optional is not there; "broken": the core of dlatrack does not work without.
        found: what there is.
        advice: what it is needed for and how to get it; empty if all is well.
    """

    what: str
    state: Literal["ok", "missing", "broken"]
    found: str
    advice: str = ""


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


def doctor_command(as_json: bool) -> bool:
    """Print what `examine` finds, one line for each.

    Returns:
        Whether everything that the core needs works.
    """
    findings = examine()
    if as_json:
        content = {"dlatrack": __version__, "findings": [asdict(finding) for finding in findings]}
        print(json.dumps(content, indent=2))
    else:
        for finding in findings:
            advice = f"; {finding.advice}" if finding.advice else ""
            line = f"{finding.state:8} {finding.what}: {finding.found}{advice}"
            print_line(" ".join(line.split("\n")))
    return all(finding.state != "broken" for finding in findings)


def _system() -> Iterator[Finding]:
    new_enough = sys.version_info >= (3, 11)
    yield Finding(
        "Python",
        "ok" if new_enough else "broken",
        f"{platform.python_version()} on {platform.system()} {platform.machine()}, dlatrack {__version__}",
        "" if new_enough else "dlatrack needs Python 3.11 or newer",
    )


def _packages() -> Iterator[Finding]:
    """The dependencies that the installed package declares, and the torch that its torchvision was built for."""
    for owner in ("dlatrack", "torchvision"):
        for needed in _required(owner):
            if owner == "dlatrack" or needed.name == "torch":
                yield from _package(needed, owner)


def _required(owner: str) -> Iterator[Requirement]:
    """What a package needs here, by its metadata; nothing if it is not installed."""
    try:
        texts = requires(owner) or ()
    except PackageNotFoundError:
        return
    for text in texts:
        needed = Requirement(text)
        if needed.marker is None or needed.marker.evaluate({"extra": ""}):
            yield needed


def _package(needed: Requirement, owner: str) -> Iterator[Finding]:
    """One package; for another owner than dlatrack nothing but a fault."""
    try:
        found = version(needed.name)
    except PackageNotFoundError:
        if owner == "dlatrack":
            yield Finding(needed.name, "broken", "not installed", f"pip install '{needed}'")
        return
    if not needed.specifier.contains(found, prereleases=True):
        yield Finding(needed.name, "broken", found, f"{owner} needs {needed}: pip install '{needed}'")
    elif owner == "dlatrack":
        yield Finding(needed.name, "ok", found)


def _imports() -> Iterator[Finding]:
    """Compiled packages can be installed and still not load: another CPU, a missing system library."""
    for name, module in (("torch", "torch"), ("opencv-python", "cv2")):
        try:
            import_module(module)
        except Exception as error:
            yield Finding(f"import of {name}", "broken", f"{error}", _import_advice(name, str(error)))


def _import_advice(name: str, error: str) -> str:
    if "cannot open shared object file" in error:
        return "install the system's package that has this library"
    return f"pip install --force-reinstall {name}"


def _devices() -> Iterator[Finding]:
    import torch

    from dlatrack.models.cpu_convolution import has_native_bfloat16, onednn_available

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
    from dlatrack.models.shipped import shipped
    from dlatrack.models.weights import read_weights_info

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
    from dlatrack.notebooks import kernels

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


def _extras() -> Iterator[Finding]:
    for name, (purpose, extra) in _OPTIONAL.items():
        there = find_spec(name) is not None
        advice = "" if there else f"for {purpose}; pip install 'dlatrack[{extra}]'"
        yield Finding(name, "ok" if there else "missing", "installed" if there else "not installed", advice)
    browser = next(filter(None, map(shutil.which, _BROWSERS)), None)
    advice = "" if browser else "for the tests in a browser; install Chromium with the system's packages"
    yield Finding("browser", "ok" if browser else "missing", browser or "none", advice)
    compiler = next(filter(None, map(shutil.which, ("c++", "g++", "clang++"))), None)
    advice = (
        "" if compiler else "for dlatrack train --compile; install a C++ compiler with the system's packages"
    )
    yield Finding("C++ compiler", "ok" if compiler else "missing", compiler or "none", advice)


_CHECKS: tuple[Callable[[], Iterator[Finding]], ...] = (
    _system,
    _packages,
    _imports,
    _devices,
    _video,
    _weights,
    _folders,
    _data,
    _notebooks,
    _extras,
)
