"""What the fuzzer found, each as a small test: an error of one line that names file and field, or a sound answer."""

from __future__ import annotations

import gzip
import io
import json
import re
import struct
import zlib
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from fuzz_readers import READERS, TRUTH
from safetensors.torch import save
from scipy.io import savemat

from dlatrack import paths
from dlatrack.datasets.images import read_image
from dlatrack.errors import InputError
from dlatrack.evaluation.results.mat_layout import check_layout
from dlatrack.evaluation.results.matlab import read_mat
from dlatrack.evaluation.truth_json import read_json_truth
from dlatrack.models.siamese import build_model
from dlatrack.models.weights import load_weights
from dlatrack.recipes import NetConfig, recipe

DEEP = b"[" * 100_000


def refused(name: str, folder: Path, data: bytes, change: Any = None) -> str:
    """The message, of one line, with which a reader refuses an input; `change` makes it from the sound one."""
    folder.mkdir(exist_ok=True)
    sound = READERS[name].prepare(folder)
    if change is not None:
        value = json.loads(json.dumps(sound))
        data = json.dumps(change(value) or value).encode()
    with pytest.raises(InputError) as caught:
        READERS[name].read(folder, data)
    message = str(caught.value)
    assert "\n" not in message
    assert len(message) < 1500
    return message


@pytest.mark.parametrize(
    "name",
    [
        "truth",
        "crop511",
        "coco",
        "pack.json",
        "calibration",
        "exported",
        "tuned",
        "run record",
        "times",
        "figure record",
    ],
)
def test_lists_in_lists_without_end_are_refused(name: str, tmp_path: Path) -> None:
    assert "deep" in refused(name, tmp_path / "x", b'{"a": ' + DEEP)


@pytest.mark.parametrize(
    ("name", "entry"),
    [("weights", "dlatrack"), ("trunk", "dlatrack_trunk"), ("failed step", "dlatrack-failed-step")],
)
def test_metadata_without_end_is_refused(name: str, entry: str, tmp_path: Path) -> None:
    data = save({"a": torch.zeros(1)}, {entry: DEEP.decode()})
    assert "deep" in refused(name, tmp_path / "x", data)


def test_a_checkpoint_with_metadata_without_end_counts_as_none(tmp_path: Path) -> None:
    data = save({"a": torch.zeros(1)}, {"dlatrack-training": DEEP.decode()})
    assert READERS["checkpoint"].read(tmp_path, data)[0] == 0


@pytest.mark.parametrize("name", ["manifest", "study"])
@pytest.mark.parametrize("text", [b"a = " + DEEP, b"a = " + b"9" * 5000, b"a" + b".a" * 100_000 + b" = 1"])
def test_odd_toml_is_refused(name: str, text: bytes, tmp_path: Path) -> None:
    assert "TOML" in refused(name, tmp_path / "x", text)


@pytest.mark.parametrize("split", ["splits.train = 3", "splits.train = {marker='a', counts=3}"])
def test_a_split_that_is_no_table_is_named(split: str, tmp_path: Path) -> None:
    """AttributeError of `counts.keys()`."""
    sound = READERS["manifest"].prepare(tmp_path)
    text = re.sub(r"(?ms)^\[splits.*?(?=^\[(?!splits)|\Z)", "", sound)
    assert "split train" in refused("manifest", tmp_path / "x", f"{split}\n{text}".encode())


def test_a_line_of_crop511_ends_as_json_counts_it(tmp_path: Path) -> None:
    """IndexError: Python's lines end at more letters than JSON's."""
    assert "row 2" in refused("crop511", tmp_path / "x", b'{"a": {},\n "b": x}')
    assert "is not JSON" in refused("crop511", tmp_path / "y", '{"a\u2028": {}, "b"\n\n\n: x}'.encode())


@pytest.mark.parametrize(
    ("field", "value", "message"),
    [
        ("shards", 3, "shards"),
        ("shards", [{"file": "../a.tar", "bytes": 1, "sha256": ""}], r"shards\[0\].file"),
        (
            "shards",
            [{"file": 5, "bytes": 1, "sha256": ""}],
            r"shards\[0\].file: expected `str`, got `int` \(5\)",
        ),
        ("crops", "8", r'crops: expected `int`, got `str` \("8"\)'),
        ("crops", -1, r"crops: expected `int` >= 1"),
        ("index_sha256", None, "index_sha256"),
        ("odd", 1, 'unknown field "odd"; fields are name'),
    ],
)
def test_fields_of_a_pack_are_checked(field: str, value: Any, message: str, tmp_path: Path) -> None:
    assert re.search(
        message, refused("pack.json", tmp_path / "x", b"", lambda found: found.update({field: value}))
    )


COLUMNS = [
    ("tracks", lambda column: column[:0], "tracks is empty"),
    ("tracks", lambda column: column * 0, "tracks is from 0 to 0"),
    ("tracks", lambda column: np.r_[0, 7, 5, column[-1]], "tracks goes from 7 to 5 after 1; it must ascend"),
    ("tracks", lambda column: column.astype(np.float64), "tracks holds float64 in 1 dimensions"),
    ("tracks", lambda column: column[None], "in 2 dimensions"),
    ("videos", lambda column: column + 1, "videos is from 1"),
    ("target_wh", lambda column: column * np.float32("nan"), r"target_wh of crop 0 is \[nan, nan\]"),
    ("target_wh", lambda column: column[:1], "target_wh has the shape"),
]


@pytest.mark.parametrize(("name", "change", "message"), COLUMNS)
def test_columns_of_a_pack_are_checked(name: str, change: Any, message: str, tmp_path: Path) -> None:
    """IndexError, ValueError and OverflowError at ten places of the pair sampler."""
    from safetensors.numpy import save as save_columns

    columns = READERS["pack index"].prepare(tmp_path)
    data = save_columns(columns | {name: np.ascontiguousarray(change(columns[name]))})
    with pytest.raises(InputError, match=message):
        READERS["pack index"].read(tmp_path, data)


@pytest.mark.parametrize(
    ("name", "change", "message"),
    [
        ("offsets", lambda column: column * 0, "offsets must be 8 numbers from 512"),
        (
            "offsets",
            lambda column: column + 10**9,
            r"crop 0 has \d+ bytes from 1\d+ on, and its shard ends at",
        ),
        ("sizes", lambda column: -column, "sizes numbers from 1"),
        ("shards", lambda column: column[::-1], "shards is from 8 to 0"),
    ],
)
def test_places_in_shards_are_checked(name: str, change: Any, message: str, tmp_path: Path) -> None:
    from safetensors.numpy import save as save_columns

    columns = READERS["pack index"].prepare(tmp_path)
    data = save_columns(columns | {name: np.ascontiguousarray(change(columns[name]))})
    with pytest.raises(InputError, match=message):
        READERS["pack index"].read(tmp_path, data)


@pytest.mark.parametrize(
    ("name", "change", "message"),
    [
        ("offsets", lambda column: column[:-1], "target_wh has the shape"),
        ("offsets", lambda column: column.astype(np.float64), "offsets holds float64"),
        ("offsets", lambda column: np.r_[0, 10**9, column[-1]], "offsets goes from 1000000000 to"),
        ("tracks", lambda column: column[:1], "tracks is from 0 to 0"),
    ],
)
def test_columns_of_a_crop_store_are_checked(name: str, change: Any, message: str, tmp_path: Path) -> None:
    from safetensors.numpy import save as save_columns

    columns = READERS["store"].prepare(tmp_path)
    data = save_columns(columns | {name: np.ascontiguousarray(change(columns[name]))})
    with pytest.raises(InputError, match=message):
        READERS["store"].read(tmp_path, data)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        *(("channels", number) for number in (0, -1, 4097, 3_000_000_000, 10**30)),
        *(("tower_depth", number) for number in (-1, 100_000)),
        *(("template_size", 0), ("search_size", 10**9), ("score_size", 10**18), ("stride", 0)),
        *(("levels", levels) for levels in ([], [-1], [2] * 500)),
    ],
)
def test_sizes_of_a_recipe_are_checked_before_a_network_is_built(
    field: str, value: Any, tmp_path: Path
) -> None:
    """RuntimeError, TypeError, and hours for a tower of 100,000 layers."""
    content = READERS["weights' recipe"].prepare(tmp_path)
    content["recipe"]["net"][field] = value
    file = tmp_path / "a.safetensors"
    file.write_bytes(save({"a": torch.zeros(1)}, {"dlatrack": json.dumps(content)}))
    with pytest.raises(InputError, match=rf"recipe.net.{field} must be "):
        load_weights(file)


def test_a_network_larger_than_a_gibibyte_is_not_built() -> None:
    from dataclasses import replace

    large = replace(recipe("siamcar"), net=NetConfig(channels=4096, tower_depth=16))
    with pytest.raises(ValueError, match=r"makes a network of [\d,]+ bytes; at most 1,073,741,824 are built"):
        build_model(large)


@pytest.mark.parametrize("text", ["é\n", "a\nb"])
def test_a_value_with_a_line_end_stays_on_one_line(text: str, tmp_path: Path) -> None:
    refused(
        "weights",
        tmp_path / "x",
        save({"a": torch.zeros(1)}, {"dlatrack": json.dumps({"version": text, "recipe": 1, "card": {}})}),
    )
    refused(
        "trunk",
        tmp_path / "y",
        save({"a": torch.zeros(1)}, {"dlatrack_trunk": json.dumps({"input_format": text})}),
    )


@pytest.mark.parametrize(
    "change", [{"run": []}, {"epoch": "1"}, {"epoch": -1}, {"scale": 0}, {"run": {"recipe": 3}}]
)
def test_fields_of_a_failed_step_are_checked(change: dict[str, Any], tmp_path: Path) -> None:
    content = READERS["failed step"].prepare(tmp_path) | change
    data = save({"a": torch.zeros(1)}, {"dlatrack-failed-step": json.dumps(content)})
    assert "is not a kept training step" in refused("failed step", tmp_path / "x", data)


@pytest.mark.parametrize(
    "change", [{"frames": "3"}, {"frames": -1}, {"init_seconds": None}, {"starts": [1]}, {"odd": 1}]
)
def test_times_that_are_no_numbers_are_named(change: dict[str, Any], tmp_path: Path) -> None:
    """TypeError of a sum."""
    name = next(iter(change))
    assert name in refused("times", tmp_path / "x", b"", lambda found: found.update(change))


def test_a_sequence_list_that_is_a_folder_is_named(tmp_path: Path) -> None:
    sound = READERS["manifest"].prepare(tmp_path / "x")
    text = re.sub(r"(?m)^sequences = .*$", 'sequences = ""', sound)
    assert "cannot read" in refused("manifest", tmp_path / "y", text.encode())


@pytest.mark.parametrize("text", ["1_0", "\u0663"])
def test_a_history_has_plain_numbers(text: str, tmp_path: Path) -> None:
    sound = READERS["history"].prepare(tmp_path)
    assert "is not a number" in refused(
        "history", tmp_path / "x", sound.replace("\n0,", f"\n{text},").encode()
    )


@pytest.mark.parametrize("value", ["~nosuchuser/x", "~a\0b"])
def test_a_folder_that_is_no_path_is_named(value: str) -> None:
    with pytest.raises(InputError, match=r"^DLATRACK_RUNS is ") as caught:
        paths._absolute("DLATRACK_RUNS", value)
    assert "nosuchuser'" in str(caught.value) or "which is no path" in str(caught.value)


def mat(content: object) -> bytes:
    stream = io.BytesIO()
    cell = np.empty((1, 1), object)
    cell[0, 0] = {"res": content, "type": "rect"}
    savemat(stream, {"results": cell})
    return stream.getvalue()


def packed(data: bytes, level: int = 1) -> bytes:
    """A MATLAB file whose only variable is compressed."""
    body = zlib.compress(data[128:], level)
    return data[:128] + struct.pack("<II", 15, len(body)) + body


def test_a_damaged_matlab_file_does_not_end_the_process(tmp_path: Path) -> None:
    """SciPy reads beyond the end of what a damaged header declares."""
    data = mat(np.arange(8.0).reshape(2, 4))
    (tmp_path / "a.mat").write_bytes(packed(data))
    assert read_mat(tmp_path / "a.mat").shape == (2, 4)
    for place in range(128, len(data), 4):
        for value in (b"\xff\xff\xff\xff", b"\0\0\0\0", b"\xff\xff\xff\x7f", b"\x0f\0\0\0"):
            (tmp_path / "a.mat").write_bytes(data[:place] + value + data[place + 4 :])
            with suppress(InputError):
                read_mat(tmp_path / "a.mat")


def test_a_matlab_file_declares_no_more_than_is_read() -> None:
    with pytest.raises(ValueError, match=r"has the shape \(1048577, 4\); 4,194,304 numbers are read at most"):
        check_layout(packed(mat(np.zeros((2**20 + 1, 4), np.uint8))), "results")
    with pytest.raises(ValueError, match="a variable has more than 67,108,864 bytes"):
        check_layout(packed(mat(np.zeros((2**26, 1), np.uint8))), "results")


@pytest.mark.parametrize("size", [(30_000, 30_000), (2**31 - 1, 1), (11_586, 11_586)])
def test_an_image_of_too_many_pixels_is_not_decoded(size: tuple[int, int], tmp_path: Path) -> None:
    """Nothing is allocated for it: the header is enough."""

    def chunk(kind: bytes, content: bytes) -> bytes:
        return (
            struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))
        )

    header = chunk(b"IHDR", struct.pack(">IIBBBBB", *size, 8, 2, 0, 0, 0))
    pixels = chunk(b"IDAT", zlib.compress(bytes(1000)))
    (tmp_path / "a.png").write_bytes(b"\x89PNG\r\n\x1a\n" + header + pixels + chunk(b"IEND", b""))
    with pytest.raises(InputError, match=r"px; images of at most 134,217,728 px are decoded"):
        read_image(tmp_path / "a.png")


def test_truth_is_not_unpacked_without_end(tmp_path: Path) -> None:
    file = tmp_path / "a.json.gz"
    file.write_bytes(gzip.compress(b" " * (2**27 + 1), 1))
    with pytest.raises(InputError, match="larger than 134,217,728 bytes when unpacked"):
        read_json_truth(file)
    file.write_bytes(gzip.compress(b"[" + b"[],{}," * 2_000_001 + b"1]", 1))
    with pytest.raises(InputError, match="4,000,003 tables and lists; at most 4,000,000 are read"):
        read_json_truth(file)


def test_truth_in_other_encodings_of_json_is_read(tmp_path: Path) -> None:
    for encoding in ("utf-8", "utf-8-sig", "utf-16", "utf-32"):
        (tmp_path / "a.json").write_text(json.dumps(TRUTH), encoding=encoding)
        assert len(read_json_truth(tmp_path / "a.json")) == len(TRUTH)
