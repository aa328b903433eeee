"""The target of a photographic clip: a part of the photograph under the camera, or a cut-out with its own path."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.random import Generator

from dlatrack.datasets.photographic.camera import Pose, draw_pose, framed, seen
from dlatrack.datasets.photographic.parallax import Parallax, parallax_around
from dlatrack.datasets.photographic.pictures import Photograph
from dlatrack.datasets.photographic.surfaces import Surface, outlined_surface
from dlatrack.datasets.synthetic.motion import Body, Track, draw_wave, drift, projected
from dlatrack.datasets.synthetic.objects import placed

#: Largest side of a target in the first frame as a share of the view, and in any frame.
_LARGEST_FIRST, _LARGEST = 0.62, 0.85

#: View px per photograph px at most: more would show a blur.
_SHARPEST = 1.6

#: Attempts to frame an object, each with calmer motion than the one before.
_ATTEMPTS = 14

#: Largest sideways motion of parallax, px of the photograph, and the rim that is therefore kept out of view, px.
_SIDEWAYS, _RIM = 12.0, 14.0


@dataclass(frozen=True, eq=False)
class Target:
    """The target of a clip, and the camera where the target is a part of the photograph."""

    surface: Surface  #: its colours and outline
    track: Track  #: its geometry over time
    pose: Pose  #: its direction
    stretch: np.ndarray  #: (T,) logarithm of its aspect ratio relative to frame 0
    views: np.ndarray  #: (T, 3, 3) homographies from the photograph to the view; the identity for a cut-out
    parallax: Parallax | None  #: motion of the photograph's points by their depth


def objects_in_place(pictures: Sequence[Photograph], size: tuple[int, int]) -> list[tuple[Photograph, str]]:
    """The objects that a view of `size` can show with their surroundings: photographs and names."""
    found = []
    for photograph in pictures:
        fit = 1.08 * (np.array(size) / photograph.size).max()
        for name, outline in photograph.outlines.items():
            low, high = outline.min(0), outline.max(0)
            free = min(low.min(), (photograph.size - high).min())
            if free >= 5 and (fit * (high - low) <= _LARGEST_FIRST * np.array(size)).all():
                found.append((photograph, name))
    return found


def in_place_target(
    rng: Generator,
    fitting: Sequence[tuple[Photograph, str]],
    size: tuple[int, int],
    shift: np.ndarray,
    chosen: Collection[str],
) -> tuple[Target, Photograph]:
    """A target that is a part of one of the photographs, which the camera moves over.

    Args:
        rng: source of the values.
        fitting: objects to choose from, of `objects_in_place`.
        size: view width and height, px.
        shift: (T, 2) sudden motion of the camera, px.
        chosen: the challenges of the clip.
    """
    photograph, name = fitting[int(rng.integers(len(fitting)))]
    surface, length = outlined_surface(photograph, name), len(shift)
    parallax = None
    if photograph.disparity is not None:
        reach = float(np.ptp(photograph.disparity))
        step = drift(rng, length, length / rng.uniform(1, 2), rng.uniform(0.3, 1) * _SIDEWAYS / reach)
        parallax = parallax_around(photograph.disparity, photograph.outlines[name], step)
    for attempt in range(_ATTEMPTS):
        last = attempt == _ATTEMPTS - 1
        calm = 0.0 if last else 0.8**attempt
        pose = draw_pose(rng, length, calm * _roll(rng, chosen), calm * _tilt(rng, chosen), calm)
        scale = _side(rng, size, chosen, surface) * np.exp(
            drift(rng, length, length / 2, calm * _swing(rng, chosen))
        )
        scale = scale / (2 * np.sqrt(surface.half.prod()))
        body = still_body(surface, length)
        objects = diagonal(surface.half, length)
        still = projected(body, seen(pose, scale, size) @ objects)
        unit = min(size) / 240
        path = placed(rng, still, size, unit, calm * shift, "OV" in chosen and not last).centre
        views = framed(pose, scale, surface.middle, path, size, photograph.size, _RIM if parallax else 0)
        motion = views @ parallax.homographies if parallax else views
        objects[:, :2, 2] = surface.middle
        track = projected(body, motion @ objects)
        if _well_shown(track, size):
            break
    return Target(surface, track, pose, np.zeros(length), views, parallax), photograph


def cut_out_target(
    rng: Generator, surface: Surface, size: tuple[int, int], shift: np.ndarray, chosen: Collection[str]
) -> Target:
    """A target with its own path, growth, turn and bend.

    Args:
        rng: source of the values.
        surface: its colours and outline.
        size: view width and height, px.
        shift: (T, 2) sudden motion, px.
        chosen: the challenges of the clip.
    """
    length = len(shift)
    pose = draw_pose(rng, length, _roll(rng, chosen), _tilt(rng, chosen), 1.0)
    scale = _side(rng, size, chosen, surface) * np.exp(drift(rng, length, length / 2, _swing(rng, chosen)))
    bends = "DEF" in chosen
    stretch = drift(rng, length, 16, rng.uniform(0.2, 0.45) if bends and rng.random() < 0.5 else 0.04)
    half = surface.half / np.sqrt(surface.half.prod()) * np.exp(0.5 * stretch[:, None] * [1, -1])
    amplitude = np.full(length, rng.uniform(0.08, 0.15) if bends else rng.uniform(0, 0.02))
    body = Body(surface.shape, amplitude, *draw_wave(rng, length, 0.3), np.zeros(length))
    planes = seen(pose, scale / 2, size) @ diagonal(half, length)
    extents = projected(body, planes).extents / size
    shrink = min(1, _LARGEST_FIRST / extents[0].max(), _LARGEST / extents.max())
    planes = seen(pose, scale / 2 * shrink, size) @ diagonal(half, length)
    track = placed(rng, projected(body, planes), size, min(size) / 240, shift, "OV" in chosen)
    return Target(surface, track, pose, stretch, np.tile(np.eye(3), (length, 1, 1)), None)


def diagonal(half: np.ndarray, length: int) -> np.ndarray:
    """Homographies (T, 3, 3) from object units to px about the object's origin, for half sizes (2,) or (T, 2) px."""
    matrix = np.tile(np.eye(3), (length, 1, 1))
    matrix[:, 0, 0], matrix[:, 1, 1] = np.asarray(half).T
    return matrix


def still_body(surface: Surface, length: int) -> Body:
    """The body of a surface that does not bend."""
    still = np.zeros(length)
    return Body(surface.shape, still, np.zeros((2, 2)), np.zeros((length, 2)), still)


def _well_shown(track: Track, size: tuple[int, int]) -> bool:
    """Whether the target begins inside the view, is never too large, and is in view in most frames."""
    bounds, view = track.bounds_xyxy, np.array(size)
    inside = (bounds[0, :2] >= 2).all() and (bounds[0, 2:] <= view - 2).all()
    shares = track.extents / view
    present = ((track.centre > 0) & (track.centre < view)).all(1).mean()
    return bool(inside and shares[0].max() <= _LARGEST_FIRST and shares.max() <= _LARGEST and present >= 0.6)


def _side(rng: Generator, size: tuple[int, int], chosen: Collection[str], surface: Surface) -> float:
    """Geometric mean of the target's width and height in the first frame, view px."""
    low, high = (15, 19) if "LR" in chosen else (28, 115)
    side = low * (high / low) ** rng.random() * (1 if "LR" in chosen else min(size) / 240)
    return float(min(side, _SHARPEST * 2 * np.sqrt(surface.half.prod())))


def _swing(rng: Generator, chosen: Collection[str]) -> float:
    return rng.uniform(0.4, 0.75) if "SV" in chosen else rng.uniform(0, 0.12)


def _roll(rng: Generator, chosen: Collection[str]) -> float:
    return rng.uniform(0.4, 1.1) if "IPR" in chosen else rng.uniform(0, 0.15)


def _tilt(rng: Generator, chosen: Collection[str]) -> float:
    return rng.uniform(0.4, 0.8) if "OPR" in chosen else rng.uniform(0, 0.12)
