"""The rooms of the package and the imports between them, read from the syntax trees of its modules.

A room is a package directly below `dlatrack`; the modules beside them are the ground. `python tests/house.py` prints
how many there are.
"""

from __future__ import annotations

import ast
from collections.abc import Collection, Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

import networkx

#: The rooms from the ground up. A module imports from its own room and from those on earlier lines; rooms on one line
#: do not import each other.
LAYERS = (
    ("ground",),
    ("structured",),
    ("recipes",),
    ("assign", "datasets"),
    ("evaluation", "models"),
    ("losses", "sampling"),
    ("training", "pixels"),
    ("tracking",),
    ("adapters", "bench", "tuning"),
    ("paper",),
    ("studies",),
    ("viz",),
    ("ledger",),
    ("notebooks",),
    ("cli",),
)
#: Modules beside the rooms; the version is a name of `dlatrack` itself.
GROUND = (
    *("errors", "boxes", "grid", "paths", "files", "progress"),
    *("memory", "version", "devices", "provenance", "processes", "imagery", "__version__"),
)
#: The public names and the start of the command: they stand in no room and may import from every one.
DOORS = ("dlatrack", "dlatrack.__main__")
#: Functions that print.
PRINTERS = ("print", "builtins.print", "sys.stdout.write", "sys.stderr.write", "typer.echo")
#: Libraries that load torch.
TORCH = ("torch", "torchvision", "safetensors.torch")
LAYER = {room: number for number, layer in enumerate(LAYERS) for room in layer}


class Import(NamedTuple):
    """One import: its module and line, the dotted name it asks for, and whether only type checkers see it."""

    module: str
    line: int
    wanted: str
    typing_only: bool


def modules(root: Path) -> dict[str, ast.Module]:
    """Syntax tree of every module of the package below `root`, by dotted name."""
    found = {}
    for path in sorted((root / "dlatrack").rglob("*.py")):
        parts = path.relative_to(root).with_suffix("").parts
        found[".".join(parts).removesuffix(".__init__")] = ast.parse(path.read_text(encoding="utf-8"))
    return found


def imports(trees: Mapping[str, ast.Module]) -> Iterator[Import]:
    """All imports, those inside functions and by `import_module` too, each resolved to a module if the name is one.

    A public name that is asked for at the door, as in `from dlatrack import evaluate`, stays `dlatrack.evaluate`.
    """
    for module, tree in trees.items():
        guarded = {
            id(node)
            for branch in ast.walk(tree)
            if isinstance(branch, ast.If)
            and ast.unparse(branch.test) in ("TYPE_CHECKING", "typing.TYPE_CHECKING")
            for statement in branch.body
            for node in ast.walk(statement)
        }
        for node in ast.walk(tree):
            if isinstance(node, ast.Import):
                wanted = [name for alias in node.names for name in _asked_for(alias, tree)]
            elif isinstance(node, ast.ImportFrom):
                base = _absolute(module, node, trees)
                wanted = [
                    name if (name := f"{base}.{alias.name}") in trees or base == "dlatrack" else base
                    for alias in node.names
                ]
            elif isinstance(node, ast.Call) and ast.unparse(node.func).endswith("import_module"):
                wanted = [part.value for part in node.args[:1] if isinstance(part, ast.Constant)]
            else:
                continue
            for name in dict.fromkeys(wanted):
                yield Import(module, node.lineno, name, id(node) in guarded)


def _asked_for(alias: ast.alias, tree: ast.Module) -> list[str]:
    """What `import ...` names; for `import dlatrack` alone, the public names that the module then uses."""
    if alias.name != "dlatrack":
        return [alias.name]
    used = {
        f"dlatrack.{node.attr}"
        for node in ast.walk(tree)
        if isinstance(node, ast.Attribute)
        and isinstance(node.value, ast.Name)
        and node.value.id == (alias.asname or alias.name)
    }
    return sorted(used) or [alias.name]


def _absolute(module: str, node: ast.ImportFrom, trees: Mapping[str, ast.Module]) -> str:
    """The dotted name that `from ... import` names, also where it is relative."""
    if not node.level:
        return node.module or ""
    is_package = any(other.startswith(f"{module}.") for other in trees)
    parts = module.split(".")
    parts = parts[: len(parts) - node.level + is_package]
    return ".".join([*parts, *([node.module] if node.module else [])])


def room(module: str) -> str:
    """The room that a module of the package is in; empty for the doors, and unknown rooms by their own name."""
    if module in DOORS:
        return ""
    name = module.split(".")[1]
    return "ground" if name in GROUND else name


def without_room(trees: Mapping[str, ast.Module]) -> list[str]:
    """Modules and packages directly below `dlatrack` that are no room and no ground."""
    return sorted({f"dlatrack.{name}" for module in trees if (name := room(module)) and name not in LAYER})


def upward(trees: Mapping[str, ast.Module]) -> list[str]:
    """Every import that runs to a higher layer or to another room of the same layer, as a sentence.

    The public names of `dlatrack` count as the top, because asking for one may load anything.
    """
    wrong = []
    for statement in imports(trees):
        if statement.wanted.split(".")[0] != "dlatrack" or statement.module in DOORS:
            continue
        here, there = room(statement.module), room(statement.wanted)
        if here != there and LAYER.get(there, len(LAYERS)) >= LAYER.get(here, -1):
            wrong.append(f"{statement.module}:{statement.line} imports {statement.wanted}")
    return wrong


def circles(trees: Mapping[str, ast.Module]) -> list[list[str]]:
    """Groups of modules that import each other, directly or through others.

    What type checkers alone import does not count, because nothing is loaded. A package's `__init__.py` counts where
    it is named.
    """
    graph = networkx.DiGraph(
        (statement.module, statement.wanted)
        for statement in imports(trees)
        if statement.wanted in trees and statement.wanted != statement.module and not statement.typing_only
    )
    groups = networkx.strongly_connected_components(graph)
    return sorted(sorted(group) for group in groups if len(group) > 1)


def importing(trees: Mapping[str, ast.Module], *libraries: str, outside: Collection[str]) -> list[str]:
    """Modules that import a library (or anything below it) and are neither named in `outside` nor in a room there."""
    starts = tuple(f"{library}." for library in libraries)
    return [
        f"{statement.module}:{statement.line} imports {statement.wanted}"
        for statement in imports(trees)
        if f"{statement.wanted}.".startswith(starts) and not _among(statement.module, outside)
    ]


def printing(trees: Mapping[str, ast.Module], *, outside: Collection[str]) -> list[str]:
    """Calls that print, in modules that are neither named in `outside` nor in a room there."""
    return [
        f"{module}:{node.lineno} prints"
        for module, tree in trees.items()
        if not _among(module, outside)
        for node in ast.walk(tree)
        if isinstance(node, ast.Call) and ast.unparse(node.func) in PRINTERS
    ]


def _among(module: str, places: Collection[str]) -> bool:
    return module in places or room(module) in places


def loading(trees: Mapping[str, ast.Module], rooms: Collection[str], library: str) -> list[str]:
    """Modules of some rooms that load a library, themselves or through modules of the package, as a sentence.

    What runs inside functions counts: a call loads it. The packages above an imported module are loaded with it.
    """
    edges: dict[str, set[str]] = {module: set() for module in trees}
    for statement in imports(trees):
        if statement.typing_only:
            continue
        parts = statement.wanted.split(".")
        loads = library == "torch" and f"{statement.wanted}.".startswith(tuple(f"{name}." for name in TORCH))
        edges[statement.module].add(library if loads or parts[0] == library else statement.wanted)
        edges[statement.module].update(".".join(parts[:n]) for n in range(2, len(parts)))
    graph = networkx.DiGraph((module, wanted) for module, names in edges.items() for wanted in names)
    if library not in graph:
        return []
    return [
        " -> ".join(networkx.shortest_path(graph, module, library))
        for module in trees
        if room(module) in rooms and module in graph and networkx.has_path(graph, module, library)
    ]


def defined_twice(trees: Mapping[str, ast.Module]) -> dict[str, list[str]]:
    """Public names that several modules define at their top level, each with those modules."""
    homes: dict[str, list[str]] = {}
    for module, tree in trees.items():
        for name in dict.fromkeys(_defined(tree)):
            homes.setdefault(name, []).append(module)
    return {name: where for name, where in homes.items() if len(where) > 1 and not name.startswith("_")}


def _defined(tree: ast.Module) -> Iterator[str]:
    """Functions, classes and constants at the top level of a module."""
    for node in tree.body:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            yield node.name
        elif isinstance(node, ast.Assign | ast.AnnAssign):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            yield from (
                part.id for target in targets for part in ast.walk(target) if isinstance(part, ast.Name)
            )


def long_functions(trees: Mapping[str, ast.Module], most: int) -> list[str]:
    """Functions and methods of more than `most` lines, their signature and docstring included."""
    return [
        f"{module}.{node.name} has {length} lines"
        for module, tree in trees.items()
        for node in ast.walk(tree)
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        and (length := (node.end_lineno or 0) - _first_line(node) + 1) > most
    ]


def _first_line(node: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    """The line of a function's first decorator, or of its `def`."""
    return min([node.lineno, *(decorator.lineno for decorator in node.decorator_list)])


def summary(root: Path) -> str:
    """Numbers of rooms, modules, lines, modules at the root of the package, and circles, in one line."""
    trees = modules(root)
    files = list((root / "dlatrack").rglob("*.py"))
    lines = sum(len(path.read_text(encoding="utf-8").splitlines()) for path in files)
    rooms = {name for module in trees if (name := room(module))} - {"ground"}
    at_root = len(list((root / "dlatrack").glob("*.py")))
    return (
        f"{len(rooms)} rooms, {len(files)} modules, {at_root} of them at the root, {lines} lines, "
        f"{len(circles(trees))} circles of imports"
    )


if __name__ == "__main__":
    print(summary(Path(__file__).parents[1]))
