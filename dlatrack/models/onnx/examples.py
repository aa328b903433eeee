"""Programs without torch and dlatrack that track with exported graphs; each exported tracker comes with its own."""

from __future__ import annotations

from pathlib import Path

from dlatrack.files import write_text
from dlatrack.recipes import Recipe

#: Texts of the examples; they are no modules of the package.
_FOLDER = Path(__file__).resolve().parent / "example_files"

_BOXES = {"track_onnx.py": "track_onnx.py.txt", "decode.py": "decode_boxes.py.txt"}
_BAN = {**_BOXES, "track_onnx.cpp": "track_onnx.cpp.txt"}

#: By head the files of an example, and the texts that they are copies of; other heads have none.
_EXAMPLES: dict[str, dict[str, str]] = {
    "nano": _BAN,
    "ban": _BAN,
    "rpn": _BOXES,
    "car": {**_BOXES, "decode.py": "decode_car.py.txt"},
}


def example_files(head: str) -> tuple[str, ...]:
    """Names of the files of the example for trackers with a head; empty if there is none."""
    return tuple(_EXAMPLES.get(head, {}))


def write_example(folder: Path, recipe: Recipe) -> None:
    """Write the example for a tracker beside its graphs, if there is one for its head.

    Raises:
        InputError: when a file cannot be written.
    """
    net = recipe.net
    numbers: dict[str, float] = {
        "template_size": net.template_size,
        "search_size": net.online_search_size,
        "stride": net.stride,
    }
    if (online := recipe.online.get("OTB100")) is not None:
        numbers |= {name: getattr(online, name) for name in ("penalty_k", "window_influence", "rate")}
    for name, source in _EXAMPLES.get(net.head, {}).items():
        text = (_FOLDER / source).read_text(encoding="utf-8")
        for entry, value in numbers.items():
            text = text.replace("{{" + entry + "}}", repr(value))
        write_text(folder / name, text)
