"""Folders of one's own as training data: clips, still pictures, and several places in one mixture."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest

from dlatrack.datasets.folder import write_folder
from dlatrack.datasets.mini import write_mini
from dlatrack.datasets.synthetic import synthetic_sequence
from dlatrack.errors import InputError
from dlatrack.recipes import recipe
from dlatrack.sampling import own_folders, training_data
from dlatrack.sampling.mixture import Mixture, Share
from dlatrack.sampling.own_folders import open_own
from dlatrack.sampling.pairs import PairSource
from dlatrack.sampling.store import CropStore
from dlatrack.sampling.training_data import describe_training_data, open_training_data

CHOSEN = recipe("siamcar_small")
ABSENT = "NaN,NaN,NaN,NaN"


def write_clips(root: Path, seed: int = 0) -> Path:
    """Two clips of four frames: a target that appears in the third, and one that is visible in the second alone."""
    for number, absent in enumerate(([0, 1], [0, 2, 3])):
        clip = synthetic_sequence(seed + number, 4, (128, 96), challenges=())
        folder = write_folder(replace(clip, name=f"clip{number}"), root, images="png")
        file = folder / "groundtruth_rect.txt"
        rows = file.read_text().splitlines()
        file.write_text("\n".join(ABSENT if row in absent else text for row, text in enumerate(rows)))
    return root


def write_stills(root: Path) -> Path:
    """Two pictures with three boxes."""
    root.mkdir(parents=True)
    for number in range(2):
        image = synthetic_sequence(8 + number, 1, (128, 96)).frames[0]
        cv2.imwrite(str(root / f"{number}.png"), image[..., ::-1])
    lines = (
        "picture,class,x,y,w,h",
        "0.png,cup,10,20,30,25",
        "1.png,cup,50,5,40,60",
        "1.png,pen,90,70,60,20",
    )
    (root / "boxes.csv").write_text("\n".join(lines))
    return root


@pytest.fixture(scope="module", autouse=True)
def cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    folder = tmp_path_factory.mktemp("cache")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DLATRACK_CACHE", str(folder))
        yield folder


@pytest.fixture(scope="module")
def own(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a folder of clips and one of pictures."""
    root = tmp_path_factory.mktemp("own")
    write_clips(root / "clips")
    write_stills(root / "stills")
    return root


def pairs_of(crops: CropStore | Mixture, number: int = 0) -> set[tuple[int, int]]:
    """The pairs that are drawn from a set."""
    source = PairSource(crops, replace(CHOSEN.sampling, negative_pairs=0), CHOSEN.net)
    rng = np.random.default_rng(0)
    return {source.draw_frames(True, rng, number) for _ in range(200)}


def test_clips_alone_are_their_crops(own: Path) -> None:
    crops = open_training_data([own / "clips"])
    assert isinstance(crops, CropStore)
    assert crops.names == ("clip0", "clip1")
    assert crops.tracks.tolist() == [0, 2, 3], "the frames in which the targets are visible"
    assert pairs_of(crops) == {(0, 0), (0, 1), (1, 0), (1, 1), (2, 2)}
    assert describe_training_data(crops) == [
        "training data: 100.0 % of the pairs from 3 crops of 2 targets; 1 visible in one frame only, which is "
        "template and search region at once"
    ]


def test_a_still_is_template_and_search_region(own: Path) -> None:
    crops = open_training_data([str(own / "stills")])
    assert isinstance(crops, Mixture)
    assert list(crops.sources) == ["stills"]
    assert crops.frame_ranges == (1,)
    assert pairs_of(crops) == {(0, 0), (1, 1), (2, 2)}
    drawn = [PairSource(crops, CHOSEN.sampling, CHOSEN.net).draw_frames(True, r)[0] for r in many(600)]
    counts = np.bincount(drawn) / 600
    np.testing.assert_allclose(counts, [0.5, 0.25, 0.25], atol=0.07, err_msg="pictures are equally likely")
    assert describe_training_data(crops) == ["stills: 100.0 % of the pairs from 3 crops of 3 targets"]


def many(count: int) -> Iterator[np.random.Generator]:
    return (np.random.default_rng(seed) for seed in range(count))


def test_own_folders_are_mixed_in_equal_parts(own: Path) -> None:
    crops = open_training_data([own / "clips", own / "stills"])
    assert crops.proportions() == {"clips": 0.5, "stills": 0.5}
    assert crops.frame_ranges == (None, 1)
    assert list(crops.content()) == [
        *("clips: sequence clip0", "clips: sequence clip1"),
        *("stills: target 0.png", "stills: target 1.png-1", "stills: target 1.png-2"),
        "shares of the sets",
    ]
    shared = open_training_data([own / "clips", own / "stills"], [3, 1])
    assert shared.proportions() == {"clips": 0.75, "stills": 0.25}
    assert open_training_data([own / "clips", own / "stills"], [6, 2]).digest() == shared.digest()
    assert shared.digest() != crops.digest()


def test_the_recipe_says_how_far_frames_of_clips_are_apart(tmp_path: Path) -> None:
    for seed in range(2):
        write_folder(synthetic_sequence(seed, 6, (128, 96), challenges=()), tmp_path / "clips", images="png")
    write_stills(tmp_path / "stills")
    mixed = open_training_data([tmp_path / "clips", tmp_path / "stills"])
    sampling = replace(CHOSEN.sampling, frame_range=2, negative_pairs=0)
    source, rng = PairSource(mixed, sampling, CHOSEN.net), np.random.default_rng(0)
    assert {abs(a - b) for a, b in (source.draw_frames(True, rng) for _ in range(300))} == {0, 1, 2}
    alone = PairSource(mixed.sources["clips"], sampling, CHOSEN.net)
    assert alone.draw_frames(True, np.random.default_rng(4)) == source.draw_frames(
        True, np.random.default_rng(4)
    )


def test_footage_keeps_its_proportions_within_its_share(own: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    crops = open_own(own / "clips").crops
    shares = {"real": Share(30, 60), "composed": Share(55, 16), "synthetic": Share(15, 40)}
    made = Mixture(dict.fromkeys(shares, crops), shares)
    monkeypatch.setattr(training_data, "footage_mixture", lambda folder: made)
    assert open_training_data(["footage=there"]) is made
    crops = open_training_data(["footage=there", own / "stills", own / "clips"], [2, 1, 1])
    expected = {
        **{"footage/real": 0.15, "footage/composed": 0.275, "footage/synthetic": 0.075},
        **{"stills": 0.25, "clips": 0.25},
    }
    assert crops.proportions() == pytest.approx(expected)
    assert crops.frame_ranges == (60, 16, 40, 1, None)


def test_training_sets_and_own_folders_need_shares(own: Path, tmp_path: Path) -> None:
    coco = f"coco={write_mini('coco', tmp_path)}"
    with pytest.raises(InputError, match=r"coco and other data have no common shares; .* --shares 1,1$"):
        open_training_data([coco, own / "clips"])
    crops = open_training_data([coco, own / "clips"], [1, 4])
    assert crops.proportions() == {"coco": 0.2, "clips": 0.8}
    assert crops.frame_ranges == (1, None)
    assert open_training_data([coco]).digest() == open_training_data([coco], [7]).digest()


def test_folders_of_one_name_are_told_apart(own: Path, tmp_path: Path) -> None:
    for name in ("a/clips", "b/clips", "clips-2", "coco"):
        shutil.copytree(own / "clips", tmp_path / name)
    places = [
        tmp_path / "a" / "clips",
        tmp_path / "clips-2",
        tmp_path / "b" / "clips",
        own / "clips" / ".." / "clips",
    ]
    crops = open_training_data(places)
    assert list(crops.sources) == ["clips", "clips-2", "clips-3", "clips-4"]
    assert open_training_data(places).digest() == crops.digest()
    mini = write_mini("coco", tmp_path / "mini")
    mixed = open_training_data([tmp_path / "coco", f"coco={mini}"], [1, 1])
    assert list(mixed.sources) == ["coco-2", "coco"]


def test_crops_that_take_long_are_kept(own: Path, cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    quick = open_training_data([own / "clips", own / "stills"])
    assert not list(cache.glob("crops-own-*")), "they are cut in no time"
    monkeypatch.setattr(own_folders, "_PATIENCE", 0.0)
    for _ in range(2):
        kept = open_training_data([own / "clips", own / "stills"])
        assert (kept.digest(), kept.content()) == (quick.digest(), quick.content())
        assert len(list(cache.glob("crops-own-*"))) == 2
    assert kept.sources["stills"].videos.tolist() == [0, 1, 3]


def test_another_box_gives_other_crops(own: Path, tmp_path: Path) -> None:
    before = open_training_data([own / "stills"])
    copy = Path(shutil.copytree(own / "stills", tmp_path / "stills"))
    assert open_training_data([copy]).digest() == before.digest(), "wherever the folder lies"
    (copy / "boxes.csv").write_text((copy / "boxes.csv").read_text().replace("50,5,40", "50,5,41"))
    changed = open_training_data([copy])
    assert changed.digest() != before.digest()
    differing = {name for name, found in changed.content().items() if before.content()[name] != found}
    assert differing == {"stills: target 1.png-1"}


@pytest.mark.parametrize(
    ("places", "shares", "message"),
    [
        ([], None, "no training data are named"),
        (["nowhere"], None, r"cannot read training data 'nowhere': there is no such folder; .* or footage"),
        (
            ["x=nowhere"],
            None,
            r"x is no training set; choose from imagenet_vid, .* or footage, or name a folder that",
        ),
        (["footage=", "clips"], None, "footage= names no folder; footage=FOLDER is needed"),
        (["clips", "./clips"], None, r"clips is given 2 times as training data; each set once"),
        (
            ["."],
            None,
            r"\. holds no boxes\.csv and no sequence folder \(one with img/ and groundtruth_rect\.txt\)",
        ),
        (
            ["clips/clip0"],
            None,
            r"clip0 holds no boxes\.csv .* groundtruth_rect\.txt\); name the folder above it",
        ),
        (["clips", "stills"], [1], "shares 1 do not fit the training data: .* each of the 2 places"),
        (["clips", "stills"], [1, 0], "shares 1,0 do not fit"),
        (["clips", "stills"], [1, -2.5], r"shares 1,-2\.5 do not fit"),
        (["clips", "stills"], [1e308, 1e308], r"shares 1e\+308,1e\+308 do not fit .* a finite sum"),
        (["clips", "stills"], [1, float("nan")], "shares 1,nan do not fit"),
        (["clips", "stills"], [1, float("inf")], "shares 1,inf do not fit"),
        (["clips"], [1, 1], "each of the 1 places"),
    ],
)
def test_bad_places_are_named(
    own: Path, places: list[str], shares: list[float] | None, message: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(own)
    with pytest.raises(InputError, match=message) as caught:
        open_training_data(places, shares)
    assert "\n" not in str(caught.value)


def test_pictures_and_clips_lie_apart(own: Path, tmp_path: Path) -> None:
    shutil.copytree(own / "clips", tmp_path, dirs_exist_ok=True)
    shutil.copy(own / "stills" / "boxes.csv", tmp_path)
    with pytest.raises(
        InputError, match=r"holds boxes\.csv and clips \(clip0\); pictures and clips are needed in"
    ):
        open_own(tmp_path)


def test_a_clip_without_its_target_is_named(own: Path, tmp_path: Path) -> None:
    shutil.copytree(own / "clips", tmp_path, dirs_exist_ok=True)
    (tmp_path / "clip1" / "groundtruth_rect.txt").write_text(f"{ABSENT}\n" * 4)
    with pytest.raises(
        InputError, match=r"clip1/groundtruth_rect\.txt: the target is absent \(NaN\) in every row"
    ):
        open_own(tmp_path)
