"""The small trained trackers that come with the package."""

from __future__ import annotations

from pathlib import Path

from dlatrack.errors import InputError

#: One file per recipe, and their model card.
SHIPPED = Path(__file__).parents[1] / "weights"


def shipped() -> tuple[str, ...]:
    """Names of the trackers whose weights come with the package."""
    return tuple(sorted(file.stem for file in SHIPPED.glob("*.safetensors")))


def find_weights(place: str | Path) -> Path:
    """A weight file, by its path or by the name of a tracker that comes with the package.

    A file of that name in the working directory goes before.

    Raises:
        InputError: naming what there is, if `place` is neither.
    """
    path = Path(place)
    if path.exists() or path.suffix or len(path.parts) > 1:
        return path
    if str(place) not in shipped():
        raise InputError(
            f"there is no file {place}, and no weights of that name come with dlatrack; it has {', '.join(shipped())}"
        )
    return SHIPPED / f"{place}.safetensors"
