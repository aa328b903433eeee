"""Checkpoints of the public SiamCAR code."""

from __future__ import annotations

import json
import pickle
import re
from pathlib import Path

import numpy as np
import pytest
import torch
from parity_weights import fill
from torch import Tensor

from dlatrack.errors import InputError
from dlatrack.models.official import load_official
from dlatrack.models.siamese import SiameseNet, build_model
from dlatrack.recipes import recipe


def official_names(net: SiameseNet) -> dict[str, Tensor]:
    """A state dict of `net` under the names and shapes of the public code."""
    official = {}
    for name, value in net.state_dict().items():
        theirs = re.sub(r"^neck\.levels\.(\d)", r"neck.downsample\1.downsample", name)
        theirs = re.sub(r"^head\.", "car_head.", theirs).replace("car_head.down.", "down.")
        official[theirs] = value.transpose(0, 1).clone() if theirs == "down.weight" else value.clone()
    return official


@pytest.fixture
def small() -> SiameseNet:
    return build_model(recipe("siamcar_small"))


@pytest.fixture
def donor() -> dict[str, Tensor]:
    return official_names(build_model(recipe("siamcar_small"), torch.Generator().manual_seed(5)))


def test_siamcar_answers_as_the_public_code_does(shared_data: Path) -> None:
    keys = json.loads((shared_data / "parity/state_dict_keys.json").read_text())["siamcar_r50"]
    expected = np.load(shared_data / "parity/siamcar_r50.npz")
    net = build_model(recipe("siamcar"))
    load_official(net, {name: fill(name, shape) for name, shape in keys.items()})
    assert len(keys) == len(net.state_dict())
    template = np.random.default_rng(1).standard_normal((1, 3, 127, 127)) * 50 + 110
    search = np.random.default_rng(2).standard_normal((1, 3, 255, 255)) * 50 + 110
    with torch.no_grad():
        output = net(torch.from_numpy(template).float(), torch.from_numpy(search).float())
    for ours, name in zip(output, ("cls", "loc", "cen"), strict=True):
        theirs = expected[name]
        assert ours.shape == theirs.shape
        assert np.abs(ours.numpy() - theirs).max() <= 1e-4 * np.abs(theirs).max(), name


@pytest.mark.parametrize("container", ["flat", "state_dict", "model_state_dict"])
@pytest.mark.parametrize("prefix", ["", "module."])
def test_containers_and_prefixes(
    small: SiameseNet, donor: dict[str, Tensor], tmp_path: Path, container: str, prefix: str
) -> None:
    state = {prefix + name: value for name, value in donor.items() if "num_batches_tracked" not in name}
    optimizer = {"param_groups": [{"lr": np.float64(0.005)}]}  # as the public trainers leave it
    content = state if container == "flat" else {"epoch": 3, container: state, "optimizer": optimizer}
    torch.save(content, tmp_path / "model.pth")
    load_official(small, tmp_path / "model.pth")
    assert torch.equal(small.head.down.weight, donor["down.weight"].transpose(0, 1))
    assert torch.equal(small.head.cls_logits.weight, donor["car_head.cls_logits.weight"])
    assert torch.equal(small.neck.levels["3"][0].weight, donor["neck.downsample3.downsample.0.weight"])


def test_untransposed_down_is_taken_as_it_is(small: SiameseNet, donor: dict[str, Tensor]) -> None:
    ours = donor["down.weight"].transpose(0, 1).contiguous()
    load_official(small, {**donor, "down.weight": ours})
    assert torch.equal(small.head.down.weight, ours)


def test_code_in_a_pickle_never_runs(small: SiameseNet, tmp_path: Path) -> None:
    proof = tmp_path / "ran"

    class Malicious:
        def __reduce__(self) -> tuple:
            return (Path.touch, (proof,))

    torch.save({"state_dict": Malicious()}, tmp_path / "zip.pth")
    (tmp_path / "plain.pth").write_bytes(pickle.dumps(Malicious(), protocol=2))
    for name in ("zip.pth", "plain.pth"):
        with pytest.raises(InputError, match=f"{name} is not a checkpoint of plain tensors"):
            load_official(small, tmp_path / name)
    assert not proof.exists()
    torch.load(tmp_path / "zip.pth", weights_only=False)  # the trap itself works
    assert proof.exists()


def test_damaged_files_are_named(small: SiameseNet, donor: dict[str, Tensor], tmp_path: Path) -> None:
    torch.save(donor, tmp_path / "whole.pth")
    whole = (tmp_path / "whole.pth").read_bytes()
    for length in (10, len(whole) // 2, len(whole) - 10):
        (tmp_path / "cut.pth").write_bytes(whole[:length])
        with pytest.raises(InputError, match=r"cut\.pth is not a") as caught:
            load_official(small, tmp_path / "cut.pth")
        assert "\n" not in str(caught.value)
    with pytest.raises(InputError, match=r"cannot read .*absent\.pth"):
        load_official(small, tmp_path / "absent.pth")
    torch.save([1, 2], tmp_path / "list.pth")
    with pytest.raises(InputError, match=r"list\.pth holds a list of no tensors"):
        load_official(small, tmp_path / "list.pth")
    torch.save({"lr": 0.1}, tmp_path / "numbers.pth")
    with pytest.raises(InputError, match=r"numbers\.pth is not a state dict: no tensor under lr"):
        load_official(small, tmp_path / "numbers.pth")


def test_wrong_keys_and_shapes_change_nothing(small: SiameseNet, donor: dict[str, Tensor]) -> None:
    before = small.head.cls_logits.weight.clone()
    missing = {name: value for name, value in donor.items() if name != "down.bias"}
    with pytest.raises(InputError, match=r"^the state dict lacks head\.down\.bias$"):
        load_official(small, missing)
    with pytest.raises(InputError, match=r"tensors this network does not: rpn_head\.cls_weight$"):
        load_official(small, {**donor, "rpn_head.cls_weight": torch.ones(3)})
    with pytest.raises(InputError, match=r"head\.down\.bias \(3,\) instead of \(64,\)"):
        load_official(small, {**donor, "down.bias": torch.ones(3)})
    with pytest.raises(InputError, match=r"not finite in head\.down\.bias"):
        load_official(small, {**donor, "down.bias": torch.full((64,), torch.nan)})
    assert torch.equal(small.head.cls_logits.weight, before)


def test_a_head_without_public_names_is_named(small: SiameseNet, donor: dict[str, Tensor]) -> None:
    class OwnHead(torch.nn.Module):
        """A head that somebody registered."""

    small.head = OwnHead()
    with pytest.raises(
        InputError, match=r"^the state dict: no public checkpoint is known for the head OwnHead$"
    ):
        load_official(small, donor)


def test_another_tracker_lists_a_few_keys(small: SiameseNet) -> None:
    with pytest.raises(InputError, match=r"lacks .* and \d+ more") as caught:
        load_official(small, {"backbone.conv1.weight": torch.ones(64, 3, 7, 7)})
    assert len(str(caught.value)) < 400
