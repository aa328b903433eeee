"""NanoTrack V3: sizes, the answers of the public code, and its public checkpoints, whole and faulty."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from nanotrack_checkpoints import older_state, public_state, same_weights
from parity_weights import fill
from torch import Tensor
from typer.testing import CliRunner

from dlatrack.cli import app
from dlatrack.errors import InputError
from dlatrack.models.official import load_official
from dlatrack.models.siamese import SiameseNet, build_model
from dlatrack.models.weights import load_weights, read_weights_info
from dlatrack.recipes import recipe

RECIPE = recipe("nanotrack_v3")


def size(module: torch.nn.Module) -> int:
    return sum(parameter.numel() for parameter in module.parameters())


@pytest.fixture(scope="module")
def donor() -> SiameseNet:
    return build_model(RECIPE, torch.Generator().manual_seed(5))


@pytest.fixture
def net() -> SiameseNet:
    return build_model(RECIPE)


@pytest.fixture(scope="module")
def keys(shared_data: Path) -> dict[str, list[int]]:
    """Names and shapes of the public checkpoint, its unused neck included."""
    return json.loads((shared_data / "parity/state_dict_keys.json").read_text())["nanotrack_v3"]


def inputs() -> tuple[Tensor, Tensor]:
    noise = [
        np.random.default_rng(seed).standard_normal((1, 3, side, side)) for seed, side in ((1, 127), (2, 255))
    ]
    template, search = (torch.from_numpy((part * 50 + 110).astype(np.float32)) for part in noise)
    return template, search


def test_numbers_of_parameters(net: SiameseNet) -> None:
    assert size(net) == 541_446
    neck = {name: value for name, value in public_state(net).items() if name.startswith("neck.")}
    unused = sum(value.numel() for name, value in neck.items() if name.endswith(("weight", "bias")))
    assert size(net) + unused == 550_854, "as the public code counts, with a neck that it never uses"
    assert size(net.head.cls) - size(net.head.box) == -2 * 97, (
        "two outputs and four, 96 channels and a bias each"
    )


def test_the_public_answers_for_reproducible_weights(
    shared_data: Path, keys: dict[str, list[int]], net: SiameseNet
) -> None:
    expected = np.load(shared_data / "parity/nanotrack_v3.npz")
    load_official(net, {name: fill(name, shape) for name, shape in keys.items()})
    with torch.no_grad():
        output = net(*inputs())
    assert np.abs(output.cls.numpy() - expected["cls"]).max() < 1e-4
    assert np.abs(output.reg.numpy() - expected["loc"]).max() <= 1e-4 * np.abs(expected["loc"]).max()
    assert output.centerness is None


def test_the_public_answers_of_the_published_weights(shared_data: Path, net: SiameseNet) -> None:
    expected = np.load(shared_data / "parity/nanotrack_v3.npz")
    load_official(net, shared_data / "weights/nanotrack_v3.safetensors")
    template, search = inputs()
    with torch.no_grad():
        output = net(template, search)
        maps = {"zf_real": net.backbone(template)[0], "xf_real": net.backbone(search)[0]}
    assert np.abs(output.cls.numpy() - expected["cls_real"]).max() < 1e-4
    assert np.abs(output.reg.numpy() - expected["loc_real"]).max() < 0.01
    for name, found in maps.items():
        assert found.shape == expected[name].shape
        assert np.abs(found.numpy() - expected[name]).max() < 1e-4, name


def test_names_and_shapes_are_those_of_the_public_checkpoint(
    keys: dict[str, list[int]], donor: SiameseNet
) -> None:
    assert {name: list(value.shape) for name, value in public_state(donor).items()} == keys


@pytest.mark.parametrize("neck", [True, False])
@pytest.mark.parametrize("prefix", ["", "module."])
@pytest.mark.parametrize("container", ["flat", "state_dict"])
def test_containers_prefixes_and_the_unused_neck(
    donor: SiameseNet, net: SiameseNet, tmp_path: Path, neck: bool, prefix: str, container: str
) -> None:
    state = {prefix + name: value for name, value in public_state(donor, neck=neck).items()}
    torch.save(
        state if container == "flat" else {"epoch": 50, container: state}, tmp_path / "nanotrackv3.pth"
    )
    load_official(net, tmp_path / "nanotrackv3.pth")
    assert same_weights(net, donor)


def test_the_command_imports_a_checkpoint_of_any_name(donor: SiameseNet, tmp_path: Path) -> None:
    torch.save(public_state(donor), tmp_path / "best one (3).pth")
    out = tmp_path / "mine.safetensors"
    command = ["weights", "import", "nanotrack_v3", str(tmp_path / "best one (3).pth"), "--out", str(out)]
    done = CliRunner().invoke(app, command)
    assert done.exit_code == 0, done.output
    loaded, found = load_weights(out)
    assert found == RECIPE
    assert same_weights(loaded, donor)
    assert read_weights_info(out).card["imported_from"] == "best one (3).pth"
    shown = CliRunner().invoke(app, ["weights", "info", str(out)]).output
    assert "541,446" in shown


@pytest.mark.parametrize("recipe_name", ["nanotrack_v3", "dla_nanotrack_v3"])
@pytest.mark.parametrize("version", ["V1", "V2"])
def test_an_older_version_is_named(donor: SiameseNet, tmp_path: Path, version: str, recipe_name: str) -> None:
    state = {f"module.{name}": value for name, value in older_state(donor, version).items()}
    torch.save({"state_dict": state}, tmp_path / "nanotrack.pth")
    untouched = build_model(recipe(recipe_name))
    with pytest.raises(InputError) as caught:
        load_official(untouched, tmp_path / "nanotrack.pth")
    assert str(caught.value) == (
        f"{tmp_path}/nanotrack.pth is a checkpoint of NanoTrack {version}, which has no recipe; the recipes "
        "nanotrack_v3 and dla_nanotrack_v3 take V3 (nanotrackv3.pth), whose depth-wise correlations are missing "
        "here, first ban_head.corr_dw_cls.conv_kernel.0.weight"
    )
    assert same_weights(untouched, build_model(RECIPE))


def test_another_tracker_names_the_recipes(donor: SiameseNet, tmp_path: Path) -> None:
    torch.save(public_state(donor), tmp_path / "nanotrackv3.pth")
    with pytest.raises(InputError) as caught:
        load_official(build_model(recipe("siamcar_small")), tmp_path / "nanotrackv3.pth")
    assert str(caught.value) == (
        f"{tmp_path}/nanotrackv3.pth is a checkpoint of NanoTrack V3; the recipes nanotrack_v3 and dla_nanotrack_v3 "
        "take it"
    )


@pytest.mark.parametrize("zipped", [True, False])
@pytest.mark.parametrize("share", [0.0, 0.0001, 0.3, 0.5, 0.9, 0.999, 0.99999])
def test_half_a_download_is_one_line(
    donor: SiameseNet, net: SiameseNet, tmp_path: Path, share: float, zipped: bool
) -> None:
    torch.save(public_state(donor), tmp_path / "whole.pth", _use_new_zipfile_serialization=zipped)
    whole = (tmp_path / "whole.pth").read_bytes()
    (tmp_path / "cut.pth").write_bytes(whole[: int(share * len(whole))])
    with pytest.raises(InputError, match=r"^\S*cut\.pth is ") as caught:
        load_official(net, tmp_path / "cut.pth")
    assert "\n" not in str(caught.value)
    assert same_weights(net, build_model(RECIPE))


def test_other_trackers_missing_and_further_weights_are_named(donor: SiameseNet, net: SiameseNet) -> None:
    state = public_state(donor)
    without = {name: value for name, value in state.items() if name != "ban_head.cls_logits.0.bias"}
    with pytest.raises(InputError, match=r"^the state dict lacks head\.cls\.predict\.bias$"):
        load_official(net, without)
    with pytest.raises(InputError, match=r"tensors this network does not: neck\.other$"):
        load_official(net, {**state, "neck.other": torch.ones(3)})
    with pytest.raises(
        InputError, match=r"head\.box\.join\.weight \(96, 96, 1, 1\) instead of \(96, 160, 1, 1\)"
    ):
        load_official(net, {**state, "ban_head.down_reg.0.weight": torch.ones(96, 96, 1, 1)})
    with pytest.raises(InputError, match=r"features\.1\.block\.1\.fc1\.weight \(16, 8, 1, 1\) instead of"):
        load_official(net, {**state, "backbone.features.1.conv.3.fc.0.weight": torch.ones(16, 8)})
    other = build_model(recipe("siamcar_small")).state_dict()
    with pytest.raises(
        InputError, match=r"^the state dict lacks backbone\.features\..* and \d+ more$"
    ) as caught:
        load_official(net, other)
    assert len(str(caught.value)) < 400
    assert same_weights(net, build_model(RECIPE))
