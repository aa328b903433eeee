"""Letters and colours in pixel images, in Matplotlib's font without its figures."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from typing import Literal

import matplotlib
import numpy as np
from matplotlib.colors import to_rgb
from matplotlib.ft2font import FT2Font

Colour = tuple[int, int, int]


@lru_cache(maxsize=64)
def rgb(colour: str) -> Colour:
    """A colour such as "#009E73" as three numbers 0..255."""
    red, green, blue = (round(255 * value) for value in to_rgb(colour))
    return red, green, blue


def write_line(
    image: np.ndarray,
    text: str,
    x: float,
    y: float,
    *,
    size: int = 12,
    colour: Colour = (32, 32, 32),
    align: Literal["left", "centre", "right"] = "left",
    bold: bool = False,
) -> None:
    """Write one line into an image, in place; what does not fit is cut off.

    Args:
        image: (H, W, 3) uint8 RGB.
        text: the line, without line breaks.
        x: position of the left end, centre or right end of the line, px.
        y: position of its baseline, px.
        size: size of the font, px.
        colour: colour of the letters.
        align: part of the line that `x` is the position of.
        bold: whether letters are bold.
    """
    if not text:
        return
    letters, descent = _bitmap(text, size, bold)
    height, width = letters.shape
    left = round(x - {"left": 0.0, "centre": width / 2, "right": float(width)}[align])
    blend(image, letters, left, round(y) - height + descent, colour)


def text_width(text: str, *, size: int = 12, bold: bool = False) -> int:
    """Width of a line, px."""
    return _bitmap(text, size, bold)[0].shape[1]


def blend(image: np.ndarray, alpha: np.ndarray, left: int, top: int, colour: Colour) -> None:
    """Lay a colour over an image, in place, with densities `alpha` (h, w) float32 in 0..1."""
    height, width = alpha.shape
    y1, y2 = max(top, 0), min(top + height, image.shape[0])
    x1, x2 = max(left, 0), min(left + width, image.shape[1])
    if y1 >= y2 or x1 >= x2:
        return
    part = image[y1:y2, x1:x2]
    density = alpha[y1 - top : y2 - top, x1 - left : x2 - left, None]
    part[:] = np.rint(part + (np.array(colour, np.float32) - part) * density)


@lru_cache(maxsize=1024)
def _bitmap(text: str, size: int, bold: bool) -> tuple[np.ndarray, int]:
    """Densities (h, w) of a line of text, and how many of its rows lie below the baseline."""
    font = _font(size, bold)
    font.set_text(text, 0.0)
    font.draw_glyphs_to_bitmap(antialiased=True)
    image = np.asarray(font.get_image())
    return image.astype(np.float32) / 255, round(font.get_descent() / 64)


@lru_cache(maxsize=16)
def _font(size: int, bold: bool) -> FT2Font:
    folder = Path(matplotlib.get_data_path()) / "fonts" / "ttf"
    font = FT2Font(str(folder / ("DejaVuSans-Bold.ttf" if bold else "DejaVuSans.ttf")))
    font.set_size(size, 72)
    return font
