"""Weights that a fine-tuning starts from: of the same network, in any file; others are named by what differs."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import torch
from nanotrack_checkpoints import older_state, public_state, same_weights
from safetensors.torch import save_file

from dlatrack.errors import InputError
from dlatrack.models.initial import load_initial_backbone, load_initial_weights
from dlatrack.models.siamese import SiameseNet, build_model
from dlatrack.models.weights import load_weights, save_weights, shipped
from dlatrack.recipes import Recipe, recipe

FIXED, DLA = recipe("nanotrack_v3"), recipe("dla_nanotrack_v3")


@pytest.fixture(scope="module")
def donor() -> SiameseNet:
    return build_model(FIXED, torch.Generator().manual_seed(5))


@pytest.fixture
def net() -> SiameseNet:
    return build_model(DLA)


def saved(folder: Path, net: SiameseNet, chosen: Recipe, **options: torch.dtype) -> Path:
    save_weights(folder / "start.safetensors", net, chosen, {}, **options)
    return folder / "start.safetensors"


@pytest.mark.parametrize("owner", [FIXED, DLA], ids=["twin", "own"])
def test_weights_of_either_twin(tmp_path: Path, net: SiameseNet, donor: SiameseNet, owner: Recipe) -> None:
    file = saved(tmp_path, donor, owner)
    assert load_initial_weights(net, DLA, file) == file
    assert same_weights(net, donor)


def test_half_precision_files_and_other_schedules(tmp_path: Path, net: SiameseNet, donor: SiameseNet) -> None:
    other = replace(FIXED, schedule=replace(FIXED.schedule, epochs=7), online={})
    load_initial_weights(net, DLA, saved(tmp_path, donor, other, dtype=torch.float16))
    weight = net.head.cls.join.weight
    assert weight.dtype == torch.float32
    assert torch.equal(weight, donor.head.cls.join.weight.half().float())


def test_public_checkpoints_of_both_kinds_of_file(tmp_path: Path, net: SiameseNet, donor: SiameseNet) -> None:
    torch.save({"state_dict": public_state(donor)}, tmp_path / "nanotrackv3.pth")
    load_initial_weights(net, DLA, tmp_path / "nanotrackv3.pth")
    assert same_weights(net, donor)
    again = build_model(DLA)
    named = {name: value.contiguous() for name, value in public_state(donor, neck=False).items()}
    save_file(named, tmp_path / "nanotrack_v3.safetensors")
    load_initial_weights(again, DLA, tmp_path / "nanotrack_v3.safetensors")
    assert same_weights(again, donor)


@pytest.mark.parametrize("name", shipped())
def test_shipped_weights_start_either_twin_and_no_other_tracker(name: str, net: SiameseNet) -> None:
    twin = name.removeprefix("dla_") if name.startswith("dla_") else f"dla_{name}"
    for chosen in (recipe(name), recipe(twin)):
        assert load_initial_weights(build_model(chosen), chosen, name).stem == name
    if DLA.name in (name, twin):
        return
    before = build_model(DLA)
    with pytest.raises(InputError) as caught:
        load_initial_weights(net, DLA, name)
    assert str(caught.value).endswith(
        f"{name}.safetensors holds weights of {name}, not of the network of dla_nanotrack_v3: "
        "backbone.features.0.0.weight is (32, 3, 3, 3) there and (16, 3, 3, 3) here"
    )
    assert same_weights(net, before)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (
            {"backbone": "mobilenet_v2", "levels": (5,)},
            r"features\.0\.0\.weight is \(32, 3, 3, 3\) there and \(16,",
        ),
        ({"head": "fc"}, r"it lacks head\.cls\.pixel_kernel\.0\.weight \(96, 96, 1, 1\)"),
        (
            {"template_size": 95},
            r"head\.cls\.attention\.fc1\.weight is \(36, 36, 1, 1\) there and \(64, 64, 1, 1\)",
        ),
        ({"input_format": "rgb_255"}, "input_format is rgb_255 there and bgr_255 here"),
        ({"search_size": 287}, "search_size is 287 there and 255 here"),
        ({"stride": 8, "template_size": 63}, "template_size is 63 there and 127 here"),
    ],
)
def test_the_first_difference_is_named(tmp_path: Path, net: SiameseNet, changes: dict, message: str) -> None:
    other = replace(FIXED, name="other", net=replace(FIXED.net, **changes))
    file = saved(tmp_path, build_model(other), other)
    with pytest.raises(
        InputError, match=f"holds weights of other, not of the network of dla_nanotrack_v3: .*{message}"
    ):
        load_initial_weights(net, DLA, file)
    assert same_weights(net, build_model(DLA))


def test_weights_that_are_left_over_are_named(tmp_path: Path, donor: SiameseNet) -> None:
    light = replace(FIXED, net=replace(FIXED.net, head="fc"))
    net = build_model(light)
    message = r"it has head\.box\.attention\.fc1\.bias \(64,\), which is not here"
    with pytest.raises(InputError, match=message):
        load_initial_weights(net, light, saved(tmp_path, donor, FIXED))


def test_weights_that_are_not_finite_change_nothing(tmp_path: Path, net: SiameseNet) -> None:
    broken = build_model(FIXED)
    with torch.no_grad():
        broken.head.cls.predict.bias.fill_(torch.nan)
    with pytest.raises(InputError, match=r"not finite in head\.cls\.predict\.bias"):
        load_initial_weights(net, DLA, saved(tmp_path, broken, FIXED))
    assert same_weights(net, build_model(DLA))


def test_other_files_are_named(tmp_path: Path, net: SiameseNet, donor: SiameseNet) -> None:
    torch.save(older_state(donor, "V2"), tmp_path / "nanotrackv2.pth")
    with pytest.raises(
        InputError, match=r"nanotrackv2\.pth is a checkpoint of NanoTrack V2, which has no recipe"
    ):
        load_initial_weights(net, DLA, tmp_path / "nanotrackv2.pth")
    with pytest.raises(
        InputError, match="there is no file nowhere, and no weights of that name come with dlatrack"
    ):
        load_initial_weights(net, DLA, "nowhere")
    with pytest.raises(InputError, match=r"cannot read .*no\.pth"):
        load_initial_weights(net, DLA, tmp_path / "no.pth")
    content = saved(tmp_path, donor, FIXED).read_bytes()
    (tmp_path / "cut.safetensors").write_bytes(content[: len(content) // 2])
    with pytest.raises(InputError, match=r"cut\.safetensors is not a complete safetensors file"):
        load_initial_weights(net, DLA, tmp_path / "cut.safetensors")
    run = {f"net.{name}": value for name, value in donor.state_dict().items()}
    save_file(run, tmp_path / "checkpoint.safetensors", metadata={"dlatrack-training": "{}"})
    with pytest.raises(
        InputError, match=r"checkpoint of a training, .*; start from the weight file beside it"
    ):
        load_initial_weights(net, DLA, tmp_path / "checkpoint.safetensors")


SMALL = recipe("dla_siamcar_small")


def backbone_alone(net: SiameseNet) -> SiameseNet:
    """An equal network of fresh weights, with the backbone of `net`."""
    alone = build_model(SMALL)
    alone.backbone.load_state_dict(net.backbone.state_dict())
    return alone


@pytest.mark.parametrize("name", ["siamcar_small", "dla_siamcar_small", "siamrpnpp_small"])
def test_a_shipped_tracker_gives_its_backbone_alone(name: str) -> None:
    net, theirs = build_model(SMALL), load_weights(name)[0]
    said = load_initial_backbone(net, SMALL, name)
    assert same_weights(net, backbone_alone(theirs)), "neck and head stay as they were"
    taken, held = len(net.backbone.state_dict()), len(theirs.state_dict())
    assert said.startswith(f"backbone mobilenet_v2 of {name} from ")
    assert said.endswith(f"{name}.safetensors, {taken} of its {held} tensors; the others are left out")


def test_a_file_of_a_backbone_is_taken_whole(tmp_path: Path) -> None:
    net, donor = build_model(SMALL), build_model(SMALL, torch.Generator().manual_seed(8))
    state = {name: value.contiguous() for name, value in donor.backbone.state_dict().items()}
    save_file(state, tmp_path / "trunk.safetensors")
    torch.save(state, tmp_path / "trunk.pth")
    for file in ("trunk.safetensors", "trunk.pth"):
        net = build_model(SMALL)
        assert (
            load_initial_backbone(net, SMALL, tmp_path / file)
            == f"backbone mobilenet_v2 from {tmp_path / file}"
        )
        assert same_weights(net, backbone_alone(donor))


def test_a_backbone_that_does_not_fit_changes_nothing(tmp_path: Path, donor: SiameseNet) -> None:
    net = build_model(SMALL)
    with pytest.raises(
        InputError,
        match="holds weights of nanotrack_v3, whose backbone does not fit dla_siamcar_small: "
        "backbone is mobilenet_v3 there and mobilenet_v2 here",
    ):
        load_initial_backbone(net, SMALL, "nanotrack_v3")
    other = replace(SMALL, net=replace(SMALL.net, input_format="rgb_255"))
    with pytest.raises(InputError, match="input_format is rgb_255 there and "):
        load_initial_backbone(net, SMALL, saved(tmp_path, build_model(other), other))
    fewer = replace(SMALL, net=replace(SMALL.net, levels=SMALL.net.levels[:1]))
    with pytest.raises(InputError, match="lacks features"):
        load_initial_backbone(net, SMALL, saved(tmp_path, build_model(fewer), fewer))
    run = {f"net.{name}": value for name, value in donor.state_dict().items()}
    save_file(run, tmp_path / "checkpoint.safetensors", metadata={"dlatrack-training": "{}"})
    with pytest.raises(
        InputError, match=r"checkpoint of a training, .*; start from the weight file beside it"
    ):
        load_initial_backbone(net, SMALL, tmp_path / "checkpoint.safetensors")
    assert same_weights(net, build_model(SMALL))


def test_stages_that_are_not_built_are_left_out(tmp_path: Path) -> None:
    fewer = replace(SMALL, net=replace(SMALL.net, levels=SMALL.net.levels[:1]))
    net, donor = build_model(fewer), build_model(SMALL, torch.Generator().manual_seed(8))
    load_initial_backbone(net, fewer, saved(tmp_path, donor, SMALL))
    own = net.backbone.state_dict()
    assert len(own) < len(donor.backbone.state_dict())
    assert all(torch.equal(value, donor.backbone.state_dict()[name]) for name, value in own.items())


def test_a_start_of_another_option_is_named() -> None:
    chosen = recipe("siamcar_small")
    with pytest.raises(InputError, match="shipped is a value of --backbone-weights"):
        load_initial_backbone(build_model(chosen), chosen, "shipped")
