"""Long absences added to a drawn scene: the target leaves the view and returns elsewhere, or is covered for long."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.random import Generator

from dlatrack.datasets.synthetic.motion import BAR, Track, axes, rigid, smoothstep
from dlatrack.datasets.synthetic.scene import Layer, Scene

#: Frames of an absence, of the time in view between two, and of a departure or return.
_AWAY, _BETWEEN, _PASSAGE = (40, 120), (60, 140), (14, 26)

#: Share of the absences in which the target is covered rather than out of view.
_COVERED = 0.35

#: Unit vectors towards the left, upper, right and lower border.
_BORDERS = np.array([[-1.0, 0], [0, -1], [1, 0], [0, 1]])


@dataclass(frozen=True)
class Absence:
    """One absence of the target, in frames."""

    start: int  #: first frame of the departure
    passage: int  #: frames of the departure, and of the return
    away: int  #: frames between the two
    covered: bool  #: whether something covers the target, which otherwise leaves the view

    @property
    def end(self) -> int:
        """First frame after the return."""
        return self.start + 2 * self.passage + self.away

    def progress(self, times: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """How far departure and return have come, 0..1, each (T,)."""
        back = self.start + self.passage + self.away
        return smoothstep(times, self.start, self.passage), smoothstep(times, back, self.passage)


def draw_absences(rng: Generator, length: int, *, may_leave: bool = True) -> list[Absence]:
    """The absences of a video: one about every 180 frames, none in the first 60 and the last 30.

    Args:
        rng: source of the values.
        length: frames; fewer than 200 have none.
        may_leave: whether the target can leave the view; otherwise it is always covered.
    """
    absences: list[Absence] = []
    start = int(rng.integers(*_BETWEEN))
    while True:
        passage, away = int(rng.integers(*_PASSAGE)), int(rng.integers(*_AWAY))
        covered = bool(rng.random() < _COVERED) or not may_leave
        absence = Absence(start, passage, away, covered)
        if absence.end + 30 > length:
            return absences
        absences.append(absence)
        start = absence.end + int(rng.integers(*_BETWEEN))


def with_absences(rng: Generator, scene: Scene, *, may_leave: bool = True) -> Scene:
    """A scene whose target is absent now and then.

    A target that leaves goes over the border nearest to it and returns over another one, to where its path would
    have led it in the meantime. A target that is covered moves on behind a panel that travels with it. The first
    frame stays as it is.

    Args:
        rng: source of the values.
        scene: the scene.
        may_leave: whether the target can leave the view, which one that is a part of the background cannot.
    """
    track = scene.target.track
    times = np.arange(len(track.centre))
    offset = np.zeros_like(track.centre)
    panels: list[tuple[Absence, np.ndarray]] = []
    for absence in draw_absences(rng, len(times), may_leave=may_leave):
        if absence.covered:
            panels.append((absence, rng.permutation(_BORDERS)[:2]))
        else:
            offset += _trip(rng, absence, track, scene.size)
    moved = replace(track, centre=track.centre + offset)
    number = len(scene.layers)
    added = [
        Layer(_panel(rng, absence, borders, moved, scene.size), "own", number + index)
        for index, (absence, borders) in enumerate(panels)
    ]
    return replace(scene, target=replace(scene.target, track=moved), occluders=(*scene.occluders, *added))


def _trip(rng: Generator, absence: Absence, track: Track, size: tuple[int, int]) -> np.ndarray:
    """(T, 2) px that take the target out of the view over the nearest border, and back over another one."""
    out, back = absence.progress(np.arange(len(track.centre)))
    bounds = track.bounds_xyxy
    far = np.array(size * 2)[[0, 1, 0, 1]]
    # What brings the target just outside each border, (T, 4).
    gaps = np.stack([bounds[:, 2], bounds[:, 3], far[0] - bounds[:, 0], far[1] - bounds[:, 1]], 1) + 8
    leaving = int(gaps[absence.start].argmin())
    returning = int(rng.choice([border for border in range(4) if border != leaving]))
    middle = absence.start + absence.passage + absence.away // 2
    before = np.arange(len(out)) < middle  # out of view, the change of the border is not seen
    distance = np.where(before, out * gaps[:, leaving], (1 - back) * gaps[:, returning])
    return distance[:, None] * np.where(before[:, None], _BORDERS[leaving], _BORDERS[returning])


def _panel(
    rng: Generator, absence: Absence, borders: np.ndarray, target: Track, size: tuple[int, int]
) -> Track:
    """A rectangle that comes over one border, covers the target, travels with it, and leaves over another one."""
    out, back = absence.progress(np.arange(len(target.centre)))
    half = target.extents.max() / 2 * rng.uniform(1.15, 1.45, 2)
    away = np.array(size) + 2 * half
    place = target.centre + (1 - out)[:, None] * away * borders[0] + back[:, None] * away * borders[1]
    return rigid(BAR, place, axes(half, np.full(len(out), rng.uniform(-0.2, 0.2))))
