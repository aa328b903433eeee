"""Tables of parameters and map sizes."""

from __future__ import annotations

import pandas as pd
import pytest

from dlatrack.paper.architecture import parameter_table, shape_table
from dlatrack.recipes import recipe


@pytest.fixture(scope="module")
def parameters() -> pd.DataFrame:
    return parameter_table()


def test_the_papers_number_for_siamcar_is_what_trains_beside_a_frozen_backbone(
    parameters: pd.DataFrame,
) -> None:
    car = parameters.loc["SiamCAR"]
    assert car["without backbone"] == 5_856_775
    assert int(car["without backbone, 2^20"] * 100) / 100 == car["paper, M"] == 5.58


def test_the_papers_number_for_siamrpnpp_is_none_of_ours(parameters: pd.DataFrame) -> None:
    row = parameters.loc["SiamRPN++"]
    ours = [
        row[part] / unit for part in ("neck", "head", "without backbone", "total") for unit in (1e6, 2**20)
    ]
    assert row["paper, M"] == 17.25
    assert min(abs(value - 17.25) for value in ours) > 5
    assert row["without backbone"] == 8_422_496


def test_parts_add_up_and_only_two_rows_have_a_paper_number(parameters: pd.DataFrame) -> None:
    assert list(parameters.index) == [
        *("SiamRPN++", "SiamCAR", "CoSiamRPN", "SiamFC++", "SiamBAN", "SiamRPN", "SiamFC"),
        "NanoTrack V3",
    ]
    assert (parameters[["backbone", "neck", "head"]].sum(axis=1) == parameters["total"]).all()
    assert parameters["paper, M"].notna().sum() == 2
    assert parameters.loc["CoSiamRPN", "total"] == 11_221_212
    assert parameters.loc["NanoTrack V3", ["backbone", "neck", "head"]].tolist() == [282_368, 0, 259_078]


def test_shapes_of_siamrpnpp() -> None:
    table = shape_table(recipe("siamrpnpp"))
    assert table.loc["backbone", "template"] == "512x15x15, 1024x15x15, 2048x15x15"
    assert table.loc["neck", "template"] == "256x7x7"
    assert table.loc["correlation kernels", "template"] == "256x5x5"
    assert table.loc["classes", "search, training"] == "10x25x25"
    assert table.loc["boxes", "search, tracking"] == "20x25x25"
    assert table.loc["centre-ness", "search, training"] == ""


def test_shapes_differ_between_training_and_tracking() -> None:
    table = shape_table(recipe("siamfcpp"))
    assert table.loc["image"].tolist() == ["3x127x127", "3x289x289", "3x303x303"]
    assert table.loc["centre-ness"].tolist() == ["", "1x17x17", "1x19x19"]
    assert shape_table(recipe("siamfc")).loc["boxes"].tolist() == ["", "", ""]


def test_shapes_of_nanotrack() -> None:
    table = shape_table(recipe("dla_nanotrack_v3"))
    assert table.loc["backbone"].tolist() == ["96x8x8", "96x16x16", "96x16x16"]
    assert table.loc["correlation kernels", "template"] == "96x8x8, 96x4x4"
    assert table.loc["classes"].tolist() == ["", "2x15x15", "2x15x15"]
    assert table.loc["boxes", "search, tracking"] == "4x15x15"
