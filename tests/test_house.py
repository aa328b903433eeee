"""Every module lies in its room, and imports run one way; each rule is seen to name what breaks it."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable
from pathlib import Path

import house
import pytest

from dlatrack import paths

ROOT = paths.root()
TREES = house.modules(ROOT)

#: Rooms and modules that may print, and why those outside the command line may.
PRINTING = ("cli", "notebooks", "dlatrack.progress")
PRINTING_TOO = {
    "dlatrack.adapters.vot": "a program of its own, which VOT's toolkit starts; one line of error"
}
#: Rooms that may load Matplotlib, and why a module below them may.
MATPLOTLIB = ("matplotlib", "mpl_toolkits", "seaborn")
DRAWING = ("viz", "ledger", "notebooks", "cli")
DRAWING_TOO = {
    "dlatrack.pixels.text": "letters in videos come from Matplotlib's font renderer, without a figure"
}


#: Public names that modules share, and why that confuses nobody.
SHARED_NAMES = {
    "read": "every reader of a data set has this function, and the registry calls it",
    "write": "every miniature of a data set has this function, and `write_mini` calls it",
}


def planted(module: str, source: str) -> dict[str, ast.Module]:
    """The trees of the package with some lines more in one module, which may be new."""
    old = TREES[module].body if module in TREES else []
    return {**TREES, module: ast.Module([*old, *ast.parse(source).body], [])}


def modules_of(sentences: Iterable[str]) -> set[str]:
    return {sentence.partition(":")[0] for sentence in sentences}


def test_every_module_lies_in_a_room() -> None:
    assert house.without_room(TREES) == []
    assert "dlatrack.utils" in house.without_room(planted("dlatrack.utils.misc", ""))


def test_imports_run_one_way() -> None:
    assert house.upward(TREES) == []


@pytest.mark.parametrize(
    ("module", "source", "wanted"),
    [
        ("dlatrack.losses.terms", "import dlatrack.training.engine", "dlatrack.training.engine"),
        ("dlatrack.files", "from dlatrack.recipes import recipe", "dlatrack.recipes"),
        ("dlatrack.studies.seeds", "def late():\n    from dlatrack import viz", "dlatrack.viz"),
        ("dlatrack.assign.dla", "from dlatrack.datasets import sequence", "dlatrack.datasets.sequence"),
        ("dlatrack.grid", "from dlatrack import OnlineTracker", "dlatrack.OnlineTracker"),
        ("dlatrack.grid", "import dlatrack", "dlatrack"),
        ("dlatrack.grid", "import dlatrack as d\nd.evaluate({}, {})\nd.__version__", "dlatrack.evaluate"),
        ("dlatrack.paper.table1", "from ..viz import style", "dlatrack.viz.style"),
        ("dlatrack.paper", "from ..viz.style import figure_style", "dlatrack.viz.style"),
        ("dlatrack.viz.style", "if TYPE_CHECKING:\n    import dlatrack.cli", "dlatrack.cli"),
    ],
)
def test_an_import_that_runs_the_other_way_is_named(module: str, source: str, wanted: str) -> None:
    (new,) = set(house.upward(planted(module, source))) - set(house.upward(TREES))
    assert re.fullmatch(rf"{re.escape(module)}:\d+ imports {re.escape(wanted)}", new)


def test_there_are_no_circles() -> None:
    assert house.circles(TREES) == []


def test_a_circle_is_named_however_long() -> None:
    first = planted("dlatrack.losses.one", "from dlatrack.losses import two")
    second = planted("dlatrack.losses.two", "def late():\n    import dlatrack.losses.three")
    third = planted("dlatrack.losses.three", "from dlatrack.losses.one import something")
    assert house.circles({**first, **second}) == []
    circle = [f"dlatrack.losses.{name}" for name in ("one", "three", "two")]
    assert house.circles({**first, **second, **third}) == [circle]


def test_what_type_checkers_alone_import_makes_no_circle() -> None:
    first = planted("dlatrack.losses.one", "import dlatrack.losses.two")
    back = "if typing.TYPE_CHECKING:\n    import dlatrack.losses.one"
    assert house.circles({**first, **planted("dlatrack.losses.two", back)}) == []
    otherwise = f"{back}\nelse:\n    import dlatrack.losses.one"
    assert len(house.circles({**first, **planted("dlatrack.losses.two", otherwise)})) == 1


def test_evaluation_does_without_torch() -> None:
    """`dlatrack.boxes` answers tensors as well as arrays, and is the one way on which torch is loaded."""
    assert {chain.split(" -> ")[-2] for chain in house.loading(TREES, ["evaluation"], "torch")} <= {
        "dlatrack.boxes"
    }
    without_boxes = {module: tree for module, tree in TREES.items() if module != "dlatrack.boxes"}
    assert house.loading(without_boxes, ["evaluation"], "torch") == []


@pytest.mark.parametrize(
    "source",
    [
        "import torch.nn",
        "def late():\n    from torch import Tensor",
        "if not TYPE_CHECKING:\n    import torch",
        "import torchvision",
        "from safetensors.torch import load_file",
        'importlib.import_module("torch")',
    ],
)
def test_torch_in_evaluation_is_named(source: str) -> None:
    (chain,) = house.loading({"dlatrack.evaluation.new": ast.parse(source)}, ["evaluation"], "torch")
    assert chain == "dlatrack.evaluation.new -> torch"


def test_torch_that_comes_by_another_module_is_named() -> None:
    trees = planted("dlatrack.evaluation.new", "from dlatrack.grid import Grid")
    assert "dlatrack.evaluation.new -> dlatrack.grid -> torch" in house.loading(
        trees, ["evaluation"], "torch"
    )


def test_rich_is_for_the_command_line_and_progress() -> None:
    allowed = ("cli", "dlatrack.progress")
    assert house.importing(TREES, "rich", outside=allowed) == []
    trees = planted("dlatrack.tuning.tune", "def late():\n    from rich.table import Table")
    assert modules_of(house.importing(trees, "rich", outside=allowed)) == {"dlatrack.tuning.tune"}


def test_commands_print_and_the_library_does_not() -> None:
    assert house.printing(TREES, outside=(*PRINTING, *PRINTING_TOO)) == []
    assert modules_of(house.printing(TREES, outside=PRINTING)) == set(PRINTING_TOO)
    for call in ("print(1)", "sys.stdout.write('1')", "typer.echo(1)"):
        trees = planted("dlatrack.studies.cost", f"def late():\n    {call}")
        new = house.printing(trees, outside=(*PRINTING, *PRINTING_TOO))
        assert modules_of(new) == {"dlatrack.studies.cost"}


def test_matplotlib_is_for_figures_and_what_stands_on_them() -> None:
    assert house.importing(TREES, *MATPLOTLIB, outside=(*DRAWING, *DRAWING_TOO)) == []
    assert modules_of(house.importing(TREES, *MATPLOTLIB, outside=DRAWING)) == set(DRAWING_TOO)
    for source in ("import matplotlib.pyplot as plt", "import seaborn", "from mpl_toolkits import mplot3d"):
        trees = planted("dlatrack.studies.cost", source)
        new = house.importing(trees, *MATPLOTLIB, outside=(*DRAWING, *DRAWING_TOO))
        assert modules_of(new) == {"dlatrack.studies.cost"}


def test_a_library_of_a_longer_name_is_another() -> None:
    trees = {"dlatrack.grid": ast.parse("import matplotlib_inline\nimport richer")}
    assert house.importing(trees, "matplotlib", outside=()) == []
    assert house.importing(trees, "rich", outside=()) == []


def test_a_public_name_has_one_meaning() -> None:
    """A command may have the name of what it runs: `dlatrack.cli` is imported by nothing else."""
    library = {module: tree for module, tree in TREES.items() if house.room(module) != "cli"}
    assert set(house.defined_twice(library)) == set(SHARED_NAMES)


def test_a_name_for_two_meanings_is_named() -> None:
    trees = planted("dlatrack.losses.new", "def evaluate(): ...\nclass _Scratch: ...\nA, _B = 1, 2")
    trees |= planted("dlatrack.assign.new", "A: int = 3\n_B = 4\nclass _Scratch: ...")
    new = {
        name: where for name, where in house.defined_twice(trees).items() if "dlatrack.losses.new" in where
    }
    assert new["A"] == ["dlatrack.losses.new", "dlatrack.assign.new"]
    assert set(new) == {"A", "evaluate"}


def test_functions_and_modules_are_short() -> None:
    assert house.long_functions(TREES, 60) == []
    lines = {path: len(path.read_text("utf-8").splitlines()) for path in (ROOT / "dlatrack").rglob("*.py")}
    assert [str(path) for path, count in lines.items() if count > 300] == []
    long = "def long():\n" + "    x = 1\n" * 60
    assert house.long_functions(planted("dlatrack.losses.new", long), 60) == [
        "dlatrack.losses.new.long has 61 lines"
    ]


def test_few_modules_lie_at_the_root_of_the_package() -> None:
    assert len(list((ROOT / "dlatrack").glob("*.py"))) <= 14


def named_in_the_tree() -> list[Path]:
    """Files and folders that the tree of CONTRIBUTING.md names, in its order, from the root of the project."""
    text = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    lines = text.partition("```text\n")[2].partition("```")[0].splitlines()
    above: list[str] = []
    found = []
    for line in lines:
        depth, odd = divmod(len(line) - len(line.lstrip()), 4)
        assert not odd, f"this line is not indented by a multiple of four: {line}"
        names = re.split(r"\s{2,}", line.strip())[0].split()
        found += [Path(*above[:depth], name) for name in names]
        above[depth:] = [names[0]]
    return found


def test_the_tree_is_the_real_one() -> None:
    named = named_in_the_tree()
    assert len(named) > 40
    assert [str(path) for path in named if not (ROOT / path).exists()] == []
    assert len(set(named)) == len(named)


def test_the_tree_leaves_out_no_part_of_the_package() -> None:
    there = {
        path.with_suffix("").relative_to(ROOT)
        for path in (ROOT / "dlatrack").iterdir()
        if (path / "__init__.py").is_file() or (path.suffix == ".py" and not path.name.startswith("__"))
    }
    missing = there - {path.with_suffix("") for path in named_in_the_tree()}
    assert sorted(".".join(path.parts) for path in missing) == []


def test_the_tree_is_in_the_order_of_imports() -> None:
    rooms = [path.name for path in named_in_the_tree() if path.parent == Path("dlatrack")]
    layers = [house.LAYER[name] for name in rooms if name in house.LAYER]
    assert layers == sorted(layers)
    assert len(layers) == len(house.LAYER) - 1, "every room but the ground, which is modules"


def tables(page: str, heading: str) -> list[list[str]]:
    """Cells of the rows of the tables below a heading of a page."""
    text = (ROOT / page).read_text(encoding="utf-8").partition(f"\n## {heading}\n")[2].partition("\n## ")[0]
    rows = [line.strip("|").split("|") for line in text.splitlines() if line.startswith("| ")]
    return [row for row in rows if len(row) == 2]


@pytest.mark.parametrize(
    ("page", "heading", "column"),
    [("CONTRIBUTING.md", "What is here", 0), ("CONTRIBUTING.md", "Where things go", 1)],
)
def test_what_the_tables_name_is_there(page: str, heading: str, column: int) -> None:
    """NAME and NN in a path stand for any name and number."""
    cells = " ".join(row[column] for row in tables(page, heading))
    named = [name for name in re.findall(r"`([^`\s]+)`", cells) if "/" in name]
    assert len(named) > 8
    patterns = [re.sub("NAME|NN", "*", name) for name in named]
    assert [pattern for pattern in patterns if not any(ROOT.glob(pattern))] == []


def test_the_summary_counts(tmp_path: Path) -> None:
    """Two modules that import each other, in one of two rooms."""
    for name, text in {
        "__init__.py": "",
        "files.py": "import os\n\n\nOS = os\n",
        "losses/__init__.py": "",
        "losses/one.py": "from dlatrack.losses import two\n",
        "losses/two.py": "from dlatrack.losses import one\n",
        "assign/__init__.py": '"""Rules."""\n',
    }.items():
        path = tmp_path / "dlatrack" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    assert house.summary(tmp_path) == (
        "2 rooms, 6 modules, 2 of them at the root, 7 lines, 1 circles of imports"
    )
