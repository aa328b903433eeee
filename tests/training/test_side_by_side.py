"""Trainings side by side: the bits of single ones, shared work, and resumption from different steps."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import torch

from dlatrack.datasets.synthetic import synthetic_sequences
from dlatrack.models.inference.cpu_convolution import onednn_available
from dlatrack.models.inference.frozen import FrozenTrunk, TrunkMaps
from dlatrack.recipes import Recipe, Schedule, recipe
from dlatrack.sampling.pairs import CommonPairs, PairSource
from dlatrack.sampling.store import CropStore
from dlatrack.training.engine import train, train_side_by_side
from dlatrack.training.history import StepRow
from dlatrack.training.run import CHECKPOINT

SHORT = Schedule(
    epochs=3,
    pairs_per_epoch=5,
    batch=3,
    warmup_epochs=0,
    rate=0.02,
    unfreeze_epoch=2,
    backbone_start="random",
)


def short(name: str) -> Recipe:
    return replace(recipe(name), schedule=SHORT, sampling=recipe("siamcar_nano").sampling)


@pytest.fixture(scope="module")
def store() -> CropStore:
    return CropStore.build(synthetic_sequences(2, seed=50, length=4, challenges=()))


@pytest.mark.parametrize(
    "names",
    [
        ("siamcar_nano", "dla_siamcar_nano"),
        ("nanotrack_v3", "dla_nanotrack_v3"),
        ("siamcar_small", "siamrpnpp_nano", "dla_siamrpnpp_nano"),
    ],
)
def test_each_has_the_bits_of_a_training_of_its_own(
    store: CropStore, tmp_path: Path, names: tuple[str, ...]
) -> None:
    recipes = [short(name) for name in names]
    trained = train_side_by_side(recipes, store, [tmp_path / name for name in names], seed=7)
    for each, found in zip(recipes, trained, strict=True):
        alone = train(each, store, tmp_path / "alone" / each.name, seed=7)
        assert [step[:-1] for step in found.steps] == [step[:-1] for step in alone.steps], "all but the speed"
        paths = (tmp_path / each.name / CHECKPOINT, tmp_path / "alone" / each.name / CHECKPOINT)
        assert paths[0].read_bytes() == paths[1].read_bytes()


def test_pairs_and_maps_are_made_once(
    store: CropStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    drawn, mapped = [], []
    pair, maps = PairSource.pair, FrozenTrunk._maps
    monkeypatch.setattr(PairSource, "pair", lambda self, *place: (drawn.append(place), pair(self, *place))[1])
    monkeypatch.setattr(
        FrozenTrunk, "_maps", lambda self, images: (mapped.append(images.shape), maps(self, images))[1]
    )
    names = ("siamcar_nano", "dla_siamcar_nano", "siamrpnpp_nano")
    recipes = [short(name) for name in names]
    train_side_by_side(recipes, store, [tmp_path / name for name in names], until_epoch=2)
    assert drawn == [(epoch, index) for epoch in range(2) for index in range(5)]
    if onednn_available():
        assert len(mapped) == 2 * 2 * 2, "two images in each of two steps of two epochs"


def test_interrupted_runs_meet_again(store: CropStore, tmp_path: Path) -> None:
    names = ("siamcar_nano", "dla_siamcar_nano")
    recipes, folders = [short(name) for name in names], [tmp_path / name for name in names]
    train(recipes[1], store, folders[1], until_epoch=1)
    seen: list[StepRow] = []
    train_side_by_side(recipes, store, folders, on_step=lambda step, _: seen.append(step))
    assert [step.step for step in seen] == [0, 1, 2, 2, 3, 3, 4, 4, 5, 5]
    for each, folder in zip(recipes, folders, strict=True):
        train(each, store, tmp_path / "alone" / each.name)
        assert (folder / CHECKPOINT).read_bytes() == (
            tmp_path / "alone" / each.name / CHECKPOINT
        ).read_bytes()


def test_recipes_of_other_pairs_are_refused(store: CropStore, tmp_path: Path) -> None:
    other = replace(recipe("siamcar_nano"), schedule=replace(SHORT, batch=4))
    with pytest.raises(ValueError, match="siamcar_nano and dla_siamcar_nano do not see the same pairs"):
        train_side_by_side([short("dla_siamcar_nano"), other], store, [tmp_path / "a", tmp_path / "b"])


def test_a_batch_is_given_again_until_another_is_asked_for(store: CropStore) -> None:
    chosen = recipe("siamcar_nano")
    common = CommonPairs(store, chosen.sampling, chosen.net, 3)
    plain = PairSource(store, chosen.sampling, chosen.net, 3)
    first = common.batch(0, 0, 2)
    assert common.batch(0, 0, 2) is first
    again = common.batch(0, 0, 2, out=plain.empty_batch(2))
    assert again is not first, "memory of the caller is filled"
    for batch, place in ((first, (0, 0, 2)), (again, (0, 0, 2)), (common.batch(1, 2, 1), (1, 2, 1))):
        for found, expected in zip(batch, plain.batch(*place), strict=True):
            assert torch.equal(found, expected)
    assert common.batch(0, 0, 2) is not first


def test_maps_are_those_of_the_images() -> None:
    shared, calls = TrunkMaps(), []

    def double(images: torch.Tensor) -> list[torch.Tensor]:
        calls.append(images.shape)
        return [2 * images]

    images = torch.arange(12.0).reshape(1, 3, 2, 2)
    assert torch.equal(shared.of(images, (5,), double)[0], 2 * images)
    assert torch.equal(shared.of(images.clone(), (5,), double)[0], 2 * images)
    assert len(calls) == 1
    images += 1  # the memory of a batch is used again
    assert torch.equal(shared.of(images, (5,), double)[0], 2 * images)
    assert torch.equal(shared.of(images[..., :1], (5,), double)[0], 2 * images[..., :1])
    assert len(calls) == 3


def test_a_trunk_of_fewer_levels_uses_the_maps_of_one_of_more() -> None:
    shared, calls = TrunkMaps(), []

    def powers(images: torch.Tensor) -> list[torch.Tensor]:
        calls.append(images.shape)
        return [images**2, images**3]

    images = torch.arange(12.0).reshape(1, 3, 2, 2)
    assert len(shared.of(images, (3, 5), powers)) == 2
    (last,) = shared.of(images, (5,), powers)
    assert torch.equal(last, images**3)
    assert len(calls) == 1
    shared.of(images, (4, 5), powers)
    assert len(calls) == 2, "level 4 was missing"
