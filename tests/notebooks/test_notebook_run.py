from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack

import nbformat
import papermill
import pytest
from jupyter_client.kernelspec import KernelSpecManager
from papermill.exceptions import PapermillExecutionError
from papermill.parameterize import add_builtin_parameters, parameterize_path

from dlatrack import files, paths
from dlatrack.errors import InputError, shortened
from dlatrack.files import owned_file
from dlatrack.notebooks.jupyter_files import connection_of
from dlatrack.notebooks.run import (
    NotebookError,
    check_injected,
    check_parameters,
    find_notebook,
    run_notebook,
)

PARAMETERS = """\
preset: str = "demo"         # smoke | demo | paper
epochs: int = 4              # passes
rate: float = 0.1
boxes: bool = True
ks: list[int] = [5, 7]
names: list = []
options: dict = {}
odd: complex = 1j"""


@pytest.fixture
def clone(tmp_path, monkeypatch):
    """A clone with two notebooks; runs go to a folder that does not exist yet."""
    monkeypatch.setattr(paths, "root", lambda: tmp_path)
    for name in ("RUNS", "FIGURES", "DATA"):
        monkeypatch.delenv(f"DLATRACK_{name}", raising=False)
    write(tmp_path / "notebooks" / "03_train.ipynb", PARAMETERS, "print(preset, epochs * 2, ks)")
    write(tmp_path / "notebooks" / "11_fail.ipynb", 'preset: str = "demo"', "raise ValueError('no\\ndata')")
    return tmp_path


def write(path, parameters, *cells):
    tagged = nbformat.v4.new_code_cell(parameters, metadata={"tags": ["parameters"]})
    kernel = {"display_name": "Python 3", "language": "python", "name": "python3"}
    notebook = nbformat.v4.new_notebook(
        cells=[tagged, *map(nbformat.v4.new_code_cell, cells)], metadata={"kernelspec": kernel}
    )
    path.parent.mkdir(exist_ok=True)
    nbformat.write(notebook, path)


@pytest.mark.slow
def test_a_run_leaves_the_source_alone_and_says_where_the_output_is(clone, capfd):
    source = clone / "notebooks" / "03_train.ipynb"
    before = source.read_bytes()
    output = run_notebook(3, preset="smoke", parameters={"epochs": "5", "ks": "1,2"})
    assert output == clone / "runs" / "03_train.ipynb"
    ran = nbformat.read(output, as_version=4)
    assert ran.cells[-1].outputs[0].text == "smoke 10 [1, 2]\n"
    assert source.read_bytes() == before
    captured = capfd.readouterr()
    assert captured.out.splitlines() == [
        f"running 03_train.ipynb; its figures and tables go to {clone / 'runs' / 'figures'}",
        "smoke 10 [1, 2]",
        f"notebook written to {output}",
    ], "what cells print is seen"
    assert "Executing" not in captured.err


@pytest.mark.slow
def test_the_connection_file_is_named_after_the_output_and_removed(clone, capfd, monkeypatch):
    monkeypatch.setenv("JUPYTER_RUNTIME_DIR", str(clone / "jupyter"))
    ask = "from ipykernel.connect import get_connection_file\nprint(get_connection_file())"
    write(clone / "notebooks" / "12_where.ipynb", 'preset: str = "demo"', ask)
    output = run_notebook(12)
    file = connection_of(output)["KernelManager"]["connection_file"]
    assert file in capfd.readouterr().out.splitlines()
    assert list((clone / "jupyter").iterdir()) == []


@pytest.mark.slow
def test_a_failing_cell_is_one_line_and_keeps_the_output(clone):
    output = clone / "kept" / "x.ipynb"
    with pytest.raises(NotebookError) as caught:
        run_notebook("fail", output=output)
    assert str(caught.value) == f"11_fail.ipynb stopped at In [2]: ValueError: data (see {output})"
    assert output.is_file()


@pytest.mark.slow
def test_a_cell_beyond_its_time_stops(clone):
    write(clone / "notebooks" / "12_endless.ipynb", "", "while True: pass")
    with pytest.raises(NotebookError, match=r"12_endless\.ipynb stopped: a cell took longer than 1 s"):
        run_notebook(12, timeout=1)


@pytest.mark.parametrize("wanted", [3, "3", "03", "train", "03_train", "03_train.ipynb"])
def test_notebooks_by_number_or_name(wanted, clone):
    assert find_notebook(wanted) == clone / "notebooks" / "03_train.ipynb"


@pytest.mark.parametrize("wanted", [4, "", "tra", "../03_train", "-3", "0_3", "٣", "³", "9" * 5000])
def test_unknown_notebooks(wanted, clone):
    with pytest.raises(InputError, match="the notebooks are: 03_train, 11_fail"):
        find_notebook(wanted)


@pytest.mark.parametrize(
    ("name", "text", "value"),
    [
        ("epochs", "12", 12),
        ("rate", "1e-3", 0.001),
        ("rate", 2, 2.0),
        ("boxes", "False", False),
        ("ks", "[5, 7]", [5, 7]),
        ("ks", "5,7", [5, 7]),
        ("ks", (5, 7), [5, 7]),
        ("names", '["a", "b"]', ["a", "b"]),
        ("names", "['a_1', '1_0']", ["a_1", "1_0"]),
        ("epochs", "+12", 12),
        ("rate", "-.5e1", -5.0),
        ("options", '{"k": true}', {"k": True}),
        ("preset", "paper", "paper"),
    ],
)
def test_values_are_read_as_declared(name, text, value, clone):
    checked = check_parameters(find_notebook(3), {name: text})
    assert checked == {name: value}
    assert type(checked[name]) is type(value)


@pytest.mark.parametrize(
    ("name", "value", "allowed"),
    [
        ("epochs", "many", "int"),
        ("epochs", "4.5", "int"),
        ("epochs", 4.0, "int"),
        ("epochs", True, "int"),
        ("epochs", None, "int"),
        ("rate", "fast", "float"),
        ("rate", "nan", "float"),
        ("epochs", "1_0", "int"),
        ("epochs", "٣", "int"),
        ("epochs", "9" * 5000, "int"),
        ("rate", "1_0.5", "float"),
        ("rate", "0x1p3", "float"),
        ("rate", "1e400", "float"),
        ("ks", "[1_0, 5]", "list[int]"),
        ("ks", "5,1_0", "list[int]"),
        ("ks", "[NaN]", "list[int]"),
        ("names", "[NaN]", "list"),
        ("names", "[" * 400, "list"),
        ("options", '{"k": Infinity}', "dict"),
        ("boxes", "1", "bool"),
        ("boxes", 0, "bool"),
        ("ks", "5", "list[int]"),
        ("ks", "[5, 'x']", "list[int]"),
        ("names", "a b", "list"),
        ("options", "[1]", "dict"),
        ("preset", 3, "str"),
    ],
)
def test_ill_typed_values_never_reach_the_notebook(name, value, allowed, clone):
    with pytest.raises(InputError) as caught:
        run_notebook(3, parameters={name: value})
    assert (
        str(caught.value)
        == f"parameter {name} of 03_train.ipynb must be {allowed}, got {shortened(repr(value))}"
    )
    assert not (clone / "runs").exists()


@pytest.mark.parametrize("seed", [-1, 1_000_001, str(2**64)])
def test_a_seed_that_no_video_has_never_reaches_the_notebook(seed, clone):
    write(clone / "notebooks" / "12_seed.ipynb", "seed: int = 0", "print(seed)")
    with pytest.raises(InputError, match=rf"seed must be in 0\.\.1000000, got {seed}"):
        run_notebook(12, parameters={"seed": seed})
    assert check_parameters(find_notebook(12), {"seed": "1000000"}) == {"seed": 1_000_000}
    assert not (clone / "runs").exists()


def test_a_notebook_that_runs_is_not_run_to_the_same_place(clone):
    places = {
        clone / "runs" / "03_train.ipynb": r"03_train\.ipynb is being written .*, or write elsewhere$",
        paths.figures_dir()
        / "03_train.ipynb": r"runs/figures, where 03_train\.ipynb puts its figures, is being "
        r"written by another run \(process .*, or set DLATRACK_FIGURES to another folder$",
    }
    for place, message in places.items():
        with ThreadPoolExecutor(1) as pool, ExitStack() as stack:
            pool.submit(stack.enter_context, owned_file(place)).result()
            with pytest.raises(InputError, match=message):
                run_notebook(3, preset="smoke", output=clone / "runs" / "03_train.ipynb")
            pool.submit(stack.close).result()


def test_unknown_names_presets_and_types(clone):
    with pytest.raises(
        InputError, match=r"03_train\.ipynb has no parameter 'epoch'; it takes preset, epochs, rate"
    ):
        run_notebook(3, parameters={"epoch": 4})
    with pytest.raises(InputError, match="preset must be one of smoke, demo, paper, got 'tiny'"):
        run_notebook(3, preset="tiny")
    with pytest.raises(InputError, match="preset is given twice, as 'demo' and as 'smoke'"):
        run_notebook(3, preset="demo", parameters={"preset": "smoke"})
    with pytest.raises(
        InputError, match=r"odd of 03_train\.ipynb is declared as 'complex'; this runner reads str, int"
    ):
        run_notebook(3, parameters={"odd": "1j"})


def test_the_output_is_never_among_the_sources(clone):
    (clone / "alias").symlink_to(clone / "notebooks")
    for output in (clone / "notebooks" / "03_train.ipynb", clone / "alias" / "99_new.ipynb"):
        with pytest.raises(InputError, match="would lie among the source notebooks"):
            run_notebook(3, output=output)
    with pytest.raises(InputError, match=r"must end in \.ipynb"):
        run_notebook(3, output=clone / "out.html")
    with pytest.raises(InputError, match="cannot make the folder"):
        run_notebook(3, output=clone / "notebooks" / "03_train.ipynb" / "x.ipynb")


INJECTED = "# Parameters\n"


@pytest.mark.parametrize(
    "injected", ['preset = "smoke"', "epochs = 7\nrate = 1", "ks = [1, 2]", "boxes = False", ""]
)
def test_what_papermill_injects_may_be_what_the_notebook_declares(injected):
    check_injected({"In": ["", "%matplotlib inline", PARAMETERS, INJECTED + injected, "epochs = later()"]})


def test_nothing_is_checked_where_nothing_was_injected():
    check_injected({"In": ["", PARAMETERS, "preste = 1"]})
    check_injected({})


@pytest.mark.parametrize(
    ("injected", "message"),
    [
        ('preste = "smoke"', "this notebook has no parameter 'preste'; it takes preset, epochs"),
        ('preset = "fast"', "preset must be one of smoke, demo, paper, got 'fast'"),
        ('epochs = "two"', "parameter epochs of this notebook must be int, got 'two'"),
        ("preset = 3", "parameter preset of this notebook must be str, got 3"),
        ('ks = "[1, 2]"', r"must be list\[int\], got the text '\[1, 2\]'; .* as -y 'ks: \[1, 2\]'"),
    ],
)
def test_what_papermill_only_warns_of_is_refused(injected, message):
    with pytest.raises(InputError, match=message):
        check_injected({"In": ["", PARAMETERS, INJECTED + injected]})


@pytest.mark.parametrize("name", ["PAPERMILL_INPUT_PATH", "PAPERMILL_OUTPUT_PATH"])
def test_paths_that_papermill_injects_on_its_own_are_no_typo(name):
    check_injected({"In": ["", PARAMETERS, INJECTED + f'{name} = "a.ipynb"\nepochs = 7']})
    with pytest.raises(InputError, match="no parameter 'PAPERMILL_PATH'"):
        check_injected({"In": ["", PARAMETERS, INJECTED + 'PAPERMILL_PATH = "a.ipynb"']})


@pytest.mark.parametrize(
    ("injected", "got"),
    [
        ("epochs = float('nan')", "parameter epochs of this notebook must be int, got nan"),
        ("rate = float('-inf')", "parameter rate of this notebook must be float, got -inf"),
        ("rate = float('inf')", "parameter rate of this notebook must be float, got inf"),
        ("ks = [5, float('nan')]", "parameter ks of this notebook must be list[int], got [5, nan]"),
        ("epochs = None", "parameter epochs of this notebook must be int, got None"),
        (f"rate = 1{'0' * 400}", "parameter rate of this notebook must be float, got 1000"),
    ],
)
def test_numbers_that_are_none_are_one_line(injected, got):
    with pytest.raises(InputError) as caught:
        check_injected({"In": ["", PARAMETERS, INJECTED + injected]})
    assert str(caught.value).startswith(got)


@pytest.fixture
def calls(monkeypatch):
    """Paths that papermill would have read and written, after it has formatted them as it does."""
    made = []

    def execute(source, target, values, **_):
        made.extend(parameterize_path(path, add_builtin_parameters(values)) for path in (source, target))

    monkeypatch.setattr(papermill, "execute_notebook", execute)
    return made


@pytest.mark.parametrize("name", ["{epochs}.ipynb", "my {project}/01.ipynb", "{}{0}.ipynb", "{{x}}{.ipynb"])
def test_braces_in_the_output_stay_as_they_are(clone, calls, name, capsys):
    output = run_notebook(3, parameters={"epochs": 5}, output=clone / name)
    assert output == clone / name
    assert calls == [str(clone / "notebooks" / "03_train.ipynb"), str(clone / name)]
    assert f"notebook written to {clone / name}" in capsys.readouterr().out


@pytest.mark.parametrize("folder", ["{clone}", "a{0}b", "{epochs"])
def test_braces_in_the_place_of_the_clone_or_of_the_runs(tmp_path, calls, folder, monkeypatch):
    home = tmp_path / folder
    home.mkdir()
    monkeypatch.setattr(paths, "root", lambda: home)
    monkeypatch.setenv("DLATRACK_RUNS", str(tmp_path / "{runs}"))
    write(home / "notebooks" / "03_train.ipynb", PARAMETERS)
    assert run_notebook(3, parameters={"epochs": "5"}) == tmp_path / "{runs}" / "03_train.ipynb"
    assert calls == [str(home / "notebooks" / "03_train.ipynb"), str(tmp_path / "{runs}" / "03_train.ipynb")]


def test_without_a_home_folder_the_line_names_it(clone, calls, monkeypatch):
    def no_home(*_):
        raise RuntimeError("Could not determine home directory.")

    monkeypatch.setattr(KernelSpecManager, "find_kernel_specs", no_home)
    with pytest.raises(InputError, match=r"^there is no home folder, .*; set HOME to a folder"):
        run_notebook(3)
    assert calls == []
    assert not (clone / "runs").exists()


@pytest.mark.parametrize(
    "error", [PermissionError(13, "Permission denied", "HOME/.ipython"), NotADirectoryError(20, "No", "/x")]
)
def test_a_home_folder_that_cannot_be_used_is_named(clone, calls, error, monkeypatch):
    def refuse(*_):
        raise error

    monkeypatch.setattr(KernelSpecManager, "find_kernel_specs", refuse)
    with pytest.raises(
        InputError, match=rf"^Jupyter cannot keep its files in {error.filename}: {error.strerror}; set HOME"
    ):
        run_notebook(3)


def test_without_a_kernel_the_line_says_how_to_make_one(clone, calls, monkeypatch):
    monkeypatch.setattr(KernelSpecManager, "find_kernel_specs", lambda *_: {"julia": "/x"})
    with pytest.raises(InputError, match=r"no Jupyter kernel 'python3'; python -m ipykernel install"):
        run_notebook(3)


def test_an_output_that_cannot_be_written_is_found_before_the_run(clone, calls, monkeypatch):
    (clone / "taken.ipynb").mkdir()
    with pytest.raises(InputError, match=r"taken\.ipynb is a folder"):
        run_notebook(3, output=clone / "taken.ipynb")
    monkeypatch.setattr(files.tempfile, "TemporaryFile", no_space)
    with pytest.raises(InputError, match=r"cannot write .*full\.ipynb: No space left"):
        run_notebook(3, output=clone / "full.ipynb")
    assert calls == []


def no_space(**_):
    raise OSError(28, "No space left on device")


def test_a_failure_of_papermill_itself_is_one_line(clone, monkeypatch):
    monkeypatch.setattr(papermill, "execute_notebook", lambda *_, **__: no_space())
    with pytest.raises(
        NotebookError, match=r"^03_train\.ipynb stopped: .*No space left on device; its output"
    ):
        run_notebook(3)


@pytest.mark.parametrize(
    ("values", "data", "told"),
    [
        ({"preset": "smoke"}, "/sets", True),
        ({"preset": "smoke"}, "", False),
        ({"preset": "demo"}, "/sets", False),
        ({}, "/sets", False),
    ],
)
def test_smoke_says_at_once_that_it_ignores_data_sets(clone, calls, values, data, told, monkeypatch, capsys):
    if data:
        monkeypatch.setenv("DLATRACK_DATA", data)
    run_notebook(3, parameters=values)
    assert ("preset smoke" in capsys.readouterr().out) == told


def test_smoke_with_data_of_its_own_says_nothing_of_those_elsewhere(clone, calls, monkeypatch, capsys):
    write(clone / "notebooks" / "05_data.ipynb", 'preset: str = "demo"\ndata: str = ""')
    monkeypatch.setenv("DLATRACK_DATA", "/sets")
    run_notebook(5, preset="smoke", parameters={"data": "/mine"})
    assert "DLATRACK_DATA" not in capsys.readouterr().out


@pytest.mark.slow
def test_papermill_alone_fails_on_a_typo(clone):
    source = clone / "notebooks" / "05_check.ipynb"
    check = "from dlatrack.notebooks.run import check_injected\ncheck_injected(globals())"
    write(source, PARAMETERS, check, "print(epochs)")
    output = clone / "out.ipynb"
    papermill.execute_notebook(source, output, {"epochs": 7}, progress_bar=False)
    assert nbformat.read(output, as_version=4).cells[-1].outputs[0].text == "7\n"
    with pytest.raises(PapermillExecutionError, match="no parameter 'epoch'; it takes preset, epochs, rate"):
        papermill.execute_notebook(source, output, {"epoch": 7}, progress_bar=False)


@pytest.mark.parametrize("value", ["caf\udce9.mp4", "\udcd0\udcb8"])
def test_text_that_no_notebook_can_hold_is_refused(clone, value):
    with pytest.raises(
        InputError, match=r"parameter preset of 11_fail\.ipynb is '.*udc.*', which is not UTF-8"
    ):
        check_parameters(find_notebook(11), {"preset": value})
