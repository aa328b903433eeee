"""Manifests of public result files: those of the project, and what is wrong with others."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import toy_result_set

from dlatrack.datasets.manifests import names
from dlatrack.errors import InputError
from dlatrack.evaluation.result_sets.sets import (
    NO_LICENCE,
    read_result_set,
    result_set,
    result_set_names,
    sets_of,
)

#: What the golden file and our tables call scores and protocols.
CALLED = {
    "prec20": "precision",
    "sr50": "success_rate",
    "nprec20": "norm_precision",
    "nprec_mean": "norm_precision",
    "weighted_failures": "robustness",
    "total_failures": "lost",
    "vot_toolkit_0_9": "vot_toolkit",
}


def test_a_set_is_read_with_its_files(tmp_path: Path) -> None:
    found = read_result_set(toy_result_set.write_toy(tmp_path))
    assert (found.name, found.licensed, found.scored) == ("toy", True, ["Right", "Half"])
    assert [file.name for file in found.listed["Half"]] == ["Biker.txt", "Bolt.txt"]
    assert found.listed["Right"][0].sha256 == toy_result_set.sha256(b"10,10,20,20\n12,10,20,20\n")
    address = "https://raw.githubusercontent.com/someone/results/0123abc/OTB%20100/half/Bolt.txt"
    assert found.address("Half", "Bolt.txt") == address
    assert found.origin("Half") == "someone/results:OTB 100/half at 0123abc"
    assert found.origin("Other") == "https://example.org/results"


@pytest.mark.parametrize("name", result_set_names())
def test_every_set_says_what_is_known(name: str) -> None:
    known = result_set(name)
    assert known.page.startswith("https://")
    assert all((known.title, known.licence, known.format, known.notes))
    for tracker, files in known.listed.items():
        assert len({file.name for file in files}) == len(files) in (60, 100, 123, 280), tracker
        assert known.scored == [each for each, source in known.trackers.items() if source.scores]
    assert not known.repository or all(len(source.commit) in (6, 40) for source in known.trackers.values())


def test_sets_are_no_data_sets() -> None:
    assert {"otb100_soarkey", "vot2019_nanotrack"} <= set(result_set_names())
    assert not [name for name in names() if name.startswith("results")]
    assert [each.name for each in sets_of("OTB100")] == ["otb100_soarkey"]
    known = result_set("otb100_soarkey")
    assert known.licence == NO_LICENCE
    assert known.address("SiamRPN++", "Deer.txt").endswith("/OTB100/SiamRPN%2B%2B/Deer.txt")


def test_unknown_names_are_answered_with_the_known_ones() -> None:
    with pytest.raises(
        InputError, match=r"there are no results 'otb'; choose from lasot_soarkey, otb100_soarkey"
    ):
        result_set("otb")


def test_expected_scores_are_those_of_the_public_toolkits(shared_data: Path) -> None:
    """All scores of the golden file, and no others."""
    golden = json.loads((shared_data / "golden_eval.json").read_text())
    for name in ("OTB100", "UAV123", "LaSOT", "VOT2018", "VOT2019"):
        known = {t: s.scores for each in sets_of(name) for t, s in each.trackers.items() if s.scores}
        assert known.keys() == golden[name].keys()
        for tracker, scores in known.items():
            entries = golden[name][tracker]
            protocols = {CALLED.get(key, key): key for key in entries if "_pysot" not in key}
            assert scores.keys() == protocols.keys()
            for protocol, expected in scores.items():
                found = {CALLED.get(k, k): v for k, v in entries[protocols[protocol]].items()}
                assert expected == {key: found[key] for key in expected}
                assert found.keys() - expected.keys() <= {"frames", "ar_x_S30"}


def test_every_shared_archive_belongs_to_a_set(shared_data: Path) -> None:
    archives = {path.name for path in (shared_data / "benchmarks" / "results").iterdir()}
    assert {name for each in map(result_set, result_set_names()) for name in each.shared} == archives


def changed(old: str, new: str) -> str:
    assert old in toy_result_set.MANIFEST
    return toy_result_set.MANIFEST.replace(old, new, 1)


@pytest.mark.parametrize(
    ("manifest", "message"),
    [
        (changed('licence = "CC0-1.0"\n', ""), "missing required field `licence`"),
        (changed("title", "titel"), "unknown field `titel`"),
        (changed('"OTB100"', '"otb100"'), "benchmarks are OTB100, not otb100"),
        (changed('"OTB100"', '"OTB"'), "there is no benchmark 'OTB'; choose from OTB100, "),
        (changed('["OTB100"]', "[]"), "files and scores need exactly one benchmark, not none"),
        (changed('["OTB100"]', '["OTB100", "LaSOT"]'), "exactly one benchmark, not OTB100, LaSOT"),
        (changed('commit = "0123abc"\n', ""), "tracker Right needs path, commit and the repository"),
        (
            changed('repository = "someone/results"\n', ""),
            "tracker Right needs path, commit and the repository",
        ),
        (changed("pysot", "pysott"), "tracker Right: OTB100 has no protocol 'pysott'; choose from pysot, "),
        (changed("auc", "AUC"), "tracker Right has the score AUC; scores are auc, precision, "),
        (changed("0.952381", '"0.95"'), "trackers[...].scores[...][...]: expected `float`, got `str`"),
        (changed("trackers.Other", 'trackers."a/b"'), "tracker 'a/b' must be the name of a folder"),
    ],
)
def test_a_wrong_manifest_is_named_with_its_field(tmp_path: Path, manifest: str, message: str) -> None:
    file = toy_result_set.write_toy(tmp_path, manifest=manifest)
    with pytest.raises(InputError) as error:
        read_result_set(file)
    assert message in str(error.value)
    assert str(file) in str(error.value)


@pytest.mark.parametrize(
    ("listed", "message"),
    [
        ("abc  Right/Biker.txt\n", "row 1: 'abc  Right/Biker.txt' is not a SHA-256"),
        ("unknown Right/Biker.txt\n", "row 1: 'unknown Right/Biker.txt' is not"),
        ("unknown  Right/a.txt\nunknown  Biker.txt\n", "row 2: 'unknown  Biker.txt' is not"),
        ("unknown  Right/../../Biker.txt\n", "row 1: "),
        ("unknown  /Right/Biker.txt\n", "row 1: "),
        ("unknown  Wrong/Biker.txt\n", "Wrong is no tracker with a path in results_toy.toml"),
        ("unknown  Other/Biker.txt\n", "Other is no tracker with a path"),
    ],
)
def test_a_wrong_list_is_named_with_its_row(tmp_path: Path, listed: str, message: str) -> None:
    file = toy_result_set.write_toy(tmp_path, listed=listed)
    with pytest.raises(InputError) as error:
        read_result_set(file)
    assert message in str(error.value)
    assert "results_toy.txt" in str(error.value)


def test_files_in_an_archive_need_their_hash(tmp_path: Path) -> None:
    manifest = changed("OTB 100/right", "right.zip")
    with pytest.raises(
        InputError, match=r"results_toy\.txt: files of Right are found by their SHA-256 alone"
    ):
        read_result_set(
            toy_result_set.write_toy(tmp_path, manifest=manifest, listed="unknown  Right/Biker.txt\n")
        )
