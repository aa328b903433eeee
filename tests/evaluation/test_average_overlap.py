"""GOT-10k: AO and SR by hand, the rules one by one, its files, and the got10k package as a referee."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dlatrack.datasets.mini import write_mini
from dlatrack.errors import InputError
from dlatrack.evaluation.got10k import AOResult, ao_differences, evaluate_got10k
from dlatrack.evaluation.scoring import each_tracker, score_tracker
from dlatrack.evaluation.significance import as_sentences, differences
from dlatrack.evaluation.statistics.few_sequences import sign_flip_p
from dlatrack.evaluation.truth import BenchmarkTruth, SequenceTruth, benchmark
from dlatrack.evaluation.truth_source import read_truth

BOXES = np.array([[10.0, 10, 20, 20]] * 5)
SIZE = (100, 80)


def truth_of(**sequences: np.ndarray) -> BenchmarkTruth:
    """The target is always visible."""
    found = {
        name: SequenceTruth(name, boxes, np.ones(len(boxes), bool), size=SIZE)
        for name, boxes in sequences.items()
    }
    return BenchmarkTruth("GOT10K", found)


def shifted(*shifts: float) -> np.ndarray:
    return BOXES[: len(shifts)] + np.array([[shift, 0, 0, 0] for shift in shifts])


def test_a_sequence_by_hand():
    """Overlaps 1, 1/3 (10 of 30 columns), 3/5 (15 of 25) and 0; what the first row says does not matter."""
    result = evaluate_got10k({"a": shifted(90, 0, 10, 5, 50)}, truth_of(a=BOXES))
    assert result.overlaps[0].tolist() == pytest.approx([1, 1 / 3, 3 / 5, 0])
    assert result.ao == pytest.approx((1 + 1 / 3 + 3 / 5) / 4)
    assert (result.success_rate(0.5), result.success_rate(0.75)) == (0.5, 0.25)
    scores = score_tracker("mine", {"a": shifted(90, 0, 10, 5, 50)}, truth_of(a=BOXES)).as_dict()
    assert scores == {
        **{"tracker": "mine", "benchmark": "GOT10K", "protocol": "got10k"},
        **{"ao": result.ao, "sr_0.5": 0.5, "sr_0.75": 0.25},
    }


def test_an_overlap_of_half_is_no_success():
    """20 of 40 columns: strictly greater is needed."""
    truth = truth_of(a=np.array([[0.0, 0, 40, 10]] * 2))
    result = evaluate_got10k({"a": np.array([[0.0, 0, 20, 10]] * 2)}, truth)
    assert (result.ao, result.success_rate(0.5)) == (0.5, 0)


def test_frames_count_and_not_sequences():
    """Nine frames at 1 and one at 0; means over sequences would give 1/2."""
    truth = truth_of(long=np.repeat(BOXES[:1], 10, 0), short=BOXES[:2])
    result = evaluate_got10k({"long": np.repeat(BOXES[:1], 10, 0), "short": shifted(0, 50)}, truth)
    assert result.sequence_ao.tolist() == [1, 0]
    assert result.ao == pytest.approx(9 / 10)
    assert result.subset(["short"]).ao == 0


def test_frames_without_the_target_are_left_out():
    shown = np.array([True, False, True, False, True])
    sequence = SequenceTruth("a", np.where(shown[:, None], BOXES, np.nan), shown, size=SIZE)
    boxes = shifted(0, 50, 0, 50, 10)
    boxes[1] = np.nan
    result = evaluate_got10k({"a": boxes}, BenchmarkTruth("GOT10K", {"a": sequence}))
    assert result.overlaps[0].tolist() == pytest.approx([1, 1 / 3])


def test_boxes_are_bounded_by_the_image():
    """A box from -10 to 10 becomes one from 0 to 20, as x is moved before the width is cut."""
    truth = truth_of(a=np.array([[0.0, 0, 20, 20], [0, 0, 20, 20], [90, 0, 10, 20]]))
    result = evaluate_got10k({"a": np.array([[0.0, 0, 20, 20], [-10, 0, 20, 20], [90, 0, 99, 20]])}, truth)
    assert result.overlaps[0].tolist() == [1, 1]


def test_runs_are_pooled():
    truth = truth_of(a=BOXES[:3], b=BOXES[:2])
    result = evaluate_got10k({"a": [shifted(0, 0, 0), shifted(0, 10, 10)], "b": [shifted(0, 50)]}, truth)
    assert result.runs == (2, 1)
    assert result.ao == pytest.approx((2 + 2 / 3) / 5)
    assert "1 to 2 runs" in result.notes[0]


def test_odd_boxes_are_noted():
    boxes = shifted(0, 0, 0, 0, 0)
    boxes[2, 2:] = [-3, 0]
    result = evaluate_got10k({"a": boxes}, truth_of(a=BOXES))
    assert result.overlaps[0].tolist() == [1, 0, 1, 1]
    assert result.notes == ("sequence a: 1 predicted boxes have no size, the first in row 3",)


@pytest.mark.parametrize(
    ("rows", "sequence", "message"),
    [
        (BOXES[:4], {}, "sequence a: result has 4 rows, the truth has 5; got10k refuses that"),
        (BOXES[:, :3], {}, r"sequence a: a result must have shape \(T, 4\)"),
        (np.where(np.arange(5)[:, None] == 3, np.nan, BOXES), {}, "sequence a row 4: the result is NaN"),
        (
            BOXES,
            {"size": None},
            "sequence a: the size of its images is not known, .* resolution in meta_info.ini",
        ),
        (BOXES, {"present": np.zeros(5, bool)}, "no frame after the first shows the target"),
        (BOXES, {"regions": BOXES * np.nan}, "sequence a row 2: the true box is NaN"),
    ],
)
def test_what_cannot_be_scored_is_named(rows, sequence, message):
    facts = {"name": "a", "regions": BOXES, "size": SIZE, **sequence}
    with pytest.raises(InputError, match=message):
        evaluate_got10k({"a": rows}, BenchmarkTruth("GOT10K", {"a": SequenceTruth(**facts)}))


def test_unknown_names_are_named():
    with pytest.raises(InputError, match="sequence a has no result"):
        evaluate_got10k({}, truth_of(a=BOXES))
    with pytest.raises(InputError, match="no results for sequence b"):
        evaluate_got10k({"a": BOXES}, truth_of(a=BOXES)).subset(["b"])
    with pytest.raises(InputError, match="GOT10K has no protocol 'pysot'; choose from got10k"):
        score_tracker("mine", {"a": BOXES}, truth_of(a=BOXES), "pysot")
    assert benchmark("GOT-10k") == benchmark("got10k") == benchmark("GOT10k")


def random_result(seed: int, lengths: list[int]) -> AOResult:
    rng = np.random.default_rng(seed)
    names = tuple(f"s{number}" for number in range(len(lengths)))
    return AOResult(names, tuple(rng.random(length) for length in lengths), (1,) * len(names))


def test_differences_swap_whole_sequences():
    lengths = [10, 40, 20, 5, 30, 25, 0]
    first, second = random_result(0, lengths), random_result(1, lengths)
    found = ao_differences({"x": first, "y": second})["x", "y"]
    assert found.value == pytest.approx(first.ao - second.ao)
    assert found.sequences == 6, "one has no counted frame"
    assert found.p == sign_flip_p(first.totals - second.totals)
    assert found.low < found.value < found.high
    other = ao_differences({"y": second, "x": first})["y", "x"]
    assert (other.low, other.high, other.p) == pytest.approx((-found.high, -found.low, found.p))


def test_many_sequences_are_resampled():
    lengths = np.random.default_rng(2).integers(5, 50, 40).tolist()
    first, second = random_result(3, lengths), random_result(4, lengths)
    found = ao_differences({"x": first, "y": second}, resamples=4000)["x", "y"]
    share = (first.totals - second.totals - found.value * first.frames) / first.frames.mean()
    assert (found.high - found.low) / 2 / 1.96 == pytest.approx(share.std(ddof=1) / 40**0.5, rel=0.1)


def test_a_sentence_on_ao():
    truth = truth_of(**{f"s{number}": BOXES for number in range(6)})
    entries = [
        score_tracker(name, dict.fromkeys(truth.sequences, shifted(0, *[shift] * 4)), truth)
        for name, shift in (("x", 0), ("y", 10))
    ]
    metric, found = differences(entries, truth, {})
    assert as_sentences(metric, found)[0] == (
        "x improves on y by 0.667 AO (95 % interval 0.667 to 0.667, p = 0.031, 6 sequences)."
    )


SIDES = st.integers(-3, 12).map(float)
PAIRS = st.lists(st.tuples(*[SIDES] * 8), min_size=2, max_size=8).map(np.array)


@given(PAIRS, st.randoms(use_true_random=False))
def test_properties(rows: np.ndarray, order):
    """Small whole numbers put many overlaps on a threshold, and many boxes beyond the image."""
    truth, predicted = rows[:, :4], rows[:, 4:]
    sequence = SequenceTruth("a", truth, size=(9, 7))
    result = evaluate_got10k({"a": predicted}, BenchmarkTruth("GOT10K", {"a": sequence}))
    rates = [result.success_rate(threshold) for threshold in (0, 0.5, 0.75, 1)]
    assert 0 <= result.ao <= 1
    assert rates == sorted(rates, reverse=True)
    assert result.ao >= 0.75 * rates[2]
    assert rates[3] == 0
    first = predicted.copy()
    first[0] = [90, 90, 1, 1]
    shuffled = [0, *order.sample(range(1, len(rows)), len(rows) - 1)]
    for changed, boxes in ((truth, first), (truth[shuffled], predicted[shuffled]), (predicted, truth)):
        again = BenchmarkTruth("GOT10K", {"a": SequenceTruth("a", changed, size=(9, 7))})
        assert evaluate_got10k({"a": boxes}, again).ao == pytest.approx(result.ao)


@given(PAIRS)
def test_overlaps_of_the_toolkit(rows: np.ndarray):
    metrics = pytest.importorskip("got10k.utils.metrics", reason="got10k and six are not installed")
    truth = BenchmarkTruth("GOT10K", {"a": SequenceTruth("a", rows[:, :4], size=(9, 7))})
    found = evaluate_got10k({"a": rows[:, 4:]}, truth).overlaps[0]
    wanted = metrics.rect_iou(rows[1:, 4:].copy(), rows[1:, :4].copy(), bound=(9, 7))
    assert found == pytest.approx(wanted, abs=1e-12)
    assert (found > 0.5).tolist() == (wanted > 0.5).tolist()


NAMES = ("GOT-10k_Val_000001", "GOT-10k_Val_000002", "GOT-10k_Val_000003")


def write_sequences(
    folder: Path, seed: int, names: tuple[str, ...] = NAMES, *, images: bool = True
) -> dict[str, np.ndarray]:
    """Sequences in GOT-10k's layout, with empty images; boxes reach beyond the image, and targets hide at times."""
    rng = np.random.default_rng(seed)
    found = {}
    for name in names:
        count = int(rng.integers(6, 25))
        home = folder / name
        home.mkdir(parents=True)
        boxes = np.column_stack([rng.uniform(-20, 90, (count, 2)), rng.uniform(5, 60, (count, 2))]).round(4)
        np.savetxt(home / "groundtruth.txt", boxes, fmt="%.4f", delimiter=",")
        np.savetxt(home / "cover.label", rng.integers(0, 9, count), fmt="%d")
        for label in ("absence", "cut_by_image"):
            np.savetxt(home / f"{label}.label", np.zeros(count), fmt="%d")
        (home / "meta_info.ini").write_text("[META]\nanno_fps: 10Hz\nresolution: (100, 80)\n")
        for number in range(1, count * images + 1):
            (home / f"{number:08d}.jpg").touch()
        found[name] = boxes
    (folder / "list.txt").write_text("\n".join(names))
    return found


def write_results(folder: Path, truth: dict[str, np.ndarray], seed: int, runs: int) -> None:
    rng = np.random.default_rng(seed)
    for number, (name, boxes) in enumerate(truth.items()):
        home = folder / name
        home.mkdir(parents=True)
        for run in range(1, runs + 1 + number % 2):
            rows = boxes + rng.normal(0, 12, boxes.shape)
            np.savetxt(home / f"{name}_{run:03d}.txt", rows, fmt="%.3f", delimiter=",")
        np.savetxt(home / f"{name}_time.txt", np.full((len(boxes), runs), 0.02), fmt="%.8f", delimiter=",")


@pytest.mark.parametrize("seed", range(4))
def test_the_toolkit_as_a_referee(tmp_path: Path, monkeypatch, seed: int):
    """Its own experiment reports on the same folders, with one to four runs of each sequence."""
    experiments = pytest.importorskip("got10k.experiments.got10k", reason="got10k and six are not installed")
    monkeypatch.setattr(experiments.ExperimentGOT10k, "plot_curves", lambda *arguments: None)
    truth = write_sequences(tmp_path / "data" / "val", seed)
    for number in (1, 2):
        write_results(
            tmp_path / "results" / "GOT-10k" / f"t{number}",
            truth,
            10 * seed + number,
            1 + (seed + number) % 3,
        )
    monkeypatch.chdir(tmp_path)
    judge = experiments.ExperimentGOT10k(str(tmp_path / "data"), subset="val")
    reports = judge.report(["t1", "t2"])
    ours: dict[str, AOResult] = {}
    found = read_truth("GOT10K", tmp_path / "data")
    failures = each_tracker(
        found, [tmp_path / "results"], lambda name, rows: ours.update({name: evaluate_got10k(rows, found)})
    )
    assert not failures
    for name, report in reports.items():
        overall = report["overall"]
        assert ours[name].ao == pytest.approx(overall["ao"], abs=1e-12)
        assert ours[name].success_rate(0.5) == pytest.approx(overall["sr"], abs=1e-12)
        assert ours[name].success_rate(0.75) == pytest.approx(overall["succ_curve"][75], abs=1e-12)
        for sequence, ao in zip(ours[name].names, ours[name].sequence_ao, strict=True):
            assert ao == pytest.approx(report["seq_wise"][sequence]["ao"], abs=1e-12)


def test_its_files_are_found_from_every_folder(tmp_path: Path):
    """The folder above, the data set, its split, and a user's own folder with a list and without one."""
    write_sequences(tmp_path / "GOT-10k" / "val", 0, images=False)
    expected = read_truth("GOT10K", tmp_path / "GOT-10k" / "val")
    assert list(expected.sequences) == list(NAMES)
    assert len(expected.missing) == 177
    for place in (tmp_path, tmp_path / "GOT-10k"):
        assert read_truth("GOT10K", place).missing == expected.missing
    own = write_sequences(tmp_path / "own", 1, ("b", "a"), images=False)
    assert (
        list(read_truth("GOT10K", tmp_path / "own").sequences),
        read_truth("GOT10K", tmp_path / "own").missing,
    ) == (
        ["b", "a"],
        (),
    )
    (tmp_path / "own" / "list.txt").unlink()
    truth = read_truth("GOT10K", tmp_path / "own")
    assert list(truth.sequences) == ["a", "b"]
    assert np.array_equal(truth.boxes["b"], own["b"])
    assert truth.sequences["a"].size == SIZE
    cover = np.loadtxt(tmp_path / "own" / "a" / "cover.label")
    assert truth.present["a"].tolist() == (cover > 0).tolist()


def test_truth_in_json(tmp_path: Path):
    text = '{"x": {"gt": [[1, 2, 9, 9], [1, 2, 9, 9], null], "absent": [1, 1, 0], "width": 40, "height": 30}}'
    (tmp_path / "gt.json").write_text(text)
    truth = read_truth("GOT10K", tmp_path / "gt.json")
    assert truth.missing == ()
    assert evaluate_got10k({"x": truth.boxes["x"]}, truth).ao == 1


def change(folder: Path, name: str, text: str | None) -> None:
    path = folder / "a" / name
    path.unlink() if text is None else path.write_text(text)


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        (
            "groundtruth.txt",
            "1,2,3,4\n1_0,2,3,4\n",
            r"a/groundtruth\.txt row 2: '1_0,2,3,4' is not x, y, w, h",
        ),
        ("groundtruth.txt", "1,2,3,4\n", "has the first box alone, as in the test set"),
        ("groundtruth.txt", None, r"cannot read .*a/groundtruth\.txt"),
        ("cover.label", "8\n9\n", r"a/cover\.label row 2 is '9'; a whole number from 0 to 8 is needed"),
        ("cover.label", "8\n8\n", r"a/cover\.label has 2 rows for \d+ boxes; one per box is needed"),
        ("cover.label", None, r"cannot read .*a/cover\.label"),
        ("meta_info.ini", "[META]\nurl: x\n", r"a/meta_info\.ini: resolution is ''; \(WIDTH, HEIGHT\) in px"),
        ("meta_info.ini", "[META]\nresolution: (0, 9)\n", r"a/meta_info\.ini: resolution is '\(0, 9\)'"),
    ],
)
def test_damaged_files_are_named(tmp_path: Path, name: str, text: str | None, message: str):
    write_sequences(tmp_path, 0, ("a",), images=False)
    change(tmp_path, name, text)
    with pytest.raises(InputError, match=message) as caught:
        read_truth("GOT10K", tmp_path)
    assert "\n" not in str(caught.value)


def test_rows_without_a_box_need_a_cover_of_0(tmp_path: Path):
    write_sequences(tmp_path, 0, ("a",), images=False)
    change(tmp_path, "groundtruth.txt", "1,2,3,4\nNaN,NaN,NaN,NaN\n")
    change(tmp_path, "cover.label", "8\n0\n")
    assert read_truth("GOT10K", tmp_path).present["a"].tolist() == [True, False]
    change(tmp_path, "cover.label", "8\n1\n")
    with pytest.raises(InputError, match=r"row 2: the box is NaN, but its cover\.label is 1; only where"):
        read_truth("GOT10K", tmp_path)
    change(tmp_path, "groundtruth.txt", "1,2,0,4\n1,2,3,4\n")
    with pytest.raises(InputError, match="row 1: there is no box with a size"):
        read_truth("GOT10K", tmp_path)


def test_sequences_that_are_not_there(tmp_path: Path):
    with pytest.raises(
        InputError, match=r"holds neither val/list\.txt of GOT-10k nor sequences in its layout"
    ):
        read_truth("GOT10K", tmp_path)
    with pytest.raises(InputError, match="is neither a file nor a folder; the truth of GOT10K is needed"):
        read_truth("GOT10K", tmp_path / "none")
    write_sequences(tmp_path, 0, ("a", "b"), images=False)
    (tmp_path / "list.txt").write_text("a\nb\nc\n")
    with pytest.raises(InputError, match=r"lacks the folders of c, which its list\.txt names"):
        read_truth("GOT10K", tmp_path)
    truth = read_truth("GOT10K", tmp_path, allow_missing=True)
    assert (list(truth.sequences), truth.missing) == (["a", "b"], ("c",))


def test_repetitions_and_flat_folders_of_results(tmp_path: Path):
    truth = truth_of(a=BOXES, b=BOXES)
    for name in ("a", "b"):
        for run, shift in ((1, 0), (2, 10)):
            path = tmp_path / "r" / "several" / name / f"{name}_{run:03d}.txt"
            path.parent.mkdir(parents=True, exist_ok=True)
            np.savetxt(path, shifted(0, *[shift] * 4), delimiter=",")
        flat = tmp_path / "r" / "flat" / f"{name}.txt"
        flat.parent.mkdir(exist_ok=True)
        np.savetxt(flat, BOXES, delimiter=",")
    (tmp_path / "r" / "several" / "a" / "a_time.txt").write_text("0.1,0.1\n" * 5)
    (tmp_path / "r" / "several" / "b" / "b_002.txt").rename(tmp_path / "r" / "several" / "b" / "b_003.txt")
    scores: dict[str, AOResult] = {}
    each_tracker(
        truth, [tmp_path / "r"], lambda name, rows: scores.update({name: evaluate_got10k(rows, truth)})
    )
    assert {name: result.runs for name, result in scores.items()} == {"several": (2, 2), "flat": (1, 1)}
    assert (scores["several"].ao, scores["flat"].ao) == pytest.approx((2 / 3, 1))


def test_the_miniature(tmp_path: Path):
    root = write_mini("got10k", tmp_path)
    truth = read_truth("GOT10K", root)
    assert list(truth.sequences) == ["GOT-10k_Val_000001"]
    assert truth.missing == (), "a miniature is whole"
    assert evaluate_got10k(truth.boxes, truth).ao == pytest.approx(1)
