"""The page on own data: its code runs as it stands, in order, and says what is there."""

from __future__ import annotations

import json
import re
from pathlib import Path

import cv2
import numpy as np
import pytest

from dlatrack import paths
from dlatrack.datasets.folder import write_folder
from dlatrack.datasets.synthetic import synthetic_sequence
from dlatrack.sampling.crops import crop_511

PAGE = paths.root() / "docs" / "own_data.md"


def bgr(image: np.ndarray) -> np.ndarray:
    return cv2.cvtColor(image, cv2.COLOR_RGB2BGR)


def prepare(root: Path) -> None:
    """Everything that the page speaks of, from one synthetic sequence."""
    sequence = synthetic_sequence(0, length=8, size=(96, 80))
    write_folder(sequence, root / "clips")

    writer = cv2.VideoWriter(str(root / "walk.mp4"), cv2.VideoWriter_fourcc(*"mp4v"), 25, (96, 80))
    for image in sequence.frames:
        writer.write(bgr(image))
    writer.release()
    boxes = [",".join(f"{value:.2f}" for value in box) for box in sequence.boxes_xywh]
    (root / "walk.csv").write_text("frame,x,y,w,h\n" + "".join(f"{n},{box}\n" for n, box in enumerate(boxes)))

    for name in ("cat", "dog"):
        (root / "mine" / name).mkdir(parents=True)
        (root / "mine" / name / "boxes.csv").write_text("\n".join(boxes))
        for number, image in enumerate(sequence.frames):
            cv2.imwrite(str(root / "mine" / name / f"{number:06d}.png"), bgr(image))

    frames: dict[str, list[float]] = {"000099": [0, 5]}
    (root / "vid" / "crop511" / "a").mkdir(parents=True)
    for number in range(4):
        box = sequence.boxes_xywh[number]
        frames[f"{number:06d}"] = box[2:].tolist()
        file = root / "vid" / "crop511" / "a" / f"{number:06d}.00.x.jpg"
        cv2.imwrite(str(file), bgr(crop_511(sequence.frames[number], box)))
    (root / "vid" / "train.json").write_text(json.dumps({"a": {"00": frames}}))


@pytest.mark.slow
def test_the_code_runs_as_it_stands(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    prepare(tmp_path)
    monkeypatch.chdir(tmp_path)
    blocks = re.findall(r"```python\n(.*?)```", PAGE.read_text(), re.DOTALL)
    assert len(blocks) == 4
    assert all(len([line for line in block.splitlines() if line]) <= 10 for block in blocks)
    names: dict = {}
    printed = []
    for block in blocks:
        exec(block, names)
        printed.append(capsys.readouterr().out.strip())
    assert re.fullmatch(r"2 sequences, loss \d+\.\d+", printed[0])
    assert [sequence.name for sequence in names["sequences"]] == ["cat", "dog"]
    assert names["sequences"][1].frames[3].shape == (80, 96, 3)
    assert names["pair"].search.shape == (3, 255, 255)
    assert printed[2] == "4 crops of 1 tracks, 1 faults"
    assert printed[3] == "cup, spoon, saucer"


def test_files_that_the_page_names_exist() -> None:
    for name in re.findall(r"`(dlatrack/[\w/]+\.py)`", PAGE.read_text()):
        assert (paths.root() / name).is_file() or "NAME" in name
