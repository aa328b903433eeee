"""Where images come from: a real camera, photographs under a simulated camera, or a renderer."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal, get_args

#: "real": recorded by a camera; "photographic": real photographs that a simulated camera looks at, so that motion and
#: truth are computed; "synthetic": rendered, or simulated boxes without images.
Imagery = Literal["real", "photographic", "synthetic"]

#: What a picture says about its images; real ones need no mark.
MARKS: dict[Imagery, str] = {
    "real": "",
    "photographic": "photographs, simulated camera",
    "synthetic": "synthetic data",
}


def least_real(found: Iterable[Imagery]) -> Imagery:
    """The imagery of a whole whose parts differ: that of the part which is furthest from a recording.

    Raises:
        ValueError: without parts.
    """
    order = get_args(Imagery)
    return max(found, key=order.index)
