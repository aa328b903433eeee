"""The truth of a workspace of the VOT toolkit with a list of its own."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from dlatrack.datasets.mini import write_mini
from dlatrack.errors import InputError
from dlatrack.evaluation.truth_source import read_truth


def put(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path


@pytest.fixture
def workspace(tmp_path: Path) -> Path:
    """Two sequences of two frames, one of VOT2019 and one of the user; images of 50 x 40 px."""
    place = tmp_path / "sequences"
    put(place / "list.txt", "mine\n\nants1\n")
    put(place / "mine" / "groundtruth.txt", "1,2,3,4\n2,2,3,4\n")
    put(place / "mine" / "sequence", "name=mine\nchannels.color=color/%08d.png\n")
    put(place / "mine" / "occlusion.tag", "0\n")
    (place / "mine" / "color").mkdir()
    cv2.imwrite(str(place / "mine" / "color" / "00000001.png"), np.zeros((40, 50, 3), np.uint8))
    put(place / "ants1" / "groundtruth.txt", "0,0,2,0,2,2,0,2\n0,0,3,0,3,2,0,2\n")
    put(place / "ants1" / "sequence", "width=640\nheight=480\n")
    put(place / "ants1" / "occlusion.label", "0\n1\n")
    return tmp_path


@pytest.mark.parametrize("below", ["", "sequences"])
def test_the_list_of_a_workspace_is_its_own(workspace: Path, below: str) -> None:
    truth = read_truth("VOT2019", workspace / below)
    assert list(truth.sequences) == ["mine", "ants1"]
    mine, ants = truth.sequences.values()
    assert mine.regions.tolist() == [[1, 2, 3, 4], [2, 2, 3, 4]]
    assert mine.size == (50, 40)
    assert [*mine.tags] == ["occlusion"]
    assert not mine.tags["occlusion"].any()
    assert ants.regions.shape == (2, 8)
    assert ants.size == (640, 480)
    assert ants.tags["occlusion"].tolist() == [False, True]
    assert truth.foreign == ["mine"]
    assert len(truth.missing) == 59


def test_a_wholly_own_list_lacks_nothing_and_suits_other_editions(workspace: Path) -> None:
    put(workspace / "sequences" / "list.txt", "mine\n")
    assert read_truth("VOT2019", workspace).missing == ()
    truth = read_truth("VOT2018", workspace)
    assert list(truth.sequences) == ["mine"]
    assert truth.foreign == []


def test_a_miniature_is_read_as_before(tmp_path: Path) -> None:
    root = write_mini("vot2019", tmp_path, 0)
    truth = read_truth("VOT2019", root)
    assert len(truth.sequences) == 5
    assert truth.foreign == []


@pytest.mark.parametrize(
    ("file", "text", "message"),
    [
        ("list.txt", "\n", "list.txt is empty; it needs the name of a sequence in each row"),
        ("list.txt", "mine\n../ants1\n", "list.txt row 2: '../ants1' is not the name of a folder"),
        ("list.txt", "mine\nmine\n", "list.txt row 2: sequence mine is there twice"),
        ("list.txt", "absent\n", "cannot read .*absent.groundtruth.txt"),
        ("mine/groundtruth.txt", "1,2,3\n", "groundtruth.txt row 1: needs four or 8 finite numbers"),
        ("mine/groundtruth.txt", "1,2,3,4\n1,2,nan,4\n", "groundtruth.txt row 2: the region is NaN in part"),
        ("mine/occlusion.tag", "0\n2\n", "occlusion.tag row 2 is '2'; 0 or 1 is needed"),
        ("mine/occlusion.tag", "0\n0\n0\n", "occlusion.tag has 3 rows for 2 frames"),
        ("ants1/sequence", "width=-1\nheight=2\n", "sequence: width is '-1'; a number of px above 0"),
        (
            "ants1/sequence",
            "width=1\nheight=9999999999999\n",
            "sequence: height is '9999999999999'; a number",
        ),
        ("mine/sequence", "channels.color=%d%d%s\n", "channels.color is '%d%d%s'; a template"),
        ("mine/sequence", "channels.color=other/%08d.png\n", "cannot read .*other.00000001.png"),
        ("mine/sequence", "channels.color=groundtruth.txt\n", "groundtruth.txt is not a JPEG or PNG image"),
    ],
)
def test_what_is_wrong_is_named(workspace: Path, file: str, text: str, message: str) -> None:
    put(workspace / "sequences" / file, text)
    with pytest.raises(InputError, match=message):
        read_truth("VOT2019", workspace)
