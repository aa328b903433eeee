"""The camera of a composed video: its motion, and defocus, tone and compression of the frames."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.random import Generator

from dlatrack.datasets.synthetic.motion import curve, drift

#: Weights of red, green and blue in the brightness of a pixel (ITU-R BT.601).
_LUMA = np.array([0.299, 0.587, 0.114])


@dataclass(frozen=True, eq=False)
class CameraEffects:
    """Defocus, tone and compression over T frames."""

    softness: np.ndarray  #: (T,) standard deviation of the defocus, px; 0 is sharp
    gain: np.ndarray  #: (T, 3) factor on red, green and blue
    contrast: np.ndarray  #: (T,) factor on the distance from mid-grey
    saturation: float  #: factor on the distance from grey; 0 is black and white
    quality: int  #: quality of the JPEG compression of each frame, 1..100; 0: no compression

    def apply(self, image: np.ndarray, index: int) -> np.ndarray:
        """Frame `index` with these effects, (H, W, 3) uint8 RGB, from a rendered image of the same form."""
        if self.softness[index] >= 0.3:
            image = cv2.GaussianBlur(image, (0, 0), float(self.softness[index]))
        grey = np.eye(3) * self.saturation + (1 - self.saturation) * _LUMA
        mixing = self.contrast[index] * grey @ np.diag(self.gain[index])
        offset = np.full((3, 1), 128 * (1 - self.contrast[index]))
        image = cv2.transform(image, np.hstack([mixing, offset]))
        if self.quality:
            options = [cv2.IMWRITE_JPEG_QUALITY, self.quality]
            encoded = cv2.imencode(".jpg", image, options)[1]
            image = cv2.imdecode(encoded, cv2.IMREAD_COLOR)  # type: ignore[assignment]  # encoded just above
        return image


def draw_camera(rng: Generator, length: int, size: tuple[int, int], canvas: tuple[int, int]) -> np.ndarray:
    """Pan, zoom, roll over a background of `canvas` (width, height) px; (T, 4) as `synthetic.scene.Scene.camera`."""
    every = length / rng.uniform(0.8, 2)
    zoom = np.exp(drift(rng, length, every, rng.uniform(0, 0.15)))
    roll = drift(rng, length, every, rng.uniform(0, 0.1))
    room = np.maximum((np.array(canvas) - np.array(size) * 1.1) / 2, 0)
    start = rng.uniform(-1, 1, 2) * room
    pan = rng.choice([0.0, 0.1, 0.4], p=[0.3, 0.4, 0.3]) * np.array(size) * curve(rng, length, every, 2)
    position = np.array(canvas) / 2 + np.clip(start + pan, -room, room)
    return np.concatenate([position, zoom[:, None], roll[:, None]], 1)


def draw_camera_effects(rng: Generator, length: int) -> CameraEffects:
    """Effects that hardly change in most videos; one in four goes in and out of focus, one in ten has no colour."""
    soft = np.zeros(length)
    if rng.random() < 0.25:
        soft = np.maximum(rng.uniform(0, 1.2) + drift(rng, length, length / 2, rng.uniform(0, 1.2)), 0)
    balance = np.exp(rng.normal(0, 0.06, 3))
    gain = balance * np.exp(drift(rng, length, length / 2, rng.uniform(0, 0.15)))[:, None]
    contrast = np.exp(rng.normal(-0.05, 0.15) + drift(rng, length, length / 2, rng.uniform(0, 0.15)))
    saturation = 0.0 if rng.random() < 0.1 else float(rng.uniform(0.6, 1.2))
    quality = int(rng.integers(25, 92)) if rng.random() < 0.6 else 0
    return CameraEffects(soft, gain, contrast, saturation, quality)
