"""Plots of training costs: bars, ratios, and the paper's time apart from ours."""

from __future__ import annotations

import numpy as np
import pytest
from canvas import overflow, png
from matplotlib.colors import to_hex

from dlatrack.bench.measure import timing
from dlatrack.bench.train import STEP, TWINS, StepCost
from dlatrack.errors import InputError
from dlatrack.pixels.colours import DLA, FIXED, GREY
from dlatrack.studies.cost import paper_costs
from dlatrack.studies.courses import Course
from dlatrack.viz.costs import stage_bars, training_course_plot


def cost(tracker: str, backbone: str, ratio: float = 1.01) -> StepCost:
    parts = {"data": 200.0, "forward": 1200.0, "assignment": 10.0, "loss": 30.0, "backward and step": 760.0}
    rows = []
    for side, factor in (("fixed", 1.0), ("DLA", ratio)):
        values = {**parts, STEP: 2000.0}
        rows += [timing(f"{side}: {name}", np.full(3, factor * value)) for name, value in values.items()]
    return StepCost(tracker, backbone, 2, tuple(rows), ratio, ratio - 0.02, ratio + 0.01, 0.5)


def both(tracker: str, ratio: float = 1.01) -> list[StepCost]:
    return [cost(tracker, "frozen", ratio), cost(tracker, "unfrozen")]


def test_bars_are_per_cent_of_the_fixed_step():
    fig = stage_bars([*both("siamcar", 1.2), *both("siamrpnpp_small")])
    frozen, unfrozen, ratios = fig.axes
    ends = [bar.get_x() + bar.get_width() for bar in frozen.patches]
    fixed, dla = ends[3], ends[7]
    assert fixed == pytest.approx(100)
    assert dla == pytest.approx(120)
    assert {text.get_text() for text in frozen.texts} == {"fixed: 2,000 ms", "DLA: 0.5 % assignment"}
    assert [tick.get_text() for tick in frozen.get_yticklabels()] == [
        "SiamCAR\n2 pairs",
        "SiamRPN++ small\n2 pairs",
    ]
    assert unfrozen.get_title() == "backbone unfrozen"
    assert ratios.containers[0][0].get_xdata().tolist() == [1.2, 1.01]
    (bars,) = ratios.containers[0][2]
    assert bars.get_segments()[0][:, 0] == pytest.approx([1.18, 1.21])


@pytest.mark.parametrize("trackers", [TWINS[:1], TWINS])
def test_nothing_is_cut_off(trackers):
    costs = [step for tracker in trackers for step in both(tracker)]
    assert overflow(stage_bars(costs)) == 0
    assert png(stage_bars(costs)) == png(stage_bars(costs))


def test_a_tracker_without_one_of_its_steps_is_refused():
    for costs in ([], [cost("siamcar", "frozen")]):
        with pytest.raises(InputError, match="need the frozen and the unfrozen step of every tracker"):
            stage_bars(costs)


def test_the_papers_time_has_a_panel_of_its_own():
    seconds = {"fixed": [30.0, 60.0], "DLA": [30.0, 90.0]}
    course = Course("siamcar_small", 8, 1, seconds, {"fixed": [3.0, 1.0], "DLA": [3.0, 2.0]})
    arguments = {"paper": paper_costs(), "tracker": "SiamCAR", "iterations": 7200, "device": "cpu"}
    fig = training_course_plot(course, **arguments)
    theirs, ours, losses = fig.axes
    printed = {line.get_label(): line for line in theirs.get_lines() if not line.get_label().startswith("_")}
    assert list(printed) == ["SiamCAR (paper): 1.24, 3.33", "DLA-SiamCAR (paper): 0.99, 2.61"]
    assert printed["SiamCAR (paper): 1.24, 3.33"].get_ydata() == pytest.approx([0, 1.24, 1.24 + 3.33])
    assert all(to_hex(line.get_color()) == to_hex(GREY) and line.is_dashed() for line in printed.values())
    drawn = [line for line in ours.get_lines() if not line.get_label().startswith("_")]
    assert [list(line.get_ydata()) for line in drawn] == [[0, 0.5, 1.5], [0, 0.5, 2]], "minutes"
    assert [to_hex(line.get_color()) for line in drawn] == [to_hex(FIXED), to_hex(DLA)]
    smooth = [line for line in losses.get_lines() if not line.get_label().startswith("_")]
    assert [list(line.get_ydata()) for line in smooth] == [[2, 2], [2.5, 2.5]], "both steps are in each mean"
    assert "(paper)" in theirs.get_title()
    assert "measured" in ours.get_title()
    assert overflow(fig) == 0
    with pytest.raises(InputError, match="the paper prints no training time of 'SiamBAN'"):
        training_course_plot(course, **{**arguments, "tracker": "SiamBAN"})
