"""`dlatrack train --assigner` and `--import`: a rule by name, one of the user's own, and what is refused."""

from __future__ import annotations

import re
import sys

import pytest

from dlatrack import cli, paths
from dlatrack.assign import ASSIGNERS
from dlatrack.datasets.folder import write_folder
from dlatrack.datasets.synthetic import synthetic_sequences
from dlatrack.models.weights import load_weights

SHORT = ["--epochs", "1", "--pairs-per-epoch", "4", "--batch", "2"]

WIDE = """
from dlatrack import register_assigner
from dlatrack.assign import CircleAssigner

register_assigner("wide_circle", lambda grid, **options: CircleAssigner(grid, inner=24, outer=24, **options))
"""


def call(monkeypatch, capsys, *arguments) -> tuple[int, str, str]:
    monkeypatch.setattr(sys, "argv", ["dlatrack", *map(str, arguments)])
    with pytest.raises(SystemExit) as stop:
        cli.main()
    captured = capsys.readouterr()
    return stop.value.code or 0, captured.out, captured.err


@pytest.fixture(scope="module")
def clips(tmp_path_factory):
    root = tmp_path_factory.mktemp("clips")
    for sequence in synthetic_sequences(2, seed=60, length=5, challenges=()):
        write_folder(sequence, root)
    return root


@pytest.fixture
def own_rules(monkeypatch):
    before = dict(ASSIGNERS)
    monkeypatch.setattr(sys, "path", [*sys.path])
    yield
    ASSIGNERS.clear()
    ASSIGNERS.update(before)


def test_a_tracker_is_trained_under_another_rule(monkeypatch, capsys, clips, tmp_path):
    command = ["train", "siamcar_small", "--assigner", "simota:radius=1.5,soft=true", "--data", clips, *SHORT]
    status, text, _ = call(monkeypatch, capsys, *command, "--out", tmp_path / "run")
    assert status == 0
    file = tmp_path / "run" / "siamcar_small+simota,radius=1.5,soft=true.safetensors"
    assert str(file) in text
    _, chosen = load_weights(file)
    assert chosen.assign.name == "simota"
    assert dict(chosen.assign.options) == {"radius": 1.5, "soft": True}
    status, text, _ = call(monkeypatch, capsys, *command, "--out", tmp_path / "run")
    assert status == 0
    assert "resuming from" in text
    other = [*command[:3], "simota:radius=2.5,soft=true", *command[4:], "--out", tmp_path / "run"]
    status, _, error = call(monkeypatch, capsys, *other)
    assert status == 2
    assert "belongs to another run: recipe.assign.options.radius is 1.5 there and 2.5 here" in error


@pytest.mark.usefixtures("own_rules")
def test_a_rule_of_ones_own_is_imported(monkeypatch, capsys, clips, tmp_path):
    file = tmp_path / "my_rule.py"
    file.write_text(WIDE)
    options = ["--assigner", "wide_circle", "--import", file, "--data", clips, *SHORT]
    status, text, _ = call(monkeypatch, capsys, "train", "siamcar_small", *options, "--out", tmp_path / "run")
    assert status == 0
    assert "siamcar_small+wide_circle.safetensors" in text
    command = ["train", "siamcar_small", *options, "--out", tmp_path / "run"]
    assert call(monkeypatch, capsys, *command)[0] == 0, "a finished run is only read"
    file.write_text(WIDE.replace("24", "32"))
    status, _, error = call(monkeypatch, capsys, *command)
    assert status == 2
    assert "belongs to another run: source of the label assigner is" in error


@pytest.mark.usefixtures("own_rules")
def test_the_file_of_the_docs_is_imported(monkeypatch, capsys, clips, tmp_path):
    """Its class has annotations of names that only its own module knows."""
    text = (paths.root() / "docs" / "extending.md").read_text()
    (block,) = (
        part for part in re.findall(r"```python\n(.*?)```", text, re.DOTALL) if "# predicted_iou.py" in part
    )
    file = tmp_path / "predicted_iou.py"
    file.write_text(block)
    options = ["--import", file, "--assigner", "predicted_iou:least=0.5", "--data", clips, *SHORT]
    status, text, _ = call(monkeypatch, capsys, "train", "siamcar_small", *options, "--out", tmp_path / "run")
    assert status == 0
    assert "siamcar_small+predicted_iou,least=0.5.safetensors" in text


@pytest.mark.usefixtures("own_rules")
@pytest.mark.parametrize(
    ("content", "message"),
    [
        (None, "--import: there is no file "),
        ("x = (1,\n", "my_rule.py, line 1: SyntaxError: "),
        ("raise SystemExit(3)\n", "my_rule.py, line 1: SystemExit: 3"),
        ("a = 1\nb = c\n", "my_rule.py, line 2: NameError: name 'c' is not defined"),
        ("import nothing_of_that_name\n", "my_rule.py, line 1: ModuleNotFoundError"),
        (
            WIDE.replace("wide_circle", "iou"),
            "'iou' is a label assigner of dlatrack; give yours another name",
        ),
    ],
)
def test_a_file_that_cannot_be_imported_is_named(monkeypatch, capsys, tmp_path, content, message):
    file = tmp_path / "my_rule.py"
    if content is not None:
        file.write_text(content)
    command = [
        "train",
        "siamcar_small",
        "--import",
        file,
        "--assigner",
        "wide_circle",
        "--out",
        tmp_path / "run",
    ]
    status, _, error = call(monkeypatch, capsys, *command)
    assert status == 2
    assert message in error
    assert error.count("\n") == 1
    assert not (tmp_path / "run").exists()


def test_equation_3_and_another_offset_are_trained_and_resumed(monkeypatch, capsys, clips, tmp_path):
    rule = "dla_points:point_offset=32,classification=eq3"
    command = [
        "train",
        "dla_siamcar_nano",
        "--assigner",
        rule,
        "--data",
        clips,
        *SHORT,
        "--out",
        tmp_path / "run",
    ]
    status, _, _ = call(monkeypatch, capsys, *command)
    assert status == 0
    file = tmp_path / "run" / "siamcar_nano+dla_points,point_offset=32,classification=eq3.safetensors"
    _, chosen = load_weights(file)
    assert (chosen.assign.point_offset, chosen.loss.classification_form) == (32, "eq3")
    status, text, _ = call(monkeypatch, capsys, *command)
    assert (status, "resuming from" in text) == (0, True)
    command[3] = "dla_points:point_offset=32"
    status, _, error = call(monkeypatch, capsys, *command)
    assert status == 2
    assert "recipe.loss.classification_form is eq3 there and balanced here" in error


@pytest.mark.parametrize(
    ("recipe", "rule", "message"),
    [
        ("siamcar_small", "simotta", "there is no label assigner 'simotta'; choose from dla, "),
        (
            "siamcar_small",
            "simota:topk=3",
            "label assigner simota: there is no option 'topk'; its options are ",
        ),
        ("siamcar_small", "simota:top=many", "label assigner simota: top must be a whole number, got 'many'"),
        ("siamcar_small", "simota:top=626", "label assigner simota: top must be in 1..625"),
        ("siamcar_small", "atss:candidates=0", "label assigner atss: candidates must be in 1..625"),
        ("siamrpnpp_small", "autoassign", "label assigner autoassign: the rule is defined for points"),
        ("siamcar_small", "dla_points:point_offset=far", "point_offset must be a number, got 'far'"),
        (
            "siamcar_small",
            "dla_points:point_offset=300",
            "point_offset must be in 0..255 (px of the search region)",
        ),
        ("siamfcpp", "dla_points:classification=eq3", "the loss of the head 'fcpp' is none"),
        ("siamcar_small", "iou:negatives=some", "negatives must be one of fixed, fill, got 'some'"),
        ("siamrpnpp_small", "rectangle", "rectangle labels 1 sample per point, but the head 'rpn' has 5"),
        ("siamfc", "tal", "tal looks at predicted boxes, but the head 'fc' predicts none"),
    ],
)
def test_rules_that_do_not_fit_are_refused_before_any_work(
    monkeypatch, capsys, tmp_path, recipe, rule, message
):
    status, _, error = call(
        monkeypatch, capsys, "train", recipe, "--assigner", rule, "--out", tmp_path / "run"
    )
    assert status == 2
    assert message in error
    assert error.count("\n") == 1
    assert not (tmp_path / "run").exists()
