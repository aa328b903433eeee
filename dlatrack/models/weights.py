"""The project's own weight files: safetensors with the recipe and a model card inside; some come with the package."""

from __future__ import annotations

import json
from collections.abc import Mapping
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import torch
from torch import Tensor

from dlatrack import paths
from dlatrack.errors import InputError, shortened
from dlatrack.files import file_digest
from dlatrack.models.checkpoint_files import read_metadata, read_safetensors, write_safetensors
from dlatrack.models.state_files import load_strict
from dlatrack.recipes import RECIPES, Recipe
from dlatrack.recipes.serialize import recipe_from_dict
from dlatrack.structured.json_files import json_object, parse_json
from dlatrack.structured.typed import shown

if TYPE_CHECKING:
    from dlatrack.models.siamese import SiameseNet

#: Folder of the weights that come with the package: one file per recipe, trunks, and their model card.
SHIPPED = paths.shipped_weights_dir()

# One metadata entry and not several: safetensors writes several in random order, and the same weights must
# give the same bytes.
_METADATA = "dlatrack"
_VERSION = 1


class WeightsInfo(NamedTuple):
    """Recipe and model card of a weight file."""

    recipe: Recipe  #: recipe that was trained
    card: dict[str, Any]  #: model card: data, seed, scores and versions as the trainer wrote them


def shipped() -> tuple[str, ...]:
    """Names of the trackers whose weights come with the package."""
    return tuple(sorted(file.stem for file in SHIPPED.glob("*.safetensors") if file.stem in RECIPES))


def shipped_with(digest: str) -> Path | None:
    """The weight file of a shipped tracker with this SHA-256, if there is one."""
    files = (SHIPPED / f"{name}.safetensors" for name in shipped())
    return next((file for file in files if file_digest(file) == digest), None)


def find_weights(place: str | Path) -> Path:
    """A weight file, by its path or by the name of a tracker that comes with the package.

    A file of that name in the working directory takes precedence, a folder does not.

    Raises:
        InputError: naming the shipped trackers, if `place` is neither.
    """
    if not isinstance(place, (str, PathLike)):
        raise InputError(
            f"weights are a file, or one of the names {', '.join(shipped())}, got {shortened(repr(place))}"
        )
    path, name = Path(place), str(place)
    if name in shipped() and not path.is_file():
        return SHIPPED / f"{name}.safetensors"
    if path.exists() and not path.is_dir():
        return path
    if len(path.parts) > 1 and not path.is_dir():
        return path  # reading it names what is missing
    fault = f"{name!r} is a folder and no weight file" if path.is_dir() else f"there is no file {name}"
    raise InputError(
        f"{fault}, and no weights of that name come with dlatrack; it has {', '.join(shipped())}"
    )


def save_weights(
    path: str | Path,
    net: SiameseNet,
    recipe: Recipe,
    card: Mapping[str, Any],
    *,
    dtype: torch.dtype = torch.float32,
) -> None:
    """Write the weights of a network, whole or not at all; the same arguments give the same bytes.

    The file is a safetensors file. Its metadata entry "dlatrack" is JSON with `version`, `name` (of the
    recipe), `recipe` (resolved) and `card`.

    Args:
        path: file to write.
        net: network on any device and in any memory format.
        recipe: recipe that `net` was built from.
        card: model card; JSON values only.
        dtype: dtype in which floating-point weights are stored; float16 takes half the space. Networks are always
            built in float32.

    Raises:
        InputError: when the file cannot be written.
        ValueError: when `card` is not plain JSON, or a weight is beyond the range of `dtype`.
    """
    content = {"version": _VERSION, "name": recipe.name, "recipe": recipe.as_dict(), "card": dict(card)}
    try:
        text = json.dumps(content, sort_keys=True, allow_nan=False)
    except (TypeError, ValueError) as error:
        raise ValueError(f"the model card must be plain JSON: {error}") from error
    tensors = {name: _stored(name, value, dtype) for name, value in net.state_dict().items()}
    write_safetensors(path, tensors, {_METADATA: text})


def load_weights(path: str | Path, expect: Recipe | None = None) -> tuple[SiameseNet, Recipe]:
    """Read a weight file and build its network, in evaluation mode on the CPU.

    Args:
        path: file written by `save_weights`, or name of a tracker that comes with the package (`find_weights`),
            e.g. "dla_nanotrack_v3".
        expect: recipe that the file must hold, by name and network; its schedule may differ. None: any.

    Returns:
        The network and the recipe in the file.

    Raises:
        InputError: when the file is missing, truncated, not from `save_weights` or of another recipe, lacks weights
            or holds values that are not finite.
    """
    # Imported here, as it loads torchvision, which `read_weights_info` does not need.
    from dlatrack.models.siamese import build_model

    path = find_weights(path)
    tensors, metadata = read_safetensors(path)
    recipe = _info(path, metadata).recipe
    if expect is not None and recipe.name != expect.name:
        raise InputError(f"{path} holds weights of recipe {recipe.name}, expected {expect.name}")
    if expect is not None and recipe.net != expect.net:
        raise InputError(f"{path} holds weights of {recipe.net}, expected {expect.net}")
    try:
        net = build_model(recipe)
    except ValueError as error:
        raise InputError(f"{path}: {error}") from error
    load_strict(net, tensors, str(path))
    return net, recipe


def read_weights_info(path: str | Path) -> WeightsInfo:
    """Read recipe and model card of a weight file, found as in `load_weights`.

    Raises:
        InputError: when the file is missing, truncated or not from `save_weights`.
    """
    path = find_weights(path)
    return _info(path, read_safetensors(path)[1])


def has_card(path: str | Path) -> bool:
    """Whether a safetensors file is a weight file of this package, with recipe and model card.

    Raises:
        InputError: when it is missing, truncated or no safetensors file.
    """
    return _METADATA in read_metadata(path)


def _stored(name: str, value: Tensor, dtype: torch.dtype) -> Tensor:
    if not value.is_floating_point():
        return value
    stored = value.to(dtype)
    if not torch.equal(stored.isfinite(), value.isfinite()):
        raise ValueError(f"{name} has values beyond the range of {dtype}")
    return stored


def _info(path: str | Path, metadata: Mapping[str, str]) -> WeightsInfo:
    if _METADATA not in metadata:
        raise InputError(f"{path} is not a dlatrack weight file: its metadata has no {_METADATA!r} entry")
    where = f"{path} has damaged metadata"
    content = json_object(parse_json(metadata[_METADATA], where, otherwise="that is no JSON"), where)
    if missing := [name for name in ("version", "recipe", "card") if name not in content]:
        raise InputError(f"{where}: {missing[0]!r} is missing")
    version, card = content["version"], content["card"]
    if version != _VERSION:
        raise InputError(f"{path} has format version {shown(version)}, this program reads {_VERSION}")
    if not isinstance(card, dict):
        raise InputError(f"{where}: the card is a {type(card).__name__}, not an object")
    return WeightsInfo(recipe_from_dict(content["recipe"], str(path)), card)
