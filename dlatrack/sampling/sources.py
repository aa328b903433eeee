"""Sources of training pairs: crops of tracks, stored or cut on the fly."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

import numpy as np

from dlatrack.sampling.crops import PixelRectangle


class CropSource(Protocol):
    """N crops of T tracks in V videos, ordered by video, track and frame; the target is centred in every crop.

    Attributes:
        target_wh: (N, 2) float32, target width and height in crop px.
        tracks: (T + 1,) int64, where each track starts among the crops.
        videos: (V + 1,) int64, where each video starts among the tracks; a still image is a video, too.
        origin: findings of the check of their data set (`CheckReport.origin`); empty for crops from elsewhere.
        track_count: T.
    """

    @property
    def target_wh(self) -> np.ndarray: ...

    @property
    def tracks(self) -> np.ndarray: ...

    @property
    def videos(self) -> np.ndarray: ...

    @property
    def origin(self) -> Mapping[str, Any]: ...

    @property
    def track_count(self) -> int: ...

    def __len__(self) -> int: ...

    def image(self, index: int, needed: PixelRectangle | None = None) -> np.ndarray:
        """Crop `index`, (511, 511, 3) uint8 RGB; pixels outside `needed` may be anything.

        Raises:
            InputError: if it cannot be decoded.
        """
        ...

    def digest(self) -> str:
        """SHA-256 that differs between sources with different crops; a training run records it."""
        ...

    def content(self) -> dict[str, str]:
        """Hashes of the parts of the source by the name of the part, e.g. "sequence dog", for messages."""
        ...
