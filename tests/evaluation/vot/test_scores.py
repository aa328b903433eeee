"""Accuracy, robustness and EAO of the reset-based experiment, by hand and as the public toolkits compute them."""

from __future__ import annotations

import functools
import gzip
import json
import math
import tarfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from dlatrack.errors import InputError
from dlatrack.evaluation.truth import TAGS, BenchmarkTruth, SequenceTruth
from dlatrack.evaluation.vot.overlaps import VOTProtocol
from dlatrack.evaluation.vot.results import VOTRun, find_vot_trackers
from dlatrack.evaluation.vot.scores import VOTResult, evaluate_vot

#: Overlap of a box of 8 x 8 px with itself moved by half its width: 5 of 13 columns in pysot, 4 of 12 px.
HALF = {"pysot": 5 / 13, "vot_toolkit": 1 / 3}

PROTOCOLS: tuple[VOTProtocol, ...] = ("pysot", "vot_toolkit")


def run(text: str) -> VOTRun:
    """`*` on target, `h` half off; other signs are codes."""
    codes = np.array([-1 if sign in "*h" else int(sign) for sign in text], np.int8)
    regions = np.full((len(text), 8), np.nan)
    for frame, sign in enumerate(text):
        if sign in "*h":
            regions[frame, :4] = [4 * (sign == "h"), 0, 8, 8]
    return VOTRun(codes, regions)


def truth(**tags: str) -> SequenceTruth:
    """Ten frames of a box that stays; tags as strings of 0 and 1."""
    flags = {tag: np.array(list(text)) == "1" for tag, text in tags.items()}
    return SequenceTruth("a", np.array([[0.0, 0, 8, 8]] * 10), size=(20, 20), tags=flags)


def scored(*texts: str, sequence: SequenceTruth | None = None, **options: Any) -> VOTResult:
    benchmark = BenchmarkTruth("VOT2019", {"a": sequence or truth()})
    return evaluate_vot({"a": [run(text) for text in texts]}, benchmark, **{"interval": (1, 3), **options})


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_a_run_with_a_failure_by_hand(protocol: VOTProtocol) -> None:
    """Frames 1, 2 and 9 count for accuracy. Frame 3 fails, 8 starts again."""
    result = scored("1*h200001*", protocol=protocol, interval=(1, 2), burn_in=1)
    half = HALF[protocol]
    assert result.protocol == protocol
    assert result.benchmark == "VOT2019"
    assert result.interval == (1, 2)
    assert (result.frames, result.lost) == (10, 1)
    assert result.accuracy == pytest.approx((2 + half) / 3)
    assert result.sequence_accuracy.tolist() == [result.accuracy]
    assert result.sequence_failures.tolist() == [1]
    assert result.robustness == {"pysot": 10, "vot_toolkit": 1}[protocol]
    assert result.ar_point() == (pytest.approx(math.exp(-30 * 1 / 10)), result.accuracy)
    assert result.ar_point(sensitivity=100)[0] == pytest.approx(math.exp(-10))
    assert result.curve[1:3].tolist() == pytest.approx([1, (1 + half) / 2])
    assert result.curve[3:].tolist() == pytest.approx([(1 + half) / i for i in range(3, len(result.curve))])
    if protocol == "pysot":
        assert len(result.curve) == 10
        assert result.eao == pytest.approx((1 + 1) / 2)
    else:
        assert len(result.curve) == 3
        assert result.eao == pytest.approx((1 + (1 + half) / 2) / 2)


def test_burn_in_follows_every_start() -> None:
    assert scored("1h*200001*", burn_in=2).accuracy == 1
    assert scored("1h*200001*", burn_in=0).accuracy == pytest.approx((2 + HALF["pysot"]) / 3)
    assert math.isnan(scored("1h*200001*").accuracy)
    assert scored("1h*200001*", protocol="vot_toolkit").accuracy == 0


def test_all_repetitions_count_for_pysot_if_there_are_fifteen() -> None:
    good, bad = "1*********", "1hhhhhhhh2"
    assert scored(good, bad, burn_in=1).accuracy == 1
    assert scored(good, bad, burn_in=1).lost == 0
    all_of_them = scored(*[good] * 10, *[bad] * 5, burn_in=1)
    assert all_of_them.lost == pytest.approx(5 / 15)
    mean = (10 + 5 * HALF["pysot"]) / 15
    assert all_of_them.accuracy == pytest.approx(
        (8 * mean + 1) / 9
    )  # all but the last frame in all, that in ten
    assert all_of_them.curve[1] == pytest.approx(mean)
    toolkit = scored(good, bad, burn_in=1, protocol="vot_toolkit")
    assert toolkit.accuracy == pytest.approx((1 + HALF["vot_toolkit"]) / 2)
    assert toolkit.robustness == 0.5


def test_long_sequences_weigh_more() -> None:
    long = SequenceTruth("b", np.repeat(truth().regions, 3, 0), size=(20, 20))
    benchmark = BenchmarkTruth("VOT2018", {"a": truth(), "b": long})
    runs = {"a": [run("1*********")], "b": [run("1" + "h" * 28 + "2")], "c": [run("1")]}
    toolkit = evaluate_vot(runs, benchmark, protocol="vot_toolkit", burn_in=1)
    assert toolkit.names == ("a", "b")
    assert toolkit.lengths.tolist() == [10, 30]
    assert toolkit.accuracy == pytest.approx((10 + 30 * HALF["vot_toolkit"]) / 40)
    assert toolkit.robustness == pytest.approx(30 / 40)
    assert toolkit.ar_point()[0] == pytest.approx(math.exp(-30 * 0.75 / 20))
    pysot = evaluate_vot(runs, benchmark, burn_in=1)
    assert pysot.accuracy == pytest.approx((9 + 28 * HALF["pysot"]) / 37)
    assert pysot.robustness == pytest.approx(100 / 40)
    assert pysot.interval == (100, 356)
    assert math.isnan(pysot.eao)  # no sequence is so long


def test_eao_by_tag_weighs_fragments_by_their_tagged_frames() -> None:
    """Fragments are frames 0..7 and 7..9; occlusion is on 2 of 8 and 1 of 3, no tag on 7 frames in all."""
    result = scored("1h200001**", sequence=truth(occlusion="0010001010"), interval=(2, 2))
    half = HALF["pysot"]
    assert list(result.eao_by_tag) == [*TAGS, "empty"]
    assert result.eao == pytest.approx((half + 1) / 2)
    assert result.eao_by_tag["occlusion"] == pytest.approx((half * 2 / 8 + 1 / 3) / (2 / 8 + 1 / 3))
    assert result.eao_by_tag["empty"] == pytest.approx((half * 7 / 8 + 7 / 3) / (7 / 8 + 7 / 3))
    assert math.isnan(result.eao_by_tag["size_change"])


def test_ground_truth_against_itself_is_the_ceiling() -> None:
    for protocol in PROTOCOLS:
        result = scored("1*********", protocol=protocol, burn_in=1)
        assert (result.accuracy, result.eao, result.lost, result.robustness) == (1, 1, 0, 0)
        assert result.ar_point() == (1, 1)
    assert dict(scored("1*********").eao_by_tag) == {}


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: evaluate_vot({}, BenchmarkTruth("VOT2019", {})), "no sequences to evaluate"),
        (lambda: evaluate_vot({}, BenchmarkTruth("VOT2019", {"a": truth()})), "sequence a has no result"),
        (lambda: scored("1**"), "sequence a: result has 3 rows, the truth has 10"),
        (lambda: scored("*" * 10), "sequence a: result must begin with 1"),
        (
            lambda: scored("1" * 10, protocol="got10k"),
            "no VOT protocol 'got10k'; choose from pysot, vot_toolkit",
        ),
        (lambda: scored("1" * 10, interval=(5, 4)), r"needs 1 <= low <= high, got \(5, 4\)"),
        (lambda: scored("1" * 10, burn_in=-1), "burn_in must be 0 frames or more, got -1"),
        (
            lambda: evaluate_vot({"a": [run("1" * 10)]}, BenchmarkTruth("VOT2099", {"a": truth()})),
            "VOT2099 has no EAO interval; give one, or choose from VOT2016",
        ),
        (
            lambda: scored("1" * 10, sequence=SequenceTruth("a", np.ones((10, 4)))),
            "sequence a: the size of its images is not known; the truth must say width",
        ),
        (
            lambda: scored("1" + "*" * 9, sequence=SequenceTruth("a", np.full((10, 4), 2e9), size=(9, 9))),
            "sequence a: pair 0: region a is .* must be below",
        ),
    ],
)
def test_bad_input_is_named(call: Callable[[], Any], message: str) -> None:
    with pytest.raises(InputError, match=message):
        call()


@functools.cache
def real_truth(shared_data: Path, name: str) -> BenchmarkTruth:
    """Polygons and image sizes of a VOT benchmark; for VOT2019 also its tags, given as runs of frames."""
    packed = (shared_data / "benchmarks" / "gt" / f"{name.lower()}_gt.json.gz").read_bytes()
    facts = json.loads((shared_data / "vot2019_sequences.json").read_text())["sequences"]
    sequences = {}
    for sequence, entry in json.loads(gzip.decompress(packed)).items():
        tags = {tag: np.zeros(len(entry["gt"]), bool) for tag in TAGS} if name == "VOT2019" else {}
        for tag, flags in tags.items():
            for first, last in facts[sequence]["tags"][tag]:
                flags[first : last + 1] = True
        regions, size = np.array(entry["gt"], float), (entry["width"], entry["height"])
        sequences[sequence] = SequenceTruth(sequence, regions, size=size, tags=tags)
    return BenchmarkTruth(name, sequences)


def real_runs(
    shared_data: Path, folder: Path, truth: BenchmarkTruth, tracker: str
) -> dict[str, list[VOTRun]]:
    with tarfile.open(shared_data / "benchmarks" / "results" / f"{truth.name}_results.tar.xz") as tar:
        wanted = [m for m in tar.getmembers() if m.name.startswith(f"{truth.name}/{tracker}/")]
        tar.extractall(folder, wanted, filter="data")
    frames = {name: len(sequence.regions) for name, sequence in truth.sequences.items()}
    (found,) = find_vot_trackers(folder / truth.name / tracker, frames)
    return found.read(frames)


@pytest.mark.parametrize(
    ("benchmark", "tracker"),
    [
        ("VOT2019", "LightTrack"),
        ("VOT2019", "NanoTrack"),
        ("VOT2019", "SiamTPN"),
        ("VOT2018", "DaSiamRPN"),
        ("VOT2018", "SiamCAR"),
    ],
)
def test_published_trackers_agree_with_both_toolkits(
    shared_data: Path, tmp_path: Path, benchmark: str, tracker: str
) -> None:
    golden = json.loads((shared_data / "golden_eval.json").read_text())[benchmark][tracker]
    truth = real_truth(shared_data, benchmark)
    runs = real_runs(shared_data, tmp_path, truth, tracker)
    result = evaluate_vot(runs, truth)
    scores = {
        "accuracy": result.accuracy,
        "robustness": result.robustness,
        "lost": result.lost,
        "frames": result.frames,
        "eao": result.eao,
        "ar_x_S30": result.ar_point()[0],
    }
    assert scores == pytest.approx(golden["pysot"], abs=1e-6)
    if "eao_by_tag_pysot" in golden:
        assert {"all": result.eao, **result.eao_by_tag} == pytest.approx(golden["eao_by_tag_pysot"], abs=1e-6)
    for name, values in golden.get("per_sequence_pysot_accuracy_failures", {}).items():
        row = result.names.index(name)
        found = [result.sequence_accuracy[row], result.sequence_failures[row]]
        assert found == pytest.approx(values, abs=1e-6), name
    toolkit = evaluate_vot(runs, truth, protocol="vot_toolkit")
    scores = {
        "accuracy": toolkit.accuracy,
        "weighted_failures": toolkit.robustness,
        "ar_x_S30": toolkit.ar_point()[0],
        "total_failures": toolkit.lost,
        "eao": toolkit.eao,
    }
    assert scores == pytest.approx(golden["vot_toolkit_0_9"], abs=1e-6)


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_vot2019_against_itself_is_perfect(shared_data: Path, protocol: VOTProtocol) -> None:
    truth = real_truth(shared_data, "VOT2019")
    runs = {}
    for name, sequence in truth.sequences.items():
        regions = np.full((len(sequence.regions), 8), np.nan)
        regions[1:, : sequence.regions.shape[1]] = sequence.regions[1:]
        codes = np.where(np.arange(len(regions)) == 0, 1, -1).astype(np.int8)
        runs[name] = [VOTRun(codes, regions)]
    result = evaluate_vot(runs, truth, protocol=protocol)
    assert (result.accuracy, result.eao, result.lost) == pytest.approx((1, 1, 0), abs=1e-12)
    assert list(result.eao_by_tag.values()) == pytest.approx([1] * len(result.eao_by_tag))
    assert len(result.eao_by_tag) == (6 if protocol == "pysot" else 0)
