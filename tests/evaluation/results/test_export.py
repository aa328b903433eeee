"""Results in the forms of other toolkits, and back."""

from __future__ import annotations

import numpy as np
import pytest

from dlatrack.errors import InputError
from dlatrack.evaluation.results.export import FORMS, export_results
from dlatrack.evaluation.results.trackers import find_trackers

ROWS = {
    "Car1": np.array([[11.12345678901234, 20, 30.5, 40.25], [-1.75, 2, 3, 4]]),
    "bird1_1": np.array([[1.0, 2, 3, 4]]),
}


@pytest.mark.parametrize(
    ("form", "file", "text"),
    [
        ("pysot", "T/Car1.txt", "11.12345678901234,20.0,30.5,40.25\n-1.75,2.0,3.0,4.0\n"),
        ("got10k", "T/Car1.txt", "11.123,20.000,30.500,40.250\n-1.750,2.000,3.000,4.000\n"),
        ("got10k_server", "T/Car1/Car1_001.txt", "11.123,20.000,30.500,40.250\n-1.750,2.000,3.000,4.000\n"),
        ("pytracking", "T/Car1.txt", "11\t20\t30\t40\n-1\t2\t3\t4\n"),
        (
            "lasot_matlab",
            "T_tracking_result/Car1.txt",
            "11.1235,20.0000,30.5000,40.2500\n-1.7500,2.0000,3.0000,4.0000\n",
        ),
        ("trackingnet", "T/Car1.txt", "11.12,20.00,30.50,40.25\n-1.75,2.00,3.00,4.00\n"),
    ],
)
def test_files_by_hand(tmp_path, form, file, text):
    paths = export_results(ROWS, tmp_path, tracker="T", form=form)
    assert paths[0] == tmp_path / file
    assert paths[0].read_text() == text
    assert len(paths) == 2


@pytest.mark.parametrize("form", FORMS)
def test_what_is_written_is_found_and_read(tmp_path, form):
    export_results(ROWS, tmp_path, tracker="SiamX", form=form)
    (tracker,) = find_trackers(tmp_path, ROWS)
    assert tracker.name == "SiamX"
    read = tracker.read(ROWS)
    tolerance = {"pysot": 0, "otb_matlab": 0, "pytracking": 1}.get(form, 6e-3)
    for name, boxes in ROWS.items():
        assert np.abs(read[name] - boxes).max() <= tolerance


def test_nan_survives_where_a_form_has_it(tmp_path):
    rows = {"Car1": np.array([[1.0, 2, 3, 4], [np.nan] * 4])}
    for form in FORMS:
        if form == "pytracking":
            with pytest.raises(
                InputError, match="sequence Car1 has a box with NaN; pytracking keeps whole numbers"
            ):
                export_results(rows, tmp_path / form, tracker="T", form=form)
            continue
        export_results(rows, tmp_path / form, tracker="T", form=form)
        (tracker,) = find_trackers(tmp_path / form, ["Car1"])
        assert np.isnan(tracker.read(["Car1"])["Car1"][1]).all()


def test_an_unknown_form_is_refused(tmp_path):
    with pytest.raises(InputError, match="there is no form 'vot'; choose from pysot, got10k, got10k_server"):
        export_results(ROWS, tmp_path, tracker="T", form="vot")
    assert not list(tmp_path.iterdir())
