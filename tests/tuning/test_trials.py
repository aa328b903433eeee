"""What a trial scores, and when it stops."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from tuning_toys import Strip, out_of_step, shrinkers

from dlatrack.datasets.sequence import Sequence
from dlatrack.evaluation.results import read_result_boxes, write_boxes
from dlatrack.progress import Progress
from dlatrack.recipes import OnlineConfig
from dlatrack.tuning import trials
from dlatrack.tuning.record import Trial
from dlatrack.tuning.trials import TrialJob, one_pass_auc, run_trials

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


def run(settings: dict[int, OnlineConfig], workers: int = 1) -> tuple[list[Trial], Progress]:
    source = Strip()
    with Progress(len(settings) * 18 * 11, "tuning", unit="frames") as progress:
        job = TrialJob(shrinkers, source, settings)
        done = run_trials(job, source.open(), None, workers=workers, progress=progress, planned=8)
        return list(done), progress


def content(trials: list[Trial]) -> list[tuple[int, OnlineConfig, list[float], float, bool]]:
    return [(t.number, t.setting, t.sequence_auc.tolist(), t.auc, t.stopped) for t in trials]


def test_hopeless_trials_stop_at_the_first_look(capsys: pytest.CaptureFixture[str]) -> None:
    """Trials 3 and 5 are better than all before; 4 and 6 are far behind on each sequence, and 7 is a little."""
    outcomes, progress = run(SETTINGS)
    assert [trial.number for trial in outcomes] == [2, 3, 4, 5, 6, 7]
    assert [len(trial.sequence_auc) for trial in outcomes] == [18, 18, 14, 18, 14, 14]
    assert [trial.stopped for trial in outcomes] == [False, False, True, False, True, True]
    assert progress.done == progress.total == (3 * 18 + 3 * 14) * 11
    assert "took" in "".join(capsys.readouterr())  # standard output in a process that has a notebook kernel


def test_the_estimate_of_a_stopped_trial_by_hand() -> None:
    """Its distance from the best trial before it on 14 sequences, taken from the mean of that on 18."""
    outcomes, _ = run(SETTINGS)
    best, stopped = outcomes[3], outcomes[4]
    behind = best.sequence_auc[:14] - stopped.sequence_auc
    assert stopped.auc == pytest.approx(best.sequence_auc.mean() - behind.mean())
    assert best.auc == pytest.approx(best.sequence_auc.mean())


@pytest.mark.parametrize("workers", [2, 7, 30])
def test_processes_out_of_step_change_nothing(monkeypatch: pytest.MonkeyPatch, workers: int) -> None:
    alone, _ = run(SETTINGS)
    monkeypatch.setattr(trials, "run_tasks", out_of_step)
    together, progress = run(SETTINGS, workers)
    assert content(together) == content(alone)
    assert progress.done == progress.total > (3 * 18 + 3 * 14) * 11


def test_two_processes_answer_as_one() -> None:
    settings = {0: GOOD, 1: BAD}
    assert content(run(settings, workers=2)[0]) == content(run(settings)[0])
