"""Pictures of notebook 13: dots, power, seeds and choices."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from canvas import overflow, png
from matplotlib.colors import to_hex

from dlatrack.errors import InputError
from dlatrack.evaluation.statistics.compare import paired_bootstrap
from dlatrack.evaluation.statistics.power import power_of
from dlatrack.evaluation.statistics.seeds import compare_seeds
from dlatrack.pixels.colours import DLA, FIXED
from dlatrack.studies.decisions import CHOICES, DEFAULT
from dlatrack.viz.decisions import choice_plot
from dlatrack.viz.power import power_plot, target_dots
from dlatrack.viz.seeds import seed_plot


def differences(count: int, seed: int = 0) -> pd.Series:
    values = np.sort(np.random.default_rng(seed).normal(0, 0.1, count))[::-1]
    values[count // 2] = 0
    return pd.Series(values, [f"davis_bird_of_paradise-{number}" for number in range(count)])


def dots(counts: list[int]):
    given = {f"DLA-SiamRPN++ small {place}": differences(count, place) for place, count in enumerate(counts)}
    summaries = {
        name: paired_bootstrap(values.to_numpy(), np.zeros(len(values)), resamples=999)
        for name, values in given.items()
    }
    return target_dots(given, summaries, source="29 targets of real clips"), given, summaries


def test_every_target_is_a_dot_in_the_colour_of_the_better_rule():
    fig, given, summaries = dots([29, 29])
    for ax, (name, values) in zip(fig.axes, given.items(), strict=True):
        lines = {line.get_label(): line for line in ax.get_lines()}
        for label, chosen, color in (
            ("DLA better", values > 0, DLA),
            ("fixed rule better", values < 0, FIXED),
        ):
            assert lines[label].get_xdata().tolist() == values[chosen].tolist()
            assert to_hex(lines[label].get_color()) == to_hex(color)
        assert lines["equal"].get_xdata().tolist() == [0]
        assert lines["mean"].get_xdata()[0] == summaries[name].value
        (band,) = [p for p in ax.patches if "interval" in p.get_label()]
        assert (band.get_x(), band.get_x() + band.get_width()) == pytest.approx(
            (summaries[name].low, summaries[name].high)
        )
        assert [tick.get_text() for tick in ax.get_yticklabels()] == list(values.index)
    assert overflow(fig) == 0


@pytest.mark.parametrize("counts", [[12], [280, 280], [2, 2]])
def test_few_and_many_targets_fit(counts):
    fig = dots(counts)[0]
    assert overflow(fig) == 0
    assert fig.get_figheight() < 6.5
    assert png(dots(counts)[0]) == png(dots(counts)[0])


def test_what_cannot_be_drawn_is_named():
    with pytest.raises(InputError, match="no twins to draw"):
        target_dots({}, {}, source="")
    with pytest.raises(InputError, match="the difference of DLA-T on a must be finite, got nan"):
        target_dots({"DLA-T": pd.Series([np.nan], ["a"])}, {}, source="")
    with pytest.raises(InputError, match="no spread to draw"):
        power_plot({}, [0.01], {})


def test_power_curves_and_marks():
    fig = power_plot({"DLA-SiamCAR small": 0.08, "DLA-SiamRPN++ small": 0.11}, [0.01, 0.02], {"OTB100": 100})
    first, second = fig.axes
    line = first.get_lines()[1]
    assert line.get_label() == "true difference 0.02 AUC"
    counts = line.get_xdata()
    assert line.get_ydata() == pytest.approx(power_of(counts, 0.02, 0.08))
    assert second.get_lines()[1].get_ydata() == pytest.approx(power_of(counts, 0.02, 0.11))
    fig.draw_without_rendering()
    (top,) = first.child_axes
    assert [tick.get_text() for tick in top.get_xticklabels()] == ["OTB100\n100"]
    assert first.get_lines()[0].get_linestyle() != line.get_linestyle()
    assert overflow(fig) == 0
    assert overflow(power_plot({"DLA-SiamCAR small": 0.08}, [0.01, 0.02], {"here": 29})) == 0


def test_seeds_stand_beside_their_mean():
    generator = np.random.default_rng(0)
    fixed, dynamic = generator.uniform(0.2, 0.5, (2, 3, 12))
    found = compare_seeds(dynamic, fixed, generator, resamples=199)
    labels = ("SiamRPN++ small, fixed rule", "DLA-SiamRPN++ small")
    fig = seed_plot(
        fixed,
        dynamic,
        found,
        seeds=(0, 1, 2),
        labels=labels,
        note="reduced study: 3 epochs x 512 pairs, 12 videos",
    )
    score, change = fig.axes
    drawn = {line.get_label(): line.get_ydata() for line in score.get_lines()}
    assert drawn[labels[0]] == pytest.approx(fixed.mean(1))
    assert drawn[labels[1]] == pytest.approx(dynamic.mean(1))
    lines = {line.get_label(): line.get_ydata() for line in change.get_lines()}
    assert lines["one sequence"] == pytest.approx((dynamic - fixed).ravel())
    assert lines["mean of the sequences"] == pytest.approx((dynamic - fixed).mean(1))
    (bars,) = change.containers[0][2]
    assert bars.get_segments()[0][:, 1] == pytest.approx([found.low, found.high])
    assert [tick.get_text() for tick in change.get_xticklabels()] == ["seed 0", "seed 1", "seed 2", "all"]
    assert overflow(fig) == 0
    with pytest.raises(InputError, match=r"scores of 3 and 3 seeds do not fit to the seeds \[0, 1\]"):
        seed_plot(fixed, dynamic, found, seeds=(0, 1), labels=labels, note="")


@pytest.fixture
def choices() -> pd.DataFrame:
    rows = []
    for place, material in enumerate(
        ("60 frames of synthetic-0021", "4,000 simulated targets, shapes as in LaSOT")
    ):
        for head in ("points", "anchors"):
            rows.append((material, head, "", "", DEFAULT, 3.0, 0.0, 0.0))
            for number, choice in enumerate(CHOICES):
                if head in choice.heads:
                    row = (choice.question, choice.ours, choice.other, 3 + 0.1 * number, 0.1 * number, place)
                    rows.append((material, head, *row))
    columns = [
        "targets",
        "head",
        "question",
        "ours",
        "choice",
        "positives",
        "other positives",
        "other labels",
    ]
    return pd.DataFrame(rows, columns=columns)


def test_every_choice_has_its_row(choices):
    fig = choice_plot(choices)
    share, count = fig.axes
    names = [tick.get_text() for tick in share.get_yticklabels()]
    assert len(names) == len(CHOICES)
    assert names[0] == "standard deviation: over n\n(ours: over n - 1)"
    points = next(
        line for line in share.get_lines() if line.get_label() == "points, 60 frames of synthetic-0021"
    )
    assert points.get_xdata().tolist() == [0] * len(CHOICES)
    assert count.get_lines()[0].get_xdata() == pytest.approx(0.1 * np.arange(len(CHOICES)))
    assert overflow(fig) == 0
    with pytest.raises(InputError, match="one or two materials is needed, got 0 rows of 2"):
        choice_plot(choices[choices["question"] == ""])
