"""Reports of costs: kept, read, refused, and turned into tables beside the paper's numbers."""

from __future__ import annotations

import json
from dataclasses import asdict

import numpy as np
import pytest

from dlatrack import paths
from dlatrack.bench.measure import BenchReport, Timing, timing
from dlatrack.bench.step import STAGES
from dlatrack.bench.train import STEP, TRUNK_STATES, StepCost
from dlatrack.errors import InputError
from dlatrack.studies import cost as study


def cost(tracker="siamcar_small", backbone="frozen", ratio=1.0, spread=0.01) -> StepCost:
    """A step of 100 ms under the fixed rule, 8 pairs."""
    parts = {"data": 20.0, "forward": 60.0, "assignment": 0.5, "loss": 1.5, "backward and step": 38.0}
    rows = []
    for side, factor in (("fixed", 1.0), ("DLA", ratio)):
        values = {**parts, STEP: 100.0}
        rows += [timing(f"{side}: {name}", np.full(3, factor * value)) for name, value in values.items()]
    return StepCost(tracker, backbone, 8, tuple(rows), ratio, ratio - spread, ratio + spread, 0.5)


def report(*costs: StepCost) -> study.CostReport:
    speeds = {
        name: (Timing("step, plain network", 20, 18, 25, 3), Timing("step", 10, 8, 12.5, 3))
        for name in ("dla_siamcar_small", "siamcar_small")
    }
    return study.CostReport(costs, speeds, "cpu", 2, 0.5, {"processor": "abacus, 2 cores"})


@pytest.fixture
def figures(tmp_path, monkeypatch):
    monkeypatch.setenv("DLATRACK_FIGURES", str(tmp_path / "figures"))
    return tmp_path / "figures"


@pytest.fixture
def measured(monkeypatch):
    """What would be timed, by call."""
    asked = []

    def step_costs(trackers, turns, *, batch, device):
        asked.append((tuple(trackers), turns, batch, device))
        return [cost(tracker, state) for tracker in trackers for state in ("frozen", "unfrozen")]

    monkeypatch.setattr(study, "step_costs", step_costs)
    monkeypatch.setattr(
        study,
        "bench_track",
        lambda frames, tracker: BenchReport([Timing("step", 10, 8, 12, frames)], {}, {}),
    )
    return asked


def test_the_report_of_the_project_is_drawn_from_and_never_written(tmp_path, measured, monkeypatch):
    monkeypatch.delenv("DLATRACK_FIGURES", raising=False)
    monkeypatch.delenv("DLATRACK_RUNS", raising=False)
    monkeypatch.setattr(paths, "root", lambda: tmp_path)
    published = tmp_path / "figures" / study.REPORT
    published.parent.mkdir()
    costs = [cost(name, side) for name in ("siamcar_small", "siamrpnpp_small") for side in TRUNK_STATES]
    published.write_text(json.dumps(asdict(report(*costs))))
    before = published.read_bytes()
    assert study.training_costs("smoke").machine == {"processor": "abacus, 2 cores"}
    assert measured == []
    assert study.training_costs("smoke", measure=True).machine != {"processor": "abacus, 2 cores"}
    assert published.read_bytes() == before
    assert (tmp_path / "runs" / "figures" / study.REPORT).is_file()
    assert study.training_costs("smoke").machine != {"processor": "abacus, 2 cores"}
    assert len(measured) == 1, "what was measured here is drawn from now on"


def test_what_was_measured_is_kept_until_asked_anew(figures, measured):
    first = study.training_costs("demo")
    path = figures / study.REPORT
    kept = path.read_bytes()
    assert study.training_costs("demo") == first
    assert study.training_costs("smoke") == first, "it has all that smoke asks for"
    assert path.read_bytes() == kept
    assert measured == [(("siamcar_small", "siamrpnpp_small"), 10, 0, "cpu")]
    assert set(first.speeds) == {
        name for base in ("siamcar_small", "siamrpnpp_small") for name in (base, f"dla_{base}")
    }
    study.training_costs("smoke", measure=True)
    assert measured[1:] == [(("siamcar_small", "siamrpnpp_small"), 2, 2, "cpu")]


def test_other_recipes_of_the_same_machine_are_kept(figures, measured, monkeypatch):
    monkeypatch.setattr(study, "machine", lambda: {"processor": "abacus"})
    paper = study.training_costs("paper")
    again = study.training_costs("demo", measure=True)
    assert {cost.tracker for cost in again.costs} == {cost.tracker for cost in paper.costs}
    assert [cost.tracker for cost in again.costs[:2]] == ["siamcar_small"] * 2
    assert again.speeds["siamcar_small"][0].repeats == 40
    assert set(again.speeds) == set(paper.speeds)
    assert study.training_costs("paper") == again

    monkeypatch.setattr(study, "machine", lambda: {"processor": "slide rule"})
    moved = study.training_costs("demo", measure=True)
    assert {cost.tracker for cost in moved.costs} == {"siamcar_small", "siamrpnpp_small"}, (
        "no mix of machines"
    )


def test_a_report_that_does_not_answer_is_refused(figures, measured):
    study.training_costs("demo")
    with pytest.raises(
        InputError, match=r"10_training_cost\.report\.json has no siamrpnpp; set measure to True"
    ):
        study.training_costs("paper")
    with pytest.raises(InputError, match="was measured on cpu, not on cuda; set measure to True"):
        study.training_costs("demo", device="cuda")
    with pytest.raises(InputError, match="preset must be one of smoke, demo, paper, got 'big'"):
        study.training_costs("big")


@pytest.mark.parametrize("text", ["[]", "{", "{}", '{"costs": [{}], "speeds": {}}', '{"costs": 3}'])
def test_a_file_that_is_no_report_is_named(tmp_path, text):
    (tmp_path / "x.json").write_text(text)
    with pytest.raises(InputError, match=r"x\.json is no report of training costs"):
        study.read_report(tmp_path / "x.json")
    with pytest.raises(InputError, match=r"cannot read .*absent"):
        study.read_report(tmp_path / "absent")


def test_a_report_is_read_as_it_was_written(tmp_path):
    written = report(cost(), cost(backbone="unfrozen", ratio=0.98))
    (tmp_path / "x.json").write_text(json.dumps(asdict(written)))
    read = study.read_report(tmp_path / "x.json")
    assert read == written


def test_tables_have_ms_per_pair_and_frames_per_second():
    given = report(cost(ratio=1.02), cost(backbone="unfrozen"))
    table = study.cost_table(given)
    assert table.loc[0, ["tracker", "backbone", "batch"]].tolist() == ["SiamCAR small", "frozen", 8]
    assert table.loc[0, "fixed, ms per pair"] == 12.5
    assert table.loc[0, "DLA, ms per pair"] == pytest.approx(12.75)
    stages = study.stage_table(given)
    assert list(stages) == list(STAGES)
    assert stages.loc[("SiamCAR small", "unfrozen", "DLA"), "loss"] == 1.5
    speeds = study.speed_table(given)
    assert list(speeds.index) == ["SiamCAR small, fixed rule", "DLA-SiamCAR small"], "twins side by side"
    assert speeds.iloc[0].tolist() == [100, 80, 125, 50]


def test_the_papers_numbers_stand_in_a_table_of_their_own():
    table = study.paper_costs()
    assert table["DLA / fixed"].round(2).tolist() == [0.96, 0.99, 0.8, 0.78]
    assert set(table["source"]) == {"SiamDLA Fig. 10 (paper)", "SiamDLA Fig. 11 (paper)"}
    assert study.paper_iterations("SiamRPN++") == 100_000
    assert study.paper_iterations("SiamCAR") == 46_860


def test_a_sentence_is_as_sure_as_its_interval():
    assert "DLA is not distinguishable, 1.005 times the fixed step" in study.cost_verdict(cost(ratio=1.005))
    assert "DLA is dearer, 1.020 times" in study.cost_verdict(cost(ratio=1.02))
    assert "cheaper, 0.970 times the fixed step (95 % interval 0.960 to 0.980)" in study.cost_verdict(
        cost(ratio=0.97)
    )
