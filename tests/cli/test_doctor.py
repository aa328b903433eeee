"""The doctor: one line for everything, with advice where something is not there."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from dlatrack import cli
from dlatrack.cli import doctor_checks, doctor_memory, doctor_packages
from dlatrack.cli.doctor_checks import examine
from dlatrack.cli.doctor_packages import Finding
from dlatrack.datasets.mini import write_mini
from dlatrack.errors import InputError
from dlatrack.recipes import RECIPES


def call(monkeypatch: pytest.MonkeyPatch, *arguments: str) -> int:
    monkeypatch.setattr(sys, "argv", ["dlatrack", "doctor", *arguments])
    with pytest.raises(SystemExit) as stop:
        cli.main()
    return int(stop.value.code or 0)


def only(monkeypatch: pytest.MonkeyPatch, *checks: str) -> None:
    known = {check.__name__.strip("_"): check for check in doctor_checks._CHECKS}
    monkeypatch.setattr(doctor_checks, "_CHECKS", tuple(known[name] for name in checks))


def by_name(findings: list[Finding]) -> dict[str, Finding]:
    return {finding.what: finding for finding in findings}


def test_this_machine_is_well(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    assert call(monkeypatch, "--json") == 0
    findings = json.loads(capsys.readouterr().out)["findings"]
    assert {finding["state"] for finding in findings} <= {"ok", "missing"}
    states = {finding["what"]: finding["state"] for finding in findings}
    for name in ("Python", "torch", "torchvision", "typer", "CPU", "video", "shipped weights", "notebooks"):
        assert states[name] == "ok", name
    assert all(bool(finding["advice"]) == (finding["state"] != "ok") for finding in findings)


def test_lines_are_single_and_begin_with_the_state(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    only(monkeypatch, "system", "extras")
    assert call(monkeypatch) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith("ok       Python: 3.")
    assert len(lines) == len(examine())
    assert all(line.startswith(("ok ", "missing ")) for line in lines)


def test_what_the_core_lacks_is_broken_and_status_one(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    needed = ["numpy>=2.0", "numpy>=99", "no-such-package>=1.2", "unwanted; extra == 'dev'"]
    monkeypatch.setattr(doctor_packages, "requires", lambda _: needed)
    only(monkeypatch, "packages")
    assert call(monkeypatch) == 1
    good, old, absent = capsys.readouterr().out.splitlines()
    assert good.startswith("ok       numpy: ")
    assert old.startswith("broken   numpy: ")
    assert old.endswith("; dlatrack needs numpy>=99: pip install 'numpy>=99'")
    assert absent == "broken   no-such-package: not installed; pip install 'no-such-package>=1.2'"


def test_a_check_that_fails_does_not_stop_the_others(monkeypatch: pytest.MonkeyPatch) -> None:
    only(monkeypatch, "weights", "system")

    def unreadable(_: str) -> None:
        raise OSError("disk on fire")

    monkeypatch.setattr("dlatrack.models.weights.read_weights_info", unreadable)
    first, second = examine()
    assert (first.what, first.state, first.found) == ("weights", "broken", "OSError: disk on fire")
    assert second.what == "Python"


@pytest.mark.parametrize(
    ("error", "advice"),
    [
        (RuntimeError("Could not determine home directory."), "set HOME to a folder that you can write"),
        (FileNotFoundError(2, "No usable temporary directory found in ['/tmp']"), "the free space"),
        (PermissionError(13, "Permission denied", "/srv"), "its permissions"),
        (InputError("x.safetensors has damaged metadata"), "correct that"),
        (ImportError("libx.so"), "install dlatrack again"),
        (AttributeError("module 'torch' has no attribute 'x'"), "install dlatrack again"),
    ],
)
def test_the_advice_fits_the_fault(error: Exception, advice: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def fails() -> None:
        raise error

    monkeypatch.setattr(doctor_checks, "_CHECKS", (fails,))
    (finding,) = examine()
    assert finding.state == "broken"
    assert advice in finding.advice
    assert ("install" in finding.advice) == ("install" in advice)


@pytest.mark.parametrize(
    ("error", "found"),
    [
        (RuntimeError("Could not determine home directory."), "there is no home folder, where Jupyter keeps"),
        (
            PermissionError(13, "Permission denied", "HOME/.ipython"),
            "its files in HOME/.ipython: Permission",
        ),
    ],
)
def test_without_a_usable_home_folder_the_advice_is_to_set_it(
    error: Exception, found: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(_: object) -> None:
        raise error

    only(monkeypatch, "notebooks")
    monkeypatch.setattr("jupyter_client.kernelspec.KernelSpecManager.find_kernel_specs", refuse)
    kernel = by_name(examine())["Jupyter kernel"]
    assert kernel.state == "broken"
    assert found in kernel.found
    assert kernel.advice == "set HOME to a folder that you can write"


def test_a_torchvision_for_another_torch_is_broken(monkeypatch: pytest.MonkeyPatch) -> None:
    only(monkeypatch, "packages")
    needs = {"dlatrack": ["torch>=2"], "torchvision": ["torch==1.0", "numpy==1.0"]}
    monkeypatch.setattr(doctor_packages, "requires", needs.__getitem__)
    good, bad = examine()
    assert (good.what, good.state) == ("torch", "ok")
    assert bad.state == "broken"
    assert bad.advice == "torchvision needs torch==1.0: pip install 'torch==1.0'"


def test_a_library_that_is_not_there_is_not_sought_with_pip(monkeypatch: pytest.MonkeyPatch) -> None:
    def lacks(name: str) -> None:
        text = "libGL.so.1: cannot open shared object file" if name == "cv2" else "undefined symbol: x"
        raise ImportError(text)

    only(monkeypatch, "imports")
    monkeypatch.setattr(doctor_packages, "import_module", lacks)
    found = by_name(examine())
    assert found["import of opencv-python"].advice == "install the system's package that has this library"
    assert found["import of torch"].advice == "pip install --force-reinstall torch"


def test_the_slowest_import_is_left_out() -> None:
    """Torchvision takes as long to load as torch, and nothing that is looked at needs it."""
    script = "import sys; from dlatrack.cli import doctor_checks; doctor_checks.examine()"
    script += "; print('torchvision' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout == "False\n"


def test_a_folder_of_data_that_is_not_there_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    only(monkeypatch, "data")
    monkeypatch.setenv("DLATRACK_DATA", str(tmp_path / "none"))
    found = by_name(examine())["data sets"]
    assert found.found == f"none (DLATRACK_DATA is {tmp_path / 'none'}, which is no folder)"


def test_photographs_of_another_scikit_image_are_broken(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    only(monkeypatch, "photographs")
    (found,) = examine()
    assert (found.state, found.found[:2]) == ("ok", "12")
    monkeypatch.setattr("dlatrack.datasets.photographic.pictures.photographs_dir", lambda: tmp_path)
    (found,) = examine()
    assert found.state == "broken"
    assert str(tmp_path) in found.found
    assert "as in scikit-image 0.26.0" in found.advice


def test_an_optional_package_is_missing_with_its_purpose_and_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        doctor_packages, "find_spec", lambda name: None if name.startswith("onnx") else object()
    )
    monkeypatch.setattr(doctor_packages.shutil, "which", lambda name: None)
    only(monkeypatch, "extras")
    found = by_name(examine())
    assert found["onnxscript"] == Finding(
        "onnxscript", "missing", "not installed", "for dlatrack weights export; pip install 'dlatrack[onnx]'"
    )
    assert found["pytest"].state == "ok"
    assert found["browser"].state == found["C++ compiler"].state == "missing"


def test_data_sets_are_named_where_they_lie(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    only(monkeypatch, "data")
    monkeypatch.delenv("DLATRACK_DATA", raising=False)
    found = by_name(examine())["data sets"]
    assert (found.state, found.found) == ("missing", "none (DLATRACK_DATA is not set)")
    assert "dlatrack data mini" in found.advice
    write_mini("otb100", tmp_path)
    monkeypatch.setenv("DLATRACK_DATA", str(tmp_path))
    found = by_name(examine())["data sets"]
    assert found.state == "ok"
    assert found.found.startswith(f"otb100 in {tmp_path}")
    assert found.found.endswith(f"(looked in {tmp_path})")


def test_folders_that_cannot_be_written(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    only(monkeypatch, "folders")
    monkeypatch.setenv("DLATRACK_RUNS", str(tmp_path / "runs" / "deep"))
    assert by_name(examine())["folder of runs"].state == "ok"
    assert not (tmp_path / "runs").exists(), "nothing is made"

    def refuse(**_options):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(doctor_checks.tempfile, "TemporaryDirectory", refuse)
    found = by_name(examine())["folder of runs"]
    assert (found.state, found.found) == ("missing", str(tmp_path / "runs" / "deep"))
    assert found.advice == "not writable; set DLATRACK_RUNS to a folder that is"


def test_the_memory_of_recipes(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """No network is counted here; `tests/models/test_memory_needs.py` does."""
    monkeypatch.setattr(doctor_memory, "training_need", lambda recipe: (1e9, 1e8))
    monkeypatch.setattr(doctor_memory, "tracking_bytes", lambda recipe: 7e8)
    monkeypatch.setattr(doctor_memory, "usable_memory", lambda: 5e9)
    assert call(monkeypatch, "--memory", "--json") == 0
    content = json.loads(capsys.readouterr().out)
    needs = {need["recipe"]: need for need in content["recipes"]}
    assert set(needs) == {name for name in RECIPES if not name.startswith("dla_")}
    assert needs["siamcar_small"] == {
        "recipe": "siamcar_small",
        "batch": 32,
        "training": 4.2,
        "pairs_that_fit": 32,
        "tracking": 0.7,
    }
    assert needs["nanotrack_v3"]["pairs_that_fit"] == 40
    assert content["finding"]["state"] == "missing"
    assert "nanotrack_v3" in content["finding"]["advice"]
    assert "siamcar_small" not in content["finding"]["advice"]
    assert call(monkeypatch, "--memory") == 0
    assert "missing  memory: 5 GB for a process; too little for training siamcar, " in capsys.readouterr().out
    monkeypatch.setattr(doctor_memory, "usable_memory", lambda: 5e8)
    assert (
        "dla_nanotrack_v3, needs less)" in doctor_memory.memory_finding(doctor_memory.recipe_needs()).advice
    )
