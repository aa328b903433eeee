"""Table 1: what the paper prints, what is published and what was found stand in columns of their own."""

from __future__ import annotations

import json

import pandas as pd
import pytest

from dlatrack.datasets.check import check
from dlatrack.datasets.manifests import names
from dlatrack.datasets.mini import write_mini
from dlatrack.paper.table1 import check_below, data_or_miniatures, table1


def test_printed_values_are_those_of_the_paper(shared_data):
    printed = json.loads((shared_data / "paper_numbers.json").read_text())["table1"]["rows"]
    table = table1()["paper"]
    for dataset, _, *values in printed:
        for question, value in zip(
            ("train", "test", "instances", "classes", "frames_per_second"), values, strict=True
        ):
            if value is not None:
                assert table[dataset, question] == str(value)
            else:
                assert (dataset, question) not in table.index or pd.isna(table[dataset, question])


def test_published_counts_come_from_the_manifests():
    table = table1()
    assert table.loc[("GOT-10k", "train"), "published"] == 9335
    assert table.loc[("LaSOT", "instances"), "published"] == 2_831_982 + 685_360
    assert table.loc[("OTB100", "test")].dropna().to_dict() == {
        "paper": "100",
        "published": 100,
        "published_is": "measured",
        "listed": 100,
    }
    assert table.loc[("COCO", "train"), "published_is"] == "recalled"
    assert table["found"].isna().all()
    assert table["published"].dtype == "Int64"


def test_lists_are_counted():
    listed = table1()["listed"].dropna()
    assert listed.to_dict() == {
        **{("ImageNet DET", "classes"): 200, ("ImageNet VID", "classes"): 30},
        **{("LaSOT", "train"): 1120, ("LaSOT", "test"): 280, ("LaSOT", "classes"): 70},
        **{("OTB100", "test"): 100, ("OTB100", "classes"): 10},
        **{("UAV123", "test"): 123, ("UAV123", "classes"): 8, ("VOT2019", "test"): 60},
    }


def test_every_data_set_of_the_table_has_a_manifest_or_no_published_count():
    table = table1()
    assert table.loc[(table["published_is"].isna() & table["published"].notna())].empty
    assert {"coco", "got10k", "otb100"} <= set(names())


@pytest.mark.parametrize(("name", "dataset"), [("got10k", "GOT-10k"), ("otb100", "OTB100")])
def test_found_is_what_the_check_counted(name, dataset, tmp_path):
    report = check(name, write_mini(name, tmp_path))
    table = table1([report])
    question = "train" if name == "got10k" else "test"
    split = report.counts[question]
    assert table.loc[(dataset, question), "found"] == split.tracks
    assert table.loc[(dataset, "instances"), "found"] == split.rows
    assert table.loc[(dataset, "instances"), "found_in"] == "miniature"
    assert table["found"].notna().sum() == 2


def test_a_sum_with_an_unknown_part_is_unknown(tmp_path):
    """LaSOT's instances need both parts; only the test part was checked."""
    table = table1([check("lasot_test", write_mini("lasot_test", tmp_path))])
    assert table.loc[("LaSOT", "test"), "found"] > 0
    assert pd.isna(table.loc[("LaSOT", "train"), "found"])
    assert pd.isna(table.loc[("LaSOT", "instances"), "found"])


def test_without_data_at_hand_all_miniatures_are_written_and_checked(tmp_path, monkeypatch):
    monkeypatch.delenv("DLATRACK_DATA", raising=False)
    monkeypatch.setenv("DLATRACK_CACHE", str(tmp_path))
    folder = data_or_miniatures()
    assert data_or_miniatures() == folder, "a second call finds them"
    checks = check_below(folder)
    assert [report.name for report in checks] == list(names())
    assert all(report.ok and report.miniature for report in checks)
    table = table1(checks)
    counted = table.loc[table["paper"].notna()].query("question in ('train', 'test', 'instances')")
    assert set(counted["found_in"]) == {"miniature"}
    assert (counted["found"] > 0).all()


def test_the_users_folder_comes_first(tmp_path, monkeypatch):
    monkeypatch.setenv("DLATRACK_DATA", str(tmp_path / "own"))
    assert data_or_miniatures() == tmp_path / "own"
    assert data_or_miniatures(str(tmp_path / "named")) == tmp_path / "named"
