"""The trackers that come with the package."""

from __future__ import annotations

from pathlib import Path

import pytest

from dlatrack.datasets.synthetic import synthetic_sequence
from dlatrack.errors import InputError
from dlatrack.evaluation.ope import evaluate
from dlatrack.models.weights import SHIPPED, find_weights, load_weights, read_weights_info, shipped
from dlatrack.recipes import RECIPES
from dlatrack.recipes.fine_tuning import fine_tuning
from dlatrack.tracking.online import OnlineTracker
from dlatrack.tracking.run import Tracker, run_one_pass
from dlatrack.tracking.static import StaticTracker

NAMES = (
    *("dla_nanotrack_v3", "dla_siamcar_small", "dla_siamrpnpp_small"),
    *("nanotrack_v3", "siamcar_small", "siamrpnpp_small"),
)
MOST_BYTES = 8 * 2**20


def test_the_small_twins_are_there_and_small() -> None:
    assert shipped() == NAMES
    sizes = {name: (SHIPPED / f"{name}.safetensors").stat().st_size for name in NAMES}
    assert max(sizes.values()) <= MOST_BYTES
    assert max(sizes["nanotrack_v3"], sizes["dla_nanotrack_v3"]) <= 1.3 * 2**20


@pytest.mark.parametrize("name", NAMES)
def test_they_are_what_the_recipes_say(name: str) -> None:
    net, chosen = load_weights(name, expect=RECIPES[name])
    usual = RECIPES[name].schedule
    tuned = fine_tuning(usual, rate=0.0002)  # the public weights, trained further
    assert chosen.schedule == (tuned if "nanotrack" in name else usual)
    assert chosen.assign == RECIPES[name].assign
    assert not net.training
    card = read_weights_info(name).card
    assert {"data", "licences", "run", "validation", "versions"} <= set(card)


@pytest.mark.parametrize("name", ["nanotrack_v3", "siamcar_small", "siamrpnpp_small"])
def test_twins_were_trained_alike(name: str) -> None:
    fixed, dynamic = (read_weights_info(twin).card["run"] for twin in (name, f"dla_{name}"))
    differing = {key for key in fixed if fixed[key] != dynamic[key]}
    assert differing == {"recipe"}
    inner = {key for key in fixed["recipe"] if fixed["recipe"][key] != dynamic["recipe"][key]}
    assert inner == {"name", "assign"}


@pytest.mark.parametrize("name", NAMES)
def test_they_follow_a_target_that_moves_away(name: str) -> None:
    sequence = synthetic_sequence(7, 30, challenges=("FM",))
    trackers: dict[str, Tracker] = {"net": OnlineTracker(*load_weights(name)), "static": StaticTracker()}
    scores = {
        label: evaluate(
            {sequence.name: run_one_pass(tracker, sequence).boxes_xywh}, {sequence.name: sequence.boxes_xywh}
        ).auc
        for label, tracker in trackers.items()
    }
    assert scores["net"] > 0.5 > scores["static"]


def test_a_path_goes_before_a_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert find_weights("siamcar_small") == SHIPPED / "siamcar_small.safetensors"
    assert find_weights("no/such/file.safetensors") == Path("no/such/file.safetensors")
    monkeypatch.chdir(tmp_path)
    (tmp_path / "siamcar_small").touch()
    assert find_weights("siamcar_small") == Path("siamcar_small")


def test_an_unknown_name_says_what_there_is() -> None:
    with pytest.raises(
        InputError,
        match=r"there is no file siamcar, .* it has dla_nanotrack_v3, dla_siamcar_small, dla_siamrpnpp",
    ):
        find_weights("siamcar")


def test_their_folder_names_origin_and_licences() -> None:
    card, notice = ((SHIPPED / file).read_text(encoding="utf-8") for file in ("README.md", "NOTICE"))
    for name in NAMES:
        assert name in card
    for term in ("CC BY 4.0", "Apache", "Kodak", "NanoTrack", "MIT"):
        assert term in notice
