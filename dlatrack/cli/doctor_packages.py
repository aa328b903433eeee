"""What `dlatrack doctor` finds out about Python, packages and programs."""

from __future__ import annotations

import platform
import shutil
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from importlib import import_module
from importlib.metadata import PackageNotFoundError, requires, version
from importlib.util import find_spec
from typing import Literal

from packaging.requirements import Requirement

from dlatrack import __version__

#: What each optional package is for, by the name it is imported by; with the extra that has it.
_OPTIONAL = {
    "onnx": ("dlatrack weights export", "onnx"),
    "onnxscript": ("dlatrack weights export", "onnx"),
    "onnxruntime": ("dlatrack weights export, and tracking with its graphs", "onnx"),
    "openvino": ("tracking with --runtime openvino", "openvino"),
    "got10k": ("our trackers inside the got10k toolkit", "got10k"),
    "trax": ("our trackers inside the VOT toolkit", "vot"),
    "tensorboard": ("dlatrack train --tensorboard", "tensorboard"),
    "playwright": ("the tests in a browser", "dev"),
    "pytest": ("the tests", "dev"),
}

_BROWSERS = ("chromium", "chromium-browser", "google-chrome")


@dataclass(frozen=True)
class Finding:
    """One line of the report."""

    what: str  #: what was looked at
    #: "missing": something optional is not there; "broken": the core of dlatrack does not work without.
    state: Literal["ok", "missing", "broken"]
    found: str  #: what there is
    advice: str = ""  #: what it is needed for and how to get it; "": all is well

    @classmethod
    def optional(cls, what: str, works: bool, found: str, advice: str) -> Finding:
        """Whether something optional works; the advice is for where it does not."""
        return cls(what, "ok", found) if works else cls(what, "missing", found, advice)


def system() -> Iterator[Finding]:
    """The version of Python."""
    new_enough = sys.version_info >= (3, 11)
    yield Finding(
        "Python",
        "ok" if new_enough else "broken",
        f"{platform.python_version()} on {platform.system()} {platform.machine()}, dlatrack {__version__}",
        "" if new_enough else "dlatrack needs Python 3.11 or newer",
    )


def packages() -> Iterator[Finding]:
    """The dependencies that the installed package declares, and the torch that its torchvision was built for."""
    for owner in ("dlatrack", "torchvision"):
        for needed in _required(owner):
            if owner == "dlatrack" or needed.name == "torch":
                yield from _package(needed, owner)


def imports() -> Iterator[Finding]:
    """Compiled packages can be installed and still not load: another CPU, a missing system library."""
    for name, module in (("torch", "torch"), ("opencv-python", "cv2")):
        try:
            import_module(module)
        except Exception as error:
            yield Finding(f"import of {name}", "broken", f"{error}", _import_advice(name, str(error)))


def extras() -> Iterator[Finding]:
    """Optional packages, a browser and a C++ compiler."""
    for name, (purpose, extra) in _OPTIONAL.items():
        works = find_spec(name) is not None
        advice = f"for {purpose}; pip install 'dlatrack[{extra}]'"
        yield Finding.optional(name, works, "installed" if works else "not installed", advice)
    for what, programs, advice in (
        ("browser", _BROWSERS, "for the tests in a browser; install Chromium with the system's packages"),
        (
            "C++ compiler",
            ("c++", "g++", "clang++"),
            "for dlatrack train --compile; install a C++ compiler with the system's packages",
        ),
    ):
        program = next(filter(None, map(shutil.which, programs)), None)
        yield Finding.optional(what, program is not None, program or "none", advice)


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


def _import_advice(name: str, error: str) -> str:
    if "cannot open shared object file" in error:
        return "install the system's package that has this library"
    return f"pip install --force-reinstall {name}"
