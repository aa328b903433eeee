"""Files of safetensors and `torch.save`: writing, and reading of any origin without running code from them."""

from __future__ import annotations

import errno
import re
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors import safe_open
from safetensors.torch import save
from torch import Tensor

from dlatrack.errors import InputError
from dlatrack.files import atomic_path
from dlatrack.memory import check_memory

# Learning rates of the public trainers are NumPy numbers, so their training checkpoints hold a few. Both
# spellings occur: NumPy 2 moved the module. The constructors of scalars and arrays and their types run no code from
# the file; arrays of objects stay unread, as the type of such arrays is not among these.
_SCALAR, _ARRAY = np.float64(0).__reduce__()[0], np.zeros(()).__reduce__()[0]
_NUMPY_NUMBERS: list[Any] = [
    (_SCALAR, "numpy.core.multiarray.scalar"),
    (_SCALAR, "numpy._core.multiarray.scalar"),
    (_ARRAY, "numpy.core.multiarray._reconstruct"),
    (_ARRAY, "numpy._core.multiarray._reconstruct"),
    np.ndarray,
    np.dtype,
    *{type(np.dtype(code)) for code in "?" + np.typecodes["AllInteger"] + np.typecodes["AllFloat"] + "USMm"},
]

#: Start of the pointer that Git leaves in place of a large file that was not fetched.
_GIT_LFS = b"version https://git-lfs.github.com/spec/"

#: Zip files, and pickles of torch before 1.6.
_TORCH_STARTS = (b"PK\x03\x04", b"\x80")

#: The same, told from damaged safetensors files: these begin with the length of their header, whose first byte may be
#: 0x80, too.
_TORCH_BEFORE_SAFETENSORS = (b"PK\x03\x04", b"\x80\x02\x8a")

#: The name of a type or function in torch's refusal to unpickle it.
_PYTHON_OBJECT = re.compile(r"GLOBAL ([\w.]+) was not an allowed global|but got <class '([\w.]+)'>")


def write_safetensors(path: str | Path, tensors: Mapping[str, Tensor], metadata: dict[str, str]) -> None:
    """Write tensors of any device and memory format, whole or not at all.

    Raises:
        InputError: when the file cannot be written.
    """
    stored = {name: value.detach().cpu().contiguous() for name, value in tensors.items()}
    with atomic_path(path) as temporary:
        temporary.write_bytes(save(stored, metadata=metadata))


def read_safetensors(path: str | Path) -> tuple[dict[str, Tensor], dict[str, str]]:
    """Read a safetensors file.

    Returns:
        The tensors by name, on the CPU, and the metadata of the file (empty when it has none).

    Raises:
        InputError: when the file is missing, truncated or of another kind, naming it.
    """
    with _opened(path) as file:
        return {name: file.get_tensor(name) for name in list(file.keys())}, file.metadata() or {}


def read_metadata(path: str | Path) -> dict[str, str]:
    """Read the metadata of a safetensors file alone, empty when it has none.

    Raises:
        InputError: as `read_safetensors`.
    """
    with _opened(path) as file:
        return file.metadata() or {}


@contextmanager
def _opened(path: str | Path) -> Iterator[Any]:
    """Open a safetensors file; an error inside the block becomes an InputError that names the file."""
    try:
        with safe_open(path, framework="pt", device="cpu") as file:
            yield file
    except OSError as error:
        check_memory(error, f"reading {path}")
        raise InputError(f"cannot read {path}: {_one_line(error)}") from error
    except Exception as error:  # SafetensorError, or torch's own for a kind of number that it does not have
        check_memory(error, f"reading {path}")
        reason = (
            _other_content(path)
            or _torch_content(path)
            or f"is not a complete safetensors file: {_one_line(error)}"
        )
        raise InputError(f"{path} {reason}") from error


def read_torch(path: str | Path) -> Any:
    """Read a file written by `torch.save`, without running any code it may hold.

    Raises:
        InputError: when the file is missing, truncated, of another kind, or holds more than tensors, numbers,
            arrays and containers of them.
    """
    try:
        with torch.serialization.safe_globals(_NUMPY_NUMBERS), warnings.catch_warnings():
            warnings.simplefilter("ignore")  # torch warns at length of damaged files before it raises
            return torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # a damaged zip or pickle stream raises nearly anything
        check_memory(error, f"reading {path}")
        # In a truncated zip file torch seeks to before the start, for which the system reports an invalid argument.
        if isinstance(error, OSError) and error.errno != errno.EINVAL:
            raise InputError(f"cannot read {path}: {error.strerror or _one_line(error)}") from error
        raise InputError(f"{path} {_fault(path, error)}") from error


def _fault(path: str | Path, error: Exception) -> str:
    """Describe the fault of a file that torch does not read; its own messages are paragraphs, or only a number."""
    found = _PYTHON_OBJECT.search(str(error))
    if found is not None:
        name = found[1] or found[2]
        return f"is not a checkpoint of plain tensors: it holds the Python object {name}, and is not read for safety"
    return (
        _other_content(path, _TORCH_STARTS)
        or "is not a complete PyTorch checkpoint: it is damaged, cut short or not as torch.save writes by default"
    )


def _other_content(path: str | Path, starts: tuple[bytes, ...] = (b"",)) -> str:
    """Describe a file that does not begin as it must; "" if it does."""
    with open(path, "rb") as file:
        head = file.read(len(_GIT_LFS))
    if not head:
        return "is empty"
    if head == _GIT_LFS:
        return "is a Git LFS pointer; fetch the file itself with git lfs pull"
    return "" if head.startswith(starts) else "is no file of torch.save"


def _torch_content(path: str | Path) -> str:
    """Describe a file of `torch.save` where one of safetensors is needed; "" if it is none."""
    with open(path, "rb") as file:
        if not file.read(4).startswith(_TORCH_BEFORE_SAFETENSORS):
            return ""
    return "is a PyTorch checkpoint and no safetensors file; import it first with dlatrack weights import"


def _one_line(error: Exception) -> str:
    text = " ".join(str(error).split())
    return text or type(error).__name__
