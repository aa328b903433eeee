"""The ledger: every result of the paper has its row, and ours comes from a record or is not there."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dlatrack.errors import InputError
from dlatrack.imagery import Imagery
from dlatrack.ledger.evidence_counts import counts_as
from dlatrack.ledger.ledger import STATES, ledger, ledger_markdown, readable, sources, summary
from dlatrack.ledger.records import read_records
from dlatrack.paper.numbers import paper_numbers, printed_value
from dlatrack.paper.settings import settings_table
from dlatrack.provenance import save_table
from dlatrack.viz.save import save_figure

MINIATURE = {"protocol": "pysot", "miniature_seed": 0}


def put(folder: Path, name: str, rows: list[dict[str, Any]], *, imagery: Imagery, **parameters: Any) -> None:
    save_table(
        pd.DataFrame(rows),
        name,
        made_by="notebooks/99_test.py",
        parameters=parameters,
        imagery=imagery,
        folder=folder,
    )


def put_numbers(
    folder: Path, name: str, data: dict[str, Any], *, imagery: Imagery, **parameters: Any
) -> None:
    from matplotlib.figure import Figure

    save_figure(
        Figure(figsize=(1, 1)),
        name,
        data=data,
        made_by="notebooks/99_test.py",
        parameters=parameters,
        imagery=imagery,
        folder=folder,
    )


def score_row(tracker: str, auc: float, on: str) -> dict[str, Any]:
    return {"tracker": tracker, "AUC": auc, "precision at 20 px": auc + 0.1, "measured on": on}


def test_printed_counts():
    assert printed_value("0.5M") == 500_000
    assert printed_value("1.12K") == 1120
    assert printed_value("80") == 80
    assert counts_as(59_035, "59K")
    assert counts_as(112_578, "113K")
    assert counts_as(19_935, "19.9K")
    assert not counts_as(3_517_342, "3.3M")
    assert counts_as(280, "280")
    assert not counts_as(281, "280")


@given(st.integers(1, 10**7))
def test_what_is_rounded_to_thousands_counts_as_itself(count: int):
    assert counts_as(count, f"{count / 1000:.1f}K")
    assert not counts_as(count, f"{count / 1000 + 0.2:.1f}K")


def test_nothing_is_shown_without_a_record(tmp_path: Path):
    rows = ledger(tmp_path / "none")
    assert set(rows["state"]) == {"not attempted"}
    assert rows[["ours", "low", "high"]].isna().all(axis=None)
    assert set(rows["record"]) == {""}
    assert rows.index.is_unique
    counts = summary(rows)
    assert counts.loc["all"].tolist() == [0, 0, 0, len(rows)]
    assert list(counts.columns) == list(STATES)
    assert counts.loc["Table 3", "not attempted"] == 18
    assert sources(rows, tmp_path / "none") == {}


def test_rows_of_the_paper_by_hand():
    rows = ledger(Path("none"))
    gain = rows.loc["table2/dla-siamcar/auc-gain"]
    assert gain[["where", "tracker", "metric", "unit", "paper"]].tolist() == [
        *("Table 2", "DLA-SiamCAR", "AUC gain, against SiamCAR", "points of 100", "2.5")
    ]
    assert rows.loc["table1/otb100/instances", "paper"] == "59K"
    assert rows.loc["table3/dla-siamrpnpp/precision", "paper"] == "0.847"
    assert rows.loc["fig7a/dla-siamrpnpp/eao-rank", ["paper", "unit"]].tolist() == ["3", "of 9"]
    ratios = rows[rows["unit"] == "times"]["paper"].str.split().str[0]
    assert ratios.tolist() == ["0.96", "0.99", "0.80", "0.78"]
    assert "insensitive to K from 7 to 19" in rows["paper"].tolist()


def leaves(value: Any) -> list[float]:
    """Every number of a JSON value, also those in front of a per cent sign."""
    if isinstance(value, dict):
        return [number for item in value.values() for number in leaves(item)]
    if isinstance(value, list):
        return [number for item in value for number in leaves(item)]
    if isinstance(value, str):
        return [float(number) for number in re.findall(r"([\d.]+)%", value)]
    return [float(value)] if isinstance(value, int | float) and not isinstance(value, bool) else []


def test_every_printed_number_is_in_the_ledger_or_among_the_settings(shared_data: Path):
    printed = json.loads((shared_data / "paper_numbers.json").read_text())
    numbers = paper_numbers()
    scores = {(row.where, row.tracker, row.metric): row.value for row in numbers}
    for tracker, _, _, auc, _, precision in printed["table2"]["rows"]:
        for metric, value in (("AUC", auc), ("precision at 20 px", precision)):
            assert scores.get(("Table 2", tracker, metric)) == value
    for tracker, auc, precision in printed["table3"]["rows"]:
        assert scores["Table 3", tracker, "AUC"] == auc
        assert scores["Table 3", tracker, "precision at 20 px"] == precision
    counts = sorted(row.printed for row in numbers if row.where == "Table 1")
    cells = [cell for row in printed["table1"]["rows"] for cell in row[2:] if cell is not None]
    assert counts == sorted(map(str, cells))
    told = [row.value for row in numbers] + [
        float(number) for row in numbers for number in re.findall(r"\d+\.?\d*", row.printed)
    ]
    texts = " ".join(settings_table()["paper"])
    known = set(told) | {float(number) for number in re.findall(r"-?\d+\.?\d*", texts)}
    for part in ("method", "training", "figures"):
        for number in leaves(printed[part]):
            assert number in known, f"{part}: {number}"


def test_a_small_tracker_on_a_miniature_is_reduced(tmp_path: Path):
    rows = [score_row("DLA-SiamCAR small", 0.5, "OTB100 miniature, synthetic")]
    put(tmp_path, "fig04_scores", rows, imagery="synthetic", **MINIATURE)
    found = ledger(tmp_path).loc["table2/dla-siamcar/auc"]
    assert found[["ours", "data", "state", "record", "protocol"]].tolist() == [
        *(0.5, "miniature", "reduced", "fig04_scores.json", "pysot")
    ]
    assert found["paper"] == "0.682"
    assert "DLA-SiamCAR small, OTB100 miniature" in found["remark"]
    assert ledger(tmp_path).loc["table2/dla-siamcar/precision", "ours"] == pytest.approx(0.6)
    assert ledger(tmp_path).loc["table2/siamcar/auc", "state"] == "not attempted"


def test_the_tracker_itself_on_the_data_set_is_measured(tmp_path: Path):
    rows = [
        score_row("SiamCAR, fixed rule", 0.7, "OTB100"),
        score_row("SiamCAR small, fixed rule", 0.5, "OTB100"),
    ]
    put(tmp_path, "fig04_scores", rows, imagery="real", protocol="pysot")
    found = ledger(tmp_path).loc["table2/siamcar/auc"]
    assert found[["ours", "data", "state"]].tolist() == [0.7, "real", "measured"]
    put(tmp_path, "fig04_scores", rows[1:], imagery="real", protocol="pysot")
    assert ledger(tmp_path).loc["table2/siamcar/auc", "state"] == "reduced", "real video, small network"


def test_public_result_files_agree_or_contradict(tmp_path: Path):
    small = [score_row("SiamRPN++ small, fixed rule", 0.4, "OTB100 miniature, synthetic")]
    put(tmp_path, "fig04_scores", small, imagery="synthetic", **MINIATURE)
    row = {"tracker": "SiamRPN++", "AUC, result files": 0.6955, "precision at 20 px, result files": 0.9054}
    put(tmp_path, "table02_paper", [row], imagery="real", protocol="pysot")
    rows = ledger(tmp_path)
    assert rows.loc["table2/siamrpnpp/auc", ["ours", "state"]].tolist() == [0.6955, "measured"]
    precision = rows.loc["table2/siamrpnpp/precision"]
    assert precision[["ours", "state", "data"]].tolist() == [0.9054, "contradicted", "real"]
    put(tmp_path, "table02_paper", [{"tracker": "SiamRPN++", "AUC, paper": 0.696}], imagery="real")
    assert ledger(tmp_path).loc["table2/siamrpnpp/auc", "state"] == "reduced", "made without result files"


def test_gains_and_their_intervals(tmp_path: Path):
    twins = {
        **{"tracker": "SiamCAR small", "difference": -0.02, "low": -0.05, "high": 0.01},
        **{"precision at 20 px, fixed rule": 0.6, "precision at 20 px, DLA": 0.65, "measured on": "OTB100"},
    }
    put(tmp_path, "table02", [twins], imagery="synthetic", **MINIATURE)
    eao = {"tracker": "SiamRPN++ small", "EAO, fixed rule": 0.2, "EAO, DLA": 0.25, "measured on": "VOT2019"}
    put(tmp_path, "07_twins", [eao], imagery="synthetic", **MINIATURE)
    rows = ledger(tmp_path)
    for where in ("table2", "fig4"):
        found = rows.loc[f"{where}/dla-siamcar/auc-gain"]
        assert found[["ours", "low", "high"]].tolist() == pytest.approx([-2, -5, 1])
    assert rows.loc["fig4/dla-siamcar/precision-at-20-px-gain", "ours"] == pytest.approx(5)
    relative = rows.loc["fig7a/dla-siamrpnpp/eao-gain"]
    assert relative["ours"] == pytest.approx(25)
    assert relative["unit"] == "%"
    assert pd.isna(relative["low"])
    put(tmp_path, "07_twins", [], imagery="synthetic", **MINIATURE)
    assert ledger(tmp_path).loc["fig7a/dla-siamrpnpp/eao-gain", "state"] == "not attempted", "no twins"


def test_attributes_are_counted(tmp_path: Path):
    scores = {
        "DLA-SiamRPN++ small": {"IV": 0.5, "SV": 0.6, "LR": 0.2, "OV": None},
        "SiamRPN++ small, fixed rule": {"IV": 0.4, "SV": 0.7, "LR": 0.3, "OV": 0.1},
        "DLA-SiamCAR small": {"IV": 0.3, "SV": 0.5, "LR": 0.1, "OV": 0.1},
        "SiamCAR small, fixed rule": {"IV": 0.2, "SV": 0.55, "LR": 0.25, "OV": 0.1},
    }
    put_numbers(tmp_path, "fig05", {"auc": scores}, imagery="synthetic", **MINIATURE)
    rows = ledger(tmp_path)
    rows = rows[rows["where"] == "Fig. 5"]
    assert rows["ours"].tolist() == [1, 1, 2], "IV; IV; IV and SV"
    assert rows["remark"].str.extract(r"^attributes, of (\d)")[0].tolist() == ["3", "4", "3"], (
        "OV has no score"
    )


def test_positives_costs_and_losses(tmp_path: Path):
    counts = [
        {"mix": mix, "reading": reading, "K": k, "positives": p + shift, "standard error": 0.1}
        for mix, shift in (("wide mix", 0), ("as in LaSOT", -0.5))
        for reading in ("DLA, default: best one rescued", "nobody rescued")
        for k, p in ((5, 2.5), (9, 3.4), (23, 4.1))
    ]
    put(tmp_path, "fig09a_counts", counts, imagery="synthetic", targets=3000)
    cost = {"tracker": "SiamCAR small", "backbone": "frozen", "batch": 8, "fixed, ms per pair": 10.0}
    cost |= {"DLA, ms per pair": 11.0, "DLA / fixed": 1.1, "low": 1.0, "high": 1.2}
    put(tmp_path, "10_training_cost_table", [cost], imagery="synthetic", machine={"processor": "abacus"})
    scores = {"K": [5, 9, 19], "less that of K = 9": [0.3, None, -0.04], "low": [0.1, None, -0.1]}
    put(
        tmp_path,
        "09_scores",
        pd.DataFrame(scores | {"high": [0.4, None, 0.02]}).to_dict("records"),
        imagery="synthetic",
    )
    losses = {
        "DLA-SiamRPN++ small": {"epoch": [0, 1, 1], "loss": [9, 1, 2]},
        "SiamRPN++ small, fixed rule": {"epoch": [0, 1, 1], "loss": [9, 2, 4]},
    }
    put_numbers(tmp_path, "04_training", losses, imagery="synthetic", preset="demo")
    rows = ledger(tmp_path)
    least = rows.loc["fig9a/least-mean-of-positives-over-k"]
    assert least[["ours", "low", "high"]].tolist() == pytest.approx([2.5, 2.304, 2.696])
    assert "2.00 with shapes as in LaSOT, at K = 5" in least["remark"]
    assert rows.loc["fig9a/largest-mean-of-positives-over-k", "ours"] == 4.1
    assert rows.loc["fig9/mean-of-positives-k-9", "ours"] == 3.4
    insensitive = rows.loc["fig9/auc-over-k"]
    assert insensitive[["ours", "low", "high"]].tolist() == pytest.approx([-4, -10, 2]), (
        "K = 5 is not in 7..19"
    )
    frozen = rows.loc["fig11/siamcar/seconds-per-iteration-frozen"]
    assert frozen["ours"] == pytest.approx(0.08), "8 pairs"
    assert "batches of 8 on abacus" in frozen["remark"]
    assert rows.loc["fig11/dla-siamcar/seconds-per-iteration-frozen/ratio", ["ours", "low"]].tolist() == [
        1.1,
        1.0,
    ]
    assert rows.loc["fig11/siamcar/seconds-per-iteration-unfrozen", "state"] == "not attempted"
    assert rows.loc["fig10/dla-siamrpnpp/training-loss/over-siamrpnpp", "ours"] == pytest.approx(0.5)
    assert set(rows[rows["ours"].notna()]["state"]) == {"reduced"}


def test_a_value_changed_by_hand_is_refused(tmp_path: Path):
    put(tmp_path, "fig04_scores", [score_row("SiamCAR, fixed rule", 0.7, "OTB100")], imagery="real")
    file = tmp_path / "fig04_scores.csv"
    file.write_text(file.read_text().replace("0.7", "0.9"))
    with pytest.raises(
        InputError, match=r"fig04_scores\.csv is not what its record fig04_scores\.json describes"
    ):
        ledger(tmp_path)


def test_a_table_of_another_version_is_refused(tmp_path: Path):
    put(tmp_path, "fig04_scores", [{"tracker": "DLA-SiamCAR", "AUC %": 70}], imagery="real")
    with pytest.raises(
        InputError, match=r"fig04_scores\.csv has no column 'AUC'; run notebooks/99_test\.py again"
    ):
        ledger(tmp_path)


@pytest.mark.parametrize("text", ["[]", "{}", "not JSON"])
def test_a_file_that_is_no_record_is_named(tmp_path: Path, text: str):
    (tmp_path / "table02.json").write_text(text)
    with pytest.raises(InputError, match=r"table02\.json is no record of a figure or table"):
        ledger(tmp_path)


def test_committed_values_have_records_and_parameters_are_counted(committed_figures: Path):
    rows = ledger(committed_figures)
    shown = rows[rows["ours"].notna()]
    assert len(shown) >= 9
    for name in shown["record"]:
        assert (committed_figures / name).is_file(), name
    rest = rows[rows["ours"].isna()]
    assert set(rest["state"]) == {"not attempted"}
    assert set(rest["record"]) == {""}
    assert set(rows["state"]) <= set(STATES)
    assert set(shown["data"]) <= {"real", "miniature", "photographic", "synthetic", "none"}
    assert shown[shown["data"].isin(["miniature", "photographic", "synthetic"])]["state"].eq("reduced").all()
    car = rows.loc["fig11/dla-siamcar/parameters-million"]
    assert car["ours"] == pytest.approx(5_856_775 / 2**20)
    assert car["state"] == "measured"
    assert rows.loc["fig10/siamrpnpp/parameters-million", "state"] == "contradicted"
    assert rows.loc["fig10/siamrpnpp/parameters-million", "ours"] == pytest.approx(8.422496)
    assert rows.loc["table1/otb100/instances", ["ours", "state"]].tolist() == [59_035, "measured"]
    assert "absent targets included" in rows.loc["table1/lasot/instances", "remark"]


def test_miniatures_are_no_counts_of_data_sets(committed_figures: Path):
    rows = ledger(committed_figures)
    table = pd.read_csv(committed_figures / "table01.csv")
    assert set(table["found_in"].dropna()) == {"miniature"}
    assert rows.loc["table1/coco/train", "state"] == "not attempted", "6 images of a miniature"


def test_what_is_read_is_told_in_full(committed_figures: Path):
    rows = ledger(committed_figures)
    told = readable(rows)
    assert told.loc["table1/lasot/instances", "ours"] == "3517342"
    assert told.loc["fig11/siamcar/parameters-million", "ours"] == "5.585"
    assert told.loc["table3/eco/auc", "ours"] == ""
    text = ledger_markdown(rows)
    assert "| OTB100 | object instances, count | 59K | 59035 | measured | real | counted in the" in text
    assert text.count("**Fig. 7a**") == 1
    short = ledger_markdown(rows, ["contradicted"])
    assert "| ECO |" in text
    assert "| ECO |" not in short
    assert (
        "| SiamRPN++ | parameters, M | 17.25 | 8.422 | contradicted | none | 8,422,496 without and" in short
    )
    assert "**Table 3** · 0 of 18" in short
    assert sources(rows, committed_figures).keys() >= {"table01", "02_parameters"}


def test_the_kind_of_a_record_is_its_imagery(tmp_path):
    """Records of version 0.1 say only whether they are synthetic."""
    put(tmp_path, "table", [{"a": 1}], imagery="photographic")
    path = tmp_path / "table.json"
    assert read_records(tmp_path)["table"].kind == "photographic"
    record = json.loads(path.read_text())
    del record["imagery"]
    for old, kind in ((True, "synthetic"), (False, "real")):
        path.write_text(json.dumps(record | {"synthetic": old}))
        assert read_records(tmp_path)["table"].kind == kind
    path.write_text(json.dumps(record | {"imagery": "drawn"}))
    with pytest.raises(
        InputError, match=r"imagery must be one of real, photographic, synthetic, mixed, got 'drawn'"
    ):
        read_records(tmp_path)
