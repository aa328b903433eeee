"""Painting and rendering of photographic clips: textures are prepared once per clip, frames are warped from them."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from dlatrack.datasets.photographic.scene import PhotographicScene
from dlatrack.datasets.photographic.surfaces import TEXTURE_REACH
from dlatrack.datasets.synthetic.motion import Track, generator
from dlatrack.datasets.synthetic.render import (
    blend_into,
    blurred,
    lit_and_noisy,
    object_points,
    pyramid,
    sampled,
    sensor_noise,
    window_of,
)
from dlatrack.datasets.synthetic.scene import Layer
from dlatrack.datasets.synthetic.truth import coverage

#: Stream of the seed for the sensor noise; scenes use stream 0.
_NOISE = 1


@dataclass(frozen=True, eq=False)
class PaintedClip:
    """The pixels of a clip: background, noise, and the textures of its objects."""

    background: np.ndarray  #: (H', W', 3) uint8 RGB, the photograph, shrunk where the camera shows it smaller
    shrinkage: np.ndarray  #: (2,) background px per photograph px
    noise: np.ndarray  #: as `sensor_noise`
    textures: tuple[tuple[np.ndarray, ...], ...]  #: image pyramid of each of `scene.layers`


def paint_photographic(clip: PhotographicScene) -> PaintedClip:
    """Prepare the pixels of a clip."""
    image = clip.photograph.image
    shown = float(np.median(1 / clip.scene.camera[:, 2]))
    if shown < 0.8:
        image = cv2.resize(image, None, fx=shown, fy=shown, interpolation=cv2.INTER_AREA)
    shrinkage = np.array(image.shape[1::-1]) / clip.photograph.size
    noise = sensor_noise(generator(clip.scene.seed, _NOISE), clip.scene)
    return PaintedClip(image, shrinkage, noise, tuple(pyramid(surface.texture) for surface in clip.surfaces))


def render_photographic(clip: PhotographicScene, painted: PaintedClip, index: int) -> np.ndarray:
    """Frame `index` of a clip, (H, W, 3) uint8 RGB."""
    scene = clip.scene
    image = _background(clip, painted, index)
    # Where the target is a part of the photograph, the background is as sharp as the target.
    image = blurred(image, scene.smear(scene.target if clip.in_place else None)[index])
    bare = image.copy() if clip.in_place and scene.distractors else image
    for layer in scene.distractors:
        _draw(clip, painted, layer, image, index)
    if not clip.in_place:
        _draw(clip, painted, scene.target, image, index)
    elif scene.distractors:
        _restore(image, bare, scene.target.track, index)
    for layer in scene.occluders:
        _draw(clip, painted, layer, image, index)
    return clip.camera_effects.apply(lit_and_noisy(scene, painted.noise, image, index), index)


def _draw(clip: PhotographicScene, painted: PaintedClip, layer: Layer, image: np.ndarray, index: int) -> None:
    """Draw an object over `image`, in place."""
    track, smear = layer.track, clip.scene.smear(layer)[index]
    window = window_of(track, index, smear, image)
    if window is None:
        return
    low, high = window
    points = object_points(track, index, low, high)
    size = 2 * np.linalg.norm(track.axes[index], axis=0)
    textures = painted.textures[layer.number]
    skin = sampled(textures, points, (TEXTURE_REACH, TEXTURE_REACH), size, cv2.BORDER_REPLICATE)
    blend_into(image[low[1] : high[1], low[0] : high[0]], skin, coverage(track, index, low, high), smear)


def _restore(image: np.ndarray, bare: np.ndarray, track: Track, index: int) -> None:
    """Put the target of an image without distractors in front of them, in place."""
    window = window_of(track, index, np.zeros(2), image)
    if window is None:
        return
    low, high = window
    part = np.s_[low[1] : high[1], low[0] : high[0]]
    blend_into(image[part], bare[part], coverage(track, index, low, high), np.zeros(2))


def _background(clip: PhotographicScene, painted: PaintedClip, index: int) -> np.ndarray:
    """The photograph under the camera of frame `index`."""
    width, height = size = clip.scene.size
    if clip.parallax is None:
        back = np.linalg.inv(clip.views[index])
        inner = np.array([[1, 0, 0.5], [0, 1, 0.5], [0, 0, 1]])  # pixel i is shown at its middle, i + 0.5
        outer = np.array([[painted.shrinkage[0], 0, -0.5], [0, painted.shrinkage[1], -0.5], [0, 0, 1]])
        flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
        return cv2.warpPerspective(
            painted.background, outer @ back @ inner, size, flags=flags, borderMode=cv2.BORDER_REFLECT_101
        )
    x, y = np.arange(width) + 0.5, np.arange(height) + 0.5
    points = photograph_points(clip, index, np.stack(np.meshgrid(x, y), -1))
    points = points * np.float32(painted.shrinkage) - np.float32(0.5)
    return cv2.remap(painted.background, points, None, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT_101)


def photograph_points(clip: PhotographicScene, index: int, places: np.ndarray) -> np.ndarray:
    """The photograph's points, (h, w, 2) float32 px, that frame `index` shows at `places` (h, w, 2), view px."""
    back = np.linalg.inv(clip.views[index])
    flat = places[..., :1] * back[:, 0] + places[..., 1:] * back[:, 1] + back[:, 2]
    points = (flat[..., :2] / flat[..., 2:]).astype(np.float32)
    return points if clip.parallax is None else clip.parallax.sources(index, points)
