"""What a trial scores, and when it stops."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tuning_toys import Strip, shrinkers

from dlatrack.datasets.sequence import Sequence
from dlatrack.evaluation.results import read_result_boxes, write_boxes
from dlatrack.progress import Progress
from dlatrack.recipes import OnlineConfig
from dlatrack.tuning import trials
from dlatrack.tuning.trials import Outcome, TrialJob, first_part, is_hopeless, one_pass_auc, run_trials

GOOD = OnlineConfig(0.1, 0.35, 0.5)
FAIR = OnlineConfig(0.1, 0.34, 0.5)
BAD = OnlineConfig(0.4, 0.7, 0.9)
SETTINGS = {2: BAD, 3: FAIR, 4: BAD, 5: GOOD, 6: BAD, 7: FAIR}


class Narrow:
    """Answers 62 % of the first box."""

    def init(self, image: np.ndarray, box_xywh: np.ndarray) -> None:
        self._box = box_xywh * [1, 1, 0.62, 1]

    def update(self, image: np.ndarray) -> tuple[np.ndarray, float]:
        return self._box, 1.0


def test_auc_by_hand() -> None:
    """An IoU of 0.62 exceeds 13 of 21 thresholds, the given box of the first frame 20: (20 + 4 * 13) / (5 * 21)."""
    (sequence,) = Strip(count=1, length=5).open()
    assert one_pass_auc(Narrow(), sequence, 1) == pytest.approx(72 / 105)


class Rounded(Narrow):
    """Answers a box that is 0.6 of the first one, once it is written with four decimals."""

    def init(self, image: np.ndarray, box_xywh: np.ndarray) -> None:
        self._box = box_xywh * [1, 1, 0.6000004, 1]


def test_boxes_are_scored_as_result_files_have_them(tmp_path: Path) -> None:
    """60.0000 of 100 px do not exceed the threshold 0.6; the 60.00004 that were answered would."""
    (sequence,) = Strip(count=1, length=5).open()
    write_boxes(tmp_path / "a.txt", np.tile(sequence.boxes_xywh[0] * [1, 1, 0.6000004, 1], (5, 1)))
    assert read_result_boxes(tmp_path / "a.txt")[0, 2] == 60
    assert one_pass_auc(Rounded(), sequence, 1) == pytest.approx((20 + 4 * 12) / 105)


def test_frames_without_the_target_fail() -> None:
    boxes = np.tile([3.0, 4, 100, 50], (5, 1))
    boxes[3] = np.nan
    visible = np.array([True, True, True, False, True])
    sequence = Sequence("a", np.zeros((5, 2, 2, 3), np.uint8), boxes, visible)
    assert one_pass_auc(Narrow(), sequence, 0) == pytest.approx((20 + 3 * 13) / 105)


def test_the_first_part_is_a_third() -> None:
    assert [first_part(count) for count in (2, 3, 4, 18, 180)] == [1, 1, 2, 6, 60]


def test_hopeless_by_hand() -> None:
    """Five differences, 0.03 to 0.07, have mean 0.05 and standard error sqrt(0.00025 / 5) = 0.00707."""
    best = np.full(5, 0.6)
    behind = np.array([0.03, 0.04, 0.05, 0.06, 0.07])
    error = np.sqrt(behind.var(ddof=1) / 5)
    assert error == pytest.approx(0.00707, abs=1e-5)
    assert is_hopeless(best - behind, best)
    assert not is_hopeless((best - behind)[:4], best[:4])  # too few to tell
    assert not is_hopeless(best - 0.019, best)  # within the margin
    assert is_hopeless(best - 0.021, best)
    lost = np.array([0.25, 0, 0, 0, 0])  # one lost sequence: mean and standard error are 0.05
    assert not is_hopeless(best - lost, best)


@given(st.lists(st.floats(0, 1), min_size=5, max_size=40))
def test_a_trial_that_is_not_behind_is_never_hopeless(aucs: list[float]) -> None:
    part = np.array(aucs)
    assert not is_hopeless(part, part - np.linspace(0, 0.5, len(part)))


def run(settings: dict[int, OnlineConfig], workers: int = 1) -> tuple[list[Outcome], Progress]:
    source = Strip()
    with Progress(len(settings) * 18 * 11, "tuning", unit="frames") as progress:
        job = TrialJob(shrinkers, source, settings)
        done = run_trials(job, source.open(), None, workers=workers, progress=progress, planned=8)
        return list(done), progress


def told(outcomes: list[Outcome]) -> list[tuple[int, OnlineConfig, list[float], bool]]:
    return [(o.number, o.setting, o.sequence_auc.tolist(), o.stopped) for o in outcomes]


def test_hopeless_trials_stop_after_the_first_part(capsys: pytest.CaptureFixture[str]) -> None:
    outcomes, progress = run(SETTINGS)
    assert [outcome.number for outcome in outcomes] == [2, 3, 4, 5, 6, 7]
    assert [len(outcome.sequence_auc) for outcome in outcomes] == [18, 18, 6, 18, 6, 18]
    assert [outcome.stopped for outcome in outcomes] == [False, False, True, False, True, False]
    assert progress.done == progress.total == (4 * 18 + 2 * 6) * 11
    assert "took" in "".join(capsys.readouterr())  # standard output in a process that has a notebook kernel


def out_of_step(
    prepare: Callable[[], Callable[[str], float]], tasks: list[str], workers: int
) -> Iterator[tuple[str, float]]:
    """Like `run_tasks`: tasks are taken before answers are looked at, and are answered in any order."""
    do, todo, under_way = prepare(), iter(tasks), []
    draw = np.random.default_rng(workers)
    while True:
        under_way += [task for _ in range(workers - len(under_way)) if (task := next(todo, "")) != ""]
        if not under_way:
            return
        task = under_way.pop(draw.integers(len(under_way)))
        yield task, do(task)


@pytest.mark.parametrize("workers", [2, 7, 30])
def test_processes_out_of_step_change_nothing(monkeypatch: pytest.MonkeyPatch, workers: int) -> None:
    alone, _ = run(SETTINGS)
    monkeypatch.setattr(trials, "run_tasks", out_of_step)
    together, progress = run(SETTINGS, workers)
    assert told(together) == told(alone)
    assert progress.done == progress.total > (4 * 18 + 2 * 6) * 11


def test_two_processes_answer_as_one() -> None:
    settings = {0: GOOD, 1: BAD}
    assert told(run(settings, workers=2)[0]) == told(run(settings)[0])
