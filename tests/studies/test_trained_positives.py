"""Positives of rules that look at predictions, with an untrained and with a trained network."""

from __future__ import annotations

import pytest

from dlatrack.datasets.photographic import photographic_sequence
from dlatrack.studies.masked_regions import masked_regions
from dlatrack.studies.trained_positives import TRAINED, UNTRAINED, answers, movement_table, pictured


@pytest.fixture(scope="module")
def regions():
    return masked_regions([photographic_sequence(3, 8), photographic_sequence(5, 8)], 3)


@pytest.fixture(scope="module")
def found(regions):
    return answers(regions, ["siamcar_small", "siamrpnpp_small"])


def test_a_trained_network_predicts_better_boxes_at_its_positives(regions, found):
    table = movement_table(regions, found).set_index(["tracker", "rule", "network"])
    trackers = table.index.get_level_values("tracker").unique()
    assert list(trackers) == ["SiamCAR small, fixed rule", "SiamRPN++ small, fixed rule"]
    for tracker in trackers:
        for rule in ("SimOTA", "OTA"):
            before, after = (table.loc[(tracker, rule, state)] for state in (UNTRAINED, TRAINED))
            assert after["IoU"] > before["IoU"] + 0.1
            assert 0 <= after["stays"] <= 1
            assert before.isna()["stays"]
            assert after["positives"] >= 1
            assert 0 < after["distance, px"] < 40


def test_untrained_networks_answer_boxes_of_the_size_of_a_target(found):
    for one in found:
        box = one.predictions[UNTRAINED].boxes_xyxy
        assert 20 < float((box[..., 2:] - box[..., :2]).median()) < 200


def test_the_seed_decides_the_fresh_weights(regions, found):
    again = answers(regions, ["siamcar_small"])[0]
    other = answers(regions, ["siamcar_small"], seed=1)[0]
    first = found[0].predictions
    assert again.predictions[UNTRAINED].boxes_xyxy.equal(first[UNTRAINED].boxes_xyxy)
    assert not other.predictions[UNTRAINED].boxes_xyxy.equal(first[UNTRAINED].boxes_xyxy)
    assert other.predictions[TRAINED].boxes_xyxy.equal(first[TRAINED].boxes_xyxy)


def test_what_a_picture_shows_is_kept_by_number(regions, found):
    shown = pictured(regions, found[0], ["SimOTA"], 1)
    assert list(shown["SimOTA"]) == [UNTRAINED, TRAINED]
    numbers = shown["SimOTA"][TRAINED]
    assert len(numbers) == found[0].positive("SimOTA", TRAINED, regions)[1].sum()
    assert all(0 <= number < 625 for number in numbers)
