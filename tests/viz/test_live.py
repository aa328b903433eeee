"""Live curves: one picture that is updated, at most every few seconds, and at the end."""

from __future__ import annotations

import pytest

from dlatrack.training.history import StepRow
from dlatrack.viz import live


class Handle:
    def __init__(self, log):
        self.log = log

    def update(self, picture):
        self.log.append(("update", picture))


@pytest.fixture
def shown(monkeypatch):
    log = []

    def display(picture, display_id):
        log.append(("new", picture))
        return Handle(log)

    monkeypatch.setattr(live, "display", display)
    return log


def step(number: int) -> StepRow:
    return StepRow(0, number, 0.01, 2.0, 0.5, 0.4, 0.3, 1.0, 0, 0, 3.0, 12.0, 1.0, 1, 0, 1, 50.0)


def test_pictures_come_when_due_and_at_the_end(shown):
    times = iter([0.0, 1.0, 2.0, 6.0, 6.0, 7.0, 8.0, 8.0])
    curves = live.LiveCurves(every=5, clock=lambda: next(times))
    for number in range(4):
        curves("A", step(number), 4)
    assert [kind for kind, _ in shown] == ["new", "update"]
    assert all(picture.data.startswith(b"\x89PNG") for _, picture in shown)


def test_another_run_has_a_picture_of_its_own(shown):
    curves = live.LiveCurves(every=5, clock=lambda: 0.0)
    for label in ("A", "B"):
        curves(label, step(0), 1)
    assert [kind for kind, _ in shown] == ["new", "new"]
