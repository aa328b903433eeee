"""Test sets are known by what they say and by the names of their sequences."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dlatrack.datasets.manifests import manifest
from dlatrack.errors import InputError
from dlatrack.tracking.benchmark import DataSetSource
from dlatrack.tuning.guard import (
    check_declared,
    check_listed,
    declared_test_set,
    listed_test_set,
    validation_source,
)

LISTS = {
    name: [sequence.name for sequence in manifest(stem).sequences]
    for name, stem in {
        "OTB100": "otb100",
        "UAV123": "uav123",
        "LaSOT": "lasot_test",
        "VOT2019": "vot2019",
    }.items()
}
OWN = [f"recording_{number}" for number in range(200)]
ROOT = Path("data")


@pytest.mark.parametrize(
    ("name", "split", "stem", "used", "test_set"),
    [
        ("GOT10K", "", "got10k", "val", None),
        ("GOT-10k", "train_vot", "got10k", "train_vot", None),
        ("GOT10K", "test", "got10k", "test", "GOT-10k test"),
        ("trackingnet", "", "trackingnet", "train", None),
        ("TrackingNet", "test", "trackingnet", "test", "TrackingNet test"),
        ("youtubebb", "", "youtubebb", "validation", None),
        ("lasot", "", "lasot", "train", None),
        ("LaSOT", "", "lasot_test", "test", "LaSOT"),
        ("lasot_test", "", "lasot_test", "test", "LaSOT"),
        ("otb100", "", "otb100", "test", "OTB100"),
        ("OTB100", "otb2013", "otb100", "otb2013", "OTB100"),
        ("UAV123", "", "uav123", "test", "UAV123"),
        ("vot2019", "", "vot2019", "test", "VOT2019"),
        ("folder", "", "folder", "test", None),
    ],
)
def test_names_lead_to_splits(name: str, split: str, stem: str, used: str, test_set: str | None) -> None:
    source = validation_source(name, ROOT, split)
    assert source == DataSetSource(stem, ROOT, used)
    assert declared_test_set(source) == test_set


@pytest.mark.parametrize(
    ("name", "split", "message"),
    [
        (
            "OTB2077",
            "",
            "no data set 'OTB2077' of videos; choose from folder, got10k, .*OTB100, UAV123, LaSOT",
        ),
        ("coco", "", "no data set 'coco' of videos"),
        ("VOT2018", "", "VOT2018 is a test set, and has no reader; tune on a validation set, e.g. GOT10K"),
        ("GOT10K", "dev", "got10k has no split 'dev'; choose from train, val"),
        ("folder", "val", "a folder has no splits, got 'val'"),
    ],
)
def test_names_that_lead_nowhere_are_refused(name: str, split: str, message: str) -> None:
    with pytest.raises(InputError, match=message):
        validation_source(name, ROOT, split)


def test_a_declared_test_set_is_refused_unless_allowed() -> None:
    source = DataSetSource("otb100", ROOT)
    with pytest.raises(InputError, match=r"^OTB100 is a test set; .* allow it with --on-test-set"):
        check_declared(source, allowed=False)
    assert check_declared(source, allowed=True) == "OTB100"


def test_names_of_a_test_set_are_refused_unless_allowed() -> None:
    message = (
        r"^Basketball, Biker, Bird1 and 97 more of the 100 sequences belong to OTB100, a test set; .*"
        r"tune on a validation set"
    )
    with pytest.raises(InputError, match=message):
        check_listed(LISTS["OTB100"], allowed=False)
    assert check_listed(LISTS["OTB100"], allowed=True) == "OTB100"
    assert check_listed(OWN, allowed=False) is None


@pytest.mark.parametrize(
    ("given_names", "test_set"),
    [
        (LISTS["OTB100"][:5], "OTB100"),
        (LISTS["OTB100"][:4], None),  # too few to tell
        ([name.lower() for name in LISTS["OTB100"]], "OTB100"),
        (LISTS["UAV123"][:6] + OWN[:2], "UAV123"),  # exactly three quarters
        (LISTS["UAV123"][:5] + OWN[:2], None),
        (LISTS["OTB100"][:50] + OWN, "OTB100"),  # half of the list among many others
        (LISTS["OTB100"][:49] + OWN, None),
        (LISTS["VOT2019"][12:] + OWN[:12], "VOT2019"),  # as VOT2018, which shares 48 of 60 names
        ([f"GOT-10k_Test_{number:06d}" for number in range(1, 181)], "GOT-10k test"),
        ([f"GOT-10k_Val_{number:06d}" for number in range(1, 181)], None),
        (sorted(manifest("lasot").lists["train"]), None),
        (sorted(manifest("lasot").lists["train"]) + LISTS["LaSOT"], "LaSOT"),
        (["car", "dog", "girl", "car1", "person", "bike", "cup", "cat"], None),  # three are in VOT2019's list
        ([], None),
    ],
)
def test_whose_names_these_are(given_names: list[str], test_set: str | None) -> None:
    found = listed_test_set(given_names)
    assert (found.test_set if found else None) == test_set


@given(st.sampled_from(sorted(LISTS)), st.data())
def test_part_of_a_test_set_is_found_in_any_order(name: str, data: st.DataObject) -> None:
    chosen = data.draw(st.lists(st.sampled_from(LISTS[name]), min_size=5, unique=True))
    found = listed_test_set(chosen)
    assert found is not None
    assert set(found.shared) <= set(chosen)
    assert len(found.shared) >= 0.75 * len(chosen)


@given(st.lists(st.sampled_from([*OWN, *LISTS["OTB100"]]), unique=True))
def test_a_few_common_names_do_not_matter(chosen: list[str]) -> None:
    shared = len(set(chosen) & set(LISTS["OTB100"]))
    expected = shared >= 5 and (shared >= 0.75 * len(chosen) or shared >= 50)
    assert (listed_test_set(chosen) is not None) == expected
