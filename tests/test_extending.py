"""The page on extending: its files and its code work as they stand, in order."""

from __future__ import annotations

import importlib
import re
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from dlatrack import build_assigner, paths, register_assigner
from dlatrack.assign import ASSIGNERS, options_of, summary_of
from dlatrack.assign.circle import CircleAssigner
from dlatrack.datasets.folder import write_folder
from dlatrack.datasets.synthetic import synthetic_sequences
from dlatrack.grid import ScoreGrid
from dlatrack.models.backbones import BACKBONES

TEXT = (paths.root() / "docs" / "extending.md").read_text()
FILES = ("top_k", "test_top_k", "predicted_iou", "trunk")


@pytest.fixture
def names_of_our_own() -> Iterator[None]:
    """Takes back what a test registers and imports."""
    before = [dict(registry) for registry in (ASSIGNERS, BACKBONES)]
    yield
    for registry, content in zip((ASSIGNERS, BACKBONES), before, strict=True):
        registry.clear()
        registry.update(content)
    for name in FILES:
        sys.modules.pop(name, None)


@pytest.mark.slow
@pytest.mark.usefixtures("names_of_our_own")
def test_the_code_runs_as_it_stands(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for sequence in synthetic_sequences(2, seed=90, length=4, challenges=()):
        write_folder(sequence, tmp_path / "clips")
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)
    names: dict = {}
    written, printed = [], []
    for block in re.findall(r"```python\n(.*?)```", TEXT, re.DOTALL):
        if file := re.match(r"# (\w+)\.py\n", block):
            (tmp_path / f"{file[1]}.py").write_text(block)
            written.append(file[1])
        else:
            exec(block, names)
            printed.append(capsys.readouterr().out.strip().splitlines())
    assert tuple(written) == FILES
    importlib.import_module("test_top_k").test_five_samples_are_a_point_and_its_neighbours()

    assert {key: net.training for key, net in names["trained"].items()} == {
        (name, seed): False for name in ("siamcar_nano", "top_k_siamcar_nano") for seed in (0, 1)
    }
    assert (tmp_path / "picked.png").is_file()
    assert names["numbers"]
    assert re.match(
        r"top_k_siamcar_nano .* siamcar_nano.* 2 sequences, too few for a verdict, 2 and 2 training seeds",
        printed[2][-1],
    )
    assert names["auc"]["top_k_siamcar_nano"].shape == (2, 2)
    assert re.fullmatch(
        r"siamcar_nano\+predicted_iou,least=0\.5: \d\.\d positives per pair, quality 0\.\d\d", printed[3][-1]
    )
    assert printed[4] == ["(1, 2, 25, 25) 23696"]
    assert printed[5] == ["(1, 2, 15, 15); 541446; NanoTrack V3, fixed rule; DLA-NanoTrack V3"]
    # The laboratory of notebook 01 knows the rule too.
    assert [(option.name, option.default) for option in options_of("top_k")][1] == ("top", 5)
    assert summary_of("top_k").startswith("The `top` samples with the largest IoU are positive")


@pytest.mark.usefixtures("names_of_our_own")
def test_a_rule_may_be_registered_again_but_not_under_a_name_of_ours() -> None:
    register_assigner("wide_circle", CircleAssigner)
    register_assigner(
        "wide_circle", lambda grid, **options: CircleAssigner(grid, inner=32, outer=32, **options)
    )
    assert build_assigner("wide_circle", ScoreGrid()).inner == 32
    with pytest.raises(ValueError, match="'iou' is a label assigner of dlatrack; give yours another name"):
        register_assigner("iou", CircleAssigner)
    assert ASSIGNERS["iou"].__name__ == "IoUAssigner"


def test_files_that_the_page_names_exist() -> None:
    for name in re.findall(r"`((?:dlatrack|docs|data_manifests|tests)/[\w/.]+)`", TEXT):
        assert (paths.root() / name).exists() or "NAME" in name, name
