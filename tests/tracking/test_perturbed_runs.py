"""Runs of a benchmark from perturbed first boxes: files, resuming, refusals, and what they do not depend on."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from toys import Counting, Dice, Walker

from dlatrack.datasets.sequence import Sequence
from dlatrack.datasets.synthetic import synthetic_sequences
from dlatrack.errors import InputError
from dlatrack.evaluation.results import read_result_boxes
from dlatrack.evaluation.results.trackers import find_trackers
from dlatrack.tracking.benchmark import run_benchmark
from dlatrack.tracking.perturbation import Perturbation
from dlatrack.tracking.run import run_one_pass
from dlatrack.tracking.static import StaticTracker

HALF = Perturbation.parse("half-pixel:3", 7)


@dataclass(frozen=True)
class Opened:
    """A source that is open already."""

    sequences: list[Sequence] = field(repr=False)
    name: str = "folder"
    first_pixel: int = 1

    def open(self) -> list[Sequence]:
        return self.sequences


@pytest.fixture(scope="module")
def sequences() -> list[Sequence]:
    return synthetic_sequences(3, 40, 6)


def run(make: Any, sequences: list[Sequence], out: Path, **options: Any) -> Path:
    options = {"tracker": "t", "perturbation": HALF, **options}
    return run_benchmark(make, Opened(sequences), out, **options)


def rows(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in sorted(folder.glob("*.txt"))}


def test_a_file_for_each_run_begins_with_the_box_that_started_it(
    sequences: list[Sequence], tmp_path: Path
) -> None:
    folder = run(Walker, sequences, tmp_path)
    assert [*rows(folder)] == sorted(f"{s.name}_00{n}.txt" for s in sequences for n in (1, 2, 3))
    for sequence in sequences:
        height, width = sequence.frames[0].shape[:2]
        first, _ = HALF.first_boxes(sequence.name, sequence.boxes_xywh[0], (width, height))
        for number, box in enumerate(first, 1):
            found = read_result_boxes(folder / f"{sequence.name}_00{number}.txt", len(sequence))
            assert found[0] == pytest.approx(box, abs=1e-4)
            assert found == pytest.approx(run_one_pass(Walker(), sequence, box).boxes_xywh, abs=1e-4)
        times = np.loadtxt(folder / "times" / f"{sequence.name}_time.txt", delimiter=",")
        assert times.shape == (len(sequence), 3)
    record = json.loads((folder / "run.json").read_text())
    assert record["perturbation"] == {"kind": "half-pixel", "runs": 3, "seed": 7}


@pytest.mark.parametrize("make", [Walker, Dice])
def test_order_choice_and_processes_change_nothing(
    sequences: list[Sequence], tmp_path: Path, make: Any
) -> None:
    whole = rows(run(make, sequences, tmp_path / "whole"))
    assert rows(run(make, sequences[::-1], tmp_path / "turned")) == whole
    one = rows(run(make, sequences[1:2], tmp_path / "one"))
    assert one == {name: whole[name] for name in one}
    for part in ((1, 2), (2, 2)):
        parts = run(make, sequences, tmp_path / "parts", shard=part)
    assert rows(parts) == whole
    assert (
        rows(run(make, sequences, tmp_path / "seed", perturbation=Perturbation.parse("half-pixel:3")))
        != whole
    )


@pytest.mark.slow
def test_worker_processes_write_the_same(sequences: list[Sequence], tmp_path: Path) -> None:
    whole = rows(run(Walker, sequences, tmp_path / "one"))
    assert rows(run(Walker, sequences, tmp_path / "two", workers=2)) == whole


def test_an_interrupted_run_resumes(sequences: list[Sequence], tmp_path: Path) -> None:
    folder = run(Counting, sequences, tmp_path)
    whole, started = rows(folder), Counting.started
    (folder / f"{sequences[1].name}_002.txt").unlink()
    run(Counting, sequences, tmp_path)
    assert rows(folder) == whole
    assert Counting.started == started + 3, "the runs of one sequence"


@pytest.mark.parametrize("other", [None, "half-pixel:2", "sre"])
def test_runs_of_another_kind_do_not_mix(
    sequences: list[Sequence], tmp_path: Path, other: str | None
) -> None:
    folder = run(StaticTracker, sequences[:1], tmp_path)
    before = rows(folder)
    options = {"perturbation": other and Perturbation.parse(other)}
    message = r"run\.json belongs to another run: perturbation was \{'kind': 'half-pixel', .*; choose another folder"
    with pytest.raises(InputError, match=message):
        run(StaticTracker, sequences[:1], tmp_path, **options)
    assert rows(folder) == before
    plain = run(StaticTracker, sequences[:1], tmp_path / "plain", perturbation=None)
    assert "perturbation" not in json.loads((plain / "run.json").read_text())
    with pytest.raises(InputError, match="perturbation was None and is now"):
        run(StaticTracker, sequences[:1], tmp_path / "plain")


def test_a_sequence_may_be_called_like_a_run(sequences: list[Sequence], tmp_path: Path) -> None:
    one = sequences[0]
    alike = [Sequence(name, one.frames, one.boxes_xywh, one.visible) for name in ("x", "x_001")]
    names = [sequence.name for sequence in alike]
    folder = run(Walker, alike, tmp_path)
    assert {*rows(folder)} == {f"{name}_00{number}.txt" for name in names for number in (1, 2, 3)}
    plain = run(Walker, alike, tmp_path / "plain", perturbation=None)
    part = run(Walker, alike[:1], tmp_path / "part", perturbation=Perturbation.parse("half-pixel:1"))
    for place, expected in ((folder, [3, 3]), (plain, [0, 0]), (part, [1])):
        (found,) = find_trackers(place, names)
        assert [len(found.runs.get(name, ())) for name in found.files] == expected


def test_boxes_that_leave_the_image_are_clipped_and_told_of(
    sequences: list[Sequence], tmp_path: Path
) -> None:
    inside, edge = (
        Sequence(s.name, s.frames, np.tile(box, (len(s), 1)), np.ones(len(s), bool))
        for s, box in zip(sequences, ([100.0, 100, 20, 20], [0.0, 100, 40, 20]), strict=False)
    )
    notes: list[str] = []
    folder = run(
        StaticTracker, [inside, edge], tmp_path, perturbation=Perturbation.parse("sre"), note=notes.append
    )
    assert notes == [
        f"5 of 24 perturbed first boxes leave the image and are clipped to it, in 1 of 2 sequences: {edge.name} (5)"
    ]
    assert (folder / f"{edge.name}_001.txt").read_text().startswith("1.0000,101.0000,36.0000,20.0000\n")
    run(
        StaticTracker,
        [inside],
        tmp_path / "inside",
        perturbation=Perturbation.parse("sre"),
        note=notes.append,
    )
    assert len(notes) == 1


def test_resets_have_no_perturbation(sequences: list[Sequence], tmp_path: Path) -> None:
    with pytest.raises(
        InputError, match=r"under the protocol reset \(VOT\) a tracker is restarted on true boxes"
    ):
        run(StaticTracker, sequences, tmp_path, protocol="reset")
    assert not [*tmp_path.iterdir()]
