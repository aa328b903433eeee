"""Reading photographs."""

from __future__ import annotations

from collections.abc import Sequence as Listing
from pathlib import Path

import numpy as np

from dlatrack.datasets.images import read_image
from dlatrack.errors import InputError

#: Smallest side of a photograph, px.
_SMALLEST = 64


def read_photographs(files: Listing[Path]) -> list[np.ndarray]:
    """Decode photographs, (H, W, 3) uint8 RGB.

    Raises:
        InputError: naming the file, if one cannot be read or has a side under 64 px, or there is none.
    """
    if not files:
        raise InputError("there is no photograph; at least one is needed to compose a video")
    images = []
    for file in files:
        image = read_image(file, upright=True)
        if min(image.shape[:2]) < _SMALLEST:
            raise InputError(
                f"{file} is {image.shape[1]} x {image.shape[0]} px; a photograph needs {_SMALLEST} px a side"
            )
        images.append(image)
    return images
