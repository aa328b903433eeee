"""A declared study from its declaration to its report, over a tiny folder of shared data."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from matplotlib.figure import Figure

from dlatrack.datasets.sequence import Sequence
from dlatrack.errors import InputError
from dlatrack.models.weights import find_weights, read_weights_info
from dlatrack.recipes import recipe
from dlatrack.sampling.store import CropStore
from dlatrack.studies.declared import analysis, materials, runner
from dlatrack.studies.declared.cell import RESULT, WEIGHTS, Workshop, run_cells
from dlatrack.studies.declared.declaration import OURS, Cell, StudyDeclaration, read_declaration
from dlatrack.studies.declared.materials import clip_name, training_mixture
from dlatrack.studies.declared.runner import cells_folder, chosen_cells, gather, results, run_study
from dlatrack.studies.declared.tables import merged, read_tables, tables_of, write_tables
from dlatrack.studies.declared.words import state
from dlatrack.tracking.workers import one_core
from dlatrack.viz.study_report import study_report
from tests.command import call
from tests.studies.shared_folder import DECLARATION, write_shared


@pytest.fixture(scope="module")
def study(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """StudyDeclaration beside a folder `shared`; runs and cache lie in the same place."""
    root = tmp_path_factory.mktemp("study")
    write_shared(root / "shared")
    path = root / "tiny.toml"
    path.write_text(DECLARATION)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DLATRACK_RUNS", str(root / "runs"))
        patch.setenv("DLATRACK_CACHE", str(root / "cache"))
        patch.setenv("DLATRACK_SHARED_DATA", str(root / "shared"))
        yield path


@pytest.fixture(scope="module")
def run(study: Path) -> StudyDeclaration:
    """The study after all its cells have run."""
    assert run_study(study, study.parent / "shared", jobs=1) == 10
    return read_declaration(study)


def test_our_declaration_holds_what_the_page_says() -> None:
    declaration = read_declaration()
    cells = declaration.cells()
    assert len(cells) == len({cell.name for cell in cells}) == 144
    assert [cell.seed for cell in cells] == sorted(cell.seed for cell in cells), "first seeds first"
    assert {cell.tracker for cell in cells if cell.regime == "from_nanotrack"} == {"nanotrack_v3"}
    for cell in cells[:36]:
        found = declaration.recipe(cell)
        assert found.schedule.epochs * found.schedule.pairs_per_epoch in (32_000, 40_000)
        assert found.online == recipe(cell.tracker).online, "settings are tuned for no cell"
    centre = next(cell for cell in cells if "positive_centre" in cell.name)
    assert centre.course == (1, 2, 4, 6)


def test_twins_differ_in_the_assigner_alone() -> None:
    declaration = read_declaration()
    own = declaration.recipe(Cell("from_nothing", "siamcar_nano", "own", 0)).as_dict()
    dla = declaration.recipe(Cell("from_nothing", "siamcar_nano", "dla", 0)).as_dict()
    assert {key for key in own if own[key] != dla[key]} == {"assign", "name"}


def test_regimes_of_the_small_trackers(tmp_path: Path) -> None:
    """The trunk of a regime, its teacher, and weights that another regime ends with."""
    declaration = read_declaration(OURS.with_name("small_trackers.toml"))
    workshop = Workshop(declaration, tmp_path, tmp_path / "cells")
    alone, taught, long, whole = (
        Cell(regime, "siamcar_mini", "dla", 0)
        for regime in ("labels", "taught", "taught_long", "taught_whole")
    )
    assert [workshop.teacher(cell) for cell in (alone, taught)] == [None, "nanotrack_v3"]
    assert declaration.recipe(alone) == declaration.recipe(taught)
    assert workshop.trunk(alone) == find_weights("nanotrack_v3")
    assert workshop.start(long) is None
    before = tmp_path / "cells" / "taught_long" / "siamcar_mini" / "dla" / "0" / WEIGHTS
    assert workshop.start(whole) == str(before)
    assert declaration.recipe(whole).schedule.backbone_trains(0)
    assert not declaration.recipe(long).schedule.backbone_trains(29)


def test_names_of_clips() -> None:
    assert clip_name("cubes_3-12") == "cubes_3"
    assert clip_name("davis_kite-surf") == "davis_kite-surf"
    assert clip_name("tld_car") == "tld_car"


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ('regime = "tuned"', 'regime = "untuned"', "regime 'untuned'; there are from_nothing, tuned"),
        ("seeds = 2", "seeds = 0", "needs a seed or more"),
        ("course = [0, 1]", "course = [2]", "a course of epochs from 0 to 1"),
        ("rate = 0.001", "rate = true", "expected `float`"),
        ("videos", "videos", "cannot read"),
    ],
)
def test_a_wrong_declaration(tmp_path: Path, old: str, new: str, message: str) -> None:
    path = tmp_path / "wrong.toml"
    if old != new:
        path.write_text(DECLARATION.replace(old, new))
    with pytest.raises(InputError, match=message):
        read_declaration(path)


@pytest.mark.parametrize(
    ("value", "p", "equivalent", "words"),
    [
        (0.02, 0.01, False, "better"),
        (-0.02, 0.01, False, "worse"),
        (0.004, 0.01, True, "better, equivalent within 0.01"),
        (0.001, 0.7, True, "equivalent within 0.01"),
        (0.02, 0.2, False, "undecided"),
    ],
)
def test_verdicts_by_the_declared_rule(value: float, p: float, equivalent: bool, words: str) -> None:
    assert analysis.verdict_on(value, p, equivalent) == words


def test_no_clip_is_on_both_sides(study: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    declaration, shared = read_declaration(study), study.parent / "shared"
    trained_on: dict[str, set[str]] = {}

    def cut(name: str, _: object, tracks: Callable[[], list[Sequence]]) -> CropStore:
        trained_on[name] = {track.name for track in tracks()}
        return CropStore.build(tracks())

    monkeypatch.setattr(materials, "_cached", cut)
    training_mixture(shared, declaration.training)
    tested_on = {name: {t.name for t in tracks} for name, tracks in declaration.tests.open(shared).items()}
    assert trained_on["clips"] == {"masked", "masked-mirrored"}
    assert trained_on["footage"] == {"shown"}
    assert tested_on["video"] == {"plain", "other"}
    assert tested_on["footage"] == {"held_1"}
    assert not set.union(*trained_on.values()) & set.union(*tested_on.values())


@pytest.mark.slow
def test_every_cell_runs_once(run: StudyDeclaration, study: Path) -> None:
    assert run_study(study, study.parent / "shared", jobs=2) == 0, "finished cells are kept"
    home = cells_folder(run)
    for cell in run.cells():
        result = json.loads((home / cell.name / RESULT).read_text())
        assert read_weights_info(home / cell.name / WEIGHTS).recipe.name == cell.recipe.name
        assert {name: len(found) for name, found in result["scores"].items()} == {
            "video": 2,
            "footage": 1,
            "photographic": 1,
        }
        assert all(len(runs) == 2 for found in result["scores"].values() for runs in found.values())
        assert len(result["history"]) == 2
        assert set(result["course"]) == ({"0", "1"} if cell.regime == "tuned" else set())
        assert not list((home / cell.name).glob("training-*")), "the checkpoint is gone"


@pytest.mark.slow
def test_a_cell_gives_the_same_bits_again_and_after_an_interruption(
    run: StudyDeclaration, study: Path, tmp_path: Path
) -> None:
    cell = Cell("tuned", "nanotrack_v3", "dla", 1, (0, 1))
    workshop = Workshop(run, study.parent / "shared", tmp_path)
    first = json.loads((cells_folder(run) / cell.name / RESULT).read_text())

    class StopError(Exception):
        pass

    def stop(row: object, total: int) -> None:
        if len(seen) == 2:
            raise StopError
        seen.append(row)

    seen: list[object] = []
    with one_core():  # as the processes of a study
        with pytest.raises(StopError):
            run_cells(workshop, [cell], stop)
        (again,) = run_cells(workshop, [cell])
    assert again["weights_sha256"] == first["weights_sha256"]
    assert again["scores"] == first["scores"]
    assert again["course"] == first["course"]


@pytest.mark.slow
def test_another_declaration_makes_another_cell(run: StudyDeclaration, study: Path) -> None:
    cell = run.cells()[0]
    longer = study.with_name("longer.toml")
    longer.write_text(DECLARATION.replace("pairs_per_epoch = 8", "pairs_per_epoch = 12", 1))
    shared = study.parent / "shared"
    one, other = (Workshop(each, shared, study) for each in (read_declaration(longer), run))
    assert one.decided_by(cell) != other.decided_by(cell)


@pytest.mark.slow
def test_tables_keep_every_number(run: StudyDeclaration, tmp_path: Path) -> None:
    tables = gather(run, tmp_path)
    write_tables(tables, tmp_path)
    again = read_tables(tmp_path)
    cell = run.cells()[0]
    result = json.loads((cells_folder(run) / cell.name / RESULT).read_text())
    assert again.auc(cell, ("video",)).tolist() == list(result["scores"]["video"].values())
    assert again.targets(("footage",)) == ["held_1"]
    assert state(run, again).startswith("All 10 cells")
    part = tables_of({cell.name: result})
    assert state(run, part).startswith("1 of 10 cells")
    assert len(merged(part, again).cells) == 10
    (tmp_path / "study" / "scores.csv").write_text("cell;run\n")
    with pytest.raises(InputError, match=r"scores\.csv is no table"):
        read_tables(tmp_path)


@pytest.mark.slow
def test_the_report_is_drawn_from_the_tables_alone(
    run: StudyDeclaration,
    study: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    status, out, _ = call(monkeypatch, capsys, "study", "report", study, "--out", tmp_path)
    assert status == 0
    assert "All 10 cells" in out
    assert "with 2 seeds each" in " ".join(out.split())
    names = {path.stem for path in tmp_path.glob("study_*.png")}
    assert names == {
        "study_forest",
        "study_variance",
        "study_fine_tuning",
        "study_fine_tuning_course",
    }
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir() if path.is_file()}
    monkeypatch.setenv("DLATRACK_RUNS", str(tmp_path / "nothing"))
    assert call(monkeypatch, capsys, "study", "report", study, "--out", tmp_path)[0] == 0
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir() if path.is_file()} == before
    shutil.rmtree(tmp_path / "study")
    status, _, error = call(monkeypatch, capsys, "study", "report", study, "--out", tmp_path)
    assert status == 2
    assert "no cell of tiny is finished" in error


@pytest.mark.slow
def test_status_and_a_name_that_is_in_no_cell(
    run: StudyDeclaration, study: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    _, out, _ = call(monkeypatch, capsys, "study", "status", study)
    assert "10 of 10 cells are finished" in out
    status, _, error = call(monkeypatch, capsys, "study", "status", study, "--only", "nix")
    assert status == 2
    assert "no cell of tiny has 'nix' in its name; names are like from_nothing/siamcar_nano/own/0" in error
    assert [cell.seed for cell in chosen_cells(run, "siamcar_nano/dla")] == [0, 1]
    monkeypatch.setenv("DLATRACK_SHARED_DATA", str(study.parent / "none"))
    status, _, error = call(monkeypatch, capsys, "study", "run", study)
    assert status == 2
    assert "DLATRACK_SHARED_DATA" in error


@pytest.mark.slow
def test_differences_are_those_of_the_scores(run: StudyDeclaration, tmp_path: Path) -> None:
    tables = gather(run, tmp_path)
    (found,) = (each for each in analysis.main_comparisons(run, tables) if each.question == "families")
    cells = {
        rule: [Cell("from_nothing", "siamcar_nano", rule, seed) for seed in (0, 1)] for rule in ("own", "dla")
    }
    means = {
        rule: np.mean([tables.auc(cell, ("video", "footage")) for cell in each])
        for rule, each in cells.items()
    }
    assert found.auc == pytest.approx(means["dla"])
    assert found.difference.value == pytest.approx(means["dla"] - means["own"])
    assert found.base == "rectangle 0.4"


@pytest.mark.slow
def test_a_cell_of_another_declaration_is_run_again(run: StudyDeclaration, study: Path) -> None:
    result = cells_folder(run) / run.cells()[0].name / RESULT
    before = json.loads(result.read_text())
    result.write_text(json.dumps({**before, "decided_by": "another"}))
    assert run_study(study, study.parent / "shared") == 1
    assert json.loads(result.read_text()) == before


@pytest.mark.slow
def test_cells_that_another_machine_finished_are_not_run(
    run: StudyDeclaration, study: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shared = study.parent / "shared"
    elsewhere = [cell for cell in run.cells() if cell.seed == 0]
    write_tables(tables_of(results(run, elsewhere)), tmp_path / "figures")
    monkeypatch.setenv("DLATRACK_RUNS", str(tmp_path / "fresh"))
    assert run_study(study, shared, only=elsewhere[0].name, besides=tmp_path / "figures") == 0
    assert run_study(study, shared, only="own/1", besides=tmp_path / "figures") == 2
    assert len(gather(run, tmp_path / "figures").cells) == len(elsewhere) + 2


@pytest.mark.slow
def test_a_cell_that_cannot_be_trained_stops_no_others(
    run: StudyDeclaration, study: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def run_some(workshop: Workshop, cells: list[Cell]) -> list[dict[str, object]]:
        if cells[0].pairs == run.cells()[0].pairs:
            raise InputError("training stopped in epoch 0")
        seen.extend(cell.name for cell in cells)
        return [{} for _ in cells]

    def in_turn(worker: Callable[[], Callable[[str], object]], tasks: list[str], *_: object, **__: object):
        return [(task, worker()(task)) for task in tasks]

    seen: list[str] = []
    monkeypatch.setenv("DLATRACK_RUNS", str(tmp_path / "fresh"))
    monkeypatch.setattr(runner, "run_cells", run_some)
    monkeypatch.setattr(runner, "run_tasks", in_turn)
    with pytest.raises(
        InputError, match=rf"these are not: {run.cells()[0].pairs}: training stopped in epoch 0"
    ):
        run_study(study, study.parent / "shared")
    assert seen == [cell.name for cell in run.cells() if cell.pairs != run.cells()[0].pairs]


def test_a_folder_without_tables_is_named(study: Path, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"cells\.csv"):
        run_study(study, study.parent / "shared", besides=tmp_path)


@pytest.mark.slow
def test_an_unfinished_study_says_so_and_draws_nothing_from_one_rule(run: StudyDeclaration) -> None:
    cells = [cell for cell in run.cells() if cell.rule == "own" and cell.seed == 0]
    report = study_report(run, tables_of(results(run, cells)))
    assert report.words.startswith("2 of 10 cells have run.")
    assert "no conclusion" in report.words
    assert report.parts == ()
    assert report.show("study_forest") == "study_forest: too few of its cells have run"


@pytest.mark.slow
def test_titles_of_an_unfinished_study_fit(run: StudyDeclaration) -> None:
    cells = [cell for cell in run.cells() if cell.name != run.cells()[-1].name]
    report = study_report(run, tables_of(results(run, cells)))
    figures = [part.shown for part in report.parts if isinstance(part.shown, Figure)]
    assert figures
    for figure in figures:
        assert "9 of 10 cells have run" in figure.get_suptitle()
        assert len(figure.get_suptitle()) <= 100
