"""Settings: what the paper prints of its method and training, beside what the recipes hold."""

from __future__ import annotations

import json
from pathlib import Path

from dlatrack.paper.settings import settings_table
from dlatrack.recipes import recipe


def test_what_is_taken_over_and_what_is_not():
    table = settings_table().set_index(["where", "tracker", "setting"])
    k = table.loc[("Algorithm 1", "DLA", "candidates")]
    assert k[["paper", "dlatrack", "taken over"]].tolist() == ["9", "9", "yes"]
    width = table.loc[("Sec. 3.2", "SiamCAR", "positive width fraction")]
    assert width[["paper", "dlatrack", "taken over"]].tolist() == ["0.6", "0.4", "no"]
    assert "public SiamCAR code" in width["remark"]
    batches = table.loc[("Fig. 11", "SiamCAR", "iterations per epoch")]
    assert batches[["paper", "dlatrack", "taken over"]].tolist() == ["2343", "2344", "no"]
    assert table.loc[("Fig. 10", "SiamRPN++", "inflection iteration"), "taken over"] == "yes"
    assert table.loc[("Sec. 4.1", "all", "normalise mean"), "dlatrack"] == "raw BGR"
    cards = table.loc[("Sec. 4.1", "all", "graphics cards")]
    assert cards[["paper", "dlatrack", "taken over"]].tolist() == ["4", "", ""]


def test_every_deviation_has_its_reason():
    table = settings_table()
    assert set(table["taken over"]) == {"yes", "no", ""}
    assert (table.loc[table["taken over"] != "yes", "remark"] != "").all()


def test_the_schedule_is_the_papers(shared_data: Path):
    training = json.loads((shared_data / "paper_numbers.json").read_text())["training"]
    table = settings_table()
    table = table[table["where"] == "Sec. 4.1"].set_index("setting")["paper"]
    assert int(table["pairs per epoch"]) == training["pairs_per_epoch"]
    assert int(table["epochs"]) == training["epochs"]
    assert int(table["backbone joins in epoch"]) == training["backbone_frozen_until_epoch"]
    assert table["normalise mean"] == ", ".join(map(str, training["normalise_mean"]))
    assert table["normalise std"] == ", ".join(map(str, training["normalise_std"]))
    assert int(table["training sets"]) == len(training["datasets"])


def test_twins_share_all_settings_but_the_rule():
    for name in ("siamrpnpp", "siamcar", "cosiamrpn", "siamfcpp"):
        assert recipe(name).schedule == recipe(f"dla_{name}").schedule
