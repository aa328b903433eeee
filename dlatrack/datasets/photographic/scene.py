"""Scenes of photographic clips, drawn from a seed: everything about a clip but its pixels."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.random import Generator

from dlatrack.datasets.composed.camera import CameraEffects, draw_camera_effects
from dlatrack.datasets.photographic.camera import draw_pose, framed, mapped
from dlatrack.datasets.photographic.parallax import Parallax
from dlatrack.datasets.photographic.pictures import Photograph, photographs
from dlatrack.datasets.photographic.surfaces import Surface, outlined_surface, patch, random_patch
from dlatrack.datasets.photographic.targets import cut_out_target, in_place_target, objects_in_place
from dlatrack.datasets.synthetic.light import draw_light
from dlatrack.datasets.synthetic.motion import curve, drift, generator
from dlatrack.datasets.synthetic.objects import draw_occluders, draw_shift, draw_synthetic_distractors
from dlatrack.datasets.synthetic.scene import CHALLENGES, Layer, Scene

#: Share of the clips whose target is a part of the photograph, and of the cut-outs of the training side that are a
#: patch of a photograph in a random outline, so that a network sees more than a dozen objects.
_IN_PLACE, _PATCH = 0.5, 0.3

#: Stream of the seed for scenes, by split: clips of equal seeds differ in their motion too.
_STREAM = {"train": 4, "test": 5}

#: Frames that a passage of an occluder, or a trip outside the view, takes at least.
_PASSAGE = 10


@dataclass(frozen=True, eq=False)
class PhotographicScene:
    """A photographic clip before it is painted."""

    scene: Scene  #: geometry, light and noise, as of a synthetic video
    photograph: Photograph  #: the photograph that the camera moves over
    views: np.ndarray  #: (T, 3, 3) homographies from its px to view px
    parallax: Parallax | None  #: motion of its points by their depth, where known
    surfaces: tuple[Surface, ...]  #: surface of each of `scene.layers`
    in_place: bool  #: whether the target is a part of the photograph, and not drawn over it
    camera_effects: CameraEffects  #: defocus, tone and compression of the rendered frames


def draw_photographic_scene(
    seed: int, length: int, size: tuple[int, int], split: str, without: Collection[str] = ()
) -> PhotographicScene:
    """Draw a clip of `length` frames of `size` (width, height) px from the photographs of a split.

    `without` names challenges that are not drawn for it.
    """
    rng = generator(seed, _STREAM[split])
    pictures = list(photographs(split).values())
    chosen = {name for name, share in CHALLENGES.items() if rng.random() < share} - set(without)
    if length < _PASSAGE:
        chosen -= {"OCC", "OV"}
    shift, of_camera = draw_shift(rng, length, min(size) / 240, chosen)
    fitting = objects_in_place(pictures, size)
    in_place = bool(rng.random() < _IN_PLACE and fitting)
    if in_place:
        target, photograph = in_place_target(rng, fitting, size, shift, chosen)
        views = target.views
    else:
        surface, photograph = _cut_out_and_background(rng, pictures, split)
        target = cut_out_target(rng, surface, size, shift, chosen)
        views = _background_views(rng, photograph, size, shift if of_camera else np.zeros_like(shift))
    twins = int(rng.integers(1, 4)) if "BC" in chosen else 0
    distractors = draw_synthetic_distractors(rng, size, target.track, twins)
    occluders = draw_occluders(rng, size, target.track) if "OCC" in chosen else []
    skins = ["target"] * twins + ["own"] * (len(distractors) - twins + len(occluders))
    pairs = zip([*distractors, *occluders], skins, strict=True)
    layers = [Layer(track, skin, number + 1) for number, (track, skin) in enumerate(pairs)]
    others = [target.surface if layer.skin == "target" else _patch(rng, pictures, layer) for layer in layers]
    scene = Scene(
        seed=seed,
        size=size,
        target=Layer(target.track, "own", 0),
        distractors=tuple(layers[: len(distractors)]),
        occluders=tuple(layers[len(distractors) :]),
        camera=_similar(views, size),
        exposure=float(rng.uniform(0.5, 1) if "MB" in chosen else rng.uniform(0, 0.15)),
        light=draw_light(rng, length, size, "IV" in chosen),
        yaw=target.pose.tilted,
        angle=target.pose.roll - target.pose.roll[0],
        stretch=target.stretch,
        sensor_noise=float(rng.uniform(0.5, 4)),
    )
    effects = draw_camera_effects(rng, length)
    surfaces = (target.surface, *others)
    return PhotographicScene(scene, photograph, views, target.parallax, surfaces, in_place, effects)


def _cut_out_and_background(
    rng: Generator, pictures: Sequence[Photograph], split: str
) -> tuple[Surface, Photograph]:
    """An outlined object, or on the training side perhaps a patch, and a photograph of something else."""
    objects = [(picture, name) for picture in pictures for name in picture.cut_outs]
    source, name = objects[int(rng.integers(len(objects)))]
    surface = outlined_surface(source, name)
    if split == "train" and rng.random() < _PATCH:
        source = pictures[int(rng.integers(len(pictures)))]
        surface = random_patch(rng, [source])
    others = [picture for picture in pictures if picture.source != source.source]
    return surface, others[int(rng.integers(len(others)))]


def _background_views(
    rng: Generator, photograph: Photograph, size: tuple[int, int], shift: np.ndarray
) -> np.ndarray:
    """Views, (T, 3, 3), of a camera that pans, zooms, rolls and tilts over a photograph, of which it shows a part."""
    length = len(shift)
    fit = (np.array(size) / photograph.size).max()
    pose = draw_pose(rng, length, rng.uniform(0, 0.12), rng.uniform(0, 0.15))
    zoom = np.exp(drift(rng, length, length / 2, rng.uniform(0, 0.15)))
    scale = fit / rng.uniform(0.45, 0.95) * zoom
    reach = rng.choice([0.05, 0.2, 0.5]) * np.array(size)
    pan = shift + reach * curve(rng, length, length / rng.uniform(1, 2), 2)
    anchor = photograph.size * rng.uniform(0.2, 0.8, 2)
    return framed(pose, scale, anchor, np.array(size) / 2 + pan, size, photograph.size)


def _patch(rng: Generator, pictures: Sequence[Photograph], layer: Layer) -> Surface:
    """A piece of a photograph for a distractor or an occluder."""
    half = np.clip(np.linalg.norm(layer.track.axes[0], axis=0), 8, 120)
    return patch(rng, pictures, layer.track.body.shape, half)


def _similar(views: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """Position, zoom and roll, (T, 4) as `Scene.camera`, of views in their middle."""
    middle = np.array(size) / 2
    points = mapped(np.linalg.inv(views), middle + np.array([[0.0, 0], [1, 0]]))
    x, y = (points[:, 1] - points[:, 0]).T
    return np.column_stack([points[:, 0], np.hypot(x, y), np.arctan2(y, x)])
