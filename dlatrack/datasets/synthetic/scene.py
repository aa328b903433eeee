"""Scenes: everything about a video but its pixels; those of synthetic videos are drawn from the seed."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.random import Generator

from dlatrack.datasets.synthetic.light import Light, draw_light
from dlatrack.datasets.synthetic.motion import Track, curve, drift, generator, shown_fractions
from dlatrack.datasets.synthetic.objects import (
    draw_occluders,
    draw_shift,
    draw_synthetic_distractors,
    draw_synthetic_target,
)

#: Background px per view px, in each direction.
CANVAS = 2.0

#: The 11 challenges of OTB100 and the share of its sequences that have each, which is the chance to draw it here.
CHALLENGES = {
    "IV": 0.38,
    "SV": 0.65,
    "OCC": 0.49,
    "DEF": 0.44,
    "MB": 0.31,
    "FM": 0.43,
    "IPR": 0.51,
    "OPR": 0.64,
    "OV": 0.14,
    "BC": 0.32,
    "LR": 0.10,
}


@dataclass(frozen=True, eq=False)
class Layer:
    """One object of a scene: its motion and its surface."""

    track: Track  #: geometry over time
    skin: str  #: surface: "own", "target" (that of the target) or "background" (a piece of the background)
    number: int  #: number of the object in the scene; 0 is the target


@dataclass(frozen=True, eq=False)
class Scene:
    """A video before it is painted."""

    seed: int  #: seed of the textures and the noise
    size: tuple[int, int]  #: view width and height, px
    target: Layer  #: the annotated object
    distractors: tuple[Layer, ...]  #: objects drawn behind the target
    occluders: tuple[Layer, ...]  #: objects drawn in front of it
    #: (T, 4) view centre x, y in background px, background px per view px, roll in radians
    camera: np.ndarray
    exposure: float  #: share of the frame interval during which the shutter is open
    light: Light  #: illumination over time and place
    yaw: np.ndarray  #: (T,) out-of-plane turn of the target since frame 0, radians
    angle: np.ndarray  #: (T,) in-plane turn of the target since frame 0, radians
    stretch: np.ndarray  #: (T,) logarithm of the target's aspect ratio relative to frame 0
    sensor_noise: float  #: standard deviation in grey levels

    @property
    def canvas(self) -> tuple[int, int]:
        """Width and height of the background image, px."""
        return int(self.size[0] * CANVAS), int(self.size[1] * CANVAS)

    def smear(self, layer: Layer | None) -> np.ndarray:
        """(T, 2) px that a layer, or with None the background, moves in the view while the shutter is open."""
        if len(self.camera) == 1:
            return np.zeros((1, 2))
        if layer is not None:
            return self.exposure * np.gradient(layer.track.centre, axis=0)
        return -self.exposure * np.gradient(self.camera[:, :2], axis=0) / self.camera[:, 2:3]

    @property
    def layers(self) -> tuple[Layer, ...]:
        """All objects in the order of their numbers: target, distractors, occluders."""
        return (self.target, *self.distractors, *self.occluders)

    @cached_property
    def fractions(self) -> tuple[np.ndarray, np.ndarray]:
        """(T,) share of the target inside the image, and (T,) share inside and not covered."""
        return shown_fractions(self.target.track, [layer.track for layer in self.occluders], self.size)


def check_video(seed: int, length: int, size: tuple[int, int]) -> None:
    """Raise ValueError for a seed, a number of frames or a view (width, height) that a rendered video cannot have."""
    if not 0 <= seed < 2**32:
        raise ValueError(f"seed must be in 0..{2**32 - 1}, got {seed}")
    if length < 1:
        raise ValueError(f"length must be 1 or more, got {length}")
    if len(size) != 2 or min(size) < 64:
        raise ValueError(f"size must be a width and a height of 64 px or more, got {size}")


def draw_synthetic_scene(
    seed: int, length: int, size: tuple[int, int], challenges: Collection[str] | None = None
) -> Scene:
    """Draw a scene of `length` frames; `challenges` names those of `CHALLENGES` to include, None draws them too."""
    rng = generator(seed, 0)
    chosen = {name for name, share in CHALLENGES.items() if rng.random() < share}
    if challenges is not None:
        chosen = set(challenges)
    if length < 10:  # too short for anything to come and go
        chosen -= {"OCC", "OV"}
    unit = min(size) / 240
    shift, jerk = draw_shift(rng, length, unit, chosen)
    yaw, angle, stretch, target = draw_synthetic_target(rng, length, size, unit, chosen, shift)
    camera = _camera(rng, length, size, shift if jerk else np.zeros((length, 2)), target)
    skin, twins = "own", 0
    if "BC" in chosen:
        skin, twins = ("background", 0) if rng.random() < 0.35 else ("own", int(rng.integers(1, 4)))
    distractors = draw_synthetic_distractors(rng, size, target, twins)
    occluders = draw_occluders(rng, size, target) if "OCC" in chosen else []
    skins = ["target"] * twins + ["own"] * (len(distractors) - twins)
    skins += list(rng.choice(["own", "background", "target"], len(occluders), p=[0.6, 0.25, 0.15]))
    layers = [Layer(track, skins[n], n + 1) for n, track in enumerate(distractors + occluders)]
    return Scene(
        seed=seed,
        size=size,
        target=Layer(target, skin, 0),
        distractors=tuple(layers[: len(distractors)]),
        occluders=tuple(layers[len(distractors) :]),
        camera=camera,
        exposure=float(rng.uniform(0.6, 1) if "MB" in chosen else rng.uniform(0, 0.15)),
        light=draw_light(rng, length, size, "IV" in chosen),
        yaw=yaw,
        angle=angle - angle[0],
        stretch=stretch,
        sensor_noise=float(rng.uniform(1, 6)),
    )


def _camera(
    rng: Generator, length: int, size: tuple[int, int], shift: np.ndarray, target: Track
) -> np.ndarray:
    """Pan, zoom and roll, as `Scene.camera`; the camera causes a part of the target's growth and all of `shift`."""
    growth = np.sqrt(np.linalg.det(target.axes))
    follow = rng.choice([0.0, 0.4], p=[0.6, 0.4])
    zoom = np.clip(
        (growth / growth[0]) ** -follow * np.exp(drift(rng, length, 30, rng.uniform(0, 0.15))), 0.6, 1.4
    )
    middle = CANVAS * np.array(size) / 2
    room = middle - 0.65 * np.array(size)
    pan = rng.choice([0.05, 0.5, 1.0]) * room * curve(rng, length, rng.uniform(20, 50), 2)
    roll = drift(rng, length, 25, rng.uniform(0, 0.12))
    position = middle + np.clip(pan, -room, room) - shift * zoom[:, None]
    return np.concatenate([position, zoom[:, None], roll[:, None]], 1)
