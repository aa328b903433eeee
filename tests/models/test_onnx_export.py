"""Graphs of trackers as ONNX: they answer as the network, say what they take, and are refused if they do not."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from peaks import peaks_net
from torch import Tensor, nn

from dlatrack import paths
from dlatrack.errors import InputError
from dlatrack.models.heads import BanHead
from dlatrack.models.onnx import export, network
from dlatrack.models.onnx.export import TOLERANCE, export_onnx
from dlatrack.models.onnx.network import OnnxNet, load_onnx
from dlatrack.models.siamese import SiameseNet, build_model
from dlatrack.models.weights import load_weights
from dlatrack.recipes import RECIPES, Recipe, recipe

onnx = pytest.importorskip("onnx")
pytest.importorskip("onnxruntime")


def colour(red: float, green: float, blue: float, size: int) -> Tensor:
    return torch.tensor([red, green, blue], dtype=torch.float32).view(1, 3, 1, 1).expand(1, 3, size, size)


@pytest.mark.parametrize(
    ("input_format", "features"),
    [
        ("rgb_255", [200, 100, 50]),
        ("bgr_255", [50, 100, 200]),
        (
            "rgb_imagenet",
            [(200 / 255 - 0.485) / 0.229, (100 / 255 - 0.456) / 0.224, (50 / 255 - 0.406) / 0.225],
        ),
    ],
)
def test_colours_are_converted_inside_the_graphs(tmp_path: Path, input_format, features: list[float]) -> None:
    net = peaks_net()
    chosen = recipe("siamfc")
    chosen = replace(chosen, net=replace(chosen.net, input_format=input_format))
    differences = export_onnx(net, chosen, tmp_path)
    assert set(differences) == {"features_0", "cls"}
    graphs, as_exported = load_onnx(tmp_path)
    found = graphs.template(colour(200, 100, 50, 127))
    assert found[0].flatten().tolist() == pytest.approx(features, rel=1e-5)
    # The head: 0.001 times the product of the peaks, summed over colours. Two regions, one after the other.
    cls = graphs.search(colour(200, 100, 50, 255).repeat(2, 1, 1, 1), found).cls
    assert cls.shape == (2, 1, 3, 3)
    assert cls.unique().tolist() == pytest.approx([sum(part * part for part in features) / 1000], rel=1e-4)
    assert as_exported.net.input_format == "rgb_255"


def light(chosen: Recipe) -> Recipe:
    """The recipe without the stages and widths that only take time."""
    net = chosen.net
    levels = {"resnet50": (2, 3), "efficientnet_b0": (3, 5)}.get(net.backbone, net.levels)
    channels = net.channels if net.neck == "none" else 32
    return replace(chosen, net=replace(net, levels=levels, channels=channels, tower_depth=2, first_side=8.0))


def settled(chosen: Recipe) -> SiameseNet:
    """Random weights that keep values in range through any depth, and before exp()."""
    net, generator = build_model(chosen), torch.Generator().manual_seed(1)
    for layer in net.modules():
        if isinstance(layer, nn.BatchNorm2d):
            layer.running_mean.normal_(0, 0.1, generator=generator)
            nn.init.uniform_(layer.weight, 0.4, 0.8, generator=generator)
        if isinstance(layer, BanHead):
            nn.init.constant_(layer.loc_scale, 1e-5)
    return net


@pytest.mark.slow
@pytest.mark.parametrize(
    "name", [name for name in RECIPES if not name.startswith("dla_") and not name.endswith("small")]
)
def test_every_kind_of_tracker_answers_as_in_torch(tmp_path: Path, name: str) -> None:
    chosen = light(RECIPES[name])
    differences = export_onnx(settled(chosen), chosen, tmp_path)
    assert all(0 < d.scale < 1e6 and d.largest <= TOLERANCE * d.scale for d in differences.values())
    described = json.loads((tmp_path / "tracker.json").read_text())
    size = chosen.net.online_search_size
    search = described["graphs"]["search.onnx"]
    assert search["inputs"][0] == {
        "name": "search",
        "shape": [1, 3, size, size],
        "dtype": "float32",
        "what": "search crop, RGB, 0..255",
    }
    model = onnx.load(str(tmp_path / "search.onnx"))
    onnx.checker.check_model(model)
    for values, entries in ((model.graph.input, search["inputs"]), (model.graph.output, search["outputs"])):
        shapes = {v.name: [d.dim_value for d in v.type.tensor_type.shape.dim] for v in values}
        assert shapes == {entry["name"]: entry["shape"] for entry in entries}
    assert [entry["name"] for entry in search["outputs"]] == list(differences)[len(search["inputs"]) - 1 :]


@pytest.mark.slow
def test_a_shipped_tracker_says_what_it_is(tmp_path: Path) -> None:
    net, chosen = load_weights("dla_siamcar_small")
    origin = {"weights": "dla_siamcar_small.safetensors", "weights_sha256": "0123"}
    differences = export_onnx(net, chosen, tmp_path / "a", origin)
    assert list(differences) == ["features_0", "features_1", "features_2", "cls", "reg", "centerness"]
    described = json.loads((tmp_path / "a" / "tracker.json").read_text())
    assert described["check"]["cls"] == differences["cls"]._asdict()
    assert described["origin"] == origin
    assert load_onnx(tmp_path / "a")[1] == replace(chosen, net=replace(chosen.net, input_format="rgb_255"))
    for file in ("template.onnx", "search.onnx"):
        content = (tmp_path / "a" / file).read_bytes()
        for place in (paths.root(), Path(torch.__file__).parent):
            assert str(place).encode() not in content
        stamp = json.loads(next(entry.value for entry in onnx.load_from_string(content).metadata_props))
        assert stamp["recipe"]["name"] == "dla_siamcar_small"
        assert stamp["origin"]["weights_sha256"] == "0123"
    page = (tmp_path / "a" / "README.md").read_text()
    for term in (
        "| `search.onnx` | output | `reg` | 1 x 4 x 25 x 25 |",
        "x = 8 (i - 12)",
        "ImageNet",
        "0123",
    ):
        assert term in page
    export_onnx(net, chosen, tmp_path / "b", origin)
    files = {"template.onnx", "search.onnx", "tracker.json", "README.md", "track_onnx.py", "decode.py"}
    assert {path.name for path in (tmp_path / "a").iterdir()} == files
    for file in files:
        assert (tmp_path / "a" / file).read_bytes() == (tmp_path / "b" / file).read_bytes(), file


def peaks() -> tuple[SiameseNet, Recipe]:
    return peaks_net(), recipe("siamfc")


def test_graphs_that_differ_are_not_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Wrong(OnnxNet):
        def template(self, z: Tensor) -> list[Tensor]:
            return [1.001 * part for part in super().template(z)]

    monkeypatch.setattr(export, "OnnxNet", Wrong)
    with pytest.raises(
        InputError, match=r"features_0 differs by 0\.255 where values reach 255; 0\.0001 of that"
    ):
        export_onnx(*peaks(), tmp_path)
    assert not list(tmp_path.iterdir())


def test_a_network_of_broken_weights_is_not_exported(tmp_path: Path) -> None:
    net, chosen = peaks()
    net.backbone.register_forward_hook(lambda module, images, maps: [part / 0 for part in maps])
    with pytest.raises(InputError, match="siamfc computes values that are not finite"):
        export_onnx(net, chosen, tmp_path)
    assert not list(tmp_path.iterdir())


def test_without_its_packages_the_extra_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(network, "find_spec", lambda name: None)
    with pytest.raises(
        InputError, match=r"^ONNX needs onnx, onnxscript, onnxruntime, not installed here: pip install"
    ):
        export_onnx(*peaks(), tmp_path)
    with pytest.raises(InputError, match=r"ONNX needs onnxruntime, .* 'dlatrack\[onnx\]'"):
        OnnxNet(tmp_path / "template.onnx", tmp_path / "search.onnx")


def test_damaged_folders_are_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"cannot read .*tracker\.json: No such file"):
        load_onnx(tmp_path)
    export_onnx(*peaks(), tmp_path)
    graph = (tmp_path / "search.onnx").read_bytes()
    (tmp_path / "search.onnx").write_bytes(graph[:-1])
    with pytest.raises(
        InputError, match=r"search\.onnx is not the graph that tracker\.json was written with"
    ):
        load_onnx(tmp_path)
    with pytest.raises(InputError, match=r"onnxruntime cannot read .*search\.onnx"):
        OnnxNet(tmp_path / "template.onnx", tmp_path / "search.onnx")
    (tmp_path / "search.onnx").unlink()
    with pytest.raises(InputError, match=r"cannot read .*search\.onnx"):
        load_onnx(tmp_path)
    (tmp_path / "tracker.json").write_text("[1]")
    with pytest.raises(InputError, match=r"tracker\.json is not the description of an exported tracker"):
        load_onnx(tmp_path)
