"""Training on a mixture of one's own clips, whose targets appear later, and still pictures."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path

import cv2
import pytest

from dlatrack.cli import main
from dlatrack.datasets.folder import write_folder
from dlatrack.datasets.synthetic import synthetic_sequence
from dlatrack.recipes import Schedule, recipe
from dlatrack.sampling.mixture import Mixture
from dlatrack.sampling.training_data import open_training_data
from dlatrack.training.compute import Compute
from dlatrack.training.engine import train
from dlatrack.training.run import CHECKPOINT

SHORT = Schedule(
    epochs=1,
    pairs_per_epoch=8,
    batch=4,
    warmup_epochs=0,
    warmup_from=0.01,
    rate=0.02,
    final_rate=0.01,
    unfreeze_epoch=1,
    backbone_start="random",
)
RECIPE = replace(recipe("dla_siamcar_small"), schedule=SHORT)


@pytest.fixture(scope="module")
def places(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """A folder of two clips whose targets appear in the third frame, and one of a picture with two boxes."""
    root = tmp_path_factory.mktemp("own")
    for seed in range(2):
        clip = synthetic_sequence(seed, 5, (128, 96), challenges=())
        file = write_folder(clip, root / "clips", images="png") / "groundtruth_rect.txt"
        rows = file.read_text().splitlines()
        file.write_text("\n".join(["NaN,NaN,NaN,NaN"] * 2 + rows[2:]))
    (root / "stills").mkdir()
    cv2.imwrite(str(root / "stills" / "a.png"), synthetic_sequence(5, 1, (128, 96)).frames[0])
    (root / "stills" / "boxes.csv").write_text(
        "picture,class,x,y,w,h\na.png,cup,10,20,30,25\na.png,pen,60,5,40,60\n"
    )
    return [root / "clips", root / "stills"]


@pytest.fixture(scope="module")
def crops(places: list[Path]) -> Mixture:
    opened = open_training_data(places)
    assert isinstance(opened, Mixture)
    return opened


def test_a_stopped_run_resumes_to_the_same_bits(crops: Mixture, places: list[Path], tmp_path: Path) -> None:
    whole = train(RECIPE, crops, tmp_path / "whole", seed=5)
    assert [step.step for step in whole.steps] == [0, 1]
    assert {crops.set_of_pair(5, 0, index) for index in range(8)} == {0, 1}, "pairs of both"
    stopped = train(RECIPE, crops, tmp_path / "stopped", seed=5, should_stop=lambda: True)
    assert stopped.stopped
    assert len(stopped.steps) == 1
    compute = Compute(workers=1)
    again = train(RECIPE, open_training_data(places), tmp_path / "stopped", seed=5, compute=compute)
    assert not again.stopped
    files = [tmp_path / folder / CHECKPOINT for folder in ("whole", "stopped")]
    assert files[0].read_bytes() == files[1].read_bytes()


def dlatrack(monkeypatch: pytest.MonkeyPatch, *arguments: object) -> int:
    """Run the command line and return its exit status."""
    monkeypatch.setattr(sys, "argv", ["dlatrack", *map(str, arguments)])
    with pytest.raises(SystemExit) as ended:
        main()
    return int(ended.value.code or 0)


def test_the_command_tells_what_it_trains_on(
    places: list[Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    data = [word for place in places for word in ("--data", place)]
    size = ("--epochs", 1, "--pairs-per-epoch", 4, "--batch", 4, "--backbone-weights", "random")
    run = ("train", "dla_siamcar_small", *data, *size, "--out")
    assert dlatrack(monkeypatch, *run, tmp_path / "run", "--shares", "3, 1") == 0
    printed = capsys.readouterr().out
    assert "clips: 75.0 % of the pairs from 6 crops of 2 targets\n" in printed
    assert "stills: 25.0 % of the pairs from 2 crops of 2 targets\n" in printed
    assert (tmp_path / "run" / "dla_siamcar_small.safetensors").exists()
    for shares, message in (
        ("1_0,1", "'1_0' is not a finite number"),
        ("1", "shares 1 do not fit"),
        ("1,", "''"),
    ):
        assert dlatrack(monkeypatch, *run, tmp_path / "other", "--shares", shares) == 2
        assert message in capsys.readouterr().err
    assert dlatrack(monkeypatch, *run, tmp_path / "run", "--shares", "1,3") == 2, "another run"
    assert "belongs to another run: " in (error := capsys.readouterr().err)
    assert "the first change: shares of the sets; choose another folder" in error
    arguments = ("train", "dla_siamcar_small", "--out", tmp_path / "none", "--shares", "1")
    assert dlatrack(monkeypatch, *arguments) == 2
    assert "--shares are for --data, of which there is none" in capsys.readouterr().err
