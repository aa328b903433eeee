"""The score map in coordinates of the search region: its points and its anchors."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import torch
from torch import Tensor

#: Anchor width and height in px for the ratios 0.33, 0.5, 1, 2, 3 at stride 8 and scale 8. The public anchor
#: generator truncates to whole strides, hence 104 x 32 and not 110.8 x 36.6.
RPN_ANCHORS: tuple[tuple[float, float], ...] = ((104, 32), (88, 40), (64, 64), (40, 80), (32, 96))

#: Side of SiamCAR's rectangle of positives over the side of the target, in its public code and in SiamDLA's text.
CODE_RECTANGLE, PAPER_RECTANGLE = 0.4, 0.6

#: The one box that an anchor-free head gets at each point for label assignment (SiamDLA Sec. 3.2).
POINT_ANCHOR: tuple[tuple[float, float], ...] = ((64, 64),)


@dataclass(frozen=True)
class ScoreGrid:
    """A square score map whose cell (row j, column i) is centred on the search-region point offset + stride * (i, j).

    Samples are numbered row-major, x fastest; with m anchors per point, sample n * m + a is anchor a of point n.

    Args:
        size: cells per side.
        stride: search-region px between neighbouring cells.
        offset: search-region px of the first cell. 31 is where the receptive field of a 25 x 25 map on a
            255-pixel region really is; the public SiamCAR code trains with 32.

    Raises:
        ValueError: if `size` or `stride` is not positive.
    """

    size: int = 25
    stride: float = 8
    offset: float = 31

    def __post_init__(self) -> None:
        if self.size < 1 or self.stride <= 0:
            raise ValueError(
                f"a score grid needs size >= 1 and stride > 0, got {self.size} and {self.stride}"
            )

    @property
    def axis(self) -> Tensor:
        """(size,) float64, the coordinate of each column or row, search-region px; a copy."""
        return self._axis.clone()

    @property
    def points(self) -> Tensor:
        """(N, 2) float64, x then y, search-region px; a copy."""
        return self._points.clone()

    @cached_property
    def _axis(self) -> Tensor:
        return self.offset + self.stride * torch.arange(self.size, dtype=torch.float64)

    @cached_property
    def _points(self) -> Tensor:
        y, x = torch.meshgrid(self._axis, self._axis, indexing="ij")
        return torch.stack([x.flatten(), y.flatten()], 1)

    def anchors(self, shapes: tuple[tuple[float, float], ...]) -> Tensor:
        """Anchor boxes centred on the points.

        Args:
            shapes: m pairs of width and height in px.

        Returns:
            (N * m, 4) float64 xyxy, search-region px.
        """
        half = torch.tensor(shapes, dtype=torch.float64) / 2
        points = self.points[:, None]
        return torch.cat([points - half, points + half], -1).flatten(0, 1)
