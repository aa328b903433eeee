"""Checkpoints from anywhere: what is opened, which names are shortened, and what is refused in one line."""

from __future__ import annotations

import os
import re
import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import save_file
from torch import Tensor, nn

from dlatrack.cli.weights import weights_import
from dlatrack.errors import InputError
from dlatrack.models.official import load_official
from dlatrack.models.siamese import build_model
from dlatrack.models.state_files import load_strict, plain_state, read_state
from dlatrack.recipes import recipe

#: Damaged or unusual checkpoints of each form that are tried; DLATRACK_FUZZ=100 tries a hundred times as many.
COUNT = 60 * int(os.environ.get("DLATRACK_FUZZ", "1"))

WEIGHTS = {"conv.weight": torch.arange(6.0).reshape(2, 3) + 0.5, "norm.bias": torch.tensor([1.5, -2.0])}


def network() -> nn.Module:
    """Two weights and a counter: `conv.weight` (2, 3), `norm.bias` (2,), `norm.num_batches_tracked`."""
    net = nn.Module()
    net.conv, net.norm = nn.Module(), nn.Module()
    net.conv.weight = nn.Parameter(torch.zeros(2, 3))
    net.norm.bias = nn.Parameter(torch.zeros(2))
    net.norm.register_buffer("num_batches_tracked", torch.tensor(0))
    return net


def loaded(state: dict[str, Tensor]) -> dict[str, Tensor]:
    net = network()
    load_strict(net, state, "it")
    return {name: value for name, value in net.state_dict().items() if name in WEIGHTS}


def same(found: dict[str, Tensor]) -> bool:
    return found.keys() == WEIGHTS.keys() and all(torch.equal(found[name], WEIGHTS[name]) for name in WEIGHTS)


def named(prefix: str) -> dict[str, Tensor]:
    return {prefix + name: value for name, value in WEIGHTS.items()}


@pytest.mark.parametrize("ending", [".pth", ".safetensors", ".SAFETENSORS"])
@pytest.mark.parametrize(
    "prefix", ["", "module.", "_orig_mod.", "module._orig_mod.", "_orig_mod.module.", "module.module."]
)
def test_what_wrappers_add_to_names_is_taken_off(tmp_path: Path, prefix: str, ending: str) -> None:
    file = tmp_path / f"w{ending}"
    if ending == ".pth":
        torch.save({"state_dict": named(prefix)}, file)
    else:
        save_file(named(prefix), file)
    assert same(loaded(read_state(file)[0]))


def test_compiled_parts_of_a_network_are_found() -> None:
    state = {name.replace(".", "._orig_mod."): value for name, value in WEIGHTS.items()}
    assert same(plain_state(state, "it"))


@pytest.mark.parametrize("container", ["state_dict", "model_state_dict", "net", "model"])
def test_containers_are_opened_one_in_the_other_too(container: str) -> None:
    assert same(plain_state({"epoch": 3, container: named("module.")}, "it"))
    assert same(plain_state({"config": {"x": {}}, container: {"state_dict": WEIGHTS}}, "it"))


def test_a_container_without_tensors_is_none() -> None:
    settings = {"model": {"name": "siamcar", "head": {"width": 3}}}
    assert same(plain_state(settings | {"state_dict": WEIGHTS}, "it"))


@pytest.mark.parametrize(("first", "second"), [("state_dict", "model"), ("net", "model_state_dict")])
def test_two_networks_are_refused(first: str, second: str) -> None:
    with pytest.raises(InputError, match=rf"^it holds several networks: .*{second}"):
        plain_state({first: WEIGHTS, second: named("module.")}, "it")


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("norm.bias", "module.norm.bias"),
        ("_orig_mod.norm.bias", "module.norm.bias"),
        ("norm._orig_mod.bias", "norm.bias"),
    ],
)
def test_two_names_of_one_weight_are_refused_naming_both(tmp_path: Path, one: str, other: str) -> None:
    state = {"conv.weight": WEIGHTS["conv.weight"], one: torch.zeros(2), other: torch.ones(2)}
    both = ", ".join(map(re.escape, sorted((one, other))))
    message = rf"has {both}, which are the same weight norm\.bias"
    with pytest.raises(InputError, match=message):
        plain_state(state, "it")
    save_file(state, tmp_path / "both.safetensors")
    with pytest.raises(InputError, match=message):
        read_state(tmp_path / "both.safetensors")


def test_two_public_names_of_one_weight_are_refused_naming_both() -> None:
    state = {"neck.downsample2.downsample.0.weight": torch.ones(1), "neck.levels.2.0.weight": torch.ones(1)}
    with pytest.raises(
        InputError, match=r"neck\.downsample2\.downsample\.0\.weight, neck\.levels\.2\.0\.weight"
    ):
        load_official(build_model(recipe("siamcar_small")), state)


def test_a_number_and_a_text_that_read_the_same_are_refused() -> None:
    with pytest.raises(InputError, match="a number and a text that read the same"):
        plain_state({1: torch.ones(1), "1": torch.zeros(1)}, "it")


@pytest.mark.parametrize(
    ("value", "found"),
    [
        (torch.tensor([1, -2]), "norm.bias int64"),
        (torch.tensor([1, 2], dtype=torch.uint8), "norm.bias uint8"),
        (torch.tensor([True, False]), "norm.bias bool"),
        (torch.tensor([1 + 2j, 0j]), "norm.bias complex64"),
        (torch.tensor([1.0, 2.0]).to(torch.float8_e4m3fn), "norm.bias float8_e4m3fn"),
        (torch.tensor([1.0, 2.0]).to_sparse(), "norm.bias float32 sparse_coo"),
        (torch.empty(2, device="meta"), "norm.bias float32 without values"),
    ],
)
def test_other_tensors_than_dense_floats_are_no_weights(value: Tensor, found: str) -> None:
    net = network()
    with pytest.raises(InputError, match=rf"^it has other than dense .*: {re.escape(found)}$"):
        load_strict(net, plain_state(WEIGHTS | {"norm.bias": value}, "it"), "it")
    assert not net.conv.weight.any(), "nothing was filled"


@pytest.mark.parametrize("value", [1e39, -1e300, float("nan"), float("inf")])
def test_numbers_beyond_those_of_the_network_are_refused(value: float) -> None:
    state = WEIGHTS | {"norm.bias": torch.tensor([1.0, value], dtype=torch.float64)}
    with pytest.raises(InputError, match=r"^it has values that are not finite in norm\.bias$"):
        load_strict(network(), state, "it")


@pytest.mark.parametrize("kind", [torch.float16, torch.bfloat16, torch.float64])
def test_floats_of_16_bits_or_more_are_weights(kind: torch.dtype) -> None:
    assert same(loaded({name: value.to(kind) for name, value in WEIGHTS.items()}))


def test_a_name_that_no_terminal_shows_is_written_out() -> None:
    with pytest.raises(InputError, match=r"^it has tensors this network does not: 'a\\nb\\x1b\[2J'$"):
        load_strict(network(), WEIGHTS | {"a\nb\x1b[2J": torch.ones(1)}, "it")


def test_a_checkpoint_is_never_its_own_output(tmp_path: Path) -> None:
    file = tmp_path / "w.safetensors"
    save_file(WEIGHTS, file)
    before = file.read_bytes()
    (tmp_path / "link.safetensors").symlink_to(file)
    for out in (file, tmp_path / "link.safetensors"):
        with pytest.raises(InputError, match="is the checkpoint itself; name another file with --out"):
            weights_import("siamcar_small", file, out)
    assert file.read_bytes() == before


class Trap:
    """Would write a file if it were unpickled."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[Callable[..., Any], tuple[Any, ...]]:
        return Path.touch, (self.path,)


def unusual(rng: np.random.Generator, trap: Path) -> dict[str, Any]:
    """A checkpoint with a few things changed, each of which people's files have had, or could."""
    state: dict[Any, Any] = dict(WEIGHTS)
    strange: list[Any] = [torch.tensor([1, 2]), torch.ones(3), torch.full((2,), float("nan")), 3, None, "x"]
    strange += [np.float64(1), np.zeros(2), Trap(trap), {}, [], torch.ones(2).to_sparse(), torch.ones(2) * 1j]
    strange += [torch.empty(2, device="meta"), torch.ones(2).to(torch.float8_e5m2), torch.empty(0)]
    names = [
        "norm.bias",
        "conv.weight",
        "module.norm.bias",
        "extra",
        "",
        ".",
        "module.",
        1,
        "1",
        "a\nb",
        "net",
    ]
    for _ in range(rng.integers(0, 3)):
        state[names[rng.integers(len(names))]] = strange[rng.integers(len(strange))]
    if rng.random() < 0.2:
        state.pop("norm.bias", None)
    prefix = ["", "", "module.", "_orig_mod.", "_orig_mod.module."][rng.integers(5)]
    state = {prefix + name if isinstance(name, str) else name: value for name, value in state.items()}
    content: Any = state
    for _ in range(rng.integers(0, 3)):
        content = {["state_dict", "net", "model", "other"][rng.integers(4)]: content}
        if rng.random() < 0.2:
            content["model_state_dict"] = named("")
        if rng.random() < 0.2:
            content["loop"] = content
    return content


def damaged(content: bytes, rng: np.random.Generator) -> bytes:
    """A few bytes changed, most of them at the ends, where the structure is; or the end cut off."""
    data = bytearray(content)
    for _ in range(rng.integers(0, 4)):
        near = int(rng.integers(min(len(data), 400)))
        data[near if rng.random() < 0.5 else -1 - near] = int(rng.integers(256))
    return bytes(data[: rng.integers(len(data))] if rng.random() < 0.15 else data)


def filled(net: nn.Module, file: Path) -> str:
    """Fill a network from a file; why that was refused, or nothing."""
    try:
        load_strict(net, *read_state(file))
    except InputError as error:
        return str(error)
    return ""


@pytest.mark.parametrize("ending", [".pth", ".safetensors"])
def test_any_checkpoint_gives_its_own_numbers_or_one_line(tmp_path: Path, ending: str) -> None:
    """Bytes of the numbers themselves may have changed in a damaged file; a changed structure must not pass."""
    file, trap, fine = tmp_path / f"w{ending}", tmp_path / "trap", 0
    for seed in range(COUNT):
        rng = np.random.default_rng([seed, len(ending)])
        content = unusual(rng, trap)
        if ending == ".pth":
            torch.save(content, file)
        else:
            dense = {str(n): v.clone() for n, v in content.items() if torch.is_tensor(v) and not v.is_meta}
            save_file({n: v for n, v in dense.items() if v.layout is torch.strided}, file)
        broken = rng.random() < 0.5
        if broken:
            file.write_bytes(damaged(file.read_bytes(), rng))
        net = network()
        refusal = filled(net, file)
        if refusal:
            assert str(file) in refusal, seed
            assert "\n" not in refusal, seed
            assert not any(value.any() for value in net.state_dict().values()), seed
        else:
            fine += 1
            found = {name: value for name, value in net.state_dict().items() if name in WEIGHTS}
            assert broken or same(found), seed
            assert all(bool(torch.isfinite(value).all()) for value in found.values()), seed
        assert not trap.exists(), seed
    assert fine > COUNT // 20, "some are whole"


@pytest.mark.parametrize("header", [b"[" * 5000, b"{}", b'{"a": 1}', b'{"a": {"dtype": "F9"}}', b"\xff\xfe"])
def test_headers_of_safetensors_that_are_none(tmp_path: Path, header: bytes) -> None:
    file = tmp_path / "w.safetensors"
    file.write_bytes(struct.pack("<Q", len(header)) + header)
    with pytest.raises(InputError, match=r"w\.safetensors "):
        read_state(file)
