"""A second look at the runner: the got10k toolkit's own loops, readers and image decoder, with the same tracker."""

from __future__ import annotations

import re
import sys
from importlib import import_module
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from dlatrack import paths
from dlatrack.datasets.mini import write_mini
from dlatrack.tracking.benchmark import DataSetSource, run_benchmark
from dlatrack.tracking.static import StaticTracker

pytest.importorskip("got10k.trackers", reason="the toolkit is optional", exc_type=ImportError)

from dlatrack.adapters.got10k import GOT10kTracker

#: Sequences by the toolkit's names and ours. It does not skip the first rows of Tiger1, and takes David's images by
#: numbers that the miniature does not reach.
OTB = {
    "Basketball": "Basketball",
    "Biker": "Biker",
    "BlurCar1": "BlurCar1",
    "Board": "Board",
    "Human4": "Human4-2",
    "Jogging.1": "Jogging-1",
    "Jogging.2": "Jogging-2",
}


class Dimmer:
    """Moves and grows by the colours of the images, each channel its own way."""

    def __init__(self) -> None:
        self.images: list[np.ndarray] = []

    def init(self, image: np.ndarray, box_xywh: np.ndarray) -> None:
        self._box = box_xywh.copy()
        self.images.append(image)

    def update(self, image: np.ndarray) -> tuple[np.ndarray, float]:
        red, green, blue = image.reshape(-1, 3).mean(0)
        self._box = self._box + np.sin([red, green, blue, red + blue])
        return self._box.copy(), 0.5


def know_only_the_miniature(monkeypatch: pytest.MonkeyPatch) -> None:
    """Keep the toolkit from looking for, and downloading, other sequences of OTB."""
    folders = sorted({name.partition(".")[0] for name in OTB})
    monkeypatch.setitem(import_module("got10k.datasets").OTB._OTB__version_dict, 2015, folders)


def test_boxes_are_shifted_both_ways() -> None:
    toy = Dimmer()
    tracker = GOT10kTracker(toy, "toy", first_pixel=1)
    box = np.array([11, 21, 30, 40])
    tracker.init(Image.new("L", (90, 80), 7), box)
    assert toy._box.tolist() == [10, 20, 30, 40]
    assert (toy.images[0].shape, toy.images[0].dtype) == ((80, 90, 3), np.uint8)
    assert (toy.images[0] == 7).all()
    moved = tracker.update(Image.new("RGB", (90, 80), (1, 2, 3)))
    assert moved == pytest.approx(box + np.sin([1, 2, 3, 4]), abs=1e-12)
    assert box.tolist() == [11, 21, 30, 40]
    assert (tracker.name, tracker.is_deterministic) == ("toy", True)


def test_the_experiment_on_otb_agrees_with_our_runner(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    know_only_the_miniature(monkeypatch)
    experiments = import_module("got10k.experiments")
    root = write_mini("otb100", tmp_path)
    experiment = experiments.ExperimentOTB(str(root), 2015, str(tmp_path / "theirs"), str(tmp_path))
    experiment.run(GOT10kTracker(Dimmer(), "toy", first_pixel=1))
    ours = run_benchmark(Dimmer, DataSetSource("otb100", root), tmp_path / "ours", tracker="toy")
    theirs = tmp_path / "theirs" / "OTB2015" / "toy"
    assert {path.stem for path in theirs.glob("*.txt")} == {*OTB}
    for their_name, our_name in OTB.items():
        expected = np.loadtxt(theirs / f"{their_name}.txt", delimiter=",")
        boxes = np.loadtxt(ours / f"{our_name}.txt", delimiter=",")
        assert boxes == pytest.approx(expected, abs=0.00055001), their_name  # three decimals there, four here
        their_times = np.loadtxt(theirs / "times" / f"{their_name}_time.txt")
        assert np.loadtxt(ours / "times" / f"{our_name}_time.txt").shape == their_times.shape


def test_the_experiment_on_got10k_agrees_with_our_runner(tmp_path: Path) -> None:
    experiments = import_module("got10k.experiments")
    root = write_mini("got10k", tmp_path)
    experiment = experiments.ExperimentGOT10k(str(root), "val", str(tmp_path / "theirs"), str(tmp_path))
    experiment.run(GOT10kTracker(Dimmer(), "toy", first_pixel=0))
    source = DataSetSource("got10k", root, "val")
    ours = run_benchmark(Dimmer, source, tmp_path / "ours", tracker="toy")
    names = [sequence.name for sequence in source.open()]
    assert names
    for name in names:
        expected = np.loadtxt(
            tmp_path / "theirs" / "GOT-10k" / "toy" / name / f"{name}_001.txt", delimiter=","
        )
        boxes = np.loadtxt(ours / f"{name}.txt", delimiter=",")
        assert boxes == pytest.approx(expected, abs=0.00055001), name


def test_another_first_pixel_is_refused() -> None:
    with pytest.raises(ValueError, match="first_pixel must be 0 or 1, got 2"):
        GOT10kTracker(StaticTracker(), "toy", first_pixel=2)


def test_a_missing_toolkit_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "got10k.trackers", None)
    monkeypatch.delitem(sys.modules, "dlatrack.adapters.got10k")
    with pytest.raises(
        ImportError, match=r"needs the packages got10k and six .*pip install 'dlatrack\[got10k\]'"
    ):
        import_module("dlatrack.adapters.got10k")


@pytest.mark.slow
def test_the_code_of_the_page_runs_as_it_stands(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from dlatrack import build_model, recipe, save_weights

    know_only_the_miniature(monkeypatch)
    small = recipe("siamcar_small")
    save_weights(tmp_path / "weights.safetensors", build_model(small), small, {})
    write_mini("otb100", tmp_path)
    monkeypatch.chdir(tmp_path)
    page = (paths.root() / "docs" / "official_clients.md").read_text()
    (code,) = re.findall(r"```python\n(.*?)```", page, re.DOTALL)
    names: dict[str, float] = {}
    exec(code, names)
    assert 0 <= names["score"] <= 1
    assert len([*(tmp_path / "results" / "OTB2015" / "siamcar_small").glob("*.txt")]) == len(OTB)
