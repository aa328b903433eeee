"""A DLA tracker against its fixed twin: targets, clips, and what a verdict may say."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from dlatrack.evaluation.statistics.compare import paired_bootstrap
from dlatrack.evaluation.statistics.twins import clip_of, compare_twins, verdict

TARGETS = ["car", "dogs-1", "dogs-2", "dogs-3", "girl", "worm"]
PAIRS = [("T, fixed rule", "DLA-T")]
DIFFERENCES = np.array([0.03, 0.1, 0.11, 0.09, 0.02, 0.01])


def auc_of(differences: np.ndarray, targets: list[str]) -> pd.DataFrame:
    columns = {"static box": 0.2, "T, fixed rule": 0.5, "DLA-T": 0.5 + differences}
    return pd.DataFrame(columns, pd.Index(targets, name="target"))


def test_targets_of_a_clip_are_drawn_together():
    (found,) = compare_twins(auc_of(DIFFERENCES, TARGETS), PAIRS)
    assert (found.dynamic, found.fixed) == ("DLA-T", "T, fixed rule")
    assert list(found.differences.index) == ["dogs-2", "dogs-1", "dogs-3", "car", "girl", "worm"]
    assert found.by_target.value == pytest.approx(0.06)
    assert found.by_target.sequences == 6
    assert found.by_clip is not None
    assert found.by_clip.sequences == 4, "car, dogs, girl and worm"
    assert found.by_clip.value == pytest.approx(0.06), "every target still counts the same"
    assert found.by_clip.high - found.by_clip.low > found.by_target.high - found.by_target.low


def test_the_verdict_is_as_sure_as_the_wider_interval():
    (found,) = compare_twins(auc_of(DIFFERENCES, TARGETS), PAIRS)
    assert found.by_target.distinguishable
    assert not found.by_clip.distinguishable
    assert (found.summary.low, found.summary.high) == (
        min(found.by_target.low, found.by_clip.low),
        max(found.by_target.high, found.by_clip.high),
    )
    text = verdict(found)
    assert text.startswith("DLA-T is not distinguishable from T, fixed rule: difference 0.060 AUC")
    assert "(4 clips)" in text
    assert "with a chance of 80 %" in text


def test_clips_of_one_target_each_are_the_plain_comparison():
    alone = auc_of(DIFFERENCES, list("abcdef"))
    (found,) = compare_twins(alone, PAIRS, seed=3)
    assert found.by_clip is None
    expected = paired_bootstrap(alone["DLA-T"].to_numpy(), alone["T, fixed rule"].to_numpy(), seed=3)
    assert found.summary == found.by_target == expected
    assert "clips" not in verdict(found)
    assert clip_of("bmx-2") == "bmx"
    assert clip_of("bird_of_paradise") == "bird_of_paradise"
