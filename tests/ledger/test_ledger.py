"""The ledger: every result of the paper once, and all evidence on it from a record, in both directions."""

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
from dlatrack.ledger.evidence import STRENGTHS, Evidence
from dlatrack.ledger.evidence_counts import counts_as
from dlatrack.ledger.ledger import STATES, Ledger, ledger, sources, state_of, summary
from dlatrack.ledger.ledger_text import ledger_markdown, readable
from dlatrack.ledger.records import read_records
from dlatrack.paper.elsewhere import ELSEWHERE
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
    assert not counts_as(1_403_359, "1.5M")
    assert counts_as(478_807, "0.47M"), "cut off"
    assert counts_as(280, "280")
    assert not counts_as(281, "280")


@given(st.integers(1, 10**7))
def test_what_is_rounded_to_thousands_counts_as_itself(count: int):
    assert counts_as(count, f"{count / 1000:.1f}K")
    assert not counts_as(count, f"{count / 1000 + 0.2:.1f}K")


#: Claims of the text, beside the numbers that tables print.
CLAIMS = {
    *[
        "table2/dla-siamrpnpp/auc-gain",
        "table2/dla-cosiamrpn/auc-gain",
        "table2/dla-siamcar/auc-gain",
        "table2/dla-siamfcpp/auc-gain",
        "table3/dla-siamrpnpp/auc-gain",
        "table3/dla-siamrpnpp/precision-at-20-px-gain",
        "table3/dla-siamcar/auc-gain",
        "table3/dla-siamcar/precision-at-20-px-gain",
        "fig4/dla-siamrpnpp/rank",
        "fig4/dla-siamrpnpp/precision-at-20-px-gain",
        "fig4/dla-siamcar/precision-at-20-px-gain",
        "fig5/dla-siamrpnpp/auc/over-siamrpnpp",
        "fig5/dla-siamcar/auc/over-siamcar",
        "fig5/dla-siamrpnpp/auc/over-dla-siamcar",
        "fig6/dla-siamrpnpp/picture/over-siamrpnpp",
        "fig6/dla-siamcar/picture/over-siamcar",
        "fig7a/dla-siamrpnpp/eao-rank",
        "fig7a/dla-siamrpnpp/eao-gain",
        "fig7b/dla-siamrpnpp/accuracy-rank",
        "fig7b/dla-siamrpnpp/robustness-rank",
        "fig7b/dla-siamrpnpp/accuracy/over-siamrpnpp",
        "fig7b/dla-siamrpnpp/robustness/over-siamrpnpp",
        "fig8/dla-siamrpnpp/auc-rank",
        "fig8/dla-siamrpnpp/precision-at-20-px-rank",
        "fig9a/least-mean-of-positives-over-k",
        "fig9a/largest-mean-of-positives-over-k",
        "fig9b/positives-over-the-epochs",
        "fig9/mean-of-positives-k-9",
        "fig9/auc-over-k",
        "fig10/siamrpnpp/parameters-million",
        "fig10/dla-siamrpnpp/training-loss/over-siamrpnpp",
        "fig11/siamcar/parameters-million",
        "fig11/dla-siamcar/training-loss/over-siamcar",
        "text/dla/speed-of-tracking",
        "text/siamrpnpp/sensitivity-to-the-iou-threshold",
        "text/dla/effect-of-the-centre-prior",
        "text/dla/positives-of-any-tracker",
        "text/dla/positives-on-the-target",
    ]
}


def claims(folder: Path) -> pd.DataFrame:
    return ledger(folder).claims


def pieces(book: Ledger, claim: str) -> pd.DataFrame:
    return book.evidence[book.evidence.index == claim]


def test_nothing_is_shown_without_a_record(tmp_path: Path):
    """What others publish is there, from a file of the package; nothing of ours is."""
    book = ledger(tmp_path / "none")
    rows = book.claims
    told = rows["state"].isin(["agrees with published scores", "differs from published scores"])
    told |= rows["state"] == "bounded by published scores"
    assert set(rows[~told]["state"]) == {"not attempted"}
    assert set(book.evidence["record"]) == {ELSEWHERE.name}
    assert rows[["ours", "low", "high"]].isna().all(axis=None)
    assert set(rows["record"]) == {""}
    counts = summary(rows)
    assert list(counts.columns) == list(STATES)
    assert counts.loc["all"].sum() == len(rows)
    assert counts.loc["Table 1", "not attempted"] == 39
    assert sources(book, tmp_path / "none") == {}


def test_every_claim_is_there_and_none_twice():
    rows = claims(Path("none"))
    assert rows.index.is_unique
    assert set(CLAIMS) <= set(rows.index)
    printed = rows[~rows.index.isin(CLAIMS)]
    assert set(printed["where"]) == {"Table 1", "Table 2", "Table 3", "Fig. 10", "Fig. 11"}
    assert set(printed[printed["where"].str.startswith("Fig")]["unit"]) == {"s", "times"}
    gains = rows[rows["metric"].str.contains("gain")]
    assert not gains.duplicated(["tracker", "data set", "metric"]).any(), "Table 2 and Fig. 4 print the same"
    parameters = rows[rows["metric"] == "parameters"]
    assert list(parameters["tracker"]) == ["SiamRPN++", "SiamCAR"], "printed once for each pair of twins"


def test_rows_of_the_paper_by_hand():
    rows = claims(Path("none"))
    gain = rows.loc["table2/dla-siamcar/auc-gain"]
    assert gain[["where", "tracker", "metric", "unit", "paper"]].tolist() == [
        *("Table 2", "DLA-SiamCAR", "AUC gain, against SiamCAR", "points of 100", "2.5")
    ]
    assert rows.loc["table1/otb100/instances", "paper"] == "59K"
    assert rows.loc["table3/dla-siamrpnpp/precision", "paper"] == "0.847"
    assert rows.loc["table3/dla-siamcar/precision-at-20-px-gain", "paper"] == "7.3"
    assert rows.loc["fig7a/dla-siamrpnpp/eao-rank", ["paper", "unit"]].tolist() == ["3", "of 9"]
    ratios = rows[rows["unit"] == "times"]["paper"].str.split().str[0]
    assert ratios.tolist() == ["0.96", "0.99", "0.80", "0.78"]
    assert "insensitive to K from 7 to 19" in rows["paper"].tolist()


def piece(kind: Any, verdict: Any = None, direction: Any = "") -> Evidence:
    return Evidence(kind, 1.0, "", "", "r.json", verdict=verdict, direction=direction)


def test_the_state_of_a_claim_by_hand():
    agrees, differs = "agrees with published scores", "differs from published scores"
    assert state_of([]) == "not attempted"
    assert state_of([piece("miniature"), piece("simulation")]) == "reduced"
    assert state_of([piece("published scores", differs), piece("published scores", agrees)]) == agrees
    assert state_of([piece("published scores", differs), piece("miniature")]) == differs
    assert (
        state_of([piece("same quantity", "contradicted"), piece("published scores", agrees)])
        == "contradicted"
    )
    assert state_of([piece("same quantity", direction="open"), piece("published scores", agrees)]) == agrees
    assert state_of([piece("published scores", direction="open"), piece("miniature")]) == "undecided"
    assert state_of([piece("miniature", direction="open")]) == "reduced"


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


def test_a_miniature_is_evidence_and_no_score_beside_the_papers(tmp_path: Path):
    rows = [score_row("DLA-SiamCAR small", 0.5, "OTB100 miniature, synthetic")]
    put(tmp_path, "fig04_scores", rows, imagery="synthetic", **MINIATURE)
    book = ledger(tmp_path)
    found = book.claims.loc["table2/dla-siamcar/auc"]
    assert found[["paper", "state", "record", "evidence"]].tolist() == ["0.682", "reduced", "", 1]
    assert pd.isna(found["ours"])
    (row,) = pieces(book, "table2/dla-siamcar/auc").to_dict("records")
    assert [row[name] for name in ("kind", "value", "data", "record", "protocol")] == [
        *("miniature", 0.5, "miniature", "fig04_scores.json", "pysot")
    ]
    assert "DLA-SiamCAR small, OTB100 miniature" in row["what"]
    assert pieces(book, "table2/dla-siamcar/precision")["value"].tolist() == pytest.approx([0.6])


def test_the_tracker_itself_on_the_data_set_is_measured(tmp_path: Path):
    rows = [
        score_row("SiamCAR, fixed rule", 0.7, "OTB100"),
        score_row("SiamCAR small, fixed rule", 0.5, "OTB100"),
    ]
    put(tmp_path, "fig04_scores", rows, imagery="real", protocol="pysot")
    book = ledger(tmp_path)
    assert book.claims.loc["table2/siamcar/auc", ["ours", "state"]].tolist() == [0.7, "measured"]
    kinds = pieces(book, "table2/siamcar/auc")["kind"].tolist()
    assert kinds == ["same quantity", "published scores", "published scores", "real clips"]
    put(tmp_path, "fig04_scores", rows[1:], imagery="real", protocol="pysot")
    book = ledger(tmp_path)
    assert book.claims.loc["table2/siamcar/auc", "state"] == "differs from published scores", "real, small"


def test_published_scores_are_shown_in_both_directions(tmp_path: Path):
    small = [score_row("SiamRPN++ small, fixed rule", 0.4, "OTB100 miniature, synthetic")]
    put(tmp_path, "fig04_scores", small, imagery="synthetic", **MINIATURE)
    row = {"tracker": "SiamRPN++", "AUC, result files": 0.6955, "precision at 20 px, result files": 0.9054}
    put(tmp_path, "table02_paper", [row], imagery="real", protocol="pysot")
    book = ledger(tmp_path)
    agrees = "agrees with published scores"
    assert book.claims.loc["table2/siamrpnpp/auc", ["ours", "state"]].tolist() == [0.6955, agrees]
    precision = book.claims.loc["table2/siamrpnpp/precision"]
    assert precision[["state", "for", "against"]].tolist() == [agrees, 1, 3]
    assert pd.isna(precision["ours"]), "0.914 is the authors' number, and 0.905 that of the result files"
    found = pieces(book, "table2/siamrpnpp/precision")
    assert found["value"].tolist() == [0.9054, 0.914, 0.905, 0.867, pytest.approx(0.5)]
    assert found["direction"].tolist() == ["against", "for", "against", "against", ""]
    put(tmp_path, "table02_paper", [{"tracker": "SiamRPN++", "AUC, paper": 0.696}], imagery="real")
    assert ledger(tmp_path).claims.loc["table2/siamrpnpp/auc", "state"] == agrees, "made without result files"


def test_ranks_are_bounded_by_printed_scores(tmp_path: Path):
    book = ledger(tmp_path / "none")
    ranks = book.claims.loc[["fig4/dla-siamrpnpp/rank", "fig7a/dla-siamrpnpp/eao-rank"]]
    assert ranks["state"].tolist() == 2 * ["bounded by published scores"]
    (otb,) = pieces(book, "fig4/dla-siamrpnpp/rank")["what"]
    assert otb.startswith(
        "with its 0.706 it can have any rank from 2 to 5: above it SAOT 0.714; below it SiamRCNN 0.701"
    )
    (vot,) = pieces(book, "fig7a/dla-siamrpnpp/eao-rank")["what"]
    assert vot.startswith(
        "with its 0.304 it can have any rank from 2 to 8: above it SiamBAN 0.327; below it SiamRPN++"
    )


def test_gains_and_their_intervals(tmp_path: Path):
    twins = {
        **{"tracker": "SiamCAR small", "difference": -0.02, "low": -0.05, "high": 0.01},
        **{"AUC, fixed rule": 0.6, "AUC, DLA": 0.58},
        **{"precision at 20 px, fixed rule": 0.6, "precision at 20 px, DLA": 0.65, "measured on": "OTB100"},
    }
    put(tmp_path, "table02", [twins], imagery="synthetic", **MINIATURE)
    put(tmp_path, "06_twins", [twins | {"low": -0.05, "high": -0.01}], imagery="synthetic", **MINIATURE)
    eao = {"tracker": "SiamRPN++ small", "EAO, fixed rule": 0.2, "EAO, DLA": 0.25, "measured on": "VOT2019"}
    eao |= {"low": 0.01, "high": 0.09}
    put(tmp_path, "07_twins", [eao], imagery="synthetic", **MINIATURE)
    study = {
        "tracker": "siamcar_nano",
        "regime": "from nothing",
        "difference": 0.004,
        "low": 0.001,
        "high": 0.007,
    }
    put(tmp_path, "study_families", [study | {"seeds": 5, "verdict": "better"}], imagery="real")
    book = ledger(tmp_path)
    found = pieces(book, "table2/dla-siamcar/auc-gain")
    assert found["kind"].tolist() == ["declared study", "miniature"], "the strongest first"
    assert found[["value", "low", "high"]].to_numpy().ravel().tolist() == pytest.approx(
        [0.4, 0.1, 0.7, -2, -5, 1]
    )
    assert found["direction"].tolist() == ["for", "open"]
    assert pieces(book, "table3/dla-siamcar/auc-gain")["direction"].tolist() == ["for", "against"]
    assert pieces(book, "fig4/dla-siamcar/precision-at-20-px-gain")["value"].tolist() == pytest.approx([5])
    relative = pieces(book, "fig7a/dla-siamrpnpp/eao-gain")
    assert relative[["value", "unit"]].to_numpy().tolist() == [[pytest.approx(25), "%"]]
    put(tmp_path, "07_twins", [], imagery="synthetic", **MINIATURE)
    assert claims(tmp_path).loc["fig7a/dla-siamrpnpp/eao-gain", "state"] == "not attempted", "no twins"


def test_gains_on_real_clips_have_the_interval_of_the_twins(tmp_path: Path):
    values = {"SiamCAR small, fixed rule": 0.5, "DLA-SiamCAR small": [0.45, 0.46, 0.44, 0.45, 0.47, 0.43]}
    rows = pd.DataFrame(values).assign(target=list("abcdef")).to_dict("records")
    put(tmp_path, "small_trackers_targets", rows, imagery="real")
    (row,) = pieces(ledger(tmp_path), "table2/dla-siamcar/auc-gain").to_dict("records")
    assert row["value"] == pytest.approx(-5)
    assert row["low"] < -5 < row["high"] < 0
    assert (row["kind"], row["direction"]) == ("real clips", "against")


def test_attributes_are_counted(tmp_path: Path):
    scores = {
        "DLA-SiamRPN++ small": {"IV": 0.5, "SV": 0.6, "LR": 0.2, "OV": None},
        "SiamRPN++ small, fixed rule": {"IV": 0.4, "SV": 0.7, "LR": 0.3, "OV": 0.1},
        "DLA-SiamCAR small": {"IV": 0.3, "SV": 0.5, "LR": 0.1, "OV": 0.1},
        "SiamCAR small, fixed rule": {"IV": 0.2, "SV": 0.55, "LR": 0.25, "OV": 0.1},
    }
    put_numbers(tmp_path, "fig05", {"auc": scores}, imagery="synthetic", **MINIATURE)
    found = ledger(tmp_path).evidence.filter(like="fig5/", axis=0)
    assert found["value"].tolist() == [1, 1, 2], "IV; IV; IV and SV"
    assert found["unit"].tolist() == ["of 3 attributes", "of 4 attributes", "of 3 attributes"], (
        "OV has no score"
    )


def test_counts_say_what_is_known(tmp_path: Path):
    empty = {"published": None, "published_is": None, "listed": None, "found": None, "found_in": None}
    rows = [
        {"dataset": "OTB100", "question": "classes"}
        | empty
        | {"published": 16, "published_is": "published", "listed": 10},
        {"dataset": "LaSOT", "question": "instances"}
        | empty
        | {"published": 3_517_342, "published_is": "measured"},
        {"dataset": "LaSOT", "question": "classes"} | empty | {"listed": 71},
        {"dataset": "UAV123", "question": "test"} | empty | {"published": 123, "published_is": "measured"},
        {"dataset": "VOT2019", "question": "test"} | empty | {"found": 6, "found_in": "miniature"},
    ]
    put(tmp_path, "table01", rows, imagery="real")
    book = ledger(tmp_path)
    states = book.claims.loc[
        [f"table1/{name}" for name in ("otb100/classes", "lasot/instances", "lasot/classes")], "state"
    ]
    assert states.tolist() == ["agrees with published scores", "undecided", "contradicted"]
    assert pieces(book, "table1/otb100/classes")["value"].tolist() == [10, 16]
    assert book.claims.loc["table1/uav123/test", ["ours", "state"]].tolist() == [123, "measured"]
    assert book.claims.loc["table1/vot2019/test", "state"] == "not attempted", "a miniature is no data set"


def test_positives_costs_and_losses(tmp_path: Path):
    counts = [
        {"mix": mix, "reading": reading, "K": k, "positives": p + shift, "standard error": 0.1}
        for mix, shift in (("wide mix", 0), ("as in LaSOT", -0.5))
        for reading in ("DLA, default: best one rescued", "nobody rescued")
        for k, p in ((5, 2.5), (9, 3.4), (23, 4.1))
    ]
    put(tmp_path, "fig09a_counts", counts, imagery="synthetic", targets=3000)
    pairs = {"K": [5, 9, 23], "positives": [1.5, 2.0, 4.2], "error": [0.1, 0.1, 0.1]}
    pairs |= {"reading": 3 * ["DLA, default: best one rescued"], "samples": 3 * ["points"]}
    put_numbers(tmp_path, "fig09a_pairs", {"counts": pairs}, imagery="photographic")
    put_numbers(
        tmp_path, "fig09b", {"K = 5": [2.0, 1.9], "K = 11": [2, 2], "epoch": [1, 2]}, imagery="photographic"
    )
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
    book = ledger(tmp_path)
    least = pieces(book, "fig9a/least-mean-of-positives-over-k")
    assert least["kind"].tolist() == ["photographic video", "simulation", "simulation"], "training pairs lead"
    assert least["value"].tolist() == pytest.approx([1.5, 2.5, 2.0])
    assert least[["low", "high"]].iloc[1].tolist() == pytest.approx([2.304, 2.696])
    assert least["direction"].tolist() == 3 * ["against"], "below the band of 3 to 4"
    assert pieces(book, "fig9a/largest-mean-of-positives-over-k")["value"].tolist() == pytest.approx(
        [4.2, 4.1, 3.6]
    )
    assert pieces(book, "fig9/mean-of-positives-k-9")["value"].tolist() == pytest.approx([2.0, 3.4, 2.9])
    (flat,) = pieces(book, "fig9b/positives-over-the-epochs").to_dict("records")
    assert (flat["value"], flat["direction"]) == (pytest.approx(5), "for")
    (insensitive,) = pieces(book, "fig9/auc-over-k").to_dict("records")
    assert [insensitive[name] for name in ("value", "low", "high")] == pytest.approx([-4, -10, 2]), (
        "5 is not in 7..19"
    )
    (frozen,) = pieces(book, "fig11/siamcar/seconds-per-iteration-frozen").to_dict("records")
    assert frozen["value"] == pytest.approx(0.08), "8 pairs"
    assert "batches of 8 on abacus" in frozen["what"]
    (ratio,) = pieces(book, "fig11/dla-siamcar/seconds-per-iteration-frozen/ratio").to_dict("records")
    assert [ratio[name] for name in ("value", "low", "direction")] == [1.1, 1.0, "against"], "0.80 is printed"
    assert book.claims.loc["fig11/siamcar/seconds-per-iteration-unfrozen", "state"] == "not attempted"
    assert pieces(book, "fig10/dla-siamrpnpp/training-loss/over-siamrpnpp")["value"].tolist() == [0.5]
    assert book.claims["ours"].isna().all(), "nothing of all this is the paper's quantity"


def test_claims_of_the_text_have_their_records(tmp_path: Path):
    speeds = {"frames per second": [4.0, 5.0], "low": [3.5, 4.1], "high": [4.2, 5.5]}
    names = ["SiamCAR, fixed rule", "DLA-SiamCAR"]
    put(
        tmp_path,
        "10_speed",
        pd.DataFrame({"tracker": names} | speeds).to_dict("records"),
        imagery="synthetic",
    )
    over_k = [
        {"mix": "as in LaSOT", "head": head, "K": 9, "positives": value, "error": 0.05}
        for head, value in (("points", 2.9), ("anchors", 7.9))
    ]
    put(tmp_path, "14_positives_over_k_table", over_k, imagery="synthetic")
    fixed = [
        {"head": "anchors", "rule": "fixed", "threshold": at, "positives": count}
        for at, count in ((0.4, 80), (0.7, 4))
    ]
    put(tmp_path, "14_fixed_thresholds_table", fixed, imagery="synthetic")
    pure = {"video": "photographic", "head": "points", "low": 0.7, "high": 0.9}
    purities = [
        pure | {"rule": rule, "purity": value} for rule, value in (("DLA", 0.77), ("rectangle 0.6", 0.81))
    ]
    put(tmp_path, "14_purity_table", purities, imagery="photographic")
    row = {"difference": 0.01, "interval 95 %": [0.002, 0.02], "interval 90 %": [0.003, 0.018]}
    put_numbers(tmp_path, "study_iou_threshold", {"rows": {"0.7 less 0.6": row}}, imagery="real")
    book = ledger(tmp_path)
    assert book.claims.loc["text/dla/speed-of-tracking", "state"] == "measured"
    assert pieces(book, "text/dla/speed-of-tracking")["value"].tolist() == [1.25]
    any_tracker = pieces(book, "text/dla/positives-of-any-tracker")
    assert any_tracker["direction"].tolist() == ["for", "against"], "points, anchors"
    threshold = pieces(book, "text/siamrpnpp/sensitivity-to-the-iou-threshold")
    assert threshold[["kind", "value", "direction"]].to_numpy().tolist() == [
        ["declared study", 1.0, "for"],
        ["simulation", 20.0, "for"],
    ]
    assert pieces(book, "text/dla/positives-on-the-target")["what"].tolist() == [
        "points: share of DLA's positives on the target; rectangle 0.6: 0.810"
    ]


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


def test_committed_evidence_has_records_and_the_strongest_comes_first(committed_figures: Path):
    book = ledger(committed_figures)
    rows, found = book.claims, book.evidence
    assert len(found) > 100
    for name in set(found["record"]) - {ELSEWHERE.name}:
        assert (committed_figures / name).is_file(), name
    for _, group in found.groupby(level=0):
        order = [STRENGTHS.index(kind) for kind in group["kind"]]
        assert order == sorted(order)
    assert set(rows["state"]) <= set(STATES)
    shown = rows[rows["ours"].notna()]
    assert not shown["state"].isin(["reduced", "not attempted"]).any()
    assert (shown["record"] != "").all()
    assert rows.loc["fig11/siamcar/parameters-million", "ours"] == pytest.approx(5_856_775 / 2**20)
    assert rows.loc["fig10/siamrpnpp/parameters-million", ["ours", "state"]].tolist() == [
        *(pytest.approx(8.422496), "contradicted")
    ]
    assert rows.loc["table1/otb100/instances", ["ours", "state"]].tolist() == [59_035, "measured"]
    assert rows.loc["table1/lasot/instances", "state"] == "undecided"
    assert "absent targets included" in found.loc["table1/lasot/instances", "what"]
    assert rows.loc["table2/siamrpnpp/precision", "state"] == "agrees with published scores"


def test_the_committed_ledger_is_that_of_the_committed_records(committed_figures: Path):
    book = ledger(committed_figures)
    for name, rows in (("00_ledger", book.claims), ("00_ledger_evidence", book.evidence)):
        kept = pd.read_csv(committed_figures / f"{name}.csv", dtype=str, keep_default_na=False)
        now = readable(rows).reset_index().astype(str)
        assert kept.to_dict("list") == now.to_dict("list"), f"{name}: run notebook 00 again"


def test_what_is_read_is_told_in_full(committed_figures: Path):
    book = ledger(committed_figures)
    assert readable(book.claims).loc["table1/otb100/instances", "ours"] == "59035"
    assert readable(book.claims).loc["fig11/siamcar/parameters-million", "ours"] == "5.585"
    assert readable(book.claims).loc["table3/eco/auc", "ours"] == ""
    text = ledger_markdown(book)
    assert "| **OTB100**, object instances, count | 59K | 59035 |  | **measured** |" in text
    assert "([table01](../figures/table01.json)) |  |  | 59035 | for |" in text
    assert "([elsewhere](../dlatrack/paper/elsewhere.json))" in text
    assert text.count("**Fig. 7a**") == 1
    assert "| **ECO**, AUC | 0.525 |  |  | **not attempted**, notebook 06 |" in text
    short = ledger_markdown(book, ["contradicted"])
    assert "**ECO**" not in short
    assert "| **SiamRPN++**, parameters, M | 17.25 | 8.422 |  | **contradicted** |" in short
    assert "**Table 3** · 0 of 22" in short
    assert sources(book, committed_figures).keys() >= {"table01", "02_parameters"}


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
