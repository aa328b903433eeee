"""The trained trunks that come with the package."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from dlatrack.datasets.synthetic import synthetic_sequences
from dlatrack.errors import InputError
from dlatrack.files import file_digest
from dlatrack.models.backbones import (
    BACKBONES,
    load_backbone_weights,
    save_trunk,
    shipped_trunks,
    starting_weights,
)
from dlatrack.models.checkpoint_files import read_safetensors, write_safetensors
from dlatrack.models.siamese import build_model
from dlatrack.models.weights import SHIPPED, find_weights, read_weights_info, shipped
from dlatrack.recipes import RECIPES, recipe
from dlatrack.sampling.store import CropStore
from dlatrack.studies.presets import sizes
from dlatrack.training.engine import train

TRUNKS = shipped_trunks()
SMALL = tuple(
    name
    for name, chosen in RECIPES.items()
    if name.endswith(("_small", "_nano")) and chosen.schedule.backbone_start != "imagenet"
)
MOST_BYTES = 2 * 2**20  # both together


def same_as_file(backbone: torch.nn.Module, file: Path) -> bool:
    """Whether the floating-point weights of a backbone are, to the bit, those of a file."""
    stored, own = read_safetensors(file)[0], backbone.state_dict()
    floats = {name: value for name, value in own.items() if value.is_floating_point()}
    return floats.keys() == stored.keys() and all(
        torch.equal(value, stored[name].float()) for name, value in floats.items()
    )


@pytest.mark.parametrize("name", SMALL)
def test_they_fill_the_small_recipes(name: str) -> None:
    chosen = recipe(name)
    file = starting_weights(chosen.net.backbone, "shipped")
    assert file == TRUNKS[chosen.net.backbone]
    backbone = build_model(chosen).backbone
    load_backbone_weights(backbone, file, chosen.net.input_format)
    assert same_as_file(backbone, file)


def test_they_are_small_and_the_card_names_what_they_are_made_of() -> None:
    assert set(TRUNKS) == {"mobilenet_v2", "mobilenet_v3"}
    assert sum(file.stat().st_size for file in TRUNKS.values()) <= MOST_BYTES
    card, notice = ((SHIPPED / file).read_text(encoding="utf-8") for file in ("README.md", "NOTICE"))
    for file in TRUNKS.values():
        assert file.name in card
        assert file.name in notice
        assert file_digest(file) in card
        found = json.loads(read_safetensors(file)[1]["dlatrack_trunk"])["card"]
        assert {"made_from", "licences", "source_sha256", "trained_further", "versions"} == set(found)


def test_they_are_the_public_weights_to_half_precision(shared_data: Path) -> None:
    sources = {
        "mobilenet_v2": "mobilenet_v2_imagenet_features",
        "mobilenet_v3": "mobilenet_v3_small_nanotrack_v3",
    }
    for name, source in sources.items():
        levels = (3, 4, 5)
        theirs, ours = (BACKBONES[name](levels) for _ in range(2))
        form = "rgb_imagenet" if name == "mobilenet_v2" else "bgr_255"
        load_backbone_weights(theirs, shared_data / f"weights/{source}.safetensors", form)
        load_backbone_weights(ours, TRUNKS[name], form)
        for own, public in zip(ours.state_dict().values(), theirs.state_dict().values(), strict=True):
            torch.testing.assert_close(own, public, rtol=1e-3, atol=1e-7)


@pytest.mark.parametrize("name", TRUNKS)
def test_they_are_no_trackers(name: str) -> None:
    file = TRUNKS[name]
    assert file.stem not in shipped()
    with pytest.raises(
        InputError, match=r"no weights of that name come with dlatrack; it has dla_nanotrack_v3, "
    ):
        find_weights(file.stem)
    with pytest.raises(InputError, match="is not a dlatrack weight file"):
        read_weights_info(file)


@pytest.mark.parametrize("name", ["resnet50", "alexnet"])
def test_other_backbones_have_none(name: str) -> None:
    message = (
        rf"no trained trunk for backbone {name} comes with dlatrack, only for mobilenet_v2, mobilenet_v3; "
    )
    with pytest.raises(InputError, match=message + ".* imagenet or random"):
        starting_weights(name, "shipped")


def test_another_network_is_refused() -> None:
    file = TRUNKS["mobilenet_v2"]
    with pytest.raises(InputError, match=rf"{file.name} lacks conv1\.weight"):
        load_backbone_weights(build_model(recipe("siamrpnpp")).backbone, file)
    small = build_model(recipe("siamcar_small")).backbone
    with pytest.raises(
        InputError, match="is a trunk for images in rgb_imagenet, and the recipe has input_format bgr_255"
    ):
        load_backbone_weights(small, file, "bgr_255")


@pytest.mark.parametrize("name", ["siamcar_small", "nanotrack_v3"])
def test_same_trunk_same_bytes_and_back(tmp_path: Path, name: str) -> None:
    form = recipe(name).net.input_format
    backbone = build_model(recipe(name)).backbone
    for file, card in (("a", {"made": "up", "seed": 1}), ("b", {"seed": 1, "made": "up"})):
        save_trunk(tmp_path / f"{file}.safetensors", backbone, form, card)
    assert (tmp_path / "a.safetensors").read_bytes() == (tmp_path / "b.safetensors").read_bytes()
    load_backbone_weights(backbone, tmp_path / "a.safetensors", form)
    assert same_as_file(backbone, tmp_path / "a.safetensors")


def test_damaged_metadata_is_named(tmp_path: Path) -> None:
    file = tmp_path / "trunk.safetensors"
    write_safetensors(file, read_safetensors(TRUNKS["mobilenet_v2"])[0], {"dlatrack_trunk": "{"})
    with pytest.raises(InputError, match=r"trunk\.safetensors has damaged metadata"):
        load_backbone_weights(build_model(recipe("siamcar_small")).backbone, file)


@pytest.mark.parametrize("name", ["dla_siamcar_small", "siamcar_nano", "dla_siamcar_nano"])
def test_a_short_training_leaves_the_trunk_as_it_is(tmp_path: Path, name: str) -> None:
    schedule = replace(sizes("demo").schedule, epochs=1, warmup_epochs=0, pairs_per_epoch=4, batch=2)
    crops = CropStore.build(synthetic_sequences(2, seed=50, length=4, challenges=()))
    chosen = replace(recipe(name), schedule=replace(schedule, backbone_start="shipped"))
    trained = train(chosen, crops, tmp_path / "run")
    assert len(trained.steps) == 2
    assert same_as_file(trained.net.backbone, TRUNKS[chosen.net.backbone])
