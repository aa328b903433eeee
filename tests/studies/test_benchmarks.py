"""Our trackers over miniatures, and published trackers at the scores of the public toolkits."""

from __future__ import annotations

import json
import math
from dataclasses import replace

import pytest
import torch

from dlatrack import paths
from dlatrack.datasets.manifests import locate
from dlatrack.datasets.mini import write_mini
from dlatrack.errors import InputError
from dlatrack.evaluation.results import write_boxes
from dlatrack.evaluation.scoring import score_tracker
from dlatrack.evaluation.truth_source import read_truth
from dlatrack.models.siamese import build_model
from dlatrack.models.weights import save_weights
from dlatrack.recipes import recipe
from dlatrack.studies import benchmark_sources, benchmarks, runs
from dlatrack.studies.benchmark_sources import find_benchmark, our_weights
from dlatrack.studies.benchmarks import (
    missing_published,
    study_ours,
    study_published,
)


@pytest.fixture(autouse=True)
def own_folders(tmp_path, monkeypatch):
    monkeypatch.delenv("DLATRACK_DATA", raising=False)
    monkeypatch.setenv("DLATRACK_CACHE", str(tmp_path / "cache"))


@pytest.fixture(scope="module")
def pair(tmp_path_factory):
    """Random weights of a tracker and its twin: where the boxes go does not matter here."""
    folder = tmp_path_factory.mktemp("weights")
    for seed, name in enumerate(("siamcar_small", "dla_siamcar_small")):
        chosen = recipe(name)
        net = build_model(chosen, torch.Generator().manual_seed(seed))
        save_weights(folder / f"{name}.safetensors", net, chosen, {})
    return [folder / "siamcar_small.safetensors", folder / "dla_siamcar_small.safetensors"]


def joined(files) -> str:
    return "; ".join(map(str, files))


@pytest.mark.slow
def test_twins_and_the_static_box_on_a_miniature(pair, monkeypatch):
    study = study_ours("UAV123", "smoke", weights=joined(pair))
    assert study.title == "UAV123 miniature, synthetic"
    assert study.imagery == "synthetic"
    assert list(study.scores) == ["SiamCAR small, fixed rule", "DLA-SiamCAR small", "static box"]
    assert study.pairs == [("SiamCAR small, fixed rule", "DLA-SiamCAR small")]
    assert set(study.one_pass) == set(study.scores)
    assert not study.reset_based
    assert set(study.origin["weights_sha256"]) == {"siamcar_small", "dla_siamcar_small"}
    truth = study.truth.boxes["bike1"]
    assert study.results["static box"]["bike1"].tolist() == [truth[0].tolist()] * len(truth)

    def fail(*_, **__):
        raise AssertionError("a finished run is read, not repeated")

    monkeypatch.setattr(runs.OnlineTracker, "from_weights", fail)
    again = study_ours("UAV123", "smoke", weights=joined(pair))
    assert {n: r.auc for n, r in again.one_pass.items()} == {n: r.auc for n, r in study.one_pass.items()}


@pytest.mark.slow
def test_a_miniature_of_vot_has_scores_in_spite_of_its_length(pair):
    study = study_ours("VOT2019", "smoke", weights=str(pair[0]))
    static = study.reset_based["static box"]
    assert static.interval == (5, 10)
    assert not math.isnan(static.eao)
    assert 0 < static.accuracy < 1
    assert study.pairs == []


def test_a_miniature_is_made_once_and_whole(tmp_path):
    place = find_benchmark("UAV123", "demo", seed=3)
    assert place.manifest.miniature
    assert place.root.is_relative_to(paths.cache_dir() / "miniatures" / "uav123-seed3-longer5")
    before = (place.root / "mini.uav123.toml").stat().st_mtime_ns
    assert (find_benchmark("UAV123", "demo", seed=3).root / "mini.uav123.toml").stat().st_mtime_ns == before
    assert [path.name for path in (paths.cache_dir() / "miniatures").iterdir()] == ["uav123-seed3-longer5"]


def test_data_of_the_user_come_first_but_not_in_smoke(tmp_path, monkeypatch):
    own = write_mini("uav123", tmp_path / "sets" / "uav123", seed=1)
    monkeypatch.setenv("DLATRACK_DATA", str(tmp_path / "sets"))
    assert find_benchmark("UAV123", "demo").root == own.resolve()
    assert find_benchmark("UAV123", "smoke").root != own.resolve()
    assert find_benchmark("UAV123", "smoke", data=str(tmp_path / "sets")).root == own.resolve()
    assert find_benchmark("VOT2019", "demo").manifest.miniature, "another set is not among the user's"


def test_kept_results_are_those_of_the_data_as_they_are(tmp_path, monkeypatch):
    monkeypatch.setattr(benchmarks, "our_weights", lambda *_: {})
    file = write_mini("otb100", tmp_path / "data") / "Basketball" / "groundtruth_rect.txt"
    for shift in (0, 2):
        x, *rest = file.read_text().splitlines()[0].split(",")
        first = ",".join([str(int(x) + shift), *rest])
        file.write_text("\n".join([first, *file.read_text().splitlines()[1:]]) + "\n")
        study = study_ours("OTB100", "smoke", data=str(tmp_path / "data"))
        assert study.results["static box"]["Basketball"][1, 0] == int(x) + shift


def test_all_shipped_weights_or_one_pair(monkeypatch):
    names = ("dla_siamcar_small", "dla_siamrpnpp_small", "siamcar_small", "siamrpnpp_small")
    monkeypatch.setattr(benchmark_sources, "shipped", lambda: names)
    monkeypatch.setattr(benchmark_sources, "read_weight_files", list)
    order = ["siamcar_small", "dla_siamcar_small", "siamrpnpp_small", "dla_siamrpnpp_small"]
    assert our_weights("", "demo") == order
    assert our_weights("", "smoke") == order[:2]
    assert our_weights("b; a;", "smoke") == ["b", "a"]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"preset": "huge"}, "preset must be one of smoke, demo, paper, got 'huge'"),
        ({"protocol": "mine"}, "OTB100 has no protocol 'mine'; choose from pysot"),
        ({"name": "OTB99"}, "there is no benchmark 'OTB99'"),
        ({"data": "nowhere"}, "nowhere is not a folder"),
        ({"seed": -1}, r"seed must be in 0\.\.18446744073709551615, got -1"),
        ({"device": "abacus"}, "there is no device 'abacus' here"),
        ({"weights": "nobody"}, "there is no file nobody"),
    ],
)
def test_bad_input_is_named(pair, change, message):
    given = {"name": "OTB100", "preset": "smoke", "weights": joined(pair)} | change
    with pytest.raises(InputError, match=message):
        study_ours(**given)


def test_one_recipe_cannot_stand_for_two(pair):
    with pytest.raises(InputError, match="a second tracker of recipe siamcar_small"):
        study_ours("UAV123", "smoke", weights=joined([pair[0], pair[0]]))


def test_without_weights_it_says_what_to_do(monkeypatch):
    monkeypatch.setattr(benchmark_sources, "shipped", tuple)
    with pytest.raises(InputError, match="no trained weights come with this copy"):
        study_ours("OTB100", "smoke")


def test_without_the_folder_there_are_no_published_trackers(tmp_path, monkeypatch):
    monkeypatch.setenv("DLATRACK_SHARED_DATA", str(tmp_path))
    assert study_published("OTB100", "demo") is None
    assert "benchmarks/gt/otb100_gt.json.gz" in missing_published("OTB100")
    assert "`dlatrack results fetch otb100_soarkey`" in missing_published("OTB100")


def test_fetched_results_count_on_the_users_own_data_set(tmp_path, monkeypatch):
    """A miniature is no truth of published trackers; here it stands for the data set."""
    monkeypatch.setenv("DLATRACK_SHARED_DATA", str(tmp_path))
    monkeypatch.setenv("DLATRACK_DATA", str(tmp_path / "data"))
    place = locate("otb100", write_mini("otb100", tmp_path / "data", 0))
    truth = read_truth("OTB100", place.root)
    for name, boxes in truth.boxes.items():
        file = tmp_path / "cache" / "result_sets" / "otb100_soarkey" / "ATOM" / f"{name}.txt"
        write_boxes(file, boxes, first_pixel=0)  # the truth is as in the benchmark's own files
    assert study_published("OTB100", "demo") is None
    whole = replace(place, manifest=replace(place.manifest, miniature=False))
    monkeypatch.setattr(benchmarks, "users_place", lambda manifest: whole)
    study = study_published("OTB100", "demo")
    perfect = score_tracker("", truth.boxes, truth).result
    assert study.scores["ATOM"].auc == pytest.approx(perfect.auc, abs=1e-3)
    assert study.origin["data_set"] == str(place.root)
    assert set(study.origin["results_sha256"]) == {"otb100_soarkey"}
    assert study.origin["results_source"] == {"ATOM": "Soarkey/tracking_raw_results:OTB100/ATOM at d042076"}


@pytest.mark.slow
@pytest.mark.parametrize(
    ("benchmark", "protocol", "trackers"),
    [
        ("OTB100", "pysot", {"ATOM", "DaSiamRPN", "SiamFC", "SiamRPN", "SiamRPN++"}),
        ("UAV123", "pysot", {"SiamFC"}),
        ("LaSOT", "lasot_matlab", {"ATOM", "SiamRPN++"}),
        ("VOT2019", "pysot", {"LightTrack", "NanoTrack", "SiamTPN"}),
    ],
)
def test_published_trackers_score_as_with_the_public_toolkits(
    shared_data, monkeypatch, benchmark, protocol, trackers
):
    monkeypatch.setenv("DLATRACK_SHARED_DATA", str(shared_data))
    golden = json.loads((shared_data / "golden_eval.json").read_text())[benchmark]
    study = study_published(benchmark, "paper", protocol=protocol)
    assert set(study.scores) == trackers
    assert study.imagery == "real"
    assert study.origin["results_source"].keys() == trackers
    for tracker, result in study.scores.items():
        wanted = golden[tracker][protocol]
        if benchmark == "VOT2019":
            assert (result.eao, result.accuracy) == pytest.approx(
                (wanted["eao"], wanted["accuracy"]), abs=1e-6
            )
        else:
            found = (result.auc, result.precision_score)
            assert found == pytest.approx((wanted["auc"], wanted["prec20"]), abs=1e-6)


@pytest.mark.slow
def test_smoke_scores_the_first_two(shared_data, monkeypatch):
    monkeypatch.setenv("DLATRACK_SHARED_DATA", str(shared_data))
    assert list(study_published("OTB100", "smoke").scores) == ["ATOM", "DaSiamRPN"]
