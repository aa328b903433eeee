"""Search regions with masks, and the purity and agreement of rules in them."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
import torch

from dlatrack.assign import ASSIGNERS, Prediction
from dlatrack.datasets.photographic import photographic_sequence
from dlatrack.datasets.synthetic import synthetic_sequence
from dlatrack.errors import InputError
from dlatrack.grid import ScoreGrid
from dlatrack.models.weights import load_weights
from dlatrack.studies.label_assignment import RULES_OF_HEADS, every_rule, search_regions, target_masks
from dlatrack.studies.mask_purity import Chosen, agreement, agreement_pairs, choose, joined, purity_table
from dlatrack.studies.masked_regions import MaskedRegions, masked_regions, masked_videos, predictions

HALF = np.zeros((255, 255), bool)
HALF[:, :127] = True


def regions(count: int = 4) -> MaskedRegions:
    """Targets in the middle whose left half is a mask, in videos of two regions."""
    picture = np.full((255, 255, 3), 100, np.uint8)
    return MaskedRegions(
        video=np.arange(count) // 2,
        crops_rgb=np.stack([picture] * count),
        templates_rgb=np.stack([picture[:127, :127]] * count),
        target_xyxy=torch.tensor([[95.0, 87, 159, 167]] * count, dtype=torch.float64),
        masks=np.stack([HALF] * count),
    )


def prediction(samples: int, count: int = 4) -> Prediction:
    """Every sample predicts the target."""
    box = torch.tensor([95.0, 87, 159, 167])
    return Prediction(torch.full((count, samples), 0.5), box.expand(count, samples, 4))


def chosen(positive: np.ndarray, weight: np.ndarray | None = None) -> Chosen:
    weight = positive.astype(float) if weight is None else weight
    return Chosen(positive, weight, ~positive.any(1), False)


@pytest.mark.parametrize("sequence", [photographic_sequence(3, 6), synthetic_sequence(5, 6)])
def test_masks_lie_where_search_regions_show_the_target(sequence):
    frames = [0, 2, 5]
    shown, masks = search_regions(sequence, frames), target_masks(sequence, frames)
    assert masks.shape == (3, 255, 255)
    for mask, box in zip(masks, shown.target_xyxy.numpy(), strict=True):
        y, x = np.nonzero(mask)
        tight = [x.min(), y.min(), x.max() + 1, y.max() + 1]
        whole = np.clip(box, 0, 255)
        assert tight[0] >= whole[0] - 3
        assert tight[1] >= whole[1] - 3
        assert tight[2] <= whole[2] + 3
        assert tight[3] <= whole[3] + 3
        assert mask.sum() > 0.1 * (box[2:] - box[:2]).prod()


def test_a_mask_is_cut_as_its_picture_is():
    sequence = photographic_sequence(3, 6)
    bright = np.zeros((240, 320), bool)
    cv2.circle(canvas := bright.astype(np.uint8), (200, 100), 30, 1, -1)

    class Frames:
        def __len__(self):
            return 6

        def __getitem__(self, index):
            return np.repeat(canvas[..., None] * 255, 3, 2)

        def mask(self, index):
            return canvas > 0

    from dataclasses import replace

    drawn = replace(sequence, frames=Frames())
    shown, masks = search_regions(drawn, [0, 1], seed=4), target_masks(drawn, [0, 1], seed=4)
    assert np.array_equal(shown.crops_rgb[..., 0] > 127, masks)


def test_regions_hold_the_template_of_their_own_video():
    videos = [photographic_sequence(3, 6), photographic_sequence(4, 6)]
    found = masked_regions(videos, 2)
    assert found.video.tolist() == [0, 0, 1, 1]
    assert found.templates_rgb.shape == (4, 127, 127, 3)
    assert np.array_equal(found.templates_rgb[0], found.templates_rgb[1])
    assert not np.array_equal(found.templates_rgb[1], found.templates_rgb[2])
    with pytest.raises(InputError, match="none of 0 videos shows its target"):
        masked_regions([], 2)


def test_videos_of_a_preset(monkeypatch, tmp_path):
    monkeypatch.setenv("DLATRACK_SHARED_DATA", str(tmp_path / "absent"))
    videos = masked_videos("smoke")
    assert {kind: len(found) for kind, found in videos.items()} == {"photographic": 3, "synthetic": 3}
    with pytest.raises(InputError, match="stills has no photograph"):
        masked_videos("smoke", footage=tmp_path)


def test_composed_videos_come_from_footage(tmp_path):
    clip = tmp_path / "video" / "clip"
    mask = np.zeros((90, 120), np.uint8)
    mask[20:70, 30:90] = 255
    noise = np.random.default_rng(0).integers(0, 255, (200, 260, 3), np.uint8)
    for folder, image in (("img", noise[:90, :120]), ("mask", mask)):
        (clip / folder).mkdir(parents=True)
        cv2.imwrite(str(clip / folder / "00000001.png"), image)
    (tmp_path / "stills").mkdir()
    cv2.imwrite(str(tmp_path / "stills" / "noise.png"), noise)
    videos = masked_videos("smoke", footage=tmp_path)
    assert len(videos["composed"]) == 3
    assert masked_regions(videos["composed"], 1).masks.any((1, 2)).all()


def test_points_are_looked_up_in_the_mask():
    found = regions().on_target(torch.tensor([[100.0, 50.0], [126.4, 10.0], [126.6, 10.0]]))
    assert found[0].tolist() == [True, True, False]


def test_every_rule_is_there_for_its_head():
    of_heads = {name for names in RULES_OF_HEADS.values() for name in names}
    assert of_heads == set(ASSIGNERS) - {"dla"}, "a new rule joins the notebook"
    for head, names in RULES_OF_HEADS.items():
        rules = every_rule(head, ScoreGrid())
        assert len(rules) == len(names)
        assert {len(rule.anchor_shapes) for rule in rules.values()} == {1 if head == "points" else 5}


def test_purity_is_the_share_of_positives_on_the_mask():
    answers = {"points": prediction(625), "anchors": prediction(3125)}
    table = purity_table(regions(), choose(regions(), answers)).set_index(["head", "rule"])
    assert set(table.index.get_level_values("head")) == {"points", "anchors"}
    whole = table.loc["points", "whole box"]
    assert whole["purity"] == pytest.approx(3 / 7), "columns 103, 111, 119 and 127, 135, 143, 151"
    assert whole["low"] == whole["high"] == pytest.approx(3 / 7), "all regions are alike"
    assert (whole["positives"], whole["on the target"]) == (63, 27)
    assert table.loc["points", "SimOTA"]["looks at predictions"]
    assert not table.loc["points", "DLA"]["looks at predictions"]
    assert table.loc[("points", "DLA"), "less DLA"] == 0


def test_weights_and_rules_without_positives():
    masked = regions()
    left, right = masked.on_target(ScoreGrid().points)[0].argmax(), 624
    positive = np.zeros((4, 625), bool)
    positive[:, [left, right]] = True
    weight = np.where(positive, 1.0, 0)
    weight[:, left] = 3
    rules = {
        "DLA": chosen(positive),
        "soft": chosen(positive, weight),
        "none": chosen(np.zeros_like(positive)),
    }
    table = purity_table(masked, {"points": rules}).set_index("rule")
    assert table["purity"].tolist()[:2] == [0.5, 0.5]
    assert table["weighted purity"].tolist()[:2] == [0.5, 0.75]
    assert table.loc["none", ["purity", "low", "weighted purity"]].isna().all()
    assert table["empty"].tolist() == [0, 0, 1]
    both = joined({"a": table.reset_index(), "b": table.reset_index()})
    assert list(both["video"]) == ["a"] * 3 + ["b"] * 3


def test_the_interval_is_over_videos():
    masked = regions(8)
    positive = np.zeros((8, 625), bool)
    left = masked.on_target(ScoreGrid().points)[0].argmax()
    positive[:4, left] = True
    positive[4:, 624] = True
    table = purity_table(masked, {"points": {"DLA": chosen(positive)}})
    row = table.iloc[0]
    assert row["purity"] == 0.5
    assert (row["low"], row["high"]) == (0, 1), "two videos of four"
    one = purity_table(regions(2), {"points": {"DLA": chosen(positive[:2])}}).iloc[0]
    assert np.isnan(one["low"]), "a single video has no interval"


def test_agreement_is_the_share_of_the_rows_positives():
    first = np.array([[True, True, False, False]])
    second = np.array([[False, True, True, True]])
    table = agreement({"a": chosen(first), "b": chosen(second), "none": chosen(np.zeros_like(first))})
    assert table.loc["a"].tolist() == [1, 0.5, 0]
    assert table.loc["b"].tolist() == pytest.approx([1 / 3, 1, 0])
    assert table.loc["none"].isna().all()
    pairs = agreement_pairs({"points": table})
    assert len(pairs) == 6
    assert pairs.iloc[0].tolist() == ["points", "a", "b", 0.5]


def test_a_shipped_tracker_finds_the_target():
    found = masked_regions([photographic_sequence(3, 6)], 3)
    answer = predictions(*load_weights("siamcar_small"), found)
    assert answer.probability.shape == (3, 625)
    best = answer.probability.argmax(1)
    points = ScoreGrid().points[best]
    assert found.on_target(points)[np.arange(3), np.arange(3)].all()
