"""Overlap of regions: values computed by hand, bad input, and what the public toolkits answer."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from dlatrack.errors import InputError
from dlatrack.evaluation.vot import regions
from dlatrack.evaluation.vot.regions import RegionProtocol, is_box, region_corners, region_overlaps

PROTOCOLS: tuple[RegionProtocol, ...] = ("pysot", "vot_toolkit", "exact")
DIAMOND = [2, 0, 4, 2, 2, 4, 0, 2]
BOW_TIE = [0, 0, 4, 4, 4, 0, 0, 4]


def one(a: list[float], b: list[float], **options: Any) -> float:
    return float(region_overlaps(np.array([a], float), np.array([b], float), **options)[0])


@pytest.mark.parametrize(
    ("protocol", "expected"), [("pysot", 16 / 46), ("vot_toolkit", 15 / 45), ("exact", 15 / 45)]
)
def test_boxes_shifted_by_half_a_width(protocol: RegionProtocol, expected: float) -> None:
    """pysot counts 31 columns of a box of 30 px, of which 16 are common."""
    assert one([10, 20, 30, 40], [25, 20, 30, 40], protocol=protocol) == pytest.approx(expected)


@pytest.mark.parametrize(
    ("protocol", "expected"), [("pysot", 11 / 25), ("vot_toolkit", 11 / 18), ("exact", 8 / 16)]
)
def test_a_diamond_in_its_box(protocol: RegionProtocol, expected: float) -> None:
    """Rows of 1, 3, 5, 3, 1 pixels; pysot leaves out the two tips, and has 25 pixels in a box of 4 x 4 px.

    In the VOT toolkit that box has 16, and leaves out a tip and a pixel of the middle row.
    """
    assert one(DIAMOND, [0, 0, 4, 4], protocol=protocol) == pytest.approx(expected)


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_regions_that_only_touch_do_not_overlap(protocol: RegionProtocol) -> None:
    assert one([10, 20, 30, 40], [40, 20, 30, 40], protocol=protocol) == 0


def test_bounds_cut_the_canvas() -> None:
    """Columns 0..4 and 0..2 of five rows; inside (3, 3), columns 0..3 and 0..2 of four."""
    assert one([0, 0, 4, 4], [0, 0, 2, 4], bounds=(4, 4)) == pytest.approx(15 / 25)
    assert one([0, 0, 4, 4], [0, 0, 2, 4], bounds=(3, 3)) == pytest.approx(12 / 16)
    assert one([-4, 0, 8, 4], [0, 0, 2, 4], bounds=(9, 9), protocol="exact") == pytest.approx(1 / 2)
    for protocol in PROTOCOLS:
        assert one([20, 0, 4, 4], [20, 0, 4, 4], bounds=(9, 9), protocol=protocol) == 0


def test_halves_are_rounded_as_in_each_toolkit() -> None:
    """x = 10.5 becomes 11 in pysot and 10 in the VOT toolkit."""
    assert one([10, 20, 30, 40], [10.5, 20, 30, 40]) == pytest.approx(30 / 32)
    assert one([10, 20, 30, 40], [10.5, 20, 30, 40], protocol="vot_toolkit") == 1


def test_areas_by_hand() -> None:
    """A bow tie holds two of the four triangles of its box; a dart is what a corner pushed in leaves of a square."""
    assert one(BOW_TIE, [0, 0, 4, 4], protocol="exact") == pytest.approx(1 / 2)
    dart = [0, 0, 4, 0, 1, 1, 0, 4]
    assert one(dart, [0, 0, 4, 4], protocol="exact") == pytest.approx(4 / 16)
    assert one(dart, BOW_TIE, protocol="exact") == pytest.approx(2 / 10)


def test_regions_without_pixels() -> None:
    """The VOT toolkit says 1 for two of them, pysot 0."""
    flat, elsewhere = [10.0, 10, 0, 5], [14.0, 10, 0, 5]
    assert one(flat, elsewhere, protocol="vot_toolkit") == 1
    assert one(flat, elsewhere) == 0
    line = [0.0, 0, 4, 4, 4, 4, 0, 0]
    assert one(line, line) == one(line, line, protocol="exact") == 0


def test_rows_may_be_boxes_polygons_or_nothing() -> None:
    mixed = np.array(
        [[0, 0, 4, 4, *[np.nan] * 4], [0, 0, 4, 0, 4, 4, 0, 4], [np.nan] * 8, [np.inf, *DIAMOND[1:]]]
    )
    box = np.array([[0.0, 0, 4, 4]] * 4)
    assert region_overlaps(mixed, box).tolist()[:2] == [1, 1]
    assert region_overlaps(box, mixed, protocol="exact").tolist()[:2] == [1, 1]
    assert np.isnan(region_overlaps(np.ones((4, 4)), mixed))[2:].all()
    assert is_box(mixed[:2]).tolist() == [True, False]
    assert (region_corners(mixed)[0] == region_corners(mixed)[1]).all()
    assert region_overlaps(np.zeros((0, 4)), np.zeros((0, 8))).shape == (0,)
    assert region_overlaps(np.zeros((0, 4)), np.zeros((0, 8)), protocol="exact").shape == (0,)


def test_the_order_of_corners_and_the_size_of_blocks_do_not_matter(monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(5)
    a, b = rng.uniform(0, 90, (2, 60, 8))
    for protocol in PROTOCOLS:
        together = region_overlaps(a, b, bounds=(80, 80), protocol=protocol)
        alone = [
            region_overlaps(a[i : i + 1], b[i : i + 1], bounds=(80, 80), protocol=protocol)[0]
            for i in range(60)
        ]
        assert together.tolist() == alone
        turned = region_overlaps(np.roll(a, 2, 1), b, bounds=(80, 80), protocol=protocol)
        assert turned == pytest.approx(together, abs=1e-12)
        monkeypatch.setattr(regions, "_BLOCK_ROWS", 100)
        assert region_overlaps(a, b, bounds=(80, 80), protocol=protocol).tolist() == alone


def test_frames_are_not_drawn_one_by_one(monkeypatch: pytest.MonkeyPatch) -> None:
    """2,000 frames of up to 200 rows are drawn in blocks of 8,192 rows; `dlatrack bench evaluate` has the seconds."""
    rng = np.random.default_rng(0)
    truth = rng.uniform(0, 200, (2000, 8))
    drawn = []
    plain = regions._counted_block
    monkeypatch.setattr(
        regions, "_counted_block", lambda canvas: drawn.append(len(canvas.a)) or plain(canvas)
    )
    region_overlaps(truth, truth + 3, bounds=(640, 480))
    assert sum(drawn) == 2000
    assert len(drawn) <= 2000 * 200 / 8192 + 1


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (
            lambda: region_overlaps(np.ones((3, 5)), np.ones((3, 4))),
            r"regions a must have shape .* got \(3, 5\)",
        ),
        (lambda: region_overlaps(np.ones((3, 4)), np.ones((2, 4))), "a has 3 regions and b has 2"),
        (lambda: one([0, 0, 1, 1], [0, 0, 1, 1], bounds=(0, 5)), r"bounds .* above 0, got \(0, 5\)"),
        (lambda: one([0, 0, 1, 1], [0, 0, 1, 1], bounds=(4.5, 5)), r"bounds .* whole px .* got \(4.5, 5\)"),
        (
            lambda: one([0, 0, 1, 1], [0, 0, 1, 1], protocol="otb"),
            "no overlap 'otb'; choose from pysot, vot_",
        ),
        (lambda: one([0, 0, 1, 1], [0, 0, 1e9, 1]), "pair 0: region b is .* must be below 1e[+]09"),
        (lambda: one([0, 0, 9, 9e6], [0, 0, 9, 9e6]), "pair 0 spans 9000001 px in height; at most 1000000"),
    ],
)
def test_bad_input_is_named(call: Callable[[], Any], message: str) -> None:
    with pytest.raises(InputError, match=message):
        call()


COLUMNS: dict[str, tuple[RegionProtocol, tuple[int, int] | None]] = {
    "pysot_bound_w_h": ("pysot", (320, 240)),
    "pysot_bound_wm1_hm1": ("pysot", (319, 239)),
    "pysot_unbounded": ("pysot", None),
    "vot_toolkit_bounded": ("vot_toolkit", (320, 240)),
    "vot_toolkit_unbounded": ("vot_toolkit", None),
    "exact_clipped": ("exact", (320, 240)),
    "exact_unclipped": ("exact", None),
}


@pytest.mark.parametrize("column", COLUMNS)
def test_invented_pairs_agree_with_the_toolkits(shared_data: Path, column: str) -> None:
    golden = json.loads((shared_data / "region_overlap_golden.json").read_text())
    assert set(golden["columns"]) == set(COLUMNS)
    assert len(golden["cases"]) == 40
    protocol, bounds = COLUMNS[column]
    for case in golden["cases"]:
        result = one(case["a"], case["b"], bounds=bounds, protocol=protocol)
        assert result == pytest.approx(case[column], abs=1e-6), case["name"]
