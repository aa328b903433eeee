"""Search regions and counts behind Fig. 1."""

from __future__ import annotations

import numpy as np
import pytest

from dlatrack.datasets.folder import write_folder
from dlatrack.datasets.synthetic import synthetic_sequence
from dlatrack.errors import InputError
from dlatrack.grid import ScoreGrid
from dlatrack.studies.label_assignment import count_positives, paper_rules, search_regions, study_sequence


@pytest.fixture(scope="module")
def video():
    return synthetic_sequence(21, 20)


def test_a_region_shows_its_target(video):
    regions = search_regions(video, [0, 5, 9])
    assert regions.crops_rgb.shape == (3, 255, 255, 3)
    assert regions.frames == [0, 5, 9]
    size = regions.target_xyxy[:, 2:] - regions.target_xyxy[:, :2]
    assert ((size > 30) & (size < 130)).all(), "template scale: about 64 px"
    again = search_regions(video, [5])
    assert (again.crops_rgb[0] == regions.crops_rgb[1]).all(), (
        "a frame's region does not depend on the others"
    )
    assert not np.array_equal(search_regions(video, [5], seed=1).crops_rgb[0], again.crops_rgb[0])


def test_counts_agree_with_the_rules(video):
    regions, rules = search_regions(video, range(20)), paper_rules(ScoreGrid())
    paper, trained = "SiamCAR: rectangle 0.6, paper", "SiamCAR: rectangle 0.4, trained"
    table, summary = count_positives(regions, rules)
    assert table.shape == (20, 8)
    assert list(summary.index) == list(rules)
    assert summary.loc[paper, "mean positives"] == table[paper].mean()
    assert (table[["DLA, points, K = 9", "DLA, anchors, K = 9"]] >= 1).all(axis=None), "nobody is left empty"
    assert (table["SiamFC++: whole box"] > table[paper]).all()
    assert (table[paper] > table[trained]).all()


def test_each_rule_labels_the_points_of_its_own_tracker():
    rules = paper_rules()
    assert [rule.grid.offset for rule in rules.values()] == [32, 32, 32, 31, 31, 63, 31, 63]
    assert [rule.grid.size for rule in rules.values()] == [25] * 5 + [17, 25, 17]
    centres = {
        float(rule.grid.offset + rule.grid.stride * (rule.grid.size - 1) / 2) for rule in rules.values()
    }
    assert centres == {127, 128}, "the middle of a region of 255 px, and SiamCAR's pixel beside it"


def test_a_folder_can_be_studied(video, tmp_path):
    folder = write_folder(synthetic_sequence(21, 3), tmp_path)
    assert len(study_sequence(folder)) == 3
    assert study_sequence().name == "photographic-0379"


def test_frames_that_cannot_be_used_are_named(video):
    with pytest.raises(InputError, match=r"synthetic-0021 has frames 0\.\.19, not 20"):
        search_regions(video, [0, 20])
    with pytest.raises(InputError, match="shows its target in none of the frames"):
        search_regions(video, [])
