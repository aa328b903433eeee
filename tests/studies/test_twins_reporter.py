"""What a training run reports while it lasts."""

from __future__ import annotations

import io

import pytest

from dlatrack.progress import Progress
from dlatrack.studies.twins import reporter
from dlatrack.training.history import StepRow

STEP = StepRow(
    epoch=0,
    step=0,
    lr=0.005,
    loss=3.214,
    loss_classification=0.5,
    loss_regression=0.8,
    loss_centerness=0.314,
    gradient_norm=4.0,
    clipped=0,
    skipped=0,
    positives=7.25,
    negatives=29.0,
    quality=1.0,
    empty=0,
    tied=0,
    rescued=0,
    pairs_per_second=50.0,
)


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def told():
    """Lines that are told of steps, each of ten seconds and 20 pairs."""

    def tell(*steps: StepRow) -> list[str]:
        stream, clock = io.StringIO(), Clock()
        with Progress(200, "training", unit="pairs", stream=stream, clock=clock) as progress:
            report = reporter("dla_siamcar", progress)
            for step in steps:
                clock.now += 10
                report(step, 10)
        return stream.getvalue().splitlines()

    return tell


def test_a_line_tells_loss_terms_rate_positives_speed_and_remaining_time(told):
    first, *_ = told(STEP)
    assert first == (
        "training  20/200 pairs  10 %  2 pairs/s  1 min 30 s left  loss 3.21  classification 0.5  regression 0.8  "
        "centre-ness 0.314  rate 0.005  positives 7.25"
    )


def test_what_is_not_there_is_not_told(told):
    (first, *_) = told(STEP._replace(loss_centerness=0.0))
    assert "centre-ness" not in first
    assert "skipped" not in first


def test_skipped_steps_are_summed(told):
    steps = [STEP._replace(step=number, skipped=flag) for number, flag in enumerate((1, 0, 1, 0))]
    assert [line.split("skipped ")[1] for line in told(*steps)] == ["1", "1", "2", "2", "2"]


def test_a_run_that_goes_on_tells_its_own_speed(told):
    """Eight of ten steps were made before; the ninth takes ten seconds, and so will the tenth."""
    first, *_ = told(STEP._replace(step=8))
    assert first.startswith("training  180/200 pairs  90 %  2 pairs/s  10 s left")


def test_a_listener_hears_every_step_with_its_label():
    heard = []
    with Progress(200, "training", stream=io.StringIO()) as progress:
        report = reporter("A", progress, lambda *heard_of: heard.append(heard_of))
        report(STEP, 10)
    assert heard == [("A", STEP, 10)]
