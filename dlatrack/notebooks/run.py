"""Run a notebook of this project headless, after checking its parameters."""

from __future__ import annotations

import ast
import logging
import re
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from dlatrack import paths
from dlatrack.errors import InputError, NotEnoughMemoryError
from dlatrack.files import check_writable, owned_file
from dlatrack.memory import amount_of, process_limit, shortage
from dlatrack.notebooks.jupyter_files import connection_of, written_whole
from dlatrack.notebooks.parameters import read_injected, read_value
from dlatrack.studies.presets import sizes

#: The kernel that the notebooks name.
_KERNEL = "python3"

#: Advice where memory is short.
_SMALLER = "the preset smoke needs least, and smaller parameters less than the preset's"

#: Memory in which a kernel works, bytes; with less it may stand still and not say why.
_LEAST = 7.5e8

#: What papermill injects on its own with --inject-paths and the like.
_PAPERMILL = ("PAPERMILL_INPUT_PATH", "PAPERMILL_OUTPUT_PATH")

#: Largest parameter `seed`: synthetic videos take a thousand seeds for each, and a seed of theirs has 32 bits.
_LARGEST_SEED = 1_000_000


class NotebookError(RuntimeError):
    """A notebook that stopped before its end; one line with the error and the output's path."""


def run_notebook(
    number_or_name: int | str,
    *,
    preset: str | None = None,
    parameters: Mapping[str, Any] | None = None,
    output: Path | None = None,
    timeout: int | None = None,
) -> Path:
    """Run a notebook into a copy with outputs; the source stays untouched.

    What its cells print appears on standard output while they run.

    Args:
        number_or_name: 3, "03", "train_dla_siamcar" or "03_train_dla_siamcar".
        preset: "smoke", "demo" or "paper"; None: the notebook's own default.
        parameters: values by name, each of the type that the notebook's parameters cell declares, or text
            that reads as that type, as it comes from a command line.
        output: file to write; None: the notebook's name in `paths.runs_dir()`. Its folder is created.
        timeout: seconds that one cell may take; None: no limit.

    Returns:
        The path of the output, which is also printed, as is where figures go.

    Raises:
        InputError: for a notebook, parameter, value, preset or output that is not allowed, saying what is, for a run
            of the same notebook that writes to the same place, and for bad input that a cell finds.
        NotEnoughMemoryError: when memory is short in a cell.
        NotebookError: when a cell fails, with the last line of its error; the output shows the rest.
    """
    source = find_notebook(number_or_name)
    values = dict(parameters or {})
    if preset is not None:
        if values.get("preset", preset) != preset:
            raise InputError(f"preset is given twice, as {preset!r} and as {values['preset']!r}")
        values["preset"] = preset
    values = check_parameters(source, values)
    if _KERNEL not in kernels():
        raise InputError(
            f"there is no Jupyter kernel {_KERNEL!r}; python -m ipykernel install --sys-prefix makes it"
        )
    if (limit := process_limit()) is not None and limit < _LEAST:
        raise NotEnoughMemoryError(
            f"out of memory for {source.name}: about {amount_of(_LEAST)} are needed, {amount_of(limit)} are there"
        )
    target = _check_output(paths.runs_dir() / source.name if output is None else Path(output), source)
    figures = paths.figures_dir()
    print(f"running {source.name}; its figures and tables go to {figures}", flush=True)
    if values.get("preset") == "smoke" and paths.data_dir() is not None and not values.get("data"):
        print("the preset smoke runs on small synthetic data and ignores DLATRACK_DATA", flush=True)
    its_figures = owned_file(
        figures / source.name,
        what=f"{figures}, where {source.name} puts its figures,",
        otherwise="set DLATRACK_FIGURES to another folder",
    )
    with owned_file(target), its_figures:
        _execute(source, target, values, timeout)
    print(f"notebook written to {target}")
    return target


def _execute(source: Path, target: Path, values: Mapping[str, Any], timeout: int | None) -> None:
    """Run a notebook with checked parameters; errors as in `run_notebook`."""
    import papermill
    from nbclient.exceptions import CellTimeoutError, DeadKernelError
    from papermill.exceptions import PapermillExecutionError

    stopped, see = f"{source.name} stopped", f"(see {target})"
    try:
        with _quiet(), written_whole(target):
            papermill.execute_notebook(
                _unformatted(source),
                _unformatted(target),
                values,
                progress_bar=False,
                execution_timeout=timeout,
                config=connection_of(target),
                stdout_file=sys.stdout,  # what cells print, as they print it
                extra_arguments=["--IPKernelApp.log_level=50"],  # it reports its own orderly end as an error
            )
    except PapermillExecutionError as error:
        reason = _last_line(error.evalue)
        if error.ename == InputError.__name__:
            raise InputError(f"{source.name}: {reason}") from error
        if error.ename == NotEnoughMemoryError.__name__:
            raise NotEnoughMemoryError(f"{source.name}: {reason}") from error
        asked = shortage(error.ename, error.evalue)
        if error.ename == "CellExecutionError" and process_limit() is not None:
            asked = ""  # papermill's word for a cell whose error the kernel could not send
        if asked is not None:
            more = f": {asked} more could not be had" if asked else ""
            raise NotEnoughMemoryError(
                f"{source.name} ran out of memory at In [{error.exec_count}]{more} {see}", _SMALLER
            ) from error
        raise NotebookError(f"{stopped} at In [{error.exec_count}]: {error.ename}: {reason} {see}") from error
    except CellTimeoutError as error:
        raise NotebookError(f"{stopped}: a cell took longer than {timeout} s {see}") from error
    except OSError as error:  # of papermill or Jupyter; that of a cell is a PapermillExecutionError
        raise NotebookError(f"{stopped}: {error}; its output is {target}") from error
    except DeadKernelError as error:
        if (limit := process_limit()) is not None:
            raise NotEnoughMemoryError(
                f"{stopped}: its kernel died under a limit of {amount_of(limit)} {see}", _SMALLER
            ) from error
        raise NotebookError(
            f"{stopped}: its kernel died, often for lack of memory; {_SMALLER} {see}"
        ) from error


def kernels() -> list[str]:
    """Names of the Jupyter kernels of this user, in alphabetical order.

    Raises:
        InputError: if there is no home folder, or Jupyter cannot keep its files there.
    """
    from jupyter_client.kernelspec import KernelSpecManager

    advice = "set HOME to a folder that you can write"
    try:
        return sorted(KernelSpecManager().find_kernel_specs())
    except RuntimeError as error:
        raise InputError(f"there is no home folder, where Jupyter keeps its files; {advice}") from error
    except OSError as error:
        place = error.filename or "the home folder"
        raise InputError(
            f"Jupyter cannot keep its files in {place}: {error.strerror or error}; {advice}"
        ) from error


def find_notebook(number_or_name: int | str) -> Path:
    """Path of the notebook with this number, name, or both.

    Raises:
        InputError: naming the notebooks that exist.
    """
    known = {path.stem: path for path in paths.notebook_files()}
    wanted = str(number_or_name).removesuffix(".ipynb")
    for stem, path in known.items():
        number, _, name = stem.partition("_")
        if wanted in (stem, name) or re.fullmatch(f"0*{int(number)}", wanted):
            return path
    listed = ", ".join(known) or f"none in {paths.notebooks_dir()}"
    raise InputError(f"there is no notebook {wanted!r}; the notebooks are: {listed}")


def check_parameters(notebook: Path, values: Mapping[str, Any]) -> dict[str, Any]:
    """Values of the types that a notebook's parameters cell declares; text is read as the declared type.

    Raises:
        InputError: naming the parameter, its value and what is allowed.
    """
    import papermill

    with _quiet():
        known = papermill.inspect_notebook(_unformatted(notebook))
    types = {name: entry["inferred_type_name"] for name, entry in known.items()}
    return _checked(values, types, notebook.name)


def check_injected(namespace: Mapping[str, Any]) -> None:
    """Check what papermill itself has put into a notebook: it only warns of a name that the notebook does not have.

    Called in a notebook, after its parameters cell.

    Args:
        namespace: the kernel's `globals()`. Where papermill injected nothing, nothing is checked.

    Raises:
        InputError: as `check_parameters`.
    """
    types: dict[str, str] = {}
    for cell in namespace.get("In", ()):
        try:
            statements = ast.parse(cell).body
        except SyntaxError:  # magics
            continue
        if cell.startswith("# Parameters\n"):  # papermill's own first line
            values = {
                target.id: read_injected(statement.value)
                for statement in statements
                if isinstance(statement, ast.Assign)
                for target in statement.targets
                if isinstance(target, ast.Name) and target.id not in _PAPERMILL
            }
            checked = _checked(values, types, "this notebook")
            for name, value in values.items():
                if isinstance(value, str) and not isinstance(checked[name], str):
                    raise InputError(
                        f"parameter {name} of this notebook must be {types[name]}, got the text {value!r}; "
                        f"papermill takes such a value as -y '{name}: {value}'"
                    )
        types |= {
            statement.target.id: ast.unparse(statement.annotation)
            for statement in statements
            if isinstance(statement, ast.AnnAssign) and isinstance(statement.target, ast.Name)
        }


def _checked(values: Mapping[str, Any], types: Mapping[str, str], notebook: str) -> dict[str, Any]:
    """`values` as their declared `types`."""
    checked = {}
    for name, value in values.items():
        if name not in types:
            takes = ", ".join(types) if types else "no parameters"
            raise InputError(f"{notebook} has no parameter {name!r}; it takes {takes}")
        checked[name] = read_value(value, types[name], f"parameter {name} of {notebook}")
        try:
            str(value).encode()
        except UnicodeEncodeError:
            raise InputError(
                f"parameter {name} of {notebook} is {value!r}, which is not UTF-8 and no notebook can hold; "
                f"rename the file, or give a link to it"
            ) from None
    if not 0 <= checked.get("seed", 0) <= _LARGEST_SEED:
        raise InputError(f"seed must be in 0..{_LARGEST_SEED}, got {checked['seed']}")
    if "preset" in checked:
        sizes(checked["preset"])
    return checked


def _check_output(output: Path, source: Path) -> Path:
    """The output's absolute path, its folder made; never a file beside the sources."""
    output = output.absolute()
    if output.suffix != ".ipynb":
        raise InputError(f"the output of a notebook must end in .ipynb, got {output}")
    if output.resolve().parent == source.resolve().parent:
        raise InputError(f"the output {output} would lie among the source notebooks; choose another folder")
    try:
        output.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(f"cannot make the folder {output.parent}: {error.strerror or error}") from error
    if output.is_dir():
        raise InputError(f"the output {output} is a folder; name a file that ends in .ipynb")
    check_writable(output)
    return output


def _unformatted(path: Path) -> str:
    """A path for papermill, which takes braces for the names of parameters and would fill in their values."""
    return str(path).replace("{", "{{").replace("}", "}}")


def _last_line(text: str) -> str:
    lines = [line for line in re.sub(r"\x1b\[[0-9;]*m", "", text).splitlines() if line.strip()]
    return lines[-1].strip() if lines else ""


@contextmanager
def _quiet() -> Iterator[None]:
    """Keep papermill's remarks out of our output; failures still arrive as exceptions."""
    logger = logging.getLogger("papermill")
    level = logger.level
    logger.setLevel(logging.ERROR)
    try:
        yield
    finally:
        logger.setLevel(level)
