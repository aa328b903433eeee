"""`content.json`: hashes of the parts of training data, so that a refusal can name the part that has changed.

Whether data have changed is decided by one hash of all (`CropSource.digest`); this file says which parts.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

from dlatrack.files import remove_leftovers, write_text

#: Name of the file in the folder of a pack or a training run.
CONTENT = "content.json"


def write_content(folder: Path, content: Mapping[str, str]) -> None:
    """Write hashes by the name of what they are of, as `CropSource.content`, unless the file says the same.

    Raises:
        InputError: if the file cannot be written.
    """
    path, text = folder / CONTENT, json.dumps(content, indent=0) + "\n"
    if not path.exists() or path.read_bytes() != text.encode():
        remove_leftovers(path)
        write_text(path, text)


def changed_parts(folder: Path, content: Mapping[str, str]) -> list[str]:
    """The parts of the data that are not as the file says, e.g. "images of dog/%08d.jpg".

    Args:
        folder: that holds the file.
        content: of the data now, as `CropSource.content`.

    Returns:
        Their names; none if the file is missing or damaged, so that nothing is known.
    """
    try:
        found = json.loads((folder / CONTENT).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return []
    if not isinstance(found, dict):
        return []
    names = dict.fromkeys([*content, *found])
    return [name for name in names if found.get(name) != content.get(name)]
