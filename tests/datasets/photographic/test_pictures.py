"""The photographs of scikit-image: what the manifest says of them, and what is refused."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest

from dlatrack import paths
from dlatrack.datasets.photographic import photographic_sequence, photographs, pictures
from dlatrack.errors import InputError


def test_every_photograph_is_there_with_its_source_and_licence() -> None:
    notice = (paths.root() / "NOTICE").read_text(encoding="utf-8")
    words = " ".join(notice.split())
    for name, photograph in photographs().items():
        assert photograph.name == name
        assert photograph.image.dtype == np.uint8
        assert photograph.image.shape[2] == 3
        assert min(photograph.image.shape[:2]) >= 300
        assert photograph.source.startswith("http")
        assert photograph.source in notice
        assert photograph.licence in words
    assert photographs()["coffee"].licence == "CC0-1.0"
    assert photographs()["chelsea"].cut_outs == ["face"]
    assert all(photograph.kept_in_place <= set(photograph.outlines) for photograph in photographs().values())


def test_the_two_splits_share_no_picture_and_both_have_objects() -> None:
    train, test = photographs("train"), photographs("test")
    assert [*train, *test] == [*photographs()]
    assert not {p.source for p in train.values()} & {p.source for p in test.values()}
    for split in (train, test):
        assert sum(len(photograph.outlines) for photograph in split.values()) >= 10
        assert len(split) >= 6


def test_outlines_lie_in_their_photographs_and_do_not_cross_themselves() -> None:
    for photograph in photographs().values():
        for name, outline in photograph.outlines.items():
            assert 12 <= len(outline) <= 250, name
            assert (outline >= 0).all()
            assert (outline <= photograph.size).all()
            assert not crossings(outline), f"{photograph.name}: {name} crosses itself"


def crossings(outline: np.ndarray) -> list[tuple[int, int]]:
    """Pairs of edges that cross."""
    start, end = outline, np.roll(outline, -1, axis=0)

    def side(p: np.ndarray, q: np.ndarray, r: np.ndarray) -> np.ndarray:
        d, e = q - p, r - p
        return np.sign(d[..., 0] * e[..., 1] - d[..., 1] * e[..., 0])

    a, b, c, d = start[:, None], end[:, None], start[None], end[None]
    cross = (side(a, b, c) * side(a, b, d) < 0) & (side(c, d, a) * side(c, d, b) < 0)
    return [tuple(pair) for pair in np.argwhere(cross).tolist()]


def test_the_disparity_is_that_of_the_left_picture() -> None:
    left, right = photographs()["motorcycle_left"], photographs()["motorcycle_right"]
    assert left.disparity is not None
    assert np.isfinite(left.disparity).all()
    rows, columns = np.mgrid[150:350:7, 150:600:7]
    matching = np.rint(columns - left.disparity[rows, columns]).astype(int)
    there = np.abs(right.image[rows, matching].astype(int) - left.image[rows, columns]).mean()
    same_place = np.abs(right.image[rows, columns].astype(int) - left.image[rows, columns]).mean()
    assert there < same_place / 2


def test_nearest_zero_by_hand() -> None:
    image = np.ones((3, 5), np.uint8)
    image[1, 0] = image[2, 4] = 0
    rows, columns = pictures.nearest_zero(image)
    assert (rows[0, 1], columns[0, 1]) == (1, 0)
    assert (rows[0, 4], columns[0, 4]) == (2, 4)


# Bad input.


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of the photographs of the test split, which the library takes for those of scikit-image."""
    original = pictures.photographs_dir()
    for name in ("chelsea.png", "coffee.png", "rocket.jpg", "camera.png", "grass.png", "gravel.png"):
        shutil.copy(original / name, tmp_path)
    monkeypatch.setattr(pictures, "photographs_dir", lambda: tmp_path)
    return tmp_path


def test_a_photograph_that_is_missing_is_named(folder: Path) -> None:
    (folder / "coffee.png").unlink()
    with pytest.raises(InputError) as caught:
        photographic_sequence(0, 2, split="test")
    assert str(caught.value) == (
        f"cannot read the photograph {folder / 'coffee.png'}: No such file or directory; SHA-256 "
        "cc02f8ca188b167c775a7101b5d767d1e71792cf762c33d6fa15a4599b5a8de7 is needed, as in scikit-image 0.26.0"
    )


def test_a_photograph_with_another_hash_is_named_with_both(folder: Path) -> None:
    (folder / "coffee.png").write_bytes(b"another cup")
    with pytest.raises(InputError) as caught:
        photographs("test")
    assert str(caught.value) == (
        f"the photograph {folder / 'coffee.png'} has SHA-256 "
        "9dea1efeefab1914cf2827965dc09a7c5feb540d32b1105f9fbfee2e575ddf79; SHA-256 "
        "cc02f8ca188b167c775a7101b5d767d1e71792cf762c33d6fa15a4599b5a8de7 is needed, as in scikit-image 0.26.0"
    )


def test_a_missing_package_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pictures, "find_spec", lambda name: None)
    with pytest.raises(InputError, match=r"scikit-image is not installed.*version 0\.26\.0 is known to work"):
        photographs()


def test_an_unknown_split_is_refused() -> None:
    with pytest.raises(ValueError, match="split must be train or test, got 'val'"):
        photographs("val")
