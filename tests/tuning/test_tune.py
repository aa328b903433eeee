"""Tuning finds the known best of a toy tracker, resumes where it ended, and refuses what would spoil it."""

from __future__ import annotations

import json
import multiprocessing
import re
import signal
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, astuple, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from kills import die_before_operation
from tuning_toys import OPTIMUM, Shrinker, Strip, out_of_step, shrinkers

from dlatrack.datasets.sequence import Sequence
from dlatrack.errors import InputError
from dlatrack.evaluation.statistics.compare import paired_bootstrap
from dlatrack.recipes import OnlineConfig, recipe
from dlatrack.tuning import trials
from dlatrack.tuning.record import TuningRecord, read_tuned
from dlatrack.tuning.search import FIELDS
from dlatrack.tuning.trials import one_pass_auc
from dlatrack.tuning.tune import tune

START = OnlineConfig(penalty_k=0.2, window_influence=0.45, rate=0.35)
RECIPE = replace(recipe("siamcar_small"), online={"OTB100": START})


def run(out: Path, make: Any = shrinkers, source: Any = None, **options: Any) -> TuningRecord:
    return tune(
        make, source or Strip(), out, **{"recipe": RECIPE, "trials": 6, "weights_sha256": "ab", **options}
    )


@dataclass(frozen=True)
class Moved(Strip):
    """A strip in which the boxes of one sequence, of this name, were mended."""

    moved: str = ""

    def open(self) -> list[Sequence]:
        return [replace(s, boxes_xywh=s.boxes_xywh + (s.name == self.moved)) for s in super().open()]


def content(path: Path) -> dict[str, Any]:
    """The record without its times."""
    text = re.sub(r'^ *"seconds": .*\n', "", path.read_text(), flags=re.MULTILINE)
    found: dict[str, Any] = json.loads(re.sub(r",(\s*[}\]])", r"\1", text))
    return found


def truth(setting: OnlineConfig, source: Strip | None = None) -> np.ndarray:
    """AUC of every sequence, in the order of their names."""
    return np.array([one_pass_auc(Shrinker(setting), s, 1) for s in (source or Strip()).open()])


def test_the_record_by_hand(tmp_path: Path) -> None:
    record = run(tmp_path / "tuned.json", trials=4, seed=5)
    found = json.loads((tmp_path / "tuned.json").read_text())
    assert found["recipe"] == "siamcar_small"
    assert found["weights_sha256"] == "ab"
    assert found["tuned_on_test_set"] is None
    data = found["data"]
    assert (data["name"], data["split"], data["count"], data["frames"]) == ("folder", None, 18, 198)
    assert list(data["sequences"]) == [f"clip{number:02d}" for number in range(18)]
    assert all({*hashes} == {"boxes", "images"} for hashes in data["sequences"].values())
    assert found["protocol"]["rules"] == "pysot"
    assert found["search"]["start"] == {"benchmark": "OTB100", **asdict(START)}
    assert (found["search"]["trials"], found["search"]["seed"], found["trials_done"]) == (4, 5, 4)
    assert {*found["versions"]} == {"python", "dlatrack", "torch", "numpy", "scipy", "optuna"}
    assert [row["trial"] for row in found["trials"]] == [0, 1, 2, 3]
    assert found["seconds"] == pytest.approx(sum(row["seconds"] for row in found["trials"]), abs=0.01)

    own = truth(START)
    assert [*found["start"]["sequence_auc"].values()] == pytest.approx(own.tolist())
    assert found["start"]["auc"] == found["trials"][0]["auc"] == pytest.approx(own.mean())
    best = truth(OnlineConfig(*(found["best"][name] for name in FIELDS)))
    assert [*found["best"]["sequence_auc"].values()] == pytest.approx(best.tolist())
    wanted = paired_bootstrap(best, own)
    assert found["best_minus_start"]["value"] == pytest.approx(wanted.value)
    assert found["best_minus_start"]["sequences"] == 18
    assert found["best_minus_start"]["low"] <= wanted.value <= found["best_minus_start"]["high"]
    assert record.best is not None
    assert record.best.auc == found["best"]["auc"]
    assert found["trials"][found["best"]["trial"]] == found["best"]
    for row in found["trials"]:
        aucs = dict(zip(data["sequences"], truth(OnlineConfig(*(row[name] for name in FIELDS))), strict=True))
        assert row["sequence_auc"] == pytest.approx({name: aucs[name] for name in row["sequence_auc"]})
        assert row["stopped"] == (len(row["sequence_auc"]) < 18)
        assert (row["auc"] is None, row["estimated_auc"] is None) == (row["stopped"], not row["stopped"])


def test_the_order_of_the_sequences_follows_the_seed(tmp_path: Path) -> None:
    """So a trial that is stopped has not always seen the same ones."""
    records = [run(tmp_path / f"{seed}.json", trials=1, seed=seed) for seed in (0, 1)]
    assert records[0].names != records[1].names
    for seed, record in enumerate(records):
        order = np.random.default_rng(seed).permutation(18)
        assert record.names == [f"clip{number:02d}" for number in order]
        assert record.trials[0].sequence_auc == pytest.approx(truth(START)[order])


def test_the_known_best_is_found(tmp_path: Path) -> None:
    """The toy loses 0.6 of IoU per box length from its optimum, so that 0.02 of AUC are 1/30 of the box."""
    record = run(tmp_path / "tuned.json", trials=30)
    assert record.best is not None
    assert record.difference is not None
    assert record.best.auc > truth(OPTIMUM).mean() - 0.02
    assert record.difference.low > 0
    assert astuple(record.best.setting) == pytest.approx(astuple(OPTIMUM), abs=0.05)
    assert record.best.number >= 10, "the settings that are chosen improve on those that are drawn"


@pytest.mark.parametrize("seed", range(4))
def test_the_eventual_best_is_never_stopped_and_hopeless_trials_are(tmp_path: Path, seed: int) -> None:
    record = run(tmp_path / "tuned.json", trials=18, seed=seed)
    scores = [truth(trial.setting).mean() for trial in record.trials]
    assert record.best is not None
    assert record.best.number == int(np.argmax(scores))
    stopped = [trial for trial in record.trials if trial.stopped]
    assert 3 <= len(stopped) < 18
    far_behind = [t for t in record.trials if scores[t.number] < max(scores[: t.number], default=0) - 0.2]
    assert far_behind
    assert all(trial.stopped and len(trial.sequence_auc) == 14 for trial in far_behind)
    for trial in record.trials:
        assert trial.auc == pytest.approx(scores[trial.number], abs=0.05 if trial.stopped else 1e-12)


def test_few_sequences_stop_nothing(tmp_path: Path) -> None:
    record = run(tmp_path / "tuned.json", source=Strip(count=12))
    assert not any(trial.stopped for trial in record.trials)


@dataclass
class Interrupted:
    """Like `shrinkers`; Ctrl-C comes in the middle of the n-th trial that it makes a tracker for."""

    trial: int

    def __call__(self) -> Callable[[OnlineConfig], Shrinker]:
        def make(setting: OnlineConfig) -> Shrinker:
            self.trial -= 1
            if self.trial < 0:
                raise KeyboardInterrupt
            return Shrinker(setting)

        return make


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """Record of 20 trials that nothing interrupted, in rounds of 10, 4, 4 and 2."""
    path = tmp_path_factory.mktemp("whole") / "tuned.json"
    run(path, trials=20)
    return content(path)


@pytest.mark.parametrize("trial", [1, 9, 10, 13, 17])
def test_a_stopped_tuning_resumes_to_the_same_file(tmp_path: Path, whole: dict[str, Any], trial: int) -> None:
    """Within a round and between two, where the settings of the next are chosen."""
    out = tmp_path / "tuned.json"
    with pytest.raises(KeyboardInterrupt):
        run(out, Interrupted(trial), trials=20)
    assert content(out)["trials_done"] == trial
    run(out, trials=20)
    assert content(out) == whole
    assert any(row["stopped"] for row in whole["trials"])


def dying(out: Path, operation: int) -> None:
    die_before_operation(operation)
    run(out, trials=20)


@pytest.mark.slow
def test_a_killed_tuning_resumes_to_the_same_file(tmp_path: Path, whole: dict[str, Any]) -> None:
    """Killed after the new file is made and before it replaces the old one, in trial 11; three operations each."""
    out = tmp_path / "tuned.json"
    process = multiprocessing.get_context("spawn").Process(target=dying, args=(out, 3 * 12))
    process.start()
    process.join()
    assert process.exitcode == -signal.SIGKILL
    assert content(out)["trials_done"] == 11
    run(out, trials=20)
    assert content(out) == whole
    assert [path.name for path in tmp_path.iterdir()] == ["tuned.json"]


@pytest.mark.parametrize("workers", [2, 7])
def test_several_processes_write_the_same_file_as_one(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, whole: dict[str, Any], workers: int
) -> None:
    """Also where they are out of step; `test_trials` starts real ones."""
    monkeypatch.setattr(trials, "run_tasks", out_of_step)
    run(tmp_path / "tuned.json", trials=20, workers=workers)
    assert content(tmp_path / "tuned.json") == whole


def test_a_tuning_that_is_done_is_left_alone(tmp_path: Path) -> None:
    out = tmp_path / "tuned.json"
    first = run(out)
    before = out.read_bytes(), out.stat().st_mtime_ns
    again = run(out, Interrupted(0))
    assert (out.read_bytes(), out.stat().st_mtime_ns) == before
    assert again.best is not None
    assert first.best is not None
    assert again.best.setting == first.best.setting
    assert [path.name for path in tmp_path.iterdir()] == ["tuned.json"]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"seed": 1}, "search.seed was 0 and is now 1"),
        ({"trials": 7}, "search.trials was 6 and is now 7"),
        ({"weights_sha256": "cd"}, "weights_sha256 was 'ab' and is now 'cd'"),
        ({"conditions": {"fast": True}}, "conditions.fast was None and is now True"),
        ({"source": Strip(count=17)}, "data.count was 18 and is now 17"),
        ({"source": Strip(prefix="film")}, "sequence film00 is not in it; name another file"),
        (
            {"source": Moved(moved="clip07")},
            "the boxes of sequence clip07 have changed since; name another file",
        ),
        ({"recipe": replace(RECIPE, name="siamcar")}, "recipe was 'siamcar_small' and is now 'siamcar'"),
        ({"on_test_set": True}, "tuned_on_test_set was None and is now 'folder'"),
    ],
)
def test_other_arguments_do_not_go_on_with_a_file(
    tmp_path: Path, options: dict[str, Any], message: str
) -> None:
    out = tmp_path / "tuned.json"
    out.write_text(json.dumps(json.loads(_record(tmp_path)), indent=2))
    with pytest.raises(InputError, match=rf"tuned\.json belongs to another tuning: {message}"):
        run(out, **options)


def test_a_file_of_other_images_is_not_taken(tmp_path: Path) -> None:
    out = tmp_path / "tuned.json"
    run(out)
    before = out.read_bytes()
    with pytest.raises(InputError, match="another tuning: the images of sequence clip00 have changed"):
        run(out, source=Strip(shade=1))
    assert out.read_bytes() == before


def version_1(path: Path) -> str:
    """A record as it was before Optuna chose the settings: other descriptions of search and trials."""
    found = json.loads(path.read_text())
    search = {"trials": 40, "seed": 0, "rounds": [27, 5, 4, 4], "first_part": 6}
    rows = [
        {"trial": 0, **asdict(START), "auc": 0.5, "first_part_auc": 0.5, "stopped": False, "seconds": 1.0}
    ]
    return json.dumps(found | {"dlatrack_tuning": 1, "search": search, "trials": rows, "trials_done": 40})


def test_a_file_of_version_1_is_used_and_not_resumed(tmp_path: Path) -> None:
    out = tmp_path / "tuned.json"
    record = run(out)
    old = version_1(out)
    out.write_text(old)
    message = r"tuned\.json was written by an earlier search \(format version 1\), .*; name another file"
    with pytest.raises(InputError, match=message):
        run(out)
    assert out.read_text() == old
    tuned = read_tuned(out, "siamcar_small")
    assert record.best is not None
    assert tuned.setting == record.best.setting
    assert tuned.notes("ab") == []


def test_two_tunings_do_not_write_one_file(tmp_path: Path) -> None:
    out, refused = tmp_path / "tuned.json", []

    def once_more() -> Callable[[OnlineConfig], Shrinker]:
        with ThreadPoolExecutor(1) as pool:
            refused.append(pool.submit(run, out).exception())
        return Shrinker

    run(out, once_more)
    assert isinstance(refused[0], InputError)
    assert "tuned.json is being written by another run (process" in str(refused[0])
    assert [path.name for path in tmp_path.iterdir()] == ["tuned.json"]


def _record(tmp_path: Path) -> str:
    run(tmp_path / "other.json")
    return (tmp_path / "other.json").read_text()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{", r"tuned\.json is not JSON"),
        ("[]", r"tuned\.json does not hold a JSON object"),
        ('{"auc": 1}', r"tuned\.json is no record of dlatrack tune"),
        ('{"dlatrack_tuning": 3}', "format version 3, this program reads 1 and 2"),
    ],
)
def test_files_of_another_kind_are_kept(tmp_path: Path, text: str, message: str) -> None:
    out = tmp_path / "tuned.json"
    out.write_text(text)
    with pytest.raises(InputError, match=message):
        run(out)
    with pytest.raises(InputError, match=message):
        read_tuned(out, "siamcar_small")
    assert out.read_text() == text


@pytest.mark.parametrize(
    "change",
    [{"sequence_auc": {"clip00": 0.5}}, {"sequence_auc": 3}, {"rate": "x"}, {"stopped": True}, {"auc": "x"}],
)
def test_a_damaged_record_is_named(tmp_path: Path, change: dict[str, Any]) -> None:
    out = tmp_path / "tuned.json"
    found = json.loads(_record(tmp_path))
    found["trials"][1] |= change
    out.write_text(json.dumps(found))
    with pytest.raises(InputError, match=r"tuned\.json is damaged"):
        run(out)


@dataclass(frozen=True)
class Opened:
    """A source of given sequences."""

    sequences: list[Sequence]
    name: str = "folder"
    first_pixel: int = 1

    def open(self) -> list[Sequence]:
        return self.sequences


def test_too_little_data_is_refused(tmp_path: Path) -> None:
    one, two = Strip(count=2).open()
    with pytest.raises(InputError, match="needs 2 or more, got 1"):
        run(tmp_path / "tuned.json", source=Opened([one]))
    boxes = two.boxes_xywh.copy()
    boxes[1:] = np.nan  # as in a test set whose truth is kept by its authors
    only_first = replace(two, boxes_xywh=boxes, visible=np.arange(len(two)) == 0)
    with pytest.raises(InputError, match="sequence clip01 has no true box after its first frame"):
        run(tmp_path / "tuned.json", source=Opened([one, only_first]))
    with pytest.raises(InputError, match="sequence names must differ, but clip00 comes 2 times"):
        run(tmp_path / "tuned.json", source=Opened([one, one]))
    assert not (tmp_path / "tuned.json").exists()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"trials": 0}, "trials must be 1 or more, got 0"),
        ({"workers": 0}, "workers must be 1 or more, got 0"),
        ({"benchmark": "UAV123"}, "siamcar_small has no online settings for 'UAV123'; it has OTB100"),
    ],
)
def test_bad_arguments_are_named(tmp_path: Path, options: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError, match=message):
        run(tmp_path / "tuned.json", **options)


def test_a_test_set_in_a_folder_is_refused_or_marked(tmp_path: Path) -> None:
    clips = Strip(count=6).open()
    names = ("Basketball", "Biker", "Bird1", "Bird2", "BlurBody", "mine")
    source = Opened([replace(clip, name=name) for clip, name in zip(clips, names, strict=True)])
    out = tmp_path / "tuned.json"
    with pytest.raises(
        InputError, match="Basketball, Biker, Bird1 and 2 more of the 6 sequences belong to OTB100"
    ):
        run(out, source=source)
    assert not out.exists()
    run(out, source=source, on_test_set=True, trials=2)
    assert json.loads(out.read_text())["tuned_on_test_set"] == "OTB100"
    tuned = read_tuned(out, "siamcar_small")
    assert tuned.as_settings()["tuned_on_test_set"] == "OTB100"
    assert "TUNED ON A TEST SET: the setting of tuned.json was chosen on OTB100" in (tuned.mark() or "")


def test_a_user_who_says_that_it_is_a_test_set_is_believed(tmp_path: Path) -> None:
    run(tmp_path / "tuned.json", on_test_set=True, trials=1)
    tuned = read_tuned(tmp_path / "tuned.json", "siamcar_small")
    assert tuned.as_settings()["tuned_on_test_set"] == "folder"


def test_what_later_runs_read(tmp_path: Path) -> None:
    out = tmp_path / "tuned.json"
    with pytest.raises(KeyboardInterrupt):
        run(out, Interrupted(4))
    tuned = read_tuned(out, "siamcar_small")
    best = json.loads(out.read_text())["best"]
    assert asdict(tuned.setting) == {name: best[name] for name in FIELDS}
    assert tuned.mark() is None
    assert tuned.notes("ab") == ["tuned.json is not finished: best of 4 of 6 trials"]
    run(out)
    tuned = read_tuned(out, "siamcar_small")
    assert tuned.notes("ab") == []
    assert tuned.notes("cd") == ["tuned.json was tuned for other weights of recipe siamcar_small"]
    with pytest.raises(
        InputError, match=r"was tuned for recipe siamcar_small; these weights are of siamcar$"
    ):
        read_tuned(out, "siamcar")


@pytest.mark.parametrize(
    "change",
    [{"best": {"trial": 0}}, {"best": {"penalty_k": "x", "window_influence": 0, "rate": 0}}, {"data": 3}],
)
def test_a_damaged_setting_is_refused(tmp_path: Path, change: dict[str, Any]) -> None:
    out = tmp_path / "tuned.json"
    out.write_text(json.dumps(json.loads(_record(tmp_path)) | change))
    with pytest.raises(InputError, match=r"tuned\.json is damaged"):
        read_tuned(out, "siamcar_small")


def test_a_record_without_its_mark_is_refused(tmp_path: Path) -> None:
    found = json.loads(_record(tmp_path))
    del found["tuned_on_test_set"]
    (tmp_path / "tuned.json").write_text(json.dumps(found))
    with pytest.raises(InputError, match=r"damaged.*tuned_on_test_set"):
        read_tuned(tmp_path / "tuned.json", "siamcar_small")
