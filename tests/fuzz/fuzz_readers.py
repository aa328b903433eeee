"""Every reader of files and of users' texts, each with a sound input and the damage that suits its format."""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import random
import shutil
import tarfile
import zipfile
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import torch
from fuzz_damage import damaged_bytes, damaged_json, damaged_text, damaged_value, json_text
from safetensors.numpy import load_file, save
from safetensors.torch import save as save_torch
from scipy.io import savemat

from dlatrack import paths
from dlatrack.bench.pairs import synthetic_table
from dlatrack.datasets.coco import read as read_coco
from dlatrack.datasets.crop511 import read_crop511
from dlatrack.datasets.images import read_image
from dlatrack.datasets.manifest_file import load_content
from dlatrack.datasets.manifests import manifests_dir
from dlatrack.datasets.mini import write_mini
from dlatrack.datasets.video.reader import VideoFrames
from dlatrack.evaluation.got10k import evaluate_got10k
from dlatrack.evaluation.result_sets.sets import read_result_set
from dlatrack.evaluation.results.archives import opened
from dlatrack.evaluation.results.matlab import read_mat
from dlatrack.evaluation.results.text import read_result_boxes
from dlatrack.evaluation.results.trackers import find_trackers
from dlatrack.evaluation.truth_json import read_json_truth
from dlatrack.evaluation.truth_source import read_truth
from dlatrack.evaluation.vot.results import read_vot_run
from dlatrack.files import file_digest
from dlatrack.ledger.records import read_records
from dlatrack.models.backbones.starting import is_trunk
from dlatrack.models.checkpoint_files import read_safetensors
from dlatrack.models.onnx.network import read_exported
from dlatrack.models.state_files import read_state
from dlatrack.models.weights import find_weights, load_weights, read_weights_info
from dlatrack.notebooks.parameters import read_value
from dlatrack.recipes import OnlineConfig, recipe
from dlatrack.recipes.serialize import recipe_from_dict
from dlatrack.sampling.content_list import changed_parts
from dlatrack.sampling.pack.read import read_pack
from dlatrack.sampling.pack.write import pack
from dlatrack.sampling.pairs import PairSource
from dlatrack.sampling.store import CropStore
from dlatrack.studies.declared.cell import read_result
from dlatrack.studies.declared.declaration import OURS, read_declaration
from dlatrack.tracking.confidence.calibration import read_calibration
from dlatrack.tracking.run_record import write_or_check
from dlatrack.tracking.timing import write_summary
from dlatrack.training.checkpoints import epochs_done, scheduled_epochs
from dlatrack.training.history import StepRow, read_history, write_history
from dlatrack.training.replay import replay
from dlatrack.tuning.record import read_tuned

Damage = Callable[[Any, random.Random], bytes]


@dataclass(frozen=True)
class Reader:
    """A reader with its input.

    `put` writes an input below a folder that `prepare` has filled once; `read` reads it. What `read` returns does not
    matter; it may raise InputError.
    """

    prepare: Callable[[Path], Any]
    damage: Damage
    read: Callable[[Path, bytes], object]


def _file(name: str, read: Callable[[Path], object]) -> Callable[[Path, bytes], object]:
    def put_and_read(folder: Path, data: bytes) -> object:
        (folder / name).write_bytes(data)
        return read(folder / name)

    return put_and_read


def _constant(value: Any) -> Callable[[Path], Any]:
    return lambda folder: value


TRUTH = {
    "Car1": {
        "gt_rect": [[1, 2, 30, 40], [2.5, 2, 30, 40], [3, 2, 30, 40]],
        "absent": [1, 1, 0],
        "attr": ["OCC", "SV"],
        "width": 640,
        "height": 480,
        "occlusion": [0, 1],
    },
    "Dog": [[1, 2, 30, 40], None, [3, 2, 30, 40]],
    "Pole": {"gt": [[0, 0, 9, 0, 9, 9, 0, 9]] * 4, "absent_runs": [[1, 1], [2, 3]]},
}


def _crop511(folder: Path) -> Any:
    boxes = {
        "car": {"00": {"000007": [10, 20, 110, 60], "000002": [30, 30], "note": "x"}},
        "bus": {"00": {"000000": [3, 1]}},
    }
    image = cv2.imencode(".jpg", np.zeros((511, 511, 3), np.uint8))[1].tobytes()
    for video, tracks in boxes.items():
        (folder / "crop511" / video).mkdir(parents=True)
        for track, frames in tracks.items():
            for frame in filter(str.isdigit, frames):
                (folder / "crop511" / video / f"{frame}.{track}.x.jpg").write_bytes(image)
    return boxes


def _coco(folder: Path) -> Any:
    write_mini("coco", folder / "coco")
    return json.loads(_coco_file(folder).read_text())


def _coco_file(folder: Path) -> Path:
    return next((folder / "coco").rglob("instances_train2017.json"))


def _read_coco(folder: Path, data: bytes) -> object:
    _coco_file(folder).write_bytes(data)
    return read_coco(folder / "coco", "train")


def _pack(folder: Path) -> Path:
    table = synthetic_table(folder / "images", 2, 4)
    pack(table, folder / "pack", name="two", shard_crops=4, workers=1)
    return folder / "pack"


def _pack_json(folder: Path) -> Any:
    return json.loads((_pack(folder) / "pack.json").read_text())


def _use_pack(folder: Path) -> object:
    found = read_pack(folder / "pack")
    chosen = recipe("siamrpnpp_small")
    return PairSource(found, chosen.sampling, chosen.net).batch(0, 0, 6)


def _index(folder: Path) -> Any:
    return load_file(_pack(folder) / "index.safetensors")


def _damaged_columns(columns: dict[str, np.ndarray], rng: random.Random) -> bytes:
    found = {name: column.copy() for name, column in columns.items()}
    name = rng.choice(list(found))
    column = found[name]
    match rng.randrange(7):
        case 0:
            del found[name]
        case 1:
            found[name] = column[: rng.randrange(len(column) + 1)]
        case 2:
            found[name] = column.astype(rng.choice((np.float64, np.int8, np.uint64, np.float16, np.int32)))
        case 3:
            found[name] = column[None]
        case 4:
            found[name] = np.concatenate([column, column])
        case 5:
            found["odd"] = column
        case _:
            values = (-1, 0, 1, 2**31 - 1, 10**9, -(2**31), float("nan") if column.dtype.kind == "f" else 3)
            with np.errstate(invalid="ignore"):
                value = np.array(rng.choice(values)).astype(column.dtype)
            column.reshape(-1)[rng.randrange(column.size)] = value
    data = save(found)
    return damaged_bytes(data, rng) if rng.random() < 0.2 else data


def _read_index(folder: Path, data: bytes) -> object:
    (folder / "pack/index.safetensors").write_bytes(data)
    file = folder / "pack/pack.json"
    described = json.loads(file.read_text()) | {"index_sha256": hashlib.sha256(data).hexdigest()}
    file.write_text(json.dumps(described))
    return _use_pack(folder)


def _read_pack_json(folder: Path, data: bytes) -> object:
    (folder / "pack/pack.json").write_bytes(data)
    return _use_pack(folder)


def _card(folder: Path) -> Any:
    chosen = recipe("siamrpnpp_small")
    return {"version": 1, "name": chosen.name, "recipe": chosen.as_dict(), "card": {"seed": 1, "data": ["a"]}}


def _with_entry(entry: str, value: Any, tensors: dict[str, torch.Tensor], rng: random.Random) -> bytes:
    data = damaged_json(value, rng)
    return save_torch(tensors, {entry: data.decode("utf-8", "replace")})


def _one_tensor(entry: str) -> Damage:
    return lambda value, rng: _with_entry(entry, value, {"a": torch.zeros(1)}, rng)


def _small_recipe(value: Any, rng: random.Random) -> bytes:
    """A weight file in whose recipe a number, name or list is another one of its own kind."""
    whole = json.loads(json.dumps(value))
    net = whole["recipe"]["net"]
    numbers = (0, -1, 1, 7, 5000, 100_000, 3_000_000_000, 10**18, 10**30, 0.5)
    texts = (
        "resnet50",
        "alexnet",
        "none",
        "car",
        "rpn",
        "fc",
        "fcpp",
        "ban",
        "nano",
        "depthwise",
        "mobilenet_v3",
        "x",
    )
    for _ in range(rng.choice((1, 1, 2))):
        key = rng.choice(list(net))
        old = net[key]
        if isinstance(old, list):
            net[key] = [rng.choice((0, 1, 3, 5, 7, 99, -1)) for _ in range(rng.choice((0, 1, 2, 5, 500)))]
        else:
            net[key] = rng.choice(texts if isinstance(old, str) else numbers)
    return save_torch({"a": torch.zeros(1)}, {"dlatrack": json.dumps(whole)})


def _checkpoint(folder: Path) -> Any:
    run = {"recipe": recipe("siamrpnpp_small").as_dict(), "precision": "float32", "crops": "a" * 64}
    return {"epoch": 1, "step": 5, "run": run}


def _read_checkpoint(path: Path) -> object:
    return epochs_done(path), scheduled_epochs(path, "siamrpnpp_small", 12)


def _failed_step(folder: Path) -> Any:
    return _checkpoint(folder) | {"backbone_trains": True, "message": "x", "scale": 1.0}


def _tuned(folder: Path) -> Any:
    setting = asdict(OnlineConfig(0.1, 0.2, 0.3))
    row = {"trial": 0, **setting, "auc": 0.5, "estimated_auc": None, "stopped": False, "seconds": 1.0}
    row["sequence_auc"] = {"a": 0.5}
    return {
        **{"dlatrack_tuning": 2, "recipe": "siamcar", "weights_sha256": "a", "tuned_on_test_set": None},
        "search": {"trials": 1},
        "data": {"name": "folder", "truth_sha256": "b", "sequences": {}},
        **{"trials_done": 1, "best": row, "start": row, "trials": [row]},
    }


def _history(folder: Path) -> str:
    write_history(folder / "history.csv", [StepRow(*range(len(StepRow._fields)))] * 3)
    return (folder / "history.csv").read_text()


def _calibration(folder: Path) -> Any:
    return json.loads(find_weights("nanotrack_v3").with_suffix(".confidence.json").read_text())


def _archive(kind: str) -> Callable[[Path], bytes]:
    def build(folder: Path) -> bytes:
        stream, text = io.BytesIO(), b"1,2,3,4\n" * 30
        if kind == "zip":
            with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
                for name in ("A", "B"):
                    archive.writestr(f"tracker/{name}.txt", text)
        else:
            with tarfile.open(fileobj=stream, mode=kind) as tar:
                for name in ("A", "B"):
                    entry = tarfile.TarInfo(f"tracker/{name}.txt")
                    entry.size = len(text)
                    tar.addfile(entry, io.BytesIO(text))
        return stream.getvalue()

    return build


def _open(path: Path) -> object:
    with opened(path) as folder:
        return sorted(folder.rglob("*"))


def _mat(folder: Path) -> bytes:
    stream = io.BytesIO()
    cell = np.empty((1, 1), object)
    cell[0, 0] = {"res": np.arange(40.0).reshape(10, 4), "type": "rect"}
    savemat(stream, {"results": cell}, do_compression=False)
    return stream.getvalue()


def _image(suffix: str) -> Callable[[Path], bytes]:
    noise = np.random.default_rng(0).integers(0, 255, (24, 30, 3), np.uint8)
    return lambda folder: cv2.imencode(suffix, noise)[1].tobytes()


def _damaged_image(data: bytes, rng: random.Random) -> bytes:
    """A damaged image, now and then one whose header declares another size."""
    if rng.random() < 0.3 and data[:1] == b"\x89":
        import zlib

        sizes = (0, 1, 24, 30_000, 65_536, 2**31 - 1)
        head = rng.choice(sizes).to_bytes(4, "big") + rng.choice(sizes).to_bytes(4, "big") + data[24:29]
        return data[:16] + head + zlib.crc32(b"IHDR" + head).to_bytes(4, "big") + data[33:]
    return damaged_bytes(data, rng)


def _video(folder: Path) -> bytes:
    file = folder / "made.avi"
    writer = cv2.VideoWriter(str(file), cv2.VideoWriter_fourcc(*"MJPG"), 10, (32, 24))
    for level in range(5):
        writer.write(np.full((24, 32, 3), 40 * level, np.uint8))
    writer.release()
    return file.read_bytes()


def _read_video(path: Path) -> object:
    frames = VideoFrames(path)
    return frames[len(frames) - 1]


def _toml(value: str, rng: random.Random) -> bytes:
    if rng.random() < 0.5:
        return damaged_bytes(value.encode(), rng)
    rows = value.splitlines()
    chosen = [number for number, row in enumerate(rows) if " = " in row]
    number = rng.choice(chosen)
    key = rows[number].partition(" = ")[0]
    odd = (
        "1",
        "-1",
        '""',
        "1e999",
        "nan",
        "[]",
        "[[1]]",
        "{}",
        "9" * 5000,
        "true",
        "1979-05-27",
        "{a=" * 200 + "1" + "}" * 200,
    )
    rows[number] = f"{key} = {rng.choice((*odd, '[' * 100_000))}"
    return "\n".join(rows).encode()


PARAMETERS = {
    "int": "12",
    "float": "1.5",
    "bool": "true",
    "str": "a",
    "list": "[5, 7]",
    "list[int]": "5,7",
    "list[float]": "[0.5, 1]",
    "dict": '{"a": [1]}',
}


def _parameter(value: Any, rng: random.Random) -> bytes:
    declared = rng.choice(list(PARAMETERS))
    odd = (
        "1_0",
        "٣",
        "[1_0]",
        "9" * 6000,
        "[" * 100_000,
        "(" * 100_000,
        "{" * 5000,
        "1e999",
        "nan",
        "-" * 100_000 + "1",
        "\0",
    )
    text = rng.choice((*odd, json_text(damaged_value({"a": [1, 2.5, "x"]}, rng))))
    if rng.random() < 0.4:
        text = damaged_bytes(PARAMETERS[declared].encode(), rng).decode("utf-8", "replace")
    return json.dumps([declared, text]).encode()


def _read_parameter(folder: Path, data: bytes) -> object:
    declared, text = json.loads(data)
    return read_value(text, declared, "k")


def _exported(folder: Path) -> Any:
    from dlatrack import __version__
    from dlatrack.models.onnx.description import GRAPHS_FORMAT

    for name in ("template.onnx", "search.onnx"):
        (folder / name).write_bytes(b"x")
    digest = file_digest(folder / "template.onnx")
    return {
        **{"format": GRAPHS_FORMAT, "versions": {"dlatrack": __version__}, "origin": {"weights": "a"}},
        "sha256": {"template.onnx": digest, "search.onnx": digest},
        "recipe": recipe("siamcar_small").as_dict(),
    }


def _tracker_record(folder: Path) -> Any:
    (folder / "t").mkdir()
    (folder / "t/Car1.txt").write_text("1,2,3,4\n")
    return {"benchmark": "OTB100", "tracker": "t", "protocol": "ope", "perturbation": {"runs": 2}}


def _figure_record(folder: Path) -> Any:
    return {
        "made_by": "a",
        "parameters": {"preset": "demo"},
        "imagery": "real",
        "data": "a.csv",
        "data_sha256": "b",
    }


def _store(folder: Path) -> Any:
    file = folder / "store.safetensors"
    jpeg = cv2.imencode(".jpg", np.zeros((511, 511, 3), np.uint8))[1]
    data = np.concatenate([jpeg, jpeg])
    offsets = np.array([0, len(jpeg), 2 * len(jpeg)])
    CropStore(data, offsets, np.full((2, 2), 60, np.float32), np.array([0, 2])).save(file)
    return load_file(file)


def _read_store(path: Path) -> object:
    chosen = recipe("siamcar_small")
    return PairSource(CropStore.load(path), chosen.sampling, chosen.net).batch(0, 0, 3)


def _again(path: Path) -> object:
    return write_or_check(path.parent, {"benchmark": "a", "settings": {"rate": 0.5}})


def _state(value: Any, rng: random.Random) -> bytes:
    stream = io.BytesIO()
    torch.save({"state_dict": {"a.weight": torch.zeros(2, 2)}, "epoch": 3}, stream)
    return damaged_bytes(stream.getvalue(), rng)


def _recipe(path: Path) -> object:
    try:
        content = json.loads(path.read_bytes())
    except (ValueError, RecursionError):
        return None
    return recipe_from_dict(content.get("recipe") if isinstance(content, dict) else content, str(path))


GOT10K = {
    "groundtruth.txt": "1.0000,2.0000,30.0000,40.0000\n2,2,30,40\n3,2,30,40\n",
    "cover.label": "8\n3\n0\n",
    "meta_info.ini": "[META]\nanno_fps: 10Hz\nresolution: (640, 480)\n",
    "list.txt": "a\n",
}


def _got10k(changed: str) -> Reader:
    """One of the files of a sequence in GOT-10k's layout, the others being sound; what is read is scored."""

    def prepare(folder: Path) -> str:
        (folder / "a").mkdir()
        for name, text in GOT10K.items():
            (folder / name if name == "list.txt" else folder / "a" / name).write_text(text)
        return GOT10K[changed]

    def read(folder: Path, data: bytes) -> object:
        (folder / changed if changed == "list.txt" else folder / "a" / changed).write_bytes(data)
        truth = read_truth("GOT10K", folder)
        return evaluate_got10k(truth.boxes, truth)

    return Reader(prepare, damaged_text, read)


def _own_texts(folder: Path) -> str:
    (folder / "a").mkdir()
    return "1,2,3,4\nNaN,NaN,NaN,NaN\n9,10,11,12\n"


READERS: dict[str, Reader] = {
    **{f"got10k {name}": _got10k(name) for name in GOT10K},
    "truth.txt": Reader(
        _own_texts,
        damaged_text,
        lambda folder, data: _file("a/groundtruth.txt", lambda path: read_truth("folder", folder))(
            folder, data
        ),
    ),
    "truth": Reader(_constant(TRUTH), damaged_json, _file("truth.json", read_json_truth)),
    "truth.gz": Reader(
        _constant(TRUTH),
        lambda value, rng: damaged_bytes(gzip.compress(json.dumps(value).encode(), 1, mtime=0), rng),
        _file("truth.json.gz", read_json_truth),
    ),
    "results": Reader(
        _constant("1,2,3,4\n5.5,6,7,8\n9,10,11,12\n"), damaged_text, _file("a.txt", read_result_boxes)
    ),
    "vot": Reader(
        _constant("1\n1,2,3,4\n2\n0\n1,2,3,4,5,6,7,8\n"), damaged_text, _file("a_001.txt", read_vot_run)
    ),
    "mat": Reader(_mat, damaged_bytes, _file("a.mat", read_mat)),
    "zip": Reader(_archive("zip"), damaged_bytes, _file("a.zip", _open)),
    "tar": Reader(_archive("w"), damaged_bytes, _file("a.tar", _open)),
    "tar.gz": Reader(_archive("w:gz"), damaged_bytes, _file("a.tar.gz", _open)),
    "tar.xz": Reader(_archive("w:xz"), damaged_bytes, _file("a.tar.xz", _open)),
    "tracker record": Reader(
        _tracker_record,
        damaged_json,
        lambda folder, data: _file("t/run.json", lambda path: find_trackers(folder, ["Car1"]))(folder, data),
    ),
    "manifest": Reader(
        lambda folder: (
            shutil.copytree(manifests_dir(), folder, dirs_exist_ok=True) / "lasot_test.toml"
        ).read_text(),
        _toml,
        _file("odd.toml", load_content),
    ),
    "result set": Reader(
        lambda folder: (
            shutil.copytree(manifests_dir(), folder, dirs_exist_ok=True) / "results_vot2019_nanotrack.toml"
        ).read_text(),
        _toml,
        _file("results_odd.toml", read_result_set),
    ),
    "result list": Reader(
        lambda folder: (
            shutil.copytree(manifests_dir(), folder, dirs_exist_ok=True) / "results_vot2018_siamtrackers.txt"
        ).read_text(),
        damaged_text,
        _file("results_vot2018_siamtrackers.txt", lambda path: read_result_set(path.with_suffix(".toml"))),
    ),
    "study": Reader(lambda folder: OURS.read_text(), _toml, _file("study.toml", read_declaration)),
    "cell": Reader(
        _constant({"decided_by": {"a": 1}, "scores": {"b": [0.5]}}),
        damaged_json,
        _file("result.json", lambda path: read_result(path.parent)),
    ),
    "crop511": Reader(_crop511, damaged_json, _file("train.json", read_crop511)),
    "coco": Reader(_coco, damaged_json, _read_coco),
    "pack.json": Reader(_pack_json, damaged_json, _read_pack_json),
    "pack index": Reader(_index, _damaged_columns, _read_index),
    "store": Reader(_store, _damaged_columns, _file("store.safetensors", _read_store)),
    "content": Reader(
        _constant({"images": "a", "annotations": "b"}),
        damaged_json,
        _file("content.json", lambda path: changed_parts(path.parent, {"images": "a"})),
    ),
    "weights": Reader(_card, _one_tensor("dlatrack"), _file("a.safetensors", read_weights_info)),
    "weights' recipe": Reader(_card, _small_recipe, _file("b.safetensors", load_weights)),
    "recipe": Reader(_card, damaged_json, _file("r.json", _recipe)),
    "safetensors": Reader(
        _constant(save_torch({"a": torch.zeros(3, 2)}, {"x": "y"})),
        damaged_bytes,
        _file("c.safetensors", read_safetensors),
    ),
    "torch": Reader(_constant(b""), _state, _file("a.pth", read_state)),
    "trunk": Reader(
        _constant({"card": {"a": 1}, "input_format": "bgr_255"}),
        _one_tensor("dlatrack_trunk"),
        _file("t.safetensors", lambda path: is_trunk(path, "bgr_255")),
    ),
    "calibration": Reader(
        _calibration,
        damaged_json,
        _file("a.json", lambda path: read_calibration(path, find_weights("nanotrack_v3"))),
    ),
    "exported": Reader(
        _exported, damaged_json, _file("tracker.json", lambda path: read_exported(path.parent))
    ),
    "checkpoint": Reader(
        _checkpoint, _one_tensor("dlatrack-training"), _file("k.safetensors", _read_checkpoint)
    ),
    "failed step": Reader(_failed_step, _one_tensor("dlatrack-failed-step"), _file("s.safetensors", replay)),
    "history": Reader(_history, damaged_text, _file("h.csv", lambda path: read_history(path, 3))),
    "tuned": Reader(_tuned, damaged_json, _file("tuned.json", lambda path: read_tuned(path, "siamcar"))),
    "run record": Reader(
        _constant({"benchmark": "a", "settings": {"rate": 0.5}}), damaged_json, _file("run.json", _again)
    ),
    "times": Reader(
        _constant(
            {"frames": 3, "starts": 1, "read_seconds": 0.5, "init_seconds": 0.1, "update_seconds": 0.2}
        ),
        damaged_json,
        _file("a_stages.json", lambda path: write_summary(path.with_name("sum.json"), ["a"])),
    ),
    "figure record": Reader(
        _figure_record, damaged_json, _file("fig.json", lambda path: read_records(path.parent))
    ),
    "parameter": Reader(_constant(None), _parameter, _read_parameter),
    "png": Reader(_image(".png"), _damaged_image, _file("a.png", read_image)),
    "jpeg": Reader(_image(".jpg"), _damaged_image, _file("a.jpg", read_image)),
    "video": Reader(_video, damaged_bytes, _file("a.avi", _read_video)),
    "runs folder": Reader(
        _constant("~nosuchuser/x"),
        lambda value, rng: damaged_bytes(value.encode(), rng),
        lambda folder, data: paths._absolute("DLATRACK_RUNS", data.decode("utf-8", "surrogateescape")),
    ),
}
