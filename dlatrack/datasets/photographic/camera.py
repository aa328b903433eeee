"""The virtual camera: planes seen in perspective, framed so that the view never leaves the photograph."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.random import Generator

from dlatrack.datasets.synthetic.motion import drift

#: Focal length in units of the longer side of the view.
_FOCAL = 1.3


@dataclass(frozen=True, eq=False)
class Pose:
    """Direction of a plane relative to the camera over T frames; all zero: seen from the front, upright."""

    roll: np.ndarray  #: (T,) turn in the image plane, radians
    yaw: np.ndarray  #: (T,) turn about the vertical axis, radians
    pitch: np.ndarray  #: (T,) turn about the horizontal axis, radians

    @property
    def tilted(self) -> np.ndarray:
        """(T,) turn out of the image plane since frame 0, radians."""
        return np.hypot(self.yaw - self.yaw[0], self.pitch - self.pitch[0])


def draw_pose(rng: Generator, length: int, roll: float, tilt: float, oblique: float = 1.0) -> Pose:
    """A pose that changes smoothly.

    Args:
        rng: source of the values.
        length: frames T.
        roll: largest change of the turn in the image plane, radians.
        tilt: largest change of the turns out of the image plane, radians.
        oblique: size of the turns in the first frame, relative to a few degrees.
    """
    every = length / rng.uniform(1.0, 2.5)
    share = rng.uniform(0.2, 1)
    start = oblique * rng.normal(0, 0.05, 3)
    return Pose(
        start[2] + drift(rng, length, every, roll),
        start[0] + drift(rng, length, every, tilt * share),
        start[1] + drift(rng, length, every, tilt * (1.2 - share) / 1.2),
    )


def seen(pose: Pose, scale: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """Homographies of a plane that is turned about its origin, which lies on the optical axis.

    Args:
        pose: direction of the plane.
        scale: (T,) view px per unit of the plane at its origin.
        size: view width and height, px.

    Returns:
        (T, 3, 3), from the plane to view px relative to the middle of the view.
    """
    focal = _FOCAL * max(size)
    sin, cos = np.sin([pose.roll, pose.yaw, pose.pitch]), np.cos([pose.roll, pose.yaw, pose.pitch])
    zero, one = np.zeros_like(scale), np.ones_like(scale)
    # The plane's x and y axes after yaw, then pitch; z points away from the camera.
    across = np.stack([cos[1], sin[2] * sin[1], -cos[2] * sin[1] / focal]) * scale
    down = np.stack([zero, cos[2], sin[2] / focal]) * scale
    plane = np.stack([across, down, np.stack([zero, zero, one])], 1).transpose(2, 0, 1)
    turn = np.stack([cos[0], -sin[0], zero, sin[0], cos[0], zero, zero, zero, one], 1).reshape(-1, 3, 3)
    return turn @ plane


def moved(offset: np.ndarray) -> np.ndarray:
    """Homographies (T, 3, 3) that add an offset (T, 2)."""
    matrix = np.tile(np.eye(3), (len(offset), 1, 1))
    matrix[:, :2, 2] = offset
    return matrix


def mapped(homographies: np.ndarray, points: np.ndarray) -> np.ndarray:
    """Points (T, P, 2) or (P, 2) under homographies (T, 3, 3); (T, P, 2)."""
    flat = points @ homographies[:, :2, :2].transpose(0, 2, 1) + homographies[:, None, :2, 2]
    depth = points @ homographies[:, 2, :2, None] + homographies[:, None, 2:, 2]
    images: np.ndarray = flat / depth
    return images


def framed(
    pose: Pose,
    scale: np.ndarray,
    anchor: np.ndarray,
    place: np.ndarray,
    size: tuple[int, int],
    photograph: np.ndarray,
    margin: float = 0.0,
) -> np.ndarray:
    """Views of a photograph that show one of its points at a wanted place, as far as the photograph reaches.

    Args:
        pose: direction of the photograph.
        scale: (T,) wanted view px per photograph px; enlarged where the photograph would not fill the view.
        anchor: (2,) point of the photograph, px.
        place: (T, 2) view px where the point is wanted; moved where the view would leave the photograph.
        size: view width and height, px.
        photograph: width and height of the photograph, px.
        margin: px of the photograph along its border that are not shown.

    Returns:
        (T, 3, 3), from photograph px to view px.
    """
    middle = np.array(size) / 2
    corners = middle * np.array([[-1, -1], [1, -1], [1, 1], [-1, 1]])
    reach = mapped(np.linalg.inv(seen(pose, np.ones_like(scale), size)), corners)
    least = (np.ptp(reach, axis=1) / (photograph - 2 * margin - 1)).max(1)
    planes = seen(pose, np.maximum(scale, least), size)
    back = np.linalg.inv(planes)
    look = anchor - mapped(back, (place - middle)[:, None])[:, 0]
    reach = mapped(back, corners)
    look = np.clip(look, margin - reach.min(1), photograph - margin - reach.max(1))
    return moved(np.broadcast_to(middle, look.shape)) @ planes @ moved(-look)
