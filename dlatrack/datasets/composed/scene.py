"""Scenes of composed videos, drawn from a seed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.random import Generator

from dlatrack.datasets.composed.appearance import Appearance, draw_appearances, draw_patch
from dlatrack.datasets.composed.camera import CameraEffects, draw_camera, draw_camera_effects
from dlatrack.datasets.composed.cutouts import Cutout
from dlatrack.datasets.composed.objects import draw_composed_distractors, draw_composed_target
from dlatrack.datasets.composed.painting import draw_backdrop
from dlatrack.datasets.synthetic.light import draw_light
from dlatrack.datasets.synthetic.motion import Track, generator
from dlatrack.datasets.synthetic.objects import draw_occluders
from dlatrack.datasets.synthetic.scene import Layer, Scene

#: Sizes of the view, px.
VIEWS = ((320, 240), (400, 300), (480, 270), (270, 360))

#: Share of the videos in which something passes in front of the target, and the frames that this takes at least.
_OCCLUDED, _PASSAGE = 0.3, 10


@dataclass(frozen=True, eq=False)
class ComposedScene:
    """A composed video before it is painted."""

    scene: Scene  #: geometry, light and noise, as of a synthetic video
    appearances: tuple[Appearance, ...]  #: appearance of each of `scene.layers`
    backdrop: np.ndarray  #: (H, W, 3) uint8 RGB, the background that the camera moves over
    camera_effects: CameraEffects  #: defocus, tone and compression of the rendered frames


def draw_composed_scene(
    photographs: Sequence[np.ndarray], cutouts: Sequence[Cutout], seed: int, length: int
) -> ComposedScene:
    """Draw a video of `length` frames from photographs, (H, W, 3) uint8 RGB, and cut-outs."""
    rng = generator(seed, 0)
    size = VIEWS[int(rng.integers(len(VIEWS)))]
    behind = int(rng.integers(len(photographs)))
    others = [*photographs[:behind], *photographs[behind + 1 :]] or photographs
    backdrop = draw_backdrop(rng, photographs[behind], size)
    count = int(rng.integers(1, 4))
    alike = int(rng.binomial(count, 0.55))
    appearances = draw_appearances(rng, others, cutouts, 1 + alike)
    appearances += [draw_appearances(rng, photographs, cutouts, 1)[0] for _ in range(count - alike)]
    target = draw_composed_target(rng, length, size, appearances[0])
    distractors = draw_composed_distractors(rng, size, target, appearances[1:])
    covered = bool(rng.random() < _OCCLUDED) and length >= _PASSAGE
    occluders = draw_occluders(rng, size, target) if covered else []
    appearances += [_occluder_appearance(rng, photographs, track) for track in occluders]
    layers = [Layer(track, "own", number) for number, track in enumerate([target, *distractors, *occluders])]
    scene = Scene(
        seed=seed,
        size=size,
        target=layers[0],
        distractors=tuple(layers[1 : 1 + count]),
        occluders=tuple(layers[1 + count :]),
        camera=draw_camera(rng, length, size, (backdrop.shape[1], backdrop.shape[0])),
        exposure=float(rng.choice([0.0, rng.uniform(0, 0.8)], p=[0.4, 0.6])),
        light=draw_light(rng, length, size, bool(rng.random() < 0.3)),
        yaw=np.zeros(length),
        angle=np.zeros(length),
        stretch=np.zeros(length),
        sensor_noise=float(rng.uniform(0, 5)),
    )
    return ComposedScene(scene, tuple(appearances), backdrop, draw_camera_effects(rng, length))


def _occluder_appearance(rng: Generator, photographs: Sequence[np.ndarray], track: Track) -> Appearance:
    """A piece of a photograph in the outline of an occluder."""
    width, height = np.clip(2 * np.linalg.norm(track.axes[0], axis=0), 16, 256).astype(int).tolist()
    photograph = photographs[int(rng.integers(len(photographs)))]
    return draw_patch(rng, photograph, track.body.shape, (width, height))
