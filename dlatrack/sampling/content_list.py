"""`content.json`: hashes of the parts of training data, so that an error message can name the part that has changed.

One hash of everything (`CropSource.digest`) decides whether data have changed; this file shows which parts.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

from dlatrack.errors import InputError
from dlatrack.files import remove_leftovers, write_text
from dlatrack.structured.json_files import read_json_object

#: Name of the file in the folder of a pack or a training run.
CONTENT = "content.json"


def write_content(folder: Path, content: Mapping[str, str]) -> None:
    """Write the hashes of `CropSource.content`, unless the file has the same ones.

    Raises:
        InputError: if the file cannot be written.
    """
    path, text = folder / CONTENT, json.dumps(content, indent=0) + "\n"
    if not path.exists() or path.read_bytes() != text.encode():
        remove_leftovers(path)
        write_text(path, text)


def changed_parts(folder: Path, content: Mapping[str, str]) -> list[str]:
    """Names of the parts whose hashes differ from the recorded ones, e.g. "images of dog/%08d.jpg".

    Args:
        folder: folder of the file.
        content: current hashes, as `CropSource.content`.

    Returns:
        The names; none if the file is missing or damaged.
    """
    try:
        recorded = read_json_object(folder / CONTENT)
    except InputError:
        return []
    return [name for name in {**content, **recorded} if recorded.get(name) != content.get(name)]
