"""The trained trunk that comes with the package."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import torch

from dlatrack.datasets.synthetic import synthetic_sequences
from dlatrack.errors import InputError
from dlatrack.files import file_digest
from dlatrack.models.backbones import load_backbone_weights, save_trunk, shipped_trunks, starting_weights
from dlatrack.models.checkpoint_files import read_safetensors, write_safetensors
from dlatrack.models.siamese import build_model
from dlatrack.models.weights import SHIPPED, find_weights, read_weights_info, shipped
from dlatrack.recipes import RECIPES, recipe
from dlatrack.sampling.store import CropStore
from dlatrack.studies.presets import sizes
from dlatrack.training.engine import train

SMALL = tuple(name for name in RECIPES if name.endswith("_small"))
MOST_BYTES = 2 * 2**20


def trunk() -> Path:
    """The file for the small trackers."""
    (file,) = shipped_trunks().values()
    return file


def same_as_file(backbone: torch.nn.Module, file: Path) -> bool:
    """Whether the floating-point weights of a backbone are, to the bit, those of a file."""
    stored, own = read_safetensors(file)[0], backbone.state_dict()
    floats = {name: value for name, value in own.items() if value.is_floating_point()}
    return floats.keys() == stored.keys() and all(
        torch.equal(value, stored[name].float()) for name, value in floats.items()
    )


@pytest.mark.parametrize("name", SMALL)
def test_it_fills_the_small_recipes(name: str) -> None:
    chosen = recipe(name)
    file = starting_weights(chosen.net.backbone, "shipped")
    assert file == trunk()
    backbone = build_model(chosen).backbone
    load_backbone_weights(backbone, file, chosen.net.input_format)
    assert same_as_file(backbone, file)


def test_it_is_small_and_its_card_names_what_it_is_made_of() -> None:
    assert trunk().stat().st_size <= MOST_BYTES
    card, notice = ((SHIPPED / file).read_text(encoding="utf-8") for file in ("README.md", "NOTICE"))
    assert trunk().name in card
    assert file_digest(trunk()) in card
    for term in ("COCO", "CC BY 2.0", "ImageNet", "DAVIS", "Roboflow"):
        assert term in notice
    assert "dlatrack_trunk" in read_safetensors(trunk())[1]


def test_it_is_no_tracker() -> None:
    assert trunk().stem not in shipped()
    with pytest.raises(
        InputError, match=r"no weights of that name come with dlatrack; it has dla_nanotrack_v3, "
    ):
        find_weights(trunk().stem)
    with pytest.raises(InputError, match="is not a dlatrack weight file"):
        read_weights_info(trunk())


@pytest.mark.parametrize("name", ["resnet50", "alexnet", "mobilenet_v3"])
def test_other_backbones_have_none(name: str) -> None:
    with pytest.raises(
        InputError,
        match=rf"no trained trunk for backbone {name} comes with dlatrack, only for mobilenet_v2; .* or random",
    ):
        starting_weights(name, "shipped")


def test_another_network_is_refused() -> None:
    with pytest.raises(InputError, match=rf"{trunk().name} lacks conv1\.weight"):
        load_backbone_weights(build_model(recipe("siamrpnpp")).backbone, trunk())
    chosen = recipe("siamcar_small")
    with pytest.raises(
        InputError, match="is a trunk for images in rgb_imagenet, and the recipe has input_format bgr_255"
    ):
        load_backbone_weights(build_model(chosen).backbone, trunk(), "bgr_255")


def test_same_trunk_same_bytes(tmp_path: Path) -> None:
    net = build_model(recipe("siamcar_small"))
    for name in ("a", "b"):
        card = {"made": "up", "seed": 1} if name == "a" else {"seed": 1, "made": "up"}
        save_trunk(tmp_path / f"{name}.safetensors", net.backbone, "rgb_imagenet", card)
    assert (tmp_path / "a.safetensors").read_bytes() == (tmp_path / "b.safetensors").read_bytes()
    assert starting_weights("mobilenet_v2", tmp_path / "a.safetensors") == tmp_path / "a.safetensors"


def test_damaged_metadata_is_named(tmp_path: Path) -> None:
    file = tmp_path / "trunk.safetensors"
    write_safetensors(file, read_safetensors(trunk())[0], {"dlatrack_trunk": "{"})
    with pytest.raises(InputError, match=r"trunk\.safetensors has damaged metadata"):
        load_backbone_weights(build_model(recipe("siamcar_small")).backbone, file)


def test_the_demo_trains_on_it_and_leaves_it_as_it_is(tmp_path: Path) -> None:
    schedule = replace(sizes("demo").schedule, epochs=1, warmup_epochs=0, pairs_per_epoch=4, batch=2)
    crops = CropStore.build(synthetic_sequences(2, seed=50, length=4, challenges=()))
    chosen = replace(recipe("dla_siamcar_small"), schedule=replace(schedule, backbone_start="shipped"))
    trained = train(chosen, crops, tmp_path / "run")
    assert len(trained.steps) == 2
    assert same_as_file(trained.net.backbone, trunk())
