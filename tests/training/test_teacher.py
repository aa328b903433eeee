"""Training with a teacher: its answers at the student's points, the bits of runs, and what cannot teach."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import torch

from dlatrack.datasets.synthetic import synthetic_sequences
from dlatrack.errors import InputError
from dlatrack.models.inference.cpu_convolution import onednn_available
from dlatrack.models.inference.frozen import FrozenTrunk
from dlatrack.models.weights import find_weights, load_weights
from dlatrack.recipes import Recipe, Schedule, recipe
from dlatrack.sampling.pairs import PairSource
from dlatrack.sampling.store import CropStore
from dlatrack.training import run as run_module
from dlatrack.training.compute import Compute
from dlatrack.training.engine import train, train_side_by_side
from dlatrack.training.identity import describe_run
from dlatrack.training.replay import replay
from dlatrack.training.run import CHECKPOINT, FAILED_STEP
from dlatrack.training.step import NotFiniteError
from dlatrack.training.teacher import Teacher

TEACHER = "nanotrack_v3"

SHORT = Schedule(
    epochs=2,
    pairs_per_epoch=5,
    batch=3,
    warmup_epochs=0,
    rate=0.02,
    unfreeze_epoch=1,
    backbone_start="shipped",
)


def short(name: str) -> Recipe:
    return replace(recipe(name), schedule=SHORT, sampling=recipe("siamcar_nano").sampling)


@pytest.fixture(scope="module")
def store() -> CropStore:
    return CropStore.build(synthetic_sequences(2, seed=50, length=4, challenges=()))


def test_answers_lie_at_the_points_of_the_student(store: CropStore) -> None:
    """The student's 13 x 13 points from 31 px are the inner ones of the teacher's 15 x 15 from 15 px."""
    student = short("siamcar_nano")
    teacher = Teacher.of(TEACHER, student)
    teacher.prepare("cpu")
    batch = PairSource(store, student.sampling, student.net, 0).batch(0, 0, 2)
    found = teacher.answer(batch, student.grid)
    whole = teacher.answer(batch, teacher.recipe.grid)
    inner = whole.probability.view(2, 15, 15)[:, 1:14, 1:14].reshape(2, -1)
    assert torch.equal(found.probability, inner)
    assert torch.equal(found.boxes_xyxy, whole.boxes_xyxy.view(2, 15, 15, 4)[:, 1:14, 1:14].reshape(2, -1, 4))
    points = student.grid.points.float()
    held = (found.boxes_xyxy[..., :2] <= points) & (points <= found.boxes_xyxy[..., 2:])
    assert held.all(), "a box that is predicted at a point holds it"


def test_it_answers_as_the_trained_network_does(store: CropStore) -> None:
    """A teacher in its frozen training mode is the tracker that was shipped, but for rounding."""
    from dlatrack.models.predictions import predict
    from dlatrack.models.preprocess import to_network_input

    student = short("siamcar_nano")
    teacher = Teacher.of(TEACHER, student)
    teacher.prepare("cpu")
    batch = PairSource(store, student.sampling, student.net, 0).batch(0, 0, 2)
    net, chosen = load_weights(TEACHER)
    images = (to_network_input(each, chosen.net.input_format) for each in (batch.template, batch.search))
    points = chosen.grid.points.float()
    plain = predict("nano", net(*images), torch.cat([points, points], 1))
    found = teacher.answer(batch, chosen.grid)
    torch.testing.assert_close(found.probability, plain.probability, atol=1e-3, rtol=0)


def test_it_changes_what_is_learned_and_is_in_the_identity(store: CropStore, tmp_path: Path) -> None:
    student = short("siamcar_nano")
    taught = train(student, store, tmp_path / "taught", seed=1, teacher=TEACHER)
    alone = train(student, store, tmp_path / "alone", seed=1)
    assert taught.steps[0].loss > alone.steps[0].loss
    assert taught.steps[0].loss_regression == alone.steps[0].loss_regression, (
        "the terms are those of the labels"
    )
    assert taught.steps[-1].loss_regression != alone.steps[-1].loss_regression
    described = describe_run(student, store, 1, None, teacher=TEACHER)
    assert "teacher" in described
    assert "teacher" not in describe_run(student, store, 1, None)
    with pytest.raises(InputError, match="teacher"):
        train(student, store, tmp_path / "taught", seed=1)


def test_an_interrupted_run_resumes_with_the_same_bits(store: CropStore, tmp_path: Path) -> None:
    student, steps = short("siamcar_nano"), []
    train(student, store, tmp_path / "whole", teacher=TEACHER)
    arguments = {"teacher": TEACHER, "compute": Compute(save_every=1)}
    stop = {"on_step": lambda step, _: steps.append(step), "should_stop": lambda: len(steps) == 3}
    assert train(student, store, tmp_path / "part", **arguments, **stop).stopped
    train(student, store, tmp_path / "part", **arguments)
    whole, part = (tmp_path / name / CHECKPOINT for name in ("whole", "part"))
    assert whole.read_bytes() == part.read_bytes()


def test_students_side_by_side_share_its_answers_and_have_their_own_bits(
    store: CropStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    students = [short("siamcar_nano"), short("dla_siamcar_nano")]
    answered, predicted = [], Teacher._predict
    mapped, maps = [], FrozenTrunk._maps
    monkeypatch.setattr(
        Teacher, "_predict", lambda self, batch: (answered.append(1), predicted(self, batch))[1]
    )
    monkeypatch.setattr(FrozenTrunk, "_maps", lambda self, images: (mapped.append(1), maps(self, images))[1])
    folders = [tmp_path / each.name for each in students]
    common = {"teacher": TEACHER, "backbone_weights": find_weights(TEACHER)}
    train_side_by_side(students, store, folders, until_epoch=1, **common)
    assert len(answered) == 2, "once for each batch of an epoch"
    if onednn_available():
        assert len(mapped) == 4, (
            "two images of each batch, for both students and the teacher, whose trunk is theirs"
        )
    train_side_by_side(students, store, folders, **common)
    for each, folder in zip(students, folders, strict=True):
        train(each, store, tmp_path / "alone" / each.name, **common)
        assert (folder / CHECKPOINT).read_bytes() == (
            tmp_path / "alone" / each.name / CHECKPOINT
        ).read_bytes()


def test_a_failed_step_is_repeated_without_the_weights_of_the_teacher(
    store: CropStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = []

    def refuse(figures: torch.Tensor, *_: object, **__: object) -> None:
        rows.append(figures)
        raise NotFiniteError("it is refused here")

    monkeypatch.setattr(run_module, "history_row", refuse)
    with pytest.raises(InputError, match="it is refused here"):
        train(short("siamcar_nano"), store, tmp_path, teacher=TEACHER)
    again = replay(tmp_path / FAILED_STEP)
    assert again.losses["total"] == pytest.approx(rows[0][0].item(), rel=1e-5)


@pytest.mark.parametrize(
    ("teacher", "student", "message"),
    [
        (
            TEACHER,
            "siamrpnpp_nano",
            "the head 'rpn' of siamrpnpp_nano does not predict one box at each point",
        ),
        ("siamrpnpp_small", "siamcar_nano", "the head 'rpn' of siamrpnpp_small does not predict one box"),
        (TEACHER, "siamfcpp", "its images have 127 and 255 px, the student's 127 and 289 px"),
        (
            TEACHER,
            "siamcar_small",
            "whose columns lie at 31, 39 to 223 px; the teacher's lie at 15, 31 to 239 px",
        ),
        (
            "siamcar_small",
            TEACHER,
            "whose columns lie at 15, 31 to 239 px; the teacher's lie at 31, 39 to 223 px",
        ),
        ("nowhere.safetensors", "siamcar_nano", "nowhere.safetensors"),
    ],
)
def test_what_cannot_teach_is_refused(
    store: CropStore, tmp_path: Path, teacher: str, student: str, message: str
) -> None:
    with pytest.raises(InputError) as error:
        train(short(student), store, tmp_path / "run", teacher=teacher)
    assert message in str(error.value)
    assert not (tmp_path / "run" / CHECKPOINT).exists()
