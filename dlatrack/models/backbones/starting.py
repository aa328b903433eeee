"""Initial weights of a backbone: torchvision's ImageNet weights, a file, or a generator."""

from __future__ import annotations

import re
import sys
from pathlib import Path
from urllib.error import URLError
from urllib.parse import urlparse

import torch

from dlatrack.errors import InputError
from dlatrack.models.torchvision_ops import torchvision

#: torchvision's weights by backbone; the AlexNets of trackers have layers of their own and are not among them.
_IMAGENET = {
    "resnet50": "ResNet50_Weights",
    "efficientnet_b0": "EfficientNet_B0_Weights",
    "inception_v3": "Inception_V3_Weights",
    "mobilenet_v2": "MobileNet_V2_Weights",
    "mobilenet_v3": "MobileNet_V3_Small_Weights",
}


def starting_weights(backbone: str, choice: str | Path) -> Path | None:
    """The file with the initial weights of a backbone.

    Args:
        backbone: name of the backbone in a recipe.
        choice: "random" for random weights; "imagenet" for torchvision's IMAGENET1K_V1, downloaded once into the
            cache of torch and checked by the hash in its name; or the path of a file.

    Returns:
        The file, or None for random weights.

    Raises:
        InputError: when the file is missing, when torchvision has no weights for this backbone, or when they cannot
            be fetched; the message says what to do instead.
    """
    if choice == "random":
        return None
    if choice != "imagenet":
        if not Path(choice).is_file():
            raise InputError(
                f"cannot read {choice}: no such file; backbone weights are a file, imagenet or random"
            )
        return Path(choice)
    if backbone not in _IMAGENET:
        known = ", ".join(_IMAGENET)
        raise InputError(
            f"torchvision has no ImageNet weights for backbone {backbone}, only for {known}; "
            f"give a file with --backbone-weights, or random"
        )
    return _downloaded(getattr(torchvision.models, _IMAGENET[backbone]).IMAGENET1K_V1.url)


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
