"""Initial weights from a tracker that was trained before: of the whole network, or of its backbone alone."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import asdict
from pathlib import Path

from torch import Tensor

from dlatrack.errors import InputError
from dlatrack.models.backbones import load_backbone_weights
from dlatrack.models.checkpoint_files import read_safetensors
from dlatrack.models.official import load_official
from dlatrack.models.siamese import SiameseNet
from dlatrack.models.state_files import load_strict
from dlatrack.models.weights import find_weights, has_card, read_weights_info
from dlatrack.recipes import Recipe

#: Settings of a network that decide what its weights mean, though not their shapes.
_MEANING = ("input_format", "template_size", "search_size", "score_size", "stride")


def load_initial_weights(net: SiameseNet, recipe: Recipe, place: str | Path) -> Path:
    """Fill a network with the weights of a trained tracker that has the same network.

    The label assigner may be another one: a DLA recipe starts from the weights of its fixed twin, and the reverse.

    Args:
        net: network of `recipe`, filled in place, and unchanged when anything is wrong.
        recipe: recipe that is to be trained.
        place: a weight file of dlatrack, the name of a tracker that comes with the package, or a public checkpoint of
            the same tracker (`models.official.load_official`).

    Returns:
        The file that was read.

    Raises:
        InputError: if the file cannot be read, or is of another network; the message names the first tensor, or the
            setting of the network, that differs.
    """
    file = find_weights(place)
    if file.suffix.lower() != ".safetensors":
        load_official(net, file)
        return file
    tensors = read_safetensors(file)[0]
    if not has_card(file):
        _refuse_training_checkpoint(file, tensors)
        load_official(net, file)
        return file
    theirs = read_weights_info(file).recipe
    difference = _first_difference(net.state_dict(), tensors) or _other_meaning(recipe, theirs)
    if difference:
        raise InputError(
            f"{file} holds weights of {theirs.name}, not of the network of {recipe.name}: {difference}"
        )
    load_strict(net, tensors, str(file))
    return file


def load_initial_backbone(net: SiameseNet, recipe: Recipe, place: str | Path) -> str:
    """Fill the backbone of a network from a trained tracker with the same backbone, or from a file of a backbone.

    Neck and head stay as they are. Stages that the tracker builds and `recipe` does not are left out.

    Args:
        net: network of `recipe`, whose backbone is filled in place, and unchanged when anything is wrong.
        recipe: recipe that is to be trained.
        place: a weight file of dlatrack or the name of a tracker that comes with the package; or a file with the
            weights of the torchvision network of the backbone's name (`models.backbones.load_backbone_weights`).

    Returns:
        What was taken and what was left out, as half a sentence.

    Raises:
        InputError: if the file cannot be read, or has another backbone, another format of images, or weights that are
            missing, unknown, ill-shaped or not finite.
    """
    check_backbone_place(place)
    file, backbone = find_weights(place), recipe.net.backbone
    if file.suffix.lower() != ".safetensors":
        load_backbone_weights(net.backbone, file, recipe.net.input_format)
        return f"backbone {backbone} from {file}"
    tensors = read_safetensors(file)[0]
    if not has_card(file):
        _refuse_training_checkpoint(file, tensors)
        load_backbone_weights(net.backbone, file, recipe.net.input_format)
        return f"backbone {backbone} from {file}"
    theirs = read_weights_info(file).recipe
    for name in ("backbone", "input_format"):
        there, here = asdict(theirs.net)[name], asdict(recipe.net)[name]
        if there != here:
            raise InputError(
                f"{file} holds weights of {theirs.name}, whose backbone does not fit {recipe.name}: "
                f"{name} is {there} there and {here} here"
            )
    start = "backbone."
    given = {name.removeprefix(start): value for name, value in tensors.items() if name.startswith(start)}
    load_strict(net.backbone, given, str(file), ignored=net.backbone.ignored_prefixes)
    taken = len(given.keys() & net.backbone.state_dict().keys())
    return (
        f"backbone {backbone} of {theirs.name} from {file}, {taken} of its {len(tensors)} tensors; "
        f"the others are left out"
    )


def check_backbone_place(place: str | Path) -> None:
    """Raise InputError for a value of the option --backbone-weights that names no file and no tracker."""
    if str(place) in ("shipped", "imagenet", "random"):
        raise InputError(
            f"{place} is a value of --backbone-weights; a backbone is taken from a weight file, or from a tracker "
            f"that comes with dlatrack"
        )


def _refuse_training_checkpoint(file: Path, names: Collection[str]) -> None:
    if any(name.startswith("net.backbone.") for name in names):
        raise InputError(
            f"{file} is the checkpoint of a training, with its momentum; start from the weight file beside it, "
            f"which has the name of its recipe, or from one in epochs/"
        )


def _first_difference(own: Mapping[str, Tensor], given: Mapping[str, Tensor]) -> str:
    """Describe the first tensor that is missing, has another shape or is left over; "" if there is none."""
    for name, value in own.items():
        if name.endswith(".num_batches_tracked"):
            continue
        if name not in given:
            return f"it lacks {name} {tuple(value.shape)}"
        if given[name].shape != value.shape:
            return f"{name} is {tuple(given[name].shape)} there and {tuple(value.shape)} here"
    left = next((name for name in given if name not in own), "")
    return f"it has {left} {tuple(given[left].shape)}, which is not here" if left else ""


def _other_meaning(recipe: Recipe, theirs: Recipe) -> str:
    """Describe the first setting that gives the same weights another meaning; "" if there is none."""
    for name in _MEANING:
        there, here = asdict(theirs.net)[name], asdict(recipe.net)[name]
        if there != here:
            return f"{name} is {there} there and {here} here"
    return ""
