"""Our own weight files."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from safetensors import safe_open
from safetensors.torch import load_file, save_file

from dlatrack.errors import InputError
from dlatrack.models.siamese import SiameseNet, build_model
from dlatrack.models.weights import load_weights, read_weights_info, save_weights
from dlatrack.recipes import recipe

RECIPE = recipe("dla_siamcar_small")
CARD = {"data": "synthetic", "seed": 3, "auc": 0.5}


@pytest.fixture(scope="module")
def net() -> SiameseNet:
    return build_model(RECIPE, torch.Generator().manual_seed(3))


@pytest.fixture
def saved(net: SiameseNet, tmp_path: Path) -> Path:
    save_weights(tmp_path / "w.safetensors", net, RECIPE, CARD)
    return tmp_path / "w.safetensors"


def rewritten(path: Path, metadata: dict[str, str] | None = None, **changes: torch.Tensor | None) -> Path:
    """The same file with other metadata or tensors; None drops a tensor."""
    with safe_open(path, framework="pt") as file:
        kept = file.metadata()
    tensors = {name.replace(".", "__"): value for name, value in load_file(path).items()} | changes
    state = {name.replace("__", "."): value for name, value in tensors.items() if value is not None}
    save_file(state, path, metadata=kept if metadata is None else metadata)
    return path


def test_round_trip(net: SiameseNet, saved: Path) -> None:
    loaded, found = load_weights(saved, expect=RECIPE)
    assert found == RECIPE
    assert not loaded.training
    assert loaded.state_dict().keys() == net.state_dict().keys()
    assert all(torch.equal(value, net.state_dict()[name]) for name, value in loaded.state_dict().items())
    assert read_weights_info(saved) == (RECIPE, CARD)


def test_every_recipe_option_survives(net: SiameseNet, tmp_path: Path) -> None:
    changed = replace(
        RECIPE,
        assign=replace(RECIPE.assign, options={"candidates": 7, "on_empty": "strict"}),
        schedule=replace(RECIPE.schedule, epochs=3, warmup_epochs=1),
    )
    save_weights(tmp_path / "w.safetensors", net, changed, CARD)
    assert load_weights(tmp_path / "w.safetensors", expect=RECIPE)[1] == changed


def test_same_weights_same_bytes(net: SiameseNet, saved: Path, tmp_path: Path) -> None:
    strided = build_model(RECIPE, torch.Generator().manual_seed(3)).to(memory_format=torch.channels_last)
    save_weights(tmp_path / "again.safetensors", strided, RECIPE, dict(reversed(CARD.items())))
    assert (tmp_path / "again.safetensors").read_bytes() == saved.read_bytes()


@pytest.mark.slow
def test_same_weights_same_bytes_in_another_process(saved: Path, tmp_path: Path) -> None:
    program = (
        "import sys, torch; from dlatrack.models.weights import *;"
        "from dlatrack.models.siamese import build_model;"
        "from dlatrack.recipes import recipe; r = recipe('dla_siamcar_small');"
        f"save_weights(sys.argv[1], build_model(r, torch.Generator().manual_seed(3)), r, {CARD!r})"
    )
    environment = {**os.environ, "PYTHONHASHSEED": "5", "PYTHONPATH": str(Path(__file__).parents[2])}
    subprocess.run([sys.executable, "-c", program, tmp_path / "b.safetensors"], check=True, env=environment)
    assert (tmp_path / "b.safetensors").read_bytes() == saved.read_bytes()


def test_another_recipe_is_refused(saved: Path) -> None:
    with pytest.raises(InputError, match=r"holds weights of recipe dla_siamcar_small, expected siamcar$"):
        load_weights(saved, expect=recipe("siamcar"))
    wider = replace(RECIPE, net=replace(RECIPE.net, channels=128))
    with pytest.raises(InputError, match=r"weights of NetConfig.*channels=64.*expected .*channels=128"):
        load_weights(saved, expect=wider)


def test_damaged_files_are_refused(saved: Path, tmp_path: Path) -> None:
    whole = saved.read_bytes()
    for content in (b"garbage that is no header", whole[:300], whole[:-1], whole + b"x"):
        saved.write_bytes(content)
        with pytest.raises(InputError, match=r"w\.safetensors is not a complete safetensors file") as caught:
            load_weights(saved)
        assert "\n" not in str(caught.value)
    with pytest.raises(InputError, match=r"cannot read .*absent\.safetensors"):
        load_weights(tmp_path / "absent.safetensors")
    with pytest.raises(InputError, match="is a folder and no weight file"):
        load_weights(tmp_path)


@pytest.mark.parametrize("zipped", [True, False])
def test_a_checkpoint_is_to_be_imported_first(tmp_path: Path, zipped: bool) -> None:
    torch.save({"a": torch.zeros(3)}, tmp_path / "w.pth", _use_new_zipfile_serialization=zipped)
    with pytest.raises(
        InputError, match=r"w\.pth is a PyTorch checkpoint .* first with dlatrack weights import$"
    ):
        read_weights_info(tmp_path / "w.pth")


def test_missing_and_broken_weights_are_named(saved: Path) -> None:
    whole = saved.read_bytes()
    with pytest.raises(InputError, match=r"w\.safetensors lacks head\.down\.bias$"):
        load_weights(rewritten(saved, head__down__bias=None))
    for bad in (torch.nan, torch.inf):
        saved.write_bytes(whole)
        with pytest.raises(InputError, match=r"values that are not finite in head\.down\.bias$"):
            load_weights(rewritten(saved, head__down__bias=torch.full((64,), bad)))
    saved.write_bytes(whole)
    with pytest.raises(InputError, match=r"other shapes: head\.down\.bias \(2,\) instead of \(64,\)$"):
        load_weights(rewritten(saved, head__down__bias=torch.zeros(2)))
    saved.write_bytes(whole)
    with pytest.raises(InputError, match=r"tensors this network does not: head\.extra$"):
        load_weights(rewritten(saved, head__extra=torch.zeros(2)))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (None, "not a dlatrack weight file"),
        ("{", "damaged metadata"),
        ("[]", "damaged metadata"),
        ('{"version": 1}', "damaged metadata: 'recipe'"),
        ('{"version": 9, "recipe": {}, "card": {}}', "has format version 9, this program reads 1"),
        ('{"version": 1, "recipe": {}, "card": []}', "the card is a list"),
        ('{"version": 1, "recipe": {}, "card": {}}', "has no valid recipe: recipe must have exactly"),
    ],
)
def test_foreign_metadata_is_refused(saved: Path, text: str | None, message: str) -> None:
    rewritten(saved, metadata={"format": "pt"} if text is None else {"dlatrack": text})
    with pytest.raises(InputError, match=message):
        load_weights(saved)


def test_impossible_recipe_in_a_file(saved: Path, net: SiameseNet) -> None:
    save_weights(saved, net, replace(RECIPE, net=replace(RECIPE.net, channels=12)), CARD)
    with pytest.raises(InputError, match=r"w\.safetensors: channels must be .* multiple of 8, got 12"):
        load_weights(saved)


@pytest.mark.parametrize("card", [{"net": object()}, {"auc": float("nan")}])
def test_a_card_must_be_json(net: SiameseNet, tmp_path: Path, card: dict) -> None:
    with pytest.raises(ValueError, match="the model card must be plain JSON"):
        save_weights(tmp_path / "w.safetensors", net, RECIPE, card)
    assert not list(tmp_path.iterdir())
