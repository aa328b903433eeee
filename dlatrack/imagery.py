"""Where images come from: a real camera, photographs under a simulated camera, a renderer, or several of these."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal, get_args

#: "real": recorded by a camera; "photographic": real photographs that a simulated camera looks at, so that motion and
#: truth are computed; "synthetic": rendered, or simulated boxes without images; "mixed": numbers from videos of
#: several of these kinds.
Imagery = Literal["real", "photographic", "synthetic", "mixed"]

#: What a picture says about its images; real ones need no mark.
MARKS: dict[Imagery, str] = {
    "real": "",
    "photographic": "photographs, simulated camera",
    "synthetic": "synthetic data",
    "mixed": "videos of several kinds",
}


def least_real(found: Iterable[Imagery]) -> Imagery:
    """The imagery of a whole whose parts differ: that of the part which is furthest from a recording.

    Raises:
        ValueError: without parts.
    """
    order = get_args(Imagery)
    return max(found, key=order.index)


def imagery_of_all(found: Iterable[Imagery]) -> Imagery:
    """The imagery that all parts of a whole have in common, or "mixed".

    Raises:
        ValueError: without parts.
    """
    kinds = set(found)
    if not kinds:
        raise ValueError("imagery of a whole needs at least one part")
    return kinds.pop() if len(kinds) == 1 else "mixed"
