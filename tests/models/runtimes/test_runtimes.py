"""Trackers in other runtimes: the same boxes, graphs made once, and refusals that say what to do."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
import torch
from peaks import peaks_net
from torch import nn

from dlatrack import __version__
from dlatrack.datasets.photographic import photographic_sequence
from dlatrack.errors import InputError
from dlatrack.evaluation.overlap import overlaps
from dlatrack.files import file_digest
from dlatrack.models.onnx import network
from dlatrack.models.onnx.export import export_onnx
from dlatrack.models.onnx.network import read_exported
from dlatrack.models.runtimes import RUNTIMES, check_runtime, graphs, identify, load_for, weights_behind
from dlatrack.models.runtimes.int8 import int8_search
from dlatrack.models.runtimes.openvino import OpenVinoNet
from dlatrack.models.weights import find_weights
from dlatrack.recipes import recipe
from dlatrack.tracking.online import OnlineTracker
from dlatrack.tracking.run import run_one_pass

pytest.importorskip("onnx")
pytest.importorskip("onnxruntime")

FRAMES = 12


@pytest.fixture(scope="module", autouse=True)
def cache(tmp_path_factory: pytest.TempPathFactory):
    """One cache for all tests, so that the graphs of a tracker are made once."""
    folder = tmp_path_factory.mktemp("cache")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DLATRACK_CACHE", str(folder))
        yield folder


@pytest.fixture(scope="module")
def clip():
    return photographic_sequence(77, FRAMES, split="test")


@pytest.fixture(scope="module")
def usual(clip):
    return run_one_pass(OnlineTracker.from_weights("dla_nanotrack_v3"), clip).boxes_xywh


def installed(runtime: str) -> str:
    if runtime.startswith("openvino"):
        pytest.importorskip("openvino")
    return runtime


@pytest.mark.slow
@pytest.mark.parametrize("runtime", list(RUNTIMES))
def test_boxes_are_those_of_torch(clip, usual, runtime: str) -> None:
    tracker = OnlineTracker.from_weights("dla_nanotrack_v3", runtime=installed(runtime))
    found = run_one_pass(tracker, clip).boxes_xywh
    assert np.abs(usual[-1] - usual[0]).max() > 5, "the clip must move the box"
    if runtime.endswith("int8"):  # later the other of two cells with nearly equal scores may win
        assert overlaps(usual[:4], found[:4]).min() > 0.5
    else:
        assert np.abs(found - usual).max() <= 0.01
    assert (found == usual).all() == (runtime == "torch")


@pytest.mark.slow
@pytest.mark.parametrize("runtime", ["torch", "onnx", "openvino"])
def test_trackers_in_threads_answer_as_one_alone(clip, runtime: str) -> None:
    """Objects of their own, and objects that share a network."""
    first = OnlineTracker.from_weights("dla_nanotrack_v3", runtime=installed(runtime))
    trackers = [first, first.with_setting(first.recipe.online["OTB100"])]
    trackers.append(OnlineTracker.from_weights("dla_nanotrack_v3", runtime=runtime))
    alone = run_one_pass(first, clip).boxes_xywh
    with ThreadPoolExecutor(len(trackers)) as threads:
        found = list(threads.map(lambda tracker: run_one_pass(tracker, clip).boxes_xywh, trackers))
    for boxes in found:
        assert (boxes == alone).all()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    net = peaks_net()
    export_onnx(net, recipe("siamfc"), tmp_path / "a", {"weights": "my.safetensors", "weights_sha256": "ab"})
    return tmp_path / "a"


def changed(folder: Path, **values: object) -> None:
    described = json.loads((folder / "tracker.json").read_text())
    (folder / "tracker.json").write_text(json.dumps(described | values))


def test_a_folder_of_graphs_stands_for_weights(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    net, chosen = load_for(folder, "onnx")
    x = torch.full((1, 3, 255, 255), 100.0)
    features = net.template(x[..., :127, :127])
    assert net.search(x, features).cls.unique().tolist() == pytest.approx([30])
    assert identify(folder) == (folder, chosen, "ab")
    changed(folder, origin={})
    assert identify(folder, recipe("siamfc"))[2] == file_digest(folder / "search.onnx")
    with pytest.raises(InputError, match=r"a holds recipe siamfc, expected siamcar"):
        identify(folder, recipe("siamcar"))
    with pytest.raises(
        InputError, match=r"a holds ONNX graphs, which torch does not run; .*: onnx, openvino"
    ):
        load_for(folder)
    pytest.importorskip("openvino")
    net, _ = load_for(folder, "openvino", fast=True)
    assert net.search(x, features).cls.unique().tolist() == pytest.approx([30], rel=0.02)
    # A folder with the name of a shipped tracker does not hide it.
    monkeypatch.chdir(folder.parent)
    folder.rename("siamcar_small")
    assert identify("siamcar_small")[0] == find_weights("siamcar_small")


@pytest.mark.parametrize(
    ("values", "made"),
    [
        ({"versions": {"dlatrack": "0.0.7"}}, "dlatrack 0.0.7 in format 1"),
        ({"format": 9}, f"dlatrack {__version__} in format 9"),
    ],
)
def test_graphs_of_another_version_are_refused(folder: Path, values: dict[str, object], made: str) -> None:
    changed(folder, **values)
    again = r"export it again: dlatrack weights export my.safetensors --out .*a$"
    with pytest.raises(
        InputError, match=rf"was exported by {made}, .* is dlatrack {__version__} .*; {again}"
    ):
        load_for(folder, "onnx")
    changed(folder, origin={"weights": "dla_nanotrack_v3.safetensors"})
    with pytest.raises(InputError, match="weights export dla_nanotrack_v3 --out"):
        load_for(folder, "onnx")


def test_runtimes_that_cannot_be_used_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(
        InputError, match="no runtime 'tensorrt'; choose from torch, onnx, openvino, onnx-int8"
    ):
        OnlineTracker.from_weights("dla_nanotrack_v3", runtime="tensorrt")
    with pytest.raises(InputError, match="runtime onnx computes on the CPU, got device 'cuda:1'; choose"):
        check_runtime("onnx", "cuda:1")
    monkeypatch.setattr(network, "find_spec", lambda name: None)
    check_runtime("torch", "cuda")
    with pytest.raises(
        InputError,
        match=r"^runtime openvino needs openvino, not installed here: pip install 'dlatrack\[openvino\]'",
    ):
        OnlineTracker.from_weights("dla_nanotrack_v3", runtime="openvino")
    with pytest.raises(InputError, match=r"runtime onnx-int8 needs onnx, onnxruntime, .*'dlatrack\[onnx\]'"):
        load_for("dla_nanotrack_v3", "onnx-int8")
    with pytest.raises(InputError, match=r"runtime openvino needs openvino"):
        OpenVinoNet("a.onnx", "b.onnx")


def test_a_damaged_graph_is_named(tmp_path: Path) -> None:
    pytest.importorskip("openvino")
    (tmp_path / "a.onnx").write_bytes(b"no graph")
    with pytest.raises(InputError, match=r"OpenVINO cannot read .*a\.onnx"):
        OpenVinoNet(tmp_path / "a.onnx", tmp_path / "a.onnx")


def test_graphs_are_made_once_and_mended(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DLATRACK_CACHE", str(tmp_path / "cache"))
    exports = []

    def export(net: nn.Module, chosen, folder: Path, origin: dict[str, str]) -> None:
        exports.append(folder)
        export_onnx(peaks_net(), recipe("siamfc"), folder, origin)

    monkeypatch.setattr(graphs, "export_onnx", export)
    weights = find_weights("dla_nanotrack_v3")
    made = graphs.cached_graphs(weights)
    assert made.weights_sha256 == file_digest(weights)
    assert graphs.cached_graphs(weights) == made
    assert len(exports) == 1
    content = made.search.read_bytes()
    made.search.write_bytes(content[:-1])
    graphs.cached_graphs(weights)
    assert made.search.read_bytes() == content
    assert len(exports) == 2
    monkeypatch.setattr(graphs, "__version__", "9.9")
    graphs.cached_graphs(weights)
    assert len(set(exports)) == 2, "another version has graphs of its own"


def test_the_first_export_tells_of_itself_and_names_the_cache_that_it_cannot_write(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def export(net: nn.Module, chosen, folder: Path, origin: dict[str, str]) -> None:
        told = f"exporting siamcar_small to ONNX, once; this takes some seconds and is kept in {folder}\n"
        assert capsys.readouterr().err == told
        export_onnx(peaks_net(), recipe("siamfc"), folder, origin)

    monkeypatch.setattr(graphs, "export_onnx", export)
    monkeypatch.setenv("DLATRACK_CACHE", str(tmp_path / "cache"))
    weights = find_weights("siamcar_small")
    graphs.cached_graphs(weights)
    graphs.cached_graphs(weights)
    assert capsys.readouterr().err == ""
    (tmp_path / "file").touch()
    monkeypatch.setenv("DLATRACK_CACHE", str(tmp_path / "file" / "cache"))
    with pytest.raises(
        InputError, match=r"^cannot write .*; set the environment variable DLATRACK_CACHE to a "
    ):
        graphs.cached_graphs(weights)
    with pytest.raises(
        InputError, match=r"^cannot write .*; set the environment variable DLATRACK_CACHE to a "
    ):
        int8_search(read_exported(next((tmp_path / "cache").glob("graphs-*"))))


def test_an_exported_folder_has_the_calibration_of_its_weights(tmp_path: Path, folder: Path) -> None:
    weights = find_weights("dla_nanotrack_v3")
    assert weights_behind("dla_nanotrack_v3") == weights
    assert weights_behind(folder) is None, "of other weights"
    with pytest.raises(InputError, match="recover needs a calibration"):
        OnlineTracker.from_weights(folder, runtime="onnx", recover=True)
    changed(folder, origin={"weights_sha256": file_digest(weights)})
    assert weights_behind(folder) == weights
    tracker = OnlineTracker.from_weights(folder, runtime="onnx", recover=True)
    image = np.random.default_rng(0).integers(0, 255, (120, 160, 3)).astype(np.uint8)
    tracker.init(image, np.array([60.0, 40, 30, 30]))
    tracker.update(image)
    assert tracker.confidence is not None
    assert 0 <= tracker.confidence.probability <= 1


@pytest.mark.slow
def test_int8_graphs_are_made_once_and_hold_integers(caplog: pytest.LogCaptureFixture) -> None:
    import onnx

    exported = graphs.cached_graphs(find_weights("dla_nanotrack_v3"))
    file = int8_search(exported)
    before = file.stat().st_mtime_ns
    assert int8_search(exported) == file
    assert file.stat().st_mtime_ns == before
    assert not [entry for entry in caplog.records if entry.levelname == "WARNING"]
    graph = onnx.load(str(file)).graph
    integers = [
        entry for entry in graph.initializer if entry.data_type == onnx.TensorProto.INT8 and entry.dims
    ]
    assert len(integers) > 50
    assert file.stat().st_size < exported.search.stat().st_size
