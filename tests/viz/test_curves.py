from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from dlatrack.evaluation.ope import evaluate
from dlatrack.viz.curves import positives_plot, score_figure, training_curves, twin_curves


def history(rows: int = 20, **changes) -> pd.DataFrame:
    step = np.arange(rows)
    columns = {
        "epoch": step // 10,
        "step": step,
        "lr": np.where(step < 10, 0.001, 0.005),
        "loss": 3.0 - step / rows,
        "loss_classification": 1.0,
        "loss_regression": 0.5,
        "loss_centerness": 0.6,
        "positives": 2.9,
        "empty": 8,
        "tied": 0,
        "rescued": 8,
        "pairs_per_second": 98.0,
    }
    return pd.DataFrame(columns | changes)


def test_training_panels():
    fig = training_curves(history(), batch=32)
    losses, rate, positives, special = fig.axes
    assert len([line for line in losses.lines if not line.get_label().startswith("_")]) == 4
    np.testing.assert_allclose(rate.lines[0].get_ydata()[[0, -1]], [0.001, 0.005])
    np.testing.assert_allclose(positives.lines[0].get_ydata(), 2.9)
    np.testing.assert_allclose(special.lines[0].get_ydata(), 25)
    assert [ax.get_ylabel() for ax in fig.axes] == [
        "loss",
        "learning rate",
        "positives per target",
        "share of pairs (%)",
    ]
    assert losses.lines[-1].get_xdata()[0] == 10  # the second epoch
    fig.draw_without_rendering()
    assert all(ax.get_legend().get_window_extent().x0 > ax.bbox.x0 for ax in (losses, special))


def test_counts_of_pairs_without_the_batch():
    special = training_curves(history()).axes[3]
    np.testing.assert_allclose(special.lines[0].get_ydata(), 8)
    assert special.get_ylabel() == "pairs per step"


def test_running_mean_over_a_fiftieth():
    noisy = history(200, loss=np.tile([1.0, 3.0], 100))
    np.testing.assert_allclose(
        training_curves(noisy).axes[0].lines[0].get_ydata()[10:], np.tile(2.5 - 0.5, 190)
    )


def test_steps_within_epochs_are_counted_on():
    fig = training_curves(history(step=np.tile(np.arange(10), 2)))
    assert fig.axes[1].lines[0].get_xdata().tolist() == list(range(20))


def test_a_point_head_alone_has_centerness_and_one_row_is_a_dot():
    fig = training_curves(history(1).drop(columns="loss_centerness"))
    assert [line.get_label() for line in fig.axes[0].lines] == ["total", "classification", "regression"]
    assert fig.axes[0].lines[0].get_marker() == "o"


def test_histories_that_cannot_be_drawn():
    with pytest.raises(ValueError, match="lacks lr, tied; it has epoch, step, loss"):
        training_curves(history().drop(columns=["lr", "tied"]))
    with pytest.raises(ValueError, match="no rows"):
        training_curves(history().iloc[:0])
    with pytest.raises(ValueError, match="more empty, rescued, tied pairs than the batch of 4 has"):
        training_curves(history(), batch=4)


def test_positives_of_every_rule_are_drawn():
    counts = pd.DataFrame({"circle": [12, 13], "DLA": [0, 3]}, index=pd.Index([0, 5], name="frame"))
    (ax,) = positives_plot(counts).axes
    drawn = {line.get_label(): line.get_ydata().tolist() for line in ax.get_lines()}
    assert drawn == {"circle": [12, 13], "DLA": [0, 3]}
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("frame", "positive samples")
    with pytest.raises(ValueError, match="no counts to draw"):
        positives_plot(pd.DataFrame())


def test_twins_share_their_axes():
    row = {"step": [0, 1], "loss_classification": [0.7, 0.5], "loss_regression": [0.4, 0.3]}
    row |= {"loss_centerness": [0.6, 0.6], "positives": [3.0, 2.0]}
    figure = twin_curves({"fixed": pd.DataFrame(row), "DLA": pd.DataFrame(row)})
    assert [ax.get_title() for ax in figure.axes] == [
        "classification loss",
        "regression loss",
        "centre-ness loss",
        "positives",
    ]
    assert all(len(ax.get_lines()) == 2 for ax in figure.axes)


def test_a_head_without_centerness_has_no_panel_for_it():
    row = {"step": [0, 1], "loss_classification": [0.7, 0.5], "loss_regression": [0.4, 0.3]}
    row |= {"loss_centerness": [0.0, 0.0], "positives": [3.0, 2.0]}
    figure = twin_curves({"fixed": pd.DataFrame(row), "DLA": pd.DataFrame(row)}, regression="L1 loss")
    assert [ax.get_title() for ax in figure.axes] == ["classification loss", "regression loss", "positives"]
    assert figure.axes[1].get_ylabel() == "L1 loss"
    losses = training_curves(history(loss_centerness=0.0)).axes[0]
    labels = [line.get_label() for line in losses.lines if not line.get_label().startswith("_")]
    assert labels == ["total", "classification", "regression"]


def test_scores_are_drawn_as_success_and_precision():
    truth = {"a": np.tile([10.0, 10.0, 20.0, 20.0], (4, 1))}
    scores = {
        "exact": evaluate(truth, truth),
        "off": evaluate({"a": truth["a"] + [5, 0, 0, 0]}, truth),
    }
    figure = score_figure(dict(reversed(scores.items())))
    success, precision = figure.axes
    assert [text.get_text() for text in success.get_legend().get_texts()] == [
        f"exact  {20 / 21:.3f}",
        f"off  {scores['off'].auc:.3f}",
    ], "the best comes first"
    np.testing.assert_allclose(success.lines[0].get_xdata(), np.arange(21) * 0.05)
    assert success.lines[0].get_ydata().tolist() == scores["exact"].mean_success.tolist()
    assert (success.get_xlabel(), success.get_title()) == ("overlap threshold (IoU)", "success")
    assert precision.lines[0].get_xdata().tolist() == list(range(51))
    assert precision.lines[2].get_xdata()[0] == 20, "the threshold of the score is marked"
    assert "(px)" in precision.get_xlabel()
    assert {line.get_label() for line in precision.get_lines()} >= {"exact  1.000", "off  1.000"}
    figure.draw_without_rendering()
    assert success.get_legend().get_window_extent().y1 < success.xaxis.get_tightbbox().y0
    assert success.get_tightbbox().y0 >= 0
