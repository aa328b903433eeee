"""Everything about a composed video, drawn from its seed."""

from __future__ import annotations

from collections.abc import Sequence as Listing
from dataclasses import dataclass

import numpy as np
from numpy.random import Generator

from dlatrack.datasets.composed.appearance import Appearance, draw_appearances, patch
from dlatrack.datasets.composed.camera import CameraEffects, draw_recording
from dlatrack.datasets.composed.cutouts import Cutout
from dlatrack.datasets.composed.motion import draw_camera, draw_distractor_tracks, draw_target_track
from dlatrack.datasets.composed.painting import backdrop
from dlatrack.datasets.synthetic.light import draw_light
from dlatrack.datasets.synthetic.motion import Track
from dlatrack.datasets.synthetic.objects import draw_occluders
from dlatrack.datasets.synthetic.scene import Layer, Scene

#: Sizes of the view, px.
VIEWS = ((320, 240), (400, 300), (480, 270), (270, 360))

#: Share of the videos in which something passes in front of the target, and the frames that this takes.
_OCCLUDED, _PASSAGE = 0.3, 10


@dataclass(frozen=True, eq=False)
class Production:
    """A composed video before it is painted.

    Args:
        scene: geometry, light and noise, as of a synthetic video.
        appearances: of target, distractors and occluders, by their number in the scene.
        backdrop: (H, W, 3) uint8 RGB that the camera looks at.
        recording: what becomes of the picture.
    """

    scene: Scene
    appearances: tuple[Appearance, ...]
    backdrop: np.ndarray
    recording: CameraEffects


def draw_scene(images: Listing[np.ndarray], cutouts: Listing[Cutout], seed: int, length: int) -> Production:
    """Draw a video of `length` frames from photographs, (H, W, 3) uint8 RGB, and cut-outs."""
    rng = np.random.Generator(np.random.PCG64([seed, 0]))
    size = VIEWS[int(rng.integers(len(VIEWS)))]
    behind = int(rng.integers(len(images)))
    others = [*images[:behind], *images[behind + 1 :]] or images
    view = backdrop(rng, images[behind], size)
    count = int(rng.integers(1, 4))
    alike = int(rng.binomial(count, 0.55))
    appearances = draw_appearances(rng, others, cutouts, 1 + alike)
    appearances += [draw_appearances(rng, images, cutouts, 1)[0] for _ in range(count - alike)]
    target = draw_target_track(rng, length, size, appearances[0])
    distractors = draw_distractor_tracks(rng, size, target, appearances[1:])
    covered = bool(rng.random() < _OCCLUDED) and length >= _PASSAGE
    occluders = draw_occluders(rng, size, target) if covered else []
    appearances += [_cover(rng, images, track) for track in occluders]
    layers = [Layer(track, "own", number) for number, track in enumerate([target, *distractors, *occluders])]
    scene = Scene(
        seed=seed,
        size=size,
        target=layers[0],
        distractors=tuple(layers[1 : 1 + count]),
        occluders=tuple(layers[1 + count :]),
        camera=draw_camera(rng, length, size, (view.shape[1], view.shape[0])),
        exposure=float(rng.choice([0.0, rng.uniform(0, 0.8)], p=[0.4, 0.6])),
        light=draw_light(rng, length, size, bool(rng.random() < 0.3)),
        yaw=np.zeros(length),
        angle=np.zeros(length),
        stretch=np.zeros(length),
        sensor_noise=float(rng.uniform(0, 5)),
    )
    return Production(scene, tuple(appearances), view, draw_recording(rng, length))


def _cover(rng: Generator, images: Listing[np.ndarray], track: Track) -> Appearance:
    """A piece of a photograph in the outline of an occluder."""
    width, height = np.clip(2 * np.linalg.norm(track.axes[0], axis=0), 16, 256).astype(int).tolist()
    return patch(rng, images[int(rng.integers(len(images)))], track.body.shape, (width, height))
