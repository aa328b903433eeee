from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from itertools import chain
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from kills import die_before_operation
from toys import Counting, Dice, Walker

from dlatrack.datasets.folder import write_folder
from dlatrack.datasets.mini import write_mini
from dlatrack.datasets.sequence import Sequence
from dlatrack.errors import InputError
from dlatrack.evaluation.vot.results import read_vot_run
from dlatrack.tracking.benchmark import DataSetSource, run_benchmark
from dlatrack.tracking.job import SequenceSource
from dlatrack.tracking.static import StaticTracker
from dlatrack.tracking.timing import RunTimes

KILLS = 50
PROTOCOLS: dict[str, dict[str, Any]] = {"otb100": {}, "vot2019": {"protocol": "reset"}}

each_protocol = pytest.mark.parametrize("name", PROTOCOLS)


@dataclass(frozen=True)
class Opened:
    """A source that is open already, for forked processes."""

    name: str
    first_pixel: int
    sequences: list[Sequence] = field(repr=False)

    def open(self) -> list[Sequence]:
        return self.sequences


@pytest.fixture(scope="module")
def minis(tmp_path_factory: pytest.TempPathFactory) -> dict[str, DataSetSource]:
    folder = tmp_path_factory.mktemp("minis")
    names = ("otb100", "uav123", "lasot_test", "vot2019")
    return {name: DataSetSource(name, write_mini(name, folder)) for name in names}


def results(folder: Path) -> dict[str, bytes]:
    """All files but the times; what a killed process has left is among them."""
    files = {path.relative_to(folder).as_posix(): path for path in folder.rglob("*") if path.is_file()}
    return {name: path.read_bytes() for name, path in files.items() if not name.startswith("times/")}


def files_of(names: Iterable[str], pattern: str = "{0}.txt") -> set[str]:
    """What a run writes for sequences, but for times."""
    sequences = [(pattern.format(name), f"content/{name}.json") for name in names]
    return {"run.json", *chain.from_iterable(sequences)}


def run(make: Callable[[], Any], source: SequenceSource, out: Path, **options: Any) -> Path:
    return run_benchmark(make, source, out, **{"tracker": "walker", **options})


@pytest.mark.parametrize(
    ("name", "sequence", "annotation"),
    [
        ("otb100", "Basketball", "Basketball/groundtruth_rect.txt"),
        ("uav123", "bike1", "anno/UAV123/bike1.txt"),
        ("lasot_test", "cat-1", "cat/cat-1/groundtruth.txt"),
    ],
)
def test_boxes_are_written_in_the_coordinates_of_the_annotation(
    minis: dict[str, DataSetSource], tmp_path: Path, name: str, sequence: str, annotation: str
) -> None:
    """OTB and UAV123 count pixels from 1, LaSOT is taken as it is: the first row is that of the annotation."""
    source = minis[name]
    folder = run(StaticTracker, source, tmp_path)
    assert folder == tmp_path / "walker"
    assert {*results(folder)} == files_of(s.name for s in source.open())
    truth = (source.root / annotation).read_text().splitlines()
    row = ",".join(f"{float(value):.4f}" for value in truth[0].split(","))
    assert (folder / f"{sequence}.txt").read_text() == f"{row}\n" * len(truth)


def test_folders_in_the_layout_of_otb(tmp_path: Path) -> None:
    images = np.random.default_rng(0).integers(0, 256, (3, 60, 80, 3), np.uint8)
    for name in ("dog", "Walk-2"):
        boxes = np.tile([10.25, 20, 30, 25], (3, 1))
        write_folder(Sequence(name, images, boxes, np.ones(3, bool)), tmp_path / "clips")
    source = DataSetSource("folder", tmp_path / "clips")
    folder = run(StaticTracker, source, tmp_path / "out")
    assert {*results(folder)} == files_of(("dog", "Walk-2"))
    assert (folder / "dog.txt").read_text() == "11.2500,21.0000,30.0000,25.0000\n" * 3


def test_reset_results_are_in_the_form_of_vot(minis: dict[str, DataSetSource], tmp_path: Path) -> None:
    source = minis["vot2019"]
    folder = run(Walker, source, tmp_path, protocol="reset")
    sequences = source.open()
    assert {*results(folder)} == files_of((s.name for s in sequences), "baseline/{0}/{0}_001.txt")
    codes = [read_vot_run(folder / f"baseline/{s.name}/{s.name}_001.txt", len(s)).codes for s in sequences]
    assert {*np.concatenate(codes).tolist()} == {1, 2, 0, -1}


def test_resets_count_pixels_as_the_annotation_does(minis: dict[str, DataSetSource], tmp_path: Path) -> None:
    source = minis["otb100"]
    (sequence,) = (sequence for sequence in source.open() if sequence.name == "Basketball")
    folder = run(StaticTracker, source, tmp_path, protocol="reset")
    answered = read_vot_run(folder / "baseline" / "Basketball" / "Basketball_001.txt", len(sequence))
    assert answered.codes[1] == -1
    assert answered.regions[1, :4].tolist() == (sequence.boxes_xywh[0] + [1, 1, 0, 0]).tolist()


def test_run_json_says_what_made_the_results(minis: dict[str, DataSetSource], tmp_path: Path) -> None:
    settings = {"hyper": "VOT2019", "rates": (0.1, 0.2)}
    folder = run(
        Walker, minis["vot2019"], tmp_path, protocol="reset", weights_sha256="ab12", settings=settings
    )
    record = json.loads((folder / "run.json").read_text())
    assert {*record.pop("versions")} == {"dlatrack", "numpy", "torch"}
    assert record == {
        "benchmark": "vot2019",
        "first_pixel": 0,
        "tracker": "walker",
        "weights_sha256": "ab12",
        "settings": {"hyper": "VOT2019", "rates": [0.1, 0.2]},
        "protocol": "reset",
    }


@each_protocol
def test_times_tell_the_stages_apart(minis: dict[str, DataSetSource], tmp_path: Path, name: str) -> None:
    heard: dict[str, RunTimes] = {}
    folder = run(Walker, minis[name], tmp_path, on_sequence=heard.__setitem__, **PROTOCOLS[name])
    sequences = {sequence.name: len(sequence) for sequence in minis[name].open()}
    assert list(heard) == sorted(sequences, key=lambda key: -sequences[key])
    for sequence, count in sequences.items():
        seconds = np.loadtxt(folder / "times" / f"{sequence}_time.txt")
        stages = heard[sequence]
        assert seconds.shape == (count,)
        assert stages.frames == np.isfinite(seconds).sum()
        assert stages.init_seconds + stages.update_seconds == pytest.approx(np.nansum(seconds), abs=1e-6)
        assert stages.init_seconds >= seconds[0] - 1e-8
        assert stages.read_seconds > 0
    summary = json.loads((folder / "times" / "summary.json").read_text())
    total = sum(heard.values(), RunTimes())
    assert (summary["sequences"], summary["frames"]) == (len(sequences), total.frames)
    assert summary["starts"] == total.starts
    assert (total.starts > len(sequences)) == (name == "vot2019")
    assert summary["frames_per_second"] == pytest.approx(
        total.frames / (total.init_seconds + total.update_seconds)
    )


@each_protocol
def test_what_is_done_is_not_done_again(minis: dict[str, DataSetSource], tmp_path: Path, name: str) -> None:
    folder = run(Counting, minis[name], tmp_path, **PROTOCOLS[name])
    whole, stamps = results(folder), {path: path.stat().st_mtime_ns for path in folder.rglob("*.txt")}
    made, started = Counting.made, Counting.started
    run(Counting, minis[name], tmp_path, **PROTOCOLS[name])
    assert (Counting.made, Counting.started) == (made, started)
    missing, cut, odd = sorted(path for path in stamps if path.parent.name != "times")[:3]
    missing.unlink()
    cut.write_text("".join(cut.read_text().splitlines(keepends=True)[:-1]))
    odd.write_text(odd.read_text().replace(",", ",x", 1))
    run(Counting, minis[name], tmp_path, **PROTOCOLS[name])
    assert (Counting.made, Counting.started) == (made + 1, started + 3)
    assert results(folder) == whole
    kept = [path for path in stamps if path.parent.name != "times" and path not in (missing, cut, odd)]
    assert all(path.stat().st_mtime_ns == stamps[path] for path in kept)


def test_what_a_killed_process_left_is_swept(minis: dict[str, DataSetSource], tmp_path: Path) -> None:
    folder = tmp_path / "walker"
    (folder / "times").mkdir(parents=True)
    left = [folder / ".Board-ab_12xyz.txt", folder / "times" / ".Board_time-ab_12xyz.txt"]
    foreign = [folder / ".Board-2-ab_12xyz.txt", folder / ".Board-notes.txt"]
    for path in (*left, *foreign):
        path.write_text("1,2,")
    run(Walker, minis["otb100"], tmp_path)
    assert not any(path.exists() for path in left)
    assert all(path.exists() for path in foreign)


@each_protocol
def test_results_of_something_else_are_not_mixed(
    minis: dict[str, DataSetSource], tmp_path: Path, name: str
) -> None:
    run(Walker, minis[name], tmp_path, settings={"rate": 0.1}, **PROTOCOLS[name])
    changed = {"settings": {"rate": 0.2}, "weights_sha256": "ab", **PROTOCOLS[name]}
    message = (
        r"walker/run\.json belongs to another run: weights_sha256 was None and is now 'ab'; "
        r"settings was \{'rate': 0\.1\} and is now \{'rate': 0\.2\}; choose another folder"
    )
    with pytest.raises(InputError, match=message):
        run(Walker, minis[name], tmp_path, **changed)
    with pytest.raises(InputError, match=rf"benchmark was '{name}' and is now 'uav123'"):
        run(Walker, minis["uav123"], tmp_path, settings={"rate": 0.1}, **PROTOCOLS[name])


def write_clips(root: Path, *names: str, seed: int = 0, shift: float = 0) -> DataSetSource:
    """Clips, by default dog and walk, whose lengths are always the same."""
    for name in names or ("dog", "walk"):
        images = np.random.default_rng([seed, *name.encode()]).integers(0, 256, (4, 48, 64, 3), np.uint8)
        boxes = np.tile([10.25 + shift, 20, 30, 25], (4, 1))
        write_folder(Sequence(name, images, boxes, np.ones(4, bool)), root, "png")
    return DataSetSource("folder", root)


def change_a_byte(image: Path) -> None:
    data = bytearray(image.read_bytes())
    data[len(data) // 2] ^= 1
    image.write_bytes(data)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (
            {"seed": 1, "shift": 2},
            r"the boxes and images of sequence dog have changed .* \(also walk\); choose",
        ),
        ({"seed": 1}, r"the images of sequence dog have changed since its results were made \(also walk\)"),
        ({"shift": 0.5}, r"out/walker belongs to another run: the boxes of sequence dog have changed"),
    ],
)
def test_results_of_other_clips_of_the_same_names_are_not_taken(
    tmp_path: Path, changes: dict[str, Any], message: str
) -> None:
    folder = run(StaticTracker, write_clips(tmp_path / "clips"), tmp_path / "out")
    before = results(folder)
    other = write_clips(tmp_path / "others", **changes)
    with pytest.raises(InputError, match=message):
        run(StaticTracker, other, tmp_path / "out")
    assert results(folder) == before


def test_the_sequence_whose_images_have_changed_is_named(tmp_path: Path) -> None:
    source = write_clips(tmp_path / "clips")
    run(StaticTracker, source, tmp_path / "out")
    change_a_byte(tmp_path / "clips" / "walk" / "img" / "0003.png")
    with pytest.raises(InputError, match=r"the images of sequence walk have changed since .* made; choose"):
        run(StaticTracker, source, tmp_path / "out")


def test_clips_are_added_and_removed(tmp_path: Path) -> None:
    """The new clip alone is tracked; results of one that is gone stay, and are taken when it comes back as it was."""
    source = write_clips(tmp_path / "clips", "dog", "walk")
    heard: list[str] = []
    folder = run(StaticTracker, source, tmp_path / "out")
    kept = results(folder)
    write_clips(tmp_path / "clips", "cat")
    shutil.move(tmp_path / "clips" / "walk", tmp_path / "walk")
    run(StaticTracker, source, tmp_path / "out", on_sequence=lambda name, _: heard.append(name))
    assert heard == ["cat"]
    assert {*results(folder)} == files_of(("cat", "dog", "walk"))
    assert results(folder).items() >= kept.items()
    assert json.loads((folder / "times" / "summary.json").read_text())["sequences"] == 2
    shutil.move(tmp_path / "walk", tmp_path / "clips" / "walk")
    run(StaticTracker, source, tmp_path / "out", on_sequence=lambda name, _: heard.append(name))
    assert heard == ["cat"]
    write_clips(tmp_path / "clips", "walk", shift=1)
    with pytest.raises(InputError, match="the boxes of sequence walk have changed"):
        run(StaticTracker, source, tmp_path / "out")


def test_a_sequence_that_was_missing_is_added_to_a_benchmark(tmp_path: Path) -> None:
    root = write_mini("otb100", tmp_path)
    source, heard = DataSetSource("otb100", root, allow_missing=True), list[str]()
    shutil.move(root / "Basketball", tmp_path / "Basketball")
    run(StaticTracker, source, tmp_path / "out")
    shutil.move(tmp_path / "Basketball", root / "Basketball")
    again = run(StaticTracker, source, tmp_path / "out", on_sequence=lambda name, _: heard.append(name))
    assert heard == ["Basketball"]
    assert results(again) == results(run(StaticTracker, source, tmp_path / "whole"))


def test_each_part_says_of_its_own_sequences_what_they_are(tmp_path: Path) -> None:
    source = write_clips(tmp_path / "clips")
    folder = run(StaticTracker, source, tmp_path / "out", shard=(2, 2))
    assert {*results(folder)} == files_of(["walk"])
    change_a_byte(tmp_path / "clips" / "walk" / "img" / "0001.png")
    run(StaticTracker, source, tmp_path / "out", shard=(1, 2))
    with pytest.raises(InputError, match="the images of sequence walk have changed"):
        run(StaticTracker, source, tmp_path / "out")


def test_a_copy_of_the_clips_goes_on(tmp_path: Path) -> None:
    write_clips(tmp_path / "clips")
    run(Counting, DataSetSource("folder", tmp_path / "clips"), tmp_path / "out", shard=(1, 2))
    copy = shutil.copytree(tmp_path / "clips", tmp_path / "copy", copy_function=shutil.copyfile)
    started = Counting.started
    run(Counting, DataSetSource("folder", copy), tmp_path / "out")
    assert Counting.started == started + 1


@pytest.mark.parametrize("name", PROTOCOLS)
def test_results_of_an_earlier_version_are_not_taken(
    minis: dict[str, DataSetSource], tmp_path: Path, name: str
) -> None:
    folder = run(StaticTracker, minis[name], tmp_path, **PROTOCOLS[name])
    shutil.rmtree(folder / "content")
    before = results(folder)
    with pytest.raises(
        InputError,
        match=r"has results of sequence \S+ \(also .*\.json does not record their boxes and images",
    ):
        run(StaticTracker, minis[name], tmp_path, **PROTOCOLS[name])
    assert results(folder) == before


@pytest.mark.parametrize("shard", [(1, 1), (2, 2)])
def test_two_runs_do_not_write_to_one_folder(tmp_path: Path, shard: tuple[int, int]) -> None:
    source = write_clips(tmp_path / "clips")

    def again(_name: str, _stages: RunTimes) -> None:
        with ThreadPoolExecutor(1) as pool:
            part = pool.submit(run, Walker, source, tmp_path / "out", shard=(1, 2))
            if shard == (2, 2):
                part.result()
            else:
                with pytest.raises(InputError, match=r"out/walker is being written by another run \(process"):
                    part.result()

    run(Walker, source, tmp_path / "out", shard=shard, on_sequence=again)
    assert {*results(tmp_path / "out" / "walker")} == files_of(("dog", "walk"))


@each_protocol
@pytest.mark.parametrize("together", [True, False])
def test_shards_merge_to_the_run_without_shards(
    minis: dict[str, DataSetSource], tmp_path: Path, name: str, together: bool
) -> None:
    whole = run(Walker, minis[name], tmp_path / "whole", **PROTOCOLS[name])
    merged, heard = tmp_path / "merged" / "walker", []
    for part in (2, 3, 1):
        out = tmp_path / ("merged" if together else f"part{part}")
        folder = run(
            Walker,
            minis[name],
            out,
            shard=(part, 3),
            on_sequence=lambda sequence, _: heard.append(sequence),
            **PROTOCOLS[name],
        )
        assert (folder / "times" / f"summary_{part}of3.json").is_file()
        if not together:
            shutil.copytree(folder, merged, dirs_exist_ok=True)
    assert results(merged) == results(whole)
    assert sorted(heard) == sorted(sequence.name for sequence in minis[name].open())
    stages = {path.name for path in (whole / "times").iterdir() if path.name != "summary.json"}
    assert stages < {path.name for path in (merged / "times").iterdir()}


def test_shards_take_turns_from_the_longest_sequence_on(
    minis: dict[str, DataSetSource], tmp_path: Path
) -> None:
    heard: list[str] = []
    run(Walker, minis["otb100"], tmp_path, shard=(2, 4), on_sequence=lambda name, _: heard.append(name))
    order = sorted(minis["otb100"].open(), key=len, reverse=True)
    assert heard == [sequence.name for sequence in order[1::4]]
    run(Walker, minis["otb100"], tmp_path / "more", shard=(20, 20))
    assert {*results(tmp_path / "more" / "walker")} == {"run.json"}


@each_protocol
def test_two_processes_write_what_one_writes(
    minis: dict[str, DataSetSource], tmp_path: Path, name: str
) -> None:
    one = run(Walker, minis[name], tmp_path / "one", **PROTOCOLS[name])
    heard: list[str] = []
    two = run(
        Walker,
        minis[name],
        tmp_path / "two",
        workers=2,
        on_sequence=lambda sequence, _: heard.append(sequence),
        **PROTOCOLS[name],
    )
    assert results(two) == results(one)
    assert sorted(heard) == sorted(sequence.name for sequence in minis[name].open())
    assert {path.name for path in (two / "times").iterdir()} == {
        path.name for path in (one / "times").iterdir()
    }


def test_a_stochastic_tracker_is_repeated_and_reproducible(
    minis: dict[str, DataSetSource], tmp_path: Path
) -> None:
    options = {"protocol": "reset", "repetitions": 3}
    whole = run(Dice, minis["vot2019"], tmp_path / "whole", **options)
    for part in (3, 1, 2):
        run(Dice, minis["vot2019"], tmp_path / "parts", shard=(part, 3), **options)
    assert results(tmp_path / "parts" / "walker") == results(whole)
    runs = [whole / "baseline" / "hand" / f"hand_{number:03d}.txt" for number in (1, 2, 3)]
    assert len({path.read_text() for path in runs}) == 3
    assert np.loadtxt(whole / "times" / "hand_time.txt", delimiter=",").shape == (10, 3)
    runs[1].unlink()
    run(Dice, minis["vot2019"], tmp_path / "whole", **options)
    assert results(tmp_path / "parts" / "walker") == results(whole)


def test_one_repetition_of_a_deterministic_tracker_says_all(
    minis: dict[str, DataSetSource], tmp_path: Path
) -> None:
    with pytest.raises(
        InputError, match=r"15 repetitions are for a tracker that draws random numbers.*Walker has"
    ):
        run(Walker, minis["vot2019"], tmp_path, protocol="reset", repetitions=15)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"protocol": "two_pass"}, "no protocol 'two_pass'; choose from one_pass, reset"),
        ({"repetitions": 0}, "repetitions must be 1, or more under the protocol reset; got 0"),
        ({"repetitions": 2}, "got 2 under one_pass"),
        ({"workers": 0}, "workers must be 1 or more, got 0"),
        ({"shard": (0, 2)}, "shard 0/2 does not exist; k/n needs 1 <= k <= n"),
        ({"shard": (3, 2)}, "shard 3/2 does not exist"),
        ({"tracker": "../walker"}, "tracker name '../walker' cannot be a file name"),
    ],
)
def test_bad_input_is_named(
    minis: dict[str, DataSetSource], tmp_path: Path, options: dict[str, Any], message: str
) -> None:
    with pytest.raises(InputError, match=message):
        run(Walker, minis["otb100"], tmp_path / "out", **options)
    assert not (tmp_path / "out").exists()


def test_an_unknown_data_set_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="otb2077"):
        run(Walker, DataSetSource("otb2077", tmp_path), tmp_path / "out")


def run_until(number: int, source: SequenceSource, out: Path, options: dict[str, Any]) -> None:
    """Run, and be killed before the file operation of this number, if there are so many."""
    die_before_operation(number)
    run(Walker, source, out, **options)


@pytest.mark.slow
@each_protocol
def test_a_run_survives_fifty_kills(minis: dict[str, DataSetSource], tmp_path: Path, name: str) -> None:
    """SIGKILL again and again, resumed each time, until the run is whole; then the next run, until fifty kills."""
    mini, draw = minis[name], np.random.default_rng(7)
    source = Opened(mini.name, mini.first_pixel, mini.open())
    whole = results(run(Walker, source, tmp_path / "whole", **PROTOCOLS[name]))
    kills, rounds, moments = 0, 0, set[int]()
    while kills < KILLS:
        rounds += 1
        out = tmp_path / f"round{rounds}"
        finished = False
        while not finished:
            process = get_context("fork").Process(
                target=run_until, args=(int(draw.integers(1, 60)), source, out, PROTOCOLS[name])
            )
            process.start()
            process.join()
            finished = process.exitcode == 0
            assert process.exitcode in (0, -9)
            kills += not finished
            moments.add(len(results(out / "walker")))
        found = results(out / "walker")
        assert {key for key in found if not key.startswith(".run-")} == {*whole}
        assert all(found[key] == content for key, content in whole.items())
    assert len(moments) > 5, "some were killed early and others late"
