"""Every tracker of the paper and those beside it: sizes, official names, training, files, tracking."""

from __future__ import annotations

import json
import math
from dataclasses import replace
from functools import lru_cache
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from parity_weights import fill
from torch import nn

from dlatrack.assign import build_assigner
from dlatrack.datasets.synthetic import synthetic_sequence, synthetic_sequences
from dlatrack.models.official import load_official
from dlatrack.models.siamese import SiameseNet, build_model
from dlatrack.models.weights import load_weights, save_weights
from dlatrack.recipes import RECIPES, recipe
from dlatrack.sampling.pairs import PairSource
from dlatrack.sampling.store import CropStore
from dlatrack.tracking.online import OnlineTracker
from dlatrack.tracking.run import run_one_pass
from dlatrack.training.schedule import build_optimizer, set_rate
from dlatrack.training.step import forward_loss

PAPER = [f"{dla}{name}" for name in ("siamrpnpp", "siamcar", "cosiamrpn", "siamfcpp") for dla in ("", "dla_")]
NANO = [f"{dla}{name}" for name in ("siamfcpp_nano", "cosiamrpn_nano") for dla in ("", "dla_")]
EXTRA = ["siamban", "siamrpn", "siamfc", "nanotrack_v3", "dla_nanotrack_v3"]
OFFICIAL = {
    "siamrpnpp": "siamrpn_r50_l234_dwxcorr_otb",
    "siamrpn": "siamrpn_alex_dwxcorr_otb",
    "siamcar": "siamcar_r50",
    "siamban": "siamban_r50",
    "siamfcpp": "siamfcpp_googlenet",
}
TWINS = [name for name in RECIPES if f"dla_{name}" in RECIPES]


def size(module: nn.Module) -> int:
    return sum(p.numel() for p in module.parameters())


@pytest.mark.parametrize(
    ("name", "backbone", "total"),
    [
        ("siamrpnpp", 45_528_128, 53_950_624),
        ("siamcar", 45_528_128, 51_384_903),
        ("siamban", 45_528_128, 53_932_123),
        ("cosiamrpn", 3_595_388, 11_221_212),
        ("siamfcpp", 8_965_856 + 197_376, 13_887_476),
        ("siamrpn", 3_749_952, 6_251_102),
        ("siamfc", 2_336_320, 2_336_320),
        ("nanotrack_v3", 282_368, 541_446),
        ("siamfcpp_nano", 282_368, 957_460),
        ("cosiamrpn_nano", 700_768, 1_030_048),
    ],
)
def test_numbers_of_parameters(name: str, backbone: int, total: int) -> None:
    net = build_model(recipe(name))
    assert size(net.backbone) == backbone
    assert size(net) == total


@pytest.mark.parametrize("name", TWINS)
def test_twins_are_the_same_graph(name: str) -> None:
    """The same modules, of the same sizes, under the same names and in the same order."""
    fixed, dynamic = (build_model(recipe(n)) for n in (name, f"dla_{name}"))
    assert repr(fixed) == repr(dynamic)
    assert [n for n, _ in fixed.named_modules()] == [n for n, _ in dynamic.named_modules()]
    shapes = [[(n, tuple(p.shape)) for n, p in net.state_dict().items()] for net in (fixed, dynamic)]
    assert shapes[0] == shapes[1]


@pytest.mark.parametrize("name", sorted(OFFICIAL))
def test_official_names_and_shapes_are_accepted(shared_data: Path, name: str) -> None:
    keys = json.loads((shared_data / "parity/state_dict_keys.json").read_text())[OFFICIAL[name]]
    net = build_model(recipe(name))
    state = {key: fill(key, shape) for key, shape in keys.items()}
    load_official(net, {f"module.{key}": value for key, value in state.items()})
    taken = sorted(float(value.double().sum()) for value in net.state_dict().values())
    given_ = sorted(float(value.double().sum()) for value in state.values())
    fused = len(taken) - len(given_)  # level weights that an unweighted checkpoint lacks
    assert fused in (0, 2)
    assert len(taken) == len(given_) + fused
    assert fused or taken == pytest.approx(given_)


@pytest.mark.parametrize("name", PAPER + EXTRA)
def test_every_benchmark_of_the_paper_has_online_settings(name: str) -> None:
    assert {"OTB100", "UAV123", "LaSOT", "VOT2019"} <= set(recipe(name).online)


@pytest.fixture(scope="module")
def store() -> CropStore:
    return CropStore.build(synthetic_sequences(2, seed=40, length=3, challenges=()))


def ask_once(net: SiameseNet) -> None:
    """Keep the maps of a frozen backbone, which are the same for the same images in every step."""
    answers: dict[int, list[torch.Tensor]] = {}
    forward = net.backbone.forward

    def remembered(images: torch.Tensor) -> list[torch.Tensor]:
        if images.shape[-1] not in answers:
            answers[images.shape[-1]] = forward(images)
        return answers[images.shape[-1]]

    net.backbone.forward = remembered


@pytest.mark.slow
@pytest.mark.parametrize("name", PAPER + EXTRA + NANO)
def test_some_steps_save_load_and_track(store: CropStore, tmp_path: Path, name: str) -> None:
    """The loss of a pair falls over a few steps; the weights survive a file; the tracker follows a clip."""
    chosen = recipe(name)
    batch = PairSource(store, replace(chosen.sampling, negative_pairs=0.0), chosen.net, seed=1).batch(0, 0, 1)
    assigner = build_assigner(chosen.assign.name, chosen.grid, **chosen.assign.options)
    net = build_model(chosen).to(memory_format=torch.channels_last)
    net.train_mode(backbone_trains=chosen.schedule.unfreeze_epoch == 0)
    if not any(p.requires_grad for p in net.backbone.parameters()):
        ask_once(net)
    optimizer = build_optimizer(net, chosen.schedule)
    set_rate(optimizer, 0.02 if name.endswith("siamfcpp") else 0.002)
    losses = []
    for _ in range(20 if name in ("siamrpn", "siamfc") else 12):  # it falls slowly on AlexNet
        terms, _ = forward_loss(net, batch, assigner, chosen)
        optimizer.zero_grad()
        terms.total.backward()
        nn.utils.clip_grad_norm_(net.parameters(), chosen.schedule.clip_norm or math.inf)
        optimizer.step()
        losses.append(terms.total.item())
    assert np.isfinite(losses).all()
    assert np.mean(losses[-4:]) < 0.9 * np.mean(losses[:4]), losses

    save_weights(tmp_path / "net.safetensors", net, chosen, {"data": "synthetic"})
    loaded, found = load_weights(tmp_path / "net.safetensors", expect=chosen)
    assert found == chosen
    states = (loaded.state_dict().values(), net.state_dict().values())
    assert all(torch.equal(a, b) for a, b in zip(*states, strict=True))
    result = run_one_pass(OnlineTracker(loaded, chosen), synthetic_sequence(41, 4, challenges=()))
    assert np.isfinite(result.boxes_xywh).all()
    assert ((result.scores >= 0) & (result.scores <= 1)).all()


@lru_cache(maxsize=1)
def _net(name: str) -> SiameseNet:
    net = build_model(recipe(name))
    if name == "siamban":  # the boxes of an untrained SiamBAN overflow, and a tracker says so
        nn.init.zeros_(net.head.loc_scale)
    return net


@pytest.mark.slow
@pytest.mark.parametrize(
    "name", ["siamfc", "siamrpn", "siamfcpp", "siamcar_small", "siamrpnpp_small", "siamban", "nanotrack_v3"]
)
@settings(max_examples=8, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    image_wh=st.sampled_from([(1, 1), (7, 300), (640, 360), (4000, 30), (4000, 3000)]),
    x=st.floats(0, 1),
    y=st.floats(0, 1),
    wh=st.tuples(st.sampled_from([1.0, 33.3, 4000.0]), st.sampled_from([1.0, 33.3, 4000.0])),
    gray=st.booleans(),
)
def test_any_box_in_any_image_can_be_tracked(
    name: str, image_wh: tuple[int, int], x: float, y: float, wh: tuple[float, float], gray: bool
) -> None:
    """Boxes of one px, larger than the image, on its border; images of up to 4,000 px, grey ones too."""
    pattern = np.random.default_rng(0).integers(0, 256, (64, 64, 3), dtype=np.uint8)
    if gray:
        pattern[...] = pattern[..., :1]
    image = np.resize(pattern, (image_wh[1], image_wh[0], 3))
    corner = np.minimum(np.array([x, y]) * image_wh, np.array(image_wh) - 0.5)
    tracker = OnlineTracker(_net(name), recipe(name), benchmark="VOT2019")
    tracker.init(image, np.array([*corner, *wh]))
    for _ in range(2):
        box, score = tracker.update(image)
        assert np.isfinite(box).all()
        assert (box[2:] > 0).all()
        assert 0 <= score <= 1
